/* points.h - what a map is made of; changed by nobody.
 *
 *	load(word)			what the word holds
 *	store(word, new)		it holds new now
 *	xchg(word, new)			the same; returns what it held before
 *	cas(word, old, new)		if it holds old, it holds new now;
 *					returns what it held before in any case
 *	add(word, n)			n more; returns what it held before
 *	task(map, item)			run the item: WELL or FAILED
 *	all_done(map)			1: every unit is DONE
 *	bell_wait(map)			the creator sleeps: 0, the bell was
 *					rung, look again; or the number of a
 *					worker that was killed
 *	bell_ring(map)			ring it; it stays rung until a bell_wait
 *	hire(map, me, unit)		start a worker with the number of a dead
 *					one; it calls map_work(map, me, unit)
 *
 * Words are atomic.  The bell is an eventfd, and bell_wait a poll of it and of
 * a pidfd of each worker.  Under a script each operation is also a point: the
 * process (A and B are the workers 1 and 2, C is the creator) stops before it
 * until the script says A.load, C.wait, and so on.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum op {
	LOAD,
	STORE,
	XCHG,
	CAS,
	ADD,
	TASK,
	LOOK,
	WAIT,
	RING,
	HIRE,
	KILL,
	OPS
};
#include "actor.h"

#define ITEMS_MAX   1024
#define WORKERS_MAX 4

/* A unit is FREE, or has the number of a worker, 1, 2, ..., or is DONE. */
enum { FREE = 0, DONE = 100 };
#define NONE (-1) /* no unit */

enum status { NOT_BEGUN, BEGUN, WELL, FAILED, LOST };

/* n items in units of `chunk`: unit u begins with item u * chunk, and the last
 * one may be shorter. */
struct map {
	_Alignas(64) atomic_uint next;   /* all units before it are taken */
	_Alignas(64) atomic_uint asleep; /* the creator's mark: 0 or 1 */
	_Alignas(64) unsigned n, chunk, units, workers; /* constant */
	atomic_uint unit[ITEMS_MAX], status[ITEMS_MAX];

	/* Behind the operations. */
	unsigned (*run)(struct map *m, unsigned item);
	atomic_uint ran[ITEMS_MAX], strange; /* how often; outside of the map */
	atomic_int pid[WORKERS_MAX + 1];     /* 0: nobody */
	atomic_uint hired;                   /* by a script: who, */
	int with;                            /* and its unit */
	int bell;
};
static struct map *map; /* the one that there is */

int map_work(struct map *m, unsigned me, int unit);

static inline const char *name_of(const atomic_uint *word)
{
	static char name[16];

	if (word >= map->unit && word < map->unit + ITEMS_MAX)
		snprintf(name, sizeof(name), "unit %d",
			 (int)(word - map->unit));
	else if (word >= map->status && word < map->status + ITEMS_MAX)
		snprintf(name, sizeof(name), "status %d",
			 (int)(word - map->status));
	else
		return word == &map->next ? "next" : "asleep";
	return name;
}

/* What a value means in this word. */
static inline const char *text_of(const atomic_uint *word, unsigned value)
{
	static const char *const words[] = { "NOT_BEGUN", "BEGUN", "WELL",
					     "FAILED", "LOST" };
	static char text[2][16];
	static int turn;
	char *t = text[turn = !turn];

	if (word >= map->status && word < map->status + ITEMS_MAX && value <= 4)
		return words[value];
	if (word >= map->unit && word < map->unit + ITEMS_MAX) {
		if (value == FREE || value == DONE)
			return value ? "DONE" : "FREE";
		if (value <= 2)
			return value == 1 ? "A's" : "B's";
	}
	snprintf(t, sizeof(text[0]), "%u", value);
	return t;
}

static inline unsigned load(atomic_uint *word)
{
	unsigned old;

	point(LOAD);
	old = atomic_load(word);
	SAY("%s is %s", name_of(word), text_of(word, old));
	return old;
}

static inline void store(atomic_uint *word, unsigned new)
{
	point(STORE);
	atomic_store(word, new);
	SAY("%s is %s now", name_of(word), text_of(word, new));
}

static inline unsigned xchg(atomic_uint *word, unsigned new)
{
	unsigned old;

	point(XCHG);
	old = atomic_exchange(word, new);
	SAY("%s was %s, is %s", name_of(word), text_of(word, old),
	    text_of(word, new));
	return old;
}

static inline unsigned cas(atomic_uint *word, unsigned old, unsigned new)
{
	unsigned found = old;

	point(CAS);
	if (atomic_compare_exchange_strong(word, &found, new))
		SAY("%s was %s, is %s", name_of(word), text_of(word, old),
		    text_of(word, new));
	else
		SAY("%s is %s, not %s", name_of(word), text_of(word, found),
		    text_of(word, old));
	return found;
}

static inline unsigned add(atomic_uint *word, int n)
{
	unsigned old;

	point(ADD);
	old = atomic_fetch_add(word, (unsigned)n);
	SAY("%s was %s, is %s", name_of(word), text_of(word, old),
	    text_of(word, old + (unsigned)n));
	return old;
}

static inline unsigned task(struct map *m, unsigned item)
{
	point(TASK);
	SAY("item %u", item);
	if (item >= m->n) {
		atomic_store(&m->strange, item + 1);
		return FAILED;
	}
	atomic_fetch_add(&m->ran[item], 1);
	return m->run(m, item);
}

static inline int all_done(struct map *m)
{
	unsigned u = 0;

	point(LOOK);
	while (u < m->units && atomic_load(&m->unit[u]) == DONE)
		u++;
	SAY("%u of %u units are done", u, m->units);
	return u == m->units;
}

/* Our own child that has ended by itself is not dead, but done. */
static inline bool has_died(struct map *m, unsigned w)
{
	siginfo_t info = { 0 };
	int pid = atomic_load(&m->pid[w]);

	if (self) /* somebody else's child: what it does is in the script */
		return true;
	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) < 0 ||
	    info.si_pid == 0)
		return false;
	if (info.si_code != CLD_EXITED)
		return true;
	atomic_store(&m->pid[w], 0);
	return false;
}

static inline int bell_wait(struct map *m)
{
	struct pollfd p[WORKERS_MAX + 1] = { { m->bell, POLLIN, 0 } };
	uint64_t times;
	int dead = 0;

	point(WAIT);
	SAY("asleep");
	for (unsigned w = 1; w <= WORKERS_MAX; w++) {
		int pid = atomic_load(&m->pid[w]);

		p[w].events = POLLIN;
		p[w].fd = pid ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
		if (pid && p[w].fd < 0)
			dead = (int)w; /* dead and buried */
	}
	if (!dead)
		poll(p, WORKERS_MAX + 1, -1);
	for (unsigned w = 1; w <= WORKERS_MAX; w++) {
		if (p[w].revents && has_died(m, w))
			dead = (int)w;
		if (p[w].fd >= 0)
			close(p[w].fd);
	}
	if (dead)
		SAY("worker %c is dead", '@' + dead);
	else if (p[0].revents && read(m->bell, &times, sizeof(times)) > 0)
		SAY("was rung");
	return dead;
}

static inline void bell_ring(struct map *m)
{
	uint64_t one = 1;

	point(RING);
	SAY("rung");
	if (write(m->bell, &one, sizeof(one)) < 0 && errno != EAGAIN)
		_exit(1);
}

static inline void hire(struct map *m, unsigned me, int unit)
{
	pid_t pid;

	point(HIRE);
	SAY(unit == NONE ? "worker %c" : "worker %c, with unit %d", '@' + me,
	    unit);
	if (me < 1 || me > m->workers)
		_exit(1);
	if (self) { /* the director starts it */
		atomic_store(&m->pid[me], 0);
		m->with = unit;
		atomic_store(&m->hired, me);
		return;
	}
	pid = fork();
	if (pid == 0)
		_exit(map_work(m, me, unit) != 0);
	atomic_store(&m->pid[me], pid);
}
