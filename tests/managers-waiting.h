/* managers-waiting.h - for tests of managers: every way to wait for an object,
 * what ends it, and what tells that nobody waits.
 *
 *	open_way(&ways[i]);
 *	pid_t pid = start_parked(waits, LONG);	 a child's request waits
 *	asked(way->end);
 *	is(end_of(pid), 0, "%s", way->what);
 *	close_way();
 */
#ifndef MANAGERS_WAITING_H
#define MANAGERS_WAITING_H

#include "managers.h"

static struct mp_proxy p;

static const struct way {
	const char *what;
	const char *create;  /* type and arguments */
	const char *before;  /* done by the test, so that there is a wait */
	const char *wait;    /* a child's, without the timeout */
	const char *end;     /* by the test: the wait is over */
	const char *restore; /* by the test: as before */
	const char *trace;   /* asked after a wait that was given up */
	bool one;            /* ends one wait, not all */
} ways[] = {
	{ "acquire of a lock", "lock", "acquire", "acquire", "release",
	  "acquire", "locked -> true", true },
	{ "acquire of an rlock", "rlock", "acquire", "acquire", "release",
	  "acquire", "locked -> true", true },
	{ "acquire of a semaphore", "semaphore 0", NULL, "acquire", "release",
	  NULL, "value -> 0", true },
	{ "acquire of a bounded semaphore", "bounded_semaphore 1", "acquire",
	  "acquire", "release", NULL, "value -> 0", true },
	{ "wait for an event", "event", NULL, "wait", "set", "clear",
	  "is_set -> false", false },
	{ "get of an empty queue", "queue", NULL, "get", "put nil", NULL,
	  "qsize -> 0", true },
	{ "put into a full queue", "queue 1", "put nil", "put nil",
	  "get -> nil", NULL, "qsize -> 1", true },
	{ "join of a queue", "joinable_queue", "put nil", "join", "task_done",
	  "put nil", "empty -> false", false },
};
enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

static const struct way *way;

/* A request without an answer that matters; its status. */
static inline int asked(const char *request)
{
	const char *s = request;
	struct mp_any v[16];
	char op[64];
	uint32_t n;

	if (request == NULL)
		return 0;
	sscanf(s, "%63s", op);
	s += strlen(op);
	n = read_arguments(&s, v);
	return mp_proxy_call(&p, op, v, n, NULL);
}

/* Who acquired a lock gives it back, as only it can. */
static inline void give_back(void)
{
	if (strstr(way->create, "lock") != NULL)
		mp_proxy_release(&p);
}

static inline int wait_with(int64_t timeout_ns)
{
	char request[100];

	if (timeout_ns < 0)
		return asked(way->wait);
	snprintf(request, sizeof(request), "%s %" PRId64, way->wait,
		 timeout_ns);
	return asked(request);
}

static inline int waits(long timeout_ns)
{
	int64_t begin = mp_clock_now();
	int status = wait_with(timeout_ns);

	if (status == 0)
		give_back();
	return timely(begin, status);
}

/* The object as before any wait. */
static inline void open_way(const struct way *w)
{
	const char *s = w->create;
	struct mp_any v[4];
	char type[64];
	uint32_t n;
	int error;

	way = w;
	sscanf(s, "%63s", type);
	s += strlen(type);
	n = read_arguments(&s, v);
	error = mp_manager_create(&manager, &p, type, v, n);
	if (error != 0 || asked(w->before) != 0)
		errx(1, "%s: %s", w->create, strerror(-error));
}

static inline void close_way(void)
{
	if (strstr(way->create, "lock") != NULL)
		mp_proxy_release(&p);
	mp_proxy_close(&p);
}

#endif
