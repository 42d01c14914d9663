/* event - a flag that many wait for.
 *
 * Python: multiprocessing.Event.  Floor 2.  Any process, any thread; set, clear
 * and is_set also from a signal handler.
 *
 * Lives in: shared memory; all zero bytes are a clear event.
 *
 *	static void on_term(int sig) { mp_event_set(&s->stop); }
 *
 *	while (mp_event_wait(&s->stop, interval_ns) == -ETIMEDOUT)
 *		beat();
 *
 * set lets everybody through who waits at that moment, even if somebody clears
 * the event before they run (Python's wait may return False then).  set with
 * nobody waiting, clear and is_set make no system call and never block.  (The
 * first set after a wait that ran out of time wakes, and finds nobody.)
 *
 * If a process is killed: nothing is left half-done.  One killed in set, after
 * the flag is up and before it woke those who wait: they see it by a look of
 * their own, a tenth of a second later at most (backstop.h).
 */
#ifndef MP_EVENT_H
#define MP_EVENT_H

#include "mp/api.h"
#include "mp/counters.h"

struct mp_event {
	_Alignas(64) _Atomic uint32_t word; /* states in event.c */
	struct mp_counters counters;
};

/* A clear event.  -EINVAL: memory that is not shared. */
MP_API int mp_event_init(struct mp_event *e);

MP_API void mp_event_set(struct mp_event *e);
MP_API void mp_event_clear(struct mp_event *e);

/* 1 or 0. */
MP_API int mp_event_is_set(const struct mp_event *e);

/* Until the event is set.  0; -ETIMEDOUT; -EINTR: a handler ran; to go on, call
 * again with mp_clock_left(deadline). */
MP_API int mp_event_wait(struct mp_event *e, int64_t timeout_ns);

#endif
