/* SPDX-License-Identifier: Apache-2.0 */
#include "proc/broker.h"

#include "proc/role.h"

static enum fault ask(struct broker *broker, enum role role, int *fd_out)
{
	struct msg_channel_wanted wanted = {.role = role};
	struct packet packet;

	packet_init(&packet);
	enum fault fault = channel_send(&broker->channel, MSG_channel_wanted, 0, &wanted);
	if (fault == FAULT_NONE)
		fault = channel_receive(&broker->channel, &packet);
	if (fault == FAULT_UNAVAILABLE)
		/* The parent has gone, and nobody else starts a role. */
		fault = FAULT_IO;
	if (fault == FAULT_NONE && packet.header.kind != MSG_channel_given)
		fault = FAULT_INVALID;
	if (fault == FAULT_NONE)
		fault = packet.message.channel_given.fault;
	if (fault == FAULT_NONE)
		*fd_out = packet_take_fd(&packet);
	packet_done(&packet);
	return fault;
}

static enum fault broker_connect(struct connector *connector, enum role role, int *fd_out)
{
	struct broker *broker = (struct broker *)(void *)connector;

	pthread_mutex_lock(&broker->lock);
	enum fault fault = ask(broker, role, fd_out);
	pthread_mutex_unlock(&broker->lock);
	return fault;
}

enum fault broker_control(struct broker *broker, struct str author, struct str address, int *fd_out)
{
	struct msg_control_wanted wanted = {.author = author, .address = address};
	struct packet packet;

	packet_init(&packet);
	pthread_mutex_lock(&broker->lock);
	enum fault fault = channel_send(&broker->channel, MSG_control_wanted, 0, &wanted);
	if (fault == FAULT_NONE)
		fault = channel_receive(&broker->channel, &packet);
	pthread_mutex_unlock(&broker->lock);
	if (fault == FAULT_NONE && packet.header.kind != MSG_control_given)
		fault = FAULT_INVALID;
	if (fault == FAULT_NONE)
		fault = fault_from_number(packet.message.control_given.fault);
	if (fault == FAULT_NONE)
		*fd_out = packet_take_fd(&packet);
	packet_done(&packet);
	return fault;
}

enum fault broker_upload(struct broker *broker, uint64_t bytes, uint64_t *limit_out, int *fd_out)
{
	struct msg_upload_file_wanted wanted = {.bytes = bytes};
	struct packet packet;

	packet_init(&packet);
	pthread_mutex_lock(&broker->lock);
	enum fault fault = channel_send(&broker->channel, MSG_upload_file_wanted, 0, &wanted);
	if (fault == FAULT_NONE)
		fault = channel_receive(&broker->channel, &packet);
	pthread_mutex_unlock(&broker->lock);
	if (fault == FAULT_NONE && packet.header.kind != MSG_upload_file_given)
		fault = FAULT_INVALID;
	if (fault == FAULT_NONE) {
		*limit_out = packet.message.upload_file_given.limit_bytes;
		fault = fault_from_number(packet.message.upload_file_given.fault);
	}
	if (fault == FAULT_NONE)
		*fd_out = packet_take_fd(&packet);
	packet_done(&packet);
	return fault;
}

void broker_init(struct broker *broker, enum role self)
{
	broker->connector = (struct connector){.self = self, .connect = broker_connect};
	broker->channel = (struct channel){ROLE_FD_BROKER, self, ROLE_PARENT};
	CHECK(pthread_mutex_init(&broker->lock, NULL) == 0);
}

void broker_done(struct broker *broker)
{
	channel_close(&broker->channel);
	pthread_mutex_destroy(&broker->lock);
}
