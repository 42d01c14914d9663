/* How many system calls the primitives make, counted exactly: a child does the
 * work between two marks, and its parent stops it at every call (ptrace).
 *
 * Without contention and with nobody waiting: none. */
#include "stepper.h"

#include "mp/array.h"
#include "mp/backstop.h"
#include "mp/barrier.h"
#include "mp/condition.h"
#include "mp/event.h"
#include "mp/pipe.h"
#include "mp/queue.h"
#include "mp/rlock.h"
#include "mp/semaphore.h"
#include "mp/value.h"

#define TIMES    1000
#define SLEEPERS 3
#define ELEMENTS 100
#define ITEMS    100 /* of the queues */
#define BYTES    (ITEMS * 64)
#define YIELDS   40 /* before a sleep, at most */

struct world {
	struct mp_lock lock, any;
	struct mp_rlock rlock;
	struct mp_semaphore semaphore;
	struct mp_condition condition;
	struct mp_event event;
	struct mp_barrier barrier;
	struct mp_value value, real;
	_Atomic uint32_t ready, asleep; /* the helper; the child */
};
static struct world *w;
static struct mp_array *array;
static struct mp_queue *queue, *leases;
static struct mp_conn a, b; /* a receives */

struct budget {
	const char *what;
	void (*before)(void); /* the child, not counted */
	void (*work)(void);   /* the child, counted */
	int (*early)(long);   /* others, asleep before `before` */
	int (*late)(long);    /* others, asleep after it */
	int others;           /* how many */
	int killed;           /* they are dead when the work begins */
	int (*helper)(long);  /* another, who wakes the child */
	int calls;            /* of futex */
	int rest;             /* others, but for yields before a sleep */
	int woken;            /* so many others end, without a back-stop */
};

static void fresh(void)
{
	memset(w, 0, sizeof(*w));
	mp_lock_init(&w->any, MP_LOCK_ANY);
	mp_barrier_init(&w->barrier, 1);
	mp_value_init(&w->value, MP_TYPE_I32);
	mp_value_init(&w->real, MP_TYPE_F64);
	mp_array_init(array, MP_TYPE_I16, ELEMENTS);
	mp_queue_init(queue, ITEMS, BYTES, 0);
	mp_queue_init(leases, ITEMS, BYTES, MP_QUEUE_LEASE);
	mp_conn_close(&a);
	mp_conn_close(&b);
	if (mp_pipe(&a, &b, false, MP_PIPE_BYTES_MIN) < 0)
		errx(1, "mp_pipe");
}

/* ---- the work */

static void lock_pairs(void)
{
	for (int i = 0; i < TIMES; i++) {
		mp_lock_acquire(&w->lock, -1);
		mp_lock_release(&w->lock);
	}
}

static void any_pairs(void)
{
	for (int i = 0; i < TIMES; i++) {
		mp_lock_acquire(&w->any, -1);
		mp_lock_release(&w->any);
	}
}

static void two_locks(void)
{
	for (int i = 0; i < TIMES; i++) {
		mp_lock_acquire(&w->lock, -1);
		mp_rlock_acquire(&w->rlock, -1);
		mp_lock_release(&w->lock);
		mp_rlock_release(&w->rlock);
	}
}

static void rlock_pairs(void)
{
	for (int i = 0; i < TIMES; i++) {
		mp_rlock_acquire(&w->rlock, -1);
		mp_rlock_acquire(&w->rlock, -1);
		mp_rlock_release(&w->rlock);
		mp_rlock_release(&w->rlock);
	}
}

static void semaphore_pairs(void)
{
	for (int i = 0; i < TIMES; i++) {
		mp_semaphore_release(&w->semaphore);
		mp_semaphore_acquire(&w->semaphore, -1);
	}
}

static void releases(void)
{
	for (int i = 0; i < TIMES; i++)
		mp_semaphore_release(&w->semaphore);
}

static void event_rounds(void)
{
	for (int i = 0; i < TIMES; i++) {
		mp_event_set(&w->event);
		mp_event_wait(&w->event, -1);
		mp_event_clear(&w->event);
		mp_event_is_set(&w->event);
	}
}

static void notifies(void)
{
	for (int i = 0; i < TIMES; i++) {
		mp_lock_acquire(&w->lock, -1);
		mp_condition_notify(&w->condition, &w->lock, 1);
		mp_condition_notify_all(&w->condition, &w->lock);
		mp_condition_waiters(&w->condition);
		mp_lock_release(&w->lock);
	}
}

static void values(void)
{
	int64_t n;
	double x;

	for (int i = 0; i < TIMES; i++) {
		mp_value_add_int(&w->value, 1, NULL);
		mp_value_get_int(&w->value, &n);
		mp_value_set_int(&w->value, n + 1);
		mp_value_add_float(&w->real, 0.5, &x);
		mp_value_set_float(&w->real, x);
		mp_value_get_float(&w->real, &x);
		mp_array_add_int(array, 7, 1, &n);
		mp_array_set_int(array, 8, n);
		mp_array_get_int(array, 9, &n);
	}
}

static void tries(void)
{
	for (int i = 0; i < TIMES; i++) {
		mp_lock_acquire(&w->lock, 0);
		mp_semaphore_acquire(&w->semaphore, 0);
		mp_event_wait(&w->event, 0);
	}
}

static void put(void)
{
	mp_queue_put(queue, w, 64, -1);
}

static void get(void)
{
	char message[64];

	mp_queue_get(queue, message, sizeof(message), -1, NULL);
}

static void fill(void)
{
	for (int i = 0; i < ITEMS; i++)
		put();
}

static void queue_pairs(void)
{
	for (int i = 0; i < TIMES; i++) {
		put();
		get();
	}
}

static void queue_batches(void)
{
	char message[8][64];
	struct iovec v[8];

	for (int i = 0; i < TIMES; i++) {
		for (int k = 0; k < 8; k++)
			v[k] = (struct iovec){ message[k], 64 };
		mp_queue_put_many(queue, v, 8, -1);
		mp_queue_get_many(queue, v, 8, -1);
	}
}

static void put_many(void)
{
	struct iovec v[SLEEPERS];

	for (int i = 0; i < SLEEPERS; i++)
		v[i] = (struct iovec){ w, 64 };
	mp_queue_put_many(queue, v, SLEEPERS, -1);
}

static void get_many(void)
{
	char message[SLEEPERS][64];
	struct iovec v[SLEEPERS];

	for (int i = 0; i < SLEEPERS; i++)
		v[i] = (struct iovec){ message[i], 64 };
	mp_queue_get_many(queue, v, SLEEPERS, -1);
}

static void queue_in_place(void)
{
	const void *message;
	size_t length;
	void *place;

	for (int i = 0; i < TIMES; i++) {
		mp_queue_reserve(queue, 64, -1, &place);
		mp_queue_commit(queue, 64);
		mp_queue_peek(queue, -1, &message, &length);
		mp_queue_release(queue);
		mp_queue_task_done(queue);
		mp_queue_qsize(queue);
	}
}

static void queue_leases(void)
{
	char message[64];

	for (int i = 0; i < TIMES; i++) {
		mp_queue_put(leases, w, 64, -1);
		mp_queue_get(leases, message, sizeof(message), -1, NULL);
		mp_queue_task_done(leases);
		mp_queue_join(leases, -1);
	}
}

static void queue_tries(void)
{
	char message[64];

	for (int i = 0; i < TIMES; i++)
		mp_queue_get(queue, message, sizeof(message), 0, NULL);
}

static void send_one(void)
{
	mp_conn_send(&b, w, 64, -1);
}

static void recv_one(void)
{
	char message[64];

	mp_conn_recv(&a, message, sizeof(message), -1, NULL);
}

static void pipe_pairs(void)
{
	for (int i = 0; i < TIMES; i++) {
		send_one();
		mp_conn_poll(&a, -1);
		recv_one();
	}
}

/* In three records. */
static void pipe_longer(void)
{
	static char message[MP_PIPE_BYTES_MIN / 2];

	for (int i = 0; i < TIMES; i++) {
		mp_conn_send(&b, message, sizeof(message), -1);
		mp_conn_recv(&a, message, sizeof(message), -1, NULL);
	}
}

static void hold(void)
{
	mp_lock_acquire(&w->lock, -1);
}

static void hold_any(void)
{
	mp_lock_acquire(&w->any, -1);
}

static void give(void)
{
	mp_lock_release(&w->lock);
}

static void give_any(void)
{
	mp_lock_release(&w->any);
}

static void give_and_pairs(void)
{
	give();
	lock_pairs();
}

static void await_set(void)
{
	mp_event_wait(&w->event, -1);
}

static void await_notify(void)
{
	mp_condition_wait(&w->condition, &w->lock, -1);
}

static void post(void)
{
	mp_semaphore_release(&w->semaphore);
}

static void await_post(void)
{
	mp_semaphore_acquire(&w->semaphore, -1);
}

static void set(void)
{
	mp_event_set(&w->event);
}

static void notify_and_give(void)
{
	mp_condition_notify(&w->condition, &w->lock, 1);
	mp_lock_release(&w->lock);
}

static void notify_all_and_give(void)
{
	mp_condition_notify_all(&w->condition, &w->lock);
	mp_lock_release(&w->lock);
}

static void come(void)
{
	mp_barrier_wait(&w->barrier, -1);
}

/* ---- other processes */

static int sleep_on_lock(long unused)
{
	(void)unused;
	return mp_lock_acquire(&w->lock, -1);
}

static int sleep_on_any(long unused)
{
	(void)unused;
	return mp_lock_acquire(&w->any, -1);
}

static int sleep_on_semaphore(long unused)
{
	(void)unused;
	return mp_semaphore_acquire(&w->semaphore, -1);
}

static int sleep_on_event(long unused)
{
	(void)unused;
	return mp_event_wait(&w->event, -1);
}

static int sleep_on_condition(long unused)
{
	(void)unused;
	mp_lock_acquire(&w->lock, -1);
	mp_condition_wait(&w->condition, &w->lock, -1);
	return mp_lock_release(&w->lock);
}

static int sleep_in_get(long unused)
{
	(void)unused;
	get();
	return 0;
}

static int sleep_in_put(long unused)
{
	(void)unused;
	put();
	return 0;
}

static int sleep_in_recv(long unused)
{
	(void)unused;
	recv_one();
	return 0;
}

/* Helpers act when the child has been seen asleep. */
static int release_later(long unused)
{
	(void)unused;
	mp_lock_acquire(&w->lock, -1);
	atomic_store(&w->ready, 1);
	await(atomic_load(&w->asleep));
	return mp_lock_release(&w->lock);
}

static int post_later(long unused)
{
	(void)unused;
	atomic_store(&w->ready, 1);
	await(atomic_load(&w->asleep));
	return mp_semaphore_release(&w->semaphore);
}

static int set_later(long unused)
{
	(void)unused;
	atomic_store(&w->ready, 1);
	await(atomic_load(&w->asleep));
	mp_event_set(&w->event);
	return 0;
}

static int notify_later(long unused)
{
	(void)unused;
	atomic_store(&w->ready, 1);
	await(atomic_load(&w->asleep));
	mp_lock_acquire(&w->lock, -1);
	mp_condition_notify(&w->condition, &w->lock, 1);
	return mp_lock_release(&w->lock);
}

static int put_later(long unused)
{
	(void)unused;
	atomic_store(&w->ready, 1);
	await(atomic_load(&w->asleep));
	put();
	return 0;
}

static int get_later(long unused)
{
	(void)unused;
	atomic_store(&w->ready, 1);
	await(atomic_load(&w->asleep));
	get();
	return 0;
}

static int send_later(long unused)
{
	(void)unused;
	atomic_store(&w->ready, 1);
	await(atomic_load(&w->asleep));
	send_one();
	return 0;
}

/* clang-format off */
static const struct budget budgets[] = {
	/* Nobody else is there. */
	{ "lock: 1000 pairs", .work = lock_pairs },
	{ "lock by anybody: 1000 pairs", .work = any_pairs },
	{ "two locks, first in, first out: 1000", .work = two_locks },
	{ "rlock: 1000 pairs in pairs", .work = rlock_pairs },
	{ "semaphore: 1000 pairs", .work = semaphore_pairs },
	{ "semaphore: 1000 releases", .work = releases },
	{ "event: 1000 rounds", .work = event_rounds },
	{ "condition: 2000 notifies", .work = notifies },
	{ "value, array: 9000 calls", .work = values },
	{ "3000 tries in vain", .before = hold, .work = tries },
	{ "queue: 1000 put and get", .before = queue_pairs,
	  .work = queue_pairs },
	{ "queue: 1000 batches of 8", .work = queue_batches },
	{ "queue: 1000 in place", .work = queue_in_place },
	{ "queue with leases: 1000", .work = queue_leases },
	{ "queue: 1000 tries in vain", .work = queue_tries },
	/* (The first one tells the kernel of its fences.) */
	{ "pipe: 1000 send, poll and recv", .before = pipe_pairs,
	  .work = pipe_pairs },
	/* Sending half a ring while the receiver does not move: the sender
	 * looks once whether it lives. */
	{ "pipe: 1000 in pieces", .before = pipe_longer,
	  .work = pipe_longer, .rest = TIMES },
	/* The first call may look for one who died waiting, then none. */
	{ "lock: 1000 pairs, a waiter has died", .before = hold,
	  .work = give_and_pairs, .late = sleep_on_lock, .others = 1,
	  .killed = 1, .calls = 1 },
	{ "semaphore: 1000 releases, a waiter has died", .work = releases,
	  .early = sleep_on_semaphore, .others = 1, .killed = 1, .calls = 1 },
	{ "event: 1000 rounds, a waiter has died", .work = event_rounds,
	  .early = sleep_on_event, .others = 1, .killed = 1, .calls = 1 },
	{ "condition: 2000 notifies, a waiter has died", .work = notifies,
	  .early = sleep_on_condition, .others = 1, .killed = 1 },
	{ "queue: 1000 put and get, a getter has died",
	  .work = queue_pairs, .early = sleep_in_get, .others = 1,
	  .killed = 1, .calls = 1 },
	{ "pipe: 1000 send and recv, a receiver has died",
	  .before = pipe_pairs, .work = pipe_pairs, .late = sleep_in_recv,
	  .others = 1, .killed = 1, .rest = 1 },
	/* Somebody to wake: one call. */
	{ "lock: release, one sleeps", .before = hold, .work = give,
	  .late = sleep_on_lock, .others = 1, .calls = 1 },
	{ "lock: release, three sleep", .before = hold, .work = give,
	  .late = sleep_on_lock, .others = 3, .calls = 1 },
	{ "lock by anybody: release, one sleeps", .before = hold_any,
	  .work = give_any, .late = sleep_on_any, .others = 1, .calls = 1 },
	{ "semaphore: release, three sleep", .work = post,
	  .early = sleep_on_semaphore, .others = 3, .calls = 1 },
	{ "event: set, three sleep", .work = set, .early = sleep_on_event,
	  .others = 3, .calls = 1 },
	/* A move for each who is notified, and the lock's one wake-up. */
	{ "condition: notify one of three, release", .before = hold,
	  .work = notify_and_give, .early = sleep_on_condition,
	  .others = 3, .calls = 2 },
	{ "condition: notify all three, release", .before = hold,
	  .work = notify_all_and_give, .early = sleep_on_condition,
	  .others = 3, .calls = 4 },
	{ "barrier of one", .work = come, .calls = 1 },
	{ "queue: put, three sleep", .work = put, .early = sleep_in_get,
	  .others = 3, .calls = 1, .woken = 1 },
	{ "queue: get, three sleep", .before = fill, .work = get,
	  .late = sleep_in_put, .others = 3, .calls = 1, .woken = 1 },
	{ "queue: put three, three sleep", .work = put_many,
	  .early = sleep_in_get, .others = 3, .calls = 1, .woken = 3 },
	{ "queue: get three, three sleep", .before = fill,
	  .work = get_many, .late = sleep_in_put, .others = 3, .calls = 1,
	  .woken = 3 },
	{ "pipe: send, the receiver sleeps", .before = pipe_pairs,
	  .work = send_one, .late = sleep_in_recv, .others = 1,
	  .rest = 1, .woken = 1 },
	/* A sleep: one call. */
	{ "lock: acquire, asleep", .work = hold, .helper = release_later,
	  .calls = 1 },
	{ "semaphore: acquire, asleep", .work = await_post,
	  .helper = post_later, .calls = 1 },
	{ "event: wait, asleep", .work = await_set, .helper = set_later,
	  .calls = 1 },
	{ "condition: wait, asleep", .before = hold, .work = await_notify,
	  .helper = notify_later, .calls = 1 },
	{ "queue: get, asleep", .work = get, .helper = put_later,
	  .calls = 1 },
	{ "queue: put, asleep", .before = fill, .work = put,
	  .helper = get_later, .calls = 1 },
	/* A fence, the sleep in poll, and the eventfd is emptied. */
	{ "pipe: recv, asleep", .before = pipe_pairs, .work = recv_one,
	  .helper = send_later, .rest = 3 },
};
/* clang-format on */

/* ---- counting */

static const struct budget *budget;

/* The mark is a call that nothing else makes. */
static void mark(void)
{
	syscall(SYS_getppid);
}

static void child(void *unused)
{
	(void)unused;
	mp_owner_attach();
	if (budget->before != NULL)
		budget->before();
	mark();
	budget->work();
	mark();
}

/* The child's next system call; what it sleeps in is told to the helper. */
static int next_call(struct stepper *v)
{
	int rc;

	do {
		rc = stepper_call(v);
		if (rc == STEPPER_ASLEEP)
			atomic_store(&w->asleep, 1);
	} while (rc == STEPPER_ASLEEP ||
		 (rc == STEPPER_STOPPED && !v->in_call));
	return rc == STEPPER_STOPPED;
}

static void start_others(int (*f)(long), pid_t *pid)
{
	for (int i = 0; i < budget->others && f != NULL; i++) {
		pid[i] = start(f, 0);
		await(asleep(pid[i]));
	}
}

/* How many have come to their end; waits until they are enough. */
static int ended(const pid_t *pid, int enough)
{
	int64_t end = mp_clock_now() + LONG;
	int n;

	do {
		n = 0;
		for (int i = 0; i < budget->others; i++)
			n += tap_state(pid[i]) == 'Z';
	} while (n < enough && mp_clock_now() < end && sched_yield() == 0);
	return n;
}

static void count(void)
{
	pid_t pid[SLEEPERS + 1] = { 0 };
	int futexes = 0, yields = 0, rest = 0, marks = 0, woken;
	uint64_t first_other = 0;
	struct stepper v;

	fresh();
	start_others(budget->early, pid);
	if (stepper_start(&v, child, NULL) < 0)
		errx(1, "ptrace is no longer allowed");
	while (marks == 0 && next_call(&v))
		marks += v.call == SYS_getppid;
	start_others(budget->late, pid);
	if (budget->killed)
		for (int i = 0; i < budget->others; i++)
			killed(pid[i]);
	if (budget->helper != NULL) {
		pid[SLEEPERS] = start(budget->helper, 0);
		await(atomic_load(&w->ready));
	}
	while (marks == 1 && next_call(&v)) {
		if (v.call == SYS_getppid) {
			marks++;
		} else if (v.call == SYS_futex) {
			futexes++;
		} else if (v.call == SYS_sched_yield) {
			yields++;
		} else {
			first_other = rest++ == 0 ? v.call : first_other;
		}
	}
	woken = budget->woken != 0 ? ended(pid, budget->woken) : 0;
	stepper_kill(&v);
	for (int i = 0; i <= SLEEPERS; i++)
		if (pid[i] != 0 && (i == SLEEPERS || !budget->killed))
			killed(pid[i]);
#ifdef MP_CHAOS
	yields = 0; /* its yields and sleeps */
	rest = budget->rest;
#endif
	if (!ok(marks == 2 && futexes == budget->calls &&
			rest == budget->rest &&
			yields <= (budget->helper != NULL ? YIELDS : 0),
		"%s: %d calls", budget->what, budget->calls + budget->rest))
		printf("# %d marks, %d of futex, %d yields, %d others, the "
		       "first %d\n",
		       marks, futexes, yields, rest, (int)first_other);
	if (budget->woken != 0)
		is(woken, budget->woken, "%s: as many woken", budget->what);
}

int main(void)
{
	if (stepper_allowed() < 0) {
		tap_skip("system-call budgets",
			 "no process may be traced here (ptrace)");
		return tap_done();
	}
	/* One CPU: nobody spins, and who waits sleeps. */
	stepper_one_cpu();
	mp_backstop_set(0);
	w = share(sizeof(*w));
	array = share((size_t)mp_array_size(MP_TYPE_I16, ELEMENTS));
	queue = share(mp_queue_size(ITEMS, BYTES));
	leases = share(mp_queue_size(ITEMS, BYTES));
	if (mp_pipe(&a, &b, false, 0) < 0)
		errx(1, "mp_pipe");
	for (size_t i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++) {
		budget = &budgets[i];
		count();
	}
	return tap_done();
}
