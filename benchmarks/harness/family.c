/* See family.h. */
#include "harness/family.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "harness/python.h"

void *family_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		err(2, "shared memory");
	return p;
}

int family_main(int argc, char **argv, const struct gb_program *program,
		const char *python)
{
	int status;

	python_use(python);
	status = gb_main(argc, argv, program);
	python_stop();
	return status;
}

int family_place(struct gb_state *st, enum place place)
{
	if (place_parent(place) == 0)
		return 0;
	gb_skip(st, "one CPU is allowed, cross needs two");
	return -ENODEV;
}

void family_add(const char *what, const char *how, struct gb_benchmark b)
{
	char name[64];

	snprintf(name, sizeof(name), "%s/%s", what, how);
	b.name = name;
	gb_register(&b);
}
