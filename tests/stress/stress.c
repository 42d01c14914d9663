/* Many workers, many rounds, nobody killed.  What a primitive protects are
 * plain variables: two workers inside at once lose a count.  Each case is run
 *
 *	without the back-stop: a wake-up that is lost hangs the case;
 *	with one of a second: no sleep may need it;
 *	with one of 50 us: sleepers look all the time;
 *	under signals: acquire goes on, the others return -EINTR and leave
 *	nothing behind.
 */
#include "crew.h"

#include <stdbool.h>

#include "mp/array.h"
#include "mp/backstop.h"
#include "mp/barrier.h"
#include "mp/condition.h"
#include "mp/cpu.h"
#include "mp/event.h"
#include "mp/rlock.h"
#include "mp/semaphore.h"
#include "mp/value.h"

#define US     INT64_C(1000)
#define SELDOM (1000 * MS)
#define SEATS  3 /* of the semaphore */
#define SLOTS  2 /* of the buffer */

struct world {
	struct mp_lock lock, any, ring[CREW_MAX];
	struct mp_rlock rlock;
	struct mp_semaphore seats, items, slots, handled, turn[CREW_MAX];
	struct mp_condition not_empty, not_full;
	struct mp_event go, done;
	struct mp_barrier barrier;
	struct mp_value number, twice, real;

	/* Guarded by the primitive of the case; not atomic on purpose. */
	uint64_t a, b;
	int inside, depth;
	int buffer[SLOTS], count;
	uint64_t put, got, put_sum, got_sum;
	uint64_t notified[2], woken[2];
	uint32_t round, phase[CREW_MAX];
	uint64_t tally[CREW_MAX];

	_Atomic int sitting, ready, left;
	_Atomic uint64_t indexes, signals, interrupted;
};
static struct world *w;

static int n, rounds, signalled; /* of the case that runs */

/* Marsaglia's xorshift, 2003. */
static uint32_t chance(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* For ever, a try, or a moment. */
static int64_t patience(uint32_t *seed)
{
	uint32_t c = chance(seed);

	return c % 4 == 0 ? 0 : c % 4 == 1 ? c % 256 * US : -1;
}

/* ---- locks */

static int inside(int me)
{
	must(w->inside == 0);
	w->inside = me + 1;
	must(w->a == w->b);
	w->a++;
	w->b++;
	w->tally[me]++;
	must(w->inside == me + 1);
	w->inside = 0;
	return 0;
}

static int use_lock(struct mp_lock *l, int me)
{
	uint32_t seed = (uint32_t)me + 1;
	int rc, line;

	for (int i = 0; i < rounds; i++) {
		rc = mp_lock_acquire(l, patience(&seed));
		must(rc == 0 || rc == -ETIMEDOUT);
		if (rc != 0)
			continue;
		line = inside(me);
		must(line == 0);
		must(mp_lock_release(l) == 0);
	}
	return 0;
}

static int lock(int me)
{
	return use_lock(&w->lock, me);
}

static int lock_any(int me)
{
	return use_lock(&w->any, me);
}

static int rlock(int me)
{
	uint32_t seed = (uint32_t)me + 1, depth;
	int rc, line;

	for (int i = 0; i < rounds; i++) {
		rc = mp_rlock_acquire(&w->rlock, patience(&seed));
		must(rc == 0 || rc == -ETIMEDOUT);
		if (rc != 0)
			continue;
		for (depth = 1; depth < 1 + chance(&seed) % 3; depth++)
			must(mp_rlock_acquire(&w->rlock, 0) == 0);
		line = inside(me);
		must(line == 0);
		must(mp_rlock_depth(&w->rlock) == depth);
		while (depth-- > 0)
			must(mp_rlock_release(&w->rlock) == 0);
	}
	must(mp_rlock_release(&w->rlock) == -EPERM);
	return 0;
}

static bool locks_fit(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < n; i++)
		sum += w->tally[i];
	return sum == w->a && sum == w->b && sum > 0 &&
	       mp_lock_locked(&w->lock) == 0 && mp_lock_locked(&w->any) == 0 &&
	       mp_rlock_locked(&w->rlock) == 0;
}

/* Each has a lock, which its neighbour releases: one of them runs. */
static void ring_ready(void)
{
	for (int i = 0; i < n; i++) {
		mp_lock_init(&w->ring[i], MP_LOCK_ANY);
		if (i != 0)
			mp_lock_acquire(&w->ring[i], -1);
	}
}

static int ring(int me)
{
	for (int i = 0; i < rounds; i++) {
		must(mp_lock_acquire(&w->ring[me], -1) == 0);
		must(w->a % (uint64_t)n == (uint64_t)me);
		w->a++;
		must(mp_lock_release(&w->ring[(me + 1) % n]) == 0);
	}
	/* A holder lives until somebody releases. */
	atomic_fetch_add(&w->left, 1);
	while (atomic_load(&w->left) < n)
		sched_yield();
	return 0;
}

/* ---- semaphores */

/* -EINTR only where signals come. */
static bool allowed(int rc)
{
	if (rc == -EINTR)
		atomic_fetch_add(&w->interrupted, 1);
	return rc == 0 || rc == -ETIMEDOUT || (rc == -EINTR && signalled);
}

static int seats(int me)
{
	uint32_t seed = (uint32_t)me + 1;
	int rc, sitting;

	for (int i = 0; i < rounds; i++) {
		rc = mp_semaphore_acquire(&w->seats, patience(&seed));
		must(allowed(rc));
		if (rc != 0)
			continue;
		sitting = atomic_fetch_add(&w->sitting, 1) + 1;
		must(sitting <= SEATS);
		atomic_fetch_sub(&w->sitting, 1);
		must(mp_semaphore_release(&w->seats) == 0);
	}
	return 0;
}

static bool seats_fit(void)
{
	return mp_semaphore_value(&w->seats) == SEATS &&
	       mp_semaphore_release(&w->seats) == -EOVERFLOW;
}

static int take(struct mp_semaphore *s)
{
	int rc;

	do
		rc = mp_semaphore_acquire(s, -1);
	while (rc == -EINTR && allowed(rc));
	return rc;
}

/* Each has a semaphore, to which its neighbour gives: what is written before a
 * release is seen after the acquire. */
static void turns_ready(void)
{
	mp_semaphore_release(&w->turn[0]);
}

static int turns(int me)
{
	for (int i = 0; i < rounds; i++) {
		must(take(&w->turn[me]) == 0);
		must(w->a % (uint64_t)n == (uint64_t)me);
		w->a++;
		must(mp_semaphore_release(&w->turn[(me + 1) % n]) == 0);
	}
	return 0;
}

static bool turns_fit(void)
{
	return w->a == (uint64_t)n * (uint64_t)rounds;
}

/* A buffer that a semaphore of slots and one of items guard; even workers put
 * in, odd ones take out. */
static int put_semaphores(int item)
{
	must(take(&w->slots) == 0);
	must(mp_lock_acquire(&w->lock, -1) == 0);
	must(w->count < SLOTS);
	w->buffer[w->count++] = item;
	w->put_sum += (uint64_t)item;
	must(mp_lock_release(&w->lock) == 0);
	must(mp_semaphore_release(&w->items) == 0);
	return 0;
}

static int get_semaphores(void)
{
	must(take(&w->items) == 0);
	must(mp_lock_acquire(&w->lock, -1) == 0);
	must(w->count > 0);
	w->got_sum += (uint64_t)w->buffer[--w->count];
	must(mp_lock_release(&w->lock) == 0);
	must(mp_semaphore_release(&w->slots) == 0);
	return 0;
}

static int mailbox(int me)
{
	int line = 0;

	for (int i = 0; i < rounds && line == 0; i++)
		line = me % 2 == 0 ? put_semaphores(i + 1) : get_semaphores();
	return line;
}

static bool mailbox_fits(void)
{
	return w->put_sum == w->got_sum && w->put_sum != 0 && w->count == 0 &&
	       mp_semaphore_value(&w->items) == 0 &&
	       mp_semaphore_value(&w->slots) == SLOTS;
}

/* ---- conditions: the same buffer; each notification wakes exactly one wait */

static int wait_on(int which, uint32_t *seed)
{
	struct mp_condition *c = which == 0 ? &w->not_empty : &w->not_full;
	uint32_t random = chance(seed);
	int rc;

	/* Half of them race with their timeout. */
	rc = mp_condition_wait(c, &w->lock,
			       random % 2 == 0 ? -1 : random % 128 * US);
	must(allowed(rc));
	w->woken[which] += rc == 0;
	return 0;
}

static int buffer(int me)
{
	uint32_t seed = (uint32_t)me + 1;
	int putter = me % 2 == 0, full, line;

	for (int i = 0; i < rounds; i++) {
		must(mp_lock_acquire(&w->lock, -1) == 0);
		for (;;) {
			full = w->count == SLOTS;
			if (putter ? !full : w->count != 0)
				break;
			line = wait_on(putter, &seed);
			must(line == 0);
		}
		if (putter) {
			w->buffer[w->count++] = i + 1;
			w->put_sum += (uint64_t)i + 1;
		} else {
			w->got_sum += (uint64_t)w->buffer[--w->count];
		}
		w->notified[!putter] += (uint64_t)mp_condition_notify(
			putter ? &w->not_empty : &w->not_full, &w->lock, 1);
		must(mp_lock_release(&w->lock) == 0);
	}
	return 0;
}

static bool buffer_fits(void)
{
	for (int i = 0; i < 2; i++)
		if (w->notified[i] != w->woken[i])
			return false;
	return w->put_sum == w->got_sum && w->put_sum != 0 && w->count == 0 &&
	       mp_condition_waiters(&w->not_empty) == 0 &&
	       mp_condition_waiters(&w->not_full) == 0;
}

/* All wait; the last to come wakes all: a barrier by hand. */
static int crowd(int me)
{
	uint32_t round;
	int rc;

	(void)me;
	for (int i = 0; i < rounds; i++) {
		must(mp_lock_acquire(&w->lock, -1) == 0);
		round = w->round;
		if (++w->count == n) {
			w->count = 0;
			w->round++;
			rc = mp_condition_notify_all(&w->not_empty, &w->lock);
			must(rc >= 0 && rc <= n - 1);
			w->notified[0] += (uint64_t)rc;
		}
		while (w->round == round) {
			rc = mp_condition_wait(&w->not_empty, &w->lock, -1);
			must(allowed(rc));
			w->woken[0] += rc == 0;
		}
		must(mp_lock_release(&w->lock) == 0);
	}
	return 0;
}

static bool crowd_fits(void)
{
	return w->round == (uint32_t)rounds && w->count == 0 &&
	       w->notified[0] == w->woken[0] &&
	       mp_condition_waiters(&w->not_empty) == 0;
}

/* ---- events: the first worker starts a round, the last to see it ends it */

static int pass(struct mp_event *e, int64_t timeout_ns)
{
	int rc;

	do
		rc = mp_event_wait(e, timeout_ns);
	while (rc == -EINTR && allowed(rc));
	return rc;
}

static int rounds_of_events(int me)
{
	for (int i = 1; i <= rounds; i++) {
		if (me == 0) {
			while (atomic_load(&w->ready) < n - 1)
				sched_yield();
			atomic_store(&w->ready, 0);
			mp_event_clear(&w->done);
			w->round = (uint32_t)i;
			mp_event_set(&w->go);
			must(pass(&w->done, -1) == 0);
			must(mp_event_is_set(&w->done) == 1);
			must(w->a == (uint64_t)(n - 1) * (uint64_t)i);
			continue;
		}
		/* Ready only when the last round is over for all. */
		while (atomic_load(&w->left) != (i - 1) * (n - 1))
			sched_yield();
		atomic_fetch_add(&w->ready, 1);
		must(pass(&w->go, -1) == 0);
		must(w->round == (uint32_t)i);
		must(mp_lock_acquire(&w->lock, -1) == 0);
		if (++w->a == (uint64_t)(n - 1) * (uint64_t)i) {
			mp_event_clear(&w->go);
			mp_event_set(&w->done);
			atomic_store(&w->left, i * (n - 1));
		}
		must(mp_lock_release(&w->lock) == 0);
	}
	return 0;
}

static bool events_fit(void)
{
	return w->a == (uint64_t)(n - 1) * (uint64_t)rounds;
}

/* ---- barriers */

static int reach(void)
{
	int rc;

	do
		rc = mp_barrier_wait(&w->barrier, -1);
	while (rc == -EINTR && allowed(rc));
	return rc;
}

static int phases(int me)
{
	int rc;

	/* Some are parties all the time, some while they wait. */
	if (me % 2 == 0)
		must(mp_barrier_enter(&w->barrier) == 0);
	for (int i = 1; i <= rounds; i++) {
		w->phase[me] = (uint32_t)i;
		rc = reach();
		must(rc >= 0 && rc < n);
		atomic_fetch_add(&w->indexes, (uint64_t)rc);
		for (int j = 0; j < n; j++)
			must(w->phase[j] == (uint32_t)i);
		rc = reach();
		must(rc >= 0 && rc < n);
	}
	if (me % 2 == 0)
		must(mp_barrier_leave(&w->barrier) == 0);
	return 0;
}

static void phases_ready(void)
{
	mp_barrier_init(&w->barrier, (uint32_t)n);
}

static bool phases_fit(void)
{
	return atomic_load(&w->indexes) ==
		       (uint64_t)rounds * (uint64_t)(n * (n - 1) / 2) &&
	       mp_barrier_waiting(&w->barrier) == 0 &&
	       mp_barrier_broken(&w->barrier) == 0;
}

/* ---- values */

static void values_ready(void)
{
	mp_value_init(&w->number, MP_TYPE_I64);
	mp_value_init(&w->twice, MP_TYPE_I32);
	mp_value_init(&w->real, MP_TYPE_F64);
}

static int values(int me)
{
	int64_t x;

	(void)me;
	for (int i = 0; i < rounds; i++) {
		must(mp_value_add_int(&w->number, i, NULL) == 0);
		must(mp_value_add_float(&w->real, 0.5, NULL) == 0);
		if (i % 8 != 0)
			continue;
		must(mp_rlock_acquire(&w->twice.lock, -1) == 0);
		must(mp_value_get_int(&w->twice, &x) == 0 && x % 2 == 0);
		must(mp_value_set_int(&w->twice, x + 1) == 0);
		must(mp_value_set_int(&w->twice, x + 2) == 0);
		must(mp_rlock_release(&w->twice.lock) == 0);
	}
	return 0;
}

static bool values_fit(void)
{
	int64_t number = 0, twice = 0, r = rounds;
	double real = 0;

	mp_value_get_int(&w->number, &number);
	mp_value_get_int(&w->twice, &twice);
	mp_value_get_float(&w->real, &real);
	return number == n * (r * (r - 1) / 2) &&
	       twice == 2 * n * ((r + 7) / 8) && real == 0.5 * (double)(n * r);
}

/* A number as a flag: it says whose turn it is, and publishes what was written
 * before. */
static int flag(int me)
{
	int64_t x;

	for (int i = 0; i < rounds; i++) {
		while (mp_value_get_int(&w->number, &x) == 0 && x % n != me)
			sched_yield();
		must(w->a == (uint64_t)x);
		w->a++;
		must(mp_value_set_int(&w->number, x + 1) == 0);
	}
	return 0;
}

/* ---- the director */

static const struct stress {
	const char *what;
	void (*ready)(void);
	int (*work)(int);
	bool (*fits)(void);
	int rounds; /* for 1000 asked for */
	int waits;  /* a signal may come back as -EINTR */
} stresses[] = {
	{ "lock", NULL, lock, locks_fit, 100000, 0 },
	{ "lock by anybody", NULL, lock_any, locks_fit, 100000, 0 },
	{ "ring of locks", ring_ready, ring, turns_fit, 1000, 0 },
	{ "rlock", NULL, rlock, locks_fit, 50000, 0 },
	{ "semaphore", NULL, seats, seats_fit, 50000, 1 },
	{ "ring of semaphores", turns_ready, turns, turns_fit, 1000, 1 },
	{ "mailbox of semaphores", NULL, mailbox, mailbox_fits, 5000, 1 },
	{ "condition, one at a time", NULL, buffer, buffer_fits, 3000, 1 },
	{ "condition, all", NULL, crowd, crowd_fits, 500, 1 },
	{ "event", NULL, rounds_of_events, events_fit, 500, 1 },
	{ "barrier", phases_ready, phases, phases_fit, 500, 1 },
	{ "value", values_ready, values, values_fit, 50000, 0 },
	{ "value as a flag", values_ready, flag, turns_fit, 1000, 0 },
};

/* What may be called in a handler. */
static void on_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&w->signals, 1);
	mp_semaphore_release(&w->handled);
}

/* Anybody may ask at any time; the answers are old news. */
static void watch(void)
{
	mp_lock_locked(&w->lock);
	mp_rlock_locked(&w->rlock);
	mp_semaphore_value(&w->seats);
	mp_condition_waiters(&w->not_empty);
	mp_event_is_set(&w->go);
	mp_barrier_waiting(&w->barrier);
	mp_barrier_broken(&w->barrier);
}

/* Questions, and signals to one after another, until they are done. */
static void disturb(int64_t end)
{
	for (int i = 0; crew_done() < n && mp_clock_now() < end; i++) {
		watch();
		if (signalled)
			crew_signal(i % n, SIGUSR1);
		usleep(100);
	}
}

static uint64_t rescues(void)
{
	const struct mp_counters *c[] = { &w->lock.counters,
					  &w->any.counters,
					  &w->rlock.lock.counters,
					  &w->seats.counters,
					  &w->items.counters,
					  &w->slots.counters,
					  &w->not_empty.counters,
					  &w->not_full.counters,
					  &w->go.counters,
					  &w->done.counters,
					  &w->barrier.counters,
					  &w->barrier.lock.counters,
					  &w->twice.lock.lock.counters };
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		sum += mp_counters_get(c[i], MP_RESCUES);
	for (int i = 0; i < n; i++)
		sum += mp_counters_get(&w->ring[i].counters, MP_RESCUES) +
		       mp_counters_get(&w->turn[i].counters, MP_RESCUES);
	return sum;
}

static void fresh(void)
{
	memset(w, 0, sizeof(*w));
	mp_lock_init(&w->any, MP_LOCK_ANY);
	mp_semaphore_init(&w->seats, SEATS, SEATS);
	mp_semaphore_init(&w->slots, SLOTS, SLOTS);
}

static void run(const struct stress *s, int64_t backstop_ns, const char *how)
{
	int64_t begin = mp_clock_now(), end = crew_deadline();
	int joined;
	char what[80];

	snprintf(what, sizeof(what), "%s, %d " CREW ", %s", s->what, n, how);
	mp_backstop_set(backstop_ns);
	fresh();
	if (s->ready != NULL)
		s->ready();
	crew_start(n, s->work);
	disturb(end);
	joined = crew_join(what, end);
	ok(joined && s->fits(), "%s", what);
	/* (A short one also ends sleeps whose wake-up is on its way.) */
	if (backstop_ns == SELDOM)
		is((long long)rescues(), 0, "%s: no rescue", what);
	if (signalled)
		ok(mp_semaphore_value(&w->handled) == w->signals &&
			   (s->waits || w->interrupted == 0),
		   "%s: each signal handled (%d, %d came back)", what,
		   (int)w->signals, (int)w->interrupted);
	printf("# %s: %.2f s\n", what, (double)(mp_clock_now() - begin) / 1e9);
}

int main(int argc, char **argv)
{
	int cpus = mp_cpu_count(MP_CPU_USABLE), asked = 1000;
	const char *only = argc > 2 ? argv[2] : "";

	if (argc > 1)
		asked = atoi(argv[1]);
	if (argc > 3 || asked < 1 || asked > 1000000) {
		fprintf(stderr, "usage: %s [ROUNDS (1 to 1000000) [CASE]]\n",
			argv[0]);
		return 2;
	}
	n = 4 * cpus < 8 ? 8 : 4 * cpus > 24 ? 24 : 4 * cpus;
	crew_init();
	w = share(sizeof(*w));
	handle(SIGUSR1, on_signal, 0);
	for (size_t i = 0; i < sizeof(stresses) / sizeof(stresses[0]); i++) {
		const struct stress *s = &stresses[i];

		if (strstr(s->what, only) == NULL)
			continue;
		rounds = (int)((int64_t)s->rounds * asked / 1000) + 8;
		signalled = 0;
		run(s, 0, "no back-stop");
		run(s, SELDOM, "back-stop");
		run(s, 50 * US, "restless");
		signalled = 1;
		run(s, 0, "signals");
	}
	return tap_done();
}
