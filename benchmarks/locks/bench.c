/* See bench.h. */
#include "locks/bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/place.h"
#include "harness/python.h"
#include "locks/library.h"

struct arena *lock_arena;
struct histogram *lock_histogram;
int64_t lock_each = 100000;

int lock_fresh(const struct kind *k)
{
	memset(lock_arena, 0, sizeof(*lock_arena));
	return k->init != NULL ? k->init(lock_arena) : 0;
}

void lock_setup(struct gb_state *st)
{
	const struct kind *k = gb_user(st);
	int e = k != NULL ? lock_fresh(k) : 0;

	if (e == -ENOENT && k == &kind_rawmp_call)
		gb_skip(st, "%s", library_why());
	else if (e == -ENOTSUP || e == -ENOSYS)
		gb_skip(st, "the kernel has no such lock");
	else if (e < 0)
		gb_error(st, "%s: %s", k->name, strerror(-e));
	else if (k == NULL)
		python_start(st);
}

void lock_teardown(struct gb_state *st)
{
	const struct kind *k = gb_user(st);

	if (k != NULL && k->destroy != NULL)
		k->destroy(lock_arena);
	place_reset();
}

int lock_believe(struct gb_state *st, uint64_t counter, uint64_t expected)
{
	if (counter == expected)
		return 0;
	gb_error(st, "the counter is %" PRIu64 ", it must be %" PRIu64, counter,
		 expected);
	return -EBADMSG;
}

/* In each process. */
void lock_attach(int index, void *arg)
{
	const struct kind *k = arg;

	(void)index;
	if (k->attach != NULL && k->attach(lock_arena) < 0)
		_Exit(1);
}
