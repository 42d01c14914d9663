/* memcached, by its client library for C. */
#include "managers/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "managers/server.h"
#include "managers/talk.h"

#define CASES (STORE_ALL & ~STORE_CAN(STORE_APPEND))

#ifdef HAVE_LIBMEMCACHED
#include <libmemcached/memcached.h>

#define WORD(text) text, sizeof(text) - 1

/* Of this client. */
static memcached_st *cache;
static char keys[STORE_KEYS][STORE_KEY_BYTES + 1];

/* Another client may have been the first to make the counter. */
static int lib_enter(struct site *s, int client)
{
	memcached_return_t r;

	for (int i = 0; i < STORE_KEYS; i++)
		store_key(keys[i], client, i);
	cache = memcached_create(NULL);
	if (cache == NULL)
		return -ENOMEM;
	memcached_behavior_set(cache, MEMCACHED_BEHAVIOR_POLL_TIMEOUT,
			       TALK_LIMIT_S * 1000);
	r = memcached_server_add_unix_socket(cache, s->path);
	if (r == MEMCACHED_SUCCESS)
		r = memcached_add(cache, WORD("counter"), "0", 1, 0, 0);
	return r == MEMCACHED_SUCCESS || r == MEMCACHED_NOTSTORED ? 0
								  : -ENOTCONN;
}

static void lib_leave(void)
{
	memcached_free(cache);
}

static int lib_get(int key, int n, struct store_value *values)
{
	memcached_return_t r;
	uint32_t flags;
	size_t size;
	char *got = memcached_get(cache, keys[key], STORE_KEY_BYTES, &size,
				  &flags, &r);
	int e = got != NULL && size == sizeof(*values) ? 0 : -EBADMSG;

	(void)n;
	if (e == 0)
		memcpy(values, got, sizeof(*values));
	free(got);
	return e;
}

static int lib_set(int key, int n, const struct store_value *values)
{
	(void)n;
	return memcached_set(cache, keys[key], STORE_KEY_BYTES,
			     (const char *)values, sizeof(*values), 0,
			     0) == MEMCACHED_SUCCESS
		       ? 0
		       : -EBADMSG;
}

static int increment(uint32_t by, uint64_t *n)
{
	return memcached_increment(cache, WORD("counter"), by, n) ==
			       MEMCACHED_SUCCESS
		       ? 0
		       : -EBADMSG;
}

static int lib_add(void)
{
	uint64_t n;

	return increment(1, &n);
}

static int lib_total(uint64_t *n)
{
	return increment(0, n);
}

/* It cannot wait for a lock: asked again until it is free. */
static int lib_acquire(void)
{
	memcached_return_t r;

	do
		r = memcached_add(cache, WORD("lock"), "1", 1, 0, 0);
	while (r == MEMCACHED_NOTSTORED);
	return r == MEMCACHED_SUCCESS ? 0 : -EBADMSG;
}

static int lib_release(void)
{
	return memcached_delete(cache, WORD("lock"), 0) == MEMCACHED_SUCCESS
		       ? 0
		       : -EBADMSG;
}

const struct store store_libmemcached = {
	.name = "libmemcached",
	.cases = CASES,
	.start = memcached_start,
	.stop = server_stop,
	.enter = lib_enter,
	.leave = lib_leave,
	.get = lib_get,
	.set = lib_set,
	.add = lib_add,
	.total = lib_total,
	.acquire = lib_acquire,
	.release = lib_release,
};

#else

static int missing(struct site *s)
{
	snprintf(s->why, sizeof(s->why),
		 "peer missing: libmemcached; install libmemcached-dev and "
		 "build again");
	return -ENOENT;
}

const struct store store_libmemcached = { .name = "libmemcached",
					  .cases = CASES,
					  .start = missing };
#endif
