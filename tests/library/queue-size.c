/* Queues: how many messages there are is exact at one moment, although it
 * stands in two words.  A process is stopped at each instruction of the call,
 * and another moves both ends of the queue before it goes on. */
#include "mp/queue.h"

#include "stepper.h"

#include "queues.h"

enum { ITEMS = 4, MOVES = 3, STEPS = 10000 };
enum { BEGUN = 1, OVER };

/* Of a sanitizer's many instructions not each one. */
#ifdef __SANITIZE_ADDRESS__
enum { EVERY = 7 };
#else
enum { EVERY = 1 };
#endif

struct shared {
	_Atomic int stage;
	int result;
};
static struct shared *s;

/* ---- what happens meanwhile ---- */

static void take_one(void)
{
	if (get(0) < 0 || mp_queue_task_done(q) < 0)
		errx(1, "get");
}

static void gets_and_puts(void)
{
	for (int i = 0; i < MOVES; i++) {
		take_one();
		put_all(0, 1);
	}
}

static void puts_and_gets(void)
{
	for (int i = 0; i < MOVES; i++) {
		put_all(0, 1);
		take_one();
	}
}

/* ---- the call ---- */

static const struct story {
	const char *what;
	int (*call)(const struct mp_queue *);
	uint32_t flags;
	int there;               /* messages before and after */
	void (*meanwhile)(void); /* one less, or one more, there is at times */
	int least, most;         /* what the call may say */
} stories[] = {
	{ "qsize, one less at times", mp_queue_qsize, 0, 2, gets_and_puts, 1,
	  2 },
	{ "qsize, one more at times", mp_queue_qsize, 0, 2, puts_and_gets, 2,
	  3 },
	{ "qsize, with leases", mp_queue_qsize, MP_QUEUE_LEASE, 2,
	  puts_and_gets, 2, 3 },
	{ "empty, which it never is", mp_queue_empty, 0, 1, puts_and_gets, 0,
	  0 },
	{ "full, which it never is", mp_queue_full, 0, ITEMS - 1, gets_and_puts,
	  0, 0 },
	{ "full, with leases", mp_queue_full, MP_QUEUE_LEASE, ITEMS - 1,
	  gets_and_puts, 0, 0 },
};

static void calls(void *story)
{
	const struct story *t = story;

	raise(SIGSTOP);
	atomic_store(&s->stage, BEGUN);
	s->result = t->call(q);
	atomic_store(&s->stage, OVER);
	wait_for_kill();
}

/* Do the ends move after n instructions of the call?  No: it was over. */
static int moved_after(const struct story *t, int n)
{
	struct stepper v;
	int moved;

	memset(s, 0, sizeof(*s));
	fresh(ITEMS, 8 * ITEMS, t->flags);
	put_all(0, t->there);
	if (stepper_start(&v, calls, (void *)(uintptr_t)t) < 0)
		errx(1, "ptrace: no longer allowed");
	stepper_go(&v, PTRACE_CONT);
	if (stepper_settle(&v, LONG) < 0)
		errx(1, "no way to the call");
	while (atomic_load(&s->stage) < BEGUN)
		stepper_step(&v);
	for (int i = 0; i < n && atomic_load(&s->stage) < OVER; i++)
		stepper_step(&v);
	moved = atomic_load(&s->stage) < OVER;
	if (moved)
		t->meanwhile();
	while (atomic_load(&s->stage) < OVER)
		stepper_step(&v);
	stepper_kill(&v);
	return moved;
}

static void tell(const struct story *t)
{
	int n = 0, wrong = 0;

	for (; n < STEPS && moved_after(t, n); n += EVERY)
		if (s->result < t->least || s->result > t->most)
			if (wrong++ == 0)
				printf("# %d, after %d instructions\n",
				       s->result, n);
	ok(n > 3 && n < STEPS, "%s: %d instructions", t->what, n);
	is(wrong, 0, "what it says was so at one moment");
}

int main(void)
{
	s = share(sizeof(*s));
	stepper_one_cpu();
	if (stepper_allowed() < 0) {
		tap_skip("stopped at every instruction",
			 "no process may be single-stepped here (ptrace)");
		return tap_done();
	}
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
		tell(&stories[i]);
	return tap_done();
}
