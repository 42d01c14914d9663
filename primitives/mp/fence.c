/* fence.c - membarrier, and what stands in for it. */
#include "mp/fence.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

static long membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0);
}

void mp_fence_attach(void)
{
	struct mp_owner_self *self = mp_owner_get();

	if (self->fence == 0)
		self->fence =
			membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) ==
					0
				? MP_FENCE_ASYMMETRIC
				: MP_FENCE_FULL;
	atomic_thread_fence(memory_order_seq_cst);
}

void mp_fence_heavy(void)
{
	/* Refused here, it was refused to the others too: they fence. */
	membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
	atomic_thread_fence(memory_order_seq_cst);
}
