/* owner.c - nodes in the robust list that the C library registered.
 *
 * glibc's list is doubly linked through `next` (what the kernel follows) and
 * `prev`, which lies 8 bytes before it, in the list head too.  The kernel reads
 * only head->list, ->futex_offset and ->list_op_pending, and only when the
 * thread dies; so the orders below are for the compiler: a kill stops a thread
 * between two of its own instructions, and what it stored before is stored.
 */
#include "mp/owner.h"

#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The distances of a pthread_mutex_t: from an entry of the list, the address of
 * `next`, to its word, and to the `prev` before it. */
#define ENTRY_TO_WORD (-32)
#define ENTRY_TO_PREV (-8)

#define DISTANCE(field)                                \
	((long)offsetof(struct mp_owner_node, field) - \
	 (long)offsetof(struct mp_owner_node, next))

static_assert(DISTANCE(word) == ENTRY_TO_WORD, "as glibc's");
static_assert(DISTANCE(prev) == ENTRY_TO_PREV, "as glibc's");
static_assert(ATOMIC_INT_LOCK_FREE == 2, "must work across address spaces");

struct self {
	uint32_t tid;                  /* 0: not attached */
	struct robust_list_head *head; /* NULL: not our layout */
};

static _Thread_local struct self self
	__attribute__((tls_model("initial-exec")));
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The compiler must not move stores across this point. */
static inline void point(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

/* glibc empties the list of the child itself.  A pending entry it does not
 * know of would be taken for the child's own. */
static void forget(void)
{
	if (self.head != NULL)
		self.head->list_op_pending = NULL;
	self = (struct self){ 0 };
}

static void install(void)
{
	pthread_atfork(NULL, NULL, forget);
}

static void attach(void)
{
	struct robust_list_head *head = NULL;
	size_t size = 0;

	pthread_once(&once, install);
	if (syscall(SYS_get_robust_list, 0, &head, &size) == 0 &&
	    size == sizeof(*head) && head != NULL &&
	    head->futex_offset == ENTRY_TO_WORD)
		self.head = head;
	self.tid = (uint32_t)syscall(SYS_gettid);
}

static inline struct self *get(void)
{
	if (__builtin_expect(self.tid == 0, 0))
		attach();
	return &self;
}

/* The field before an entry: of a node, or of the head itself. */
static inline uint64_t *prev_of(uint64_t entry)
{
	return (uint64_t *)((entry & ~UINT64_C(1)) + (uint64_t)ENTRY_TO_PREV);
}

int mp_owner_attach(void)
{
	return get()->head != NULL ? 0 : -ENOTSUP;
}

uint32_t mp_owner_tid(void)
{
	return get()->tid;
}

void mp_owner_begin(struct mp_owner_node *node)
{
	struct robust_list_head *head = get()->head;

	if (head == NULL)
		return;
	head->list_op_pending = (struct robust_list *)&node->next;
	point();
}

void mp_owner_add(struct mp_owner_node *node)
{
	struct robust_list_head *head = get()->head;
	uint64_t first;

	if (head == NULL)
		return;
	point();
	first = (uint64_t)head->list.next;
	node->next = first;
	node->prev = (uint64_t)&head->list;
	*prev_of(first) = (uint64_t)&node->next;
	point();
	head->list.next = (struct robust_list *)&node->next;
	mp_owner_end();
}

void mp_owner_remove(struct mp_owner_node *node)
{
	if (get()->head == NULL)
		return;
	mp_owner_begin(node);
	*prev_of(node->next) = node->prev;
	*(uint64_t *)(node->prev & ~UINT64_C(1)) = node->next;
	point();
}

void mp_owner_end(void)
{
	struct robust_list_head *head = get()->head;

	point();
	if (head != NULL)
		head->list_op_pending = NULL;
}
