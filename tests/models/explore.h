/* explore - all schedules of a small model, one step at a time.
 *
 * A model is a C file that describes a few processes and the words they share:
 * a state of bytes, and a function that does the next action of one process.
 * An action is one access to shared memory or one futex call, because between
 * any two of them anything may happen.  The explorer starts at the first state
 * and follows every process from every state it meets, breadth first: it sees
 * each state once, and what it finds comes with a shortest schedule.
 *
 *	A.load B.load A.store B.store
 *
 * A fault is a state that breaks a rule of the model; or one in which nobody
 * can move and that is no right end (a lost wake-up); or one from which no
 * right end can be reached (they go round in a circle).
 *
 * What is open in an action, like which sleeper is woken, is asked for by
 * choose(n): the explorer repeats the action with each answer 0 … n - 1.
 *
 * Memory is sequentially consistent: all see all stores, in one order.
 *
 * Source: Holzmann, "The Model Checker SPIN", 1997, for the method.
 */
#ifndef EXPLORE_H
#define EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROCESSES 4 /* at most: A, B, C, D */

struct state; /* the model's; bytes only, without gaps, at most 60 */

/* What happens to a process: its next action (if it is dead: the kernel's, for
 * it); a look of its own when it sleeps (back-stop); a timeout or a signal; its
 * death.  The last two may just as well not happen: nobody may need them. */
enum how { ACT, LOOK, TIMEOUT, KILL };

/* What is explored. */
struct setup {
	int processes;
	int rounds;          /* how often each does its work */
	int kills;           /* how many processes may be killed */
	int timeouts;        /* how many waits may time out */
	int backstop;        /* 1: a sleeper may look */
	int inside;          /* 1: killed only where the model says */
	const char *variant; /* NULL: the right protocol */
	int slots;           /* of a queue */
	int putters;         /* the first so many put, the others get */
};
extern struct setup setup;

/* Is this the variant that is explored? */
bool variant(const char *name);

/* The answer to an open question, at most one in an action. */
int choose(int n);

/* Any one of a set of processes (bit p for process p); 0 if it is empty. */
uint8_t any_of(unsigned set);

struct variant {
	const char *name, *about;
};

struct trial {
	const char *finds;   /* part of the sentence; NULL: no fault */
	const char *options; /* "processes=3 rounds=2 variant=retake" */
};

/* Each program has one. */
extern const struct model {
	const char *name;
	size_t shared, each; /* bytes of a state: shared, and of a process */
	void (*start)(struct state *s); /* all bytes are 0 before */
	/* Let this happen to process p: change the state and name it in one
	 * word; NULL: it cannot happen now. */
	const char *(*move)(struct state *s, int p, enum how how);
	/* A sentence if a rule is broken, or NULL. */
	const char *(*wrong)(const struct state *s);
	/* Is it right if nothing more happens? */
	bool (*ended)(const struct state *s);
	void (*show)(const struct state *s); /* in half a line */
	struct setup most;                   /* the limits of the options */
	/* The last has no name, no options.  The first trial is the usual one;
	 * deep ones take long, and need not be. */
	const struct variant *variants;
	const struct trial *trials, *deep;
} model;

/* What came of it.  The sentence is NULL if no fault was found. */
struct result {
	const char *fault;
	uint32_t state, states; /* the faulty one, how many */
	uint32_t rescued;       /* states that only a back-stop leaves */
};

/* Explore `setup`; then print how the fault came about: in a line, or (shown)
 * with a line for each step. */
struct result explore(void);
void explore_schedule(const struct result *r, bool shown);

#endif
