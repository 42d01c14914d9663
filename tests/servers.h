/* servers.h - for tests of fork servers: one, its children, and a board in
 * shared memory where they say who they are.
 *
 *	setup();
 *	serve(&server);
 *	sleeper(&p, WITH(&server));	 it sleeps, and board->pid is its pid
 *	mp_process_kill(&p);
 *	is(code_of(&p), -9, "killed");
 */
#ifndef SERVERS_H
#define SERVERS_H

#include "mp/forkserver.h"
#include "mp/shm.h"
#include "stepper.h"

static struct board {
	_Atomic int ready, pid, server, child, go, result, join;
} * board;

static struct mp_forkserver server;

static inline void setup(void)
{
	board = share(sizeof(*board));
}

static inline void serve(struct mp_forkserver *f)
{
	int error = mp_forkserver_start(f);

	if (error < 0)
		errx(1, "mp_forkserver_start: %s", strerror(-error));
	atomic_store(&board->server, mp_process_pid(&f->process));
}

static inline int returns(void *value)
{
	return (int)(intptr_t)value;
}

static inline int dies(void *sig)
{
	raise((int)(intptr_t)sig);
	return 0;
}

static inline int sleeps(void *unused)
{
	(void)unused;
	atomic_store(&board->pid, getpid());
	atomic_fetch_add(&board->ready, 1);
	return wait_for_kill();
}

/* Options: this server, and what else there is. */
#define WITH(...) (&(struct mp_process_options){ .server = __VA_ARGS__ })

static inline struct mp_process *born(struct mp_process *p,
				      int (*target)(void *), void *arg,
				      const struct mp_process_options *o)
{
	int error = mp_process_init(p, target, arg, o);

	if (error == 0)
		error = mp_process_start(p);
	if (error < 0)
		errx(1, "start: %s", strerror(-error));
	return p;
}

/* One that sleeps, once it does. */
static inline struct mp_process *sleeper(struct mp_process *p,
					 const struct mp_process_options *o)
{
	int ready = atomic_load(&board->ready);

	born(p, sleeps, NULL, o);
	await(atomic_load(&board->ready) > ready);
	return p;
}

static inline int code_of(struct mp_process *p)
{
	int code = -1000, error = mp_process_join(p, LONG);

	if (error == 0)
		mp_process_exitcode(p, &code);
	mp_process_close(p);
	return error == 0 ? code : error - 1000;
}

static inline int run(int (*target)(void *), void *arg)
{
	struct mp_process p;

	return code_of(born(&p, target, arg, WITH(&server)));
}

/* f in a process of its own, which ends by exit if f returns. */
static inline pid_t apart(void (*f)(void))
{
	pid_t pid;

	memset(board, 0, sizeof(*board));
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		f();
		exit(0);
	}
	return pid;
}

/* Whoever reaps orphans may be late: Z is dead, too. */
static inline int gone(pid_t pid)
{
	int64_t end = mp_clock_deadline(1000 * MS);
	char state = ' ';

	while (state != '-' && state != 'Z' && state != 'X' &&
	       mp_clock_left(end) > 0) {
		state = tap_state(pid);
		sched_yield();
	}
	return state == '-' || state == 'Z' || state == 'X';
}

/* One that was killed before does not stop any more. */
static inline int lives(pid_t pid)
{
	char state = ' ';

	kill(pid, SIGSTOP);
	await((state = tap_state(pid)) == 'T' || state == 'Z' || state == '-');
	kill(pid, SIGCONT);
	return state == 'T';
}

/* Processes, dead or alive, whose parent is pid. */
static inline int children_of(pid_t pid)
{
	DIR *d = opendir("/proc");
	char path[300], line[512], *end;
	int n = 0, parent;
	FILE *f;

	if (d == NULL)
		err(1, "/proc");
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
		f = fopen(path, "re");
		if (f == NULL)
			continue;
		end = fgets(line, sizeof(line), f) == NULL ? NULL
							   : strrchr(line, ')');
		fclose(f);
		n += end != NULL && sscanf(end, ") %*c %d", &parent) == 1 &&
		     parent == pid;
	}
	closedir(d);
	return n;
}

static inline int descriptors_of(pid_t pid)
{
	char path[32];
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	if (d == NULL)
		err(1, "%s", path);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

#endif
