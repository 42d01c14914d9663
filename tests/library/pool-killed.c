/* Pools whose workers die, whatever they do then: what they ran is lost, and
 * nothing else. */
#include "mp/pool.h"

#include "pools.h"

enum { N = 2000 };

static struct tally {
	_Atomic int begun[N], ended[N];
	_Atomic int all; /* ended, of all */
} * tally;

static int killed_at; /* what `all` was at the last kill */

/* ---- what workers run ---- */

static int counted(struct mp_task *t)
{
	size_t i = (size_t)t->index;

	atomic_fetch_add(&tally->begun[i], 1);
	if (t->out_size == sizeof(int))
		*(int *)t->out = (int)(i * i);
	atomic_fetch_add(&tally->ended[i], 1);
	atomic_fetch_add(&tally->all, 1);
	return 0;
}

/* The seventh of each ten ends its worker, in one way or another. */
static int seventh_dies(struct mp_task *t)
{
	static const int sig[] = { SIGKILL, SIGSEGV, SIGABRT, SIGBUS };

	if (t->index % 10 != 7)
		return counted(t);
	atomic_fetch_add(&tally->begun[t->index], 1);
	if (t->index % 30 == 7)
		exit(3);
	if (t->index % 30 == 17)
		_exit(0);
	signal(sig[t->index / 10 % 4], SIG_DFL);
	raise(sig[t->index / 10 % 4]);
	return 0;
}

/* Each dies as often as its number in tens, and then ends well. */
static int dies_some_times(struct mp_task *t)
{
	size_t i = (size_t)t->index;

	if (atomic_load(&tally->begun[i]) < (int)(i % 10)) {
		atomic_fetch_add(&tally->begun[i], 1);
		raise(SIGKILL);
	}
	return counted(t);
}

static int dies(struct mp_task *t)
{
	atomic_fetch_add(&tally->begun[t->index], 1);
	raise(SIGKILL);
	return 0;
}

/* Some microseconds. */
static int works_a_little(struct mp_task *t)
{
	int64_t end = mp_clock_now() + 5000;

	while (mp_clock_now() < end)
		;
	return counted(t);
}

/* A task: its number is its item. */
static int task_counted(struct mp_task *t)
{
	struct mp_task same = *t;

	same.index = (uint64_t)place_of(t);
	return works_a_little(&same);
}

static void forget(void)
{
	memset((void *)tally, 0, sizeof(*tally));
	memset((void *)board, 0, sizeof(*board));
}

/* ---- idle ---- */

static void idle(int workers)
{
	uint64_t replaced;
	int bad = 0;

	open_pool(workers, NULL);
	for (int i = 0; i < workers; i++) {
		pid_t pid = mp_pool_worker_pid(pool, i);

		await(asleep(pid));
		strike(i);
		bad += !works();
		await(mp_pool_worker_pid(pool, i) != pid ||
		      mp_pool_collect(pool, 0) < 0);
		bad += tap_state(pid) != '-';
	}
	is(bad, 0, "%d workers: each is killed asleep; the pool works",
	   workers);
	is((long)mp_pool_replaced(pool), workers, "all were replaced");
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < workers; i++)
			strike(i);
		bad += !works();
	}
	is(bad, 0, "all of them at once, five times");
	replaced = mp_pool_replaced(pool);
	for (int i = 0; i < workers; i++)
		strike(i);
	await(mp_pool_collect(pool, 0) < 0 ||
	      mp_pool_replaced(pool) - replaced >= (uint64_t)workers);
	is((long)(mp_pool_replaced(pool) - replaced), workers,
	   "collect replaces them, too");
	ok(works(), "the pool works");
	is(mp_pool_workers(pool), workers, "with as many workers as before");
	is(rescues(), 0, "nothing was rescued");
	close_pool();
	ok(childless(), "nobody is left");
}

/* After deaths the creator sleeps as well as before; also of one worker while
 * others live, who may have inherited something of it. */
static void quiet(void)
{
	struct mp_result r;
	int64_t before;
	int bad = 0;

	open_pool(3, NULL);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i <= round; i++)
			strike(i);
		bad += !works();
		await(mp_pool_collect(pool, 0) < 0 ||
		      mp_pool_replaced(pool) == (uint64_t)(round + 1) *
							(uint64_t)(round + 2) /
							2);
		bad += mp_pool_workers(pool) != 3;
		atomic_store(&board->all, 0);
		submit(holds, round, NULL, NULL, &r);
		await(begun(round));
		before = cpu_ns();
		is(mp_result_wait(&r, 50 * MS), -ETIMEDOUT, "a wait of 50 ms");
		before = cpu_ns() - before;
		ok(before < 20 * MS, "takes %d us of CPU time",
		   (int)(before / 1000));
		go_on(ALL);
		is(mp_result_get(&r, LONG), 0, "and is over");
	}
	is(bad, 0, "three workers, whatever dies");
	close_pool();
}

/* ---- busy ---- */

/* The worker of the task at that place. */
static int worker_of(int i)
{
	for (int w = 0; w < mp_pool_workers(pool); w++)
		if (mp_pool_worker_pid(pool, w) == board->pid[i])
			return w;
	errx(1, "nobody runs task %d", i);
}

static void busy_with_a_task(void)
{
	struct mp_result r[6];
	int y[6], code = 0, bad = 0;

	open_pool(3, NULL);
	for (int i = 0; i < 6; i++)
		submit(holds, i, &y[i], NULL, &r[i]);
	for (int i = 0; i < 3; i++)
		await(begun(i));
	strike(worker_of(1));
	is(mp_result_get(&r[1], LONG), MP_LOST, "killed with a task: lost");
	is(mp_result_exitcode(&r[1], &code), 0, "how?");
	is(code, -SIGKILL, "by SIGKILL");
	await(begun(3));
	is(begun(0) + begun(2), 2, "the other two know nothing of it");
	go_on(ALL);
	for (int i = 0; i < 6; i++)
		bad += i != 1 && (mp_result_get(&r[i], LONG) != 0 ||
				  y[i] != i * i || begun(i) != 1);
	is(bad, 0, "all other tasks are done, once");
	is((long)mp_pool_replaced(pool), 1, "one was replaced");
	atomic_store(&board->all, 0);
	for (int i = 0; i < 6; i++)
		submit(holds, 10 + i, &y[i], NULL, &r[i]);
	for (int i = 0; i < 3; i++)
		await(begun(10 + i));
	for (int w = 0; w < 3; w++)
		strike(w);
	for (int i = 0; i < 3; i++)
		bad += mp_result_get(&r[i], LONG) != MP_LOST;
	is(bad, 0, "all three at once: their tasks are lost");
	go_on(ALL);
	for (int i = 3; i < 6; i++)
		bad += mp_result_get(&r[i], LONG) != 0 || begun(10 + i) != 1;
	is(bad, 0, "those that waited are not");
	ok(works(), "the pool works");
	close_pool();
	ok(childless(), "nobody is left");
}

/* The one that sleeps, while another works. */
static void idle_beside_busy(void)
{
	struct mp_result r;
	int y = 0, bad = 0;

	open_pool(2, NULL);
	submit(holds, 1, &y, NULL, &r);
	await(begun(1));
	for (int i = 0; i < 5; i++) {
		strike(1 - worker_of(1));
		bad += !works();
	}
	is(bad, 0, "the idle one is killed, the other holds on");
	/* Now with nobody in a call, and a task that nobody was told of. */
	strike(1 - worker_of(1));
	bad += apply(square, 4, &(int){ 0 }) != 0;
	go_on(ALL);
	is(mp_result_get(&r, LONG), 0, "and is not disturbed");
	is(y, 1, "at all");
	is(begun(1), 1, "once");
	close_pool();
}

static void busy_with_a_map(size_t chunk)
{
	struct mp_call call = { .chunk = chunk };
	static int out[N];
	static int32_t status[N];
	struct mp_result r;
	int bad = 0;

	open_pool(3, NULL);
	forget();
	call.status = status;
	/* Items 0 to 89 hold; all of them, and so all three workers. */
	mp_pool_map_async(pool, holds, NULL, 0, 90, out, 4, &call, &r);
	await(begun(0));
	strike(worker_of(0));
	while (mp_pool_replaced(pool) == 0)
		mp_pool_collect(pool, MS);
	go_on(ALL);
	is(mp_result_get(&r, LONG), 1, "chunk %zu: killed in a map: one item",
	   chunk);
	for (int i = 0; i < 90; i++) {
		bad += status[i] != (i == 0 ? MP_LOST : 0) || begun(i) != 1;
		bad += i > 0 && out[i] != i * i;
	}
	is(bad, 0, "is lost; all others are done, once");
	ok(works(), "the pool works");
	close_pool();
}

/* Many deaths in one map: exactly those. */
static void deaths_in_a_map(size_t chunk, bool shared, int workers)
{
	static int private_out[N];
	static int32_t private_status[N];
	static int *shared_out;
	static int32_t *shared_status;
	struct mp_call call = { .chunk = chunk, .shared = shared };
	int32_t *status;
	int *out, bad = 0;

	if (shared_out == NULL) {
		shared_out = share(sizeof(private_out));
		shared_status = share(sizeof(private_status));
	}
	out = shared ? shared_out : private_out;
	status = shared ? shared_status : private_status;
	call.status = status;
	open_pool(workers, NULL);
	forget();
	memset(out, 0x55, N * sizeof(int));
	is(mp_pool_map(pool, seventh_dies, NULL, 0, 300, out, sizeof(int),
		       &call),
	   30, "%d workers, chunk %zu%s: 30 of 300 items kill", workers, chunk,
	   shared ? ", shared" : "");
	for (int i = 0; i < 300; i++) {
		int lost = i % 10 == 7;

		bad += status[i] != (lost ? MP_LOST : 0);
		bad += tally->begun[i] != 1 || tally->ended[i] != !lost;
		bad += !lost && out[i] != i * i;
	}
	is(bad, 0, "they are lost, each other one was run once");
	is((long)mp_pool_replaced(pool), 30, "30 workers were replaced");
	ok(works(), "the pool works");
	close_pool();
}

static void retries(void)
{
	static int out[100];
	static int32_t status[100];
	struct mp_call call = { .retries = 9, .status = status };
	struct mp_result r;
	int bad = 0, y, code;

	for (int k = 0; k < 3; k++) {
		static const size_t chunk[] = { 0, 1, 7 };

		open_pool(2, NULL);
		forget();
		call.chunk = chunk[k];
		call.retries = 9;
		is(mp_pool_map(pool, dies_some_times, NULL, 0, 40, out, 4,
			       &call),
		   0, "items that kill up to 9 times, and 9 retries");
		for (int i = 0; i < 40; i++)
			bad += status[i] != 0 || out[i] != i * i ||
			       tally->begun[i] != i % 10 + 1 ||
			       tally->ended[i] != 1;
		is(bad, 0, "each is begun once more than it kills");
		forget();
		call.retries = 3;
		is(mp_pool_map(pool, dies_some_times, NULL, 0, 10, out, 4,
			       &call),
		   6, "with 3 retries");
		for (int i = 0; i < 10; i++)
			bad += status[i] != (i > 3 ? MP_LOST : 0) ||
			       tally->begun[i] != (i > 3 ? 4 : i + 1);
		is(bad, 0, "those that kill more often are lost");
		close_pool();
	}
	open_pool(2, NULL);
	forget();
	call = (struct mp_call){ .retries = 2 };
	submit(dies, 0, &y, &call, &r);
	is(mp_result_get(&r, LONG), MP_LOST, "a task that always kills");
	is(tally->begun[0], 3, "is begun 3 times with 2 retries");
	is(mp_result_exitcode(&r, &code), 0, "its last end");
	is(code, -SIGKILL, "is known");
	call.retries = UINT32_MAX;
	submit(holds, 5, &y, &call, &r);
	for (int i = 0; i < 5; i++) {
		await(begun(5) == i + 1);
		strike(worker_of(5));
		while (begun(5) == i + 1)
			mp_pool_collect(pool, MS);
	}
	go_on(ALL);
	is(mp_result_get(&r, LONG), 0, "a task whose worker is killed 5 times");
	is(y, 25, "is right in the end");
	ok(works(), "the pool works");
	close_pool();
}

static void nothing_but_deaths(void)
{
	int32_t status[60];
	int bad = 0;

	open_pool(3, NULL);
	forget();
	is(mp_pool_map(pool, dies, NULL, 0, 60, NULL, 0,
		       &(struct mp_call){ .status = status }),
	   60, "every item kills");
	for (int i = 0; i < 60; i++)
		bad += status[i] != MP_LOST || tally->begun[i] != 1;
	is(bad, 0, "each was begun, once");
	for (int i = 0; i < 20; i++)
		bad += apply(raises, SIGKILL, NULL) != MP_LOST;
	is(bad, 0, "every task, too");
	ok(works(), "the pool works");
	is(mp_pool_map(
		   pool, dies, NULL, 0, 60, NULL, 0,
		   &(struct mp_call){ .fail_fast = true, .status = status }),
	   60, "fail fast");
	for (int i = 0; i < 60; i++)
		bad += status[i] != MP_LOST && status[i] != MP_CANCELLED;
	is(bad, 0, "lost or cancelled");
	ok(works(), "the pool works");
	close_pool();
	ok(childless(), "nobody is left");
}

/* ---- at any time ---- */

static unsigned seed = 1;

static int chance(int n)
{
	seed = seed * 1103515245 + 12345;
	return (int)((seed >> 16) % (unsigned)n);
}

/* Kill one of so many, if something was done since the last kill: who kills
 * faster than workers begin ends the pool. */
static int strike_any(int workers)
{
	int all = atomic_load(&tally->all);

	if (all == killed_at)
		return 0;
	killed_at = all;
	strike(chance(workers));
	return 1;
}

/* Somebody is killed every 100 µs or so while maps are done. */
static void storm_of_maps(uint32_t again, size_t chunk, int workers)
{
	static int out[N];
	static int32_t status[N];
	struct mp_call call = { .chunk = chunk,
				.retries = again,
				.status = status };
	int bad = 0, lost = 0, kills = 0, failed, error;
	int64_t end = mp_clock_now() + 150 * MS;

	open_pool(workers, NULL);
	while (mp_clock_now() < end && bad == 0) {
		struct mp_result r;

		forget();
		memset(out, 0x55, sizeof(out));
		mp_pool_map_async(pool, works_a_little, NULL, 0, N, out, 4,
				  &call, &r);
		while ((error = mp_result_wait(
				&r, (50 + chance(300)) * 1000)) == -ETIMEDOUT) {
			kills += strike_any(workers);
			if (mp_clock_now() > end + LONG)
				break;
		}
		bad += error != 0;
		failed = 0;
		for (int i = 0; i < N; i++) {
			failed += status[i] != 0;
			bad += status[i] != 0 && status[i] != MP_LOST;
			bad += status[i] == 0 && out[i] != i * i;
			bad += status[i] != 0 && again > 0;
			bad += again == 0 && tally->begun[i] > 1;
			bad += tally->begun[i] > (int)again + 1;
			bad += status[i] == 0 && tally->ended[i] == 0;
		}
		bad += mp_result_status(&r) != failed;
		lost += failed;
	}
	is(bad, 0, "%d workers, chunk %zu, %u retries: %d kills, %d lost",
	   workers, chunk, again, kills, lost);
	ok(works(), "the pool works");
	close_pool();
	ok(childless(), "nobody is left");
}

static void storm_of_tasks(uint32_t again, int workers)
{
	enum { TASKS = 100 };
	struct mp_call call = { .retries = again };
	struct mp_result r[TASKS];
	int y[TASKS], bad = 0, lost = 0, kills = 0, error = 0;
	int64_t end = mp_clock_now() + 150 * MS;

	open_pool(workers, NULL);
	while (mp_clock_now() < end && bad == 0) {
		forget();
		for (int i = 0; i < TASKS; i++) {
			y[i] = -1;
			bad += submit(task_counted, i, &y[i], &call, &r[i]) !=
			       0;
		}
		for (int i = 0; i < TASKS; i++) {
			while ((error = mp_result_wait(
					&r[i], (20 + chance(100)) * 1000)) ==
			       -ETIMEDOUT) {
				kills += strike_any(workers);
				if (mp_clock_now() > end + LONG)
					break;
			}
			bad += error != 0;
			error = mp_result_status(&r[i]);
			lost += error != 0;
			bad += error != 0 && (error != MP_LOST || again > 0);
			bad += error == 0 && y[i] != i * i;
			bad += again == 0 && tally->begun[i] > 1;
		}
	}
	is(bad, 0, "%d workers, tasks, %u retries: %d kills, %d lost", workers,
	   again, kills, lost);
	ok(works(), "the pool works");
	close_pool();
	ok(childless(), "nobody is left");
}

/* A worker that is killed and its children go together. */
static int stays_too(long unused)
{
	(void)unused;
	return wait_for_kill();
}

static int has_a_child(struct mp_task *t)
{
	pid_t pid = start(stays_too, 0);

	(void)t;
	atomic_store(&board->n, pid);
	return wait_for_kill();
}

static void children(void)
{
	struct mp_result r;

	open_pool(2, NULL);
	forget();
	mp_pool_submit(pool, has_a_child, NULL, 0, NULL, 0, NULL, &r);
	await(atomic_load(&board->n));
	mp_pool_terminate(pool);
	ok(gone(board->n), "a worker's child goes with it");
	close_pool();
}

int main(void)
{
	int before = tap_descriptors();
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	mp_backstop_set(0);
	board = share(sizeof(*board));
	tally = share(sizeof(*tally));
	for (int workers = 1; workers <= 4; workers *= 2)
		idle(workers);
	quiet();
	busy_with_a_task();
	idle_beside_busy();
	for (size_t chunk = 0; chunk <= 20; chunk += 10)
		busy_with_a_map(chunk);
	for (int workers = 1; workers <= 3; workers += 2) {
		deaths_in_a_map(0, false, workers);
		deaths_in_a_map(1, false, workers);
		deaths_in_a_map(25, true, workers);
	}
	retries();
	nothing_but_deaths();
	children();
	storm_of_maps(0, 0, 3);
	storm_of_maps(0, 1, 2);
	storm_of_maps(1000, 13, 3);
	storm_of_maps(1000, 1, 1);
	storm_of_tasks(0, 3);
	storm_of_tasks(1000, 2);
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
