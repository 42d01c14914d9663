/* The life of a pool: who may use it, its end, its creator's end, what it needs
 * and what is left of it. */
#include "mp/pool.h"

#include "pools.h"

#define USER 54321 /* without processes, we hope */

static int square_of_7(void)
{
	int y = 0;

	return apply(square, 7, &y) == 0 ? y : -1;
}

/* ---- create, close, join ---- */

static void arguments(void)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 4096,
					SIZE_MAX / 2 + 1 };
	struct mp_pool_options o = { 0 };
	int descriptors = tap_descriptors(), error, bad = 0;

	is(mp_pool_create(&pool, 0, NULL), -EINVAL, "0 workers");
	is(mp_pool_create(&pool, -1, NULL), -EINVAL, "-1");
	is(mp_pool_create(&pool, INT32_MIN, NULL), -EINVAL, "-2^31");
	is(mp_pool_create(&pool, MP_POOL_WORKERS_MAX + 1, NULL), -EINVAL,
	   "one too many");
	is(mp_pool_create(&pool, INT32_MAX, NULL), -EINVAL, "2^31 - 1");
	o.tasks = MP_POOL_TASKS_MAX + 1;
	is(mp_pool_create(&pool, 2, &o), -EINVAL, "too many tasks");
	o.tasks = UINT32_MAX;
	is(mp_pool_create(&pool, 2, &o), -EINVAL, "2^32 - 1 tasks");
	for (int i = 0; i < 3; i++) {
		o = (struct mp_pool_options){ .task_bytes = sizes[i] };
		error = mp_pool_create(&pool, 2, &o);
		bad += error != -EINVAL && error != -ENOMEM;
		o = (struct mp_pool_options){ .window_bytes = sizes[i] };
		error = mp_pool_create(&pool, 2, &o);
		bad += error != -EINVAL && error != -ENOMEM;
		o = (struct mp_pool_options){ .tasks = MP_POOL_TASKS_MAX,
					      .task_bytes = sizes[i] / 4096 };
		error = mp_pool_create(&pool, 2, &o);
		bad += error != -EINVAL && error != -ENOMEM;
	}
	is(bad, 0, "sizes that overflow");
	ok(childless(), "no process was begun");
	is(tap_descriptors(), descriptors, "and no descriptor opened");
	is(mp_pool_destroy(NULL), 0, "destroying none does nothing");
	pool = NULL;
}

static void life(void)
{
	pid_t pid[3];
	int bad = 0, y;
	struct mp_result r;

	open_pool(3, NULL);
	is(mp_pool_workers(pool), 3, "three workers");
	for (int i = 0; i < 3; i++) {
		pid[i] = mp_pool_worker_pid(pool, i);
		bad += pid[i] <= 0 || kill(pid[i], 0) != 0;
		for (int k = 0; k < i; k++)
			bad += pid[i] == pid[k];
	}
	is(bad, 0, "have pids");
	is(mp_pool_replaced(pool), 0, "none was replaced");
	ok(mp_pool_worker_pid(pool, -1) <= 0 &&
		   mp_pool_worker_pid(pool, 3) <= 0 &&
		   mp_pool_worker_pid(pool, INT32_MAX) <= 0,
	   "there is no other");
	ok(works(), "it works");
	is(mp_pool_join(pool, 0), -EBUSY, "no join before close");
	is(mp_pool_join(pool, -1), -EBUSY, "however long");
	ok(works(), "which changes nothing");

	is(submit(holds, 5, &y, NULL, &r), 0, "a task");
	is(mp_pool_close(pool), 0, "close");
	is(mp_pool_close(pool), 0, "twice");
	is(submit(square, 5, &y, NULL, &r), -ESHUTDOWN, "no task after it");
	is(apply(square, 5, &y), -ESHUTDOWN, "no apply");
	is(mp_pool_map(pool, square, pid, sizeof(int), 3, &y, 0, NULL),
	   -ESHUTDOWN, "no map");
	is(mp_pool_map_async(pool, square, pid, sizeof(int), 3, &y, 0, NULL,
			     &r),
	   -ESHUTDOWN, "at all");
	is(mp_pool_join(pool, 0), -ETIMEDOUT, "work is under way");
	is(mp_pool_join(pool, 2 * MS), -ETIMEDOUT, "still");
	go_on(ALL);
	is(mp_pool_join(pool, LONG), 0, "and is done before the end");
	is(y, 25, "properly");
	for (int i = 0; i < 3; i++)
		bad += tap_state(pid[i]) != '-';
	is(bad, 0, "the workers are gone");
	ok(childless(), "not even zombies are left");
	is(mp_pool_join(pool, 0), 0, "join again");
	is(mp_pool_close(pool), 0, "close again");
	is(mp_pool_terminate(pool), 0, "terminate does nothing now");
	is(mp_pool_join(pool, -1), 0, "nor does join");
	is(submit(square, 5, &y, NULL, &r), -ESHUTDOWN, "no task ever");
	close_pool();
}

/* Much is waiting when it is closed, and all of it is done. */
static void closed_with_work(void)
{
	enum { N = 200 };
	struct mp_result r[N], m;
	static int in[N], out[N], squares[N];
	int bad = 0;

	open_pool(2, NULL);
	for (int i = 0; i < N; i++) {
		in[i] = i;
		bad += submit(square, i, &squares[i], NULL, &r[i]) != 0;
	}
	bad += mp_pool_map_async(pool, square, in, sizeof(int), N, out,
				 sizeof(int), NULL, &m) != 0;
	mp_pool_close(pool);
	is(mp_pool_join(pool, LONG), 0, "200 tasks and a map before join");
	for (int i = 0; i < N; i++)
		bad += mp_result_status(&r[i]) != 0 || squares[i] != i * i ||
		       out[i] != i * i;
	is(bad + mp_result_status(&m), 0, "are all done");
	close_pool();
}

static int calls_back;

static void counts(struct mp_result *r, void *unused)
{
	(void)unused;
	calls_back += mp_result_status(r) != 0;
}

/* All is over at once, whatever the workers do. */
static void terminated(void)
{
	struct mp_call call = { .error_callback = counts };
	struct mp_result task[3], map;
	int32_t status[50];
	pid_t pid[2];
	int64_t begin;
	int bad = 0;

	open_pool(2, NULL);
	call.status = status;
	calls_back = 0;
	for (int i = 0; i < 3; i++)
		submit(stays, i, NULL, &call, &task[i]);
	mp_pool_map_async(pool, square, NULL, 0, 50, NULL, 0, &call, &map);
	await(begun(0) && begun(1));
	for (int i = 0; i < 2; i++)
		pid[i] = mp_pool_worker_pid(pool, i);
	begin = mp_clock_now();
	is(mp_pool_terminate(pool), 0, "terminate");
	for (int i = 0; i < 3; i++)
		bad += mp_result_ready(&task[i]) != 1 ||
		       mp_result_get(&task[i], -1) != MP_CANCELLED ||
		       mp_result_successful(&task[i]) != 0;
	is(bad, 0, "what was under way and what waited: -ECANCELED");
	is(mp_result_get(&map, -1), 50, "of a map, all items");
	for (int i = 0; i < 50; i++)
		bad += status[i] != MP_CANCELLED;
	is(bad, 0, "each of them");
	is(submit(stays, 1, NULL, NULL, &task[0]), -ESHUTDOWN, "no more");
	is(mp_pool_terminate(pool), 0, "twice is once");
	is(mp_pool_close(pool), 0, "and closed it is");
	is(mp_pool_join(pool, LONG), 0, "join");
	is(calls_back, 4, "callbacks were told");
	ok(mp_clock_now() - begin < 5000 * MS, "without waiting");
	ok(gone(pid[0]) && gone(pid[1]) && childless(), "nobody is left");
	close_pool();

	open_pool(2, NULL);
	submit(stays, 0, NULL, NULL, &task[0]);
	submit(holds, 1, NULL, NULL, &task[1]);
	await(begun(0) && begun(1));
	go_on(1);
	mp_result_wait(&task[1], LONG);
	mp_pool_close(pool);
	is(mp_pool_join(pool, MS), -ETIMEDOUT, "a task that never ends");
	is(mp_pool_terminate(pool), 0, "terminate after close");
	is(mp_pool_join(pool, LONG), 0, "ends it");
	is(mp_result_status(&task[0]), MP_CANCELLED, "it is cancelled");
	is(mp_result_status(&task[1]), 0, "what was done stays done");
	close_pool();

	open_pool(2, NULL);
	submit(stays, 0, NULL, NULL, &task[0]);
	submit(square, 1, NULL, NULL, &task[1]);
	close_pool();
	is(mp_result_status(&task[0]), MP_CANCELLED, "destroy does it all");
	ok(childless(), "nobody is left");
}

static void interrupted(void)
{
	struct mp_result r;
	int error = 0, descriptors = tap_descriptors(), bad = 0;

	open_pool(2, NULL);
	submit(holds, 1, NULL, NULL, &r);
	mp_pool_close(pool);
	signals(true);
	is(mp_pool_join(pool, -1), -EINTR, "a handler ends join");
	is(mp_pool_join(pool, LONG), -EINTR, "and join with a timeout");
	go_on(ALL);
	do
		error = mp_pool_join(pool, LONG);
	while (error == -EINTR);
	is(error, 0, "which can be called again");
	is(mp_pool_destroy(pool), 0, "destroy goes on to the end");
	for (int i = 0; i < 50; i++) {
		error = mp_pool_create(&pool, 8, NULL);
		bad += error != 0 && error != -EINTR;
		if (error == 0)
			bad += mp_pool_destroy(pool) != 0;
		else
			bad += !childless();
	}
	signals(false);
	is(bad, 0, "create is done, or not at all");
	ok(childless(), "nobody is left");
	is(tap_descriptors(), descriptors, "nor a descriptor");
}

static FILE *book;

static int prints(struct mp_task *t)
{
	fprintf(book, "%d\n", (int)t->index);
	return 0;
}

/* What tasks print comes out, once. */
static void output(void)
{
	int line, sum = 0, n = 0;

	book = tmpfile();
	if (book == NULL)
		err(1, "tmpfile");
	setvbuf(book, NULL, _IOFBF, 4096);
	open_pool(3, NULL);
	mp_pool_map(pool, prints, NULL, 0, 100, NULL, 0, NULL);
	mp_pool_close(pool);
	mp_pool_join(pool, LONG);
	close_pool();
	rewind(book);
	while (fscanf(book, "%d", &line) == 1) {
		sum += line;
		n++;
	}
	fclose(book);
	ok(n == 100 && sum == 4950, "100 items printed %d lines", n);
}

/* ---- others ---- */

static struct mp_result theirs;
static struct mp_imap iterator;

static int source(void *arg, void *in)
{
	(void)arg;
	*(int *)in = 1;
	return 1;
}

/* How many calls of the pool did not say -EPERM. */
static int forbidden_calls(void)
{
	struct mp_result r;
	struct mp_imap it;
	int x = 1, y, bad = 0;

	bad += mp_pool_submit(pool, square, &x, 4, &y, 4, NULL, &r) != -EPERM;
	bad += mp_pool_apply(pool, square, &x, 4, &y, 4, NULL) != -EPERM;
	bad += mp_pool_map(pool, square, &x, 4, 1, &y, 4, NULL) != -EPERM;
	bad += mp_pool_map(pool, square, &x, 4, 0, &y, 4, NULL) != -EPERM;
	bad += mp_pool_map_async(pool, square, &x, 4, 1, &y, 4, NULL, &r) !=
	       -EPERM;
	bad += mp_pool_collect(pool, 0) != -EPERM;
	bad += mp_pool_collect(pool, -1) != -EPERM;
	bad += mp_imap_open(&it, pool, square, source, NULL, 4, 4, NULL) !=
	       -EPERM;
	bad += mp_pool_close(pool) != -EPERM;
	bad += mp_pool_join(pool, -1) != -EPERM;
	bad += mp_pool_terminate(pool) != -EPERM;
	bad += mp_pool_destroy(pool) != -EPERM;
	return bad;
}

/* And of its results. */
static int forbidden(long unused)
{
	struct mp_result *v[] = { &theirs };
	int y, bad = forbidden_calls();

	(void)unused;
	bad += mp_imap_next(&iterator, &y, 0) != -EPERM;
	bad += mp_imap_close(&iterator) != -EPERM;
	bad += mp_result_wait(&theirs, 0) != -EPERM;
	bad += mp_result_wait(&theirs, -1) != -EPERM;
	bad += mp_result_get(&theirs, -1) != -EPERM;
	bad += mp_result_ready(&theirs) != -EPERM;
	bad += mp_result_cancel(&theirs) != -EPERM;
	bad += mp_result_wait_many(v, 1, MP_ALL_COMPLETED, 0) != -EPERM;
	bad += mp_result_as_completed(v, 1, 0) != -EPERM;
	return bad;
}

/* In a worker `pool` is what it was before mp_pool_create returned. */
static int forbidden_task(struct mp_task *t)
{
	memcpy(&pool, t->in, sizeof(struct mp_pool *));
	return forbidden_calls();
}

static int forbidden_at_exit(long unused)
{
	exit(forbidden(unused));
}

static void creator_only(void)
{
	struct mp_result r;

	open_pool(3, NULL);
	mp_imap_open(&iterator, pool, square, source, NULL, 4, 4, NULL);
	submit(holds, 1, NULL, NULL, &theirs);
	await(begun(1));
	is(in_thread(forbidden, 0), 0, "another thread: -EPERM");
	is(end_of(start(forbidden, 0)), 0, "a child: -EPERM");
	is(end_of(start(forbidden_at_exit, 0)), 0, "one that exits");
	is(mp_pool_submit(pool, forbidden_task, &pool, sizeof(struct mp_pool *),
			  NULL, 0, NULL, &r),
	   0, "a task that tries");
	is(mp_result_get(&r, LONG), 0, "and may not");
	go_on(ALL);
	is(mp_result_get(&theirs, LONG), 0, "all this did no harm");
	is(mp_imap_close(&iterator), 0, "to an iterator either");
	ok(works(), "or to the pool");
	close_pool();
}

/* ---- within, and beside each other ---- */

static int has_a_pool(struct mp_task *t)
{
	int in[10], out[10], sum = 0, n = *(const int *)t->in;
	struct mp_pool *inner;

	if (mp_pool_create(&inner, 2, NULL) < 0)
		return 1;
	for (int i = 0; i < 10; i++)
		in[i] = n + i;
	if (mp_pool_map(inner, square, in, 4, 10, out, 4, NULL) != 0)
		return 2;
	for (int i = 0; i < 10; i++)
		sum += out[i];
	memcpy(t->out, &sum, sizeof(sum));
	return mp_pool_destroy(inner) != 0 || !childless() ? 3 : 0;
}

static int has_a_pool_that_stays(struct mp_task *t)
{
	struct mp_pool *inner;
	struct mp_result r[2];

	(void)t;
	if (mp_pool_create(&inner, 2, NULL) < 0)
		return 1;
	for (int i = 0; i < 2; i++)
		if (mp_pool_submit(inner, stays, &i, sizeof(i), NULL, 0, NULL,
				   &r[i]) != 0)
			return 2;
	atomic_store(&board->pid[10], getpid());
	return wait_for_kill();
}

static int forgets_a_pool(struct mp_task *t)
{
	struct mp_pool *inner;

	(void)t;
	if (mp_pool_create(&inner, 2, NULL) < 0)
		return 1;
	board->pid[20] = mp_pool_worker_pid(inner, 0);
	board->pid[21] = mp_pool_worker_pid(inner, 1);
	return 0;
}

static void nested(void)
{
	int in[6] = { 1, 2, 3, 4, 5, 6 }, out[6], bad = 0;
	struct mp_result r;

	open_pool(2, NULL);
	is(mp_pool_map(pool, has_a_pool, in, 4, 6, out, 4, NULL), 0,
	   "items that have a pool each");
	for (int n = 1; n <= 6; n++) {
		int sum = 0;

		for (int i = 0; i < 10; i++)
			sum += (n + i) * (n + i);
		bad += out[n - 1] != sum;
	}
	is(bad, 0, "are right");
	mp_pool_submit(pool, has_a_pool_that_stays, NULL, 0, NULL, 0, NULL, &r);
	await(begun(0) && begun(1) && board->pid[10]);
	kill(board->pid[10], SIGKILL);
	is(mp_result_get(&r, LONG), MP_LOST, "one is killed");
	ok(gone(board->pid[0]) && gone(board->pid[1]),
	   "the workers of its pool go with it");
	ok(works(), "and the outer pool works");
	is(mp_pool_apply(pool, forgets_a_pool, NULL, 0, NULL, 0, NULL), 0,
	   "a task forgets its pool");
	mp_pool_close(pool);
	is(mp_pool_join(pool, LONG), 0, "which does not keep anybody");
	ok(gone(board->pid[20]) && gone(board->pid[21]), "and is gone");
	close_pool();
}

static void two(void)
{
	struct mp_pool *first, *second;
	struct mp_result r[2];
	int bad = 0, y[2];

	open_pool(2, NULL);
	first = pool;
	open_pool(2, NULL);
	second = pool;
	for (int i = 0; i < 2; i++) {
		pool = i == 0 ? first : second;
		is(submit(holds, i + 2, &y[i], NULL, &r[i]), 0,
		   "a task for each of two pools");
	}
	await(begun(2) && begun(3));
	is(mp_result_wait_many((struct mp_result *[]){ &r[0], &r[1] }, 2,
			       MP_ALL_COMPLETED, 0),
	   -EINVAL, "nobody waits for both at once");
	for (int i = 0; i < 20; i++) {
		pool = i % 2 ? first : second;
		strike(0);
		strike(1);
		bad += !works();
	}
	is(bad, 0, "two pools, beside each other");
	is(mp_result_get(&r[0], LONG), MP_LOST, "what was killed");
	is(mp_result_get(&r[1], LONG), MP_LOST, "is lost in both");
	pool = first;
	close_pool();
	pool = second;
	ok(works(), "one is destroyed, the other goes on");
	close_pool();
	ok(childless(), "nobody is left");
}

/* ---- the creator's end ---- */

static int dies_with_a_pool(void)
{
	struct mp_result r;

	open_pool(3, NULL);
	submit(stays, 0, NULL, NULL, &r);
	await(begun(0));
	for (int i = 0; i < 3; i++)
		board->pid[10 + i] = mp_pool_worker_pid(pool, i);
	atomic_store(&board->n, 1);
	return wait_for_kill();
}

static int exits_with_a_pool(void)
{
	struct mp_result r;

	open_pool(3, NULL);
	submit(stays, 0, NULL, NULL, &r);
	submit(holds, 1, NULL, NULL, &r);
	await(begun(0) && begun(1));
	for (int i = 0; i < 3; i++)
		board->pid[10 + i] = mp_pool_worker_pid(pool, i);
	return 0;
}

static void creators_end(void)
{
	pid_t pid;
	int64_t begin;

	memset((void *)board, 0, sizeof(*board));
	pid = start_apart(dies_with_a_pool);
	await(atomic_load(&board->n));
	killed(pid);
	ok(gone(board->pid[10]) && gone(board->pid[11]) && gone(board->pid[12]),
	   "the creator is killed: busy or idle, the workers are gone");
	begin = mp_clock_now();
	is(apart(exits_with_a_pool), 0, "the creator forgets it and exits");
	ok(mp_clock_now() - begin < 5000 * MS, "at once");
	ok(gone(board->pid[10]) && gone(board->pid[11]) && gone(board->pid[12]),
	   "the workers are gone");
}

/* Ctrl-C is for the creator. */
static int gets_interrupts(void)
{
	struct mp_result r;
	pid_t pid[2];
	int y = 0, bad = 0, error = 0;

	setpgid(0, 0);
	handle(SIGINT, on_signal, 0);
	/* Also for one that has just begun. */
	for (int i = 0; i < 20; i++) {
		open_pool(2, NULL);
		kill(0, SIGINT);
		bad += !works() || mp_pool_replaced(pool) != 0;
		close_pool();
	}
	open_pool(2, NULL);
	for (int i = 0; i < 2; i++)
		pid[i] = mp_pool_worker_pid(pool, i);
	submit(holds, 6, &y, NULL, &r);
	await(begun(6));
	for (int i = 0; i < 10; i++)
		kill(0, SIGINT);
	go_on(ALL);
	do
		error = mp_result_get(&r, LONG);
	while (error == -EINTR);
	bad += error != 0 || y != 36;
	for (int i = 0; i < 2; i++)
		bad += mp_pool_worker_pid(pool, i) != pid[i] ||
		       kill(pid[i], 0) != 0;
	bad += mp_pool_replaced(pool) != 0 || !works();
	close_pool();
	return bad + !childless();
}

static int ends_by_interrupt(void)
{
	setpgid(0, 0);
	signal(SIGINT, SIG_DFL);
	return dies_with_a_pool();
}

static void interrupts(void)
{
	pid_t pid;

	is(apart(gets_interrupts), 0, "Ctrl-C for all: the workers go on");
	memset((void *)board, 0, sizeof(*board));
	pid = start_apart(ends_by_interrupt);
	await(atomic_load(&board->n));
	kill(-pid, SIGINT);
	is(end_of(pid), 1000 + SIGINT, "the creator ends by it");
	ok(gone(board->pid[10]) && gone(board->pid[11]) && gone(board->pid[12]),
	   "and so do they");
}

/* ---- limits ---- */

/* From no process to enough for one, two, three. */
static int meets_process_limit(void)
{
	int error;

	if (be_ordinary(USER) < 0)
		return 77;
	for (rlim_t most = 1; most <= 3; most++) {
		struct rlimit few = { most, 3 };

		setrlimit(RLIMIT_NPROC, &few);
		error = mp_pool_create(&pool, 4, NULL);
		if (error != -EAGAIN)
			return 1;
		if (!childless())
			return 2;
	}
	_exit(42);
}

/* Those that live go on. */
static int replaces_none(void)
{
	struct rlimit none = { 1, 1 };
	int error;

	if (be_ordinary(USER + 1) < 0)
		return 77;
	open_pool(2, NULL);
	setrlimit(RLIMIT_NPROC, &none);
	strike(0);
	if (!works())
		return 1;
	strike(1);
	error = apply(square, 1, &(int){ 0 });
	if (error != -ECHILD && error != -EAGAIN)
		return 2;
	close_pool();
	_exit(childless() ? 42 : 3); /* a sanitizer would need a process */
}

static void process_limit(void)
{
	is(apart(meets_process_limit), 42, "too few processes: -EAGAIN, none");
	is(apart(replaces_none), 42, "none in place of the dead: an error");
}

static int next_descriptor(void)
{
	int fd = dup(0);

	if (fd < 0)
		err(1, "dup");
	close(fd);
	return fd;
}

static void descriptor_limit(void)
{
	int descriptors = tap_descriptors(), bad = 0, refused = 0, error;
	rlim_t next = (rlim_t)next_descriptor();
	struct rlimit old, few;

	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	for (few.rlim_cur = next;; few.rlim_cur++) {
		setrlimit(RLIMIT_NOFILE, &few);
		error = mp_pool_create(&pool, 4, NULL);
		if (error == 0)
			break;
		setrlimit(RLIMIT_NOFILE, &old);
		refused++;
		bad += error != -EMFILE || !childless() ||
		       tap_descriptors() != descriptors;
		if (refused > 50)
			break;
	}
	ok(refused > 0 && refused < 50, "%d descriptors too few for 4 workers",
	   refused);
	is(bad, 0, "-EMFILE, and nothing is left");
	/* None is free now. */
	ok(works(), "with just enough it works");
	strike(0);
	strike(1);
	ok(works(), "and replaces its dead");
	setrlimit(RLIMIT_NOFILE, &old);
	close_pool();
	is(tap_descriptors(), descriptors, "and leaves none open");
}

static void many(void)
{
	int descriptors = tap_descriptors(), bad = 0;
	pid_t pid = fork(); /* one that is there all the time */

	if (pid == 0)
		_exit(wait_for_kill());
	for (int i = 0; i < 200; i++) {
		open_pool(1 + i % 3, NULL);
		bad += square_of_7() != 49;
		if (i % 3 == 0)
			mp_pool_close(pool);
		if (i % 5 == 0)
			mp_pool_terminate(pool);
		if (i % 15 == 0)
			bad += mp_pool_join(pool, LONG) != 0;
		close_pool();
	}
	is(bad, 0, "200 pools come and go");
	is(tap_descriptors(), descriptors, "and leave no descriptor");
	is(shared_mappings(), 0, "no shared memory");
	is(names(), 0, "no name");
	killed(pid);
	ok(childless(), "and no process");
	open_pool(60, NULL);
	ok(works(), "a pool of 60");
	strike(59);
	ok(works(), "one of them killed");
	close_pool();
	ok(childless(), "they all go");
}

int main(void)
{
	int before = tap_descriptors();

	mp_backstop_set(0);
	board = share(sizeof(*board));
	arguments();
	life();
	closed_with_work();
	terminated();
	interrupted();
	output();
	creator_only();
	nested();
	two();
	creators_end();
	interrupts();
	process_limit();
	descriptor_limit();
	many();
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
