/* Many clients at once, and one after the other: what the server holds when
 * they are gone is what it held at the start.
 *
 *	test-manager-many AT_ONCE ONE_BY_ONE
 */
#include "managers.h"

static struct board {
	_Atomic int ready, go;
} * board;

static struct mp_proxy dict, lock, queue;

/* ---- at once ---- */

/* A client: work, then stay until all are there. */
static int works(long i)
{
	struct mp_proxy mine;
	int bad = 0;

	for (int k = 0; k < 5; k++)
		bad += mp_proxy_add(&dict, S("n"), 1, NULL) != 0;
	bad += mp_manager_create(&manager, &mine, "list", NULL, 0) != 0;
	bad += mp_proxy_append(&mine, I(i)) != 0;
	bad += mp_proxy_set(&dict, I(i), mp_proxy_any(&mine)) != 0;
	atomic_fetch_add(&board->ready, bad == 0 ? 1 : 100000);
	/* It waits in the server, not here. */
	bad += mp_proxy_take(&queue, NULL, -1) != 0;
	bad += mp_proxy_acquire(&lock, -1) < 0;
	bad += mp_proxy_add(&dict, S("n"), 1, NULL) != 0;
	bad += mp_proxy_release(&lock) != 0;
	return bad > 0;
}

static void at_once(int n)
{
	pid_t *pid = malloc((size_t)n * sizeof(*pid));
	int64_t begin, sum;
	int bad = 0;

	atomic_store(&board->ready, 0);
	mp_proxy_set(&dict, S("n"), I(0));
	for (int i = 0; i < n; i++)
		pid[i] = start(works, i);
	begin = mp_clock_now();
	while (atomic_load(&board->ready) < n &&
	       mp_clock_now() - begin < 10 * LONG)
		usleep(1000);
	is(board->ready, n, "%d clients are served", n);
	is(mp_manager_count(&manager), n + 3, "each has made a list");
	mp_proxy_add(&dict, S("n"), 0, &sum);
	is(sum, 5 * n, "each has added");
	/* Every third is killed where it waits. */
	for (int i = 0; i < n; i += 3)
		kill(pid[i], SIGKILL);
	for (int i = 0; i < n; i += 3)
		end_of(pid[i]);
	await(idle());
	for (int i = 0; i < n; i++)
		if (i % 3 != 0)
			bad += mp_proxy_put(&queue, I(i), 0) != 0;
	for (int i = 0; i < n; i++)
		if (i % 3 != 0)
			bad += end_of(pid[i]) != 0;
	is(bad, 0, "a third is killed, the others end well");
	mp_proxy_add(&dict, S("n"), 0, &sum);
	is(sum, 5 * n + n - (n + 2) / 3, "and have added once more");
	await(idle());
	ask(&dict, "clear");
	is(mp_manager_count(&manager), 3, "their lists go");
	free(pid);
}

/* ---- one after the other ---- */

/* What the server holds. */
struct state {
	int descriptors, mappings;
	long memory;
};

static struct state state(void)
{
	await(idle());
	return (struct state){ descriptors_of(server()), mappings_of(server()),
			       memory_of(server()) };
}

/* Work, and be killed in one state or another. */
static int comes(long i)
{
	struct mp_proxy mine;

	mp_proxy_add(&dict, S("n"), 1, NULL);
	for (int k = 0; k < 3; k++) {
		mp_manager_create(&manager, &mine, "dict", NULL, 0);
		mp_proxy_set(&mine, S("a string"), I(i));
		mp_proxy_set(&mine, I(1), mp_proxy_any(&mine));
	}
	if (i % 4 == 1)
		mp_proxy_acquire(&lock, -1);
	if (i % 4 == 2)
		mp_proxy_send(&queue, "get", NULL, 0);
	mp_proxy_add(&dict, S("n"), 1, NULL);
	if (i % 4 == 3)
		return 0;
	raise(SIGKILL);
	return 1;
}

/* By four at a time. */
static int come(int n)
{
	pid_t pid[4];
	int bad = 0;

	for (int i = 0; i < n; i += 4) {
		for (int k = 0; k < 4; k++)
			pid[k] = start(comes, k);
		for (int k = 0; k < 4; k++)
			bad += end_of(pid[k]) !=
			       (k % 4 == 3 ? 0 : 1000 + SIGKILL);
	}
	return bad;
}

static void one_by_one(int n)
{
	struct state before = { 0 }, after;
	int64_t sum = 0;
	int bad;

	/* What the first ones need, stays. */
	bad = come(200);
	mp_manager_count(&manager);
	before = state();
	mp_proxy_set(&dict, S("n"), I(0));
	bad += come(n);
	is(bad, 0, "%d clients came, worked, and were killed or ended", n);
	is(mp_manager_count(&manager), 3, "no object of theirs is left");
	mp_proxy_add(&dict, S("n"), 0, &sum);
	is(sum, 2 * n, "what they did is done");
	after = state();
	is(after.descriptors, before.descriptors,
	   "the server has as many descriptors as at the start,");
	ok(after.mappings <= before.mappings + 4, "mappings (%d, then %d),",
	   before.mappings, after.mappings);
	if (MEMORY_TELLS)
		ok(after.memory < before.memory + 512,
		   "and memory (%ld kB, then %ld)", before.memory,
		   after.memory);
	is(mp_proxy_acquire(&lock, LONG) >= 0, 1, "the lock is free");
	mp_proxy_release(&lock);
}

/* ---- strangers ---- */

static void strangers(int n)
{
	struct mp_manager_options o = { .address = manager.address };
	struct mp_manager *m = calloc((size_t)n, sizeof(*m));
	struct state before = { 0 }, after;
	struct mp_proxy p;
	int bad = 0;
	int64_t sum;

	for (int round = 0; round < 3; round++) {
		mp_proxy_set(&dict, S("n"), I(0));
		for (int i = 0; i < n; i++) {
			bad += mp_manager_connect(&m[i], &o, LONG) != 0;
			bad += mp_proxy_adopt(&p, &m[i], dict.handle) != 0;
			bad += mp_proxy_add(&p, S("n"), 1, NULL) != 0;
		}
		mp_proxy_add(&dict, S("n"), 0, &sum);
		bad += sum != n;
		for (int i = 0; i < n; i++)
			bad += mp_manager_close(&m[i]) != 0;
		mp_manager_count(&manager);
		if (round == 0)
			before = state();
	}
	is(bad, 0, "3 times %d strangers", n);
	after = state();
	is(after.descriptors, before.descriptors, "leave no descriptor");
	if (MEMORY_TELLS)
		ok(after.memory < before.memory + 512,
		   "nor memory (%ld kB, then %ld)", before.memory,
		   after.memory);
	free(m);
}

/* ---- as many as may be ---- */

/* A client takes some descriptors of the server, and a stranger one. */
static int allowed(int n)
{
	struct rlimit files, users;
	rlim_t most;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	getrlimit(RLIMIT_NPROC, &users);
	most = (files.rlim_cur - 64) / 8;
	if (getuid() != 0 && users.rlim_cur / 2 < most)
		most = users.rlim_cur / 2;
	if (most < (rlim_t)n) {
		printf("# limits allow %d clients at a time\n", (int)most);
		return (int)most;
	}
	return n;
}

int main(int argc, char **argv)
{
	struct mp_manager_options o = { .address = NULL };
	char address[64];
	int before, n;

	if (argc != 3)
		errx(2, "usage: %s AT_ONCE ONE_BY_ONE", argv[0]);
	n = allowed(atoi(argv[1]));
	before = tap_descriptors();
	mp_backstop_set(0);
	board = share(sizeof(*board));
	snprintf(address, sizeof(address), "@rawmp-many-%d", (int)getpid());
	o.address = address;
	open_manager(&o);
	make(&dict, "dict");
	make(&lock, "lock");
	make(&queue, "queue");
	one_by_one(atoi(argv[2]));
	at_once(n);
	strangers(n < 200 ? n : 200);
	close_manager();
	ok(childless(), "no process is left");
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
