/* The kernel tells of a holder's death, whatever else lies in its list. */
#include "mp/owner.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mp/clock.h"
#include "mp/futex.h"
#include "tap.h"

struct shared {
	struct mp_owner_node a, b, c;
	pthread_mutex_t before, after;
	_Atomic uint32_t ready;
};

static struct shared *s;

static void take(struct mp_owner_node *n)
{
	mp_owner_begin(n);
	atomic_store(&n->word, mp_owner_tid());
	mp_owner_add(n);
}

static void give(struct mp_owner_node *n)
{
	mp_owner_remove(n);
	atomic_store(&n->word, 0);
	mp_owner_end();
}

static void fresh(void)
{
	pthread_mutexattr_t attr;

	memset(s, 0, sizeof(*s));
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&s->before, &attr);
	pthread_mutex_init(&s->after, &attr);
}

/* Run f in a child that is then killed where it stands. */
static void killed_in(void (*f)(void))
{
	pid_t pid;

	fresh();
	pid = fork();
	if (pid == 0) {
		f();
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
}

static int died(struct mp_owner_node *n)
{
	return (atomic_load(&n->word) & FUTEX_OWNER_DIED) != 0;
}

static void hold_a(void)
{
	take(&s->a);
}

static void hold_and_give(void)
{
	take(&s->a);
	take(&s->b);
	take(&s->c);
	give(&s->b);
	give(&s->c);
}

static void between_pthreads(void)
{
	pthread_mutex_lock(&s->before);
	take(&s->a);
	pthread_mutex_lock(&s->after);
	take(&s->b);
}

static void unlink_pthread_around(void)
{
	take(&s->a);
	pthread_mutex_lock(&s->before);
	take(&s->b);
	pthread_mutex_unlock(&s->before);
	pthread_mutex_lock(&s->after);
	give(&s->b);
}

static void begun_only(void)
{
	mp_owner_begin(&s->a);
	atomic_store(&s->a.word, mp_owner_tid());
}

static void begun_not_taken(void)
{
	mp_owner_begin(&s->a);
}

static void removed_not_freed(void)
{
	take(&s->a);
	mp_owner_remove(&s->a);
}

static void freed_not_ended(void)
{
	take(&s->a);
	mp_owner_remove(&s->a);
	atomic_store(&s->a.word, 0);
}

static void kills(void)
{
	killed_in(hold_a);
	ok(died(&s->a), "a holder's death is marked in the word");
	killed_in(hold_and_give);
	ok(died(&s->a) && !died(&s->b) && !died(&s->c),
	   "only what it still held is marked");
	killed_in(between_pthreads);
	ok(died(&s->a) && died(&s->b), "between robust mutexes of glibc: ours");
	is(pthread_mutex_lock(&s->before), EOWNERDEAD, "and the mutex before");
	is(pthread_mutex_lock(&s->after), EOWNERDEAD, "and the mutex after");
	killed_in(unlink_pthread_around);
	ok(died(&s->a) && !died(&s->b), "after unlinking on both sides: ours");
	is(pthread_mutex_lock(&s->after), EOWNERDEAD, "and the mutex held");
	is(pthread_mutex_lock(&s->before), 0, "not the one given back");
	killed_in(begun_only);
	ok(died(&s->a), "killed after taking, before the list: marked");
	killed_in(begun_not_taken);
	is(atomic_load(&s->a.word), 0, "killed before taking: left free");
	killed_in(removed_not_freed);
	ok(died(&s->a), "killed out of the list, before freeing: marked");
	killed_in(freed_not_ended);
	is(atomic_load(&s->a.word), 0, "killed after freeing: left free");
}

static void *thread_holds(void *unused)
{
	(void)unused;
	take(&s->a);
	return NULL;
}

static void thread_ends(void)
{
	pthread_t t;

	fresh();
	pthread_create(&t, NULL, thread_holds, NULL);
	pthread_join(t, NULL);
	ok(died(&s->a), "a thread that ends while holding is marked");
}

static void sleeper_is_woken(void)
{
	uint32_t old;
	pid_t pid;

	fresh();
	pid = fork();
	if (pid == 0) {
		take(&s->a);
		atomic_fetch_or(&s->a.word, FUTEX_WAITERS);
		atomic_store(&s->ready, 1);
		for (;;)
			pause();
	}
	while (atomic_load(&s->ready) == 0)
		sched_yield();
	kill(pid, SIGKILL);
	old = (uint32_t)pid | FUTEX_WAITERS;
	is(mp_futex_wait(&s->a.word, old, mp_clock_deadline(5000000000), NULL),
	   0, "a sleeper on the word is woken by the death");
	waitpid(pid, NULL, 0);
	ok(died(&s->a) && atomic_load(&s->a.word) & FUTEX_WAITERS,
	   "which keeps the waiters' mark");
}

/* A child owns nothing of its parent's, and has a thread id of its own. */
static void fork_while_holding(void)
{
	int status;
	uint32_t mine;
	pid_t pid;

	fresh();
	take(&s->a);
	mine = mp_owner_tid();
	pid = fork();
	if (pid == 0) {
		int good = mp_owner_tid() == (uint32_t)getpid() &&
			   mp_owner_tid() != mine;

		take(&s->b);
		give(&s->b);
		_exit(good ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	is(status, 0, "a child's thread id is its own");
	is(atomic_load(&s->a.word), mine, "its end does not mark what we hold");
	give(&s->a);
	is(atomic_load(&s->a.word), 0, "and we can still give it back");

	mp_owner_begin(&s->a);
	pid = fork();
	if (pid == 0) {
		atomic_store(&s->a.word, (uint32_t)getpid());
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	ok(!died(&s->a), "a fork between two steps leaves the child no entry");
	mp_owner_end();
}

static void many(void)
{
	enum { N = 1000 };
	struct mp_owner_node *n =
		mmap(NULL, N * sizeof(*n), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int marked = 0;
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < N; i++)
			take(&n[i]);
		for (int i = 0; i < N; i += 2)
			give(&n[i]);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	for (int i = 0; i < N; i++)
		marked += died(&n[i]) == i % 2;
	is(marked, N, "of 1000 held and 500 given back, 500 are marked");
	munmap(n, N * sizeof(*n));
}

int main(void)
{
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		err(1, "mmap");
	is(mp_owner_tid(), syscall(SYS_gettid), "the thread's id");
	if (mp_owner_attach() == -ENOTSUP) {
		tap_skip("robust list", "not the layout of glibc's");
		return tap_done();
	}
	is(mp_owner_attach(), 0, "the robust list is the one we know");
	kills();
	thread_ends();
	sleeper_is_woken();
	fork_while_holding();
	many();
	return tap_done();
}
