/* The server of a manager is killed at instructions of its service: while it
 * lets clients in, serves calls that come alone and together, parks, answers,
 * sleeps.  Each client is told, -EPIPE, by the call that it is in or by the
 * next one, at once: here no client looks at the server's pidfd, and nobody has
 * a back-stop that would hide a wait.
 *
 * The victim runs the server's loop; its clients come by the door. */
#include "driver.h"

#include <sys/socket.h>

#include "managers.h"
#include "mp/manager-own.h"

static struct world {
	_Atomic int ready; /* clients that are done with their work */
} * w;

static int door[2], clients;
static struct mp_server served;
static struct mp_proxy dict, lock, queue, event;

/* ---- the victim ---- */

static void make_door(void)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, door) < 0)
		err(1, "socketpair");
}

/* Objects that are there from the beginning: place 0, 1, 2, 3. */
static void make_object(const char *type)
{
	struct mp_object *o = mp_object_make(
		&served, mp_verbs_find(&served, mp_any_str(type)));

	o->made = true;
	o->held = 1;
}

static void prepare(void)
{
	static const struct mp_manager_options none;

	close(door[0]);
	if (mp_server_init(&served, &none, door[1]) < 0)
		_exit(1);
	make_object("dict");
	make_object("lock");
	make_object("queue");
	make_object("event");
}

static int serve(void)
{
	mp_server_run(&served);
	mp_server_end(&served);
	return 0;
}

/* ---- clients; 0: the server was gone, and they were told ---- */

static int come_in(void)
{
	struct mp_manager_client way = { .door = door[0], .server = -1 };

	mp_backstop_set(0);
	dict = lock = queue = event = (struct mp_proxy){ .manager = &manager };
	dict.handle = 1 * MP_OBJECT_PLACES;
	lock.handle = dict.handle + 1;
	queue.handle = dict.handle + 2;
	event.handle = dict.handle + 3;
	return mp_channel_connect(&manager, &way, LONG);
}

/* The calls after one that said -EPIPE say so, too. */
static int told(int error)
{
	if (error != -EPIPE)
		return error == 0 ? -1000 : error;
	if (mp_proxy_length(&dict) != -EPIPE ||
	    mp_proxy_acquire(&lock, -1) != -EPIPE ||
	    mp_manager_alive(&manager) != 0)
		return -1001;
	return mp_manager_close(&manager);
}

/* It is never set. */
static int wait_for_ever(int error)
{
	atomic_fetch_add(&w->ready, 1);
	while (error == 0)
		error = mp_proxy_wait(&event, -1);
	return told(error);
}

static int add_together(void)
{
	struct mp_any one[] = { S("n"), I(1) };
	int64_t id[2];
	int error = 0;

	for (int i = 0; i < 2 && error == 0; i++) {
		id[i] = mp_proxy_send(&dict, "add", one, 2);
		error = id[i] < 0 ? (int)id[i] : 0;
	}
	for (int i = 0; i < 2 && error == 0; i++)
		error = mp_proxy_recv(&manager, id[i], NULL);
	return error;
}

static int worker(struct other *self)
{
	int error = come_in();

	(void)self;
	if (error == 0)
		error = mp_proxy_add(&dict, S("n"), 1, NULL);
	if (error == 0)
		error = add_together();
	if (error == 0)
		error = mp_proxy_put(&queue, I(1), -1);
	return wait_for_ever(error);
}

static int putter(struct other *self)
{
	int error = come_in();

	(void)self;
	if (error == 0)
		error = mp_proxy_put(&queue, I(2), -1);
	return wait_for_ever(error);
}

static int taker(struct other *self)
{
	int error = come_in();

	(void)self;
	if (error == 0)
		error = mp_proxy_take(&queue, NULL, -1);
	return wait_for_ever(error);
}

static int holder(struct other *self)
{
	int error = come_in();

	(void)self;
	if (error == 0)
		error = mp_proxy_acquire(&lock, -1);
	if (error == 0)
		error = mp_proxy_release(&lock);
	return wait_for_ever(error);
}

/* When the others are done it has the server end. */
static int ender(struct other *self)
{
	struct mp_manager_client *c = NULL;
	int error;

	(void)self;
	await(atomic_load(&w->ready) == clients);
	error = come_in();
	if (error == 0)
		error = mp_channel_get(&manager, &c);
	if (error == 0)
		mp_channel_request(c, 0, "shutdown", NULL, 0, true);
	if (error == 0)
		error = mp_channel_flush(c);
	return wait_for_ever(error);
}

/* n of them, and who ends it. */
static void come(int n, int (*a)(struct other *), int (*b)(struct other *))
{
	close(door[1]);
	clients = n;
	other_start(0, a);
	if (n == 2)
		other_start(1, b);
	other_start(n, ender);
	close(door[0]);
}

static void one_works(void)
{
	come(1, worker, NULL);
}

static void two_take(void)
{
	come(2, taker, putter);
}

static void two_lock(void)
{
	come(2, holder, holder);
}

static void check(const struct point *p)
{
	int result;

	for (int i = 0; i <= clients; i++) {
		result = other_result(i);
		must(result == 0, "client %d: %d", i, result);
	}
	must(!p->over || p->result == 0, "the server: %d", p->result);
}

/* clang-format off */
static const struct story stories[] = {
	{ .what = "one client: calls, alone and together", .world = make_door,
	  .before = prepare, .others = one_works, .operation = serve,
	  .check = check, .ours = 1 },
	{ .what = "one takes from a queue, one puts", .world = make_door,
	  .before = prepare, .others = two_take, .operation = serve,
	  .check = check, .ours = 1 },
	{ .what = "two want a lock", .world = make_door,
	  .before = prepare, .others = two_lock, .operation = serve,
	  .check = check, .ours = 1 },
};
/* clang-format on */

int main(int argc, char **argv)
{
	w = kill_world(sizeof(*w));
	return kill_main(argc, argv, stories, COUNT(stories));
}
