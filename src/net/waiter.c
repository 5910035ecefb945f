/* SPDX-License-Identifier: Apache-2.0 */
#include "net/waiter.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/blocking.h"
#include "base/clock.h"
#include "base/file.h"

enum {
	WHEEL_SLOTS = 256,
	WHEEL_SLOT_MS = 1000,
	EVENTS = 128,
	WORKER_STACK_BYTES = 512 * 1024,
	SLOTS_FIRST = 64,
	/*
	 * So many tasks wait for each active worker before another is called: two that
	 * compute at the same time take locks and memory from each other, which costs a
	 * handshake a sixth more. A queue that stands still for so long gets one, too.
	 */
	BACKLOG = 4,
	STALL_MS = 5,
	/* Workers called by one unlocking; more are called by the next. */
	CALLS = 16,
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

/* Idle, it sleeps on its own semaphore: nobody wakes anybody else's lock or memory. */
struct worker {
	struct blocking blocking; /* first: its functions get the worker */
	struct waiter *waiter;
	struct list_node idle_node;
	sem_t called;
	pthread_t thread;
};

/* All but limits and descriptors under the lock. */
struct waiter {
	struct waiter_limits limits;
	int epoll_fd;
	int kick_fd;
	pthread_mutex_t lock;
	struct list queue;
	unsigned ready;	 /* in the queue */
	unsigned queued; /* there, and behind used-up shares */
	unsigned running;
	unsigned busy; /* tasks queued or running; read without the lock */
	unsigned tasks;
	bool is_stopping;
	struct list idle;	/* workers, the one that was busy last first */
	unsigned active;	/* workers that want a processor, called ones too */
	unsigned called;	/* workers that have not come yet */
	uint64_t taken;		/* tasks that workers took, ever */
	uint64_t taken_before;	/* at the last look for a stall */
	int64_t taken_before_ms;
	bool is_guarded; /* the waiter's thread looks at the queue soon */
	struct slot *slots;
	uint32_t slot_count;
	uint32_t slot_free;
	struct list wheel[WHEEL_SLOTS];
	int64_t wheel_turn; /* the slot time up to which deadlines were looked at */
	struct worker *workers;
	unsigned worker_count;
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
	if (limits.active == 0)
		waiter->limits.active = limits.workers;
	waiter->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	waiter->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK(waiter->epoll_fd >= 0 && waiter->kick_fd >= 0);
	CHECK(pthread_mutex_init(&waiter->lock, NULL) == 0);
	list_init(&waiter->queue);
	list_init(&waiter->idle);
	for (size_t i = 0; i < WHEEL_SLOTS; i++)
		list_init(&waiter->wheel[i]);
	waiter->wheel_turn = clock_mono_ms() / WHEEL_SLOT_MS;
	waiter->slot_free = SLOT_NONE;
	waiter->workers = calloc(limits.workers, sizeof(*waiter->workers));
	CHECK(waiter->workers != NULL);
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
	task->slot_generation = slot->generation;
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

/* ---- calling workers ---- */

static void waiter_lock(struct waiter *waiter)
{
	pthread_mutex_lock(&waiter->lock);
}

static void waiter_kick(struct waiter *waiter)
{
	uint64_t one = 1;

	(void)!write(waiter->kick_fd, &one, sizeof(one));
}

static struct worker *worker_take(struct waiter *waiter)
{
	struct list_node *node = list_take_first(&waiter->idle);

	CHECK(node != NULL);
	waiter->active++;
	waiter->called++;
	return list_entry(node, struct worker, idle_node);
}

/* More threads than `active` would only take the processors from each other. */
static bool is_call_due(const struct waiter *waiter)
{
	return waiter->ready > waiter->called && waiter->active < waiter->limits.active &&
	       waiter->ready >= waiter->active * BACKLOG && !list_is_empty(&waiter->idle);
}

/*
 * Lets go of the lock and then wakes the workers that the queue needs, so that
 * nobody wakes up to wait for the lock. What they cannot take at once the active
 * ones take when they are through; the waiter's thread sees to it that they are.
 */
static void waiter_unlock(struct waiter *waiter)
{
	struct worker *called[CALLS];
	size_t count = 0;

	while (count < CALLS && is_call_due(waiter))
		called[count++] = worker_take(waiter);
	bool is_kick_due = waiter->ready > waiter->called && !waiter->is_guarded;
	if (is_kick_due)
		waiter->is_guarded = true;
	pthread_mutex_unlock(&waiter->lock);
	for (size_t i = 0; i < count; i++)
		CHECK(sem_post(&called[i]->called) == 0);
	if (is_kick_due)
		waiter_kick(waiter);
}

/*
 * Active workers may wait unsaid, for the disk for example: when none of them took
 * anything for a while, one more is called. Gives how long the next look can wait.
 */
static int stall_check(struct waiter *waiter, int64_t now_ms)
{
	struct worker *called = NULL;

	waiter_lock(waiter);
	if (waiter->ready == 0 || waiter->taken != waiter->taken_before) {
		waiter->taken_before = waiter->taken;
		waiter->taken_before_ms = now_ms;
	} else if (now_ms - waiter->taken_before_ms >= STALL_MS && !list_is_empty(&waiter->idle)) {
		called = worker_take(waiter);
		waiter->taken_before_ms = now_ms;
	}
	waiter->is_guarded = waiter->ready > 0;
	int wait_ms = waiter->is_guarded ? STALL_MS : WHEEL_SLOT_MS;
	waiter_unlock(waiter);
	if (called != NULL)
		CHECK(sem_post(&called->called) == 0);
	return wait_ms;
}

/* ---- queueing, all under the lock ---- */

static void queue_append(struct waiter *waiter, struct list_node *node)
{
	list_append(&waiter->queue, node);
	waiter->ready++;
}

static struct list_node *queue_take(struct waiter *waiter)
{
	struct list_node *node = list_take_first(&waiter->queue);

	if (node != NULL)
		waiter->ready--;
	return node;
}

static void task_queue(struct task *task)
{
	struct waiter *waiter = task->waiter;

	CHECK(task->state != TASK_QUEUED);
	task->state = TASK_QUEUED;
	if (list_node_is_linked(&task->wheel_node))
		list_remove(&task->wheel_node);
	waiter->queued++;
	__atomic_add_fetch(&waiter->busy, 1, __ATOMIC_RELAXED);
	if (task->share != NULL && task->share->running >= waiter->limits.share_workers)
		list_append(&task->share->waiting, &task->queue_node);
	else
		queue_append(waiter, &task->queue_node);
}

/*
 * The next task to run, or NULL. A share may have been used up since its tasks
 * were queued; they then wait in the share, where task_release finds them.
 */
static struct task *task_take(struct waiter *waiter)
{
	struct list_node *node;

	while ((node = queue_take(waiter)) != NULL) {
		struct task *task = list_entry(node, struct task, queue_node);
		if (task->share != NULL && task->share->running >= waiter->limits.share_workers) {
			list_append(&task->share->waiting, &task->queue_node);
			continue;
		}
		task->state = TASK_RUNNING;
		waiter->queued--;
		waiter->running++;
		waiter->taken++;
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
	__atomic_sub_fetch(&waiter->busy, 1, __ATOMIC_RELAXED);
	if (task->share == NULL)
		return;
	task->share->running--;
	struct list_node *node = list_take_first(&task->share->waiting);
	if (node != NULL)
		queue_append(waiter, node);
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
	struct epoll_event event = {.events = events_for(step) | EPOLLONESHOT,
				    .data.u64 = (uint64_t)task->slot_generation << 32 |
						task->slot};

	CHECK(epoll_ctl(waiter->epoll_fd, task->in_epoll ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, task->fd,
			&event) == 0);
	task->in_epoll = true;
}

/*
 * Waits a little for a quick peer, if nothing else goes on: it saves the peer a
 * wake-up of the waiter's thread. Where others are at work the queue is cheaper, since
 * a worker takes from it without ever sleeping.
 */
static bool task_linger(struct waiter *waiter, struct task *task, enum step step)
{
	if (waiter->limits.linger_ms == 0 || step == STEP_WAIT_WAKE ||
	    __atomic_load_n(&waiter->busy, __ATOMIC_RELAXED) > 1)
		return false;
	struct pollfd ready = {.fd = task->fd,
			       .events = step == STEP_WAIT_INPUT ? POLLIN : POLLOUT};
	blocking_begin();
	int count = poll(&ready, 1, waiter->limits.linger_ms);
	blocking_end();
	return count > 0;
}

static void task_end(struct waiter *waiter, struct task *task)
{
	waiter_lock(waiter);
	task_release(waiter, task);
	slot_give(waiter, task);
	waiter->tasks--;
	waiter_unlock(waiter);
	task->ops->end(task);
	waiter_lock(waiter);
}

static void task_park(struct waiter *waiter, struct task *task, enum step step)
{
	if (step != STEP_AGAIN)
		task_arm(waiter, task, step);
	waiter_lock(waiter);
	task_release(waiter, task);
	task->state = TASK_PARKED;
	if (step == STEP_AGAIN || task->run_again)
		task_queue(task);
	else
		wheel_insert(waiter, task);
}

/* Returns with the lock held. */
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

/* Leaves its processor to another while it waits for something else. */
static void worker_blocks(struct blocking *blocking)
{
	struct waiter *waiter = ((struct worker *)blocking)->waiter;

	waiter_lock(waiter);
	waiter->active--;
	waiter_unlock(waiter);
}

static void worker_goes_on(struct blocking *blocking)
{
	struct waiter *waiter = ((struct worker *)blocking)->waiter;

	waiter_lock(waiter);
	waiter->active++;
	waiter_unlock(waiter);
}

/* Under the lock, which it gives up to sleep. The last to rest is called first: it is warm. */
static void worker_rest(struct waiter *waiter, struct worker *worker)
{
	waiter->active--;
	list_insert(waiter->idle.anchor.next, &worker->idle_node);
	waiter_unlock(waiter);
	while (sem_wait(&worker->called) != 0)
		CHECK(errno == EINTR);
	waiter_lock(waiter);
	waiter->called--;
}

static void *worker_run(void *argument)
{
	struct worker *worker = argument;
	struct waiter *waiter = worker->waiter;

	blocking_owner_set(&worker->blocking);
	waiter_lock(waiter);
	waiter->called--;
	while (!waiter->is_stopping) {
		struct task *task = task_take(waiter);
		if (task == NULL) {
			worker_rest(waiter, worker);
			continue;
		}
		task->is_woken |= task->run_again;
		task->run_again = false;
		waiter_unlock(waiter);
		task_run(waiter, task);
	}
	waiter->active--;
	waiter_unlock(waiter);
	return NULL;
}

static void worker_start(struct waiter *waiter, const pthread_attr_t *attributes)
{
	struct worker *worker = &waiter->workers[waiter->worker_count++];

	*worker = (struct worker){.blocking = {worker_blocks, worker_goes_on}, .waiter = waiter};
	CHECK(sem_init(&worker->called, 0, 0) == 0);
	waiter_lock(waiter);
	waiter->active++;
	waiter->called++;
	waiter_unlock(waiter);
	CHECK(pthread_create(&worker->thread, attributes, worker_run, worker) == 0);
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
	while (waiter->worker_count < waiter->limits.workers)
		worker_start(waiter, &attributes);
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- the waiter's thread ---- */

/* Under the lock. */
static void task_event(struct waiter *waiter, uint64_t data)
{
	struct slot *slot = &waiter->slots[(uint32_t)data];

	if (slot->task == NULL || slot->generation != (uint32_t)(data >> 32))
		return;
	if (slot->task->state == TASK_PARKED)
		task_queue(slot->task);
	else if (slot->task->state == TASK_RUNNING)
		slot->task->run_again = true;
}

static void watch_event(struct waiter *waiter, uint64_t data)
{
	uint32_t index = (uint32_t)data;
	uint64_t count;

	if (data >> 32 == EVENT_KICK)
		(void)!read(waiter->kick_fd, &count, sizeof(count));
	else if (index < waiter->watch_count && waiter->watches[index] != NULL)
		waiter->watches[index]->ready(waiter->watches[index]);
}

/* Marks are the two highest generations. */
static bool is_task_event(uint64_t data)
{
	return data >> 32 < EVENT_WATCH;
}

static void events_dispatch(struct waiter *waiter, const struct epoll_event *events, int count)
{
	waiter_lock(waiter);
	waiter->is_guarded = true;
	for (int i = 0; i < count; i++) {
		if (is_task_event(events[i].data.u64))
			task_event(waiter, events[i].data.u64);
	}
	waiter_unlock(waiter);
	for (int i = 0; i < count; i++) {
		if (!is_task_event(events[i].data.u64))
			watch_event(waiter, events[i].data.u64);
	}
}

static bool is_stopping(struct waiter *waiter)
{
	waiter_lock(waiter);
	bool stopping = waiter->is_stopping;
	waiter_unlock(waiter);
	return stopping;
}

static void wait_once(struct waiter *waiter, int64_t *next_tick)
{
	struct epoll_event events[EVENTS];
	int64_t now = clock_mono_ms();
	int64_t until = (now / WHEEL_SLOT_MS + 1) * WHEEL_SLOT_MS;
	int64_t next_look = now + stall_check(waiter, now);

	if (waiter->tick != NULL && *next_tick < until)
		until = *next_tick;
	if (next_look < until)
		until = next_look;
	int count = epoll_wait(waiter->epoll_fd, events, EVENTS, until < now ? 0 : (int)(until - now));
	CHECK(count >= 0 || errno == EINTR);
	events_dispatch(waiter, events, count);
	now = clock_mono_ms();
	waiter_lock(waiter);
	wheel_turn(waiter, now);
	waiter_unlock(waiter);
	if (waiter->tick != NULL && now >= *next_tick) {
		waiter->tick(waiter->tick_context);
		*next_tick = now + waiter->tick_ms;
	}
}

static void workers_end(struct waiter *waiter)
{
	waiter_lock(waiter);
	while (!list_is_empty(&waiter->idle))
		CHECK(sem_post(&worker_take(waiter)->called) == 0);
	waiter_unlock(waiter);
	while (waiter->worker_count > 0) {
		struct worker *worker = &waiter->workers[--waiter->worker_count];
		pthread_join(worker->thread, NULL);
		sem_destroy(&worker->called);
	}
}

void waiter_run(struct waiter *waiter)
{
	int64_t next_tick = clock_mono_ms() + waiter->tick_ms;

	workers_start(waiter);
	while (!is_stopping(waiter))
		wait_once(waiter, &next_tick);
	workers_end(waiter);
}

void waiter_stop(struct waiter *waiter)
{
	waiter_lock(waiter);
	waiter->is_stopping = true;
	waiter_unlock(waiter);
	waiter_kick(waiter);
}

void waiter_free(struct waiter **waiter)
{
	struct waiter *old = *waiter;

	*waiter = NULL;
	if (old == NULL)
		return;
	CHECK(old->worker_count == 0);
	for (uint32_t i = 0; i < old->slot_count; i++)
		if (old->slots[i].task != NULL)
			old->slots[i].task->ops->end(old->slots[i].task);
	fd_close(&old->epoll_fd);
	fd_close(&old->kick_fd);
	pthread_mutex_destroy(&old->lock);
	free(old->slots);
	free(old->workers);
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
	waiter_lock(waiter);
	waiter->tasks++;
	slot_take(waiter, task);
	task_queue(task);
	waiter_unlock(waiter);
}

void task_wake(struct task *task)
{
	struct waiter *waiter = task->waiter;

	waiter_lock(waiter);
	if (task->state == TASK_RUNNING)
		task->run_again = true;
	else
		task->is_woken = true;
	if (task->state == TASK_PARKED)
		task_queue(task);
	waiter_unlock(waiter);
}

void task_fd_set(struct task *task, int fd)
{
	CHECK(task->state == TASK_RUNNING);
	if (task->in_epoll)
		CHECK(epoll_ctl(task->waiter->epoll_fd, EPOLL_CTL_DEL, task->fd, NULL) == 0);
	task->in_epoll = false;
	task->fd = fd;
}

struct waiter_counts waiter_counts(struct waiter *waiter)
{
	waiter_lock(waiter);
	struct waiter_counts counts = {waiter->tasks, waiter->running, waiter->queued,
				       waiter->active};
	waiter_unlock(waiter);
	return counts;
}
