/* See visit.h. */
#include "managers/visit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ways/payload.h"

#define BYTES sizeof(struct store_value)

#ifdef MANAGER_FAULT /* for the tests: one of 64 operations is left out */
#define LEFT_OUT(v) ((v)->done % STORE_KEYS == 7)
#else
#define LEFT_OUT(v) false
#endif

void store_key(char text[STORE_KEY_BYTES + 1], int client, int key)
{
	snprintf(text, STORE_KEY_BYTES + 1, "key:%02u:%04u",
		 (unsigned)client % 100, (unsigned)key % 10000);
}

/* The first word of a value: whose, of which key, and how often it was set. */
static uint64_t first_word(const struct visit *v, int key)
{
	return (uint64_t)(v->client + 1) << 48 | (uint64_t)key << 32 |
	       v->version[key];
}

static int get(struct visit *v, int key, int n)
{
	struct store_value got[STORE_BATCH];
	uint64_t bad = 0;
	int e;

	if (LEFT_OUT(v))
		e = v->store->get((key + n) % STORE_KEYS, n, got);
	else
		e = v->store->get(key, n, got);
	for (int i = 0; e == 0 && i < n; i++)
		bad |= (got[i].word[0] ^ first_word(v, key + i)) |
		       payload_check(&got[i], BYTES);
	return e < 0 ? e : bad != 0 ? -EBADMSG : 0;
}

static int set(struct visit *v, int key, int n)
{
	struct store_value new[STORE_BATCH];

	for (int i = 0; i < n; i++) {
		v->version[key + i]++;
		payload_write(&new[i], BYTES, first_word(v, key + i));
	}
	return LEFT_OUT(v) ? 0 : v->store->set(key, n, new);
}

static int empty(struct visit *v)
{
	uint64_t n;
	int e = v->store->length(&n);

	if (e == 0 && n != v->length)
		e = -EBADMSG;
	v->length = 0;
	return e < 0 ? e : v->store->clear();
}

static int append(struct visit *v)
{
	struct store_value value;
	int e = 0;

	payload_write(&value, BYTES, v->done);
	if (!LEFT_OUT(v))
		e = v->store->append(&value);
	v->length++;
	return e == 0 && v->length == VISIT_LIST ? empty(v) : e;
}

static int locked(struct visit *v)
{
	int e = LEFT_OUT(v) ? 0 : v->store->acquire();

	if (e < 0 || LEFT_OUT(v))
		return e;
	v->board->guarded++;
	return v->store->release();
}

int visit_once(struct visit *v)
{
	int n = v->store->batch > 0 ? v->store->batch : 1, e = -EINVAL;
	int key = (int)(v->done % STORE_KEYS);

	switch (v->what) {
	case STORE_GET:
		e = get(v, key, n);
		break;
	case STORE_SET:
		e = set(v, key, n);
		break;
	case STORE_APPEND:
		e = append(v);
		break;
	case STORE_COUNTER:
		e = LEFT_OUT(v) ? 0 : v->store->add();
		break;
	case STORE_LOCK:
		e = locked(v);
		break;
	case STORE_CASES:
		break;
	}
	v->done += (uint64_t)n;
	return e;
}

static int all_keys(struct visit *v, int (*once)(struct visit *, int, int))
{
	int n = v->store->batch > 0 ? v->store->batch : 1, e = 0;

	for (int key = 0; e == 0 && key < STORE_KEYS; key += n)
		e = once(v, key, n);
	return e;
}

int visit_begin(struct visit *v, struct site *s, const struct store *store,
		enum store_case what, int client)
{
	struct visit_board *board = v->board;
	int e;

	*v = (struct visit){
		.store = store, .board = board, .what = what, .client = client
	};
	e = store->enter(s, client);
	if (e == 0 && (what == STORE_GET || what == STORE_SET))
		e = all_keys(v, set);
	return e;
}

int visit_end(struct visit *v)
{
	uint64_t done = v->done;
	int e = 0;

	v->done = 0; /* LEFT_OUT is for what was measured */
	if (v->what == STORE_SET)
		e = all_keys(v, get);
	if (v->what == STORE_APPEND)
		e = empty(v);
	atomic_fetch_add_explicit(&v->board->sum, done, memory_order_relaxed);
	v->store->leave();
	return e;
}

int visit_believe(struct site *s, const struct store *store,
		  enum store_case what, const struct visit_board *board,
		  uint64_t found[2])
{
	int e = 0;

	found[1] = atomic_load_explicit(&board->sum, memory_order_relaxed);
	found[0] = found[1];
	if (what == STORE_LOCK)
		found[0] = board->guarded;
	if (what == STORE_COUNTER) {
		e = store->enter(s, 0);
		if (e == 0)
			e = store->total(&found[0]);
		if (e == 0)
			store->leave();
	}
	return e < 0 ? e : found[0] == found[1] ? 0 : -EBADMSG;
}
