/* memcached over a Unix socket: one thread, 64 MiB.  The client is talk.h's.
 * It has no lists, and its appends to a text copy the whole of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "managers/server.h"
#include "managers/talk.h"

#define VALUE  sizeof(struct store_value)
#define GET    (sizeof("get key:00:0000\r\n") - 1)
#define SET_AT (sizeof("set key:00:0000 0 0 64\r\n") - 1)
#define SET    (SET_AT + VALUE + 2)
#define FOUND  "VALUE key:00:0000 0 64\r\n"
#define AT     (sizeof(FOUND) - 1)
#define END    "\r\nEND\r\n"

/* Of this client: its requests, made beforehand. */
static int fd;
static char gets[STORE_KEYS][GET], sets[STORE_KEYS][SET];

/* What begins with 0, so that `total` may ask. */
static int make_counter(void)
{
	static const char request[] = "add counter 0 0 1\r\n0\r\n";
	char line[64];

	return talk_line(fd, request, sizeof(request) - 1, line, sizeof(line));
}

static int cache_enter(struct site *s, int client)
{
	char key[STORE_KEY_BYTES + 1], text[SET];

	for (int i = 0; i < STORE_KEYS; i++) {
		store_key(key, client, i);
		snprintf(text, sizeof(text), "get %s\r\n", key);
		memcpy(gets[i], text, GET);
		snprintf(text, sizeof(text), "set %s 0 0 64\r\n", key);
		memcpy(sets[i], text, SET_AT);
		memcpy(sets[i] + SET_AT + VALUE, "\r\n", 2);
	}
	fd = talk_connect(s->path);
	return fd < 0 ? fd : make_counter();
}

static void cache_leave(void)
{
	close(fd);
}

static int cache_get(int key, int n, struct store_value *values)
{
	char answer[AT + VALUE + sizeof(END) - 1];
	int e = talk(fd, gets[key], GET, answer, sizeof(answer), "VALUE ");

	(void)n;
	if (e == 0 && memcmp(answer + AT + VALUE, END, sizeof(END) - 1) != 0)
		e = -EBADMSG;
	memcpy(values, answer + AT, VALUE);
	return e;
}

static int cache_set(int key, int n, const struct store_value *values)
{
	char answer[sizeof("STORED\r\n") - 1];

	(void)n;
	memcpy(sets[key] + SET_AT, values, VALUE);
	return talk(fd, sets[key], SET, answer, sizeof(answer), "STORED\r\n");
}

static int add(const char *request, size_t size, uint64_t *n)
{
	char line[64], *rest;
	int e = talk_line(fd, request, size, line, sizeof(line));

	*n = e == 0 ? strtoull(line, &rest, 10) : 0;
	return e < 0 ? e : rest == line ? -EBADMSG : 0;
}

static int cache_add(void)
{
	static const char request[] = "incr counter 1\r\n";
	uint64_t n;

	return add(request, sizeof(request) - 1, &n);
}

static int cache_total(uint64_t *n)
{
	static const char request[] = "incr counter 0\r\n";

	return add(request, sizeof(request) - 1, n);
}

/* It cannot wait for a lock: asked again until it is free. */
static int cache_acquire(void)
{
	static const char request[] = "add lock 0 0 1\r\n1\r\n";
	char line[64];
	int e;

	do
		e = talk_line(fd, request, sizeof(request) - 1, line,
			      sizeof(line));
	while (e == 0 && strcmp(line, "NOT_STORED") == 0);
	return e < 0 ? e : strcmp(line, "STORED") == 0 ? 0 : -EBADMSG;
}

static int cache_release(void)
{
	static const char request[] = "delete lock\r\n";
	char answer[sizeof("DELETED\r\n") - 1];

	return talk(fd, request, sizeof(request) - 1, answer, sizeof(answer),
		    "DELETED\r\n");
}

const struct store store_memcached = {
	.name = "memcached",
	.cases = STORE_ALL & ~STORE_CAN(STORE_APPEND),
	.start = memcached_start,
	.stop = server_stop,
	.enter = cache_enter,
	.leave = cache_leave,
	.get = cache_get,
	.set = cache_set,
	.add = cache_add,
	.total = cache_total,
	.acquire = cache_acquire,
	.release = cache_release,
};
