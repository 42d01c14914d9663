/* confine - run a program so that nothing of it outlives the run.
 *
 * The program gets a session of its own, a time limit and a cap on how many
 * processes and threads it may have at once.  confine is their subreaper:
 * whoever loses its parent becomes confine's child, daemons too.  Hence the
 * one fact on which all of this rests: while any descendant exists, confine
 * has a child, and when waitpid says ECHILD, nothing is left.
 *
 * The cap is kept by counting in /proc, whenever so many have been born that it
 * may be reached: RLIMIT_NPROC does not bind root and counts the user's other
 * programs.  It is set too, a little higher, as a wall behind which a fork bomb
 * cannot grow.
 */
#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LEFT_BEHIND = 123, TIME_LIMIT, PROCESS_CAP, CANNOT_RUN, NOT_FOUND };
enum {
	ROOM = 256,        /* for what the user starts elsewhere meanwhile */
	LOOK_MS = 5,       /* between two looks at how many were born */
	GRACE_MS = 1000,   /* for the processes of a program that has ended */
	GIVE_UP_MS = 30000 /* when killing does not help */
};
#define PID_LIMIT (4 << 20) /* the kernel's own */

static const char usage[] =
	"usage: confine [-t SECONDS] [-n PROCESSES] [-m MIB] [--strict] [--] "
	"COMMAND...\n";
static const char manual[] =
	"Run COMMAND in its own session; when it ends, and when confine does,\n"
	"kill every process that it started.\n\n"
	"  -t SECONDS    time limit (0.01 to 86400; default 10)\n"
	"  -n PROCESSES  most processes and threads at once (1 to 10000; 64)\n"
	"  -m MIB        most address space of each process (16 to 1048576)\n"
	"  --strict      processes left by a program that ended are a fault\n\n"
	"Exit status: COMMAND's (128 + N when signal N killed it); 123 left\n"
	"processes behind (--strict), 124 time limit, 125 process cap,\n"
	"126 COMMAND cannot be run, 127 not found, 2 usage.\n";

static struct {
	double seconds;
	long processes, mib;
	int strict;
} option = { .seconds = 10, .processes = 64 };

static pid_t self;
static int signals; /* a signalfd: SIGCHLD and what is to end confine */
static struct {
	pid_t pid;
	int status;
	bool ended;
} program;

static unsigned pass;                /* number of the present look */
static unsigned seen[PID_LIMIT];     /* the look that last found it ours */
static unsigned foreign[PID_LIMIT];  /* or not ours */
static unsigned char hit[PID_LIMIT]; /* whether a signal was sent to it */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct process {
	char state;
	pid_t parent, group;
	long threads;
};

/* What /proc/PID/stat says; false when the process is gone. */
static bool examine(int proc, const char *pid, struct process *p)
{
	char path[272], line[1024], *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/stat", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n <= 0)
		return false;
	line[n] = '\0';
	end = strrchr(line, ')'); /* a program's name may hold anything */
	return end &&
	       sscanf(end + 1,
		      " %c %d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u "
		      "%*u %*d %*d %*d %*d %ld",
		      &p->state, &p->parent, &p->group, &p->threads) == 4;
}

/* Does a chain of parents lead to confine? */
static bool descends(int proc, pid_t parent)
{
	struct process p;
	char name[16];

	while (parent > 1 && parent != self && seen[parent] != pass) {
		if (foreign[parent] == pass)
			return false;
		snprintf(name, sizeof(name), "%d", parent);
		if (!examine(proc, name, &p))
			return false;
		parent = p.parent;
	}
	return parent > 1;
}

/* Signal a process and its group.  One call reaches a whole group, however
 * fast it forks; nobody but our descendants can be in it, for a session's
 * groups are its own.  An open /proc/PID is a pidfd: if the pid has been given
 * to somebody else since, the signal goes nowhere. */
static bool shoot(int proc, const char *pid, int sig)
{
	int fd = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct process p;
	bool sent = false;

	if (fd < 0)
		return false;
	if (examine(fd, ".", &p) && descends(proc, p.parent)) {
		if (p.group > 1 && p.group != getpgrp())
			kill(-p.group, sig);
		sent = syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) == 0;
	}
	close(fd);
	return sent;
}

/* One look at all descendants.  With sig 0: how many processes and threads
 * there are, at least (nobody counts beyond the cap).  Else each gets the
 * signal at sight, and those that never had one are counted.
 *
 * /proc lists by rising pid, and a child's pid is mostly above its parent's:
 * the look also meets what a fork bomb bears while it is under way. */
static long look(int sig)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	struct process p;
	long count = 0;
	int pid;

	if (!dir)
		err(2, "/proc");
	pass++;
	while ((sig || count <= option.processes) && (e = readdir(dir))) {
		pid = isdigit((unsigned char)*e->d_name) ? atoi(e->d_name) : 0;
		if (pid < 1 || pid >= PID_LIMIT ||
		    !examine(dirfd(dir), e->d_name, &p))
			continue;
		if (!descends(dirfd(dir), p.parent)) {
			foreign[pid] = pass;
			continue;
		}
		seen[pid] = pass;
		if (sig == 0) {
			count += p.threads;
		} else if (p.state != 'Z' &&
			   shoot(dirfd(dir), e->d_name, sig)) {
			count += !hit[pid];
			hit[pid] = 1;
		}
	}
	closedir(dir);
	return count;
}

/* The last pid that the kernel gave out; while it stays the same, no process
 * and no thread has been born.  -1: it does not tell. */
static long last_pid(void)
{
	static int fd = -1;
	char line[128], *last;
	ssize_t n;

	if (fd < 0)
		fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	n = pread(fd, line, sizeof(line) - 1, 0);
	if (n <= 0)
		return -1;
	line[n] = '\0';
	last = strrchr(line, ' ');
	return last ? atol(last) : -1;
}

/* Looks only if so many were born since the last look that the cap may be
 * reached, or 100 ms after it: a container may have a made-up /proc/loadavg. */
static bool over_cap(void)
{
	static long last_birth, count;
	static int64_t last_look;
	long birth = last_pid(), born = birth - last_birth;
	int64_t now = now_ms();

	if (born >= 0 && count + born <= option.processes &&
	    now < last_look + 100)
		return false;
	last_birth = birth;
	last_look = now;
	count = look(0);
	return count > option.processes;
}

/* Reap whatever has ended.  True while any descendant exists. */
static bool any_left(void)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == program.pid) {
			program.status = status;
			program.ended = true;
		}
	}
	return pid == 0;
}

/* Sleep until a signal comes, at most `ms`.  The signal's number, or 0. */
static int next_signal(int ms)
{
	struct pollfd p = { .fd = signals, .events = POLLIN };
	struct signalfd_siginfo s;

	if (poll(&p, 1, ms) < 1 || read(signals, &s, sizeof(s)) != sizeof(s))
		return 0;
	return (int)s.ssi_signo;
}

/* Supervise the program.  0: it has ended, and all its processes; else why
 * they have to be killed: an exit status, or minus a signal. */
static int supervise(void)
{
	int64_t end = now_ms() + (int64_t)(option.seconds * 1000);
	bool ended = false;
	int sig = 0;

	while (any_left()) {
		if (program.ended && !ended) {
			ended = true;
			if (end > now_ms() + GRACE_MS)
				end = now_ms() + GRACE_MS;
		}
		if (now_ms() >= end)
			return ended ? LEFT_BEHIND : TIME_LIMIT;
		if (over_cap())
			return PROCESS_CAP;
		sig = next_signal(LOOK_MS);
		if (sig && sig != SIGCHLD)
			return -sig;
	}
	return 0;
}

/* Stop everybody, until a look finds nobody new: what is stopped bears no more
 * children, and its place counts against the limit, unlike that of the dead.
 * Then kill.  Returns how many there were besides the program itself. */
static long kill_all(void)
{
	int64_t end = now_ms() + GIVE_UP_MS;
	long fresh, found = 0;

	while ((fresh = look(SIGSTOP)) > 0 && now_ms() < end)
		found += fresh;
	while (any_left()) {
		found += look(SIGKILL);
		next_signal(1);
		if (now_ms() > end)
			errx(2, "not all processes can be killed");
	}
	return found - hit[program.pid];
}

static void explain(int why, long others)
{
	char all[64];

	if (others == 0)
		snprintf(all, sizeof(all), "it was");
	else
		snprintf(all, sizeof(all), "it and its %ld process%s were",
			 others, others == 1 ? "" : "es");

	if (why == TIME_LIMIT)
		warnx("the program was still running after %g s; %s killed",
		      option.seconds, all);
	else if (why == PROCESS_CAP)
		warnx("the program had more than %ld processes and threads; "
		      "%s killed",
		      option.processes, all);
	else if (why == LEFT_BEHIND)
		warnx("the program ended and left %ld process%s running; "
		      "killed",
		      others, others == 1 ? "" : "es");
	else
		warnx("the program was interrupted (%s); %s killed",
		      strsignal(-why), all);
}

/* How many processes and threads the user has, as RLIMIT_NPROC counts. */
static long users_tasks(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	struct process p;
	struct stat st;
	long count = 0;

	if (!dir)
		err(2, "/proc");
	while ((e = readdir(dir)))
		if (isdigit((unsigned char)*e->d_name) &&
		    fstatat(dirfd(dir), e->d_name, &st, 0) == 0 &&
		    st.st_uid == getuid() && examine(dirfd(dir), e->d_name, &p))
			count += p.threads;
	closedir(dir);
	return count;
}

static int limit(__rlimit_resource_t what, rlim_t most)
{
	struct rlimit r = { most, most };
	struct rlimit old;

	if (getrlimit(what, &old) == 0 && old.rlim_max < most)
		return 0; /* there is a lower one already */
	return setrlimit(what, &r);
}

static void run(char *command[], const sigset_t *mask)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* if confine itself is killed */
	if (getppid() != self)
		_exit(1);
	setsid();
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NPROC, (rlim_t)(users_tasks() + option.processes + ROOM));
	if (option.mib && limit(RLIMIT_AS, (rlim_t)option.mib << 20) < 0)
		err(2, "a limit of %ld MiB", option.mib);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(*command, command);
	warn("cannot run '%s'", *command);
	_exit(errno == ENOENT ? NOT_FOUND : CANNOT_RUN);
}

static double number(char name, const char *text, double min, double max)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= min && value <= max))
		errx(2, "-%c '%s': not a number from %g to %g", name, text, min,
		     max);
	return value;
}

static char **parse(int argc, char *argv[])
{
	static const struct option words[] = {
		{ "strict", no_argument, &option.strict, 1 },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "+t:n:m:h", words, NULL)) != -1) {
		if (c == 't')
			option.seconds = number('t', optarg, 0.01, 86400);
		else if (c == 'n')
			option.processes = (long)number('n', optarg, 1, 10000);
		else if (c == 'm')
			option.mib = (long)number('m', optarg, 16, 1048576);
		else if (c == 'h')
			exit(printf("%s%s", usage, manual) < 0);
		else if (c == '?')
			exit(fputs(usage, stderr) < 0 ? 1 : 2);
	}
	if (!argv[optind])
		errx(2, "no command given\n%s", usage);
	return argv + optind;
}

int main(int argc, char *argv[])
{
	char **command = parse(argc, argv);
	sigset_t mask, before;
	long killed;
	int why;
	int sig[] = { SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	prctl(PR_SET_PDEATHSIG, SIGTERM); /* if whoever started us is killed */
	sigemptyset(&mask);
	for (size_t i = 0; i < sizeof(sig) / sizeof(*sig); i++)
		sigaddset(&mask, sig[i]);
	sigprocmask(SIG_BLOCK, &mask, &before);
	signal(SIGCHLD, SIG_DFL);
	signals = signalfd(-1, &mask, SFD_CLOEXEC);
	if (signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		err(2, "confine");

	self = getpid();
	program.pid = fork();
	if (program.pid < 0)
		err(2, "fork");
	if (program.pid == 0)
		run(command, &before);
	/* Where it is allowed, come before a thousand others. */
	sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK,
			   &(struct sched_param){ .sched_priority = 1 });

	why = supervise();
	killed = why ? kill_all() : 0;
	if (why == LEFT_BEHIND && killed == 0)
		why = 0; /* they ended just then */
	if (why)
		explain(why, killed);
	if (why < 0) { /* end as the signal would have ended us */
		signal(-why, SIG_DFL);
		sigprocmask(SIG_UNBLOCK, &mask, NULL);
		raise(-why);
	}
	if (why && (why != LEFT_BEHIND || option.strict))
		return why;
	return WIFSIGNALED(program.status) ? 128 + WTERMSIG(program.status)
					   : WEXITSTATUS(program.status);
}
