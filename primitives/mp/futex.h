/* futex - sleep until a word in shared memory changes.
 *
 * Python: none; everything that waits in multiprocessing ends here.  Floor 1.
 *
 * Lives in: any memory, shared or private; the word is 32 bits and aligned.
 * Who may call: any process that maps the word, any thread; mp_futex_wake also
 * from a signal handler.
 *
 * The kernel compares the word with the value expected and puts the caller to
 * sleep in one step, so a change between the caller's look and its sleep is not
 * missed.  The waker changes the word first and wakes afterwards:
 *
 *	waiter					waker
 *	while (load(word) == 0)			store(word, 1)
 *		mp_futex_wait(word, 0, ...)	mp_futex_wake(word, 1, ...)
 *
 * A return of 0 is no promise that the word has changed: look again, always.
 *
 * If a peer is killed: a futex has no owner and the kernel wakes nobody.  What
 * a dead process would have woken sleeps on, unless the protocol above provides
 * for it (owner.h tells of the death of a holder).
 *
 * The calls are shared futexes (never FUTEX_PRIVATE_FLAG: a private wake does
 * not find a sleeper in another process).  Source: Franke, Russell, Kirkwood,
 * "Fuss, Futexes and Furwocks", 2002; Drepper, "Futexes Are Tricky", 2011.
 */
#ifndef MP_FUTEX_H
#define MP_FUTEX_H

#include "mp/api.h"

struct mp_counters;

/* Sleep while *word == expected, until woken or until the deadline (mp_clock_*;
 * MP_CLOCK_NEVER: for ever).  c, if not NULL, counts the call in MP_SLEEPS.
 * 0: woken, or the word was different already: look again.  -ETIMEDOUT.
 * -EINTR: a signal handler ran.  -EFAULT, -EINVAL: a word that is not mapped
 * or not aligned. */
MP_API int mp_futex_wait(_Atomic uint32_t *word, uint32_t expected,
			 int64_t deadline_ns, struct mp_counters *c);

/* Wake at most n sleepers (INT32_MAX: all).  c, if not NULL, counts the call
 * in MP_WAKES.  The result is how many were woken; -EINVAL for a negative n. */
MP_API int mp_futex_wake(_Atomic uint32_t *word, int n, struct mp_counters *c);

/* Let one sleeper on `from` sleep on `to` from now on, without waking it.  c,
 * if not NULL, counts the call in MP_WAKES.  How many moved: 1 or 0. */
MP_API int mp_futex_requeue(_Atomic uint32_t *from, _Atomic uint32_t *to,
			    struct mp_counters *c);

#endif
