/* crew.h - workers that do the same at the same time: processes, or with
 * -DTHREADS the threads of one.
 *
 *	static int work(int me)
 *	{
 *		must(mp_lock_acquire(&w->lock, -1) == 0);
 *		...
 *		return 0;
 *	}
 *
 *	crew_start(8, work);
 *	ok(crew_join("lock", crew_deadline()), "lock");
 *
 * Processes are what the library is for.  Threads are for ThreadSanitizer,
 * which sees the accesses of one process only and is blind for what two
 * processes do to each other; the objects lie in MAP_SHARED memory all the
 * same, and the code of library and test is the same.
 */
#ifndef CREW_H
#define CREW_H

#include "waiting.h"

#define CREW_MAX 64

/* In a worker: a condition that must hold; else the worker ends. */
#define must(condition)                  \
	do {                             \
		if (!(condition))        \
			return __LINE__; \
	} while (0)

struct crew {
	int n;
	int (*work)(int);
	_Atomic int here; /* all begin together */
	struct member {
		pid_t pid;
		pthread_t thread;
		_Atomic int done, failed; /* the line of the must that failed */
	} member[CREW_MAX];
};
static struct crew *crew; /* shared */

#ifdef THREADS
#define CREW "threads"
#else
#define CREW "processes"
#endif

__attribute__((unused)) static void crew_init(void)
{
	crew = share(sizeof(*crew));
}

static inline void crew_member(int me)
{
	atomic_fetch_add(&crew->here, 1);
	while (atomic_load(&crew->here) < crew->n)
		sched_yield();
	atomic_store(&crew->member[me].failed, crew->work(me));
	atomic_store(&crew->member[me].done, 1);
}

#ifdef THREADS
static inline void *crew_thread(void *member)
{
	crew_member((int)((struct member *)member - crew->member));
	return NULL;
}
#else
static inline int crew_process(long me)
{
	crew_member((int)me);
	return 0;
}
#endif

static inline void crew_add(int me)
{
	struct member *m = &crew->member[me];

	atomic_store(&m->done, 0);
	atomic_store(&m->failed, 0);
#ifdef THREADS
	errno = pthread_create(&m->thread, NULL, crew_thread, m);
	if (errno != 0)
		err(1, "pthread_create");
#else
	m->pid = start(crew_process, me);
#endif
}

__attribute__((unused)) static void crew_start(int n, int (*work)(int))
{
	crew->n = n;
	crew->work = work;
	atomic_store(&crew->here, 0);
	for (int i = 0; i < n; i++)
		crew_add(i);
}

static inline int crew_done(void)
{
	int n = 0;

	for (int i = 0; i < crew->n; i++)
		n += atomic_load(&crew->member[i].done);
	return n;
}

static inline void crew_signal(int me, int sig)
{
	struct member *m = &crew->member[me];

#ifdef THREADS
	pthread_kill(m->thread, sig);
#else
	kill(m->pid, sig);
#endif
}

/* A crew that is not done by then hangs.  Once something has failed the rest
 * need not take long. */
static inline int64_t crew_deadline(void)
{
	return mp_clock_now() + (tap_failures == 0 ? 60000 : 3000) * MS;
}

/* Has everybody done its work by then, and well?  Prints who has not. */
static inline int crew_join(const char *what, int64_t end)
{
	int bad = 0;

	while (crew_done() < crew->n && mp_clock_now() < end)
		usleep(500);
	for (int i = 0; i < crew->n; i++) {
		struct member *m = &crew->member[i];
		int line = atomic_load(&m->failed);

		if (!atomic_load(&m->done))
			printf("# %s: %d of the " CREW " hangs\n", what, i);
		else if (line != 0)
			printf("# %s: %d of the " CREW " failed at line %d\n",
			       what, i, line);
		bad += line != 0 || !atomic_load(&m->done);
	}
	if (crew_done() < crew->n) {
#ifdef THREADS
		/* No thread can be ended from outside. */
		ok(0, "%s", what);
		exit(1);
#endif
	}
	for (int i = 0; i < crew->n; i++) {
#ifdef THREADS
		pthread_join(crew->member[i].thread, NULL);
#else
		killed(crew->member[i].pid);
#endif
	}
	return bad == 0;
}

#endif
