/* frame.h - what judges a map: included at its end, changed by nobody.
 *
 * A and B, the workers 1 and 2, and C, the creator, play one map.  The director
 * (../../tools/stage.h) says who takes the next step:
 *
 *	./dynamic_map one A.load A.cas A.kill
 *
 * When the script ends the rest goes on, one point each in turn.  Where the map
 * does something else than the script says, the director stops and tells where
 * each process stands.  A.kill kills A there.
 *
 *	./dynamic_map run one
 *
 * plays every schedule in which somebody who could go on stands back at most so
 * many times (one to four, see plots), and stops at the first that comes to
 * grief.
 */
#include <sys/eventfd.h>
#include <sys/resource.h>

#define PROGRAM "./dynamic_map"
#define NAMES   "ABC"
static const char *const op_names[OPS] = { "load", "store", "xchg", "cas",
					   "add",  "task",  "look", "wait",
					   "ring", "hire",  "kill" };
/* So many items in units of `chunk`, A alone or A and B. */
struct plot {
	const char *name;
	int cast, back;
	unsigned n, chunk, workers;
	int fails; /* the item that fails; -1: none */
};
static const struct plot plots[] = {
	{ "one", 3, 4, 1, 1, 1, -1 },     { "two", 3, 2, 2, 1, 2, -1 },
	{ "chunks", 3, 1, 3, 2, 2, -1 },  { "fails", 3, 2, 2, 2, 1, 0 },
	{ "four", 3, 0, 4, 2, 1, -1 },    { "six", 3, 0, 6, 1, 2, -1 },
	{ "twelve", 3, 0, 12, 4, 1, -1 },
};
enum { ONE, TWO, CHUNKS, FAILS, FOUR, SIX, TWELVE, PLOTS };

#include "stage.h"

static int *answer;           /* what map_wait returned, shared; -1: nothing */
static bool lost[ITEMS_MAX];  /* begun when its worker was killed */
static bool clumsy;           /* the task that kills its worker */
static unsigned cost_of_item; /* loops for item 1 */

/* ---- the tasks */

static unsigned scripted_task(struct map *m, unsigned item)
{
	(void)m;
	return (int)item == plot->fails ? FAILED : WELL;
}

static unsigned plain_task(struct map *m, unsigned item)
{
	(void)m;
	if (clumsy && item % 200 == 100 && m->ran[item] == 1)
		raise(SIGKILL);
	return item % 200 == 50 ? FAILED : WELL;
}

static unsigned easy_task(struct map *m, unsigned item)
{
	(void)m;
	(void)item;
	return WELL;
}

static unsigned slow_task(struct map *m, unsigned item)
{
	(void)m;
	(void)item;
	usleep(10000);
	return WELL;
}

/* Item i costs as much as i * i times item 1. */
static unsigned costly_task(struct map *m, unsigned item)
{
	(void)m;
	for (volatile unsigned k = item * item * cost_of_item; k > 0; k--)
		;
	return WELL;
}

/* ---- what stage.h asks for */

static void prepare(unsigned n, unsigned chunk, unsigned workers)
{
	uint64_t times;

	if (read(map->bell, &times, sizeof(times)) < 0 && errno != EAGAIN)
		err(1, "eventfd");
	map->next = map->asleep = map->strange = map->hired = 0;
	map->n = n;
	map->chunk = chunk;
	map->units = n / chunk + (n % chunk != 0);
	map->workers = workers;
	for (unsigned i = 0; i < ITEMS_MAX; i++) {
		map->unit[i] = map->status[i] = map->ran[i] = 0;
		lost[i] = false;
	}
	for (int w = 0; w <= WORKERS_MAX; w++)
		map->pid[w] = 0;
	map->with = NONE;
	*answer = -1;
}

static void act(int i)
{
	int unit = map->with;

	map->with = NONE;
	if (i == 2)
		*answer = map_wait(map);
	else if (i < (int)map->workers)
		map_work(map, (unsigned)i + 1, unit);
}

static void set(void)
{
	prepare(plot->n, plot->chunk, plot->workers);
	map->run = scripted_task;
	for (int w = 1; w <= (int)plot->workers; w++)
		map->pid[w] = actors[w - 1].pid;
}

static void look(void)
{
	unsigned w = atomic_exchange(&map->hired, 0);

	if (w) {
		if (!actors[w - 1].dead) {
			give_up("%c is hired, but not dead", NAMES[w - 1]);
			return;
		}
		start((int)w - 1);
		map->pid[w] = actors[w - 1].pid;
		let_run((int)w - 1);
	}
	if (map->strange)
		give_up("item %u was run: there are 0 to %d", map->strange - 1,
			(int)map->n - 1);
	for (unsigned i = 0; i < map->n; i++)
		if (map->ran[i] > 1)
			give_up("item %u was run twice", i);
}

static void killing(int i)
{
	for (unsigned k = 0; k < map->n; k++)
		if (map->status[k] == BEGUN &&
		    map->unit[k / map->chunk] == (unsigned)i + 1)
			lost[k] = true;
}

static void judge(void)
{
	static const char *const words[] = { "NOT_BEGUN", "BEGUN", "WELL",
					     "FAILED", "LOST" };
	int failed = 0;

	for (unsigned i = 0; i < map->n; i++) {
		unsigned status = map->status[i];
		unsigned right = lost[i]                 ? LOST
				 : (int)i == plot->fails ? FAILED
							 : WELL;

		failed += right != WELL;
		if (status != right)
			give_up("item %u is %s, not %s", i,
				status <= LOST ? words[status] : "nonsense",
				words[right]);
	}
	if (*answer != failed)
		give_up("map_wait returned %d, not %d", *answer, failed);
}

static void tell(void)
{
	printf("  next %u, asleep %u, map_wait:", map->next, map->asleep);
	printf(*answer < 0 ? " not yet\n" : " %d\n", *answer);
}

/* ---- a worker is killed */

/* Play A up to its point number k.  false: it has not so many. */
static bool play_points(int k)
{
	for (; k > 0 && stands(0) && !fault[0]; k--)
		play(0);
	return stands(0) || fault[0];
}

/* How else a map with a death may go. */
enum {
	C_SLEEPS = 1,
	B_FIRST = 2, /* B works before A is killed, */
	B_LAST = 4,  /* or before C hears of it, */
	B_TOO = 6,   /* or in turn with the others; else not at all */
	TWICE = 8,
	HOWS = 16
};

static bool play_killed(int how, int k, int again)
{
	start_actors(&plots[how & B_TOO ? CHUNKS : FOUR]);
	begin();
	if (how & C_SLEEPS)
		play_on(2);
	if (!play_points(k))
		return false;
	if ((how & B_TOO) == B_FIRST)
		play_on(1);
	if (fault[0])
		return true;
	kill_actor(0);
	if (how & TWICE) {
		play_on(2); /* until it has hired another, and sleeps */
		if (!play_points(again))
			return false;
		if (!fault[0])
			kill_actor(0);
	}
	if ((how & B_TOO) == B_LAST)
		play_on(1);
	if (!fault[0])
		play_in_turn();
	return true;
}

static int deaths;

static bool death(int how, int k, int again)
{
	bool there = play_killed(how, k, again);

	stop_actors();
	deaths += there;
	return there && !fault[0];
}

static int run_killed(int twice)
{
	for (int how = 0; how < HOWS && !fault[0]; how++) {
		if ((how & TWICE) != twice)
			continue;
		for (int k = 0; death(how, k, 0); k += twice ? 2 : 1)
			for (int i = 2; twice && death(how, k, i); i += 2)
				;
	}
	if (fault[0])
		return replay();
	printf("%d deaths: none does harm\n", deaths);
	return 0;
}

/* ---- without a script */

/* The items of a map of our own, by one worker that is this very process. */
static int run_rest(int unused)
{
	static const unsigned maps[][2] = { { 0, 1 }, { 1, 1 },  { 1, 5 },
					    { 5, 1 }, { 10, 4 }, { 12, 4 },
					    { 3, 3 }, { 100, 7 } };

	(void)unused;
	for (size_t k = 0; k < sizeof(maps) / sizeof(maps[0]); k++) {
		unsigned n = maps[k][0], once = 0;

		prepare(n, maps[k][1], 1);
		map->run = plain_task;
		map_work(map, 1, NONE);
		for (unsigned i = 0; i < n; i++)
			once += map->ran[i] == 1;
		printf("%u items in chunks of %u: %u once, %s%d not well\n", n,
		       maps[k][1], once, map->strange ? "and others, " : "",
		       map_wait(map));
	}
	return 0;
}

static void hire_all(void)
{
	for (unsigned w = 1; w <= map->workers; w++)
		hire(map, w, NONE);
}

static void reap_all(void)
{
	while (wait(NULL) > 0)
		;
}

/* 600 items by three workers; three of the items fail, and three kill. */
static int run_many(int unused)
{
	unsigned count[LOST + 1] = { 0 }, once = 0;
	int rc;

	(void)unused;
	clumsy = true;
	prepare(600, 7, 3);
	map->run = plain_task;
	hire_all();
	rc = map_wait(map);
	reap_all();
	for (unsigned i = 0; i < map->n; i++) {
		once += map->ran[i] == 1;
		count[map->status[i] % (LOST + 1)]++;
	}
	printf("%u run once; %u well, %u failed, %u lost, %d in all\n", once,
	       count[WELL], count[FAILED], count[LOST], rc);
	return 0;
}

/* ---- counting */

static void work_alone(void)
{
	map_work(map, 1, NONE);
}

/* The system calls of a worker that is alone with 1000 items; waited: in a map
 * that somebody has waited for before. */
static int count_calls_of_work(int waited)
{
	prepare(1000, 10, 1);
	map->run = easy_task;
	if (waited) {
		map_work(map, 1, NONE);
		map_wait(map);
		map->next = 0;
		for (unsigned i = 0; i < ITEMS_MAX; i++)
			map->unit[i] = map->status[i] = 0;
	}
	count_calls(work_alone);
	return 0;
}

/* Points that claim, or rings: in a map that all play in turn. */
static int count_points(int which)
{
	int count = 0;

	start_actors(&plots[which]);
	begin();
	play_on(2);
	play_in_turn();
	for (int k = 0; k < length; k++)
		count += which == SIX
				 ? played[k].op == RING
				 : played[k].op == CAS || played[k].op == ADD ||
					   played[k].op == XCHG;
	if (fault[0])
		printf("%s\n", fault);
	else
		printf("%d\n", count);
	stop_actors();
	return 0;
}

/* How often the creator sleeps while a worker needs 100 ms for ten items. */
static int count_sleeps(int unused)
{
	struct rusage before, after;
	int rc;

	(void)unused;
	prepare(10, 1, 1);
	map->run = slow_task;
	hire_all();
	getrusage(RUSAGE_SELF, &before);
	rc = map_wait(map);
	getrusage(RUSAGE_SELF, &after);
	reap_all();
	if (rc == 0)
		printf("%ld\n", after.ru_nvcsw - before.ru_nvcsw);
	else
		printf("map_wait returned %d\n", rc);
	return 0;
}

/* Nanoseconds for uneven work by two workers; the reference gives each of them
 * one half of the items. */
static void bench(bool mine, int rounds)
{
	struct timespec from, to;

	cost_of_item = 2;
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int k = 0; k < (rounds + 99) / 100; k++) {
		prepare(256, 4, 2);
		map->run = costly_task;
		if (mine) {
			hire_all();
			map_wait(map);
		}
		for (unsigned w = 0; w < 2 && !mine; w++)
			if (new_process() == 0) {
				for (unsigned i = 0; i < 128; i++)
					costly_task(map, 128 * w + i);
				_exit(0);
			}
		reap_all();
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("%lld\n", (to.tv_sec - from.tv_sec) * 1000000000LL + to.tv_nsec -
				 from.tv_nsec);
}

static const struct scenario scenarios[] = {
	{ "run", "rest", run_rest, 0 },
	{ "run", "one", play_all, ONE },
	{ "run", "two", play_all, TWO },
	{ "run", "chunks", play_all, CHUNKS },
	{ "run", "fails", play_all, FAILS },
	{ "run", "killed", run_killed, 0 },
	{ "run", "killed_twice", run_killed, TWICE },
	{ "run", "many", run_many, 0 },
	{ "count", "calls", count_calls_of_work, 0 },
	{ "count", "waited", count_calls_of_work, 1 },
	{ "count", "claims", count_points, TWELVE },
	{ "count", "rings", count_points, SIX },
	{ "count", "sleeps", count_sleeps, 0 },
};

int main(int argc, char *argv[])
{
	map = shared_memory(sizeof(*map));
	answer = shared_memory(sizeof(*answer));
	map->bell = eventfd(0, EFD_NONBLOCK);
	if (map->bell < 0)
		err(1, "eventfd");
	return stage_main(argc, argv, scenarios,
			  sizeof(scenarios) / sizeof(scenarios[0]), bench);
}
