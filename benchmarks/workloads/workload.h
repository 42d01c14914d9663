/* workload - work that comes in tasks; the family speedup does it in many ways.
 *
 * A workload is one file here: how many tasks there are, what one of them does
 * and what it leaves.  Who runs the tasks, how many at once and in which order
 * is the matter of the methods (speedups/), which are written once for all.
 *
 * A result is the bytes that `run` leaves in `out`: the same bytes whoever runs
 * the task, and when.  No time is believed before all of them equal those of
 * the sequential run.  Its digest is the CRC (zlib's crc32) over the results in
 * their order; peers/workloads.py does the same work in Python and must come to
 * the same digest.
 */
#ifndef WORKLOADS_WORKLOAD_H
#define WORKLOADS_WORKLOAD_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What `open` answers. */
struct workload_plan {
	uint32_t tasks;
	size_t room;  /* the longest result, in bytes */
	char why[96]; /* after an error: a sentence */
};

struct workload {
	const char *name;
	const char *words;   /* what it is; the size in the place of %u */
	const char *missing; /* NULL; or what it could not be built without */
	const char *methods; /* which of them suit it */
	uint32_t size;       /* how much work; what it counts, words says */
	uint32_t smoke;      /* the size that takes a millisecond */
	uint32_t python;     /* Python gets size / python; 0: it cannot do it */

	/* Make ready, in the one process that all workers will come from; what
	 * is large goes into workload_memory.  0 or -errno. */
	int (*open)(uint32_t size, struct workload_plan *plan);

	/* The length of the result, or -errno.  By any process or thread. */
	int (*run)(uint32_t task, void *out);

	/* If the results are to become one, by one process, at the end; else
	 * NULL.  merge takes them in their order; whole answers with memory of
	 * malloc's, and forgets.  alone is what somebody without workers would
	 * do in the place of run and merge. */
	int (*merge)(const void *result, size_t size);
	int (*whole)(void **bytes, size_t *size);
	int (*alone)(uint32_t task);

	/* Bytes of each result that the digest is made of; 0: all. */
	size_t digested;

	/* NULL, or what Python must be told of the input, a line each. */
	void (*tell)(FILE *f);
};

extern struct workload workload_factorial, workload_primes, workload_mandelbrot,
	workload_image, workload_wordcount, workload_sleeping,
	workload_irregular;

/* How much of it Python does; 0: nothing. */
uint32_t workload_python_size(const struct workload *w);

/* For options (harness/gbench.h). */
const char *workload_take_image_folder(const char *path);
const char *workload_take_wordcount_folder(const char *path);

/* Zeroed memory that all processes share, for as long as the program runs:
 * private memory would make each fork dearer.  Pages are taken when they are
 * first touched.  NULL: there is not enough. */
void *workload_memory(size_t size);

/* The paths below a folder whose names end with one of `endings` (words; NULL:
 * any), sorted; how many, or -errno. */
int workload_files(const char *folder, const char *endings, char ***paths);

#endif
