/* selftest - benchmarks that do it wrong, and some whose counts are known.
 *
 * For the tests only: each misuse must end as an error with a sentence, and
 * quickly.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/contest.h"
#include "harness/gbench.h"
#include "harness/team.h"

static int set_up, torn_down;

static void good(struct gb_state *st)
{
	GB_LOOP(st)
	gb_keep(set_up);
	gb_counter(st, "set_up", set_up - torn_down);
}

static void good_setup(struct gb_state *st)
{
	(void)st;
	set_up++;
}

static void good_teardown(struct gb_state *st)
{
	(void)st;
	torn_down++;
}

static void manual_zero(struct gb_state *st)
{
	GB_LOOP(st)
	gb_time(st, 0);
}

static void manual_missing(struct gb_state *st)
{
	GB_LOOP(st)
	gb_keep(st);
}

static void no_loop(struct gb_state *st)
{
	(void)st;
}

static void left_early(struct gb_state *st)
{
	GB_LOOP(st)
	break;
}

static void an_error(struct gb_state *st)
{
	GB_LOOP(st)
	{
		gb_error(st, "this went wrong: %d", 42);
		break;
	}
}

static void a_skip(struct gb_state *st)
{
	gb_skip(st, "not on this machine");
}

/* Exactly one system call an operation. */
static void syscall_1(struct gb_state *st)
{
	GB_LOOP(st)
	syscall(SYS_getppid);
}

static int dies(int index, void *arg)
{
	(void)arg;
	if (index == 1)
		raise(SIGKILL);
	pause(); /* for ever, if nobody kills it */
	return 0;
}

static int fails(int index, void *arg)
{
	(void)arg;
	return index;
}

static int works(int index, void *arg)
{
	(void)arg;
	usleep(index == 1 ? 3000 : 0); /* the last one is what counts */
	return 0;
}

/* 1000 operations of 5 ns. */
static void once(struct gb_state *st)
{
	GB_LOOP(st)
	{
		gb_operations(st, 1000);
		gb_time(st, 5000);
	}
	gb_counter(st, "iterations_asked", (double)gb_iterations(st));
}

/* Worker 0 counts for both: three for itself, one for the other. */
static int unequal(struct contest *c, int index)
{
	for (uint64_t n = 1; index == 0 && contest_on(c); n++) {
		contest_count(c, 0, 3 * n);
		contest_count(c, 1, n);
	}
	return 0;
}

static int lazy(struct contest *c, int index)
{
	(void)c;
	(void)index;
	return 0;
}

static int lost_worker(struct contest *c, int index)
{
	(void)c;
	if (index == 1)
		raise(SIGKILL);
	pause();
	return 0;
}

static void contest(struct gb_state *st)
{
	struct contest c = *(const struct contest *)gb_user(st);

	contest_measure(&c, st);
}

static void team(struct gb_state *st)
{
	struct team t = *(const struct team *)gb_user(st);
	int64_t ns;

	GB_LOOP(st)
	{
		if (team_run(&t, &ns) < 0) {
			gb_error(st, "%s", t.why);
			break;
		}
		gb_time(st, ns);
	}
}

static void prepare(void)
{
	static const struct team dead = { .n = 3, .work = dies };
	static const struct team early = { .n = 3,
					   .work = dies,
					   .creation = true };
	static const struct team failed = { .n = 2, .work = fails };
	static const struct team thread = { .n = 2,
					    .work = fails,
					    .threads = true };
	static const struct team processes = { .n = 2, .work = works };
	static const struct team threads = { .n = 2,
					     .work = works,
					     .threads = true };
	static const struct contest three = { .n = 2, .work = unequal };
	static const struct contest lost = { .n = 2, .work = lost_worker };
	static const struct contest nobody = { .n = 2, .work = lazy };
	static const struct gb_benchmark all[] = {
		{ "selftest/good", .run = good, .setup = good_setup,
		  .teardown = good_teardown },
		{ "selftest/manual_zero", .run = manual_zero,
		  .clock = GB_MANUAL_TIME },
		{ "selftest/manual_missing", .run = manual_missing,
		  .clock = GB_MANUAL_TIME },
		{ "selftest/no_loop", .run = no_loop },
		{ "selftest/left_early", .run = left_early },
		{ "selftest/error", .run = an_error },
		{ "selftest/skip", .run = a_skip },
		{ "selftest/syscall", .run = syscall_1 },
		{ "selftest/once", .run = once, .clock = GB_MANUAL_TIME,
		  .once = true },
		{ "selftest/contest_three", .run = contest, .user = &three,
		  .clock = GB_MANUAL_TIME, .once = true },
		{ "selftest/contest_dead", .run = contest, .user = &lost,
		  .clock = GB_MANUAL_TIME, .once = true },
		{ "selftest/contest_lazy", .run = contest, .user = &nobody,
		  .clock = GB_MANUAL_TIME, .once = true },
		{ "selftest/team_dead", .run = team, .user = &dead,
		  .clock = GB_MANUAL_TIME },
		{ "selftest/team_dead_early", .run = team, .user = &early,
		  .clock = GB_MANUAL_TIME },
		{ "selftest/team_failed", .run = team, .user = &failed,
		  .clock = GB_MANUAL_TIME },
		{ "selftest/team_thread_failed", .run = team, .user = &thread,
		  .clock = GB_MANUAL_TIME },
		{ "selftest/team_processes", .run = team, .user = &processes,
		  .clock = GB_MANUAL_TIME },
		{ "selftest/team_threads", .run = team, .user = &threads,
		  .clock = GB_MANUAL_TIME },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		gb_register(&all[i]);
}

int main(int argc, char **argv)
{
	static const struct gb_program program = {
		.about = "Benchmarks that do it wrong: for the tests.",
		.prepare = prepare,
	};

	return gb_main(argc, argv, &program);
}
