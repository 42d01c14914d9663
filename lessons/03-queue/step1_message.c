/* step1_message.c - one message by way of shared memory.  [works]
 *
 * Build:  cc -O2 -o step1_message step1_message.c
 * New:    shm_open(), and ftruncate(), mmap() and shm_unlink() on its result
 * Try:    ./step1_message
 * See:    Data from worker.  The worker has ended before anybody reads it; what
 *         it wrote is there all the same, for the memory was not its own.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Memory with a name.  It starts as zero bytes; the name goes at once, the
 * memory stays as long as a process maps it. */
static void *shared(size_t size)
{
	char name[32];
	void *memory;
	int fd;

	snprintf(name, sizeof(name), "/rawmp-step1-%d", getpid());
	fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		err(1, "shm_open");
	shm_unlink(name);
	if (ftruncate(fd, (off_t)size) < 0)
		err(1, "ftruncate");
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		err(1, "mmap");
	close(fd);
	return memory;
}

int main(void)
{
	char *message = shared(4096);
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		strcpy(message, "Data from worker");
		_exit(0);
	}
	if (waitpid(pid, NULL, 0) < 0)
		err(1, "waitpid");
	printf("%s\n", message);
	return 0;
}
