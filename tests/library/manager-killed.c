/* Clients that are killed while they hold something, or wait; servers that are
 * killed, or shut down, while clients wait; a starter that is killed.
 */
#include "managers-waiting.h"

/* What clients share. */
static struct board {
	_Atomic int held, server, client, n;
} * board;

static struct mp_proxy q;
static char address[64];

/* ---- a client's locks ---- */

/* Have what the test says, and wait for the end. */
static int holds(long times)
{
	int bad = 0;

	while (times-- > 0)
		bad += mp_proxy_acquire(&p, -1) != 0;
	atomic_store(&board->held, bad == 0 ? 1 : -1);
	return wait_for_kill();
}

static pid_t holder(int times)
{
	pid_t pid;

	atomic_store(&board->held, 0);
	pid = start(holds, times);
	await(atomic_load(&board->held));
	if (board->held < 0)
		errx(1, "acquire failed");
	return pid;
}

static int acquires(long timeout_ns)
{
	int64_t from = mp_clock_now();
	int status = mp_proxy_acquire(&p, timeout_ns);

	if (status >= 0 && mp_proxy_release(&p) != 0)
		return 50;
	return timely(from, status);
}

static void locks(const char *type, int times)
{
	pid_t pid, waiter;

	make(&p, type);
	pid = holder(times);
	is(mp_proxy_acquire(&p, 0), -ETIMEDOUT, "a %s is held", type);
	killed(pid);
	is(mp_proxy_acquire(&p, LONG), MP_OWNER_DIED,
	   "its owner is killed: the next is told");
	is(mp_proxy_release(&p), 0, "releases it");
	is(mp_proxy_acquire(&p, 0), 0, "and that is the end of it");
	is(mp_proxy_release(&p), 0, "release");

	pid = holder(times);
	waiter = start_parked(acquires, -1);
	killed(pid);
	is(end_of(waiter), MP_OWNER_DIED, "one that waits is told at once");
	is(end_of(start(acquires, 0)), 0, "the one after it is not");

	pid = holder(times);
	waiter = start_parked(acquires, -1);
	strike(waiter);
	waiter = start_parked(acquires, LONG);
	killed(pid);
	is(end_of(waiter), MP_OWNER_DIED,
	   "one that was killed in the queue is passed over");
	mp_proxy_close(&p);
}

/* An end without a release is the same. */
static int leaves_it(long unused)
{
	(void)unused;
	return mp_proxy_acquire(&p, -1);
}

static int closes_it(long unused)
{
	(void)unused;
	if (mp_proxy_acquire(&p, -1) != 0)
		return 1;
	mp_manager_close(&manager);
	atomic_store(&board->held, 1);
	return wait_for_kill();
}

static void left_locks(void)
{
	pid_t pid;

	make(&p, "lock");
	is(end_of(start(leaves_it, 0)), 0, "an owner ends");
	is(mp_proxy_acquire(&p, LONG), MP_OWNER_DIED, "the next is told");
	is(mp_proxy_release(&p), 0, "release");
	atomic_store(&board->held, 0);
	pid = start(closes_it, 0);
	await(atomic_load(&board->held));
	is(mp_proxy_acquire(&p, LONG), MP_OWNER_DIED,
	   "an owner closes its manager");
	is(mp_proxy_release(&p), 0, "release");
	killed(pid);
	mp_proxy_close(&p);
}

static struct mp_proxy many[20];

static int holds_many(long unused)
{
	(void)unused;
	for (int i = 0; i < 20; i++)
		if (mp_proxy_acquire(&many[i], -1) != 0)
			return 1;
	atomic_store(&board->held, 1);
	return wait_for_kill();
}

static void many_locks(void)
{
	int bad = 0;
	pid_t pid;

	for (int i = 0; i < 20; i++)
		make(&many[i], i % 2 ? "lock" : "rlock");
	atomic_store(&board->held, 0);
	pid = start(holds_many, 0);
	await(atomic_load(&board->held));
	killed(pid);
	for (int i = 0; i < 20; i++)
		bad += mp_proxy_acquire(&many[i], LONG) != MP_OWNER_DIED ||
		       mp_proxy_release(&many[i]) != 0;
	is(bad, 0, "the owner of 20 locks is killed");
	for (int i = 0; i < 20; i++)
		mp_proxy_close(&many[i]);
}

/* A child of the owner is another client, and does not keep it alive. */
static int sleeps(long unused)
{
	(void)unused;
	atomic_store(&board->n, mp_proxy_release(&p));
	return wait_for_kill();
}

static int holds_and_forks(long unused)
{
	(void)unused;
	if (mp_proxy_acquire(&p, -1) != 0)
		return 1;
	/* Without a word it would not be seen as a client. */
	if (fork() == 0) {
		atomic_store(&board->client, getpid());
		sleeps(0);
	}
	await(atomic_load(&board->n) != 0);
	atomic_store(&board->held, 1);
	return wait_for_kill();
}

static void heirs(void)
{
	pid_t pid;

	make(&p, "lock");
	memset(board, 0, sizeof(*board));
	pid = start(holds_and_forks, 0);
	await(atomic_load(&board->held));
	is(board->n, -EPERM, "a child of the owner is not the owner");
	killed(pid);
	is(mp_proxy_acquire(&p, LONG), MP_OWNER_DIED,
	   "the owner is killed, its child lives: the next is told");
	is(mp_proxy_release(&p), 0, "release");
	kill(board->client, SIGKILL);
	gone(board->client);
	mp_proxy_close(&p);
}

static int takes_two(long unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++)
		if (mp_proxy_acquire(&p, -1) != 0)
			return 1;
	return 0;
}

/* Nobody owns the units of a semaphore. */
static void units(void)
{
	make(&p, "semaphore", I(3));
	is(end_of(start(takes_two, 0)), 0, "who took two units ends");
	await(idle());
	said(&p, "value -> 1");
	mp_proxy_close(&p);
}

/* ---- a client that waits ---- */

static void killed_in(const struct way *w)
{
	pid_t pid;

	open_way(w);
	for (int timed = 0; timed < 2; timed++) {
		pid = start_parked(waits, timed ? LONG : -1);
		strike(pid);
		said(&p, w->trace);
		is(asked(w->end), 0, "%s: killed in it", w->what);
		is(end_of(start(waits, 0)), 0, "what it did not get is there");
		asked(w->restore);
	}
	close_way();
}

/* With as many requests as may wait, of more than one object. */
static int waits_often(long n)
{
	for (long i = 0; i < n; i++) {
		mp_proxy_send(&p, "get", NULL, 0);
		mp_proxy_send(&q, "acquire", NULL, 0);
	}
	return mp_proxy_take(&p, NULL, -1);
}

static void killed_in_many(void)
{
	pid_t pid;
	int bad = 0;

	make(&p, "queue");
	make(&q, "semaphore", I(0));
	pid = start_parked(waits_often, 30);
	strike(pid);
	for (int i = 0; i < 31; i++)
		bad += mp_proxy_put(&p, I(i), 0);
	said(&q, "release 31");
	said(&p, "qsize -> 31");
	said(&q, "value -> 31");
	is(bad, 0, "killed with 61 requests that wait");
	mp_proxy_close(&p);
	mp_proxy_close(&q);
}

static int waits_notified(long unused)
{
	int status = mp_proxy_acquire(&p, -1);

	(void)unused;
	if (status != 0)
		return status;
	status = mp_proxy_wait(&p, -1);
	return mp_proxy_release(&p) != 0 ? 50 : status;
}

static void killed_in_conditions(void)
{
	pid_t first, second;

	make(&p, "condition");
	first = start_parked(waits_notified, 0);
	second = start_parked(waits_notified, 0);
	strike(first);
	said(&p, "acquire");
	said(&p, "notify");
	said(&p, "release");
	is(end_of(second), 0, "wait of a condition: the next is notified");
	/* Notified, and killed before it has the lock. */
	first = start_parked(waits_notified, 0);
	second = start_parked(waits_notified, 0);
	said(&p, "acquire");
	said(&p, "notify 2");
	await(idle());
	strike(first);
	said(&p, "release");
	is(end_of(second), 0, "killed when notified: the lock goes on");
	/* The notification, too. */
	first = start_parked(waits_notified, 0);
	second = start_parked(waits_notified, 0);
	said(&p, "acquire");
	said(&p, "notify");
	strike(first);
	said(&p, "release");
	is(end_of(second), 0, "and the next one is notified instead");
	said(&p, "acquire");
	said(&p, "release");
	mp_proxy_close(&p);
}

static int meets(long timeout_ns)
{
	return timely(mp_clock_now(), mp_proxy_wait(&p, timeout_ns));
}

static void killed_in_barriers(void)
{
	pid_t pid, waiter;

	make(&p, "barrier", I(3));
	waiter = start_parked(meets, -1);
	pid = start_parked(meets, -1);
	strike(pid);
	is(end_of(waiter), -ECANCELED, "a barrier is broken for who waits");
	said(&p, "broken -> true");
	said(&p, "wait -> ECANCELED");
	said(&p, "reset");
	said(&p, "n_waiting -> 0");
	mp_proxy_close(&p);
}

/* ---- what a client had sent ---- */

static int sends_and_dies(long n)
{
	for (long i = 0; i < n; i++)
		mp_proxy_send(&q, "append", ARGUMENTS(I(i)));
	/* This one is answered, so all before are done. */
	mp_proxy_length(&q);
	for (long i = 0; i < n; i++)
		mp_proxy_send(&q, "append", ARGUMENTS(I(n + i)));
	raise(SIGKILL);
	return 0;
}

static void sent(void)
{
	int64_t n;

	make(&q, "list");
	is(end_of(start(sends_and_dies, 100)), 1000 + SIGKILL,
	   "a client is killed in the middle of a batch");
	await(idle());
	n = mp_proxy_length(&q);
	ok(n == 100 || n == 200, "what was sent is done (%d)", (int)n);
	mp_proxy_close(&q);
}

/* Each is killed at some moment of a life full of requests. */
_Noreturn static int works(long unused)
{
	struct mp_proxy mine;

	(void)unused;
	for (;;) {
		mp_manager_create(&manager, &mine, "list", NULL, 0);
		mp_proxy_append(&mine, mp_proxy_any(&q));
		mp_proxy_acquire(&p, -1);
		mp_proxy_add(&q, S("n"), 1, NULL);
		mp_proxy_set(&q, I(getpid()), mp_proxy_any(&mine));
		atomic_fetch_add(&board->n, 1);
		mp_proxy_release(&p);
		mp_proxy_delete(&q, I(getpid()));
		mp_proxy_close(&mine);
	}
}

static void in_any_moment(void)
{
	pid_t pid[4];
	int n;

	make(&p, "lock");
	make(&q, "dict");
	atomic_store(&board->n, 0);
	for (int i = 0; i < 4; i++)
		pid[i] = start(works, 0);
	for (int i = 0; i < 60; i++) {
		n = atomic_load(&board->n);
		await(atomic_load(&board->n) != n);
		usleep(100 * (useconds_t)(i % 7));
		killed(pid[i % 4]);
		pid[i % 4] = start(works, 0);
	}
	for (int i = 0; i < 4; i++)
		killed(pid[i]);
	await(idle());
	is(mp_proxy_acquire(&p, LONG) < 0 || mp_proxy_release(&p) != 0, 0,
	   "64 clients are killed at any moment: the lock is free");
	/* What was put there, and not taken away any more. */
	ask(&q, "clear");
	is(objects(), 2, "and nothing of them is left");
	mp_proxy_close(&p);
	mp_proxy_close(&q);
}

/* ---- a server that ends ---- */

static int meets_or_waits(long i)
{
	int64_t from = mp_clock_now();
	int status;

	if (i < WAYS) {
		p = many[i];
		way = &ways[i];
		status = asked(way->wait);
	} else if (i == WAYS) {
		p = many[i];
		status = mp_proxy_wait(&p, -1);
	} else {
		p = many[i];
		status = mp_proxy_acquire(&p, -1);
		if (status == 0)
			status = mp_proxy_wait(&p, -1);
	}
	if (status != -EPIPE)
		return timely(from, status);
	/* Later calls, too. */
	if (mp_proxy_length(&p) != -EPIPE || mp_proxy_release(&p) != -EPIPE ||
	    mp_manager_count(&manager) != -EPIPE ||
	    mp_manager_alive(&manager) != 0)
		return 51;
	return timely(from, status);
}

/* The same as a stranger, by the address. */
static int as_stranger(long i)
{
	struct mp_manager_options o = { .address = address };
	struct mp_manager mine;
	uint64_t handle = many[i].handle;

	if (mp_manager_connect(&mine, &o, LONG) != 0 ||
	    mp_proxy_adopt(&many[i], &mine, handle) != 0)
		return 52;
	/* manager.h: handles may not be copied, but many[] points to mine. */
	if (mp_manager_close(&manager) != 0)
		return 53;
	return meets_or_waits(i) == -EPIPE ? -EPIPE : 54;
}

static void server_ends(int how, int (*client)(long))
{
	enum { N = WAYS + 2 };
	static const char *const hows[] = { "killed", "terminated",
					    "shut down" };
	struct mp_manager_options o = { .address = address };
	pid_t pid[N], server_pid;
	int bad = 0;

	open_manager(&o);
	server_pid = server();
	for (int i = 0; i < WAYS; i++) {
		open_way(&ways[i]);
		many[i] = p;
	}
	make(&many[WAYS], "barrier", I(2));
	make(&many[WAYS + 1], "condition");
	for (int i = 0; i < N; i++) {
		pid[i] = start(client, i);
		await(asleep(pid[i]));
	}
	await(idle());
	for (int i = 0; i < N; i++)
		await(parked(pid[i]));
	if (how == 0)
		kill(server_pid, SIGKILL);
	else if (how == 1)
		kill(server_pid, SIGTERM);
	else
		is(mp_manager_shutdown(&manager), 0, "shutdown");
	for (int i = 0; i < N; i++) {
		int status = end_of(pid[i]);

		if (status != -EPIPE)
			printf("# %s: %s\n",
			       i < WAYS    ? ways[i].what
			       : i == WAYS ? "barrier"
					   : "condition",
			       status_text(status));
		bad += status != -EPIPE;
	}
	is(bad, 0, "the server is %s: all that wait are told (%s)", hows[how],
	   client == as_stranger ? "strangers" : "children");
	is(mp_proxy_get(&many[0], I(0), NULL), -EPIPE, "so is its starter");
	is(mp_manager_alive(&manager), 0, "it is not alive");
	is(mp_manager_shutdown(&manager), 0, "shutdown");
	ok(childless(), "nobody is left");
	unlink(address);
}

/* One that says nothing for a while learns it at its next call. */
static void server_gone(void)
{
	int64_t id;
	int bad = 0;

	open_manager(NULL);
	make(&p, "queue");
	id = mp_proxy_send(&p, "get", NULL, 0);
	mp_proxy_send(&p, "get", NULL, 0);
	is(mp_proxy_length(&p), -EOPNOTSUPP, "the server is there");
	kill(server(), SIGKILL);
	is(mp_proxy_recv(&manager, id, &answer), -EPIPE,
	   "it is killed: a request under way is told");
	is(mp_proxy_put(&p, NIL, -1), -EPIPE, "and any other");
	for (int i = 0; i < 1000; i++) {
		bad += mp_proxy_length(&p) != -EPIPE;
		id = mp_proxy_send(&p, "get", NULL, 0);
		bad += id != -EPIPE &&
		       mp_proxy_recv(&manager, id, NULL) != -EPIPE;
	}
	for (int i = 0; i < 1000; i++)
		mp_proxy_send(&p, "get", NULL, 0);
	is(bad, 0, "however often it asks");
	is(mp_manager_shutdown(&manager), 0, "shutdown");
	ok(childless(), "nobody is left");
}

/* A server that stands still is no server any more, a second later. */
static void server_stopped(void)
{
	int64_t from;

	open_manager(NULL);
	stop(server());
	from = mp_clock_now();
	is(mp_manager_shutdown(&manager), 0, "one that is stopped");
	ok(mp_clock_now() - from >= 900 * MS, "has a second");
	ok(childless(), "and is killed");
}

/* ---- a client that stands still ---- */

static void stopped_client(void)
{
	int bad = 0;
	pid_t pid;

	open_way(&ways[5]);
	make(&q, "dict");
	pid = start_parked(waits, -1);
	stop(pid);
	mp_proxy_put(&p, NIL, 0);
	for (int i = 0; i < 1000; i++)
		bad += mp_proxy_set(&q, I(i), I(i)) != 0;
	is(bad, 0, "a client is stopped, others are served");
	kill(pid, SIGCONT);
	is(end_of(pid), 0, "it goes on");
	mp_proxy_close(&q);
	mp_proxy_close(&p);
}

/* ---- the starter ---- */

/* The client that waits is not the starter's: it outlives it. */
static int waits_for_end(long unused)
{
	(void)unused;
	prctl(PR_SET_PDEATHSIG, 0);
	atomic_store(&board->n, mp_proxy_take(&p, NULL, -1));
	return 0;
}

static int starts_and_waits(long unused)
{
	pid_t pid;

	(void)unused;
	open_manager(NULL);
	make(&p, "queue");
	pid = start_parked(waits_for_end, 0);
	atomic_store(&board->client, pid);
	atomic_store(&board->server, server());
	return wait_for_kill();
}

static void starter_killed(void)
{
	pid_t pid;

	memset(board, 0, sizeof(*board));
	pid = start(starts_and_waits, 0);
	await(atomic_load(&board->server));
	is(board->n, 0, "a client waits");
	killed(pid);
	ok(gone(board->server), "the starter is killed: the server is gone");
	await(atomic_load(&board->n) != 0);
	is(board->n, -EPIPE, "and the client is told");
	ok(gone(board->client), "it ends");
}

static int starts_and_ends(long by_exit)
{
	open_manager(NULL);
	make(&p, "queue");
	atomic_store(&board->server, server());
	if (by_exit)
		exit(3);
	return 3;
}

static void starter_ends(void)
{
	for (int by_exit = 0; by_exit < 2; by_exit++) {
		memset(board, 0, sizeof(*board));
		is(end_of(start(starts_and_ends, by_exit)), 3,
		   "the starter ends by %s", by_exit ? "exit" : "_exit");
		ok(gone(board->server), "the server is gone");
	}
}

static int starts_in_thread(long unused)
{
	(void)unused;
	open_manager(NULL);
	return 0;
}

static void starter_thread(void)
{
	pid_t pid;

	in_thread(starts_in_thread, 0);
	pid = server();
	ok(gone(pid), "the thread that started it ends: so does the server");
	mp_manager_shutdown(&manager);
	ok(childless(), "nobody is left");
}

int main(void)
{
	int before = tap_descriptors();
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	mp_backstop_set(0);
	board = share(sizeof(*board));
	snprintf(address, sizeof(address), "@rawmp-test-%d", (int)getpid());
	open_manager(NULL);
	locks("lock", 1);
	locks("rlock", 3);
	locks("condition", 1);
	left_locks();
	many_locks();
	heirs();
	units();
	for (int i = 0; i < WAYS; i++)
		killed_in(&ways[i]);
	killed_in_many();
	killed_in_conditions();
	killed_in_barriers();
	sent();
	in_any_moment();
	stopped_client();
	is(objects(), 0, "no object is left");
	close_manager();
	for (int how = 0; how < 3; how++) {
		server_ends(how, meets_or_waits);
		server_ends(how, as_stranger);
	}
	server_gone();
	server_stopped();
	starter_killed();
	starter_ends();
	starter_thread();
	ok(childless(), "no process is left");
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
