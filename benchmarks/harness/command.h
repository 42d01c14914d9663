/* command - the command line of a benchmark program.
 *
 * Takes our options, the program's, and Google Benchmark's.  Of the last it
 * checks those that the library answers badly itself: it takes a wrong value as
 * an unknown option, or exits with 0 or 1; and 1.7 wants seconds as 0.1, where
 * 1.8 and later want 0.1s.  Whatever is wrong: a sentence, and exit 2.
 *
 * --benchmark_out is written beside, and gets its name when it is complete.
 */
#ifndef HARNESS_COMMAND_H
#define HARNESS_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gb_program;

struct command {
	bool smoke, counting, twice;
	int progress;       /* descriptor, or -1 */
	FILE *sidecar;      /* or NULL */
	const char *format; /* "console" "json" "csv" */
	/* What is left for the library; ends with NULL. */
	int argc;
	char **argv;
	/* --benchmark_out: where it is written, and its name; or NULL */
	char *part, *out;
};

/* What the library is like. */
struct command_library {
	bool takes_suffix;  /* --benchmark_min_time=0.1s */
	void (*help)(void); /* prints its options */
};

void command_read(struct command *c, int argc, char **argv,
		  const struct gb_program *program,
		  const struct command_library *library);

/* The library has taken its own; c->argc and c->argv hold what it did not
 * know.  Exits with 2 if there is anything. */
void command_unknown(struct command *c);

/* The exit status; the result file gets its name (0 and 1), or goes. */
int command_finish(const struct command *c, int status);

#ifdef __cplusplus
}
#endif

#endif
