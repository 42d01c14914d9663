/* Redis over a Unix socket: one thread, nothing kept on disk.  The client is
 * talk.h's: no client library is faster.
 *
 * redis_p16 sends sixteen requests at once (pipelining), which is how Redis is
 * at its best; its users must have sixteen things to ask for at a time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "managers/server.h"
#include "managers/talk.h"

#define VALUE  sizeof(struct store_value)
#define GET    (sizeof("*2\r\n$3\r\nGET\r\n$11\r\nkey:00:0000\r\n") - 1)
#define SET    (SET_AT + VALUE + 2)
#define SET_AT (sizeof("*3\r\n$3\r\nSET\r\n$11\r\nkey:00:0000\r\n$64\r\n") - 1)
#define FOUND  "$64\r\n"
#define REPLY  (sizeof(FOUND) - 1 + VALUE + 2)
#define PUSH   "*3\r\n$5\r\nRPUSH\r\n$7\r\nlist:%02u\r\n$64\r\n"

/* Of this client: its requests, made beforehand. */
static int fd;
static char gets[STORE_KEYS][GET], sets[STORE_KEYS][SET];
static char push[sizeof(PUSH) + VALUE + 2], length[64], del[64];
static size_t push_at; /* where the value stands */

static void make_requests(int client)
{
	unsigned who = (unsigned)client % 100;
	char key[STORE_KEY_BYTES + 1], text[GET + SET];

	for (int i = 0; i < STORE_KEYS; i++) {
		store_key(key, client, i);
		snprintf(text, sizeof(text), "*2\r\n$3\r\nGET\r\n$11\r\n%s\r\n",
			 key);
		memcpy(gets[i], text, GET);
		snprintf(text, sizeof(text),
			 "*3\r\n$3\r\nSET\r\n$11\r\n%s\r\n$64\r\n", key);
		memcpy(sets[i], text, SET_AT);
		memcpy(sets[i] + SET_AT + VALUE, "\r\n", 2);
	}
	push_at = (size_t)snprintf(push, sizeof(push), PUSH, who);
	memcpy(push + push_at + VALUE, "\r\n", 2);
	snprintf(length, sizeof(length),
		 "*2\r\n$4\r\nLLEN\r\n$7\r\nlist:%02u\r\n", who);
	snprintf(del, sizeof(del), "*2\r\n$3\r\nDEL\r\n$7\r\nlist:%02u\r\n",
		 who);
}

static int redis_enter(struct site *s, int client)
{
	make_requests(client);
	fd = talk_connect(s->path);
	return fd < 0 ? fd : 0;
}

static void redis_leave(void)
{
	close(fd);
}

static int redis_get(int key, int n, struct store_value *values)
{
	char answer[STORE_BATCH * REPLY];
	int e = talk(fd, gets[key], (size_t)n * GET, answer, (size_t)n * REPLY,
		     FOUND);

	for (int i = 0; e == 0 && i < n; i++)
		memcpy(&values[i],
		       answer + (size_t)i * REPLY + sizeof(FOUND) - 1, VALUE);
	return e;
}

static int redis_set(int key, int n, const struct store_value *values)
{
	char answer[STORE_BATCH * 5];

	for (int i = 0; i < n; i++)
		memcpy(sets[key + i] + SET_AT, &values[i], VALUE);
	return talk(fd, sets[key], (size_t)n * SET, answer, (size_t)n * 5,
		    "+OK\r\n");
}

/* A request whose answer is ":NUMBER". */
static int ask_number(const char *request, size_t n, uint64_t *number)
{
	char line[64];
	int e = talk_line(fd, request, n, line, sizeof(line));

	if (e == 0 && line[0] != ':')
		e = -EBADMSG;
	*number = e == 0 ? strtoull(line + 1, NULL, 10) : 0;
	return e;
}

static int redis_append(const struct store_value *value)
{
	uint64_t n;

	memcpy(push + push_at, value, VALUE);
	return ask_number(push, push_at + VALUE + 2, &n);
}

static int redis_length(uint64_t *n)
{
	return ask_number(length, strlen(length), n);
}

static int redis_clear(void)
{
	uint64_t n;

	return ask_number(del, strlen(del), &n);
}

static int redis_add(void)
{
	static const char request[] = "*2\r\n$4\r\nINCR\r\n$7\r\ncounter\r\n";
	uint64_t n;

	return ask_number(request, sizeof(request) - 1, &n);
}

static int redis_total(uint64_t *n)
{
	static const char request[] =
		"*3\r\n$6\r\nINCRBY\r\n$7\r\ncounter\r\n$1\r\n0\r\n";

	return ask_number(request, sizeof(request) - 1, n);
}

/* It cannot wait for a lock: asked again until it is free. */
static int redis_acquire(void)
{
	static const char request[] =
		"*4\r\n$3\r\nSET\r\n$4\r\nlock\r\n$1\r\n1\r\n$2\r\nNX\r\n";
	char line[64];
	int e;

	do
		e = talk_line(fd, request, sizeof(request) - 1, line,
			      sizeof(line));
	while (e == 0 && strcmp(line, "$-1") == 0);
	return e < 0 ? e : strcmp(line, "+OK") == 0 ? 0 : -EBADMSG;
}

static int redis_release(void)
{
	static const char request[] = "*2\r\n$3\r\nDEL\r\n$4\r\nlock\r\n";
	uint64_t n;
	int e = ask_number(request, sizeof(request) - 1, &n);

	return e < 0 ? e : n == 1 ? 0 : -EBADMSG;
}

const struct store store_redis = {
	.name = "redis",
	.cases = STORE_ALL,
	.start = redis_start,
	.stop = server_stop,
	.enter = redis_enter,
	.leave = redis_leave,
	.get = redis_get,
	.set = redis_set,
	.append = redis_append,
	.length = redis_length,
	.clear = redis_clear,
	.add = redis_add,
	.total = redis_total,
	.acquire = redis_acquire,
	.release = redis_release,
};

const struct store store_redis_p16 = {
	.name = "redis_p16",
	.cases = STORE_DICT,
	.batch = 16,
	.start = redis_start,
	.stop = server_stop,
	.enter = redis_enter,
	.leave = redis_leave,
	.get = redis_get,
	.set = redis_set,
};
