/* shared.c - a dict, a list, a counter and a lock in shared memory, with no
 * server: ours. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "managers/store.h"
#include "managers/visit.h"
#include "mp/dict.h"
#include "mp/list.h"
#include "mp/lock.h"

#define VALUE    sizeof(struct store_value)
#define CAPACITY (STORE_CLIENTS * STORE_KEYS + 1)

static void *memory;
static size_t size;

/* Of this client. */
static char keys[STORE_KEYS][STORE_KEY_BYTES + 1];
static int client;

static int make(size_t n)
{
	size = n;
	memory = mmap(NULL, n, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? -ENOMEM : 0;
}

static void unmake(struct site *s)
{
	(void)s;
	munmap(memory, size);
}

static int enter(struct site *s, int who)
{
	(void)s;
	client = who;
	for (int i = 0; i < STORE_KEYS; i++)
		store_key(keys[i], who, i);
	return 0;
}

static void leave(void)
{
}

/* ---- dict and counter ---- */

static int dict_start(struct site *s)
{
	int e = make(mp_dict_size(CAPACITY, STORE_KEY_BYTES, VALUE));

	(void)s;
	return e < 0 ? e
		     : mp_dict_init(memory, CAPACITY, STORE_KEY_BYTES, VALUE);
}

static int dict_get(int key, int n, struct store_value *values)
{
	size_t length = 0;
	int e = mp_dict_get(memory, keys[key], STORE_KEY_BYTES, values, VALUE,
			    &length);

	(void)n;
	return e < 0 ? e : length == VALUE ? 0 : -EBADMSG;
}

static int dict_set(int key, int n, const struct store_value *values)
{
	(void)n;
	return mp_dict_set(memory, keys[key], STORE_KEY_BYTES, values, VALUE);
}

static int dict_add(void)
{
	return mp_dict_add(memory, "counter", 7, 1, NULL);
}

static int dict_total(uint64_t *n)
{
	int64_t sum = 0;
	int e = mp_dict_add(memory, "counter", 7, 0, &sum);

	*n = (uint64_t)sum;
	return e;
}

const struct store store_dict = {
	.name = "mp_dict",
	.cases = STORE_DICT | STORE_CAN(STORE_COUNTER),
	.quick = true,
	.start = dict_start,
	.stop = unmake,
	.enter = enter,
	.leave = leave,
	.get = dict_get,
	.set = dict_set,
	.add = dict_add,
	.total = dict_total,
};

/* ---- lists ---- */

static struct mp_list *list_of(int who)
{
	size_t each = mp_list_size(VISIT_LIST, VALUE);

	return (void *)((char *)memory + (size_t)who * each);
}

static int list_start(struct site *s)
{
	int e = make(STORE_CLIENTS * mp_list_size(VISIT_LIST, VALUE));

	(void)s;
	for (int i = 0; e == 0 && i < STORE_CLIENTS; i++)
		e = mp_list_init(list_of(i), VISIT_LIST, VALUE);
	return e;
}

static int list_append(const struct store_value *value)
{
	return mp_list_append(list_of(client), value, VALUE);
}

static int list_length(uint64_t *n)
{
	int length = mp_list_len(list_of(client));

	*n = length < 0 ? 0 : (uint64_t)length;
	return length < 0 ? length : 0;
}

/* Nobody else uses it: made anew, for mp_list_clear pops one by one, which
 * would be half of the time. */
static int list_clear(void)
{
	return mp_list_init(list_of(client), VISIT_LIST, VALUE);
}

const struct store store_list = {
	.name = "mp_list",
	.cases = STORE_CAN(STORE_APPEND),
	.quick = true,
	.start = list_start,
	.stop = unmake,
	.enter = enter,
	.leave = leave,
	.append = list_append,
	.length = list_length,
	.clear = list_clear,
};

/* ---- a lock ---- */

static int lock_start(struct site *s)
{
	(void)s;
	return make(sizeof(struct mp_lock)); /* all zero: free */
}

static int lock_acquire(void)
{
	return mp_lock_acquire(memory, -1);
}

static int lock_release(void)
{
	return mp_lock_release(memory);
}

const struct store store_lock = {
	.name = "mp_lock",
	.cases = STORE_CAN(STORE_LOCK),
	.quick = true,
	.start = lock_start,
	.stop = unmake,
	.enter = enter,
	.leave = leave,
	.acquire = lock_acquire,
	.release = lock_release,
};
