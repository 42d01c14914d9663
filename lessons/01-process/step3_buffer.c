/* step3_buffer.c - one printf, two lines: fork copied the buffer. [shows a bug]
 *
 * Build:  cc -O2 -o step3_buffer step3_buffer.c
 * New:    _exit()
 * Try:    ./step3_buffer
 *         ./step3_buffer | cat
 *         ./step3_buffer _exit | cat
 *         ./step3_buffer flush | cat
 * See:    one line on a terminal, two in a pipe, one with either remedy.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	const char *how = argc > 1 ? argv[1] : "exit";
	pid_t pid;

	if (strcmp(how, "exit") && strcmp(how, "_exit") && strcmp(how, "flush"))
		errx(2, "'%s' is none of exit, _exit, flush", how);

	printf("before fork\n");
	if (strcmp(how, "flush") == 0)
		fflush(stdout);

	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		if (strcmp(how, "_exit") == 0)
			_exit(0); /* at once: the copy of the buffer is lost */
		exit(0);
	}
	if (waitpid(pid, NULL, 0) < 0)
		err(1, "waitpid");
	return 0; /* as exit(0): writes out the original */
}
