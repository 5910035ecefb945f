/* SPDX-License-Identifier: Apache-2.0 */
#include "session/names.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/file.h"

enum { LOOK_MS = 100, RECONNECT_MS = 300 };

/* A ticket is round * NAMES_OPEN_MAX + slot, rounds counted from 1, no two alike. */
struct question {
	uint64_t ticket; /* 0: the slot is free */
	uint8_t address[16];
	int64_t give_up_ms;
	bool is_sent;
	names_told *told;
	void *context;
};

struct names {
	struct role_client role;
	pthread_t thread;
	int wake_fd;
	int64_t reconnect_ms; /* the thread's */
	pthread_mutex_t lock;
	/* All below under the lock; the channel is opened and closed by the thread alone. */
	struct channel channel;
	bool is_ending;
	uint64_t round;
	size_t open_count;
	struct question questions[NAMES_OPEN_MAX];
};

bool names_are_worth_asking(const uint8_t address[16])
{
	static const uint8_t own[2][16] = {{[15] = 1},
					   {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1}};

	return memcmp(address, own[0], 16) != 0 && memcmp(address, own[1], 16) != 0;
}

static void question_answer(struct names *names, struct question *question, enum fault fault,
			    struct str found)
{
	question->ticket = 0;
	names->open_count--;
	question->told(question->context, fault, found);
}

static void question_send(struct names *names, struct question *question)
{
	struct msg_peer_name_wanted wanted = {.address = str_make(question->address, 16)};

	question->is_sent = channel_send(&names->channel, MSG_peer_name_wanted, question->ticket,
					 &wanted) == FAULT_NONE;
}

/* ---- the thread ---- */

static void answer_deliver(struct names *names, const struct packet *packet)
{
	const struct msg_peer_name_given *given = &packet->message.peer_name_given;
	struct question *question = &names->questions[packet->header.id % NAMES_OPEN_MAX];
	enum fault fault = fault_from_number(given->fault);

	pthread_mutex_lock(&names->lock);
	if (packet->header.id != 0 && question->ticket == packet->header.id)
		question_answer(names, question, fault, given->names);
	pthread_mutex_unlock(&names->lock);
}

/* The role has gone: the next one is asked again. */
static void channel_lose(struct names *names)
{
	pthread_mutex_lock(&names->lock);
	channel_close(&names->channel);
	for (size_t i = 0; i < NAMES_OPEN_MAX; i++)
		names->questions[i].is_sent = false;
	pthread_mutex_unlock(&names->lock);
}

static void answers_read(struct names *names, struct packet *packet)
{
	enum fault fault;

	while ((fault = channel_receive(&names->channel, packet)) == FAULT_NONE)
		if (packet->header.kind == MSG_peer_name_given)
			answer_deliver(names, packet);
	if (fault != FAULT_BUSY)
		channel_lose(names);
}

static void channel_gain(struct names *names)
{
	struct channel channel;

	if (clock_mono_ms() < names->reconnect_ms)
		return;
	names->reconnect_ms = clock_mono_ms() + RECONNECT_MS;
	if (role_client_open(&names->role, &channel) != FAULT_NONE)
		return;
	fd_set_nonblocking(channel.fd);
	pthread_mutex_lock(&names->lock);
	names->channel = channel;
	pthread_mutex_unlock(&names->lock);
}

/* Sends what waits for the role, and answers what it has left without an answer. */
static void questions_look(struct names *names)
{
	int64_t now = clock_mono_ms();

	pthread_mutex_lock(&names->lock);
	for (size_t i = 0; i < NAMES_OPEN_MAX && names->open_count > 0; i++) {
		struct question *question = &names->questions[i];
		if (question->ticket == 0)
			continue;
		if (question->give_up_ms <= now || names->is_ending)
			question_answer(names, question, FAULT_UNAVAILABLE, STR(""));
		else if (!question->is_sent && names->channel.fd >= 0)
			question_send(names, question);
	}
	pthread_mutex_unlock(&names->lock);
}

/* Waits for an answer, a question or the end; with open questions not for long. False at the end. */
static bool names_wait(struct names *names)
{
	struct pollfd waiting[2] = {{.fd = names->wake_fd, .events = POLLIN},
				    {.fd = names->channel.fd, .events = POLLIN}};
	eventfd_t count;

	pthread_mutex_lock(&names->lock);
	int timeout_ms = names->open_count > 0 ? LOOK_MS : -1;
	bool is_ending = names->is_ending;
	pthread_mutex_unlock(&names->lock);
	if (is_ending)
		return false;
	while (poll(waiting, 2, timeout_ms) < 0)
		CHECK(errno == EINTR);
	if (waiting[0].revents != 0)
		(void)!eventfd_read(names->wake_fd, &count);
	return true;
}

static bool has_open(struct names *names)
{
	pthread_mutex_lock(&names->lock);
	bool has = names->open_count > 0;
	pthread_mutex_unlock(&names->lock);
	return has;
}

static void *names_run(void *argument)
{
	struct names *names = argument;
	struct packet packet;

	packet_init(&packet);
	while (names_wait(names)) {
		if (names->channel.fd < 0 && has_open(names))
			channel_gain(names);
		else if (names->channel.fd >= 0)
			answers_read(names, &packet);
		questions_look(names);
	}
	questions_look(names);
	packet_done(&packet);
	return NULL;
}

/* ---- the others ---- */

struct names *names_new(struct connector *connector)
{
	struct names *names = calloc(1, sizeof(*names));

	CHECK(names != NULL);
	names->channel.fd = -1;
	names->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK(names->wake_fd >= 0);
	role_client_init(&names->role, connector, ROLE_MAILQ, 0);
	CHECK(pthread_mutex_init(&names->lock, NULL) == 0);
	CHECK(pthread_create(&names->thread, NULL, names_run, names) == 0);
	return names;
}

void names_free(struct names **names)
{
	struct names *old = *names;

	*names = NULL;
	if (old == NULL)
		return;
	pthread_mutex_lock(&old->lock);
	old->is_ending = true;
	pthread_mutex_unlock(&old->lock);
	CHECK(eventfd_write(old->wake_fd, 1) == 0);
	CHECK(pthread_join(old->thread, NULL) == 0);
	channel_close(&old->channel);
	role_client_done(&old->role);
	fd_close(&old->wake_fd);
	pthread_mutex_destroy(&old->lock);
	free(old);
}

static struct question *question_open(struct names *names)
{
	/* The lowest free slot: as many are touched as questions were ever open at once. */
	for (size_t slot = 0; slot < NAMES_OPEN_MAX && !names->is_ending; slot++) {
		struct question *question = &names->questions[slot];
		if (question->ticket != 0)
			continue;
		*question =
			(struct question){.ticket = ++names->round * NAMES_OPEN_MAX + slot};
		names->open_count++;
		return question;
	}
	return NULL;
}

uint64_t names_ask(struct names *names, const uint8_t address[16], int patience_ms,
		   names_told *told, void *context)
{
	uint64_t ticket = 0;

	if (names == NULL)
		return 0;
	pthread_mutex_lock(&names->lock);
	struct question *question = question_open(names);
	if (question != NULL) {
		memcpy(question->address, address, 16);
		question->give_up_ms = clock_mono_ms() + patience_ms;
		question->told = told;
		question->context = context;
		if (names->channel.fd >= 0)
			question_send(names, question);
		ticket = question->ticket;
	}
	pthread_mutex_unlock(&names->lock);
	/* The thread counts the patience, and opens the channel when there is none. */
	if (ticket != 0)
		CHECK(eventfd_write(names->wake_fd, 1) == 0);
	return ticket;
}

void names_cancel(struct names *names, uint64_t ticket)
{
	if (names == NULL || ticket == 0)
		return;
	pthread_mutex_lock(&names->lock);
	struct question *question = &names->questions[ticket % NAMES_OPEN_MAX];
	if (question->ticket == ticket) {
		question->ticket = 0;
		names->open_count--;
	}
	pthread_mutex_unlock(&names->lock);
}
