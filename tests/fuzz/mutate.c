/* mutate.c - a fuzzer that needs no special compiler, and does the same each
 * time: good inputs, changed at random.
 *
 *	fuzz-NAME [--fault] [INPUTS]
 *
 * --fault: a fault was put in, and should be found.
 */
#include <err.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"
#include "tap.h"

#define SIZE_MAX_INPUT 400

/* Shared with the process that runs the target, which may die of it. */
struct now {
	long tried;
	size_t size;
	uint8_t input[SIZE_MAX_INPUT];
};

static uint64_t state = 88172645463325252; /* xorshift */

static size_t below(size_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % n;
}

static void seed(struct now *n)
{
	size_t count = 0;
	const struct fuzz_seed *s;

	while (fuzz_seeds[count].size > 0)
		count++;
	s = &fuzz_seeds[below(count)];
	n->size = s->size;
	memcpy(n->input, s->bytes, s->size);
}

/* One change. */
static void change(struct now *n)
{
	static const uint8_t telling[] = { 0,    1,    2,    0x7f, 0x80,
					   0xfd, 0xfe, 0xff, '{',  '#' };
	size_t at = below(n->size), length = 1 + below(8);
	uint8_t *p = n->input + at;

	if (length > n->size - at)
		length = n->size - at;
	switch (below(6)) {
	case 0:
		*p ^= (uint8_t)(1 << below(8));
		break;
	case 1:
		*p = telling[below(sizeof(telling))];
		break;
	case 2:
		memset(p, telling[below(sizeof(telling))], length);
		break;
	case 3: /* less */
		if (length == n->size)
			break;
		memmove(p, p + length, n->size - at - length);
		n->size -= length;
		break;
	case 4: /* more: the same again */
		if (n->size + length > SIZE_MAX_INPUT)
			break;
		memmove(p + length, p, n->size - at);
		n->size += length;
		break;
	default: /* the end is missing */
		n->size = at > 0 ? at : 1;
	}
}

static void run(struct now *n, long inputs)
{
	for (; n->tried < inputs; n->tried++) {
		seed(n);
		for (size_t i = below(4); i > 0; i--)
			change(n);
		LLVMFuzzerTestOneInput(n->input, n->size);
	}
}

int main(int argc, char **argv)
{
	int fault = argc > 1 && strcmp(argv[1], "--fault") == 0, status;
	long inputs = argc > 1 + fault ? atol(argv[1 + fault]) : 20000;
	struct now *n = mmap(NULL, sizeof(*n), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	if (n == MAP_FAILED)
		err(1, "mmap");
	if (inputs < 1)
		errx(2, "usage: %s [--fault] [INPUTS]", argv[0]);
	pid = fork();
	if (pid == 0) {
		run(n, inputs);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (fault)
		ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
		   "the fault was found by input %ld", n->tried + 1);
	else
		ok(status == 0, "%ld inputs", n->tried);
	if (status != 0) {
		printf("# the input:");
		for (size_t i = 0; i < n->size; i++)
			printf(" %02x", n->input[i]);
		putchar('\n');
	}
	return tap_done();
}
