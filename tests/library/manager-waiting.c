/* Requests that wait: until they are served, for a while, until a signal comes;
 * in what order, and what goes on meanwhile.
 */
#include "managers-waiting.h"

/* What clients share. */
static struct board {
	_Atomic int go, held, n;
	_Atomic int order[100];
} * board;

static struct mp_proxy other;

/* ---- every way to wait ---- */

static void on_usr1(int sig)
{
	(void)sig;
	atomic_fetch_add(&board->n, 1);
}

static int waits_interrupted(long timeout_ns)
{
	handle(SIGUSR1, on_usr1, 0);
	return waits(timeout_ns);
}

static void served(const struct way *w)
{
	pid_t pid;

	open_way(w);
	pid = start_parked(waits, -1);
	is(asked(w->end), 0, "%s: the wait", w->what);
	is(end_of(pid), 0, "is over");
	asked(w->restore);
	pid = start_parked(waits, LONG);
	asked(w->end);
	is(end_of(pid), 0, "also with a time limit");
	asked(w->restore);
	close_way();
}

static int waits_a_while(long ms)
{
	int64_t from = mp_clock_now();
	int status = wait_with(ms * MS);

	if (mp_clock_now() - from < ms * MS)
		return 98;
	return timely(from, status);
}

static void timed_out(const struct way *w)
{
	pid_t pid[5];
	int bad = 0;

	open_way(w);
	is(end_of(start(waits_a_while, 0)), -ETIMEDOUT, "%s: at once", w->what);
	is(end_of(start(waits_a_while, 20)), -ETIMEDOUT, "within 20 ms");
	for (int i = 0; i < 5; i++)
		pid[i] = start(waits_a_while, 10 + i % 3);
	for (int i = 0; i < 5; i++)
		bad += end_of(pid[i]) != -ETIMEDOUT;
	is(bad, 0, "five of them");
	said(&p, w->trace);
	/* Nobody who has given up takes what comes now. */
	asked(w->end);
	is(end_of(start(waits, 0)), 0, "and leave no trace");
	asked(w->restore);
	close_way();
}

static void interrupted(const struct way *w)
{
	bool goes_on = strcmp(w->wait, "acquire") == 0;
	pid_t pid;

	open_way(w);
	for (int timed = 0; timed < 2; timed++) {
		atomic_store(&board->n, 0);
		pid = start_parked(waits_interrupted, timed ? LONG : -1);
		kill(pid, SIGUSR1);
		await(atomic_load(&board->n) == 1);
		if (!goes_on) {
			is(end_of(pid), -EINTR, "%s: a signal ends it",
			   w->what);
			await(idle());
			said(&p, w->trace);
			asked(w->end);
			is(end_of(start(waits, 0)), 0,
			   "and it leaves no trace");
			asked(w->restore);
			continue;
		}
		await(parked(pid));
		kill(pid, SIGUSR1);
		await(atomic_load(&board->n) == 2 && parked(pid));
		asked(w->end);
		is(end_of(pid), 0, "%s: goes on after a signal", w->what);
		asked(w->restore);
	}
	close_way();
}

/* Signals every 2 ms while others end the wait. */
static int waits_in_a_storm(long unused)
{
	int bad = 0, status;

	(void)unused;
	signals(true);
	for (int i = 0; i < 20; i++) {
		while ((status = wait_with(-1)) == -EINTR)
			;
		bad += status != 0;
		give_back();
		atomic_fetch_add(&board->n, 1);
	}
	signals(false);
	return bad;
}

static void storm(const struct way *w)
{
	pid_t pid;

	open_way(w);
	atomic_store(&board->n, 0);
	pid = start(waits_in_a_storm, 0);
	for (int i = 0; i < 20; i++) {
		usleep(3000);
		asked(w->end);
		await(atomic_load(&board->n) > i);
		asked(w->restore);
	}
	is(end_of(pid), 0, "%s: 20 times in a storm of signals", w->what);
	said(&p, w->trace);
	close_way();
}

/* ---- order ---- */

static int takes_number(long number)
{
	int status = wait_with(-1);

	atomic_store(&board->order[atomic_fetch_add(&board->n, 1)],
		     (int)number);
	give_back();
	return status;
}

static void in_order(const struct way *w)
{
	enum { N = 6 };
	bool one = strstr(w->create, "lock") != NULL;
	pid_t pid[N];
	int bad = 0;

	open_way(w);
	atomic_store(&board->n, 0);
	for (int i = 0; i < N; i++)
		pid[i] = start_parked(takes_number, i);
	/* The third goes away, and the others move up. */
	strike(pid[2]);
	for (int i = 0; i < (one ? 1 : N - 1); i++) {
		asked(w->end);
		await(atomic_load(&board->n) > i);
	}
	for (int i = 0; i < N; i++)
		bad += i != 2 && end_of(pid[i]) != 0;
	for (int i = 0; i < N - 1; i++)
		bad += board->order[i] != (i < 2 ? i : i + 1);
	is(bad, 0, "%s: in the order they came", w->what);
	asked(w->restore);
	close_way();
}

/* ---- conditions ---- */

static int waits_notified(long number)
{
	int status = mp_proxy_acquire(&p, -1);

	if (status != 0)
		return 50;
	status = mp_proxy_wait(&p, number < 0 ? LONG : -1);
	atomic_store(&board->order[atomic_fetch_add(&board->n, 1)],
		     (int)number);
	return mp_proxy_release(&p) != 0 ? 51 : status;
}

static void notified(void)
{
	enum { N = 6 };
	pid_t pid[N];
	int bad = 0;

	make(&p, "condition");
	atomic_store(&board->n, 0);
	for (int i = 0; i < N; i++)
		pid[i] = start_parked(waits_notified, i);
	said(&p, "acquire");
	said(&p, "notify");
	await(idle());
	is(board->n, 0, "who is notified waits for the lock");
	said(&p, "release");
	is(end_of(pid[0]), 0, "the first is notified");
	await(idle());
	is(board->n, 1, "no other");
	said(&p, "acquire");
	said(&p, "notify 2");
	said(&p, "release");
	is(end_of(pid[1]) | end_of(pid[2]), 0, "the next two");
	await(idle());
	is(board->n, 3, "no other");
	said(&p, "acquire");
	said(&p, "notify_all");
	said(&p, "release");
	for (int i = 3; i < N; i++)
		bad += end_of(pid[i]);
	is(bad, 0, "all others");
	for (int i = 0; i < N; i++)
		bad += board->order[i] != i;
	is(bad, 0, "in the order they came");
	/* Nobody waits: a notify is not kept. */
	said(&p, "acquire");
	said(&p, "notify");
	said(&p, "wait 1000000 -> ETIMEDOUT");
	said(&p, "release");
	mp_proxy_close(&p);
}

/* A wait gives the lock free, and has it again at its end, even when it ends by
 * its time. */
static int waits_and_owns(long timeout_ns)
{
	int status = mp_proxy_acquire(&p, -1), error;

	if (status != 0)
		return 50;
	error = mp_proxy_wait(&p, timeout_ns);
	status = ask(&other, "locked");
	if (status != 0 || !answer.boolean)
		return 51;
	return mp_proxy_release(&p) != 0 ? 52 : error;
}

static void waits_for_the_lock(void)
{
	pid_t pid;

	make(&other, "lock");
	make(&p, "condition", mp_proxy_any(&other));
	pid = start_parked(waits_and_owns, 20 * MS);
	said(&other, "acquire");
	/* Its time is over, but the lock is not free. */
	usleep(30000);
	await(parked(pid));
	said(&other, "release");
	is(end_of(pid), -ETIMEDOUT, "a wait that ends late has the lock");
	said(&other, "locked -> false");
	pid = start_parked(waits_and_owns, -1);
	said(&other, "locked -> false");
	said(&p, "acquire");
	said(&p, "notify");
	await(parked(pid));
	said(&p, "release");
	is(end_of(pid), 0, "one that is notified, too");
	mp_proxy_close(&p);
	mp_proxy_close(&other);
}

static int interrupted_wait(long unused)
{
	int status;

	(void)unused;
	handle(SIGUSR1, on_usr1, 0);
	mp_proxy_acquire(&p, -1);
	status = mp_proxy_wait(&p, -1);
	return mp_proxy_release(&p) != 0 ? 52 : status;
}

static void condition_interrupted(void)
{
	pid_t pid;

	make(&p, "condition");
	pid = start_parked(interrupted_wait, 0);
	kill(pid, SIGUSR1);
	is(end_of(pid), -EINTR, "a signal ends a wait, and the lock is had");
	said(&p, "acquire");
	said(&p, "notify");
	said(&p, "release");
	mp_proxy_close(&p);
}

/* All that was acquired is free in a wait, and all of it is back after it. */
static int waits_deep(long unused)
{
	int status;

	(void)unused;
	for (int i = 0; i < 3; i++)
		mp_proxy_acquire(&p, -1);
	status = mp_proxy_wait(&p, -1);
	for (int i = 0; i < 3; i++)
		if (mp_proxy_release(&p) != 0)
			return 50;
	return mp_proxy_release(&p) == -EPERM ? status : 51;
}

static void deep_lock(void)
{
	pid_t pid;

	make(&other, "rlock");
	make(&p, "condition", mp_proxy_any(&other));
	pid = start_parked(waits_deep, 0);
	said(&other, "locked -> false");
	said(&p, "acquire");
	said(&p, "notify_all");
	said(&p, "release");
	is(end_of(pid), 0, "an rlock, acquired three times");
	mp_proxy_close(&p);
	mp_proxy_close(&other);
}

/* ---- barriers ---- */

static int meets(long rounds)
{
	int bad = 0, which;

	while (rounds-- > 0) {
		which = mp_proxy_wait(&p, LONG);
		if (which < 0)
			return which;
		atomic_fetch_add(&board->order[which], 1);
		bad += which > 3;
	}
	return bad;
}

static int meets_once(long timeout_ns)
{
	return mp_proxy_wait(&p, timeout_ns);
}

static void barriers(void)
{
	pid_t pid[4];
	int bad = 0;

	make(&p, "barrier", I(4));
	memset(board, 0, sizeof(*board));
	for (int i = 0; i < 4; i++)
		pid[i] = start(meets, 50);
	for (int i = 0; i < 4; i++)
		bad += end_of(pid[i]) != 0;
	for (int i = 0; i < 4; i++)
		bad += board->order[i] != 50;
	is(bad, 0, "50 times four meet, and each is each");
	said(&p, "n_waiting -> 0");
	for (int i = 0; i < 3; i++) {
		pid[i] = start_parked(meets_once, -1);
		ask(&p, "n_waiting");
		is(answer.i, i + 1, "%d wait", i + 1);
	}
	said(&p, "abort");
	for (int i = 0; i < 3; i++)
		is(end_of(pid[i]), -ECANCELED, "abort tells one that waits");
	said(&p, "broken -> true");
	said(&p, "wait -> ECANCELED");
	said(&p, "reset");
	said(&p, "broken -> false");
	pid[0] = start_parked(meets_once, -1);
	said(&p, "reset");
	is(end_of(pid[0]), -ECANCELED, "reset tells one that waits");
	said(&p, "broken -> false");
	pid[0] = start_parked(meets_once, -1);
	is(end_of(start(meets_once, 10 * MS)), -ETIMEDOUT,
	   "one does not wait any longer");
	is(end_of(pid[0]), -ECANCELED, "and breaks it for the other");
	said(&p, "broken -> true");
	mp_proxy_close(&p);
}

/* Who is interrupted has never come. */
static int meets_interrupted(long unused)
{
	(void)unused;
	handle(SIGUSR1, on_usr1, 0);
	return mp_proxy_wait(&p, -1);
}

static void barrier_interrupted(void)
{
	pid_t pid;

	make(&p, "barrier", I(2));
	pid = start_parked(meets_interrupted, 0);
	kill(pid, SIGUSR1);
	is(end_of(pid), -EINTR, "a signal ends a wait at a barrier");
	await(idle());
	said(&p, "n_waiting -> 0");
	said(&p, "broken -> false");
	pid = start_parked(meets_once, -1);
	is(mp_proxy_wait(&p, LONG), 1, "two others meet");
	is(end_of(pid), 0, "each has its number");
	mp_proxy_close(&p);
}

/* ---- queues ---- */

static int gets_number(long unused)
{
	(void)unused;
	if (mp_proxy_take(&p, &answer, -1) != 0)
		return 99;
	return (int)answer.i;
}

static int puts_number(long number)
{
	return mp_proxy_put(&p, I(number), LONG);
}

static void queues(void)
{
	pid_t pid[5];
	int bad = 0;

	make(&p, "queue", I(2));
	for (int i = 0; i < 5; i++)
		pid[i] = start_parked(gets_number, 0);
	for (int i = 0; i < 5; i++)
		mp_proxy_put(&p, I(i), 0);
	for (int i = 0; i < 5; i++)
		bad += end_of(pid[i]) != i;
	is(bad, 0, "each getter has its item, in order");
	said(&p, "qsize -> 0");
	said(&p, "put 0");
	said(&p, "put 1");
	for (int i = 2; i < 5; i++)
		pid[i] = start_parked(puts_number, i);
	said(&p, "qsize -> 2");
	for (int i = 0; i < 5; i++)
		bad += mp_proxy_take(&p, &answer, LONG) != 0 || answer.i != i;
	for (int i = 2; i < 5; i++)
		bad += end_of(pid[i]);
	is(bad, 0, "and what putters bring comes in order");
	mp_proxy_close(&p);
}

static int takes_status(long timeout_ns)
{
	return mp_proxy_take(&p, NULL, timeout_ns);
}

static void shut_queues(void)
{
	pid_t pid[3];

	make(&p, "queue", I(1));
	pid[0] = start_parked(takes_status, -1);
	pid[1] = start_parked(takes_status, LONG);
	said(&p, "shutdown");
	is(end_of(pid[0]), -ESHUTDOWN, "a shutdown tells a getter");
	is(end_of(pid[1]), -ESHUTDOWN, "and another");
	mp_proxy_close(&p);
	make(&p, "queue", I(1));
	said(&p, "put 1");
	pid[0] = start_parked(puts_number, 2);
	said(&p, "shutdown");
	is(end_of(pid[0]), -ESHUTDOWN, "and a putter");
	said(&p, "get -> 1");
	said(&p, "get -> ESHUTDOWN");
	mp_proxy_close(&p);
}

/* ---- what goes on meanwhile ---- */

static int holds(long unused)
{
	(void)unused;
	mp_proxy_acquire(&p, -1);
	atomic_store(&board->held, 1);
	await(atomic_load(&board->go));
	return mp_proxy_release(&p);
}

/* Another request of the same client does not wait for the first. */
static void pipelined(void)
{
	int64_t lock, get, add, nothing;
	pid_t pid;

	memset(board, 0, sizeof(*board));
	make(&p, "lock");
	make(&other, "dict");
	pid = start(holds, 0);
	await(atomic_load(&board->held));
	lock = mp_proxy_send(&p, "acquire", NULL, 0);
	add = mp_proxy_send(&other, "add", ARGUMENTS(S("a"), I(5)));
	get = mp_proxy_send(&other, "get", ARGUMENTS(S("a")));
	nothing = mp_proxy_send(&other, "get", ARGUMENTS(S("b")));
	ok(lock > 0 && add > 0 && get > 0 && nothing > 0,
	   "four requests are on the way");
	is(mp_proxy_recv(&manager, get, &answer), 0, "the third is answered");
	is(answer.i, 5, "after the second");
	is(mp_proxy_recv(&manager, nothing, &answer), -ENOENT, "the fourth");
	is(mp_proxy_recv(&manager, add, &answer), 0, "the second");
	is(mp_proxy_recv(&manager, add, &answer), -ENOENT, "each once");
	is(mp_proxy_recv(&manager, 123456789, &answer), -ENOENT,
	   "no such request");
	is(mp_proxy_set(&other, S("c"), I(1)), 0, "and others");
	atomic_store(&board->go, 1);
	is(mp_proxy_recv(&manager, lock, &answer), 0, "and then the first");
	is(end_of(pid), 0, "when the lock is free");
	said(&p, "locked -> true");
	said(&p, "release");
	mp_proxy_close(&p);
	mp_proxy_close(&other);
}

/* Many under way, asked for in any order. */
static void many_under_way(void)
{
	enum { N = 2000 };
	static int64_t id[N];
	int bad = 0;

	make(&p, "list");
	for (int i = 0; i < N; i++)
		id[i] = mp_proxy_send(&p, "append", ARGUMENTS(I(i)));
	bad += mp_proxy_length(&p) != N;
	for (int i = 0; i < N; i++)
		id[i] = mp_proxy_send(&p, "get", ARGUMENTS(I(i)));
	for (int i = N - 1; i >= 0; i -= 2)
		bad += mp_proxy_recv(&manager, id[i], &answer) != 0 ||
		       answer.i != i;
	bad += mp_proxy_length(&p) != N;
	for (int i = 0; i < N; i += 2)
		bad += mp_proxy_recv(&manager, id[i], &answer) != 0 ||
		       answer.i != i;
	is(bad, 0, "%d requests under way", N);
	mp_proxy_close(&p);
}

/* What a parent has not sent yet is not its child's to send. */
static int asks_for_length(long unused)
{
	(void)unused;
	return mp_proxy_length(&p) == 0 ? 0 : 1;
}

static void collected(void)
{
	int64_t id;

	make(&p, "list");
	id = mp_proxy_send(&p, "append", ARGUMENTS(I(1)));
	is(end_of(start(asks_for_length, 0)), 0,
	   "a request that was not sent before a fork");
	is(mp_proxy_recv(&manager, id, NULL), 0, "is sent once");
	is(mp_proxy_length(&p), 1, "by its own client");
	mp_proxy_close(&p);
}

/* One client may have only so many that wait. */
static void too_many(void)
{
	int64_t id[MP_MANAGER_PARKED + 1];
	int bad = 0;

	make(&p, "queue");
	make(&other, "dict");
	for (int i = 0; i <= MP_MANAGER_PARKED; i++)
		id[i] = mp_proxy_send(&p, "get", NULL, 0);
	is(mp_proxy_recv(&manager, id[MP_MANAGER_PARKED], &answer), -EAGAIN,
	   "one more than %d that wait", MP_MANAGER_PARKED);
	is(mp_proxy_set(&other, S("a"), I(1)), 0,
	   "others are served meanwhile");
	for (int i = 0; i < MP_MANAGER_PARKED; i++)
		bad += mp_proxy_put(&p, I(i), 0) != 0;
	for (int i = MP_MANAGER_PARKED - 1; i >= 0; i--)
		bad += mp_proxy_recv(&manager, id[i], &answer) != 0 ||
		       answer.i != i;
	is(bad, 0, "the answers are those, in whatever order asked for");
	said(&p, "qsize -> 0");
	mp_proxy_close(&p);
	mp_proxy_close(&other);
}

/* Time limits of their own. */
static void many_times(void)
{
	int64_t id[30];
	int bad = 0;

	make(&p, "queue");
	for (int i = 0; i < 30; i++)
		id[i] = mp_proxy_send(&p, "get", ARGUMENTS(I((30 - i) * MS)));
	for (int i = 0; i < 30; i++)
		bad += mp_proxy_recv(&manager, id[i], &answer) != -ETIMEDOUT;
	is(bad, 0, "30 that wait, each for its time");
	said(&p, "put 1");
	said(&p, "get 0 -> 1");
	mp_proxy_close(&p);
}

static int waits_for_ever(long unused)
{
	(void)unused;
	return mp_proxy_take(&p, NULL, -1);
}

static void others(void)
{
	enum { N = 20 };
	pid_t pid[N];
	int bad = 0;

	make(&p, "queue");
	make(&other, "dict");
	for (int i = 0; i < N; i++)
		pid[i] = start(waits_for_ever, 0);
	for (int i = 0; i < N; i++)
		await(asleep(pid[i]));
	for (int i = 0; i < 1000; i++)
		bad += mp_proxy_set(&other, I(i), I(i)) != 0;
	is(bad, 0, "%d wait, and another is served 1000 times", N);
	for (int i = 0; i < N; i++)
		bad += mp_proxy_put(&p, I(i), 0);
	for (int i = 0; i < N; i++)
		bad += end_of(pid[i]);
	is(bad, 0, "then they, too");
	mp_proxy_close(&p);
	mp_proxy_close(&other);
}

/* Requests that travel together are served together. */
static int appends_in_batches(long number)
{
	int bad = 0;
	int64_t last;

	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 100; i++)
			last = mp_proxy_send(&p, "append",
					     ARGUMENTS(I(number)));
		bad += mp_proxy_recv(&manager, last, NULL) != 0;
	}
	return bad;
}

static void batches(void)
{
	pid_t pid[3];
	struct mp_unpack u;
	struct mp_any v;
	int64_t before = -1;
	int bad = 0, run = 0, n = 0;

	make(&p, "list");
	for (int i = 0; i < 3; i++)
		pid[i] = start(appends_in_batches, i);
	for (int i = 0; i < 3; i++)
		bad += end_of(pid[i]);
	is(bad, 0, "3 clients, 20 batches of 100 each");
	ask(&p, "copy");
	u = mp_unpack_begin(answer);
	mp_unpack_array(&u, &(uint32_t){ 0 });
	for (; mp_unpack_any(&u, &v) == 0; n++) {
		bad += v.i != before && run % 100 != 0;
		run = v.i == before ? run + 1 : 1;
		before = v.i;
	}
	is(n, 6000, "all are there");
	is(bad, 0, "and nothing of others is between those of a batch");
	mp_proxy_close(&p);
}

int main(void)
{
	int before = tap_descriptors();

	mp_backstop_set(0);
	board = share(sizeof(*board));
	open_manager(NULL);
	for (int i = 0; i < WAYS; i++)
		served(&ways[i]);
	for (int i = 0; i < WAYS; i++)
		timed_out(&ways[i]);
	for (int i = 0; i < WAYS; i++)
		interrupted(&ways[i]);
	for (int i = 0; i < WAYS; i++)
		storm(&ways[i]);
	for (int i = 0; i < WAYS; i++)
		if (ways[i].one)
			in_order(&ways[i]);
	notified();
	waits_for_the_lock();
	condition_interrupted();
	deep_lock();
	barriers();
	barrier_interrupted();
	queues();
	shut_queues();
	pipelined();
	many_under_way();
	collected();
	too_many();
	many_times();
	others();
	batches();
	is(objects(), 0, "no object is left");
	close_manager();
	ok(childless(), "no process is left");
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
