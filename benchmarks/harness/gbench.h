/* gbench - Google Benchmark for C programs.
 *
 * A benchmark is a struct: a name, a function, rows of arguments.  A program
 * registers its benchmarks in `prepare` and hands over to gb_main.
 *
 *	static void pipe_rtt(struct gb_state *st)
 *	{
 *		GB_LOOP(st)
 *			round_trip(gb_argument(st, 0));
 *	}
 *
 *	static void prepare(void)
 *	{
 *		static const struct gb_argument names[] = {{"bytes", NULL}};
 *		static const int64_t rows[][GB_ARGUMENTS] = {{8}, {4096}};
 *
 *		gb_register(&(struct gb_benchmark){
 *			.name = "pipe/rtt", .run = pipe_rtt,
 *			.arguments = names, .narguments = 1,
 *			.rows = rows, .nrows = 2});	 pipe/rtt/bytes:8 ...
 *	}
 *
 *	int main(int argc, char **argv)
 *	{
 *		static const struct gb_program me = {.prepare = prepare};
 *		return gb_main(argc, argv, &me);
 *	}
 *
 * Time.  The default clock is real time, because Google Benchmark's default,
 * the CPU clock, sees the parent only: with the work in children it shows 4 %
 * of the time and makes 24 times too many iterations.  With GB_MANUAL_TIME each
 * iteration calls gb_time() once.
 *
 * A benchmark that decides itself how long it runs (contention, for a tenth of
 * a second) is `once`: one iteration, and gb_operations() says how many
 * operations that was.  All figures are then of one operation.
 *
 * What is reported as an error instead of being measured: a manual time that is
 * missing or stays at zero (the library would make 1,000,000,000 iterations),
 * a GB_LOOP that was never reached or was left early without gb_error.
 *
 * Processes.  Benchmarks run in the main thread, one at a time.  stdio is empty
 * when a benchmark starts; children leave by _exit.
 *
 * Every benchmark has the counters cpu_ns, switches, involuntary and faults:
 * getrusage of this process and its reaped children, per iteration.  With
 * --counting there are those of counters.h too, and the time means little.
 *
 * Exit status of gb_main: 0 all is well, 1 a benchmark reported an error,
 * 2 usage or environment, 3 the filter matched nothing.
 */
#ifndef HARNESS_GBENCH_H
#define HARNESS_GBENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/usage.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GB_ARGUMENTS 4 /* at most, in a row */

enum gb_unit { GB_NS, GB_US, GB_MS, GB_S };

enum gb_clock {
	GB_REAL_TIME,
	GB_MANUAL_TIME, /* what gb_time() says */
	GB_CPU_TIME,    /* of this process: only where there are no children */
};

struct gb_state;

/* One column of the rows: "bytes" with NULL gives bytes:8; with labels the
 * value is an index into them: place:same. */
struct gb_argument {
	const char *name;
	const char *const *labels;
};

/* gb_register copies it and the name; what else it points to must stay. */
struct gb_benchmark {
	const char *name;
	void (*run)(struct gb_state *st);
	void (*setup)(struct gb_state *st);    /* or NULL; before each run, */
	void (*teardown)(struct gb_state *st); /* and after it, off the clock */
	const struct gb_argument *arguments;
	int narguments;
	const int64_t (*rows)[GB_ARGUMENTS]; /* NULL: one run, no arguments */
	int nrows;
	enum gb_unit unit;
	enum gb_clock clock;
	bool once;        /* one iteration; gb_operations() before gb_time() */
	const void *user; /* for run: gb_user() */
};

/* A command line option of the program: --name VALUE or --name=VALUE.  take
 * answers NULL, or a sentence that says what is wrong (exit 2). */
struct gb_option {
	const char *name, *value, *help;
	const char *(*take)(const char *value);
};

struct gb_program {
	const char *about; /* a line or two for --help */
	void (*prepare)(void);
	const struct gb_option *options; /* ends with a name of NULL */
};

int gb_main(int argc, char **argv, const struct gb_program *program);
void gb_register(const struct gb_benchmark *b);

/* The loop.  Between its braces: `continue` is fine, `break` after gb_error. */
#define GB_LOOP(st)                                                       \
	for (int64_t gb_left_ = gb_begin(st); gb_left_ > 0 || gb_end(st); \
	     gb_left_--)
int64_t gb_begin(struct gb_state *st);
int gb_end(struct gb_state *st);

/* What is asked for. */
const char *gb_name(const struct gb_state *st); /* with arguments */
int64_t gb_argument(const struct gb_state *st, int i);
const void *gb_user(const struct gb_state *st);
int64_t gb_iterations(const struct gb_state *st); /* how many there will be */
bool gb_smoke(void);    /* --smoke: prove that it runs, at tiny sizes */
bool gb_counting(void); /* --counting: counters are on */
bool gb_failed(const struct gb_state *st); /* gb_error or gb_skip was called */

/* What is answered. */
void gb_time(struct gb_state *st, int64_t ns); /* of this iteration */
void gb_operations(struct gb_state *st, uint64_t n);
void gb_counter(struct gb_state *st, const char *name, double value);
void gb_usage(struct gb_state *st, const struct usage *u); /* not getrusage's */
void gb_attach(struct gb_state *st, const char *key, const char *json);
/* With --counting, in setup: what is counted between these two is what the loop
 * will cost beside the operations; it is subtracted. */
void gb_discount_begin(struct gb_state *st);
void gb_discount_end(struct gb_state *st);

__attribute__((format(printf, 2, 3))) void gb_label(struct gb_state *st,
						    const char *format, ...);
/* It cannot run here; not an error.  In the output: "skipped: ...". */
__attribute__((format(printf, 2, 3))) void gb_skip(struct gb_state *st,
						   const char *format, ...);
__attribute__((format(printf, 2, 3))) void gb_error(struct gb_state *st,
						    const char *format, ...);

/* A line of the result file's "context"; call it in prepare. */
void gb_context(const char *key, const char *value);

/* The compiler must compute v. */
#define gb_keep(v) __asm__ volatile("" : : "r,m"(v) : "memory")

#ifdef __cplusplus
}
#endif

#endif
