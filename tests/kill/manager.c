/* A client of a manager is killed at every instruction of a call: while it
 * comes in by the door, asks, waits, is answered, gives back, leaves.  The
 * server serves the others as before: what was asked for is done or it is not,
 * a lock of the dead is free and the next one is told, no item is there twice,
 * and soon nothing of it is left in the server, no object and no descriptor.
 *
 * One server for all points; the victim and the others are its starter's
 * children.  Half of the stories are stepped from the fork on: then the victim
 * first connects. */
#include "driver.h"

#include "managers.h"

#define ITEMS 3 /* in the queue before a take */
#define MINE  100
#define MANY  3 /* requests in one message */

/* What survivors found. */
static struct world {
	int64_t n, value;
	int first, second;    /* acquires */
	int items, item[100]; /* left in the queue */
	int taken;            /* by the victim */
} * w;

static struct mp_proxy dict, lock, queue;
static int descriptors, here; /* the server's descriptors, objects */

/* ---- the world: the server goes on, its objects are emptied ---- */

static void start_server(void)
{
	if (mp_manager_start(&manager, NULL) < 0)
		errx(1, "mp_manager_start");
	make(&dict, "dict");
	make(&lock, "lock");
	make(&queue, "queue");
	here = (int)mp_manager_count(&manager);
	descriptors = descriptors_of(server());
}

static void fresh(void)
{
	if (manager.client == NULL)
		start_server();
	if (mp_proxy_set(&dict, S("n"), I(0)) < 0 ||
	    mp_proxy_set(&dict, S("value"), I(1)) < 0)
		errx(1, "no server");
}

static void with_items(void)
{
	fresh();
	for (int i = 1; i <= ITEMS; i++)
		mp_proxy_put(&queue, I(i), 0);
}

/* ---- the victim ---- */

static void connected(void)
{
	mp_proxy_length(&dict);
}

static void with_lock(void)
{
	mp_proxy_acquire(&lock, -1);
}

static int add_one(void)
{
	return mp_proxy_add(&dict, S("n"), 1, NULL);
}

static int add_many(void)
{
	struct mp_any args[] = { S("n"), I(1) };
	int64_t id[MANY];
	int bad = 0;

	for (int i = 0; i < MANY; i++)
		id[i] = mp_proxy_send(&dict, "add", args, 2);
	for (int i = MANY; i-- > 0;)
		bad += mp_proxy_recv(&manager, id[i], NULL) != 0;
	return -bad;
}

static int set_value(void)
{
	return mp_proxy_set(&dict, S("value"), I(2));
}

static int acquire(void)
{
	return mp_proxy_acquire(&lock, -1);
}

static int release(void)
{
	return mp_proxy_release(&lock);
}

static int put_one(void)
{
	return mp_proxy_put(&queue, I(MINE), -1);
}

static int take_one(void)
{
	struct mp_any v;
	int status = mp_proxy_take(&queue, &v, -1);

	if (status == 0)
		w->taken = (int)v.i;
	return status;
}

/* A circle: the list refers to itself, and the dict to it for a while. */
static int create_and_close(void)
{
	struct mp_proxy a;
	int bad = mp_manager_create(&manager, &a, "list", NULL, 0);

	bad |= mp_proxy_append(&a, mp_proxy_any(&a));
	bad |= mp_proxy_set(&dict, S("of"), mp_proxy_any(&a));
	bad |= mp_proxy_close(&a);
	bad |= mp_proxy_pop(&dict, S("of"), &answer);
	return bad | mp_proxy_forget(&manager, answer);
}

static int leave(void)
{
	return mp_manager_close(&manager);
}

/* ---- others ---- */

enum { HOLDER };

static int holder(struct other *self)
{
	int status = mp_proxy_acquire(&lock, LONG);

	other_at(self, 1);
	other_until(self, 1);
	return status < 0 ? status : mp_proxy_release(&lock);
}

static int putter(struct other *self)
{
	(void)self;
	return mp_proxy_put(&queue, I(1), 0);
}

static void hold(void)
{
	other_start(HOLDER, holder);
	other_reach(HOLDER, 1);
}

static void held(void)
{
	fresh();
	hold();
}

static void let_go(int nth)
{
	(void)nth;
	other_go(HOLDER, 1);
}

static void bring(int nth)
{
	if (nth == 0)
		other_start(HOLDER, putter);
}

static void drain(void)
{
	struct mp_any v;

	w->items = 0;
	while (mp_proxy_take(&queue, &v, 0) == 0 && w->items < 100)
		w->item[w->items++] = (int)v.i;
}

/* All that a client can see.  The dead may not be known as dead yet: then the
 * lock is waited for. */
static int survive(struct other *self)
{
	(void)self;
	w->first = mp_proxy_acquire(&lock, LONG);
	if (w->first < 0 || mp_proxy_release(&lock) < 0)
		return 1;
	w->second = mp_proxy_acquire(&lock, LONG);
	if (w->second < 0 || mp_proxy_release(&lock) < 0)
		return 2;
	drain();
	if (mp_proxy_get(&dict, S("value"), &answer) < 0)
		return 3;
	w->value = answer.i;
	if (mp_proxy_add(&dict, S("n"), 0, &w->n) < 0)
		return 4;
	mp_proxy_delete(&dict, S("of"));
	return 0;
}

/* ---- what it left ---- */

static void check_server(const struct point *p)
{
	int64_t end = mp_clock_deadline(LONG);
	int status;

	if (other_started(HOLDER)) {
		other_go(HOLDER, 1);
		status = other_result(HOLDER);
		must(status == 0, "the other: %d", status);
	}
	status = other_run(survive);
	must(status == 0, "the survivor: %d (%d, %d)", status, w->first,
	     w->second);
	must(w->second == 0, "told twice");
	other_kill(HOLDER);
	other_kill(OTHERS - 1);
	while ((descriptors_of(server()) != descriptors ||
		mp_manager_count(&manager) != here) &&
	       mp_clock_left(end) > 0)
		sched_yield();
	must(descriptors_of(server()) == descriptors, "%d descriptors, not %d",
	     descriptors_of(server()), descriptors);
	must(mp_manager_count(&manager) == here, "%d objects, not %d",
	     (int)mp_manager_count(&manager), here);
	must(!p->over || p->result == 0, "the victim: %d", p->result);
}

static void check_add(const struct point *p)
{
	check_server(p);
	must(w->n == 0 || w->n == 1, "n is %d", (int)w->n);
	must(!p->over || w->n == 1, "an answered add was done");
}

/* They travel in one message: all or none. */
static void check_many(const struct point *p)
{
	check_server(p);
	must(w->n == 0 || w->n == MANY, "n is %d", (int)w->n);
	must(!p->over || w->n == MANY, "answered adds were done");
}

static void check_set(const struct point *p)
{
	check_server(p);
	must(w->value == 1 || w->value == 2, "value %d", (int)w->value);
	must(!p->over || w->value == 2, "an answered set was done");
}

static void check_acquire(const struct point *p)
{
	check_server(p);
	must(w->first == 0 || w->first == MP_OWNER_DIED, "%d", w->first);
	must(!p->over || w->first == MP_OWNER_DIED, "it died with the lock");
}

static void check_release(const struct point *p)
{
	check_server(p);
	must(w->first == 0 || w->first == MP_OWNER_DIED, "%d", w->first);
	must(p->step > 0 || w->first == MP_OWNER_DIED, "not released");
	must(!p->over || w->first == 0, "released");
}

static void check_put(const struct point *p)
{
	check_server(p);
	must(w->items <= 1, "%d items", w->items);
	must(w->items == 0 || w->item[0] == MINE, "item %d", w->item[0]);
	must(!p->over || w->items == 1, "an answered put was done");
}

static void check_rest(int from, int to)
{
	must(w->items == to - from + 1, "%d items", w->items);
	for (int i = 0; i < w->items; i++)
		must(w->item[i] == from + i, "item %d is %d", i, w->item[i]);
}

static void check_take(const struct point *p)
{
	check_server(p);
	must(w->taken == 0 || w->taken == 1, "it took %d", w->taken);
	if (p->over || w->taken || w->items < ITEMS)
		check_rest(2, ITEMS);
	else
		check_rest(1, ITEMS);
}

/* One was put after the victim had asked. */
static void check_take_late(const struct point *p)
{
	check_server(p);
	must(w->taken == 0 || w->taken == 1, "it took %d", w->taken);
	must(w->items + w->taken <= 1, "%d items", w->items);
	must(!p->over || w->taken == 1, "it took %d", w->taken);
}

/* clang-format off */
static const struct story stories[] = {
	{ .what = "come in by the door, add", .world = fresh,
	  .operation = add_one, .check = check_add, .ours = 1, .cold = 1 },
	{ .what = "set", .world = fresh, .before = connected,
	  .operation = set_value, .check = check_set, .ours = 1 },
	{ .what = "three adds in one message", .world = fresh,
	  .before = connected, .operation = add_many, .check = check_many,
	  .ours = 1 },
	{ .what = "acquire", .world = fresh, .before = connected,
	  .operation = acquire, .check = check_acquire, .ours = 1 },
	{ .what = "acquire, which waits", .world = held, .before = connected,
	  .operation = acquire, .awaken = let_go, .check = check_acquire,
	  .ours = 1 },
	{ .what = "release", .world = fresh, .before = with_lock,
	  .operation = release, .check = check_release, .ours = 1 },
	{ .what = "put", .world = fresh, .before = connected,
	  .operation = put_one, .check = check_put, .ours = 1 },
	{ .what = "take", .world = with_items, .before = connected,
	  .operation = take_one, .check = check_take, .ours = 1 },
	{ .what = "take, which waits", .world = fresh, .before = connected,
	  .operation = take_one, .awaken = bring, .check = check_take_late,
	  .ours = 1 },
	{ .what = "create, refer, forget, close", .world = fresh,
	  .before = connected, .operation = create_and_close,
	  .check = check_server, .ours = 1 },
	{ .what = "close the manager", .world = fresh, .before = with_lock,
	  .operation = leave, .check = check_acquire, .ours = 1 },
};
/* clang-format on */

int main(int argc, char **argv)
{
	w = kill_world(sizeof(*w));
	return kill_main(argc, argv, stories, COUNT(stories));
}
