/* What a pool can be asked for: initializers, workers that are replaced, items
 * that may not take too long, and a fork server. */
#include "mp/forkserver.h"
#include "mp/pool.h"

#include "pools.h"

enum { N = 300 };

static struct {
	_Atomic int pid[N]; /* who ran item i */
	_Atomic int begun[N];
	_Atomic int fails; /* whether initializers do, or die, from now on */
	_Atomic int initialized;
} * seen;

static int given; /* by the initializer, in each worker */

/* ---- what workers run ---- */

static int initialize(void *arg)
{
	given = *(int *)arg;
	atomic_fetch_add(&seen->initialized, 1);
	if (atomic_load(&seen->fails) == 2)
		raise(SIGKILL);
	if (atomic_load(&seen->fails) == 3)
		wait_for_kill();
	return atomic_load(&seen->fails);
}

static int initialize_once(void *unused)
{
	(void)unused;
	return atomic_fetch_add(&seen->initialized, 1) == 1;
}

static int adds_given(struct mp_task *t)
{
	*(int *)t->out = (int)t->index + given;
	return 0;
}

static int notes(struct mp_task *t)
{
	size_t i = t->in_size == sizeof(int) ? (size_t) * (const int *)t->in
					     : (size_t)t->index;

	atomic_store(&seen->pid[i], getpid());
	atomic_fetch_add(&seen->begun[i], 1);
	if (t->out_size == sizeof(int))
		*(int *)t->out = (int)(i * i);
	return 0;
}

/* The fourth of each ten never ends; it sleeps, computes, or is stopped. */
static int fourth_stays(struct mp_task *t)
{
	notes(t);
	if (t->index % 30 == 4)
		wait_for_kill();
	if (t->index % 30 == 14)
		for (volatile int i = 0;; i++)
			;
	if (t->index % 30 == 24)
		raise(SIGSTOP);
	return 0;
}

static int stays_blocking_signals(struct mp_task *t)
{
	sigset_t mask;

	notes(t);
	sigfillset(&mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return wait_for_kill();
}

static int naps_a_ms(struct mp_task *t)
{
	notes(t);
	usleep(1000);
	return 0;
}

static void forget(void)
{
	memset((void *)seen, 0, sizeof(*seen));
	memset((void *)board, 0, sizeof(*board));
}

/* ---- initializers ---- */

static void initializers(void)
{
	int number = 1000, out[50], bad = 0, descriptors = tap_descriptors();
	int error;
	struct mp_pool_options o = { .initializer = initialize,
				     .arg = &number };
	struct mp_result r;

	forget();
	open_pool(3, &o);
	is(seen->initialized, 3, "create waits for three initializers");
	is(mp_pool_map(pool, adds_given, NULL, 0, 50, out, 4, NULL), 0,
	   "a map that needs what they made");
	for (int i = 0; i < 50; i++)
		bad += out[i] != i + 1000;
	is(bad, 0, "is right");
	strike(0);
	strike(1);
	strike(2);
	is(mp_pool_map(pool, adds_given, NULL, 0, 50, out, 4, NULL), 0,
	   "after all were killed");
	for (int i = 0; i < 50; i++)
		bad += out[i] != i + 1000;
	is(bad, 0, "too");
	ok(seen->initialized > 3, "initialized again");
	is(given, 0, "the creator knows nothing of it");
	close_pool();

	for (int how = 1; how <= 2; how++) {
		atomic_store(&seen->fails, how);
		is(mp_pool_create(&pool, 3, &o), -ECANCELED,
		   how == 1 ? "an initializer fails" : "or dies");
		ok(childless(), "and nothing is left");
		is(tap_descriptors(), descriptors, "no descriptor");
	}
	forget();
	is(mp_pool_create(
		   &pool, 4,
		   &(struct mp_pool_options){ .initializer = initialize_once }),
	   -ECANCELED, "one of four");
	ok(childless(), "and nothing is left");
	forget();
	atomic_store(&seen->fails, 3);
	signals(true);
	is(mp_pool_create(&pool, 3, &o), -EINTR, "or a handler ends create");
	signals(false);
	ok(childless(), "and nothing is left");
	is(tap_descriptors(), descriptors, "no descriptor");

	/* It goes well at first, and never again. */
	for (int how = 1; how <= 2; how++) {
		forget();
		open_pool(2, &o);
		atomic_store(&seen->fails, how);
		strike(0);
		is(mp_pool_map(pool, adds_given, NULL, 0, 50, out, 4, NULL), 0,
		   "one of two cannot be replaced: the other works");
		submit(stays, 1, NULL, NULL, &r);
		for (int i = 0; i < 2; i++)
			if (mp_pool_worker_pid(pool, i) > 0)
				strike(i);
		error = mp_result_wait(&r, LONG);
		ok(error == -ECHILD ||
			   (error == 0 && mp_result_status(&r) == MP_LOST),
		   "none can be replaced");
		is(apply(square, 1, out), -ECHILD, "no task: -ECHILD");
		is(mp_pool_map(pool, adds_given, NULL, 0, 50, out, 4, NULL),
		   -ECHILD, "no map");
		is(mp_pool_close(pool), 0, "close");
		is(mp_pool_terminate(pool), 0, "and terminate work");
		is(mp_pool_join(pool, LONG), 0, "and join");
		close_pool();
		ok(childless(), "and nothing is left");
	}
	is(tap_descriptors(), descriptors, "no descriptor");
}

/* ---- replaced after some items ---- */

/* How many workers ran fewer than so many of the n items; 1000: one ran more
 * than it may. */
static int ran_less(int least, int most, int n, int *workers)
{
	int pid[N], runs[N], other = 0, many = 0;

	for (int i = 0; i < n; i++) {
		int k = 0;

		while (k < many && pid[k] != seen->pid[i])
			k++;
		if (k == many) {
			pid[many] = seen->pid[i];
			runs[many++] = 0;
		}
		runs[k]++;
	}
	for (int k = 0; k < many; k++) {
		if (runs[k] > most)
			return 1000;
		other += runs[k] < least;
	}
	*workers = many;
	return other;
}

static void max_tasks(uint32_t most, int workers)
{
	struct mp_pool_options o = { .max_tasks = most };
	static const size_t chunk[] = { 0, 1, 7, 100 };
	struct mp_result r[60];
	int y[60], many, bad = 0, other, least;

	for (int c = 0; c < 4; c++) {
		forget();
		open_pool(workers, &o);
		is(mp_pool_map(pool, notes, NULL, 0, 120, NULL, 0,
			       &(struct mp_call){ .chunk = chunk[c] }),
		   0, "%u items a worker, %d workers, chunk %zu", most, workers,
		   chunk[c]);
		for (int i = 0; i < 120; i++)
			bad += seen->begun[i] != 1;
		is(bad, 0, "each item once");
		/* Chunks are not cut in the middle. */
		least = chunk[c] == 7 && most > 7 ? 7 : (int)most;
		other = ran_less(least, (int)most, 120, &many);
		ok(other <= workers, "%d workers; %d ran less", many, other);
		close_pool();
	}
	forget();
	open_pool(workers, &o);
	for (int i = 0; i < 60; i++)
		submit(notes, i, &y[i], NULL, &r[i]);
	for (int i = 0; i < 60; i++)
		bad += mp_result_get(&r[i], LONG) != 0 || y[i] != i * i ||
		       seen->begun[i] != 1;
	is(bad, 0, "tasks");
	other = ran_less((int)most, (int)most, 60, &many);
	ok(other <= workers, "%d workers; %d ran less", many, other);
	ok(mp_pool_replaced(pool) >= (uint64_t)(many - workers),
	   "%d were replaced", (int)mp_pool_replaced(pool));
	ok(works(), "the pool works");
	mp_pool_close(pool);
	is(mp_pool_join(pool, LONG), 0, "join");
	close_pool();
	ok(childless(), "nobody is left");
}

/* ---- too long ---- */

static void timeouts_of_a_map(size_t chunk, bool shared, int workers)
{
	static int private_out[N], *shared_out;
	static int32_t private_status[N], *shared_status;
	struct mp_call call = { .chunk = chunk,
				.shared = shared,
				.retries = 5,
				.timeout_ns = 20 * MS };
	int32_t *status;
	int *out, bad = 0;

	if (shared_out == NULL) {
		shared_out = share(sizeof(private_out));
		shared_status = share(sizeof(private_status));
	}
	out = shared ? shared_out : private_out;
	status = shared ? shared_status : private_status;
	call.status = status;
	forget();
	memset(out, 0x55, sizeof(private_out));
	open_pool(workers, NULL);
	is(mp_pool_map(pool, fourth_stays, NULL, 0, 60, out, 4, &call), 6,
	   "%d workers, chunk %zu%s: 6 of 60 items never end", workers, chunk,
	   shared ? ", shared" : "");
	for (int i = 0; i < 60; i++) {
		bad += status[i] != (i % 10 == 4 ? MP_TOO_LONG : 0);
		bad += i % 10 != 4 && out[i] != i * i;
		bad += seen->begun[i] != 1;
	}
	is(bad, 0, "they are ended, and each other one was run once");
	is((long)mp_pool_replaced(pool), 6, "with 6 workers");
	ok(works(), "the pool works");
	close_pool();
	ok(childless(), "nobody is left");
}

static int32_t told;

static void on_error(struct mp_result *r, void *unused)
{
	(void)unused;
	told = mp_result_status(r);
}

static void timeouts_of_tasks(void)
{
	struct mp_call call = { .timeout_ns = 20 * MS,
				.retries = 3,
				.error_callback = on_error };
	struct mp_result r[10], first;
	int y[10], bad = 0, code;
	int64_t begin;

	forget();
	open_pool(2, NULL);
	begin = mp_clock_now();
	submit(stays, 1, NULL, &call, &r[0]);
	is(mp_result_get(&r[0], LONG), MP_TOO_LONG, "a task that never ends");
	ok(mp_clock_now() - begin >= 20 * MS &&
		   mp_clock_now() - begin < 5000 * MS,
	   "ends after its 20 ms");
	is(told, MP_TOO_LONG, "which its callback is told");
	is(mp_result_exitcode(&r[0], &code), -ENODATA, "it was not lost");
	is(begun(1), 1, "nor begun again");
	is(mp_pool_apply(pool, stays_blocking_signals, NULL, 0, NULL, 0, &call),
	   MP_TOO_LONG, "one that blocks all signals");
	for (int i = 0; i < 10; i++)
		submit(i % 5 == 2 ? stays : holds, i, &y[i], &call, &r[i]);
	call.timeout_ns = LONG;
	go_on(ALL);
	for (int i = 0; i < 10; i++)
		bad += mp_result_get(&r[i], LONG) !=
		       (i % 5 == 2 ? MP_TOO_LONG : 0);
	is(bad, 0, "the others end in time");
	close_pool();

	/* To wait for one's turn takes no time. */
	forget();
	open_pool(1, NULL);
	submit(holds, 0, NULL, NULL, &first);
	await(begun(0));
	call.timeout_ns = 20 * MS;
	for (int i = 0; i < 5; i++)
		submit(square, i, &y[i], &call, &r[i]);
	is(mp_pool_collect(pool, 40 * MS), 0, "a long wait for a worker");
	go_on(0);
	for (int i = 0; i < 5; i++)
		bad += mp_result_get(&r[i], LONG) != 0 || y[i] != i * i;
	is(bad, 0, "does not count");
	is(mp_result_get(&first, LONG), 0, "nor is there a limit unasked");
	/* Nobody looked when the time was over. */
	submit(stays, 3, NULL, &call, &r[0]);
	await(begun(3));
	usleep(40000);
	is(mp_result_get(&r[0], LONG), MP_TOO_LONG, "found out later");
	ok(works(), "the pool works");
	/* Or just about to end. */
	call.timeout_ns = MS;
	for (int i = 0; i < 100; i++) {
		int error;

		submit(naps_a_ms, i, NULL, &call, &r[0]);
		error = mp_result_get(&r[0], LONG);
		bad += error != 0 && error != MP_TOO_LONG;
		bad += seen->begun[i] != 1;
	}
	is(bad, 0, "100 that take about as long as they may");
	ok(works(), "the pool works");
	close_pool();
	ok(childless(), "nobody is left");
}

/* The time is over in the middle of maps, too. */
static void about_the_limit(void)
{
	struct mp_call call = { .timeout_ns = 1050000 };
	int32_t status[N];
	int bad = 0, late = 0, failed;

	open_pool(3, NULL);
	call.status = status;
	for (size_t chunk = 0; chunk < 3; chunk++) {
		forget();
		call.chunk = chunk * 5;
		failed = mp_pool_map(pool, naps_a_ms, NULL, 0, 200, NULL, 0,
				     &call);
		for (int i = 0; i < 200; i++) {
			bad += seen->begun[i] != 1;
			bad += status[i] != 0 && status[i] != MP_TOO_LONG;
			failed -= status[i] != 0;
			late += status[i] != 0;
		}
		bad += failed != 0;
	}
	is(bad, 0, "600 items that take about as long as they may: %d longer",
	   late);
	ok(works(), "the pool works");
	close_pool();
}

/* ---- a fork server ---- */

static struct mp_forkserver server;

static int dies_once(struct mp_task *t)
{
	if (notes(t) == 0 && t->index == 5)
		raise(SIGKILL);
	return 0;
}

static void with_a_server(void)
{
	int number = 7, out[100], bad = 0, descriptors = tap_descriptors();
	struct mp_pool_options o = { .server = &server };
	int32_t status[100];
	pid_t pid[2];
	struct mp_result r;

	forget();
	open_pool(2, &o);
	ok(works(), "a pool of a fork server works");
	is(mp_pool_map(pool, dies_once, NULL, 0, 100, out, 4,
		       &(struct mp_call){ .status = status }),
	   1, "one of its items kills");
	for (int i = 0; i < 100; i++)
		bad += status[i] != (i == 5 ? MP_LOST : 0) ||
		       (i != 5 && out[i] != i * i) || seen->begun[i] != 1;
	is(bad, 0, "the others are done, once");
	submit(stays, 3, NULL, &(struct mp_call){ .timeout_ns = 20 * MS }, &r);
	is(mp_result_get(&r, LONG), MP_TOO_LONG, "one takes too long");
	strike(0);
	strike(1);
	ok(works(), "both workers are killed");
	await(mp_pool_collect(pool, 0) < 0 || mp_pool_replaced(pool) >= 4);
	is((long)mp_pool_replaced(pool), 4, "and replaced");
	submit(stays, 4, NULL, NULL, &r);
	await(begun(4));
	for (int i = 0; i < 2; i++)
		pid[i] = mp_pool_worker_pid(pool, i);
	close_pool();
	is(mp_result_status(&r), MP_CANCELLED, "what was not done");
	ok(gone(pid[0]) && gone(pid[1]), "and nobody is left");
	is(tap_descriptors(), descriptors, "nor a descriptor");

	*(int *)(void *)&board->pid[100] = number;
	o.initializer = initialize;
	o.arg = (void *)&board->pid[100];
	o.max_tasks = 10;
	open_pool(2, &o);
	board->pid[100] = number;
	is(mp_pool_map(pool, notes, NULL, 0, 100, out, 4, NULL), 0,
	   "with an initializer, and 10 items a worker");
	ok(seen->initialized >= 10, "%d workers", seen->initialized);
	close_pool();
	is(tap_descriptors(), descriptors, "no descriptor is left");
}

static void start_with_server(void)
{
	int error = mp_forkserver_start(&server);

	if (error < 0)
		errx(1, "mp_forkserver_start: %s", strerror(-error));
	open_pool(2, &(struct mp_pool_options){ .server = &server });
}

static int dies_with_server(void)
{
	struct mp_result r;

	start_with_server();
	submit(stays, 0, NULL, NULL, &r);
	await(begun(0));
	for (int i = 0; i < 2; i++)
		board->pid[10 + i] = mp_pool_worker_pid(pool, i);
	atomic_store(&board->n, 1);
	return wait_for_kill();
}

static int gets_interrupts(void)
{
	int bad = 0;

	setpgid(0, 0);
	handle(SIGINT, on_signal, 0);
	start_with_server();
	for (int i = 0; i < 10; i++) {
		kill(0, SIGINT);
		bad += !works() || mp_pool_replaced(pool) != 0;
	}
	close_pool();
	mp_forkserver_stop(&server);
	return bad + !childless();
}

static int loses_server(void)
{
	struct mp_result r;
	int bad = 0, y;

	start_with_server();
	submit(stays, 0, NULL, NULL, &r);
	await(begun(0));
	mp_process_kill(&server.process);
	bad += mp_result_get(&r, LONG) != MP_LOST;
	bad += apply(square, 3, &y) != -ECHILD;
	close_pool();
	mp_forkserver_stop(&server);
	return bad + !childless();
}

static void ends_of_a_server(void)
{
	pid_t pid;

	memset((void *)board, 0, sizeof(*board));
	pid = start_apart(dies_with_server);
	await(atomic_load(&board->n));
	killed(pid);
	ok(gone(board->pid[10]) && gone(board->pid[11]),
	   "the creator is killed: the server's children go, too");
	is(apart(gets_interrupts), 0, "Ctrl-C for all: they go on");
	is(apart(loses_server), 0, "the server is killed: lost, and -ECHILD");
}

int main(void)
{
	int before = tap_descriptors(), error;

	mp_backstop_set(0);
	board = share(sizeof(*board));
	seen = share(sizeof(*seen));
	error = mp_forkserver_start(&server);
	if (error < 0)
		errx(1, "mp_forkserver_start: %s", strerror(-error));
	with_a_server();
	mp_forkserver_stop(&server);
	ok(childless(), "nor the server");
	ends_of_a_server();
	initializers();
	max_tasks(1, 2);
	max_tasks(3, 2);
	max_tasks(10, 1);
	timeouts_of_a_map(0, false, 2);
	timeouts_of_a_map(1, true, 3);
	timeouts_of_a_map(25, false, 1);
	timeouts_of_a_map(25, true, 3);
	timeouts_of_tasks();
	about_the_limit();
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
