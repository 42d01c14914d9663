/* tap.h - a test program prints TAP: one `ok` or `not ok` line a check.
 *
 *	int main(void)
 *	{
 *		ok(1 + 1 == 2, "addition");
 *		return tap_done();
 *	}
 */
#ifndef TAP_H
#define TAP_H

#include <dirent.h>
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_checks, tap_failures;

__attribute__((format(printf, 5, 6), unused)) static int tap_ok(
	int good, const char *file, int line, const char *what,
	const char *format, ...)
{
	va_list ap;

	tap_failures += !good;
	printf("%sok %d - ", good ? "" : "not ", ++tap_checks);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	if (!good)
		printf("# %s:%d: %s\n", file, line, what);
	fflush(stdout);
	return good;
}

/* Is the condition true?  The rest is printf's: what is checked. */
#define ok(condition, ...) \
	tap_ok(!!(condition), __FILE__, __LINE__, #condition, __VA_ARGS__)

/* Are two integers equal?  Shows both when not. */
#define is(got, expected, ...)                                             \
	do {                                                               \
		long long got_ = (long long)(got), expected_ = (expected); \
		if (!ok(got_ == expected_, __VA_ARGS__))                   \
			printf("# got %lld, expected %lld\n", got_,        \
			       expected_);                                 \
	} while (0)

__attribute__((unused)) static void tap_skip(const char *what,
					     const char *reason)
{
	printf("ok %d - %s # SKIP %s\n", ++tap_checks, what, reason);
}

static inline int tap_done(void)
{
	printf("1..%d\n", tap_checks);
	return tap_failures != 0;
}

/* Open descriptors of this process, for comparing before and after. */
__attribute__((unused)) static int tap_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = -1; /* the one of d itself */

	if (d == NULL)
		err(1, "/proc/self/fd");
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* The letter of /proc/PID/stat: R, S, Z; '-' without such a process. */
__attribute__((unused)) static char tap_state(int pid)
{
	char path[32], line[512], *end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return '-';
	end = fgets(line, sizeof(line), f) != NULL ? strrchr(line, ')') : NULL;
	fclose(f);
	return end != NULL ? end[2] : '-';
}

#endif
