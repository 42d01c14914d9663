/* The end of a fork server, of its children, or of their creator, whoever is
 * killed at whatever system call. */
#include "servers.h"

static void stopped(void)
{
	struct mp_process p, q, daemon, late;
	struct mp_forkserver f = { 0 };
	int code;

	is(mp_forkserver_stop(&f), 0, "never started: stop does nothing");
	mp_process_init(&p, returns, NULL, WITH(&f));
	is(mp_process_start(&p), -EINVAL, "and there is no start");

	serve(&f);
	sleeper(&p, WITH(&f));
	sleeper(&daemon, WITH(&f, .daemon = true));
	born(&q, returns, (void *)8, WITH(&f));
	await(mp_process_is_alive(&q) == 0);
	is(mp_forkserver_stop(&f), 0, "stop");
	is(mp_forkserver_stop(&f), 0, "twice");
	is(tap_state(board->server), '-', "no server is left");
	is(tap_state(mp_process_pid(&p)), '-', "nor its child");
	is(tap_state(mp_process_pid(&daemon)), '-', "nor the other one");
	is(code_of(&p), -9, "which was killed");
	is(code_of(&daemon), -9, "as was that");
	is(mp_process_exitcode(&q, &code) == 1 && code == 8, 1,
	   "what had ended before is as it was");
	mp_process_close(&q);
	mp_process_init(&late, returns, NULL, WITH(&f));
	is(mp_process_start(&late), -EINVAL, "stopped: no start");

	serve(&f);
	sleeper(&p, WITH(&f, .outlive = true));
	mp_forkserver_stop(&f);
	ok(lives(mp_process_pid(&p)), "one that outlives its server lives");
	is(mp_process_join(&p, 0), -ECHILD, "but is nobody's");
	is(mp_process_kill(&p), 0, "it can be killed");
	ok(gone(mp_process_pid(&p)), "and is");
	is(mp_process_close(&p), 0, "closed");
}

static void inherited(void)
{
	struct mp_process p, q;
	int status, good;
	pid_t pid;

	serve(&server);
	sleeper(&p, WITH(&server));
	pid = fork();
	if (pid == 0) {
		mp_process_init(&q, returns, NULL, WITH(&server));
		good = mp_process_start(&q) == -EPERM &&
		       mp_forkserver_stop(&server) == -EPERM &&
		       mp_process_join(&p, 0) == -EPERM &&
		       mp_process_kill(&p) == -EPERM &&
		       mp_active_children(NULL, 0) == 0;
		mp_process_init(&q, returns, (void *)3, NULL);
		good = good && mp_process_start(&q) == 0 && code_of(&q) == 3;
		exit(good ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	is(status, 0, "a child that inherited the server may not use it");
	is(mp_process_is_alive(&p), 1, "and leaves its children alone");
	mp_process_kill(&p);
	is(code_of(&p), -9, "to the creator");
	mp_forkserver_stop(&server);
}

static void server_killed(void)
{
	struct mp_process p, outlives, q, late;
	struct mp_forkserver f;
	int code;

	serve(&f);
	sleeper(&p, WITH(&f));
	sleeper(&outlives, WITH(&f, .outlive = true));
	born(&q, returns, (void *)2, WITH(&f));
	await(mp_process_is_alive(&q) == 0);
	kill(board->server, SIGKILL);
	is(mp_process_join(&p, LONG), -ECHILD,
	   "the server is killed: its child is dead, how is not known");
	ok(gone(mp_process_pid(&p)), "really dead");
	is(mp_process_join(&p, -1), -ECHILD, "asked again");
	is(mp_process_exitcode(&p, &code), -ECHILD, "no exit code");
	is(mp_process_exitcode(&q, &code) == 1 && code == 2, 1,
	   "what was known before is");
	ok(gone(board->server), "the server is gone");
	ok(lives(mp_process_pid(&outlives)), "one that outlives it lives");
	is(mp_process_is_alive(&outlives), 1, "and is known to");
	mp_process_init(&late, returns, NULL, WITH(&f));
	is(mp_process_start(&late), -EPIPE, "no start any more");
	is(mp_process_pid(&late), 0, "no child");
	is(mp_process_terminate(&outlives), 0, "who lives can be signalled");
	is(mp_process_join(&outlives, LONG), -ECHILD, "and be waited for");
	is(mp_process_close(&p) | mp_process_close(&q) |
		   mp_process_close(&outlives),
	   0, "all closed");
	is(mp_forkserver_stop(&f), 0, "stop");
}

static struct mp_forkserver *asked;

static int starts_late(long unused)
{
	struct mp_process p;

	(void)unused;
	mp_process_init(&p, returns, NULL, WITH(asked));
	return mp_process_start(&p);
}

static int joins_late(long p)
{
	return mp_process_join((struct mp_process *)p, -1);
}

/* A request is in the socket, and nobody will read it.  Somebody else (we) has
 * the server's end, as a fork at a bad moment would: no end of file comes. */
static void request_open(void)
{
	struct mp_forkserver f;
	struct mp_process p;
	struct call c;
	int64_t begin;
	int end;

	serve(&f);
	asked = &f;
	end = (int)syscall(SYS_pidfd_getfd, mp_process_fd(&f.process),
			   f.socket + 1, 0);
	stop(board->server);
	start_thread(&c, starts_late, 0);
	await(asleep(c.tid));
	begin = mp_clock_now();
	kill(board->server, SIGKILL);
	is(timely(begin, end_of_thread(&c)), -EPIPE,
	   "killed with a request open: start says so");
	is(starts_late(0), -EPIPE, "and so does the next");
	if (end >= 0)
		close(end);
	mp_forkserver_stop(&f);

	serve(&f);
	sleeper(&p, WITH(&f));
	start_thread(&c, joins_late, (long)&p);
	await(asleep(c.tid));
	stop(board->server);
	begin = mp_clock_now();
	mp_process_kill(&p);
	kill(board->server, SIGKILL);
	is(timely(begin, end_of_thread(&c)), -ECHILD,
	   "killed while somebody joins: join says so");
	mp_process_close(&p);
	mp_forkserver_stop(&f);
}

/* Who adopts orphans, as process 1 of a container, reaps them, too. */
static void adopts(void)
{
	struct mp_process p;
	int code;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	serve(&server);
	sleeper(&p, WITH(&server));
	kill(board->server, SIGKILL);
	atomic_store(&board->result,
		     mp_process_join(&p, LONG) == 0 &&
			     mp_process_exitcode(&p, &code) == 1 && code == -9);
	mp_process_close(&p);
	mp_forkserver_stop(&server);
	if (waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD)
		atomic_store(&board->result, 2);
}

static void adopted(void)
{
	waitpid(apart(adopts), NULL, 0);
	is(board->result, 1,
	   "who adopts the children of a killed server reaps them");
}

static void has_children(void)
{
	struct mp_process p, q;

	serve(&server);
	sleeper(&p, WITH(&server));
	atomic_store(&board->child, atomic_load(&board->pid));
	sleeper(&q, WITH(&server, .outlive = true));
	atomic_store(&board->go, 1);
	wait_for_kill();
}

static void creator_killed(void)
{
	pid_t pid = apart(has_children);

	await(atomic_load(&board->go));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(gone(board->server),
	   "a creator killed by -9 takes its server along");
	ok(gone(board->child), "and the server's children");
	ok(lives(board->pid), "one that outlives them lives on");
	kill(board->pid, SIGKILL);
	ok(gone(board->pid), "until it is killed");
}

static int finishes_slowly(void *unused)
{
	(void)unused;
	for (int64_t end = mp_clock_deadline(50 * MS); mp_clock_left(end) > 0;)
		sched_yield();
	atomic_store(&board->result, 1);
	return 0;
}

static int ignores_term(void *unused)
{
	signal(SIGTERM, SIG_IGN);
	return sleeps(unused);
}

static void forgets_children(void)
{
	static struct mp_process p, q;

	serve(&server);
	born(&p, ignores_term, NULL, WITH(&server, .daemon = true));
	await(atomic_load(&board->ready) > 0);
	born(&q, finishes_slowly, NULL, WITH(&server));
}

static void creator_exits(void)
{
	int status;
	pid_t pid = apart(forgets_children);

	waitpid(pid, &status, 0);
	is(status, 0, "a creator that forgets its children exits");
	is(board->result, 1, "after those that are not daemonic");
	is(tap_state(board->pid), '-', "with those that are");
	is(tap_state(board->server), '-', "and with its server");
}

/* ---- killed at each system call ---- */

/* One child, from start to end; what was said about it. */
static void one_child(void *unused)
{
	struct mp_process p;
	int code = -1;

	(void)unused;
	mp_process_init(&p, returns, (void *)3, WITH(&server));
	atomic_store(&board->result, mp_process_start(&p));
	atomic_store(&board->pid, mp_process_pid(&p));
	if (board->result == 0) {
		atomic_store(&board->join, mp_process_join(&p, -1));
		if (mp_process_exitcode(&p, &code) == 1 && code != 3 &&
		    code != -9)
			atomic_store(&board->join, 1);
		mp_process_close(&p);
	}
	mp_forkserver_stop(&server);
}

static void creates_when_told(void)
{
	serve(&server);
	atomic_store(&board->ready, 1);
	await(atomic_load(&board->go));
	one_child(NULL);
}

/* As a tracer of somebody else's child. */
static int seize(struct stepper *v, pid_t pid)
{
	*v = (struct stepper){ .pid = pid };
	if (ptrace(PTRACE_SEIZE, pid, 0L, (long)PTRACE_O_TRACESYSGOOD) < 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, 0L, 0L) < 0)
		return -1;
	v->running = 1;
	return stepper_settle(v, LONG);
}

struct tally {
	int stops, none, ended, lost, bad;
};

static void count(struct tally *t, int status, int good_start)
{
	t->stops++;
	t->none += board->result == good_start;
	t->ended += board->result == 0 && board->join == 0;
	t->lost += board->result == 0 && board->join == -ECHILD;
	t->bad += status != 0 || !gone(board->server) ||
		  (board->pid != 0 && !gone(board->pid)) ||
		  (board->result != 0 && board->result != good_start) ||
		  (board->join != 0 && board->join != -ECHILD);
}

/* Let the server run to its k-th stop at a system call and kill it there.
 * 1: it had ended before; -1: no ptrace here. */
static int kill_server_at(int k, struct tally *t)
{
	pid_t pid = apart(creates_when_told);
	int ended = 0, status;
	int64_t begin;
	struct stepper v;

	await(atomic_load(&board->ready));
	if (seize(&v, board->server) < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return -1;
	}
	atomic_store(&board->go, 1);
	for (int i = 0; i < k && !ended; i++)
		ended = stepper_call(&v) == STEPPER_ENDED;
	begin = mp_clock_now();
	stepper_kill(&v);
	waitpid(pid, &status, 0);
	count(t, timely(begin, status), -EPIPE);
	return ended;
}

/* So many orphans would fill a machine whose process 1 reaps none. */
static void reap_orphans(void)
{
	while (waitpid(-1, NULL, 0) > 0)
		;
	prctl(PR_SET_CHILD_SUBREAPER, 0);
}

/* How far the creator is at a stop of the server's nobody can say: go through
 * them again until everything has happened. */
static void server_killed_anywhere(void)
{
	struct tally t = { 0 };
	int over = 0;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int round = 0; round < 10 && over >= 0; round++) {
		over = 0;
		for (int k = 0; over == 0 && k < 1000; k++)
			over = kill_server_at(k, &t);
		if (t.none > 1 && t.ended > 0 && t.lost > 1)
			break;
	}
	reap_orphans();
	if (over < 0) {
		tap_skip("a server killed anywhere", "no ptrace here");
		return;
	}
	is(t.bad, 0, "a server killed at each of %d stops: never a hang",
	   t.stops);
	ok(t.none > 1 && t.ended > 0 && t.lost > 1,
	   "no child, one that ended, one that was lost: %d, %d, %d", t.none,
	   t.ended, t.lost);
}

static void creates(void *unused)
{
	serve(&server);
	one_child(unused);
}

static int kill_creator_at(int k, struct tally *t)
{
	struct stepper v;
	int ended = 0;

	memset(board, 0, sizeof(*board));
	if (stepper_start(&v, creates, NULL) < 0)
		return -1;
	for (int i = 0; i < k && !ended; i++)
		ended = stepper_call(&v) == STEPPER_ENDED;
	stepper_kill(&v);
	if (board->server != 0)
		count(t, 0, 0);
	return ended;
}

static void creator_killed_anywhere(void)
{
	struct tally t = { 0 };
	int over = 0, k;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (k = 0; over == 0 && k < 1000; k++)
		over = kill_creator_at(k, &t);
	reap_orphans();
	if (over < 0) {
		tap_skip("a creator killed anywhere", "no ptrace here");
		return;
	}
	is(t.bad, 0, "a creator killed at each of %d stops: nobody is left", k);
	ok(t.stops > 10, "in %d of them there was a server", t.stops);
}

int main(void)
{
	int before = tap_descriptors();

	setup();
	stopped();
	inherited();
	server_killed();
	request_open();
	adopted();
	creator_killed();
	creator_exits();
	server_killed_anywhere();
	creator_killed_anywhere();
	is(children_of(getpid()), 0, "nobody is left");
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
