/* Several locks at once: released in any order, beside mutexes, and more than
 * the kernel looks at. */
#include "mp/lock.h"

#include "mp/backstop.h"
#include "waiting.h"

enum { MANY = 3000 };

struct shared {
	struct mp_lock lock, five[5], many[MANY];
	pthread_mutex_t before, after; /* robust ones of the C library */
};

static struct shared *s;

static void fresh(void)
{
	pthread_mutexattr_t attr;

	memset(s, 0, sizeof(*s));
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&s->before, &attr);
	pthread_mutex_init(&s->after, &attr);
}

/* All orders of releasing five locks. */
static void release_orders(void)
{
	int bad = 0, order[5], rest, n, i;

	fresh();
	for (int k = 0; k < 120; k++) {
		for (i = 0; i < 5; i++) {
			order[i] = i;
			mp_lock_acquire(&s->five[i], -1);
		}
		for (i = 0, rest = k; i < 5; rest /= 5 - i, i++) {
			n = order[i + rest % (5 - i)];
			order[i + rest % (5 - i)] = order[i];
			bad += mp_lock_release(&s->five[n]) != 0;
			bad += mp_lock_release(&s->five[n]) != -EPERM;
			for (int j = i + 1; j < 5; j++)
				bad += !mp_lock_mine(&s->five[order[j]]);
		}
		bad += !holds_nothing();
	}
	is(bad, 0, "five locks released in each of the 120 orders");
}

static int releases_some(long mask)
{
	for (int i = 0; i < 5; i++)
		mp_lock_acquire(&s->five[i], -1);
	for (int i = 0; i < 5; i++)
		if (mask & (1 << i))
			mp_lock_release(&s->five[i]);
	return raise(SIGKILL);
}

static void some_of_five(void)
{
	int bad = 0;

	for (int mask = 0; mask < 32; mask++) {
		fresh();
		end_of(start(releases_some, mask));
		for (int i = 0; i < 5; i++) {
			bad += mp_lock_acquire(&s->five[i], 0) !=
			       (mask & (1 << i) ? 0 : MP_OWNER_DIED);
			mp_lock_release(&s->five[i]);
		}
	}
	is(bad, 0,
	   "of five locks those are told of that it still held, for "
	   "all 32 sets released before");
}

static int holds_with_mutexes(long unused)
{
	(void)unused;
	pthread_mutex_lock(&s->before);
	mp_lock_acquire(&s->lock, -1);
	pthread_mutex_lock(&s->after);
	mp_lock_acquire(&s->five[0], -1);
	mp_lock_acquire(&s->five[1], -1);
	pthread_mutex_unlock(&s->before);
	mp_lock_release(&s->five[0]);
	return raise(SIGKILL);
}

static void beside_mutexes(void)
{
	fresh();
	end_of(start(holds_with_mutexes, 0));
	is(mp_lock_acquire(&s->lock, 0), MP_OWNER_DIED,
	   "beside robust mutexes: the lock");
	is(mp_lock_acquire(&s->five[1], 0), MP_OWNER_DIED, "both locks");
	is(mp_lock_release(&s->five[1]), 0, "released");
	is(mp_lock_acquire(&s->five[0], 0), 0, "not the one released");
	is(mp_lock_release(&s->five[0]), 0, "released");
	is(pthread_mutex_lock(&s->after), EOWNERDEAD, "and the mutex");
	is(pthread_mutex_lock(&s->before), 0, "not the one unlocked");
	pthread_mutex_consistent(&s->after);
	pthread_mutex_unlock(&s->after);
	pthread_mutex_unlock(&s->before);
	mp_lock_release(&s->lock);
	ok(holds_nothing(), "nothing is left in the list");
}

static int takes_many(long unused)
{
	(void)unused;
	for (int i = 0; i < MANY; i++)
		if (mp_lock_acquire(&s->many[i], -1) != 0)
			return 1;
	for (int i = 0; i < MANY; i++)
		if (!mp_lock_mine(&s->many[i]))
			return 2;
	return raise(SIGKILL);
}

/* The kernel walks 2048 of them; the rest is found by looking. */
static void many(void)
{
	int at_once = 0, later = 0, rescued = 0, again = 0;

	fresh();
	is(end_of(start(takes_many, 0)), 1000 + SIGKILL,
	   "a process killed while it held %d locks", MANY);
	for (int i = 0; i < MANY; i++)
		if (mp_lock_acquire(&s->many[i], 0) == MP_OWNER_DIED) {
			at_once++;
			mp_lock_release(&s->many[i]);
		}
	ok(at_once >= 2048, "the kernel tells of %d", at_once);
	mp_backstop_set(MS / 10);
	for (int i = 0; i < MANY; i++) {
		if (mp_lock_acquire(&s->many[i], LONG) == MP_OWNER_DIED)
			later++;
		mp_lock_release(&s->many[i]);
		rescued +=
			(int)mp_counters_get(&s->many[i].counters, MP_RESCUES);
	}
	mp_backstop_set(0);
	is(later, MANY - at_once, "a look tells of the others");
	is(rescued, later, "each counted as a rescue");
	for (int i = 0; i < MANY; i++) {
		again += mp_lock_acquire(&s->many[i], 0) != 0;
		mp_lock_release(&s->many[i]);
	}
	is(again, 0, "and none is told of twice");
}

static void many_released_in_order(void)
{
	int bad = 0;

	fresh();
	for (int i = 0; i < MANY; i++)
		bad += mp_lock_acquire(&s->many[i], -1) != 0;
	for (int i = 0; i < MANY; i++)
		bad += mp_lock_release(&s->many[i]) != 0;
	ok(bad == 0 && holds_nothing(), "%d locks, the first taken first out",
	   MANY);
}

int main(void)
{
	s = share(sizeof(*s));
	mp_backstop_set(0);
	release_orders();
	many_released_in_order();
	if (mp_owner_attach() == -ENOTSUP) {
		tap_skip("killed holders", "not the robust list of glibc");
		return tap_done();
	}
	some_of_five();
	beside_mutexes();
	many();
	return tap_done();
}
