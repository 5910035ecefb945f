/* SPDX-License-Identifier: Apache-2.0 */
/* The asking side: one channel, one reading thread, a table of open questions. */
#include "auth/auth.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

/* How long a question waits for a role that is being restarted. */
enum { PATIENCE_MS = 1000, RECONNECT_PAUSE_MS = 50, OPEN_MAX = 8192 };

/* How often the thread looks for questions whose time has run out. */
enum { LOOK_MS = 1000 };

/* One open question. A ticket is round * OPEN_MAX + slot, rounds counted from 1, no two alike. */
struct question {
	uint64_t ticket; /* 0: the slot is free */
	login_wake *wake;
	void *context;
	int64_t give_up_ms;
	bool is_answered;
	struct login_answer answer;
};

struct auth_client {
	struct role_client role;
	pthread_t thread;
	int stop_fd;
	pthread_mutex_t lock;
	/* All below under the lock; the channel is closed by the thread alone. */
	pthread_cond_t connected;
	struct channel channel;
	uint64_t round;
	int answer_ms;
	size_t slots_used; /* no slot at or above it was ever open */
	struct question questions[OPEN_MAX];
};

const char *login_verdict_text(enum login_verdict verdict)
{
	static const char *const texts[] = {
#define X(name, text) text,
		LOGIN_VERDICT_TABLE(X)
#undef X
	};

	CHECK(verdict < LOGIN_VERDICT_COUNT);
	return texts[verdict];
}

static struct question *question_find(struct auth_client *client, uint64_t ticket)
{
	struct question *question = &client->questions[ticket % OPEN_MAX];

	return ticket != 0 && question->ticket == ticket ? question : NULL;
}

static struct question *question_open(struct auth_client *client)
{
	/* The lowest free slot: as many are touched as questions were ever open at once. */
	for (size_t slot = 0; slot < OPEN_MAX; slot++) {
		struct question *question = &client->questions[slot];
		if (question->ticket != 0)
			continue;
		*question = (struct question){.ticket = ++client->round * OPEN_MAX + slot,
					      .give_up_ms = clock_mono_ms() + client->answer_ms};
		if (slot >= client->slots_used)
			client->slots_used = slot + 1;
		return question;
	}
	return NULL;
}

static void question_answer(struct question *question, const struct login_answer *answer)
{
	if (question->is_answered)
		return;
	question->answer = *answer;
	question->is_answered = true;
	question->wake(question->context);
}

/* False when the role says what it cannot mean. */
static bool answer_read(const struct msg_login_answered *given, struct login_answer *answer_out)
{
	if (given->fault >= FAULT_COUNT || given->verdict >= LOGIN_VERDICT_COUNT ||
	    given->message.len > sizeof(answer_out->message) ||
	    (given->seal.len != 0 && given->seal.len != sizeof(answer_out->seal)))
		return false;
	*answer_out = (struct login_answer){.fault = given->fault,
					    .verdict = given->verdict,
					    .flags = given->flags,
					    .wait_s = given->wait_s,
					    .message_len = given->message.len};
	if (given->message.len > 0)
		memcpy(answer_out->message, given->message.ptr, given->message.len);
	if (given->seal.len > 0)
		memcpy(answer_out->seal, given->seal.ptr, given->seal.len);
	return true;
}

static void answer_deliver(struct auth_client *client, const struct packet *packet)
{
	struct login_answer answer;

	if (!answer_read(&packet->message.login_answered, &answer))
		answer = (struct login_answer){.fault = FAULT_INVALID};
	pthread_mutex_lock(&client->lock);
	struct question *question = question_find(client, packet->header.id);
	if (question != NULL)
		question_answer(question, &answer);
	pthread_mutex_unlock(&client->lock);
}

/* The role has gone: closes the channel and tells everybody who waits. */
static void channel_lose(struct auth_client *client)
{
	const struct login_answer gone = {.fault = FAULT_UNAVAILABLE};

	pthread_mutex_lock(&client->lock);
	channel_close(&client->channel);
	for (size_t i = 0; i < client->slots_used; i++)
		if (client->questions[i].ticket != 0)
			question_answer(&client->questions[i], &gone);
	pthread_mutex_unlock(&client->lock);
}

/* Answers what the role has left without an answer; returns when to look again. */
static int64_t questions_look(struct auth_client *client)
{
	const struct login_answer late = {.fault = FAULT_IO};
	int64_t now = clock_mono_ms();

	pthread_mutex_lock(&client->lock);
	for (size_t i = 0; i < client->slots_used; i++)
		if (client->questions[i].ticket != 0 && client->questions[i].give_up_ms <= now)
			question_answer(&client->questions[i], &late);
	pthread_mutex_unlock(&client->lock);
	return now + LOOK_MS;
}

/* Waits for input or the end; false at the end. A descriptor of -1 is passed over. */
static bool wait_input(const struct auth_client *client, int fd, int timeout_ms)
{
	struct pollfd waiting[2] = {{.fd = client->stop_fd, .events = POLLIN},
				    {.fd = fd, .events = POLLIN}};

	while (poll(waiting, 2, timeout_ms) < 0)
		CHECK(errno == EINTR);
	return waiting[0].revents == 0;
}

static bool channel_gain(struct auth_client *client)
{
	struct channel channel;

	if (role_client_open(&client->role, &channel) != FAULT_NONE)
		return false;
	fd_set_nonblocking(channel.fd);
	pthread_mutex_lock(&client->lock);
	client->channel = channel;
	pthread_cond_broadcast(&client->connected);
	pthread_mutex_unlock(&client->lock);
	return true;
}

static int wait_ms(const struct auth_client *client, int64_t look_ms)
{
	int64_t left = look_ms - clock_mono_ms();

	return client->channel.fd < 0 || left < 0 ? 0 : (int)left;
}

static void *answers_read(void *argument)
{
	struct auth_client *client = argument;
	struct packet packet;
	int64_t look_ms = clock_mono_ms();

	packet_init(&packet);
	while (wait_input(client, client->channel.fd, wait_ms(client, look_ms))) {
		if (clock_mono_ms() >= look_ms)
			look_ms = questions_look(client);
		if (client->channel.fd < 0) {
			if (!channel_gain(client) && !wait_input(client, -1, RECONNECT_PAUSE_MS))
				break;
			continue;
		}
		enum fault fault = channel_receive(&client->channel, &packet);
		if (fault == FAULT_NONE && packet.header.kind == MSG_login_answered)
			answer_deliver(client, &packet);
		else if (fault != FAULT_BUSY)
			channel_lose(client);
	}
	packet_done(&packet);
	return NULL;
}

struct auth_client *auth_client_new(struct connector *connector)
{
	struct auth_client *client = calloc(1, sizeof(*client));
	pthread_condattr_t monotonic;

	CHECK(client != NULL);
	client->channel.fd = -1;
	client->answer_ms = AUTH_ANSWER_MS;
	client->stop_fd = eventfd(0, EFD_CLOEXEC);
	CHECK(client->stop_fd >= 0);
	role_client_init(&client->role, connector, ROLE_AUTH, 0);
	CHECK(pthread_mutex_init(&client->lock, NULL) == 0);
	CHECK(pthread_condattr_init(&monotonic) == 0);
	CHECK(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&client->connected, &monotonic) == 0);
	pthread_condattr_destroy(&monotonic);
	CHECK(pthread_create(&client->thread, NULL, answers_read, client) == 0);
	return client;
}

void auth_client_free(struct auth_client **client)
{
	struct auth_client *freed = *client;

	*client = NULL;
	if (freed == NULL)
		return;
	CHECK(eventfd_write(freed->stop_fd, 1) == 0);
	CHECK(pthread_join(freed->thread, NULL) == 0);
	channel_close(&freed->channel);
	role_client_done(&freed->role);
	fd_close(&freed->stop_fd);
	pthread_cond_destroy(&freed->connected);
	pthread_mutex_destroy(&freed->lock);
	free(freed);
}

void auth_client_set_answer_ms(struct auth_client *client, int answer_ms)
{
	pthread_mutex_lock(&client->lock);
	client->answer_ms = answer_ms;
	pthread_mutex_unlock(&client->lock);
}

/* Waits, with the lock held, until there is a channel; false when patience ends. */
static bool channel_await(struct auth_client *client)
{
	struct timespec give_up;

	clock_gettime(CLOCK_MONOTONIC, &give_up);
	give_up.tv_sec += PATIENCE_MS / 1000;
	while (client->channel.fd < 0)
		if (pthread_cond_timedwait(&client->connected, &client->lock, &give_up) != 0)
			return client->channel.fd >= 0;
	return true;
}

static enum fault scram_first_send(struct channel *channel, uint64_t ticket,
				   const struct login_question *asked)
{
	struct msg_scram_begin begin = {.account = asked->account,
					.first = asked->scram.first,
					.address = asked->address};

	return channel_send(channel, MSG_scram_begin, ticket, &begin);
}

static enum fault scram_last_send(struct channel *channel, uint64_t ticket,
				  const struct login_question *asked)
{
	struct msg_scram_finish finish = {.account = asked->account,
					  .first = asked->scram.first,
					  .challenge = asked->scram.challenge,
					  .seal = asked->scram.seal,
					  .last = asked->scram.last,
					  .binding = asked->scram.binding,
					  .address = asked->address};

	return channel_send(channel, MSG_scram_finish, ticket, &finish);
}

static enum fault password_send(struct channel *channel, uint64_t ticket,
				const struct login_question *asked)
{
	struct msg_login_check check = {
		.account = asked->account, .password = asked->password, .address = asked->address};

	return channel_send(channel, MSG_login_check, ticket, &check);
}

static enum fault certificate_send(struct channel *channel, uint64_t ticket,
				   const struct login_question *asked)
{
	struct msg_certificate_login login = {
		.account = asked->account, .found = asked->found, .address = asked->address};

	return channel_send(channel, MSG_certificate_login, ticket, &login);
}

static enum fault question_send(struct channel *channel, uint64_t ticket,
				const struct login_question *asked)
{
	switch (asked->kind) {
	case LOGIN_BY_PASSWORD:
		return password_send(channel, ticket, asked);
	case LOGIN_BY_SCRAM_FIRST:
		return scram_first_send(channel, ticket, asked);
	case LOGIN_BY_SCRAM_LAST:
		return scram_last_send(channel, ticket, asked);
	case LOGIN_BY_CERTIFICATE:
		return certificate_send(channel, ticket, asked);
	}
	return FAULT_INVALID;
}

static enum fault ask_locked(struct auth_client *client, const struct login_question *asked,
			     login_wake *wake, void *context, uint64_t *ticket_out)
{
	if (!channel_await(client))
		return FAULT_UNAVAILABLE;
	struct question *question = question_open(client);
	if (question == NULL)
		return FAULT_BUSY;
	question->wake = wake;
	question->context = context;
	/* The socket does not block: a full queue is FAULT_BUSY, and the lock is held shortly. */
	enum fault fault = question_send(&client->channel, question->ticket, asked);
	if (fault == FAULT_NONE)
		*ticket_out = question->ticket;
	else
		question->ticket = 0;
	return fault;
}

enum fault auth_client_ask(struct auth_client *client, const struct login_question *question,
			   login_wake *wake, void *context, uint64_t *ticket_out)
{
	pthread_mutex_lock(&client->lock);
	enum fault fault = ask_locked(client, question, wake, context, ticket_out);
	pthread_mutex_unlock(&client->lock);
	return fault;
}

bool auth_client_take(struct auth_client *client, uint64_t ticket, struct login_answer *answer_out)
{
	bool is_taken = false;

	pthread_mutex_lock(&client->lock);
	struct question *question = question_find(client, ticket);
	if (question != NULL && question->is_answered) {
		*answer_out = question->answer;
		question->ticket = 0;
		is_taken = true;
	}
	pthread_mutex_unlock(&client->lock);
	return is_taken;
}

void auth_client_cancel(struct auth_client *client, uint64_t ticket)
{
	pthread_mutex_lock(&client->lock);
	struct question *question = question_find(client, ticket);
	if (question != NULL)
		question->ticket = 0;
	pthread_mutex_unlock(&client->lock);
}
