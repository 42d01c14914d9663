/* backstop - a sleep that looks around from time to time.
 *
 * Python: none.  Floor 1.  Any process, any thread.
 *
 * A process that frees a lock stores "free" and then wakes a sleeper: two
 * steps.  Killed between them, it wakes nobody, and the kernel helps only if
 * nobody else has taken the lock meanwhile.  No cheap protocol that wakes one
 * sleeper at a time is without such a hole (glibc's robust mutex has it too).
 * So nothing here sleeps for more than a tenth of a second without a look of
 * its own.
 *
 * A look that finds what a wake-up should have told is counted in MP_RESCUES of
 * the object.  Where nobody is killed it is 0, but for a look that happens to
 * fall between "free" and its wake-up: nobody can tell that from a wake-up that
 * will never come.  A back-stop must not hide faults, so tests switch it off,
 * and then nothing may hang.
 *
 * Source: the hole is shown by tests/kill, and by the models in tests/models.
 */
#ifndef MP_BACKSTOP_H
#define MP_BACKSTOP_H

#include "mp/api.h"

#define MP_BACKSTOP 1 /* a result of mp_backstop_wait */

struct mp_counters;

/* The longest sleep without a look, in this process and in children forked from
 * now on: nanoseconds, 100 ms at first; 0: no back-stop.  -EINVAL: negative. */
MP_API int mp_backstop_set(int64_t ns);

/* When to look at the latest, if one wants to sleep until deadline_ns. */
MP_API int64_t mp_backstop_deadline(int64_t deadline_ns);

/* As mp_futex_wait; MP_BACKSTOP when only the back-stop ended the sleep. */
MP_API int mp_backstop_wait(_Atomic uint32_t *word, uint32_t expected,
			    int64_t deadline_ns, struct mp_counters *c);

#endif
