/* trace - who did what when, in all processes of a program.
 *
 * Python: none.  Floor 1.  Any process, any thread; begin, end, mark and count
 * also from a signal handler.
 *
 * One process starts the trace before it forks; its children inherit it.  Every
 * span and mark is one slot in shared memory, taken by one fetch_add, so it
 * outlives the process that wrote it, killed or not.  Off, each call is one
 * predictable branch.
 *
 *	mp_trace_start(4096);
 *	... start processes ...
 *	mp_trace_begin(MP_TRACE_WAIT, "acquire");
 *	mp_trace_end();
 *	... join them ...
 *	mp_trace_write("trace.json");
 *	mp_trace_stop();
 *
 * The file is Chrome's trace JSON: one lane for each process or thread, named.
 * https://ui.perfetto.dev opens it; so does plots/timeline.py.
 *
 * If a process is killed in a span, the span ends where its creator reaped it
 * (process.h records that by itself), or else where the trace was written, and
 * carries "open": true.
 *
 * Spans of one thread nest.  Names are UTF-8, cut to MP_TRACE_NAME_MAX.  When
 * all slots are taken further events are dropped; the file says how many.
 */
#ifndef MP_TRACE_H
#define MP_TRACE_H

#include <stddef.h>
#include <sys/types.h>

#include "mp/api.h"

#define MP_TRACE_NAME_MAX 40 /* bytes, the final NUL included */

enum mp_trace_kind {
	MP_TRACE_RUN,  /* computing */
	MP_TRACE_WAIT, /* waiting for somebody */
	MP_TRACE_HOLD  /* holding what others wait for */
};

/* Start recording, here and in children forked from now on.  The caller's lane
 * is named "MainProcess".  One slot (64 B) a lane, begin, end, mark or
 * count.
 * -EALREADY: it runs.  -EINVAL: no slots.  -ENOMEM, -EMFILE. */
MP_API int mp_trace_start(size_t slots);

/* Stop recording here and free this process's view.  0 also when off. */
MP_API int mp_trace_stop(void);

/* 1 while recording. */
MP_API int mp_trace_on(void);

/* Name the calling thread's lane; the last name counts. */
MP_API void mp_trace_lane(const char *name);

/* A span of the calling thread: begin … end. */
MP_API void mp_trace_begin(enum mp_trace_kind kind, const char *name);
MP_API void mp_trace_end(void);

/* A moment. */
MP_API void mp_trace_mark(const char *name);

/* A number that changes over time has this value from now on. */
MP_API void mp_trace_count(const char *name, int32_t value);

/* The process `pid` has ended: its open spans end here, with a mark. */
MP_API void mp_trace_exit(pid_t pid, const char *name);

/* Write the file, replacing it whole or not at all.  Events that other
 * processes are writing at this moment are left out.
 * -EINVAL: no trace.  Otherwise what open, write or rename said. */
MP_API int mp_trace_write(const char *path);

#endif
