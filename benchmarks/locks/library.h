/* library - librawmp.so as a program meets it that is not compiled with the
 * headers: every call is one of an exported function, by its address.
 *
 * The benchmarks are linked with the static library, so that this is a second
 * copy, with a thread's state of its own.
 */
#ifndef LOCKS_LIBRARY_H
#define LOCKS_LIBRARY_H

#include "mp/barrier.h"
#include "mp/condition.h"
#include "mp/event.h"
#include "mp/lock.h"
#include "mp/semaphore.h"

extern struct library_calls {
	__typeof__(mp_lock_acquire) *lock_acquire;
	__typeof__(mp_lock_release) *lock_release;
	__typeof__(mp_semaphore_acquire) *semaphore_acquire;
	__typeof__(mp_semaphore_release) *semaphore_release;
	__typeof__(mp_condition_wait) *condition_wait;
	__typeof__(mp_condition_notify) *condition_notify;
	__typeof__(mp_event_set) *event_set;
	__typeof__(mp_event_clear) *event_clear;
	__typeof__(mp_event_wait) *event_wait;
	__typeof__(mp_barrier_wait) *barrier_wait;
} library_calls;

/* Load it, once.  NULL: it cannot be, and library_why() is a sentence. */
const struct library_calls *library(void);
const char *library_why(void);

#endif
