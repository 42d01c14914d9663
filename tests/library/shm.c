/* Shared memory with and without a name, full, absent, and left by a kill. */
#include "mp/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stepper.h"
#include "tap.h"

static char name[64];

static void without_name(void)
{
	struct mp_shm m;
	volatile int *shared;

	is(mp_shm_create(&m, NULL, 3 * 4096 + 1), 0, "memory without a name");
	is((long long)m.size, 3 * 4096 + 1, "of the size asked for");
	shared = m.addr;
	is(shared[0] | shared[3000], 0, "all zero");
	if (fork() == 0) {
		shared[3000] = 99;
		_exit(0);
	}
	wait(NULL);
	is(shared[3000], 99, "a child's write is seen");
	ok(ftruncate(m.fd, 1) < 0, "nobody can shrink it under the others");
	is(mp_shm_close(&m), 0, "closed");
	is(mp_shm_close(&m), 0, "closing twice does nothing");
}

static void with_name(void)
{
	struct mp_shm m, other, third;
	struct stat st;

	is(mp_shm_create(&m, name, 4096), 0, "memory with a name");
	is(mp_shm_create(&third, name, 4096), -EEXIST, "the name is taken");
	is(mp_shm_open(&other, name), 0, "another user opens it");
	is((long long)other.size, 4096, "and learns its size");
	strcpy(m.addr, "hello");
	ok(strcmp(other.addr, "hello") == 0, "both see the same");
	ok(fstat(m.fd, &st) == 0 && (st.st_mode & 0777) == 0600,
	   "only this user may open it");
	is(mp_shm_unlink(name), 0, "the name goes");
	ok(strcmp(other.addr, "hello") == 0, "the memory stays");
	is(mp_shm_unlink(name), -ENOENT, "a second unlink finds nothing");
	is(mp_shm_open(&third, name), -ENOENT, "nor does an open");
	mp_shm_close(&m);
	mp_shm_close(&other);
}

static void refusals(void)
{
	static char longest[300];
	static const char *const bad[] = { "",   "x",   "/",    "/a/b",
					   "/.", "/..", longest };
	struct mp_shm m;

	longest[0] = '/';
	memset(longest + 1, 'n', sizeof(longest) - 2);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		is(mp_shm_create(&m, bad[i], 4096), -EINVAL,
		   "\"%.12s\" is no name", bad[i]);
		is(mp_shm_open(&m, bad[i]), -EINVAL, "not for opening either");
	}
	is(mp_shm_create(&m, NULL, 0), -EINVAL, "size 0 is refused");
	for (int shift = 64; shift-- > 50;) {
		size_t huge = (size_t)1 << shift;

		is(mp_shm_create(&m, NULL, huge), -ENOMEM,
		   "2^%d bytes are more than the machine has", shift);
		is(mp_shm_create(&m, name, huge), -ENOMEM, "with a name too");
	}
	is(mp_shm_create(&m, NULL, SIZE_MAX), -ENOMEM, "so is SIZE_MAX");
	ok(m.addr == NULL && mp_shm_close(&m) == 0,
	   "a failed create leaves a handle that may be closed");
}

static void creator(void *unused)
{
	(void)unused;
	mp_shm_create(&(struct mp_shm){ 0 }, name, 1 << 20);
}

/* Let a creator run up to its k-th stop at a system call (entry and exit are
 * one each) and kill it there.  1: it had ended before; -1: no ptrace here. */
static int kill_at(int k)
{
	struct stepper v;
	int ended = 0;

	if (stepper_start(&v, creator, NULL) < 0)
		return -1;
	for (int i = 0; i < k && !ended; i++)
		ended = stepper_call(&v) == STEPPER_ENDED;
	stepper_kill(&v);
	return ended;
}

/* A creator killed at any of its system calls: the name is there with all its
 * memory, or it is not there. */
static void killed_creator(void)
{
	int half = 0, whole = 0, absent = 0, over = 0;
	struct mp_shm m;

	for (int k = 0; over == 0; k++) {
		over = kill_at(k);
		if (mp_shm_open(&m, name) == 0) {
			half += m.size != 1 << 20;
			whole++;
			mp_shm_close(&m);
			mp_shm_unlink(name);
		} else {
			half += mp_shm_unlink(name) == 0;
			absent++;
		}
	}
	if (over < 0) {
		tap_skip("a killed creator", "ptrace is not allowed here");
		return;
	}
	is(half, 0, "a creator killed at each of %d stops: whole or absent",
	   whole + absent);
	ok(whole > 1 && absent > 1, "both were seen (%d and %d times)", whole,
	   absent);
}

static void no_descriptor_left(void)
{
	struct rlimit old, none;
	struct mp_shm m;

	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_NOFILE, &none);
	is(mp_shm_create(&m, NULL, 4096), -EMFILE, "no descriptor: said so");
	setrlimit(RLIMIT_NOFILE, &old);
}

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

/* A mount namespace of our own: root's, or a user's who is root in it. */
static int own_mounts(void)
{
	char uids[32], gids[32];

	snprintf(uids, sizeof(uids), "0 %u 1", getuid());
	snprintf(gids, sizeof(gids), "0 %u 1", getgid());
	if (unshare(CLONE_NEWNS) == 0)
		return 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
	    put("/proc/self/uid_map", uids) < 0 ||
	    put("/proc/self/setgroups", "deny") < 0)
		return -1;
	return put("/proc/self/gid_map", gids);
}

/* A private /dev/shm of 1 MiB, then none. */
static int small_dev_shm(void)
{
	struct mp_shm m, small;

	if (own_mounts() < 0)
		return 77;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=1m") < 0)
		return 77;
	if (mp_shm_create(&m, name, 2 << 20) != -ENOSPC)
		return 1;
	if (mp_shm_open(&m, name) != -ENOENT)
		return 2;
	if (mp_shm_create(&small, name, 512 << 10) != 0)
		return 3;
	memset(small.addr, 1, small.size);
	if (mp_shm_create(&m, NULL, 2 << 20) != 0)
		return 4;
	memset(m.addr, 1, m.size);
	mp_shm_close(&small);
	if (umount2("/dev/shm", MNT_DETACH) < 0 ||
	    mount("/proc/self", "/dev/shm", NULL, MS_BIND, NULL) < 0)
		return 77;
	if (mp_shm_create(&small, name, 4096) >= 0)
		return 5;
	if (mp_shm_create(&small, NULL, 4096) != 0)
		return 6;
	return 0;
}

static void full_dev_shm(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(small_dev_shm());
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		tap_skip("a full /dev/shm", "no mount namespace allowed here");
	else
		is(status, 0,
		   "a full /dev/shm is -ENOSPC, never SIGBUS; without "
		   "one, memory without a name still works");
}

static void *map(void *at, size_t size, int flags)
{
	void *p = mmap(at, size, PROT_READ | PROT_WRITE,
		       flags | MAP_ANONYMOUS | (at != NULL ? MAP_FIXED : 0), -1,
		       0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	return p;
}

/* Does a child see what is written there?  mp_shm_check should know. */
static void shared_or_not(void)
{
	static char data[8192];
	char stack[100] = "", *heap = malloc(100000), *p;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct mp_shm m;

	is(mp_shm_check(data, sizeof(data)), -EINVAL, "static data: private");
	is(mp_shm_check(stack, sizeof(stack)), -EINVAL, "the stack");
	is(mp_shm_check(heap, 100000), -EINVAL, "the heap");
	is(mp_shm_check((void *)(uintptr_t)shared_or_not, 1), -EINVAL, "code");
	is(mp_shm_check(NULL, 1), -EINVAL, "nothing is mapped");
	free(heap);

	mp_shm_create(&m, NULL, 2 * page);
	p = m.addr;
	is(mp_shm_check(p, 2 * page), 0, "memory without a name: shared");
	is(mp_shm_check(p, 0), -EINVAL, "size 0");
	is(mp_shm_check(p, 1), 0, "its first byte");
	is(mp_shm_check(p + 2 * page - 1, 1), 0, "its last");
	is(mp_shm_check(p, SIZE_MAX), -EINVAL, "SIZE_MAX bytes");
	is(mp_shm_check(p + 100, SIZE_MAX - 50), -EINVAL,
	   "so many that they end before they begin");
	mp_shm_close(&m);
	is(mp_shm_check(p, 1), -EINVAL, "not after close");
	mp_shm_create(&m, name, page);
	is(mp_shm_check(m.addr, page), 0, "memory with a name");
	mp_shm_unlink(name);
	is(mp_shm_check(m.addr, page), 0, "unlinked");
	mp_shm_close(&m);

	p = map(NULL, 5 * page, MAP_SHARED);
	is(mp_shm_check(p, 5 * page), 0, "anybody's MAP_SHARED");
	map(p + page, page, MAP_SHARED);
	is(mp_shm_check(p, 5 * page), 0, "several side by side");
	map(p + 2 * page, page, MAP_PRIVATE);
	is(mp_shm_check(p, 2 * page), 0, "up to a private page");
	is(mp_shm_check(p, 2 * page + 1), -EINVAL, "one byte into it");
	is(mp_shm_check(p + 3 * page - 1, 2), -EINVAL, "from its last byte");
	is(mp_shm_check(p, 5 * page), -EINVAL, "around it");
	munmap(p + 2 * page, page);
	is(mp_shm_check(p, 5 * page), -EINVAL, "around a hole");
	is(mp_shm_check(p, 2 * page + 1), -EINVAL, "one byte into it");
	munmap(p, 5 * page);
}

int main(void)
{
	int before = tap_descriptors();

	snprintf(name, sizeof(name), "/rawmp-test-%d", (int)getpid());
	without_name();
	with_name();
	refusals();
	killed_creator();
	no_descriptor_left();
	full_dev_shm();
	shared_or_not();
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
