/* The types that can make a client wait, when nothing is to wait for: each
 * operation of proxy.h's table, as in Python.
 */
#include "managers.h"

#define STORY(...) story((const char *const[]){ __VA_ARGS__, NULL })

static void locks(void)
{
	STORY("lock", "locked -> false", "release -> EPERM", "acquire",
	      "locked -> true", "acquire -> EDEADLK", "acquire 0 -> EDEADLK",
	      "locked -> true", "release", "locked -> false",
	      "release -> EPERM", "acquire 0", "release", "acquire 1000",
	      "release", "acquire 'x' -> EINVAL", "locked -> false",
	      "get 1 -> EOPNOTSUPP");
	STORY("rlock", "locked -> false", "release -> EPERM", "acquire",
	      "acquire", "acquire 0", "locked -> true", "release", "release",
	      "locked -> true", "release", "locked -> false",
	      "release -> EPERM");
	STORY("lock 1 -> EINVAL");
	STORY("rlock 1 -> EINVAL");
}

static void semaphores(void)
{
	STORY("semaphore 2", "value -> 2", "acquire", "acquire", "value -> 0",
	      "acquire 0 -> ETIMEDOUT", "acquire 1000000 -> ETIMEDOUT",
	      "value -> 0", "release", "release", "release", "value -> 3",
	      "release 5", "value -> 8", "release 0 -> EINVAL",
	      "release -1 -> EINVAL", "value -> 8");
	STORY("semaphore 0", "acquire 0 -> ETIMEDOUT", "release", "acquire");
	STORY("semaphore -1 -> EINVAL");
	STORY("semaphore 'x' -> EINVAL");
	STORY("bounded_semaphore 2", "release -> EOVERFLOW", "acquire",
	      "value -> 1", "release 2 -> EOVERFLOW", "value -> 1", "release",
	      "value -> 2", "acquire", "acquire", "acquire 0 -> ETIMEDOUT",
	      "release 2", "value -> 2", "release -> EOVERFLOW");
	STORY("bounded_semaphore -1 -> EINVAL");
}

static void conditions(void)
{
	struct mp_proxy lock, c;

	STORY("condition", "notify -> EPERM", "notify_all -> EPERM",
	      "wait 0 -> EPERM", "release -> EPERM", "acquire", "notify",
	      "notify 3", "notify_all", "wait 0 -> ETIMEDOUT",
	      "wait 1000000 -> ETIMEDOUT", "notify", "release",
	      "notify -> EPERM");
	STORY("condition 5 -> EINVAL");
	STORY("condition @999999 -> ESTALE");
	make(&lock, "lock");
	make(&c, "condition", mp_proxy_any(&lock));
	said(&c, "acquire");
	said(&lock, "locked -> true");
	said(&lock, "acquire -> EDEADLK");
	said(&c, "wait 1000000 -> ETIMEDOUT");
	said(&lock, "locked -> true");
	said(&lock, "release");
	said(&c, "notify -> EPERM");
	said(&lock, "acquire");
	said(&c, "notify");
	said(&c, "release");
	said(&lock, "locked -> false");
	/* The condition keeps its lock. */
	mp_proxy_close(&lock);
	is(mp_manager_count(&manager), 2, "a condition keeps its lock");
	said(&c, "acquire");
	said(&c, "release");
	mp_proxy_close(&c);
	is(mp_manager_count(&manager), 0, "and both go");
	make(&lock, "rlock");
	make(&c, "condition", mp_proxy_any(&lock));
	said(&c, "acquire");
	said(&c, "acquire");
	said(&c, "wait 1000000 -> ETIMEDOUT");
	said(&c, "release");
	said(&c, "release");
	said(&c, "release -> EPERM");
	said(&lock, "locked -> false");
	mp_proxy_close(&lock);
	mp_proxy_close(&c);
	make(&lock, "dict");
	is(mp_manager_create(&manager, &c, "condition",
			     ARGUMENTS(mp_proxy_any(&lock))),
	   -EINVAL, "a condition of a dict");
	mp_proxy_close(&lock);
}

static void events(void)
{
	STORY("event", "is_set -> false", "wait 0 -> ETIMEDOUT",
	      "wait 1000000 -> ETIMEDOUT", "set", "is_set -> true", "wait 0",
	      "wait", "set", "clear", "is_set -> false", "clear",
	      "wait 0 -> ETIMEDOUT", "set 1 -> EINVAL", "wait 'x' -> EINVAL");
}

static void barriers(void)
{
	STORY("barrier 1", "parties -> 1", "n_waiting -> 0", "broken -> false",
	      "wait -> 0", "wait 0 -> 0", "abort", "broken -> true",
	      "wait -> ECANCELED", "reset", "broken -> false", "wait -> 0");
	/* Whoever gives up breaks it. */
	STORY("barrier 2", "parties -> 2", "wait 1000000 -> ETIMEDOUT",
	      "broken -> true", "n_waiting -> 0", "wait 0 -> ECANCELED",
	      "reset", "broken -> false", "n_waiting -> 0",
	      "wait 0 -> ETIMEDOUT");
	STORY("barrier 0 -> EINVAL");
	STORY("barrier -1 -> EINVAL");
	STORY("barrier 'x' -> EINVAL");
	STORY("barrier -> EINVAL");
}

static void queues(void)
{
	STORY("queue", "empty -> true", "full -> false", "qsize -> 0",
	      "get 0 -> ETIMEDOUT", "get 1000000 -> ETIMEDOUT", "put 1",
	      "put 'two'", "put [3] 0", "put nil", "qsize -> 4",
	      "empty -> false", "full -> false", "get -> 1", "get 0 -> 'two'",
	      "get -> [3]", "get -> nil", "get 0 -> ETIMEDOUT", "empty -> true",
	      "put -> EINVAL", "put 1 'x' -> EINVAL", "get 'x' -> EINVAL",
	      "task_done -> EOPNOTSUPP", "join -> EOPNOTSUPP");
	STORY("queue 2", "put 1", "full -> false", "put 2", "full -> true",
	      "put 3 0 -> ETIMEDOUT", "put 3 1000000 -> ETIMEDOUT",
	      "qsize -> 2", "get -> 1", "full -> false", "put 3", "get -> 2",
	      "get -> 3", "qsize -> 0");
	/* As in Python: no limit. */
	STORY("queue 0", "full -> false", "put 1", "full -> false");
	STORY("queue 'x' -> EINVAL");
	STORY("queue", "put 1", "put 2", "shutdown", "put 3 -> ESHUTDOWN",
	      "put 3 0 -> ESHUTDOWN", "get -> 1", "get 0 -> 2",
	      "get -> ESHUTDOWN", "get 0 -> ESHUTDOWN", "shutdown");
	STORY("joinable_queue", "join", "join 0", "put 1", "put 2",
	      "join 0 -> ETIMEDOUT", "get -> 1", "task_done",
	      "join 1000000 -> ETIMEDOUT", "get -> 2", "join 0 -> ETIMEDOUT",
	      "task_done", "join 0", "join", "task_done -> EINVAL", "put 3",
	      "join 0 -> ETIMEDOUT");
}

/* A queue is as long as it gets. */
static void long_queue(void)
{
	enum { N = 5000 };
	struct mp_proxy p;
	int bad = 0;

	make(&p, "queue");
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < N; i++)
			bad += mp_proxy_put(&p, I(i), 0) != 0;
		for (int i = 0; i < N; i++)
			bad += mp_proxy_take(&p, &answer, 0) != 0 ||
			       answer.i != i;
	}
	is(bad, 0, "%d items, first in, first out", N);
	is(mp_proxy_take(&p, &answer, 0), -ETIMEDOUT, "then it is empty");
	mp_proxy_close(&p);
}

/* The calls that have a name of their own. */
static void by_name(void)
{
	struct mp_proxy p;
	int64_t n;

	make(&p, "lock");
	is(mp_proxy_acquire(&p, -1), 0, "acquire");
	is(mp_proxy_acquire(&p, 0), -EDEADLK, "twice");
	is(mp_proxy_release(&p), 0, "release");
	is(mp_proxy_release(&p), -EPERM, "twice");
	mp_proxy_close(&p);
	make(&p, "event");
	is(mp_proxy_wait(&p, 0), -ETIMEDOUT, "wait");
	ask(&p, "set");
	is(mp_proxy_wait(&p, -1), 0, "until it is set");
	mp_proxy_close(&p);
	make(&p, "barrier", I(1));
	is(mp_proxy_wait(&p, -1), 0, "which one at a barrier");
	mp_proxy_close(&p);
	make(&p, "queue", I(1));
	is(mp_proxy_put(&p, S("x"), -1), 0, "put");
	is(mp_proxy_put(&p, S("y"), MS), -ETIMEDOUT, "into a full queue");
	is(mp_proxy_take(&p, &answer, -1), 0, "take");
	ok(mp_any_is(answer, "x"), "what was put");
	is(mp_proxy_take(&p, NULL, MS), -ETIMEDOUT, "from an empty one");
	mp_proxy_close(&p);
	make(&p, "dict");
	is(mp_proxy_set(&p, S("a"), I(1)), 0, "set");
	is(mp_proxy_get(&p, S("a"), &answer), 0, "get");
	is(answer.i, 1, "the same");
	is(mp_proxy_add(&p, S("a"), 5, &n), 0, "add");
	is(n, 6, "to it");
	is(mp_proxy_add(&p, S("a"), 1, NULL), 0, "and not asked for");
	is(mp_proxy_compare_exchange(&p, S("a"), I(7), I(8)), 1, "exchanged");
	is(mp_proxy_compare_exchange(&p, S("a"), I(7), I(9)), 0, "not");
	is(mp_proxy_contains(&p, S("a")), 1, "contains");
	is(mp_proxy_contains(&p, S("b")), 0, "does not");
	is(mp_proxy_length(&p), 1, "length");
	is(mp_proxy_pop(&p, S("a"), &answer), 0, "pop");
	is(answer.i, 8, "the same");
	is(mp_proxy_delete(&p, S("a")), -ENOENT, "delete what is not there");
	is(mp_proxy_get(&p, S("a"), NULL), -ENOENT, "get what is not there");
	mp_proxy_close(&p);
	make(&p, "value", S("i"), I(5));
	is(mp_proxy_get(&p, NIL, &answer), 0, "get of a value, without a key");
	is(answer.i, 5, "it is");
	is(mp_proxy_set(&p, NIL, I(7)), 0, "set");
	is(mp_proxy_add(&p, NIL, 3, &n), 0, "add");
	is(n, 10, "to it");
	is(mp_proxy_compare_exchange(&p, NIL, I(10), I(1)), 1, "exchanged");
	mp_proxy_close(&p);
	make(&p, "list");
	is(mp_proxy_append(&p, I(1)), 0, "append");
	is(mp_proxy_append(&p, I(2)), 0, "and again");
	is(mp_proxy_pop(&p, NIL, &answer), 0, "pop the last");
	is(answer.i, 2, "it is");
	is(mp_proxy_pop(&p, I(0), &answer), 0, "pop the first");
	is(answer.i, 1, "it is");
	is(mp_proxy_get(&p, I(0), &answer), -ERANGE, "an empty list");
	is(mp_proxy_length(&p), 0, "has length 0");
	mp_proxy_close(&p);
}

int main(void)
{
	int before = tap_descriptors();

	mp_backstop_set(0);
	open_manager(NULL);
	locks();
	semaphores();
	conditions();
	events();
	barriers();
	queues();
	long_queue();
	by_name();
	is(objects(), 0, "no object is left");
	close_manager();
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
