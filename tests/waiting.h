/* waiting.h - children that wait, and how a test sees that they do.
 *
 *	static int takes(long timeout_ns)
 *	{
 *		return mp_lock_acquire(&s->lock, timeout_ns);
 *	}
 *
 *	pid_t pid = start(takes, LONG);		 a child runs takes(LONG)
 *	await(asleep(pid));			 it sleeps in futex or poll now
 *	mp_lock_release(&s->lock);
 *	is(end_of(pid), 0, "woken");		 what takes returned
 *
 * Nothing is ordered by sleeping.  A wait that should end at once lasts LONG at
 * most, and await gives up after that: a fault makes a test red and does not
 * hang it.  Children end with their parent.
 */
#ifndef WAITING_H
#define WAITING_H

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mp/clock.h"
#include "mp/owner.h"
#include "mp/shm.h"
#include "tap.h"

#define MS   INT64_C(1000000)
#define LONG (10000 * MS)

/* Yield until the condition holds. */
#define await(condition)                                                       \
	do {                                                                   \
		int64_t begin_ = mp_clock_now();                               \
		while (!(condition)) {                                         \
			if (mp_clock_now() - begin_ > LONG)                    \
				errx(1, "%s:%d: waited in vain: %s", __FILE__, \
				     __LINE__, #condition);                    \
			sched_yield();                                         \
		}                                                              \
	} while (0)

/* Zeroed memory that children share. */
static inline void *share(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	return p;
}

/* Memory of the largest object that no child shares. */
static inline void *not_shared(void)
{
	static _Alignas(64) char memory[65536];

	return memory;
}

/* A child that ends with the low eight bits of f(arg). */
static inline pid_t start(int (*f)(long), long arg)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		_exit(f(arg));
	}
	return pid;
}

/* What f returned (-128 … 127: all error numbers in use here), or 1000 + the
 * signal that killed the child.  Reaps it. */
static inline int end_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			err(1, "waitpid");
	if (WIFSIGNALED(status))
		return 1000 + WTERMSIG(status);
	return (int8_t)WEXITSTATUS(status);
}

/* result, or LATE: what took so long was not woken, but found by itself when
 * its time was over. */
#define LATE 99

static inline int timely(int64_t begin, int result)
{
	return mp_clock_now() - begin < LONG ? result : LATE;
}

static inline void killed(pid_t pid)
{
	kill(pid, SIGKILL);
	end_of(pid);
}

static inline int wait_for_kill(void)
{
	while (pause() < 0)
		;
	return 0;
}

/* f(arg) in a thread of this process. */
struct call {
	pthread_t thread;
	int (*f)(long);
	long arg;
	_Atomic int tid;
	int result;
};

static inline void *call_thread(void *call)
{
	struct call *c = call;

	atomic_store(&c->tid, (int)syscall(SYS_gettid));
	c->result = c->f(c->arg);
	return NULL;
}

static inline void start_thread(struct call *c, int (*f)(long), long arg)
{
	*c = (struct call){ .f = f, .arg = arg };
	errno = pthread_create(&c->thread, NULL, call_thread, c);
	if (errno != 0)
		err(1, "pthread_create");
	await(atomic_load(&c->tid) != 0);
}

static inline int end_of_thread(struct call *c)
{
	pthread_join(c->thread, NULL);
	return c->result;
}

static inline int in_thread(int (*f)(long), long arg)
{
	struct call c;

	start_thread(&c, f, arg);
	return end_of_thread(&c);
}

static inline int is_sleep(long number)
{
#ifdef SYS_poll
	if (number == SYS_poll)
		return 1;
#endif
	return number == SYS_futex || number == SYS_ppoll ||
	       number == SYS_restart_syscall;
}

/* Does the process or thread sleep in a futex call, or in poll?  (A timed one
 * that was stopped and continued goes on as restart_syscall.) */
static inline int asleep(int tid)
{
	char path[40];
	long number = -1;
	FILE *f;
	int got;

	if (tap_state(tid) != 'S')
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	f = fopen(path, "re");
	if (f == NULL)
		return 1; /* not allowed here: the state must do */
	got = fscanf(f, "%ld", &number);
	fclose(f);
	if (got == EOF)
		return 1; /* nor to read it */
	if (got != 1)
		number = -1; /* "running" */
	return is_sleep(number);
}

static inline void stop(pid_t pid)
{
	kill(pid, SIGSTOP);
	await(tap_state(pid) == 'T');
}

/* Call f at each signal sig; the handler ends what can be interrupted. */
static inline void handle(int sig, void (*f)(int), int flags)
{
	struct sigaction sa = { .sa_handler = f, .sa_flags = flags };

	sigaction(sig, &sa, NULL);
}

static inline int mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	int n = 0;

	if (f == NULL)
		err(1, "/proc/self/maps");
	for (int c; (c = getc(f)) != EOF;)
		n += c == '\n';
	fclose(f);
	return n;
}

/* Entries in /dev/shm with the pid of this process in their name. */
static inline int names(void)
{
	DIR *d = opendir("/dev/shm");
	char pid[16];
	int n = 0;

	if (d == NULL)
		return 0;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += strstr(e->d_name, pid) != NULL;
	closedir(d);
	return n;
}

/* Does the calling thread hold nothing, and is nothing pending? */
static inline int holds_nothing(void)
{
	struct robust_list_head *head = mp_owner_get()->head;

	return head->list.next == &head->list && head->list_op_pending == NULL;
}

/* Create, use and destroy 10,000 objects: what is left of them. */
static inline int left_of_10000(size_t size, int (*use)(void *object))
{
	int descriptors, maps = 0, bad = 0;
	struct mp_shm m;

	descriptors = tap_descriptors();
	for (int i = 0; i < 10000; i++) {
		if (mp_shm_create(&m, NULL, size) < 0 || use(m.addr) != 0)
			bad++;
		mp_shm_close(&m);
		if (i == 100) /* what the C library maps once has come */
			maps = mappings();
	}
	return bad + (tap_descriptors() - descriptors) + (mappings() - maps) +
	       names() + !holds_nothing();
}

#endif
