/* See job.h. */
#include "speedups/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define LINE 64 /* two tasks never write to one cache line */

struct job_result *job_result(const struct job *j, uint32_t task)
{
	return (struct job_result *)(j->results + j->stride * task);
}

int job_task(const struct job *j, uint32_t task)
{
	struct job_result *r = job_result(j, task);
	int size = j->workload->run(task, r->bytes);

	if (size < 0)
		return size;
	r->size = (uint32_t)size;
	return 0;
}

int job_turns(const struct job *j)
{
	int e = 0;
	uint32_t i;

	while (e == 0 && (i = atomic_fetch_add_explicit(
				  j->next, 1, memory_order_relaxed)) < j->n)
		e = job_task(j, i);
#ifdef SPEEDUP_FAULT /* one wrong result: is it noticed? */
	size_t at = j->stride * (j->n / 2) + sizeof(struct job_result);

	j->results[at] = (unsigned char)~j->expected[at];
#endif
	return e;
}

int job_alone(struct job *j)
{
	int e = 0;

	for (uint32_t i = 0; i < j->n && e == 0; i++)
		e = j->workload->alone != NULL ? j->workload->alone(i)
					       : job_task(j, i);
	if (e == 0 && j->workload->alone != NULL)
		e = j->workload->whole(&j->whole, &j->whole_size);
	return e;
}

int job_end(struct job *j)
{
	int e = 0;

	if (j->workload->merge == NULL || j->whole != NULL)
		return 0;
	for (uint32_t i = 0; i < j->n && e == 0; i++) {
		struct job_result *r = job_result(j, i);

		e = j->workload->merge(r->bytes, r->size);
	}
	if (e == 0)
		e = j->workload->whole(&j->whole, &j->whole_size);
	return e;
}

void job_reset(struct job *j)
{
	atomic_store_explicit(j->next, 0, memory_order_relaxed);
	for (uint32_t i = 0; i < j->n; i++)
		job_result(j, i)->size = 0;
	free(j->whole);
	j->whole = NULL;
}

bool job_same(const struct job *j)
{
	if (j->workload->merge != NULL)
		return j->whole_size == j->expected_size &&
		       memcmp(j->whole, j->expected_whole, j->whole_size) == 0;
	for (uint32_t i = 0; i < j->n; i++) {
		const struct job_result *r = job_result(j, i);

		if (memcmp(r, j->expected + j->stride * i,
			   sizeof(*r) + r->size) != 0)
			return false;
	}
	return true;
}

uint32_t job_digest(const struct job *j)
{
	uLong crc = 0;

	if (j->workload->merge != NULL)
		return (uint32_t)crc32_z(0, j->whole, j->whole_size);
	for (uint32_t i = 0; i < j->n; i++) {
		const struct job_result *r = job_result(j, i);
		size_t size = j->workload->digested;

		if (size == 0 || size > r->size)
			size = r->size;
		crc = crc32_z(crc, r->bytes, size);
	}
	return (uint32_t)crc;
}

/* What all others are compared with. */
static void keep(struct job *j)
{
	j->digest = job_digest(j);
	j->expected_whole = j->whole;
	j->expected_size = j->whole_size;
	j->whole = NULL;
	for (uint32_t i = 0; i < j->n && j->workload->merge == NULL; i++)
		memcpy(j->expected + j->stride * i, job_result(j, i),
		       sizeof(struct job_result) + job_result(j, i)->size);
}

int job_open(struct job *j, uint32_t size, char why[96])
{
	struct workload_plan plan = { .why = "" };
	int e = j->workload->open(size, &plan);

	if (e == 0) {
		size_t room = sizeof(struct job_result) + plan.room;

		j->n = plan.tasks;
		j->stride = (room + LINE - 1) / LINE * LINE;
		j->next = workload_memory(LINE);
		j->results = workload_memory(j->stride * j->n);
		j->expected = workload_memory(j->stride * j->n);
		if (j->next == NULL || j->results == NULL ||
		    j->expected == NULL)
			e = -ENOMEM;
	}
	if (e == 0)
		e = job_alone(j);
	if (e < 0) {
		snprintf(why, 96, "%.94s",
			 plan.why[0] != '\0' ? plan.why : strerror(-e));
		return e;
	}
	keep(j);
	j->open = true;
	return 0;
}
