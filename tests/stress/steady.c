/* Two processes, each on a CPU of its own, send and receive without a pause:
 * how many system calls the one of them makes, all of them seen (ptrace).  A
 * message costs none; a sleep and a wake-up cost some, and there are few.
 *
 * And 10,000 objects made and unmade leave nothing behind. */
#include "stepper.h"

#include "mp/cpu.h"
#include "mp/pipe.h"
#include "mp/queue.h"

#define MESSAGES 200000
#define FEW      (MESSAGES / 20)
#define ITEMS    1024
#define LENGTH   64

static struct mp_queue *q;
static struct mp_conn a, b; /* a receives */
static char message[LENGTH];
static cpu_set_t one, other;

static void put_all(void)
{
	for (int i = 0; i < MESSAGES; i++)
		mp_queue_put(q, message, LENGTH, -1);
}

static void get_all(void)
{
	for (int i = 0; i < MESSAGES; i++)
		mp_queue_get(q, message, LENGTH, -1, NULL);
}

static void send_all(void)
{
	for (int i = 0; i < MESSAGES; i++)
		mp_conn_send(&b, message, LENGTH, -1);
}

static void recv_all(void)
{
	for (int i = 0; i < MESSAGES; i++)
		mp_conn_recv(&a, message, LENGTH, -1, NULL);
}

static const struct steady {
	const char *what;
	void (*traced)(void), (*peer)(void);
} steadies[] = {
	{ "queue: put", put_all, get_all },
	{ "queue: get", get_all, put_all },
	{ "pipe: send", send_all, recv_all },
	{ "pipe: recv", recv_all, send_all },
}, *steady;

/* The mark is a call that nothing else makes. */
static void traced(void *unused)
{
	(void)unused;
	sched_setaffinity(0, sizeof(one), &one);
	mp_owner_attach();
	syscall(SYS_getppid);
	steady->traced();
	syscall(SYS_getppid);
}

static int peer(long unused)
{
	(void)unused;
	sched_setaffinity(0, sizeof(other), &other);
	steady->peer();
	return 0;
}

/* To sleep, to wake, to let others run. */
static int is_waiting(uint64_t call)
{
	return call == SYS_futex || call == SYS_sched_yield ||
	       call == SYS_ppoll || call == SYS_read || call == SYS_write ||
	       call == SYS_membarrier || call == SYS_restart_syscall;
}

static void count(void)
{
	int calls = 0, yields = 0, rest = 0, marks = 0, rc;
	struct stepper v;
	pid_t pid;

	if (mp_queue_init(q, ITEMS, ITEMS * LENGTH, 0) < 0 ||
	    mp_pipe(&a, &b, false, 0) < 0)
		errx(1, "no queue, no pipe");
	if (stepper_start(&v, traced, NULL) < 0)
		errx(1, "ptrace is no longer allowed");
	pid = start(peer, 0);
	while (marks < 2 && (rc = stepper_call(&v)) != STEPPER_ENDED) {
		if (rc != STEPPER_STOPPED || !v.in_call)
			continue;
		if (v.call == SYS_getppid)
			marks++;
		else if (marks == 1 && v.call == SYS_sched_yield)
			yields++;
		else if (marks == 1 && is_waiting(v.call))
			calls++;
		else if (marks == 1 && rest++ == 0)
			printf("# call %d\n", (int)v.call);
	}
	stepper_kill(&v);
	killed(pid);
	is(rest, 0, "%s: waits and wakes only", steady->what);
	ok(marks == 2 && calls + yields < FEW, "%s: few, for %d messages",
	   steady->what, MESSAGES);
	printf("# %s: %d calls to sleep and to wake, %d yields, in %d "
	       "messages\n",
	       steady->what, calls, yields, MESSAGES);
	mp_conn_close(&a);
	mp_conn_close(&b);
}

__attribute__((unused)) static void count_all(void)
{
	cpu_set_t usable;
	int n = 0;

	sched_getaffinity(0, sizeof(usable), &usable);
	CPU_ZERO(&one);
	CPU_ZERO(&other);
	for (size_t cpu = 0; cpu < CPU_SETSIZE && n < 2; cpu++)
		if (CPU_ISSET(cpu, &usable))
			CPU_SET(cpu, n++ == 0 ? &one : &other);
	if (n < 2) {
		tap_skip("calls in a steady state", "one CPU");
	} else if (stepper_allowed() < 0) {
		tap_skip("calls in a steady state",
			 "no process may be traced here (ptrace)");
	} else {
		for (size_t i = 0; i < sizeof(steadies) / sizeof(*steady);
		     i++) {
			steady = &steadies[i];
			count();
		}
	}
}

/* ---- what is left */

static int use_queue(void *object)
{
	int rc = mp_queue_init(object, 16, 1024, 0);

	if (rc == 0)
		rc = mp_queue_put(object, "x", 1, -1);
	return rc == 0 ? mp_queue_get(object, message, LENGTH, -1, NULL) : rc;
}

static int use_leases(void *object)
{
	int rc = mp_queue_init(object, 16, 1024, MP_QUEUE_LEASE);

	if (rc == 0)
		rc = mp_queue_put(object, "x", 1, -1);
	if (rc == 0)
		rc = mp_queue_get(object, message, LENGTH, -1, NULL);
	return rc == 0 ? mp_queue_task_done(object) : rc;
}

static int use_pipe(void)
{
	int rc = mp_pipe(&a, &b, true, 0);

	if (rc < 0)
		return rc;
	if (mp_conn_send(&a, "x", 1, -1) < 0 ||
	    mp_conn_recv(&b, message, LENGTH, -1, NULL) < 0 ||
	    mp_conn_fileno(&b) < 0 || mp_conn_send_fd(&b, 0, -1) < 0)
		rc = -EIO;
	/* The descriptor on its way goes with the pipe. */
	mp_conn_close(&a);
	mp_conn_close(&b);
	return rc;
}

static int left_of_10000_pipes(void)
{
	int descriptors = tap_descriptors(), maps = 0, bad = 0;

	for (int i = 0; i < 10000; i++) {
		bad += use_pipe() != 0;
		if (i == 100)
			maps = mappings();
	}
	return bad + (tap_descriptors() - descriptors) + (mappings() - maps) +
	       names();
}

int main(void)
{
	q = share(mp_queue_size(ITEMS, ITEMS * LENGTH));
#ifdef MP_CHAOS
	tap_skip("calls in a steady state", "chaos sleeps and yields");
#else
	count_all();
#endif
	is(left_of_10000(mp_queue_size(16, 1024), use_queue), 0,
	   "nothing is left of 10,000 queues");
	is(left_of_10000(mp_queue_size(16, 1024), use_leases), 0,
	   "nothing is left of 10,000 queues with leases");
	is(left_of_10000_pipes(), 0, "nothing is left of 10,000 pipes");
	return tap_done();
}
