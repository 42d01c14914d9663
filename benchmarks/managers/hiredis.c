/* Redis, by its own client library for C. */
#include "managers/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "managers/server.h"
#include "managers/talk.h"

#ifdef HAVE_HIREDIS
#include <hiredis/hiredis.h>

/* Of this client. */
static redisContext *context;
static char keys[STORE_KEYS][STORE_KEY_BYTES + 1], list[16];

static int hiredis_enter(struct site *s, int client)
{
	struct timeval limit = { .tv_sec = TALK_LIMIT_S };

	for (int i = 0; i < STORE_KEYS; i++)
		store_key(keys[i], client, i);
	snprintf(list, sizeof(list), "list:%02u", (unsigned)client % 100);
	context = redisConnectUnix(s->path);
	if (context == NULL)
		return -ENOMEM;
	if (context->err != 0)
		return -ECONNREFUSED;
	redisSetTimeout(context, limit);
	return 0;
}

static void hiredis_leave(void)
{
	redisFree(context);
}

/* A request of n words, the last of them of so many bytes.  NULL: the answer
 * is not of that type. */
static redisReply *ask(int type, int n, const char *const *words, size_t last)
{
	const char *argv[4];
	size_t lengths[4];
	redisReply *r;

	for (int i = 0; i < n; i++) {
		argv[i] = words[i];
		lengths[i] = i == n - 1 && last > 0 ? last : strlen(words[i]);
	}
	r = redisCommandArgv(context, n, argv, lengths);
	if (r != NULL && r->type == type)
		return r;
	freeReplyObject(r);
	return NULL;
}

static int hiredis_get(int key, int n, struct store_value *values)
{
	redisReply *r = ask(REDIS_REPLY_STRING, 2,
			    (const char *[]){ "GET", keys[key] }, 0);
	int e = r != NULL && (size_t)r->len == sizeof(*values) ? 0 : -EBADMSG;

	(void)n;
	if (e == 0)
		memcpy(values, r->str, sizeof(*values));
	freeReplyObject(r);
	return e;
}

static int hiredis_set(int key, int n, const struct store_value *values)
{
	const char *words[] = { "SET", keys[key], (const char *)values };
	redisReply *r = ask(REDIS_REPLY_STATUS, 3, words, sizeof(*values));
	int e = r != NULL ? 0 : -EBADMSG;

	(void)n;
	freeReplyObject(r);
	return e;
}

static int number(int n, const char *const *words, size_t last, uint64_t *out)
{
	redisReply *r = ask(REDIS_REPLY_INTEGER, n, words, last);

	if (r == NULL)
		return -EBADMSG;
	*out = (uint64_t)r->integer;
	freeReplyObject(r);
	return 0;
}

static int hiredis_append(const struct store_value *value)
{
	uint64_t n;

	return number(3, (const char *[]){ "RPUSH", list, (const char *)value },
		      sizeof(*value), &n);
}

static int hiredis_length(uint64_t *n)
{
	return number(2, (const char *[]){ "LLEN", list }, 0, n);
}

static int hiredis_clear(void)
{
	uint64_t n;

	return number(2, (const char *[]){ "DEL", list }, 0, &n);
}

static int hiredis_add(void)
{
	uint64_t n;

	return number(2, (const char *[]){ "INCR", "counter" }, 0, &n);
}

static int hiredis_total(uint64_t *n)
{
	return number(3, (const char *[]){ "INCRBY", "counter", "0" }, 0, n);
}

/* It cannot wait for a lock: asked again until it is free. */
static int hiredis_acquire(void)
{
	redisReply *r;
	int type;

	do {
		r = redisCommand(context, "SET lock 1 NX");
		type = r != NULL ? r->type : REDIS_REPLY_ERROR;
		freeReplyObject(r);
	} while (type == REDIS_REPLY_NIL);
	return type == REDIS_REPLY_STATUS ? 0 : -EBADMSG;
}

static int hiredis_release(void)
{
	uint64_t n;
	int e = number(2, (const char *[]){ "DEL", "lock" }, 0, &n);

	return e < 0 ? e : n == 1 ? 0 : -EBADMSG;
}

const struct store store_hiredis = {
	.name = "hiredis",
	.cases = STORE_ALL,
	.start = redis_start,
	.stop = server_stop,
	.enter = hiredis_enter,
	.leave = hiredis_leave,
	.get = hiredis_get,
	.set = hiredis_set,
	.append = hiredis_append,
	.length = hiredis_length,
	.clear = hiredis_clear,
	.add = hiredis_add,
	.total = hiredis_total,
	.acquire = hiredis_acquire,
	.release = hiredis_release,
};

#else

static int missing(struct site *s)
{
	snprintf(s->why, sizeof(s->why),
		 "peer missing: hiredis; install libhiredis-dev and build "
		 "again");
	return -ENOENT;
}

const struct store store_hiredis = { .name = "hiredis",
				     .cases = STORE_ALL,
				     .start = missing };
#endif
