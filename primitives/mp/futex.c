/* futex.c - the only futex calls of the library.
 *
 * FUTEX_WAIT_BITSET is used for one reason: its timeout is an absolute time on
 * CLOCK_MONOTONIC, where FUTEX_WAIT takes a relative one that starts anew after
 * every signal.
 */
#include "mp/futex.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "mp/clock.h"
#include "mp/counters.h"

int mp_futex_wait(_Atomic uint32_t *word, uint32_t expected,
		  int64_t deadline_ns, struct mp_counters *c)
{
	struct timespec t, *until = NULL;

	if (deadline_ns != MP_CLOCK_NEVER) {
		if (deadline_ns < 0)
			deadline_ns = 0;
		t.tv_sec = deadline_ns / 1000000000;
		t.tv_nsec = deadline_ns % 1000000000;
		until = &t;
	}
	mp_counters_add(c, MP_SLEEPS);
	if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, until, NULL,
		    FUTEX_BITSET_MATCH_ANY) == 0 ||
	    errno == EAGAIN)
		return 0;
	return -errno;
}

int mp_futex_wake(_Atomic uint32_t *word, int n, struct mp_counters *c)
{
	long woken;

	if (n < 0)
		return -EINVAL;
	mp_counters_add(c, MP_WAKES);
	woken = syscall(SYS_futex, word, FUTEX_WAKE, n, NULL, NULL, 0);
	return woken < 0 ? -errno : (int)woken;
}

int mp_futex_requeue(_Atomic uint32_t *from, _Atomic uint32_t *to,
		     struct mp_counters *c)
{
	long moved;

	mp_counters_add(c, MP_WAKES);
	/* Wake 0, move 1. */
	moved = syscall(SYS_futex, from, FUTEX_REQUEUE, 0, 1L, to, 0);
	return moved < 0 ? -errno : (int)moved;
}
