/* Sleeping, waking, timeouts and signals of one futex word. */
#include "mp/futex.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mp/clock.h"
#include "mp/counters.h"
#include "tap.h"

struct shared {
	_Atomic uint32_t word;
	struct mp_counters counters;
};

static void on_alarm(int sig)
{
	(void)sig;
}

/* A child sleeps on the word; wake until it has left. */
static void wakes_another_process(struct shared *s)
{
	int status, woken = 0;
	pid_t pid = fork();

	if (pid == 0) {
		while (atomic_load(&s->word) == 0)
			mp_futex_wait(&s->word, 0, MP_CLOCK_NEVER,
				      &s->counters);
		_exit(7);
	}
	/* The child is asleep in the kernel, not just on its way there. */
	while (mp_counters_get(&s->counters, MP_SLEEPS) == 0 ||
	       tap_state(pid) != 'S')
		sched_yield();
	atomic_store(&s->word, 1);
	woken = mp_futex_wake(&s->word, INT32_MAX, &s->counters);
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 7,
	   "a process asleep on the word is woken by another");
	is(woken, 1, "the waker is told how many it woke");
	is(mp_counters_get(&s->counters, MP_WAKES), 1, "the wake is counted");
	ok(mp_counters_get(&s->counters, MP_SLEEPS) >= 1,
	   "the sleep is counted");
}

static void times_out(struct shared *s)
{
	int64_t start = mp_clock_now();

	atomic_store(&s->word, 5);
	is(mp_futex_wait(&s->word, 5, mp_clock_deadline(20000000), NULL),
	   -ETIMEDOUT, "a sleep ends at its deadline");
	ok(mp_clock_now() - start >= 20000000, "not before it");
	is(mp_futex_wait(&s->word, 5, mp_clock_deadline(0), NULL), -ETIMEDOUT,
	   "a deadline that has passed does not sleep");
	is(mp_futex_wait(&s->word, 5, -1, NULL), -ETIMEDOUT,
	   "nor does one before the clock began");
	is(mp_futex_wait(&s->word, 4, MP_CLOCK_NEVER, NULL), 0,
	   "another value in the word does not sleep");
}

static void is_interrupted(struct shared *s)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value.tv_usec = 5000 };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	is(mp_futex_wait(&s->word, 5, MP_CLOCK_NEVER, NULL), -EINTR,
	   "a signal handler ends the sleep");
}

int main(void)
{
	struct shared *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (s == MAP_FAILED)
		err(1, "mmap");
	wakes_another_process(s);
	times_out(s);
	is_interrupted(s);
	is(mp_futex_wake(&s->word, 1, NULL), 0, "waking nobody wakes 0");
	is(mp_futex_wake(&s->word, -1, NULL), -EINVAL, "waking -1 is refused");
	is(mp_futex_wake((void *)((char *)s + 1), 1, NULL), -EINVAL,
	   "a word that is not aligned is refused");
	is(mp_futex_wait((void *)8, 0, MP_CLOCK_NEVER, NULL), -EFAULT,
	   "a word that is not mapped is refused");
	mp_counters_add(NULL, MP_SLEEPS);
	is(mp_counters_get(NULL, MP_SLEEPS), 0, "no counters count nothing");
	return tap_done();
}
