/* job - a workload at one size, in memory that all workers share.
 *
 *	struct job j = { .workload = &workload_primes };
 *
 *	job_open(&j, 1500000, why);	 done once, sequentially
 *	job_reset(&j);
 *	... job_task(&j, i) for each i, by whomever ...
 *	job_end(&j);			 the part that one process does
 *	job_same(&j);			 are these the sequential results?
 */
#ifndef SPEEDUPS_JOB_H
#define SPEEDUPS_JOB_H

#include <stdatomic.h>
#include <stdbool.h>

#include "workloads/workload.h"

struct job_result {
	uint32_t size; /* 0: not done */
	_Alignas(8) unsigned char bytes[];
};

struct job {
	struct workload *workload;
	/* The rest is the job's own. */
	bool open;
	uint32_t n; /* tasks */
	size_t stride;
	unsigned char *results, *expected;
	void *whole, *expected_whole; /* of workloads that merge */
	size_t whole_size, expected_size;
	_Atomic uint32_t *next; /* for those who take turns */
	uint32_t digest;        /* sequential */
};

/* 0 or -errno, and a sentence. */
int job_open(struct job *j, uint32_t size, char why[96]);

/* Before each run: no result may be a remainder of the run before. */
void job_reset(struct job *j);

/* Where the result of a task goes; do the task: 0 or -errno. */
struct job_result *job_result(const struct job *j, uint32_t task);
int job_task(const struct job *j, uint32_t task);

/* Take turns at the shared index until no task is left. */
int job_turns(const struct job *j);

/* All of it, as somebody would do it who has no workers. */
int job_alone(struct job *j);

/* Merge, if the workload does. */
int job_end(struct job *j);

bool job_same(const struct job *j);
uint32_t job_digest(const struct job *j);

#endif
