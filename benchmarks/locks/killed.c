/* See killed.h.
 *
 * The next owner is asleep in acquire when it has said that it is about to call
 * and the kernel says that it sleeps: it calls nothing else that sleeps.
 */
#include "locks/killed.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/place.h"
#include "mp/clock.h"
#include "mp/futex.h"

#define LIMIT_NS 5000000000 /* nobody waits longer for a dead holder */

struct scene {
	_Atomic uint32_t held, called, owned;
	_Atomic int64_t at;
	_Atomic int result;
};

static void post(_Atomic uint32_t *word)
{
	atomic_store_explicit(word, 1, memory_order_release);
	mp_futex_wake(word, 1, NULL);
}

/* 0, -ETIMEDOUT; -ECHILD: the one who should post has died. */
static int wait_for(_Atomic uint32_t *word, pid_t poster)
{
	int64_t limit = mp_clock_deadline(LIMIT_NS);

	while (!atomic_load_explicit(word, memory_order_acquire)) {
		siginfo_t dead = { .si_pid = 0 };

		mp_futex_wait(word, 0, mp_clock_deadline(20000000), NULL);
		waitid(P_PID, (id_t)poster, &dead, WEXITED | WNOHANG | WNOWAIT);
		if (dead.si_pid != 0 && atomic_load(word) == 0)
			return -ECHILD;
		if (mp_clock_left(limit) == 0)
			return -ETIMEDOUT;
	}
	return 0;
}

/* 'R', 'S', 'Z', ...; 0 when nobody tells. */
static char state_of(pid_t pid)
{
	char path[32], text[128], *end;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (n <= 0)
		return 0;
	text[n] = '\0';
	end = strrchr(text, ')'); /* the name may hold anything */
	return end != NULL && end[1] == ' ' ? end[2] : (char)0;
}

static int wait_asleep(pid_t pid)
{
	int64_t limit = mp_clock_deadline(LIMIT_NS);

	while (mp_clock_left(limit) > 0) {
		char state = state_of(pid);

		if (state == 'S')
			return 0;
		if (state == 0 || state == 'Z')
			return -ECHILD;
		sched_yield();
	}
	return -ETIMEDOUT;
}

static void holder(const struct kind *k, struct arena *a, struct scene *s)
{
	if ((k->attach != NULL && k->attach(a) != 0) || k->acquire(a) != 0)
		_exit(1);
	post(&s->held);
	for (;;)
		pause();
}

static void next(const struct kind *k, struct arena *a, struct scene *s)
{
	int result;

	if (k->attach != NULL && k->attach(a) != 0)
		_exit(1);
	post(&s->called);
	result = k->acquire(a);
	s->at = mp_clock_now();
	s->result = result;
	post(&s->owned);
	_exit(0);
}

static pid_t start(void (*body)(const struct kind *, struct arena *,
				struct scene *),
		   const struct kind *k, struct arena *a, struct scene *s,
		   int cpu)
{
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	place_child(cpu);
	body(k, a, s);
	_exit(1);
}

static void end(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int killed_run(const struct kind *k, struct arena *a,
	       const struct killed_place *p, int64_t *ns, int *result,
	       char why[96])
{
	struct scene *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *what = "memory";
	pid_t first = -1, second = -1;
	int e = s == MAP_FAILED ? -errno : 0;

	if (e == 0) {
		what = "the holder";
		first = start(holder, k, a, s, p->holder);
		e = first < 0 ? -errno : wait_for(&s->held, first);
	}
	if (e == 0) {
		what = "the next owner";
		second = start(next, k, a, s, p->next);
		e = second < 0 ? -errno : wait_for(&s->called, second);
	}
	if (e == 0)
		e = wait_asleep(second);
	if (e == 0) {
		*ns = mp_clock_now();
		kill(first, SIGKILL);
		e = wait_for(&s->owned, second);
		*ns = s->at - *ns;
		*result = s->result;
	}
	end(first);
	end(second);
	if (e < 0)
		snprintf(why, 96, "%s: %s", what,
			 e == -ECHILD ? "it ended before its time"
				      : strerror(-e));
	if (s != MAP_FAILED)
		munmap(s, sizeof(*s));
	return e;
}
