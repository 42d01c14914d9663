/* trace.c - a table of events in shared memory, and its way into JSON.
 *
 * A slot is taken by fetch_add, filled, and published by the store of its type:
 * a writer killed in between leaves a slot of type NOTHING, which readers skip.
 */
#include "mp/trace.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mp/clock.h"
#include "mp/shm.h"

enum type { NOTHING, LANE, BEGIN, END, MARK, COUNT, EXIT };

struct event {
	_Atomic uint32_t type; /* enum type, stored last */
	int32_t detail; /* a span's enum mp_trace_kind; a count's value */
	int64_t time;
	int32_t lane; /* thread id; a process's is its pid */
	int32_t unused;
	char name[MP_TRACE_NAME_MAX];
};

struct table {
	_Atomic uint64_t taken; /* slots asked for; may pass slots */
	uint64_t slots;
	int64_t start;
	uint64_t unused[5];
	struct event event[];
};

static_assert(sizeof(struct event) == 64, "one cache line");
static_assert(sizeof(struct table) == 64, "events start on a line");

static struct mp_shm memory;
static struct table *table; /* NULL: off */

/* Copy a name, cut between characters: no byte 10xxxxxx comes first. */
static void set_name(char *to, const char *from)
{
	size_t n = strnlen(from, MP_TRACE_NAME_MAX);

	if (n == MP_TRACE_NAME_MAX)
		for (n--; n > 0 && ((unsigned char)from[n] & 0xc0) == 0x80; n--)
			;
	memcpy(to, from, n);
	to[n] = '\0';
}

static void record(enum type type, int32_t detail, pid_t lane, const char *name)
{
	struct event *e;
	uint64_t i;

	i = atomic_fetch_add_explicit(&table->taken, 1, memory_order_relaxed);
	if (i >= table->slots)
		return;
	e = &table->event[i];
	e->detail = detail;
	e->lane = lane;
	set_name(e->name, name);
	e->time = mp_clock_now();
	/* Pairs with the acquire in write_events. */
	atomic_store_explicit(&e->type, type, memory_order_release);
}

int mp_trace_start(size_t slots)
{
	size_t size;
	int error;

	if (table != NULL)
		return -EALREADY;
	if (slots == 0 ||
	    __builtin_mul_overflow(slots, sizeof(struct event), &size) ||
	    __builtin_add_overflow(size, sizeof(struct table), &size))
		return -EINVAL;
	error = mp_shm_create(&memory, NULL, size);
	if (error < 0)
		return error;
	table = memory.addr;
	table->slots = slots;
	table->start = mp_clock_now();
	mp_trace_lane("MainProcess");
	return 0;
}

int mp_trace_stop(void)
{
	table = NULL;
	return mp_shm_close(&memory);
}

int mp_trace_on(void)
{
	return table != NULL;
}

void mp_trace_lane(const char *name)
{
	if (__builtin_expect(table != NULL, 0))
		record(LANE, 0, gettid(), name);
}

void mp_trace_begin(enum mp_trace_kind kind, const char *name)
{
	if (__builtin_expect(table != NULL, 0))
		record(BEGIN, (int32_t)kind, gettid(), name);
}

void mp_trace_end(void)
{
	if (__builtin_expect(table != NULL, 0))
		record(END, 0, gettid(), "");
}

void mp_trace_mark(const char *name)
{
	if (__builtin_expect(table != NULL, 0))
		record(MARK, 0, gettid(), name);
}

void mp_trace_count(const char *name, int32_t value)
{
	if (__builtin_expect(table != NULL, 0))
		record(COUNT, value, gettid(), name);
}

void mp_trace_exit(pid_t pid, const char *name)
{
	if (__builtin_expect(table != NULL, 0))
		record(EXIT, 0, pid, name);
}

static void write_string(FILE *f, const char *s)
{
	putc('"', f);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			fprintf(f, "\\u%04x", (unsigned)*s);
		else
			putc(*s, f);
	}
	putc('"', f);
}

static double microseconds(int64_t time)
{
	return (double)(time - table->start) / 1000;
}

static void write_head(FILE *f, const char *phase, const struct event *e,
		       const char *name)
{
	fprintf(f, ",\n{\"ph\":\"%s\",\"pid\":1,\"tid\":%" PRId32 ",\"name\":",
		phase, e->lane);
	write_string(f, name);
}

/* The end of the span that begins at i, and whether anybody closed it. */
static int64_t span_end(uint64_t i, uint64_t n, int64_t now, int *open)
{
	const struct event *begin = &table->event[i], *e;
	int depth = 0;

	*open = 0;
	for (i++; i < n; i++) {
		e = &table->event[i];
		if (e->lane != begin->lane)
			continue;
		switch (atomic_load_explicit(&e->type, memory_order_acquire)) {
		case BEGIN:
			depth++;
			break;
		case END:
			if (depth-- == 0)
				return e->time;
			break;
		case EXIT:
			*open = 1;
			return e->time;
		}
	}
	*open = 1;
	return now;
}

static void write_span(FILE *f, uint64_t i, uint64_t n, int64_t now)
{
	static const char *const kinds[] = { "run", "wait", "hold" };
	const struct event *e = &table->event[i];
	int open;
	int64_t end = span_end(i, n, now, &open);

	write_head(f, "X", e, e->name);
	fprintf(f, ",\"cat\":\"%s\",\"ts\":%.3f,\"dur\":%.3f%s}",
		kinds[(uint32_t)e->detail % 3], microseconds(e->time),
		(double)(end - e->time) / 1000,
		open ? ",\"args\":{\"open\":true}" : "");
}

static void write_events(FILE *f)
{
	uint64_t taken =
		atomic_load_explicit(&table->taken, memory_order_relaxed);
	uint64_t n = taken < table->slots ? taken : table->slots;
	int64_t now = mp_clock_now();

	fprintf(f,
		"{\"displayTimeUnit\":\"ns\",\"dropped\":%" PRIu64
		",\"traceEvents\":[\n{\"ph\":\"M\",\"pid\":1,"
		"\"name\":\"process_name\",\"args\":{\"name\":\"rawmp\"}}",
		taken - n);
	for (uint64_t i = 0; i < n; i++) {
		const struct event *e = &table->event[i];

		/* Pairs with the release in record. */
		switch (atomic_load_explicit(&e->type, memory_order_acquire)) {
		case LANE:
			write_head(f, "M", e, "thread_name");
			fputs(",\"args\":{\"name\":", f);
			write_string(f, e->name);
			fputs("}}", f);
			break;
		case BEGIN:
			write_span(f, i, n, now);
			break;
		case COUNT:
			write_head(f, "C", e, e->name);
			fprintf(f,
				",\"ts\":%.3f,\"args\":{\"value\":%" PRId32
				"}}",
				microseconds(e->time), e->detail);
			break;
		case MARK:
		case EXIT:
			write_head(f, "i", e, e->name);
			fprintf(f, ",\"s\":\"t\",\"ts\":%.3f}",
				microseconds(e->time));
			break;
		}
	}
	fputs("\n]}\n", f);
}

int mp_trace_write(const char *path)
{
	char beside[4096];
	int error = 0;
	FILE *f;

	if (table == NULL)
		return -EINVAL;
	if ((size_t)snprintf(beside, sizeof(beside), "%s.%d~", path,
			     (int)getpid()) >= sizeof(beside))
		return -ENAMETOOLONG;
	f = fopen(beside, "we");
	if (f == NULL)
		return -errno;
	write_events(f);
	if (ferror(f))
		error = -EIO;
	if (fclose(f) != 0)
		error = -errno;
	if (error == 0 && rename(beside, path) < 0)
		error = -errno;
	if (error < 0)
		unlink(beside);
	return error;
}
