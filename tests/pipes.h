/* pipes.h - for tests of pipes: two ends, shared with children.
 *
 *	open_pipe(false, 4096);		 a receives, b sends
 *	pid_t pid = start_asleep(receives, LONG);
 *	send_number(7, 0);
 *	is(end_of(pid), 7, "received");	 below 100, or the error
 *	close_pipe();
 */
#ifndef PIPES_H
#define PIPES_H

#include "mp/backstop.h"
#include "mp/pipe.h"
#include "waiting.h"

enum { RING = 4096, PIECE = RING / 4 }; /* the smallest; its longest record */

static struct mp_conn a, b;
static unsigned char out[1 << 20], in[1 << 20];

static inline void open_pipe(bool duplex, size_t bytes)
{
	int error = mp_pipe(&a, &b, duplex, bytes);

	if (error < 0)
		errx(1, "mp_pipe: %s", strerror(-error));
}

static inline void close_pipe(void)
{
	mp_conn_close(&a);
	mp_conn_close(&b);
}

/* Bytes that tell where they come from. */
static inline unsigned char *fill(size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		out[i] = (unsigned char)(seed >> 16);
	}
	return out;
}

static inline int send_number(long number, int64_t timeout_ns)
{
	return mp_conn_send(&b, &number, sizeof(number), timeout_ns);
}

/* The number, or an error. */
static inline int receive(int64_t timeout_ns)
{
	long number = 0;
	int error = mp_conn_recv(&a, &number, sizeof(number), timeout_ns, NULL);

	return error < 0 ? error : (int)number;
}

/* The length of the next message, received into `in`; or an error. */
static inline int receive_length(size_t size, int64_t timeout_ns)
{
	size_t length = 0;
	int error = mp_conn_recv(&a, in, size, timeout_ns, &length);

	return error < 0 ? error : (int)length;
}

/* Is the next message of n bytes, those of fill(n, seed)? */
static inline int receive_same(size_t n, unsigned seed, int64_t timeout_ns)
{
	memset(in, 0x55, n + 8);
	if (receive_length(sizeof(in), timeout_ns) != (int)n)
		return 0;
	fill(n, seed);
	return memcmp(in, out, n) == 0 && in[n] == 0x55;
}

/* Send numbers until there is no room; how many. */
static inline int fill_up(void)
{
	int n = 0;

	while (send_number(n, 0) == 0)
		n++;
	return n;
}

static inline uint64_t count(enum mp_counter which)
{
	return mp_counters_get(mp_conn_counters(&a), which);
}

/* Mappings of rings in this process. */
static inline int rings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	int n = 0;

	if (f == NULL)
		err(1, "/proc/self/maps");
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, "/memfd:rawmp") != NULL;
	fclose(f);
	return n;
}

/* ---- what children do ---- */

static inline int receives(long timeout_ns)
{
	int64_t begin = mp_clock_now();

	mp_conn_close(&b);
	return timely(begin, receive(timeout_ns));
}

static inline int sends_50(long timeout_ns)
{
	int64_t begin = mp_clock_now();

	mp_conn_close(&a);
	return timely(begin, send_number(50, timeout_ns));
}

static inline int polls(long timeout_ns)
{
	int64_t begin = mp_clock_now();

	mp_conn_close(&b);
	return timely(begin, mp_conn_poll(&a, timeout_ns));
}

/* A child that sleeps in a call of the pipe. */
static inline pid_t start_asleep(int (*f)(long), long arg)
{
	pid_t pid = start(f, arg);

	await(asleep(pid));
	return pid;
}

#endif
