/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/asker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/file.h"

/* Between two attempts to open the channel, or to send what waits for room in it. */
enum { RETRY_PAUSE_MS = 50 };

/* One open question. A ticket is round * open_max + slot, rounds counted from 1, no two alike. */
struct slot {
	uint64_t ticket; /* 0: the slot is free */
	int answer_ms;
	bool is_repeated;
	asker_wake *wake;
	asker_told *told;
	void *context;
	int64_t give_up_ms;
	bool is_sent;
	struct buf encoded; /* the question, while it may have to be sent */
	int fd;
	bool is_answered; /* `answer` stands here and was not taken */
	bool is_last;	  /* and nothing comes behind it */
	struct asker_answer answer;
};

struct asker {
	struct asker_options options;
	pthread_t thread;
	int wake_fd;
	int64_t retry_ms; /* the thread's: not before then it tries again */
	pthread_mutex_t lock;
	/* All below under the lock; the channel is opened and closed by the thread alone. */
	struct channel channel;
	bool is_ending;
	uint64_t round;
	size_t unsent;
	int64_t look_ms;   /* when the thread next looks whose time has run out */
	size_t slots_used; /* no slot at or above it was ever open */
	struct slot slots[];
};

/* ---- slots, with the lock held ---- */

static struct slot *slot_find(struct asker *asker, uint64_t ticket)
{
	struct slot *slot = &asker->slots[ticket % asker->options.open_max];

	return ticket != 0 && slot->ticket == ticket ? slot : NULL;
}

static struct slot *slot_open(struct asker *asker)
{
	/* The lowest free slot: as many are touched as questions were ever open at once. */
	for (size_t at = 0; at < asker->options.open_max && !asker->is_ending; at++) {
		struct slot *slot = &asker->slots[at];
		if (slot->ticket != 0)
			continue;
		*slot = (struct slot){.ticket = ++asker->round * asker->options.open_max + at,
				      .encoded = BUF_INIT(MESSAGE_MAX),
				      .fd = -1};
		if (at >= asker->slots_used)
			asker->slots_used = at + 1;
		asker->unsent++;
		return slot;
	}
	return NULL;
}

/* It may hold a password. */
static void encoded_forget(struct slot *slot)
{
	buf_wipe(&slot->encoded);
	fd_close(&slot->fd);
}

static void answer_drop(struct slot *slot)
{
	if (slot->is_answered && slot->answer.fault == FAULT_NONE)
		packet_done(&slot->answer.packet);
	slot->is_answered = false;
}

static void sent_set(struct asker *asker, struct slot *slot, bool is_sent)
{
	if (slot->is_sent && !is_sent)
		asker->unsent++;
	else if (!slot->is_sent && is_sent)
		asker->unsent--;
	slot->is_sent = is_sent;
}

static void slot_close(struct asker *asker, struct slot *slot)
{
	sent_set(asker, slot, true);
	encoded_forget(slot);
	answer_drop(slot);
	slot->ticket = 0;
}

static void deadline_set(struct asker *asker, struct slot *slot, int in_ms)
{
	slot->give_up_ms = in_ms > 0 ? clock_mono_ms() + in_ms : INT64_MAX;
	if (slot->give_up_ms < asker->look_ms)
		asker->look_ms = slot->give_up_ms;
}

static enum fault slot_send(struct asker *asker, struct slot *slot, int fd)
{
	if (asker->channel.fd < 0)
		return FAULT_UNAVAILABLE;
	enum fault fault = channel_send_encoded(&asker->channel, buf_str(&slot->encoded), fd);
	if (fault != FAULT_NONE)
		return fault;
	sent_set(asker, slot, true);
	if (slot->is_repeated)
		return FAULT_NONE;
	encoded_forget(slot);
	deadline_set(asker, slot, slot->answer_ms);
	return FAULT_NONE;
}

/* Hands an answer over, or leaves it to be taken; its packet is the slot's from now on. */
static void slot_answer(struct asker *asker, struct slot *slot, const struct asker_answer *answer,
			bool is_last)
{
	answer_drop(slot);
	slot->answer = *answer;
	slot->is_answered = true;
	slot->is_last = is_last;
	slot->give_up_ms = INT64_MAX;
	if (slot->told == NULL) {
		slot->wake(slot->context);
		return;
	}
	slot->told(slot->context, &slot->answer);
	answer_drop(slot);
	if (is_last)
		slot_close(asker, slot);
}

static void slot_fail(struct asker *asker, struct slot *slot, enum fault fault)
{
	struct asker_answer answer = {.fault = fault, .was_asked = slot->is_sent};

	if (slot->is_answered && slot->is_last)
		return;
	sent_set(asker, slot, true);
	encoded_forget(slot);
	slot_answer(asker, slot, &answer, true);
}

/* ---- the thread ---- */

/* Hands the packet on, which is then empty, unless nobody waits for it. */
static bool packet_deliver(struct asker *asker, struct packet *packet)
{
	enum asker_part part = asker->options.judge(packet);

	if (part == ASKER_BREACH)
		return false;
	pthread_mutex_lock(&asker->lock);
	struct slot *slot = slot_find(asker, packet->header.id);
	/* A part that was not asked for would have to be kept beside one that was not taken. */
	if (slot != NULL && slot->is_sent && !slot->is_answered) {
		struct asker_answer answer = {.was_asked = true, .packet = *packet};
		packet_init(packet);
		slot_answer(asker, slot, &answer, part == ASKER_LAST);
	}
	pthread_mutex_unlock(&asker->lock);
	return true;
}

static void slot_lose(struct asker *asker, struct slot *slot)
{
	if (!slot->is_sent)
		return;
	if (slot->is_repeated && !slot->is_answered)
		sent_set(asker, slot, false);
	else
		slot_fail(asker, slot, FAULT_UNAVAILABLE);
}

static void channel_lose(struct asker *asker)
{
	pthread_mutex_lock(&asker->lock);
	channel_close(&asker->channel);
	for (size_t at = 0; at < asker->slots_used; at++)
		if (asker->slots[at].ticket != 0)
			slot_lose(asker, &asker->slots[at]);
	pthread_mutex_unlock(&asker->lock);
}

static void answer_read(struct asker *asker, struct packet *packet)
{
	enum fault fault = channel_receive(&asker->channel, packet);

	if (fault == FAULT_BUSY || (fault == FAULT_NONE && packet_deliver(asker, packet)))
		return;
	channel_lose(asker);
}

static bool channel_gain(struct asker *asker)
{
	struct connector *connector = asker->options.connector;
	struct channel channel = {.self = connector->self, .peer = asker->options.role};

	if (connector->connect(connector, asker->options.role, &channel.fd) != FAULT_NONE)
		return false;
	fd_set_nonblocking(channel.fd);
	pthread_mutex_lock(&asker->lock);
	asker->channel = channel;
	pthread_mutex_unlock(&asker->lock);
	return true;
}

static bool has_unsent(struct asker *asker)
{
	pthread_mutex_lock(&asker->lock);
	bool has = asker->unsent > 0;
	pthread_mutex_unlock(&asker->lock);
	return has;
}

/* Sends what could not be sent when it was asked. */
static void questions_send(struct asker *asker)
{
	if (!has_unsent(asker) || clock_mono_ms() < asker->retry_ms)
		return;
	asker->retry_ms = clock_mono_ms() + RETRY_PAUSE_MS;
	if (asker->channel.fd < 0 && !channel_gain(asker))
		return;
	pthread_mutex_lock(&asker->lock);
	for (size_t at = 0; at < asker->slots_used && asker->unsent > 0; at++) {
		struct slot *slot = &asker->slots[at];
		if (slot->ticket != 0 && !slot->is_sent)
			(void)!slot_send(asker, slot, slot->fd);
	}
	pthread_mutex_unlock(&asker->lock);
}

/* Answers what the role has left without an answer. */
static void deadlines_look(struct asker *asker)
{
	int64_t now = clock_mono_ms();

	pthread_mutex_lock(&asker->lock);
	if (asker->look_ms <= now) {
		asker->look_ms = INT64_MAX;
		for (size_t at = 0; at < asker->slots_used; at++) {
			struct slot *slot = &asker->slots[at];
			if (slot->ticket == 0)
				continue;
			if (slot->give_up_ms <= now)
				slot_fail(asker, slot, slot->is_sent ? FAULT_IO : FAULT_UNAVAILABLE);
			else if (slot->give_up_ms < asker->look_ms)
				asker->look_ms = slot->give_up_ms;
		}
	}
	pthread_mutex_unlock(&asker->lock);
}

/* How long there is nothing to do unless something happens; -1: for ever. With the lock held. */
static int pause_ms(const struct asker *asker)
{
	int64_t until = asker->look_ms;

	if (asker->unsent > 0 && asker->retry_ms < until)
		until = asker->retry_ms;
	if (until == INT64_MAX)
		return -1;
	int64_t left = until - clock_mono_ms();
	return left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* Waits for an answer, a question or a time; false at the end. */
static bool asker_wait(struct asker *asker)
{
	struct pollfd waiting[2] = {{.fd = asker->wake_fd, .events = POLLIN},
				    {.fd = asker->channel.fd, .events = POLLIN}};
	eventfd_t count;

	pthread_mutex_lock(&asker->lock);
	int timeout_ms = pause_ms(asker);
	bool is_ending = asker->is_ending;
	pthread_mutex_unlock(&asker->lock);
	if (is_ending)
		return false;
	while (poll(waiting, 2, timeout_ms) < 0)
		CHECK(errno == EINTR);
	if (waiting[0].revents != 0)
		(void)!eventfd_read(asker->wake_fd, &count);
	return true;
}

static void slots_end(struct asker *asker)
{
	pthread_mutex_lock(&asker->lock);
	for (size_t at = 0; at < asker->slots_used; at++) {
		struct slot *slot = &asker->slots[at];
		if (slot->ticket != 0 && slot->told != NULL)
			slot_fail(asker, slot, FAULT_UNAVAILABLE);
		else if (slot->ticket != 0)
			slot_close(asker, slot);
	}
	pthread_mutex_unlock(&asker->lock);
}

static void *asker_run(void *argument)
{
	struct asker *asker = argument;
	struct packet packet;

	packet_init(&packet);
	while (asker_wait(asker)) {
		if (asker->channel.fd >= 0)
			answer_read(asker, &packet);
		questions_send(asker);
		deadlines_look(asker);
	}
	slots_end(asker);
	packet_done(&packet);
	return NULL;
}

struct asker *asker_new(const struct asker_options *options)
{
	struct asker *asker =
		calloc(1, sizeof(*asker) + options->open_max * sizeof(asker->slots[0]));

	CHECK(asker != NULL);
	asker->options = *options;
	asker->channel.fd = -1;
	asker->look_ms = INT64_MAX;
	asker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK(asker->wake_fd >= 0);
	CHECK(pthread_mutex_init(&asker->lock, NULL) == 0);
	CHECK(pthread_create(&asker->thread, NULL, asker_run, asker) == 0);
	return asker;
}

void asker_free(struct asker **asker)
{
	struct asker *freed = *asker;

	*asker = NULL;
	if (freed == NULL)
		return;
	pthread_mutex_lock(&freed->lock);
	freed->is_ending = true;
	pthread_mutex_unlock(&freed->lock);
	CHECK(eventfd_write(freed->wake_fd, 1) == 0);
	CHECK(pthread_join(freed->thread, NULL) == 0);
	channel_close(&freed->channel);
	fd_close(&freed->wake_fd);
	pthread_mutex_destroy(&freed->lock);
	free(freed);
}

/* ---- the others ---- */

/* What could not be sent at once waits for the thread. */
static enum fault slot_keep(struct asker *asker, struct slot *slot, int fd)
{
	if (fd >= 0) {
		slot->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (slot->fd < 0)
			return FAULT_MEMORY;
	}
	if (!slot->is_repeated)
		deadline_set(asker, slot, asker->options.patience_ms);
	return FAULT_NONE;
}

static enum fault slot_ask(struct asker *asker, struct slot *slot,
			   const struct asker_question *question)
{
	struct message_header header = {.kind = question->kind, .id = slot->ticket};
	int fd;

	slot->answer_ms = question->answer_ms;
	slot->is_repeated = question->is_repeated;
	slot->wake = question->wake;
	slot->told = question->told;
	slot->context = question->context;
	if (question->is_repeated)
		deadline_set(asker, slot, question->answer_ms);
	message_encode(&slot->encoded, header, question->message, &fd);
	if (slot->encoded.failed)
		return FAULT_TOO_LARGE;
	enum fault fault = slot_send(asker, slot, fd);
	/* Nobody reads at the other end: the thread is about to see it. */
	if (fault == FAULT_UNAVAILABLE || (fault == FAULT_NONE && slot->is_repeated))
		fault = slot_keep(asker, slot, fd);
	return fault;
}

enum fault asker_ask(struct asker *asker, const struct asker_question *question,
		     uint64_t *ticket_out)
{
	enum fault fault = FAULT_BUSY;

	CHECK(message_is_allowed(question->kind, asker->options.connector->self,
				 asker->options.role));
	pthread_mutex_lock(&asker->lock);
	int64_t look_ms = asker->look_ms;
	struct slot *slot = slot_open(asker);
	if (slot != NULL) {
		fault = slot_ask(asker, slot, question);
		if (fault == FAULT_NONE)
			*ticket_out = slot->ticket;
		else
			slot_close(asker, slot);
	}
	bool is_thread_wanted = asker->unsent > 0 || asker->look_ms < look_ms;
	pthread_mutex_unlock(&asker->lock);
	if (is_thread_wanted)
		CHECK(eventfd_write(asker->wake_fd, 1) == 0);
	return fault;
}

bool asker_take(struct asker *asker, uint64_t ticket, struct asker_answer *answer_out)
{
	pthread_mutex_lock(&asker->lock);
	struct slot *slot = slot_find(asker, ticket);
	bool is_taken = slot != NULL && slot->is_answered;
	if (is_taken) {
		*answer_out = slot->answer;
		slot->is_answered = false;
		if (slot->is_last)
			slot_close(asker, slot);
	}
	pthread_mutex_unlock(&asker->lock);
	return is_taken;
}

void asker_tell(struct asker *asker, uint64_t ticket, enum message_kind kind, const void *message)
{
	pthread_mutex_lock(&asker->lock);
	struct slot *slot = slot_find(asker, ticket);
	if (slot != NULL && slot->is_sent && asker->channel.fd >= 0)
		(void)!channel_send(&asker->channel, kind, ticket, message);
	pthread_mutex_unlock(&asker->lock);
}

void asker_cancel(struct asker *asker, uint64_t ticket)
{
	if (asker == NULL)
		return;
	pthread_mutex_lock(&asker->lock);
	struct slot *slot = slot_find(asker, ticket);
	if (slot != NULL)
		slot_close(asker, slot);
	pthread_mutex_unlock(&asker->lock);
}
