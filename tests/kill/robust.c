/* The driver finds what is known to be wrong and nothing in what is right: a
 * little lock on the robust list, whole and with faults, and glibc's robust
 * mutex, in which a wake-up can be lost. */
#include "driver.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>

#include "mp/clock.h"
#include "mp/futex.h"
#include "mp/owner.h"

struct world {
	struct mp_owner_node node;
	_Alignas(64) pthread_mutex_t mutex;
	uint32_t no_begin; /* a fault of take */
	int64_t look_ns;   /* a sleeper looks for itself this often */
};
static struct world *w;

/* ---- the little lock: 0, or the holder's thread id and WAITERS */

static int take(int64_t timeout_ns)
{
	uint32_t old, new, slept = 0;

	if (!w->no_begin)
		mp_owner_begin(&w->node);
	for (;;) {
		old = atomic_load(&w->node.word);
		new = mp_owner_tid() | ((old | slept) & FUTEX_WAITERS);
		if ((old & FUTEX_TID_MASK) == 0) {
			if (atomic_compare_exchange_strong(&w->node.word, &old,
							   new))
				break;
		} else if (timeout_ns == 0) {
			mp_owner_end();
			return -EBUSY;
		} else if (old & FUTEX_WAITERS ||
			   atomic_compare_exchange_strong(
				   &w->node.word, &old, old | FUTEX_WAITERS)) {
			mp_futex_wait(&w->node.word, old | FUTEX_WAITERS,
				      mp_clock_deadline(w->look_ns), NULL);
			slept = FUTEX_WAITERS;
		}
	}
	mp_owner_add(&w->node);
	return (old & FUTEX_OWNER_DIED) != 0;
}

static void give(void)
{
	uint32_t old;

	mp_owner_remove(&w->node);
	old = atomic_exchange(&w->node.word, 0);
	if (old & FUTEX_WAITERS)
		mp_futex_wake(&w->node.word, 1, NULL);
	mp_owner_end();
}

static void look_never(void)
{
	w->look_ns = -1;
}

static void look_sometimes(void)
{
	w->look_ns = BACKSTOP;
}

static void without_begin(void)
{
	look_never();
	w->no_begin = 1;
}

static void hold(void)
{
	take(-1);
}

static int taking(void)
{
	return take(-1);
}

static int giving(void)
{
	give();
	return 0;
}

/* ---- the others */

static int next(struct other *self)
{
	int rc = take(-1);

	(void)self;
	give();
	return rc;
}

static int sleeper(struct other *self)
{
	other_at(self, 1);
	return next(self);
}

/* Tries when told to, and gives back when told to. */
static int slipper(struct other *self)
{
	int rc;

	other_at(self, 1);
	other_until(self, 1);
	rc = take(0);
	other_at(self, 2);
	other_until(self, 2);
	if (rc == 0)
		give();
	return rc;
}

static void start_sleeper(void)
{
	other_start(0, sleeper);
	other_reach(0, 1);
	other_asleep(0);
}

static void start_sleeper_and_slipper(void)
{
	start_sleeper();
	other_start(1, slipper);
	other_reach(1, 1);
}

static uint32_t holder;

static void note_holder(void)
{
	holder = atomic_load(&w->node.word) & FUTEX_TID_MASK;
}

static void slip_in(void)
{
	note_holder();
	other_go(1, 1);
	other_reach(1, 2);
}

/* The next one gets it, and is told exactly if the victim held it. */
static void check_next(const struct point *p)
{
	int rc = other_run(next);

	must(rc == (holder == p->tid), "the next one: %d", rc);
}

static void check_sleeper(const struct point *p)
{
	int rc = other_result(0);

	must(rc == (holder == p->tid), "the sleeper: %d", rc);
	rc = other_run(next);
	must(rc == 0, "the next one: %d", rc);
}

/* The one who slipped in gives back; the sleeper and the next one get it. */
static void check_slip(const struct point *p)
{
	int rc;

	(void)p;
	other_go(1, 2);
	rc = other_result(0);
	must(rc == 0 || rc == 1, "the sleeper: %d", rc);
	rc = other_run(next);
	must(rc == 0, "the next one: %d", rc);
}

/* ---- glibc's robust mutex */

static void mutex_fresh(void)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&w->mutex, &attr);
}

static void mutex_hold(void)
{
	pthread_mutex_lock(&w->mutex);
}

static int mutex_taking(void)
{
	return pthread_mutex_lock(&w->mutex);
}

static int mutex_giving(void)
{
	return pthread_mutex_unlock(&w->mutex);
}

static int mutex_next(struct other *self)
{
	int rc = pthread_mutex_lock(&w->mutex);

	(void)self;
	if (rc == EOWNERDEAD)
		pthread_mutex_consistent(&w->mutex);
	pthread_mutex_unlock(&w->mutex);
	return rc;
}

static int mutex_sleeper(struct other *self)
{
	other_at(self, 1);
	return mutex_next(self);
}

static int mutex_slipper(struct other *self)
{
	int rc;

	other_at(self, 1);
	other_until(self, 1);
	rc = pthread_mutex_trylock(&w->mutex);
	other_at(self, 2);
	other_until(self, 2);
	if (rc == 0)
		pthread_mutex_unlock(&w->mutex);
	return rc;
}

static void mutex_start_sleeper(void)
{
	other_start(0, mutex_sleeper);
	other_reach(0, 1);
	other_asleep(0);
}

static void mutex_start_both(void)
{
	mutex_start_sleeper();
	other_start(1, mutex_slipper);
	other_reach(1, 1);
}

static void mutex_note(void)
{
	holder = (uint32_t)w->mutex.__data.__lock & FUTEX_TID_MASK;
}

static void mutex_slip_in(void)
{
	other_go(1, 1);
	other_reach(1, 2);
}

static void mutex_check_next(const struct point *p)
{
	int rc = other_run(mutex_next);

	must(rc == (holder == p->tid ? EOWNERDEAD : 0), "the next one: %d", rc);
}

static void mutex_check_sleeper(const struct point *p)
{
	int rc = other_result(0);

	must(rc == (holder == p->tid ? EOWNERDEAD : 0), "the sleeper: %d", rc);
}

static void mutex_check_slip(const struct point *p)
{
	int rc;

	(void)p;
	other_go(1, 2);
	rc = other_result(0);
	must(rc == 0 || rc == EOWNERDEAD, "the sleeper: %d", rc);
}

static const struct story stories[] = {
	{ .what = "little lock: take",
	  .world = look_never,
	  .operation = taking,
	  .slip = note_holder,
	  .check = check_next },
	{ .what = "little lock: give, nobody sleeps",
	  .world = look_never,
	  .before = hold,
	  .operation = giving,
	  .slip = note_holder,
	  .check = check_next },
	{ .what = "little lock: give, one sleeps",
	  .world = look_never,
	  .before = hold,
	  .others = start_sleeper,
	  .operation = giving,
	  .slip = note_holder,
	  .check = check_sleeper },
	{ .what = "little lock: give, another slips in",
	  .world = look_sometimes,
	  .before = hold,
	  .others = start_sleeper_and_slipper,
	  .operation = giving,
	  .slip = slip_in,
	  .check = check_slip },
	{ .what = "fault: another slips in, and sleepers never look",
	  .fault = 1,
	  .world = look_never,
	  .before = hold,
	  .others = start_sleeper_and_slipper,
	  .operation = giving,
	  .slip = slip_in,
	  .check = check_slip },
	{ .what = "fault: take without a pending entry",
	  .fault = 1,
	  .world = without_begin,
	  .operation = taking,
	  .slip = note_holder,
	  .check = check_next },
	{ .what = "robust mutex: lock",
	  .world = mutex_fresh,
	  .operation = mutex_taking,
	  .slip = mutex_note,
	  .check = mutex_check_next },
	{ .what = "robust mutex: unlock, one sleeps",
	  .world = mutex_fresh,
	  .before = mutex_hold,
	  .others = mutex_start_sleeper,
	  .operation = mutex_giving,
	  .slip = mutex_note,
	  .check = mutex_check_sleeper },
	{ .what = "fault: robust mutex: unlock, another slips in",
	  .fault = 1,
	  .world = mutex_fresh,
	  .before = mutex_hold,
	  .others = mutex_start_both,
	  .operation = mutex_giving,
	  .slip = mutex_slip_in,
	  .check = mutex_check_slip },
};

int main(int argc, char **argv)
{
	w = kill_world(sizeof(*w));
	return kill_main(argc, argv, stories, COUNT(stories));
}
