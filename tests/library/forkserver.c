/* Children of a fork server are as others, and see what came later. */
#include "servers.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/time.h>

static int before_server, after_server;
static void *taken; /* private memory, which the server keeps */

/* ---- children as others ---- */

static void ends(void)
{
	is(run(returns, (void *)0), 0, "a target returns 0");
	is(run(returns, (void *)7), 7, "or 7");
	is(run(returns, (void *)300), 44, "of 300 the low eight bits are left");
	is(run(dies, (void *)SIGKILL), -9, "killed: minus 9");
	is(run(dies, (void *)SIGTERM), -15, "terminated: minus 15");
	is(run(dies, (void *)SIGSEGV), -11, "crashed: minus 11");
}

static void life_of_a_handle(void)
{
	struct mp_process p;
	int code = 99;
	pid_t pid;

	sleeper(&p, WITH(&server));
	is(mp_process_start(&p), -EALREADY, "not twice");
	pid = mp_process_pid(&p);
	is(pid, board->pid, "it has a pid");
	ok((fcntl(mp_process_fd(&p), F_GETFD) & FD_CLOEXEC) != 0,
	   "and a pidfd, which is closed on exec");
	is(mp_process_is_alive(&p), 1, "it lives");
	is(mp_process_exitcode(&p, &code), 0, "no exit code yet");
	is(mp_process_join(&p, 0), -ETIMEDOUT, "join with 0 does not wait");
	is(mp_process_join(&p, 10 * MS), -ETIMEDOUT, "nor long with 10 ms");
	is(mp_process_close(&p), -EBUSY, "running: not closed");
	is(mp_process_signal(&p, 1000), -EINVAL, "no such signal");

	mp_process_signal(&p, SIGSTOP);
	await(tap_state(pid) == 'T');
	is(mp_process_join(&p, MS), -ETIMEDOUT, "stopped is not ended");
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
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void interrupted(void)
{
	struct itimerval soon = { .it_value.tv_usec = 5000 };
	struct mp_process p;

	handle(SIGALRM, on_alarm, 0);
	sleeper(&p, WITH(&server));
	setitimer(ITIMER_REAL, &soon, NULL);
	is(mp_process_join(&p, -1), -EINTR, "a handler ends join for ever");
	setitimer(ITIMER_REAL, &soon, NULL);
	is(mp_process_join(&p, LONG), -EINTR, "and join with a timeout");
	mp_process_kill(&p);
	is(code_of(&p), -9, "after which it can go on");
}

/* A handler every few microseconds, while children are started. */
static void under_fire(void)
{
	struct itimerval often = { { 0, 200 }, { 0, 200 } }, never = { 0 };
	int good = 0, code;

	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 100; i++) {
		struct mp_process p;

		born(&p, returns, (void *)(intptr_t)i, WITH(&server));
		while (mp_process_join(&p, -1) == -EINTR)
			;
		while (mp_process_exitcode(&p, &code) == -EINTR)
			;
		good += code == i;
		mp_process_close(&p);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	is(good, 100, "signals do not get between request and answer");
}

static int looks_around(void *name)
{
	struct mp_process *parent = mp_parent_process();

	return !(strcmp(mp_process_name(mp_current_process()), name) == 0 &&
		 parent != NULL && mp_process_pid(parent) == board->server &&
		 getppid() == board->server &&
		 mp_process_is_alive(parent) == 1 &&
		 mp_process_join(parent, MS) == -ETIMEDOUT &&
		 mp_process_kill(parent) == -EPERM &&
		 mp_active_children(NULL, 0) == 0);
}

static int sees(void *unused)
{
	(void)unused;
	return before_server * 10 + after_server;
}

static int has_child(void *unused)
{
	char expected[2 * MP_PROCESS_NAME_MAX];
	struct mp_process p;

	(void)unused;
	mp_process_init(&p, returns, (void *)5, NULL);
	snprintf(expected, sizeof(expected), "%s:1",
		 mp_process_name(mp_current_process()));
	if (strcmp(mp_process_name(&p), expected) != 0 ||
	    mp_process_start(&p) < 0)
		return 1;
	return code_of(&p);
}

static void relatives(void)
{
	struct mp_process p, q, *v[8];
	char expected[MP_PROCESS_NAME_MAX];
	int n;

	is(code_of(born(&p, looks_around, "Alice",
			WITH(&server, .name = "Alice"))),
	   0, "a child knows its name, and the server as its parent");
	mp_process_init(&p, returns, NULL, WITH(&server));
	mp_process_init(&q, returns, NULL, NULL);
	sscanf(mp_process_name(&p), "Process-%d", &n);
	snprintf(expected, sizeof(expected), "Process-%d", n + 1);
	ok(strcmp(mp_process_name(&q), expected) == 0,
	   "default names are counted upwards, whoever forks");
	is(run(has_child, NULL), 5, "a child has children of its own");
	after_server = 1;
	is(run(sees, NULL), 10,
	   "a child sees memory as it was when the server began");

	is(mp_active_children(v, 8), 0, "the server is no active child");
	sleeper(&p, WITH(&server));
	ok(mp_active_children(v, 8) == 1 && v[0] == &p, "its child is");
	mp_process_kill(&p);
	await(mp_active_children(v, 8) == 0);
	is(tap_state(mp_process_pid(&p)), '-',
	   "once dead, it was reaped by the count");
	code_of(&p);
}

static int looks_at_signals(void *unused)
{
	struct sigaction usr1, usr2, interrupt;
	sigset_t mask;

	(void)unused;
	sigaction(SIGUSR1, NULL, &usr1);
	sigaction(SIGUSR2, NULL, &usr2);
	sigaction(SIGINT, NULL, &interrupt);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	return !(usr1.sa_handler == SIG_DFL && usr2.sa_handler == SIG_IGN &&
		 interrupt.sa_handler == SIG_DFL && sigisemptyset(&mask));
}

static void clean_signals(void)
{
	struct mp_forkserver f;
	struct mp_process p;
	sigset_t hup, mask;

	handle(SIGUSR1, on_alarm, 0);
	handle(SIGUSR2, SIG_IGN, 0);
	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	sigprocmask(SIG_BLOCK, &hup, NULL);
	serve(&f);
	is(code_of(born(&p, looks_at_signals, NULL, WITH(&f))), 0,
	   "handlers are reset, ignored stays ignored, nothing is blocked");
	sigprocmask(SIG_SETMASK, NULL, &mask);
	ok(sigismember(&mask, SIGHUP) && !sigismember(&mask, SIGINT),
	   "the creator's mask is as before");
	sigprocmask(SIG_UNBLOCK, &hup, NULL);
	handle(SIGUSR1, SIG_DFL, 0);
	handle(SIGUSR2, SIG_DFL, 0);

	kill(board->server, SIGINT);
	kill(board->server, SIGHUP);
	is(code_of(born(&p, returns, (void *)3, WITH(&f))), 3,
	   "the server leaves Ctrl-C to others");
	kill(board->server, SIGTERM);
	is(mp_process_join(&f.process, LONG), 0, "SIGTERM ends it");
	is(mp_forkserver_stop(&f), 0, "which stop does not mind");
}

static int ignores_interrupt(void *unused)
{
	struct sigaction interrupt;

	(void)unused;
	sigaction(SIGINT, NULL, &interrupt);
	return interrupt.sa_handler == SIG_IGN ? 1 : 2;
}

/* However early it comes: it is sent as soon as there is a pid. */
static void not_interrupted(void)
{
	static const char *const words[] = { "fork", "server" };
	struct mp_forkserver f;
	struct mp_process p;
	int good, early = 0;

	for (int i = 0; i < 50; i++) {
		serve(&f);
		early += mp_process_signal(&f.process, SIGINT) != 0;
		born(&p, returns, NULL, WITH(&f));
		early += code_of(&p) != 0;
		mp_forkserver_stop(&f);
	}
	is(early, 0, "a server that has just begun leaves it, too");
	serve(&f);
	for (int served = 0; served < 2; served++) {
		good = 0;
		for (int i = 0; i < 50; i++) {
			born(&p, ignores_interrupt, NULL,
			     WITH(served ? &f : NULL, .no_interrupt = true));
			mp_process_signal(&p, SIGINT);
			good += code_of(&p) == 1;
		}
		is(good, 50, "no_interrupt, by %s", words[served]);
	}
	mp_forkserver_stop(&f);
}

/* The kernel reaps at once.  This must not be done, but is no end of all. */
static void nobody_reaps(void)
{
	struct mp_forkserver f;
	struct mp_process p;

	handle(SIGCHLD, SIG_IGN, 0);
	serve(&f);
	handle(SIGCHLD, SIG_DFL, 0);
	sleeper(&p, WITH(&f));
	mp_process_kill(&p);
	is(mp_process_join(&p, LONG), -ECHILD, "SIGCHLD ignored: no exit code");
	is(mp_process_close(&p), 0, "but closed");
	mp_forkserver_stop(&f);
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

static void prints(void)
{
	struct mp_process p;

	atexit(note_exit);
	fputs("pending\n", book);
	serve(&server);
	fputs("later\n", book);
	fflush(book);
	code_of(born(&p, writes, NULL, WITH(&server)));
}

static void prints_once(void)
{
	char text[256];
	size_t n;

	book = tmpfile();
	if (book == NULL)
		err(1, "tmpfile");
	waitpid(apart(prints), NULL, 0);
	rewind(book);
	n = fread(text, 1, sizeof(text) - 1, book);
	text[n] = '\0';
	fclose(book);
	ok(strcmp(text, "pending\nlater\nchild\nexit handler\n") == 0,
	   "output and exit handlers run once, in the right process");
}

/* ---- memory and descriptors that came later ---- */

struct later {
	int in, out, fds[3];
};

static int doubles(void *arg)
{
	struct later *l = arg;

	l->out = 2 * l->in;
	return 0;
}

static void later_memory(void)
{
	struct mp_process p;
	struct later *l;
	struct mp_shm m;
	char name[64];

	for (int named = 0; named < 2; named++) {
		snprintf(name, sizeof(name), "/rawmp-test-%d", (int)getpid());
		is(mp_shm_create(&m, named ? name : NULL, 123456), 0,
		   "memory, later than the server");
		if (named)
			mp_shm_unlink(name);
		l = m.addr;
		l->in = 21;
		is(code_of(born(&p, doubles, l, WITH(&server, .shm = &m))), 0,
		   "a child finds it at the same address");
		is(l->out, 42, "and writes what we read");
		is(code_of(born(&p, doubles, l, WITH(&server))), -11,
		   "only if it was asked for");
		mp_shm_close(&m);
	}
	mp_process_init(&p, doubles, l, WITH(&server, .shm = &m));
	is(mp_process_start(&p), -EINVAL, "memory that was closed");
	is(mp_process_pid(&p), 0, "no child");

	mp_shm_create(&m, NULL, 8192);
	munmap(m.addr, m.size);
	m.addr = mmap(taken, m.size, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_FIXED, m.fd, 0);
	l = m.addr;
	l->in = 4;
	is(code_of(born(&p, doubles, l, WITH(&server, .shm = &m))), 0,
	   "memory where the server has something else");
	is(l->out, 8, "is the memory asked for");
	mp_shm_close(&m);

	m = (struct mp_shm){ .addr = (void *)8, .size = 1, .fd = 0 };
	is(code_of(born(&p, returns, NULL, WITH(&server, .shm = &m))), 255,
	   "what cannot be mapped: the target does not begin");
}

/* Read a letter from each, and see that nothing else is open. */
static int reads(void *arg)
{
	struct later *l = arg;
	char c;

	for (int i = 0; i < 3; i++)
		if (read(l->fds[i], &c, 1) != 1 || c != 'a' + i ||
		    (fcntl(l->fds[i], F_GETFD) & FD_CLOEXEC) == 0)
			return 100 + i;
	return tap_descriptors();
}

static int up(int fd, int from)
{
	int other = fcntl(fd, F_DUPFD_CLOEXEC, from);

	if (other < 0)
		err(1, "fcntl");
	close(fd);
	return other;
}

/* Three numbers from `from` on, in an order of six. */
static int reads_three(int from, int order, struct mp_shm *m)
{
	static const int orders[6][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 }
	};
	struct later *l = m->addr;
	int pipes[3][2], list[] = { 0, 0, 0, -1 }, code;
	struct mp_process p;

	for (int i = 0; i < 3; i++) {
		if (pipe2(pipes[i], O_CLOEXEC) < 0 ||
		    write(pipes[i][1], &"abc"[i], 1) != 1)
			err(1, "pipe");
		close(pipes[i][1]);
		pipes[i][0] = up(pipes[i][0], 30);
	}
	for (int i = 0; i < 3; i++) {
		list[i] = up(pipes[i][0], from + orders[order][i]);
		l->fds[i] = list[i];
	}
	code = code_of(
		born(&p, reads, l, WITH(&server, .shm = m, .fds = list)));
	for (int i = 0; i < 3; i++)
		close(list[i]);
	return code;
}

/* Any three numbers, in any order: also those that the server itself uses, or
 * that the descriptors have while they arrive. */
static void later_descriptors(void)
{
	int base = descriptors_of(mp_process_pid(&server.process)) - 1;
	int bad[MP_PROCESS_FDS_MAX + 2], good = 0;
	struct mp_process p;
	struct mp_shm m;

	mp_shm_create(&m, NULL, sizeof(struct later));
	m.fd = up(m.fd, 50);
	for (int from = 3; from < 13; from++)
		for (int order = 0; order < 6; order++)
			good += reads_three(from, order, &m) <= base + 3;
	is(good, 60,
	   "descriptors have the same numbers in a child, and no other is "
	   "open");

	for (int i = 0; i < MP_PROCESS_FDS_MAX + 1; i++)
		bad[i] = 1;
	bad[MP_PROCESS_FDS_MAX + 1] = -1;
	mp_process_init(&p, returns, NULL, WITH(&server, .fds = bad));
	is(mp_process_start(&p), -EINVAL, "too many descriptors");
	mp_process_init(&p, returns, NULL, WITH(&server, .fds = bad + 1));
	is(mp_process_start(&p), 0, "the longest list");
	is(code_of(&p), 0, "is all right");
	bad[1] = 12345;
	mp_process_init(&p, returns, NULL, WITH(&server, .fds = bad + 1));
	is(mp_process_start(&p), -EBADF, "one that is not open");
	is(run(returns, (void *)4), 4, "the server goes on");
	mp_shm_close(&m);
}

/* ---- nothing is left ---- */

static void many(void)
{
	int mine = tap_descriptors(), its = descriptors_of(board->server);
	struct mp_shm m;
	int good = 0;

	mp_shm_create(&m, NULL, 4096);
	for (int i = 0; i < 200; i++) {
		int list[] = { m.fd, -1 };
		struct mp_process p;

		born(&p, returns, NULL,
		     WITH(&server, .shm = &m, .fds = i % 2 ? list : NULL));
		good += code_of(&p) == 0;
	}
	mp_shm_close(&m);
	is(good, 200, "200 children come and go");
	is(tap_descriptors(), mine, "and leave no descriptor here");
	is(descriptors_of(board->server), its, "none in the server");
	is(children_of(board->server), 0, "and no zombie there");
	ok(descriptors_of(board->server) <= mine,
	   "the server has no end of its own socket that is not its own");
}

/* Take all descriptors there are, 64 at most. */
static int take_all(int *v)
{
	int n = 0;

	while (n < 64 && (v[n] = dup(1)) >= 0)
		n++;
	return n;
}

/* The limit with which that process has room for so many more. */
static rlim_t limit_for(pid_t pid, int room)
{
	char path[48];
	rlim_t limit;

	for (limit = 0; room >= 0; limit++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, (int)limit);
		room -= faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) !=
			0;
	}
	return limit - 1;
}

static void no_descriptors(void)
{
	struct rlimit old, few = { 64, 64 };
	struct mp_forkserver f;
	struct mp_process p, q;
	int v[64], list[] = { 1, -1 }, n, code, its;
	struct mp_shm m;

	getrlimit(RLIMIT_NOFILE, &old);
	few.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_NOFILE, &few);
	mp_shm_create(&m, NULL, 4096);
	born(&q, returns, (void *)6, WITH(&server));
	n = take_all(v);
	is(mp_forkserver_start(&f), -EMFILE, "no descriptor: no server");
	is(mp_forkserver_stop(&f), 0, "which need not be stopped");
	close(v[--n]);
	is(mp_forkserver_start(&f), -EMFILE, "nor with one");
	close(v[--n]);
	is(mp_forkserver_start(&f), 0, "with two");
	is(mp_forkserver_stop(&f), 0, "there is one, and goes");
	n += take_all(v + n);
	mp_process_init(&p, returns, (void *)9, WITH(&server, .shm = &m));
	is(mp_process_start(&p), -EMFILE, "no descriptor: no child");
	is(mp_process_pid(&p), 0, "really none");
	is(mp_process_join(&q, LONG), 0, "one that was there can be joined");
	is(mp_process_exitcode(&q, &code) == 1 && code == 6, 1, "and asked");
	close(v[--n]);
	is(mp_process_start(&p), 0, "with a descriptor, it starts");
	is(code_of(&p), 9, "and ends");
	mp_process_close(&q);
	while (n > 0)
		close(v[--n]);
	setrlimit(RLIMIT_NOFILE, &old);

	/* In the server, too. */
	its = descriptors_of(board->server);
	for (int room = 0; room < 4; room++) {
		few.rlim_cur = limit_for(board->server, room);
		if (prlimit(board->server, RLIMIT_NOFILE, &few, NULL) < 0)
			err(1, "prlimit");
		mp_process_init(&p, returns, (void *)9,
				WITH(&server, .shm = &m, .fds = list));
		is(mp_process_start(&p), room < 3 ? -EMFILE : 0,
		   "the server has %d descriptors left", room);
		if (room < 3)
			is(descriptors_of(board->server), its,
			   "and loses none");
	}
	is(code_of(&p), 9, "three are enough");
	prlimit(board->server, RLIMIT_NOFILE, &old, NULL);
	mp_shm_close(&m);
}

static void meets_process_limit(void)
{
	struct rlimit none = { 1, 1 };
	struct mp_process p;

	/* root is not bound by the limit */
	if (getuid() == 0 && (setgid(54321) < 0 || setuid(54321) < 0))
		_exit(77);
	serve(&server);
	prlimit(board->server, RLIMIT_NPROC, &none, NULL);
	mp_process_init(&p, sleeps, NULL, WITH(&server));
	_exit(mp_process_start(&p) == -EAGAIN && mp_process_pid(&p) == 0 ? 42
									 : 1);
}

static void no_processes(void)
{
	int status;

	waitpid(apart(meets_process_limit), &status, 0);
	is(WEXITSTATUS(status), 42, "at the process limit: -EAGAIN, no child");
}

/* ---- several at once ---- */

static _Atomic int churning;

static void *churns(void *unused)
{
	(void)unused;
	while (atomic_load(&churning)) {
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

static void *starts_many(void *good)
{
	for (int i = 0; i < 100; i++) {
		struct mp_process p;

		born(&p, returns, (void *)(intptr_t)(i & 127), WITH(&server));
		*(int *)good += code_of(&p) == (i & 127);
	}
	return NULL;
}

static void *joins(void *p)
{
	int code = -1000;

	if (mp_process_join(p, -1) == 0)
		mp_process_exitcode(p, &code);
	return (void *)(intptr_t)code;
}

static void threads(void)
{
	int good = 0, other = 0;
	pthread_t t;

	atomic_store(&churning, 1);
	pthread_create(&t, NULL, churns, NULL);
	for (int i = 0; i < 100; i++)
		good += run(allocates, NULL) == 0;
	atomic_store(&churning, 0);
	pthread_join(t, NULL);
	is(good, 100, "children of a program with threads can allocate");

	good = 0;
	pthread_create(&t, NULL, starts_many, &other);
	starts_many(&good);
	pthread_join(t, NULL);
	is(good + other, 200, "two threads start and join 100 each");

	good = 0;
	for (int i = 0; i < 100; i++) {
		struct mp_process p;
		void *code;

		born(&p, returns, (void *)5, WITH(&server));
		pthread_create(&t, NULL, joins, &p);
		good += joins(&p) == (void *)5;
		pthread_join(t, &code);
		good += code == (void *)5;
		mp_process_close(&p);
	}
	is(good, 200, "two threads join one child: both learn its exit code");
}

int main(void)
{
	int before = tap_descriptors();

	setup();
	before_server = 1;
	taken = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	serve(&server);
	ends();
	life_of_a_handle();
	interrupted();
	under_fire();
	relatives();
	later_memory();
	later_descriptors();
	many();
	no_descriptors();
	threads();
	is(mp_forkserver_stop(&server), 0, "stopped");
	clean_signals();
	not_interrupted();
	nobody_reaps();
	prints_once();
	no_processes();
	is(children_of(getpid()), 0, "nobody is left");
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
