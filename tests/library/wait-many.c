/* mp_wait: many pipes at once, and pipes that are polled as well. */
#include "mp/wait.h"

#include <poll.h>
#include <sys/resource.h>

#include "mp/eventfd.h"
#include "pipes.h"

enum { MANY = 200 };

static struct mp_waitable v[MANY];

/* ---- many ---- */

static struct mp_conn here[MANY], away[MANY];

static int sends_to_all(long rounds)
{
	unsigned seed = 1;
	long number;

	for (int i = 0; i < MANY; i++)
		mp_conn_close(&here[i]);
	for (long r = 0; r < rounds * MANY; r++) {
		seed = seed * 1103515245 + 12345;
		number = r;
		if (mp_conn_send(&away[(seed >> 16) % MANY], &number, 8, LONG))
			return 1;
		if (r % 7 == 0)
			sched_yield();
	}
	return 0;
}

static void many(void)
{
	enum { ROUNDS = 20 };
	long number, last[MANY], got = 0;
	int bad = 0, ended = 0, n = MANY;
	struct rlimit more;
	pid_t pid;

	getrlimit(RLIMIT_NOFILE, &more);
	more.rlim_cur = more.rlim_max;
	setrlimit(RLIMIT_NOFILE, &more);
	for (int i = 0; i < MANY; i++) {
		if (mp_pipe(&here[i], &away[i], false, RING) < 0)
			errx(1, "mp_pipe");
		v[i] = (struct mp_waitable){ .conn = &here[i] };
		last[i] = -1;
	}
	for (int i = 0; i < MANY; i += 3) /* some are polled as well */
		bad += mp_conn_fileno(&here[i]) < 0;
	pid = start(sends_to_all, ROUNDS);
	for (int i = 0; i < MANY; i++)
		mp_conn_close(&away[i]);
	while (n > 0 && bad == 0) {
		bad += mp_wait(v, n, LONG) < 1;
		for (int i = n - 1; i >= 0; i--) {
			long k = v[i].conn - here;
			int error;

			if (!v[i].ready)
				continue;
			error = mp_conn_recv(v[i].conn, &number, 8, 0, NULL);
			if (error == -EPIPE) {
				v[i] = v[--n];
				ended++;
				continue;
			}
			bad += error != 0 || number <= last[k];
			last[k] = number;
			got++;
		}
	}
	ok(bad == 0 && got == ROUNDS * MANY && ended == MANY,
	   "%d pipes in one loop: %ld messages and %d ends", MANY, got, ended);
	is(end_of(pid), 0, "all sent");
	for (int i = 0; i < MANY; i++) {
		bad += mp_counters_get(mp_conn_counters(&here[i]),
				       MP_RESCUES) != 0;
		mp_conn_close(&here[i]);
	}
	is(bad, 0, "nothing was rescued");
}

/* A message that came before its post must not keep the next wait awake. */
static int64_t cpu_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000 * MS + t.tv_nsec;
}

static void late_posts(int with_fileno)
{
	int64_t from, used = 0;
	int bad = 0;

	open_pipe(true, RING);
	if (with_fileno)
		mp_conn_fileno(&a);
	v[0] = (struct mp_waitable){ .conn = &a };
	for (int i = 0; i < 10; i++) {
		mp_eventfd_post(a.bell_in, 1);
		from = cpu_time();
		bad += mp_wait(v, 1, 20 * MS) != 0;
		used += cpu_time() - from;
	}
	is(bad, 0, "a post that comes after its message%s",
	   with_fileno ? ", polled as well" : "");
	ok(used < 100 * MS, "10 sleeps of 20 ms are sleeps (%d us of CPU time)",
	   (int)(used / 1000));
	send_number(1, 0);
	is(mp_wait(v, 1, -1), 1, "then a message is seen");
	is(receive(0), 1, "and received");
	is(count(MP_RESCUES), 0, "nothing was rescued");
	close_pipe();
}

/* What has slept in mp_wait leaves a polled connection readable. */
static int waits_and_looks(long timeout_ns)
{
	struct pollfd p = { .fd = mp_conn_fileno(&a), .events = POLLIN };

	if (mp_wait(v, 1, timeout_ns) != 1)
		return 1;
	return poll(&p, 1, 0) == 1 ? 0 : 2;
}

static void polled_both_ways(void)
{
	pid_t pid;

	open_pipe(false, RING);
	mp_conn_fileno(&a);
	v[0] = (struct mp_waitable){ .conn = &a };
	pid = start_asleep(waits_and_looks, LONG);
	send_number(1, 0);
	is(end_of(pid), 0, "readable after mp_wait has slept");
	is(receive(0), 1, "it is received");
	is(mp_wait(v, 1, 0), 0, "then nothing is ready");
	close_pipe();
}

int main(void)
{
	int before = tap_descriptors();

	mp_backstop_set(0);
	late_posts(0);
	late_posts(1);
	polled_both_ways();
	many();
	is(tap_descriptors(), before, "no descriptor is left");
	return tap_done();
}
