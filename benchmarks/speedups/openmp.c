/* A loop that OpenMP divides; its threads are made before it is timed. */
#include "speedups/method.h"

#include <errno.h>
#include <stdio.h>

#ifdef HAVE_OPENMP
#include <omp.h>

#include "mp/clock.h"

const bool openmp_built = true;

int openmp_once(const struct method *m, struct job *j, int n, int64_t *ns,
		char why[96])
{
	int made = 0, failed = 0;
	int64_t begin;

	(void)m;
	omp_set_dynamic(0);
#pragma omp parallel num_threads(n) reduction(+ : made)
	made++;
	if (made != n) {
		snprintf(why, 96, "OpenMP made %d threads of %d", made, n);
		return -EAGAIN;
	}
	begin = mp_clock_now();
#pragma omp parallel for schedule(dynamic) num_threads(n) reduction(+ : failed)
	for (uint32_t i = 0; i < j->n; i++)
		failed += job_task(j, i) < 0;
	*ns = mp_clock_now() - begin;
	return failed > 0 ? -ECHILD : 0;
}
#else
const bool openmp_built = false;

int openmp_once(const struct method *m, struct job *j, int n, int64_t *ns,
		char why[96])
{
	(void)m;
	(void)j;
	(void)n;
	(void)ns;
	(void)why;
	return -ENOSYS;
}
#endif
