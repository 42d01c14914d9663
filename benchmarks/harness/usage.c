/* See usage.h. */
#include "harness/usage.h"

#include <sys/resource.h>

static int64_t ns(const struct timeval *t)
{
	return t->tv_sec * 1000000000LL + t->tv_usec * 1000LL;
}

static void add(struct usage *u, int who)
{
	struct rusage r;

	getrusage(who, &r);
	u->cpu_ns += ns(&r.ru_utime) + ns(&r.ru_stime);
	u->voluntary += r.ru_nvcsw;
	u->involuntary += r.ru_nivcsw;
	u->faults += r.ru_minflt + r.ru_majflt;
}

void usage_now(struct usage *u)
{
	*u = (struct usage){ 0 };
	add(u, RUSAGE_SELF);
	add(u, RUSAGE_CHILDREN);
}

struct usage usage_between(const struct usage *earlier,
			   const struct usage *later)
{
	return (struct usage){
		.cpu_ns = later->cpu_ns - earlier->cpu_ns,
		.voluntary = later->voluntary - earlier->voluntary,
		.involuntary = later->involuntary - earlier->involuntary,
		.faults = later->faults - earlier->faults,
	};
}
