/* SPDX-License-Identifier: Apache-2.0 */
#include "net/waiter.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

enum {
	WHEEL_SLOTS = 256,
	WHEEL_SLOT_MS = 1000,
	EVENTS = 128,
	WORKER_STACK_BYTES = 512 * 1024,
	SLOTS_FIRST = 64,
};

/*
 * epoll hands back a slot number and its generation, never a pointer: between
 * epoll_wait and the lock a worker may have ended and freed the task.
 */
struct slot {
	struct task *task;
	uint32_t generation;
	uint32_t next_free;
};

enum { SLOT_NONE = UINT32_MAX };
/* Marks of events that belong to no task, in the generation's place. */
enum { EVENT_KICK = UINT32_MAX, EVENT_WATCH = UINT32_MAX - 1 };

struct waiter {
	struct waiter_limits limits;
	int epoll_fd;
	int kick_fd;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct list queue;
	unsigned queued;
	unsigned running;
	unsigned tasks;
	bool is_stopping;
	struct slot *slots;
	uint32_t slot_count;
	uint32_t slot_free;
	struct list wheel[WHEEL_SLOTS];
	int64_t wheel_turn; /* the slot time up to which deadlines were looked at */
	pthread_t *threads;
	unsigned thread_count;
	struct watch **watches;
	uint32_t watch_count;
	void (*tick)(void *context);
	void *tick_context;
	int tick_ms;
};

struct waiter *waiter_new(struct waiter_limits limits)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));

	CHECK(waiter != NULL && limits.workers > 0 && limits.share_workers > 0);
	waiter->limits = limits;
	waiter->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	waiter->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK(waiter->epoll_fd >= 0 && waiter->kick_fd >= 0);
	CHECK(pthread_mutex_init(&waiter->lock, NULL) == 0);
	CHECK(pthread_cond_init(&waiter->work, NULL) == 0);
	list_init(&waiter->queue);
	for (size_t i = 0; i < WHEEL_SLOTS; i++)
		list_init(&waiter->wheel[i]);
	waiter->wheel_turn = clock_mono_ms() / WHEEL_SLOT_MS;
	waiter->slot_free = SLOT_NONE;
	waiter->threads = calloc(limits.workers, sizeof(*waiter->threads));
	CHECK(waiter->threads != NULL);
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)EVENT_KICK << 32};
	CHECK(epoll_ctl(waiter->epoll_fd, EPOLL_CTL_ADD, waiter->kick_fd, &event) == 0);
	return waiter;
}

/* ---- slots ---- */

static void slots_grow(struct waiter *waiter)
{
	uint32_t count = waiter->slot_count == 0 ? SLOTS_FIRST : waiter->slot_count * 2;
	struct slot *slots = realloc(waiter->slots, count * sizeof(*slots));

	CHECK(slots != NULL);
	for (uint32_t i = waiter->slot_count; i < count; i++)
		slots[i] = (struct slot){.next_free = i + 1 < count ? i + 1 : SLOT_NONE};
	waiter->slot_free = waiter->slot_count;
	waiter->slots = slots;
	waiter->slot_count = count;
}

static void slot_take(struct waiter *waiter, struct task *task)
{
	if (waiter->slot_free == SLOT_NONE)
		slots_grow(waiter);
	task->slot = waiter->slot_free;
	struct slot *slot = &waiter->slots[task->slot];
	waiter->slot_free = slot->next_free;
	slot->task = task;
}

static void slot_give(struct waiter *waiter, struct task *task)
{
	struct slot *slot = &waiter->slots[task->slot];

	slot->task = NULL;
	/* The two highest values are the marks above. */
	slot->generation = (slot->generation + 1) % EVENT_WATCH;
	slot->next_free = waiter->slot_free;
	waiter->slot_free = task->slot;
}

/* ---- queueing, all under the lock ---- */

static void task_queue(struct task *task)
{
	struct waiter *waiter = task->waiter;

	CHECK(task->state != TASK_QUEUED);
	task->state = TASK_QUEUED;
	if (list_node_is_linked(&task->wheel_node))
		list_remove(&task->wheel_node);
	/* Read without the lock by task_linger. */
	__atomic_add_fetch(&waiter->queued, 1, __ATOMIC_RELAXED);
	if (task->share != NULL && task->share->running >= waiter->limits.share_workers)
		list_append(&task->share->waiting, &task->queue_node);
	else {
		list_append(&waiter->queue, &task->queue_node);
		pthread_cond_signal(&waiter->work);
	}
}

/*
 * The next task to run, or NULL. A share may have been used up since its tasks
 * were queued; they then wait in the share, where task_release finds them.
 */
static struct task *task_take(struct waiter *waiter)
{
	struct list_node *node;

	while ((node = list_take_first(&waiter->queue)) != NULL) {
		struct task *task = list_entry(node, struct task, queue_node);
		if (task->share != NULL && task->share->running >= waiter->limits.share_workers) {
			list_append(&task->share->waiting, &task->queue_node);
			continue;
		}
		task->state = TASK_RUNNING;
		__atomic_sub_fetch(&waiter->queued, 1, __ATOMIC_RELAXED);
		waiter->running++;
		if (task->share != NULL)
			task->share->running++;
		return task;
	}
	return NULL;
}

/* The worker lets go of the task's share and lets the next of that share in. */
static void task_release(struct waiter *waiter, struct task *task)
{
	waiter->running--;
	if (task->share == NULL)
		return;
	task->share->running--;
	struct list_node *node = list_take_first(&task->share->waiting);
	if (node != NULL) {
		list_append(&waiter->queue, node);
		pthread_cond_signal(&waiter->work);
	}
}

static void wheel_insert(struct waiter *waiter, struct task *task)
{
	if (task->deadline_ms == 0)
		return;
	int64_t turn = task->deadline_ms / WHEEL_SLOT_MS + 1;

	if (turn <= waiter->wheel_turn)
		turn = waiter->wheel_turn + 1;
	list_append(&waiter->wheel[turn % WHEEL_SLOTS], &task->wheel_node);
}

static void wheel_turn(struct waiter *waiter, int64_t now_ms)
{
	int64_t until = now_ms / WHEEL_SLOT_MS;

	/* After a long sleep one round looks at every slot. */
	if (until - waiter->wheel_turn > WHEEL_SLOTS)
		waiter->wheel_turn = until - WHEEL_SLOTS;
	while (waiter->wheel_turn < until) {
		waiter->wheel_turn++;
		struct list *slot = &waiter->wheel[waiter->wheel_turn % WHEEL_SLOTS];
		list_each(node, next, slot) {
			struct task *task = list_entry(node, struct task, wheel_node);
			if (task->deadline_ms > now_ms)
				continue;
			task->is_expired = true;
			task_queue(task);
		}
	}
}

/* ---- workers ---- */

static uint32_t events_for(enum step step)
{
	return step == STEP_WAIT_INPUT ? EPOLLIN | EPOLLRDHUP : EPOLLOUT;
}

static void task_arm(struct waiter *waiter, struct task *task, enum step step)
{
	if (step == STEP_WAIT_WAKE)
		return;
	struct epoll_event event = {.events = events_for(step) | EPOLLONESHOT};

	pthread_mutex_lock(&waiter->lock);
	event.data.u64 = (uint64_t)waiter->slots[task->slot].generation << 32 | task->slot;
	pthread_mutex_unlock(&waiter->lock);
	CHECK(epoll_ctl(waiter->epoll_fd, task->in_epoll ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, task->fd,
			&event) == 0);
	task->in_epoll = true;
}

/* Waits a little for a quick peer, if nobody else needs the worker. */
static bool task_linger(struct waiter *waiter, struct task *task, enum step step)
{
	if (waiter->limits.linger_ms == 0 || step == STEP_WAIT_WAKE ||
	    __atomic_load_n(&waiter->queued, __ATOMIC_RELAXED) > 0)
		return false;
	struct pollfd ready = {.fd = task->fd,
			       .events = step == STEP_WAIT_INPUT ? POLLIN : POLLOUT};
	return poll(&ready, 1, waiter->limits.linger_ms) > 0;
}

static void task_end(struct waiter *waiter, struct task *task)
{
	pthread_mutex_lock(&waiter->lock);
	task_release(waiter, task);
	slot_give(waiter, task);
	waiter->tasks--;
	pthread_mutex_unlock(&waiter->lock);
	task->ops->end(task);
}

static void task_park(struct waiter *waiter, struct task *task, enum step step)
{
	if (step != STEP_AGAIN)
		task_arm(waiter, task, step);
	pthread_mutex_lock(&waiter->lock);
	task_release(waiter, task);
	task->state = TASK_PARKED;
	if (step == STEP_AGAIN || task->run_again)
		task_queue(task);
	else
		wheel_insert(waiter, task);
	pthread_mutex_unlock(&waiter->lock);
}

static void task_run(struct waiter *waiter, struct task *task)
{
	enum step step;

	do {
		step = task->ops->run(task);
		task->is_expired = false;
		task->is_woken = false;
	} while ((step == STEP_WAIT_INPUT || step == STEP_WAIT_OUTPUT) &&
		 task_linger(waiter, task, step));
	if (step == STEP_END)
		task_end(waiter, task);
	else
		task_park(waiter, task, step);
}

static void *worker(void *argument)
{
	struct waiter *waiter = argument;

	pthread_mutex_lock(&waiter->lock);
	while (!waiter->is_stopping) {
		struct task *task = task_take(waiter);
		if (task == NULL) {
			pthread_cond_wait(&waiter->work, &waiter->lock);
			continue;
		}
		task->is_woken |= task->run_again;
		task->run_again = false;
		pthread_mutex_unlock(&waiter->lock);
		task_run(waiter, task);
		pthread_mutex_lock(&waiter->lock);
	}
	pthread_mutex_unlock(&waiter->lock);
	return NULL;
}

static void workers_start(struct waiter *waiter)
{
	pthread_attr_t attributes;
	sigset_t all, before;

	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	CHECK(pthread_attr_init(&attributes) == 0);
	CHECK(pthread_attr_setstacksize(&attributes, WORKER_STACK_BYTES) == 0);
	for (; waiter->thread_count < waiter->limits.workers; waiter->thread_count++)
		CHECK(pthread_create(&waiter->threads[waiter->thread_count], &attributes, worker,
				     waiter) == 0);
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- the waiter's thread ---- */

static void event_dispatch(struct waiter *waiter, uint64_t data)
{
	uint32_t generation = (uint32_t)(data >> 32);
	uint32_t index = (uint32_t)data;

	if (generation == EVENT_KICK) {
		uint64_t count;
		(void)!read(waiter->kick_fd, &count, sizeof(count));
		return;
	}
	if (generation == EVENT_WATCH) {
		if (index < waiter->watch_count && waiter->watches[index] != NULL)
			waiter->watches[index]->ready(waiter->watches[index]);
		return;
	}
	pthread_mutex_lock(&waiter->lock);
	struct slot *slot = &waiter->slots[index];
	if (slot->task != NULL && slot->generation == generation) {
		if (slot->task->state == TASK_PARKED)
			task_queue(slot->task);
		else if (slot->task->state == TASK_RUNNING)
			slot->task->run_again = true;
	}
	pthread_mutex_unlock(&waiter->lock);
}

static bool is_stopping(struct waiter *waiter)
{
	pthread_mutex_lock(&waiter->lock);
	bool stopping = waiter->is_stopping;
	pthread_mutex_unlock(&waiter->lock);
	return stopping;
}

static void wait_once(struct waiter *waiter, int64_t *next_tick)
{
	struct epoll_event events[EVENTS];
	int64_t now = clock_mono_ms();
	int64_t until = (now / WHEEL_SLOT_MS + 1) * WHEEL_SLOT_MS;

	if (waiter->tick != NULL && *next_tick < until)
		until = *next_tick;
	int count = epoll_wait(waiter->epoll_fd, events, EVENTS, until < now ? 0 : (int)(until - now));
	CHECK(count >= 0 || errno == EINTR);
	for (int i = 0; i < count; i++)
		event_dispatch(waiter, events[i].data.u64);
	now = clock_mono_ms();
	pthread_mutex_lock(&waiter->lock);
	wheel_turn(waiter, now);
	pthread_mutex_unlock(&waiter->lock);
	if (waiter->tick != NULL && now >= *next_tick) {
		waiter->tick(waiter->tick_context);
		*next_tick = now + waiter->tick_ms;
	}
}

void waiter_run(struct waiter *waiter)
{
	int64_t next_tick = clock_mono_ms() + waiter->tick_ms;

	workers_start(waiter);
	while (!is_stopping(waiter))
		wait_once(waiter, &next_tick);
	pthread_mutex_lock(&waiter->lock);
	pthread_cond_broadcast(&waiter->work);
	pthread_mutex_unlock(&waiter->lock);
	while (waiter->thread_count > 0)
		pthread_join(waiter->threads[--waiter->thread_count], NULL);
}

static void waiter_kick(struct waiter *waiter)
{
	uint64_t one = 1;

	(void)!write(waiter->kick_fd, &one, sizeof(one));
}

void waiter_stop(struct waiter *waiter)
{
	pthread_mutex_lock(&waiter->lock);
	waiter->is_stopping = true;
	pthread_mutex_unlock(&waiter->lock);
	waiter_kick(waiter);
}

void waiter_free(struct waiter **waiter)
{
	struct waiter *old = *waiter;

	*waiter = NULL;
	if (old == NULL)
		return;
	CHECK(old->thread_count == 0);
	for (uint32_t i = 0; i < old->slot_count; i++)
		if (old->slots[i].task != NULL)
			old->slots[i].task->ops->end(old->slots[i].task);
	fd_close(&old->epoll_fd);
	fd_close(&old->kick_fd);
	pthread_mutex_destroy(&old->lock);
	pthread_cond_destroy(&old->work);
	free(old->slots);
	free(old->threads);
	free(old->watches);
	free(old);
}

void waiter_watch(struct waiter *waiter, struct watch *watch)
{
	uint32_t index = 0;

	while (index < waiter->watch_count && waiter->watches[index] != NULL)
		index++;
	if (index == waiter->watch_count) {
		waiter->watches = realloc(waiter->watches, (index + 1) * sizeof(struct watch *));
		CHECK(waiter->watches != NULL);
		waiter->watch_count++;
	}
	waiter->watches[index] = watch;
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)EVENT_WATCH << 32 | index};
	CHECK(epoll_ctl(waiter->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) == 0);
}

void waiter_unwatch(struct waiter *waiter, struct watch *watch)
{
	for (uint32_t i = 0; i < waiter->watch_count; i++) {
		if (waiter->watches[i] == watch) {
			waiter->watches[i] = NULL;
			epoll_ctl(waiter->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
		}
	}
}

void waiter_tick_set(struct waiter *waiter, int interval_ms, void (*tick)(void *context),
		     void *context)
{
	waiter->tick = tick;
	waiter->tick_context = context;
	waiter->tick_ms = interval_ms;
}

void task_start(struct waiter *waiter, struct task *task)
{
	CHECK(task->state == TASK_NEW && task->ops != NULL);
	task->waiter = waiter;
	pthread_mutex_lock(&waiter->lock);
	waiter->tasks++;
	slot_take(waiter, task);
	task_queue(task);
	pthread_mutex_unlock(&waiter->lock);
}

void task_wake(struct task *task)
{
	struct waiter *waiter = task->waiter;

	pthread_mutex_lock(&waiter->lock);
	if (task->state == TASK_RUNNING)
		task->run_again = true;
	else
		task->is_woken = true;
	if (task->state == TASK_PARKED)
		task_queue(task);
	pthread_mutex_unlock(&waiter->lock);
}

struct waiter_counts waiter_counts(struct waiter *waiter)
{
	pthread_mutex_lock(&waiter->lock);
	struct waiter_counts counts = {waiter->tasks, waiter->running, waiter->queued};
	pthread_mutex_unlock(&waiter->lock);
	return counts;
}
