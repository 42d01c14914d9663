/* Many small items go through a pool whose workers are killed every few
 * milliseconds.  The books lie in shared memory: an item notes when it begins
 * and when it ends.  Afterwards each item has the status that is right:
 *
 *	0		it has ended once; its result is there
 *	lost		it was begun at most once; not more of them than kills
 *	too long	it was one of those that never end
 *
 * and with retries none is lost.  Then, with no more kills, the pool does a map
 * of 100 as if nothing had happened.
 *
 * The pool belongs to a child.  Its parent kills the workers, one by one, all
 * at once, or the creator itself; it stops a child that hangs. */
#include "crew.h"

#include "mp/backstop.h"
#include "mp/imap.h"
#include "mp/pool.h"
#include "mp/result.h"

#define WORKERS 4
#define BIRTHS  65536 /* noted, in a circle */
#define STALL   (4 * LONG)
#define RARE    500 /* one in so many never ends, or fails */
#define LATE_NS (200 * MS)
#define FLYING  300 /* tasks under way */

enum kills { NOBODY, ONE, SELDOM, ALL, CREATOR };

struct item {
	_Atomic uint8_t begun, ended;
};

struct world {
	_Atomic int kills;   /* enum kills: what is done to the workers */
	_Atomic int resting; /* the killer has seen that it is NOBODY */
	_Atomic uint64_t killed, births;
	_Atomic pid_t pid[BIRTHS];
	_Atomic int line; /* of the must that failed */
	uint64_t good, lost, late, again, replaced;
	int64_t ns;
	struct item item[];
};
static struct world *w;
static uint32_t n;         /* items of this storm */
static uint32_t *in, *out; /* in shared memory */
static int32_t *status;    /* too */
static struct mp_pool *pool;

static uint32_t seed;

static uint32_t chance(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

/* ---- items ---- */

static uint32_t answer(uint32_t i)
{
	return i * 2654435761u + 1;
}

/* Most are short, so that a kill is as likely between two as within one. */
static int work(struct mp_task *t)
{
	uint32_t i = *(const uint32_t *)t->in;

	atomic_fetch_add(&w->item[i].begun, 1);
	for (volatile uint32_t turn = 0; i % 16 == 0 && turn < 8000; turn++)
		;
	*(uint32_t *)t->out = answer(i);
	atomic_fetch_add(&w->item[i].ended, 1);
	return 0;
}

static int is_rare(uint32_t i)
{
	return i % RARE == RARE / 2;
}

static int work_or_hang(struct mp_task *t)
{
	uint32_t i = *(const uint32_t *)t->in;

	if (!is_rare(i))
		return work(t);
	atomic_fetch_add(&w->item[i].begun, 1);
	for (;;)
		pause();
}

/* So long that its creator sleeps. */
static int nap(struct mp_task *t)
{
	(void)t;
	return usleep(3000);
}

static int born(void *unused)
{
	(void)unused;
	atomic_store(&w->pid[atomic_fetch_add(&w->births, 1) % BIRTHS],
		     getpid());
	return 0;
}

/* ---- the ways to run them; 0, or the line of the must that failed ---- */

struct storm {
	const char *what;
	uint32_t share; /* of the items: one in so many */
	enum kills kills;
	int (*run)(const struct storm *);
	struct mp_call call;
	bool unordered;
	int (*work)(struct mp_task *);
};

static int by_map(const struct storm *storm)
{
	int failed = mp_pool_map(pool, storm->work, in, sizeof(*in), n, out,
				 sizeof(*out), &storm->call);
	int bad = 0;

	must(failed >= 0);
	for (uint32_t i = 0; i < n; i++)
		bad += status[i] != 0;
	must(failed == bad);
	return 0;
}

/* FLYING at a time: each result is used again when it is done. */
static int by_submit(const struct storm *storm)
{
	static struct mp_result result[FLYING], *all[FLYING];
	static uint32_t item[FLYING];
	uint32_t next = 0, i;
	int place = 0;

	while (next < n && place < FLYING) {
		all[place] = &result[place];
		item[place] = next++;
		i = item[place];
		must(mp_pool_submit(pool, storm->work, &in[i], sizeof(*in),
				    &out[i], sizeof(*out), &storm->call,
				    all[place]) == 0);
		place++;
	}
	while ((place = mp_result_as_completed(all, FLYING, -1)) >= 0) {
		i = item[place];
		status[i] = mp_result_status(&result[place]);
		if (next == n)
			continue;
		item[place] = i = next++;
		all[place] = &result[place];
		must(mp_pool_submit(pool, storm->work, &in[i], sizeof(*in),
				    &out[i], sizeof(*out), &storm->call,
				    all[place]) == 0);
	}
	must(place == -ENOENT);
	return 0;
}

static int numbers(void *arg, void *item)
{
	uint32_t *next = arg;

	if (*next == n)
		return 0;
	*(uint32_t *)item = (*next)++;
	return 1;
}

static int by_imap(const struct storm *storm)
{
	struct mp_imap_options o = { .call = storm->call,
				     .unordered = storm->unordered };
	uint32_t next = 0, got = 0, y;
	struct mp_imap it;
	int rc;

	o.call.status = NULL;
	must(mp_imap_open(&it, pool, storm->work, numbers, &next, sizeof(next),
			  sizeof(y), &o) == 0);
	for (; (rc = mp_imap_next(&it, &y, -1)) == 1; got++) {
		must(it.index < n);
		must(storm->unordered || it.index == got);
		must(status[it.index] == 1); /* once */
		status[it.index] = it.status;
		if (it.status == 0)
			out[it.index] = y;
	}
	must(rc == 0);
	must(got == n);
	return mp_imap_close(&it) == 0 ? 0 : __LINE__;
}

/* ---- the books ---- */

static int balance(const struct storm *storm)
{
	for (uint32_t i = 0; i < n; i++) {
		uint8_t begun = w->item[i].begun, ended = w->item[i].ended;
		bool rare = storm->work == work_or_hang && is_rare(i);

		must(begun >= ended);
		if (storm->call.retries == 0)
			must(begun <= 1);
		w->again += begun > 1;
		if (status[i] == 0) {
			must(ended >= 1 && !rare && out[i] == answer(i));
			w->good++;
		} else if (status[i] == MP_LOST) {
			w->lost++;
		} else {
			must(status[i] == MP_TOO_LONG && rare);
			w->late++;
		}
	}
	must(w->lost + w->again <= w->replaced + WORKERS);
	must(storm->call.retries == 0 || w->lost == 0);
	return 0;
}

/* No more kills: it works as a new one. */
static int as_new(void)
{
	int failed;

	atomic_store(&w->kills, NOBODY);
	await(atomic_load(&w->resting));
	/* The last ones killed may still be there, dying. */
	mp_pool_collect(pool, 0);
	n = 100;
	memset(w->item, 0, n * sizeof(w->item[0]));
	failed = mp_pool_map(pool, work, in, sizeof(*in), n, out, sizeof(*out),
			     &(struct mp_call){ .retries = WORKERS });
	must(failed == 0);
	for (uint32_t i = 0; i < n; i++) {
		must(out[i] == answer(i));
		must(w->item[i].ended >= 1);
	}
	must(mp_pool_workers(pool) == WORKERS);
	/* Nobody dies now: only the bell wakes the creator. */
	for (int i = 0; i < 5; i++) {
		must(mp_pool_map(pool, nap, NULL, 0, WORKERS, NULL, 0, NULL) ==
		     0);
		must(mp_pool_apply(pool, nap, NULL, 0, NULL, 0, NULL) == 0);
	}
	return 0;
}

static int creator(const struct storm *storm)
{
	struct mp_pool_options o = { .initializer = born };
	int line;

	must(mp_pool_create(&pool, WORKERS, &o) == 0);
	atomic_store(&w->resting, 0);
	atomic_store(&w->kills, storm->kills);
	do
		line = storm->run(storm);
	while (line == 0 && storm->kills == CREATOR);
	w->replaced = mp_pool_replaced(pool);
	if (line == 0)
		line = balance(storm);
	if (line != 0)
		return line;
	line = as_new();
	if (line != 0)
		return line;
	must(mp_pool_destroy(pool) == 0);
	return 0;
}

/* ---- the killer ---- */

static const struct storm *storm;

static int create_one(long unused)
{
	int64_t begin = mp_clock_now();

	(void)unused;
	atomic_store(&w->line, creator(storm));
	w->ns = mp_clock_now() - begin;
	fflush(stdout);
	return 0;
}

/* Is this a child of that process, and alive? */
static int child_of(pid_t pid, pid_t parent)
{
	char path[32], line[512], *end;
	int got = 0, its = 0;
	char state = 'Z';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	end = fgets(line, sizeof(line), f) != NULL ? strrchr(line, ')') : NULL;
	if (end != NULL)
		got = sscanf(end + 1, " %c %d", &state, &its);
	fclose(f);
	return got == 2 && its == parent && state != 'Z';
}

static int kill_worker(pid_t pid, pid_t parent)
{
	if (pid == 0 || !child_of(pid, parent))
		return 0;
	atomic_fetch_add(&w->killed, 1);
	return kill(pid, SIGKILL) == 0;
}

/* One of those born last, or all of them. */
static void strike(pid_t parent)
{
	uint64_t births = atomic_load(&w->births), i;
	enum kills kills = (enum kills)atomic_load(&w->kills);

	if (kills == NOBODY || births == 0)
		return;
	for (i = births - (births < WORKERS ? births : WORKERS); i < births;
	     i++)
		if (kills == ALL ||
		    chance() % (kills == SELDOM ? 1000 : WORKERS) == 0)
			kill_worker(atomic_load(&w->pid[i % BIRTHS]), parent);
}

/* All workers are gone a second after their creator. */
static int all_gone(void)
{
	int64_t end = mp_clock_now() + 1000 * MS;
	int alive, late;

	do {
		alive = 0;
		for (uint64_t i = 0; i < BIRTHS && w->pid[i] != 0; i++) {
			char state = tap_state(atomic_load(&w->pid[i]));

			if (state == '-' || state == 'Z' || state == 'X')
				continue;
			alive++;
			if (mp_clock_now() > end) /* leave none behind */
				kill(atomic_load(&w->pid[i]), SIGKILL);
		}
		late = mp_clock_now() > end;
	} while (alive > 0 && usleep(1000) == 0);
	return !late;
}

/* 1: the child ended by itself; 0: it was killed; -1: it hung. */
static int watch(pid_t pid)
{
	int64_t end = mp_clock_now() + STALL;
	enum kills kills;

	while (tap_state(pid) != 'Z') {
		kills = (enum kills)atomic_load(&w->kills);
		if (kills == CREATOR && chance() % 16 == 0) {
			killed(pid);
			return 0;
		}
		usleep(chance() % (kills == ALL ? 20000 : 2000));
		if (kills != CREATOR)
			strike(pid);
		atomic_store(&w->resting, atomic_load(&w->kills) == NOBODY &&
						  kills == NOBODY);
		if (mp_clock_now() > end) {
			killed(pid);
			return -1;
		}
	}
	return end_of(pid) == 0;
}

static void fresh(uint32_t items)
{
	n = items / storm->share;
	memset(w, 0, sizeof(*w));
	memset(w->item, 0, n * sizeof(w->item[0]));
	atomic_store(&w->line, -1);
	for (uint32_t i = 0; i < n; i++) {
		in[i] = i;
		out[i] = 0;
		status[i] = 1;
	}
}

static void tell(uint32_t items)
{
	int ended, line;

	fresh(items);
	fflush(stdout);
	ended = watch(start(create_one, 0));
	line = atomic_load(&w->line);
	if (storm->kills == CREATOR) {
		ok(ended == 0 && all_gone(), "%s", storm->what);
	} else if (!ok(ended == 1 && line == 0, "%s", storm->what)) {
		printf("# %s; line %d\n",
		       ended < 0 ? "it hangs" : "it has ended", line);
	}
	printf("# %s: %u items, %llu kills, %llu workers replaced; %llu good, "
	       "%llu lost, %llu too long, %llu run again; %.2f s\n",
	       storm->what, n, (unsigned long long)w->killed,
	       (unsigned long long)w->replaced, (unsigned long long)w->good,
	       (unsigned long long)w->lost, (unsigned long long)w->late,
	       (unsigned long long)w->again, (double)w->ns / 1e9);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int items = argc > 1 ? atoi(argv[1]) : 1000000;
	int rounds = argc > 2 ? atoi(argv[2]) : 1;
	const char *only = argc > 3 ? argv[3] : "";
	uint32_t all = (uint32_t)items;
	struct storm storms[] = {
		{ "map, one by one",
		  1,
		  ONE,
		  by_map,
		  { .chunk = 1 },
		  false,
		  work },
		{ "map", 1, ONE, by_map, { .chunk = 0 }, false, work },
		{ "map of shared memory",
		  1,
		  ONE,
		  by_map,
		  { .chunk = 1, .shared = true },
		  false,
		  work },
		{ "map, chunks of 7",
		  1,
		  ONE,
		  by_map,
		  { .chunk = 7 },
		  false,
		  work },
		{ "map, with retries",
		  1,
		  ONE,
		  by_map,
		  { .chunk = 1, .retries = 100 },
		  false,
		  work },
		{ "map, all are killed",
		  1,
		  ALL,
		  by_map,
		  { .chunk = 1 },
		  false,
		  work },
		{ "map, all are killed, with retries",
		  1,
		  ALL,
		  by_map,
		  { .chunk = 0, .retries = 100 },
		  false,
		  work },
		{ "map, some never end",
		  100,
		  ONE,
		  by_map,
		  { .chunk = 1, .timeout_ns = LATE_NS },
		  false,
		  work_or_hang },
		{ "submit", 10, ONE, by_submit, { .chunk = 0 }, false, work },
		{ "submit, with retries",
		  10,
		  ONE,
		  by_submit,
		  { .retries = 100 },
		  false,
		  work },
		{ "submit, all are killed",
		  10,
		  ALL,
		  by_submit,
		  { .retries = 0 },
		  false,
		  work },
		{ "submit, some never end",
		  100,
		  ONE,
		  by_submit,
		  { .timeout_ns = LATE_NS },
		  false,
		  work_or_hang },
		{ "imap", 10, ONE, by_imap, { .chunk = 1 }, false, work },
		{ "imap, chunks of 16",
		  2,
		  ONE,
		  by_imap,
		  { .chunk = 16 },
		  false,
		  work },
		{ "imap, unordered, with retries",
		  4,
		  ONE,
		  by_imap,
		  { .chunk = 4, .retries = 100 },
		  true,
		  work },
		{ "map, the creator is killed",
		  1,
		  CREATOR,
		  by_map,
		  { .chunk = 1 },
		  false,
		  work },
		{ "submit, the creator is killed",
		  1,
		  CREATOR,
		  by_submit,
		  { .chunk = 1 },
		  false,
		  work },
	};

	if (argc > 4 || items < 1000 || items > 100000000 || rounds < 1 ||
	    rounds > 10000) {
		fprintf(stderr,
			"usage: %s [ITEMS (1000 to 100000000) "
			"[ROUNDS (1 to 10000) [CASE]]]\n",
			argv[0]);
		return 2;
	}
	mp_backstop_set(0); /* nobody needs one */
	seed = (uint32_t)getpid() * 2654435761u | 1;
	printf("# seed %u\n", seed);
	w = share(sizeof(*w) + all * sizeof(w->item[0]));
	in = share(all * sizeof(*in));
	out = share(all * sizeof(*out));
	status = share(all * sizeof(*status));
	for (int round = 0; round < rounds; round++)
		for (size_t i = 0; i < sizeof(storms) / sizeof(*storms); i++) {
			storm = &storms[i];
			storms[i].call.status = status;
			if (strstr(storm->what, only) != NULL)
				tell(all);
		}
	return tap_done();
}
