/* cpu - how many CPUs there are, and how many are ours.
 *
 * Python: multiprocessing.cpu_count (online), os.process_cpu_count (affinity,
 * 3.13); nothing in Python reads the quota.  Floor 1.  Any process, any thread;
 * not from a signal handler.
 *
 *	int workers = mp_cpu_count(MP_CPU_USABLE);
 *
 * Three limits, set by three hands: the machine has CPUs online, taskset or a
 * cpuset leaves the process some of them, and a container's cgroup gives it CPU
 * time worth so many.  Starting more workers than the smallest of them is what
 * makes programs in containers slow.
 */
#ifndef MP_CPU_H
#define MP_CPU_H

#include "mp/api.h"

enum mp_cpu {
	MP_CPU_ONLINE,   /* of the machine */
	MP_CPU_AFFINITY, /* this thread may run on */
	MP_CPU_QUOTA,    /* worth of CPU time, rounded up */
	MP_CPU_USABLE    /* the smallest of the three */
};

/* A count, at least 1.  MP_CPU_QUOTA without a quota is -ENODATA.
 * -EINVAL: no such count. */
MP_API int mp_cpu_count(enum mp_cpu which);

/* MP_CPU_QUOTA as read from root/proc/self/{cgroup,mountinfo} and below root;
 * root is "" for this machine.  cgroup v2 (cpu.max) and v1 (cpu.cfs_quota_us),
 * the tightest of the group and its ancestors. */
MP_API int mp_cpu_quota(const char *root);

#endif
