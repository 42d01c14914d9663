/* driver.h - kill a process at every instruction of one operation.
 *
 * A story is one operation in one situation.  For k = 0, 1, 2, ... the driver
 * builds a fresh world in shared memory, lets a victim run up to the operation,
 * single-steps it through k instructions and kills it there; then other real
 * processes use what it left, under a time limit.  (Or it kills another process
 * while the victim stands there, and lets the victim go on.)  The story ends
 * with the k at which the operation was over.  A system call is one
 * instruction; one that sleeps is two points: asleep in it, and coming back.
 *
 *	static struct world { struct mp_lock lock; } *w;
 *
 *	static void acquire(void) { mp_lock_acquire(&w->lock, -1); }
 *	static void check(const struct point *p) { must(...); }
 *	static const struct story stories[] = {
 *		{ .what = "acquire", .operation = acquire, .check = check },
 *	};
 *
 *	int main(int argc, char **argv)
 *	{
 *		w = kill_world(sizeof(*w));
 *		return kill_main(argc, argv, stories, COUNT(stories));
 *	}
 *
 * Everything runs on one CPU: nobody spins there, and a hand-over between two
 * processes costs least.
 */
#ifndef KILL_DRIVER_H
#define KILL_DRIVER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Where the victim was killed. */
struct point {
	int step;   /* instructions done */
	int asleep; /* in the system call that is the last of them */
	int over;   /* the operation had returned, with this result: */
	int result;
	uint32_t tid; /* the victim's */
};

struct story {
	const char *what;
	void (*world)(void);     /* driver: the objects; others, if any */
	void (*before)(void);    /* victim: up to the operation */
	void (*others)(void);    /* driver: others that come after that */
	int (*operation)(void);  /* victim: what is stepped */
	void (*awaken)(int nth); /* driver: the victim sleeps, nth time: */
				 /* see that it is woken (NULL: it wakes) */
	void (*slip)(void); /* driver: the victim is stopped at its point, */
			    /* not yet dead */
	void (*check)(const struct point *p); /* driver: the victim is dead, */
					      /* or has had its time to end */
	int64_t victims_ns; /* the victim's back-stop; 0: none */
	int cold;           /* the library's first call in the victim */
	int alone;          /* the others have none: the kernel helps */
	int ours;           /* a long one: not inside the C library */
	int at_wake;        /* one point: at the door of FUTEX_WAKE */
	int spare;          /* slip kills another; the victim lives on */
	int fault;          /* a known fault: points must fail */
};

#define BACKSTOP 2000000 /* the others': 2 ms, so that rescues are quick */

#define NAP 20000000 /* a victim's timeout or back-stop: it does fall asleep */

/* Memory that all processes share, zeroed before each point. */
void *kill_world(size_t size);

/* Where the counters of the world's objects are: for counting rescues. */
struct mp_counters;
void kill_counters(struct mp_counters *c);
void kill_counters_forget(void); /* a story that makes its objects anew */

int kill_main(int argc, char **argv, const struct story *stories, int n);

/* The victim's id, for a look at what it left. */
uint32_t victim_tid(void);

/* How many sleeps the back-stop ended, this point. */
int kill_rescues(void);

/* A condition that must hold at this point; else the point counts as bad, and
 * the first few are shown. */
#define must(condition, ...) kill_must(!!(condition), #condition, __VA_ARGS__)
void kill_must(int good, const char *what, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The others: processes 0 to OTHERS-1 beside the victim. */
#define OTHERS 8

struct other {
	_Atomic uint32_t stage; /* how far it says it is */
	_Atomic uint32_t go;    /* how far it may go */
	_Atomic int32_t result;
	_Atomic uint32_t done;
	uint32_t pid;
};

#define HUNG INT32_MIN /* no result within the time limit */

/* In the driver.  Start f as process i; its result is other_result's. */
void other_start(int i, int (*f)(struct other *self));
void other_reach(int i, uint32_t stage); /* wait until it is there */
void other_asleep(int i);                /* wait until it sleeps in a futex */
void other_go(int i, uint32_t upto);     /* let it go on */
int other_result(int i);                 /* wait for its end: result or HUNG */
int other_done(int i);                   /* has it ended? */
int other_started(int i);                /* and not killed by other_kill */
int other_some(int from, int to, int n); /* wait until n of them ended */
uint32_t other_pid(int i);               /* 0: not started, or killed */
void other_kill(int i);
int other_run(int (*f)(struct other *)); /* start, wait, result */

/* In the other process itself. */
void other_at(struct other *self, uint32_t stage);
void other_until(struct other *self, uint32_t go); /* wait for other_go */

#endif
