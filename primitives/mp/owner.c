/* owner.c - nodes in the robust list that the C library registered.
 *
 * glibc's list is doubly linked through `next` (what the kernel follows) and
 * `prev`, which lies 8 bytes before it, in the list head too.  The kernel reads
 * only head->list, ->futex_offset and ->list_op_pending, and only when the
 * thread dies.
 */
#include "mp/owner.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mp/clock.h"
#include "mp/cpu.h"

/* The distances of a pthread_mutex_t: from an entry of the list, the address of
 * `next`, to its word, and to the `prev` before it. */
#define ENTRY_TO_WORD (-32)
#define ENTRY_TO_PREV (-8)

#define DISTANCE(field)                                \
	((long)offsetof(struct mp_owner_node, field) - \
	 (long)offsetof(struct mp_owner_node, next))

static_assert(DISTANCE(word) == ENTRY_TO_WORD, "as glibc's");
static_assert(DISTANCE(prev) == ENTRY_TO_PREV, "as glibc's");
static_assert(offsetof(struct mp_owner_self, unknown) -
			      offsetof(struct mp_owner_self, unknown_prev) ==
		      -ENTRY_TO_PREV,
	      "as glibc's");
static_assert(ATOMIC_INT_LOCK_FREE == 2, "must work across address spaces");

_Thread_local struct mp_owner_self mp_owner_self;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* glibc empties the list of the child itself.  A pending entry it does not
 * know of would be taken for the child's own. */
static void forget(void)
{
	if (mp_owner_self.tid != 0)
		mp_owner_self.head->list_op_pending = NULL;
	mp_owner_self = (struct mp_owner_self){ 0 };
}

static void install(void)
{
	pthread_atfork(NULL, NULL, forget);
}

int mp_owner_attach(void)
{
	struct mp_owner_self *self = &mp_owner_self;
	struct robust_list_head *head = NULL;
	size_t size = 0;

	if (self->tid != 0)
		return self->head != &self->unknown ? 0 : -ENOTSUP;
	pthread_once(&once, install);
	self->head = &self->unknown;
	self->unknown.list.next = &self->unknown.list;
	if (syscall(SYS_get_robust_list, 0, &head, &size) == 0 &&
	    size == sizeof(*head) && head != NULL &&
	    head->futex_offset == ENTRY_TO_WORD)
		self->head = head;
	self->cpus = mp_cpu_count(MP_CPU_AFFINITY);
	self->tid = (uint32_t)syscall(SYS_gettid);
	self->id = (uint64_t)mp_clock_now() << 22 | self->tid;
	return mp_owner_attach();
}

uint32_t mp_owner_tid(void)
{
	return mp_owner_get()->tid;
}

int mp_owner_holds(const struct mp_owner_node *node)
{
	struct robust_list_head *head = mp_owner_get()->head;
	struct robust_list *entry = head->list.next;

	while (entry != &head->list) {
		if ((uint64_t)entry == (uint64_t)&node->next)
			return 1;
		entry = (struct robust_list *)((uint64_t)entry & ~UINT64_C(1));
		entry = entry->next;
	}
	return 0;
}

int mp_owner_gone(uint32_t tid)
{
	char text[512] = "", *end;
	FILE *f;

	if (syscall(SYS_tkill, (pid_t)tid, 0) < 0 && errno == ESRCH)
		return 1;
	snprintf(text, sizeof(text), "/proc/%u/stat", tid);
	f = fopen(text, "re");
	if (f == NULL)
		return 0;
	end = fgets(text, sizeof(text), f) == NULL ? NULL : strrchr(text, ')');
	fclose(f);
	/* "1234 (any name) Z …" */
	return end != NULL && (end[2] == 'Z' || end[2] == 'X');
}

extern inline struct mp_owner_self *mp_owner_get(void);
extern inline void mp_owner_point(void);
extern inline uint64_t *mp_owner_prev_of(uint64_t entry);
extern inline void mp_owner_begin(struct mp_owner_node *node);
extern inline void mp_owner_add(struct mp_owner_node *node);
extern inline void mp_owner_remove(struct mp_owner_node *node);
extern inline void mp_owner_end(void);
