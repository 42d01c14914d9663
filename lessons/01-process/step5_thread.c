/* step5_thread.c - a thread beside a process: shared, copied, price.  [works]
 *
 * Build:  cc -O2 -pthread -o step5_thread step5_thread.c
 * New:    pthread_create()
 * Try:    ./step5_thread
 * See:    a process copies memory and the table of open files; not the files.
 */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 200

static int x, file, spare;

static void *change(void *unused)
{
	x = 42;
	close(spare);
	lseek(file, 100, SEEK_SET);
	return unused;
}

static void in_process(void *(*target)(void *))
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		target(NULL);
		_exit(0);
	}
	if (waitpid(pid, NULL, 0) < 0)
		err(1, "waitpid");
}

static void in_thread(void *(*target)(void *))
{
	pthread_t t;

	if (pthread_create(&t, NULL, target, NULL) || pthread_join(t, NULL))
		errx(1, "no thread");
}

static void show(const char *who, void (*run)(void *(*)(void *)))
{
	struct timespec a, b;
	long us;

	x = 7;
	file = open("/proc/self/exe", O_RDONLY);
	spare = dup(file);
	run(change);
	printf("%s: x is %d, the closed file is %s, the offset is %ld\n", who,
	       x, fcntl(spare, F_GETFD) < 0 ? "closed" : "open",
	       (long)lseek(file, 0, SEEK_CUR));

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < ROUNDS; i++)
		run(change);
	clock_gettime(CLOCK_MONOTONIC, &b);
	us = (b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000;
	printf("%s: %ld µs to create, end and join\n", who, us / ROUNDS);
}

int main(void)
{
	show("process", in_process);
	show("thread", in_thread);
	return 0;
}
