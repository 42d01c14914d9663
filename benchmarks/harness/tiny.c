/* tiny - the smallest program that exec can start: no libc, static, one page.
 *
 * Exits with 0 at once.  With an argument it first moves to that CPU.  What
 * posix_spawn costs with a program that links libc is four times as much, and
 * most of that is not posix_spawn's.
 */
#include <linux/unistd.h>

static long call(long number, long a, long b, long c)
{
#if defined(__x86_64__)
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2)
			 : "memory");
	return x0;
#else
#error "no tiny program for this processor; /bin/true takes its place"
#endif
}

/* The stack as the kernel leaves it: argc, argv[0], argv[1], ..., NULL. */
__attribute__((used, noreturn)) static void begin(long *stack)
{
	if (stack[0] > 1) {
		unsigned long cpus[16] = { 0 }, cpu = 0;

		for (const char *s = (const char *)stack[2]; *s != '\0'; s++)
			cpu = cpu * 10 + (unsigned long)(*s - '0');
		cpus[cpu / 64 % 16] = 1UL << (cpu % 64);
		call(__NR_sched_setaffinity, 0, sizeof(cpus), (long)cpus);
	}
	for (;;)
		call(__NR_exit_group, 0, 0, 0);
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n"
	"\tcall begin\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tmov x0, sp\n\tb begin\n");
#endif
