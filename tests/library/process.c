/* Children: their ends, their names, their creator's death, and no traces. */
#include "mp/process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mp/clock.h"
#include "tap.h"

#define SECOND INT64_C(1000000000)

struct shared {
	_Atomic int ready, pid, grandchild, result;
};

static struct shared *s;

static int returns(void *value)
{
	return *(int *)value;
}

static int dies(void *signal)
{
	raise(*(int *)signal);
	return 0;
}

static int sleeps(void *unused)
{
	(void)unused;
	atomic_fetch_add(&s->ready, 1);
	while (pause() < 0)
		;
	return 0;
}

static void wait_ready(int n)
{
	while (atomic_load(&s->ready) < n)
		sched_yield();
}

static struct mp_process *start(struct mp_process *p, int (*target)(void *),
				void *arg, const struct mp_process_options *o)
{
	int error;

	atomic_store(&s->ready, 0);
	mp_process_init(p, target, arg, o);
	error = mp_process_start(p);
	if (error < 0)
		errx(1, "start: %s", strerror(-error));
	return p;
}

static int code_of(struct mp_process *p)
{
	int code = -1000;

	if (mp_process_join(p, -1) == 0)
		mp_process_exitcode(p, &code);
	mp_process_close(p);
	return code;
}

static void ends(void)
{
	static int zero = 0, seven = 7, three_hundred = 300;
	static int kill9 = SIGKILL, term = SIGTERM, segv = SIGSEGV;
	struct mp_process p;

	is(code_of(start(&p, returns, &zero, NULL)), 0, "a target returns 0");
	is(code_of(start(&p, returns, &seven, NULL)), 7, "or 7");
	is(code_of(start(&p, returns, &three_hundred, NULL)), 44,
	   "of 300 the low eight bits are left");
	is(code_of(start(&p, dies, &kill9, NULL)), -9, "killed: minus 9");
	is(code_of(start(&p, dies, &term, NULL)), -15, "terminated: minus 15");
	is(code_of(start(&p, dies, &segv, NULL)), -11, "crashed: minus 11");
}

static void life_of_a_handle(void)
{
	struct mp_process p;
	int code = 99;
	pid_t pid;

	is(mp_process_init(&p, NULL, NULL, NULL), -EINVAL, "no target");
	is(mp_process_init(&p, sleeps, NULL, NULL), 0, "a handle");
	is(mp_process_join(&p, 0), -EINVAL, "not started: join");
	is(mp_process_exitcode(&p, &code), -EINVAL, "not started: exitcode");
	is(mp_process_is_alive(&p), -EINVAL, "not started: is_alive");
	is(mp_process_terminate(&p), -EINVAL, "not started: terminate");
	is(mp_process_fd(&p), -EINVAL, "not started: fd");
	is(mp_process_pid(&p), 0, "not started: pid");
	is(mp_process_close(&p), 0, "not started: close does nothing");

	atomic_store(&s->ready, 0);
	is(mp_process_start(&p), 0, "started");
	is(mp_process_start(&p), -EALREADY, "not twice");
	wait_ready(1);
	pid = mp_process_pid(&p);
	ok(pid > 0 && mp_process_fd(&p) >= 0, "it has a pid and a pidfd");
	ok((fcntl(mp_process_fd(&p), F_GETFD) & FD_CLOEXEC) != 0,
	   "which is closed on exec");
	is(mp_process_is_alive(&p), 1, "it lives");
	is(mp_process_exitcode(&p, &code), 0, "no exit code yet");
	is(code, 99, "which leaves the output alone");
	is(mp_process_join(&p, 0), -ETIMEDOUT, "join with 0 does not wait");
	is(mp_process_join(&p, 10000000), -ETIMEDOUT, "nor long with 10 ms");
	is(mp_process_close(&p), -EBUSY, "running: not closed");
	is(mp_process_signal(&p, 1000), -EINVAL, "no such signal");

	mp_process_signal(&p, SIGSTOP);
	while (tap_state(pid) != 'T')
		sched_yield();
	is(mp_process_join(&p, 1000000), -ETIMEDOUT, "stopped is not ended");
	mp_process_signal(&p, SIGCONT);

	is(mp_process_terminate(&p), 0, "terminate");
	is(mp_process_join(&p, -1), 0, "join");
	is(mp_process_join(&p, -1), 0, "as often as you like");
	is(tap_state(pid), '-', "no zombie after join");
	is(mp_process_exitcode(&p, &code), 1, "an exit code");
	is(code, -15, "minus the signal");
	is(mp_process_is_alive(&p), 0, "it lives no more");
	is(mp_process_kill(&p), 0, "killing the dead does nothing");
	is(mp_process_close(&p), 0, "closed");
	is(mp_process_close(&p), 0, "twice");
	is(mp_process_join(&p, 0), -EINVAL, "closed: join");
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void interrupted(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval soon = { .it_value.tv_usec = 5000 };
	struct mp_process p;

	sigaction(SIGALRM, &sa, NULL);
	start(&p, sleeps, NULL, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	is(mp_process_join(&p, -1), -EINTR, "a handler ends join for ever");
	setitimer(ITIMER_REAL, &soon, NULL);
	is(mp_process_join(&p, 100 * SECOND), -EINTR,
	   "and join with a timeout");
	mp_process_kill(&p);
	is(code_of(&p), -9, "after which it can go on");
}

static int tells_name(void *expected)
{
	return strcmp(mp_process_name(mp_current_process()), expected) != 0;
}

static int tells_nested_name(void *unused)
{
	struct mp_process p;
	char expected[MP_PROCESS_NAME_MAX + 8];

	(void)unused;
	snprintf(expected, sizeof(expected), "%s:1",
		 mp_process_name(mp_current_process()));
	return code_of(start(&p, tells_name, expected, NULL));
}

static void names(void)
{
	struct mp_process p, q;
	char expected[MP_PROCESS_NAME_MAX];
	int n;

	mp_process_init(&p, sleeps, NULL, NULL);
	mp_process_init(&q, sleeps, NULL, NULL);
	ok(sscanf(mp_process_name(&p), "Process-%d", &n) == 1,
	   "a default name");
	snprintf(expected, sizeof(expected), "Process-%d", n + 1);
	ok(strcmp(mp_process_name(&q), expected) == 0, "counted upwards");
	is(mp_process_init(
		   &p, sleeps, NULL,
		   &(struct mp_process_options){
			   .name = "a name of thirty-two characters!" }),
	   -EINVAL, "a name that does not fit");
	is(code_of(start(&p, tells_name, "Alice",
			 &(struct mp_process_options){ .name = "Alice" })),
	   0, "a child knows its name");
	is(code_of(start(&p, tells_nested_name, NULL, NULL)), 0,
	   "a child's child is named after both");
	ok(strcmp(mp_process_name(mp_current_process()), "MainProcess") == 0,
	   "the first process is MainProcess");
	is(mp_process_pid(mp_current_process()), getpid(), "with its own pid");
	is(mp_process_join(mp_current_process(), 0), -EDEADLK,
	   "nobody can wait for himself");
	is(mp_process_is_alive(mp_current_process()), 1, "one is alive");
}

static int looks_at_parent(void *unused)
{
	struct mp_process *parent = mp_parent_process();
	int code;

	(void)unused;
	return !(parent != NULL && mp_process_pid(parent) == getppid() &&
		 strcmp(mp_process_name(parent), "MainProcess") == 0 &&
		 mp_process_is_alive(parent) == 1 &&
		 mp_process_join(parent, 1000000) == -ETIMEDOUT &&
		 mp_process_exitcode(parent, &code) == -EPERM &&
		 mp_process_kill(parent) == -EPERM &&
		 mp_process_close(parent) == -EPERM);
}

static int looks_at_sibling(void *sibling)
{
	int code;

	return !(mp_process_join(sibling, 0) == -EPERM &&
		 mp_process_exitcode(sibling, &code) == -EPERM &&
		 mp_process_kill(sibling) == -EPERM &&
		 mp_process_close(sibling) == -EPERM &&
		 mp_active_children(NULL, 0) == 0 && tap_descriptors() > 0);
}

static void relatives(void)
{
	struct mp_process p, q;

	ok(mp_parent_process() == NULL, "the first process has no parent");
	is(code_of(start(&p, looks_at_parent, NULL, NULL)), 0,
	   "a child sees its parent");
	start(&p, sleeps, NULL, NULL);
	is(code_of(start(&q, looks_at_sibling, &p, NULL)), 0,
	   "a child may not touch its siblings");
	is(mp_process_is_alive(&p), 1, "which live on");
	mp_process_kill(&p);
	code_of(&p);
}

static void active(void)
{
	static int zero;
	struct mp_process p[3], *v[8] = { 0 };
	pid_t ended;

	is(mp_active_children(v, 8), 0, "no children, none active");
	start(&p[0], returns, &zero, NULL);
	start(&p[1], sleeps, NULL, NULL);
	start(&p[2], sleeps, NULL, NULL);
	ended = mp_process_pid(&p[0]);
	while (tap_state(ended) != 'Z' && tap_state(ended) != '-')
		sched_yield();
	is(mp_active_children(v, 1), 2, "two of three still run");
	ok(v[0] == &p[1] || v[0] == &p[2], "the first of them is named");
	is(tap_state(ended), '-', "the third was reaped by the count");
	for (int i = 0; i < 3; i++) {
		mp_process_kill(&p[i]);
		code_of(&p[i]);
	}
	is(mp_active_children(v, 8), 0, "none is left");
}

static int looks_at_signals(void *unused)
{
	struct sigaction usr1, usr2;
	sigset_t mask;

	(void)unused;
	sigaction(SIGUSR1, NULL, &usr1);
	sigaction(SIGUSR2, NULL, &usr2);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	return !(usr1.sa_handler == SIG_DFL && usr2.sa_handler == SIG_IGN &&
		 !sigismember(&mask, SIGHUP));
}

static void clean_signals(void)
{
	struct sigaction handled = { .sa_handler = on_alarm };
	struct sigaction ignored = { .sa_handler = SIG_IGN };
	struct mp_process p;
	sigset_t hup, mask;

	sigaction(SIGUSR1, &handled, NULL);
	sigaction(SIGUSR2, &ignored, NULL);
	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	sigprocmask(SIG_BLOCK, &hup, NULL);
	is(code_of(start(&p, looks_at_signals, NULL, NULL)), 0,
	   "handlers are reset, ignored stays ignored, nothing is blocked");
	sigprocmask(SIG_SETMASK, NULL, &mask);
	ok(sigismember(&mask, SIGHUP) && !sigismember(&mask, SIGINT),
	   "the creator's mask is as before");
	sigprocmask(SIG_UNBLOCK, &hup, NULL);
}

static FILE *book;

static int writes(void *unused)
{
	(void)unused;
	fputs("child\n", book);
	return 0;
}

static void note_exit(void)
{
	fputs("exit handler\n", book);
}

static void prints_once(void)
{
	struct mp_process p;
	char text[256];
	size_t n;
	pid_t pid;

	book = tmpfile();
	if (book == NULL)
		err(1, "tmpfile");
	pid = fork();
	if (pid == 0) {
		atexit(note_exit);
		fputs("pending\n", book);
		code_of(start(&p, writes, NULL, NULL));
		exit(0);
	}
	waitpid(pid, NULL, 0);
	rewind(book);
	n = fread(text, 1, sizeof(text) - 1, book);
	text[n] = '\0';
	fclose(book);
	ok(strcmp(text, "pending\nchild\nexit handler\n") == 0,
	   "output and exit handlers run once, in the right process");
}

/* Run f in a process of its own, which ends by exit if f returns. */
static pid_t apart(void (*f)(void))
{
	pid_t pid;

	fflush(stdout);
	memset(s, 0, sizeof(*s));
	pid = fork();
	if (pid == 0) {
		f();
		exit(0);
	}
	return pid;
}

static int has_a_child(void *unused)
{
	struct mp_process p;

	(void)unused;
	mp_process_init(&p, sleeps, NULL, NULL);
	mp_process_start(&p);
	atomic_store(&s->grandchild, mp_process_pid(&p));
	while (pause() < 0)
		;
	return 0;
}

static void waits_with_children(void)
{
	struct mp_process p;

	mp_process_init(&p, has_a_child, NULL, NULL);
	mp_process_start(&p);
	atomic_store(&s->pid, mp_process_pid(&p));
	for (;;)
		pause();
}

/* Within a second; whoever reaps orphans may be late: Z is dead, too. */
static int gone(pid_t pid)
{
	int64_t end = mp_clock_deadline(SECOND);

	while (mp_clock_left(end) > 0) {
		char state = tap_state(pid);

		if (state == '-' || state == 'Z' || state == 'X')
			return 1;
		sched_yield();
	}
	return 0;
}

static void killed_creator(void)
{
	pid_t pid = apart(waits_with_children);

	wait_ready(1);
	while (atomic_load(&s->grandchild) == 0)
		sched_yield();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(gone(s->pid), "a creator killed by -9 takes its child along");
	ok(gone(s->grandchild), "and its child's child");
}

static int watches_creator(void *unused)
{
	struct mp_process *parent = mp_parent_process();

	(void)unused;
	atomic_store(&s->pid, getpid());
	atomic_store(&s->result, mp_process_join(parent, 5 * SECOND) == 0 &&
					 mp_process_is_alive(parent) == 0);
	atomic_store(&s->ready, 1);
	return 0;
}

static void starts_outliving(void)
{
	struct mp_process p;

	mp_process_init(&p, watches_creator, NULL,
			&(struct mp_process_options){ .outlive = true });
	mp_process_start(&p);
	while (atomic_load(&s->pid) == 0)
		sched_yield();
	raise(SIGKILL);
}

static void outliving(void)
{
	pid_t pid = apart(starts_outliving);

	waitpid(pid, NULL, 0);
	wait_ready(1);
	is(s->result, 1,
	   "a child that outlives its creator learns of its death");
	ok(gone(s->pid), "and ends when it likes");
}

static int finishes_slowly(void *unused)
{
	(void)unused;
	for (int64_t end = mp_clock_deadline(50000000); mp_clock_left(end) > 0;)
		sched_yield();
	atomic_store(&s->result, 1);
	return 0;
}

static void forgets_children(void)
{
	struct mp_process p, q;

	mp_process_init(&p, sleeps, NULL,
			&(struct mp_process_options){ .daemon = true });
	mp_process_init(&q, finishes_slowly, NULL, NULL);
	mp_process_start(&p);
	mp_process_start(&q);
	atomic_store(&s->pid, mp_process_pid(&p));
	wait_ready(1);
}

static int forgets_in_child(void *unused)
{
	(void)unused;
	forgets_children();
	return 0;
}

static void creator_exits(void)
{
	struct mp_process p;
	int status;
	pid_t pid = apart(forgets_children);

	waitpid(pid, &status, 0);
	is(status, 0, "a creator that forgets its children exits");
	is(s->result, 1, "after those that are not daemonic");
	ok(gone(s->pid), "and with those that are");
	memset(s, 0, sizeof(*s));
	is(code_of(start(&p, forgets_in_child, NULL, NULL)), 0,
	   "a child that forgets its own children ends");
	is(s->result, 1, "after them, too");
	ok(gone(s->pid), "and with its daemons");
}

/* A fork by the program itself: its creator's children are not its own. */
static void forks_itself(void)
{
	struct mp_process p, q;
	int status, good;
	pid_t pid;

	start(&p, sleeps, NULL, NULL);
	pid = fork();
	if (pid == 0) {
		good = mp_active_children(NULL, 0) == 0 &&
		       mp_parent_process() == NULL &&
		       mp_process_pid(mp_current_process()) == getpid() &&
		       mp_process_join(&p, 0) == -EPERM &&
		       code_of(start(&q, looks_at_sibling, &p, NULL)) == 0;
		forgets_children();
		exit(good ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	is(status, 0, "a forked process has no children but its own");
	is(s->result, 1, "which it waits for at its end");
	is(mp_process_is_alive(&p), 1, "and its creator's are left alone");
	mp_process_kill(&p);
	is(code_of(&p), -9, "to the creator");
}

static int ignores_term(void *unused)
{
	signal(SIGTERM, SIG_IGN);
	return sleeps(unused);
}

static void has_stubborn_daemon(void)
{
	struct mp_process p;

	mp_process_init(&p, ignores_term, NULL,
			&(struct mp_process_options){ .daemon = true });
	mp_process_start(&p);
	atomic_store(&s->pid, mp_process_pid(&p));
	wait_ready(1);
}

static void stubborn_daemon(void)
{
	int64_t begin = mp_clock_now();

	waitpid(apart(has_stubborn_daemon), NULL, 0);
	ok(gone(s->pid), "a daemon that ignores SIGTERM is killed");
	ok(mp_clock_now() - begin < 10 * SECOND, "after about a second");
}

static void *joins(void *p)
{
	int code = -1000;

	if (mp_process_join(p, -1) == 0)
		mp_process_exitcode(p, &code);
	return (void *)(intptr_t)code;
}

static void two_threads_join(void)
{
	static int five = 5;
	int good = 0;

	for (int i = 0; i < 200; i++) {
		struct mp_process p;
		pthread_t t;
		void *code;

		start(&p, returns, &five, NULL);
		pthread_create(&t, NULL, joins, &p);
		good += joins(&p) == (void *)5;
		pthread_join(t, &code);
		good += code == (void *)5;
		mp_process_close(&p);
	}
	is(good, 400, "two threads join one child: both learn its exit code");
}

static void reaped_by_another(void)
{
	static int zero;
	struct mp_process p;
	int code;

	start(&p, returns, &zero, NULL);
	waitpid(-1, NULL, 0);
	is(mp_process_join(&p, -1), -ECHILD, "reaped by another: join says so");
	is(mp_process_exitcode(&p, &code), -ECHILD, "and the code is lost");
	is(mp_process_kill(&p), 0, "a signal finds nobody");
	is(mp_process_close(&p), 0, "closed all the same");
}

/* Only a timeout needs a descriptor. */
static void no_descriptors(void)
{
	struct rlimit old, none;
	struct mp_process p;

	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	start(&p, sleeps, NULL, NULL);
	is(mp_process_join(&p, 0), -ETIMEDOUT, "no descriptors: join with 0");
	is(mp_process_join(&p, SECOND), -EMFILE, "a timeout needs one");
	is(mp_process_fd(&p), -EMFILE, "so does the pidfd itself");
	is(mp_process_terminate(&p), 0, "a signal does not");
	is(mp_process_join(&p, -1), 0, "nor does waiting for ever");
	setrlimit(RLIMIT_NOFILE, &old);
	is(mp_process_fd(&p), -ESRCH, "joined: too late for a pidfd");
	is(code_of(&p), -15, "and the exit code is there");
}

static void meets_process_limit(void)
{
	struct rlimit none = { 1, 1 };
	struct mp_process p;

	/* root is not bound by the limit */
	if (getuid() == 0 && (setgid(54321) < 0 || setuid(54321) < 0))
		_exit(77);
	setrlimit(RLIMIT_NPROC, &none);
	mp_process_init(&p, sleeps, NULL, NULL);
	/* One process of this user may be this one. */
	for (int i = 0; i < 2; i++)
		if (mp_process_start(&p) == -EAGAIN)
			_exit(mp_process_pid(&p) == 0 ? 42 : 1);
	_exit(2);
}

static void no_processes(void)
{
	int status;

	waitpid(apart(meets_process_limit), &status, 0);
	is(WEXITSTATUS(status), 42, "at the process limit: -EAGAIN, no child");
}

static void many(void)
{
	static int zero;
	int before = tap_descriptors(), good = 0;

	for (int i = 0; i < 1000; i++) {
		struct mp_process p;

		good += code_of(start(&p, returns, &zero, NULL)) == 0;
	}
	is(good, 1000, "1000 children come and go");
	is(tap_descriptors(), before, "and leave no descriptor");
	ok(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "and no zombie");
}

static _Atomic int stop;

static void *churns(void *unused)
{
	(void)unused;
	while (!atomic_load(&stop)) {
		char *volatile p = malloc(100);

		free(p);
		fputs("", stdout);
	}
	return NULL;
}

static int allocates(void *unused)
{
	char *volatile p = malloc(100);

	(void)unused;
	free(p);
	fputs("", stdout);
	return 0;
}

static void from_threaded_program(void)
{
	struct mp_process p;
	pthread_t t;
	int good = 0;

	pthread_create(&t, NULL, churns, NULL);
	for (int i = 0; i < 200; i++)
		good += code_of(start(&p, allocates, NULL, NULL)) == 0;
	atomic_store(&stop, 1);
	pthread_join(t, NULL);
	is(good, 200, "children of a program with threads can allocate");
}

int main(void)
{
	int before = tap_descriptors();

	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		err(1, "mmap");
	ends();
	life_of_a_handle();
	interrupted();
	names();
	relatives();
	active();
	clean_signals();
	prints_once();
	killed_creator();
	outliving();
	creator_exits();
	forks_itself();
	stubborn_daemon();
	two_threads_join();
	reaped_by_another();
	no_descriptors();
	no_processes();
	many();
	from_threaded_program();
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
