/* Processes are killed at random while they use a primitive, and replaced; the
 * books are kept in memory that nobody guards, each worker writing its own.
 *
 * A kill between an operation and its entry in the books leaves one of them in
 * doubt; so each is entered twice, as begun and as done, and what the primitive
 * says must lie between. */
#include "crew.h"

#include "mp/backstop.h"
#include "mp/barrier.h"
#include "mp/condition.h"
#include "mp/event.h"
#include "mp/rlock.h"
#include "mp/semaphore.h"
#include "mp/value.h"

#define WORKERS 8
#define SLOTS   2
#define BOUND   3
#define STALL   LONG /* a worker that does not get on for so long hangs */

struct world {
	struct mp_lock lock;
	struct mp_rlock rlock;
	struct mp_semaphore tokens;
	struct mp_condition not_empty, not_full;
	struct mp_event event;
	struct mp_barrier barrier;
	struct mp_value value;

	/* Guarded by the lock. */
	uint64_t a, b, put, got, buffer[SLOTS];
	int inside;

	_Atomic int stop;
	_Atomic uint64_t told, phases;
	struct book {
		_Alignas(64) _Atomic uint64_t begun, done, progress;
		_Atomic int entered;
	} book[WORKERS];
};
static struct world *w;

static uint32_t seed = 1;

static uint32_t chance(uint32_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 17;
	*s ^= *s << 5;
	return *s;
}

static int going_on(int me)
{
	atomic_fetch_add(&w->book[me].progress, 1);
	return !atomic_load(&w->stop);
}

/* ---- what the workers do */

/* Two counters that differ only while somebody is inside. */
static int inside(int me, int rc)
{
	must(rc == 0 || rc == MP_OWNER_DIED);
	if (rc == MP_OWNER_DIED) {
		atomic_fetch_add(&w->told, 1);
		must(w->a == w->b || w->a == w->b + 1);
		w->b = w->a;
	} else {
		must(w->inside == 0);
	}
	w->inside = me + 1;
	must(w->a == w->b);
	atomic_fetch_add(&w->book[me].begun, 1);
	w->a++;
	w->b++;
	atomic_fetch_add(&w->book[me].done, 1);
	must(w->inside == me + 1);
	w->inside = 0;
	return 0;
}

static int lock(int me)
{
	uint32_t s = (uint32_t)getpid();
	int rc, line;

	while (going_on(me)) {
		rc = mp_lock_acquire(&w->lock,
				     chance(&s) % 8 == 0 ? 100000 : -1);
		if (rc == -ETIMEDOUT)
			continue;
		line = inside(me, rc);
		must(line == 0);
		must(mp_lock_release(&w->lock) == 0);
	}
	return 0;
}

static int rlock(int me)
{
	int line;

	while (going_on(me)) {
		line = inside(me, mp_rlock_acquire(&w->rlock, -1));
		must(line == 0);
		must(mp_rlock_acquire(&w->rlock, -1) == 0);
		must(mp_rlock_depth(&w->rlock) == 2);
		must(mp_rlock_release(&w->rlock) == 0);
		must(mp_rlock_release(&w->rlock) == 0);
	}
	return 0;
}

/* Even workers put numbers in order, odd ones take them in order; one store
 * each commits, so nothing is ever half-done. */
static int told(int rc)
{
	if (rc == MP_OWNER_DIED) {
		/* It may have died before its notify. */
		atomic_fetch_add(&w->told, 1);
		mp_condition_notify_all(&w->not_empty, &w->lock);
		mp_condition_notify_all(&w->not_full, &w->lock);
	}
	return rc;
}

static int condition(int me)
{
	int putter = me % 2 == 0, rc;

	while (going_on(me)) {
		rc = told(mp_lock_acquire(&w->lock, -1));
		must(rc >= 0);
		while (w->put - w->got == (putter ? SLOTS : 0) &&
		       !atomic_load(&w->stop)) {
			rc = told(mp_condition_wait(putter ? &w->not_full
							   : &w->not_empty,
						    &w->lock, -1));
			must(rc >= 0);
		}
		must(w->put - w->got <= SLOTS);
		if (putter && w->put - w->got < SLOTS) {
			w->buffer[w->put % SLOTS] = w->put;
			w->put++;
			mp_condition_notify(&w->not_empty, &w->lock, 1);
		} else if (!putter && w->put != w->got) {
			must(w->buffer[w->got % SLOTS] == w->got);
			w->got++;
			mp_condition_notify(&w->not_full, &w->lock, 1);
		}
		must(mp_lock_release(&w->lock) == 0);
	}
	return 0;
}

/* Even workers give, odd ones take. */
static int semaphore(int me)
{
	int rc;

	while (going_on(me)) {
		atomic_fetch_add(&w->book[me].begun, 1);
		rc = me % 2 == 0 ? mp_semaphore_release(&w->tokens)
				 : mp_semaphore_acquire(&w->tokens, -1);
		must(rc == 0 || (rc == -EOVERFLOW && me % 2 == 0));
		if (rc == 0)
			atomic_fetch_add(&w->book[me].done, 1);
		else
			atomic_fetch_sub(&w->book[me].begun, 1);
		must(mp_semaphore_value(&w->tokens) <= BOUND);
	}
	return 0;
}

/* The first two set and clear, the others wait. */
static int event(int me)
{
	while (going_on(me)) {
		if (me >= 2) {
			must(mp_event_wait(&w->event, -1) == 0);
			continue;
		}
		mp_event_set(&w->event);
		mp_event_clear(&w->event);
		sched_yield();
	}
	return 0;
}

/* A barrier that broke is mended by the director. */
static int barrier(int me)
{
	int rc = mp_barrier_enter(&w->barrier);

	must(rc == 0);
	atomic_store(&w->book[me].entered, 1);
	while (going_on(me)) {
		rc = mp_barrier_wait(&w->barrier, -1);
		must((rc >= 0 && rc < WORKERS) || rc == -ECANCELED);
		if (rc == 0)
			atomic_fetch_add(&w->phases, 1);
		while (rc == -ECANCELED && mp_barrier_broken(&w->barrier) &&
		       going_on(me))
			sched_yield();
	}
	/* Its death does not count any more. */
	mp_barrier_leave(&w->barrier);
	return 0;
}

static int value(int me)
{
	while (going_on(me)) {
		atomic_fetch_add(&w->book[me].begun, 1);
		must(mp_value_add_int(&w->value, 1, NULL) == 0);
		atomic_fetch_add(&w->book[me].done, 1);
	}
	return 0;
}

/* ---- the director's books */

static int within(uint64_t low, uint64_t n, uint64_t high)
{
	return ok(low <= n && n <= high, "the books: %llu in %llu to %llu",
		  (unsigned long long)n, (unsigned long long)low,
		  (unsigned long long)high);
}

static void sum(int from, int step, uint64_t *done, uint64_t *begun)
{
	*done = *begun = 0;
	for (int i = from; i < WORKERS; i += step) {
		*done += atomic_load(&w->book[i].done);
		*begun += atomic_load(&w->book[i].begun);
	}
}

static void lock_fits(void)
{
	uint64_t done, begun;

	sum(0, 1, &done, &begun);
	within(done, w->a, begun);
	/* Nobody is inside; the last one who was may have died there. */
	ok(w->a - w->b <= 1, "both counters");
}

static void condition_fits(void)
{
	ok(w->put - w->got <= SLOTS && w->got > 0, "%llu put, %llu got",
	   (unsigned long long)w->put, (unsigned long long)w->got);
}

static void semaphore_fits(void)
{
	uint64_t given, give_begun, taken, take_begun;
	uint64_t left = mp_semaphore_value(&w->tokens);

	sum(0, 2, &given, &give_begun);
	sum(1, 2, &taken, &take_begun);
	within(given, left + take_begun, UINT64_MAX);
	within(0, left + taken, give_begun);
}

static void value_fits(void)
{
	uint64_t done, begun;
	int64_t n = 0;

	sum(0, 1, &done, &begun);
	mp_value_get_int(&w->value, &n);
	within(done, (uint64_t)n, begun);
}

/* ---- at the end, those who wait are let through */

static void end_condition(void)
{
	int rc = mp_lock_acquire(&w->lock, LONG);

	if (rc < 0)
		return;
	mp_condition_notify_all(&w->not_empty, &w->lock);
	mp_condition_notify_all(&w->not_full, &w->lock);
	mp_lock_release(&w->lock);
}

static void end_semaphore(void)
{
	if (mp_semaphore_value(&w->tokens) == 0) {
		atomic_fetch_add(&w->book[0].begun, 1);
		mp_semaphore_release(&w->tokens);
		atomic_fetch_add(&w->book[0].done, 1);
	}
}

static void end_event(void)
{
	mp_event_set(&w->event);
}

static void end_barrier(void)
{
	mp_barrier_abort(&w->barrier);
}

/* ---- after a kill */

/* A dead party breaks the barrier; a new one comes, and it is mended. */
static int mend(int me)
{
	int64_t end = mp_clock_now() + STALL;
	uint64_t phases;

	if (atomic_exchange(&w->book[me].entered, 0))
		while (!mp_barrier_broken(&w->barrier))
			if (mp_clock_now() > end)
				return 0;
	crew_add(me);
	while (!atomic_load(&w->book[me].entered))
		if (mp_clock_now() > end)
			return 0;
	phases = atomic_load(&w->phases);
	while (atomic_load(&w->phases) < phases + 2) {
		if (mp_barrier_broken(&w->barrier))
			mp_barrier_reset(&w->barrier);
		sched_yield();
		if (mp_clock_now() > end)
			return 0;
	}
	return 1;
}

static int replace(int me)
{
	crew_add(me);
	return 1;
}

static const struct storm {
	const char *what;
	int (*work)(int);
	int (*after)(int);  /* replace the one who died; 0: others hang */
	void (*end)(void);  /* let them come to an end; many times */
	void (*fits)(void); /* the books */
	int share;          /* of the time, in percent */
} storms[] = {
	{ "lock", lock, replace, NULL, lock_fits, 25 },
	{ "lock by anybody", lock, replace, NULL, lock_fits, 10 },
	{ "rlock", rlock, replace, NULL, lock_fits, 10 },
	{ "condition", condition, replace, end_condition, condition_fits, 20 },
	{ "semaphore", semaphore, replace, end_semaphore, semaphore_fits, 10 },
	{ "event", event, replace, end_event, NULL, 10 },
	{ "barrier", barrier, mend, end_barrier, NULL, 10 },
	{ "value", value, replace, NULL, value_fits, 5 },
};

static void fresh(const struct storm *s)
{
	memset(w, 0, sizeof(*w));
	if (strcmp(s->what, "lock by anybody") == 0)
		mp_lock_init(&w->lock, MP_LOCK_ANY);
	mp_semaphore_init(&w->tokens, 0, BOUND);
	mp_barrier_init(&w->barrier, WORKERS);
	mp_value_init(&w->value, MP_TYPE_I64);
}

/* No kills for a moment: everybody gets on.  -1, or who does not. */
static int calm(void)
{
	int64_t end = mp_clock_now() + STALL;
	uint64_t seen[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		seen[i] = atomic_load(&w->book[i].progress);
	for (int i = 0; i < WORKERS; i++)
		while (atomic_load(&w->book[i].progress) == seen[i]) {
			if (mp_clock_now() > end)
				return i;
			usleep(100);
		}
	return -1;
}

static int failed(const char *what)
{
	for (int i = 0; i < WORKERS; i++) {
		int line = atomic_load(&crew->member[i].failed);

		if (line != 0) {
			printf("# %s: worker %d failed at line %d\n", what, i,
			       line);
			return 1;
		}
	}
	return 0;
}

static void blow(const struct storm *s, int64_t time_ns)
{
	int64_t end = mp_clock_now() + time_ns;
	int kills = 0, bad = 0, me, joined;

	fresh(s);
	crew_start(WORKERS, s->work);
	while (mp_clock_now() < end && !bad) {
		usleep(chance(&seed) % 1000);
		me = (int)(chance(&seed) % WORKERS);
		killed(crew->member[me].pid);
		kills++;
		bad |= failed(s->what);
		if (!s->after(me)) {
			printf("# %s: the others hang after a kill\n", s->what);
			bad = 1;
		}
		me = kills % 10 == 0 && !bad ? calm() : -1;
		if (me >= 0) {
			printf("# %s: worker %d hangs\n", s->what, me);
			bad = 1;
		}
	}
	atomic_store(&w->stop, 1);
	end = mp_clock_now() + STALL;
	while (s->end != NULL && crew_done() < WORKERS && mp_clock_now() < end)
		s->end();
	joined = crew_join(s->what, mp_clock_now() + STALL);
	ok(!bad && joined, "%s: %d kills, nobody hangs, nothing is broken",
	   s->what, kills);
	if (s->fits != NULL)
		s->fits();
	printf("# %s: %d kills, %llu recoveries\n", s->what, kills,
	       (unsigned long long)atomic_load(&w->told));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 5;
	const char *only = argc > 2 ? argv[2] : "";

	if (argc > 3 || seconds < 1 || seconds > 3600) {
		fprintf(stderr, "usage: %s [SECONDS (1 to 3600) [CASE]]\n",
			argv[0]);
		return 2;
	}
	mp_backstop_set(10 * MS); /* what a kill delays is soon over */
	seed = (uint32_t)getpid() * 2654435761u | 1;
	printf("# seed %u\n", seed);
	crew_init();
	w = share(sizeof(*w));
	for (size_t i = 0; i < sizeof(storms) / sizeof(storms[0]); i++)
		if (strstr(storms[i].what, only) != NULL)
			blow(&storms[i], seconds * 10 * MS * storms[i].share);
	return tap_done();
}
