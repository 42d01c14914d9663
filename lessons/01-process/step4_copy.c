/* step4_copy.c - the variable that did not change, and one that did.  [works]
 *
 * Build:  cc -O2 -o step4_copy step4_copy.c
 * New:    mmap(MAP_SHARED)
 * Try:    ./step4_copy
 * See:    the child wrote both variables, at the same addresses; the parent
 *         sees one change.  Reading a copied page costs nothing, the first
 *         write to it one page fault: that is when the kernel copies it.
 */
#include <err.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 200

static int private = 7;
static volatile char memory[PAGES * 4096];

static long faults(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_minflt;
}

/* Faults per page, rounded, for reading or writing all of memory. */
static long touch(int write)
{
	long pages = (long)sizeof(memory) / sysconf(_SC_PAGESIZE);
	long before = faults();

	for (size_t i = 0; i < sizeof(memory); i += 4096) {
		if (write)
			memory[i] = 1;
		else
			(void)memory[i];
	}
	return (faults() - before + pages / 2) / pages;
}

int main(void)
{
	int *shared = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	if (shared == MAP_FAILED)
		err(1, "mmap");
	*shared = 7;
	touch(1); /* the parent has real pages */

	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		private = *shared = 42;
		dprintf(1, "child:  private %d, shared %d\n", private, *shared);
		dprintf(1, "child:  %ld faults per page read, ", touch(0));
		dprintf(1, "%ld per page written\n", touch(1));
		_exit(0);
	}
	if (waitpid(pid, NULL, 0) < 0)
		err(1, "waitpid");
	dprintf(1, "parent: private %d, shared %d\n", private, *shared);
	return 0;
}
