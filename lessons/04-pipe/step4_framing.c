/* step4_framing.c - messages: first the length, then the bytes.  [works]
 *
 * Build:  cc -O2 -o step4_framing step4_framing.c
 * New:    a header, and read() in a loop
 * Try:    ./step4_framing
 *         ./step4_framing torn
 * See:    all in one write, or each byte by a write of its own: the receiver
 *         prints the same, message by message, and stops at END.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* All of it; fewer bytes only at the end of file. */
static size_t read_all(int fd, void *buf, size_t size)
{
	size_t got = 0;
	ssize_t n;

	while (got < size && (n = read(fd, (char *)buf + got, size - got)) != 0)
		if (n > 0)
			got += (size_t)n;
		else
			err(1, "read");
	return got;
}

/* The next message as a string. */
static void receive(int fd, char *text, size_t size)
{
	uint32_t length;

	if (read_all(fd, &length, sizeof(length)) < sizeof(length))
		errx(1, "end of file");
	length = ntohl(length);
	if (length >= size)
		errx(1, "a message of %u bytes is too long", length);
	if (read_all(fd, text, length) < length)
		errx(1, "end of file in a message");
	text[length] = '\0';
}

static void send_all(int fd, size_t at_once)
{
	static const char *text[] = { "hello", "hey", "hru?", "END" };
	char frames[100];
	size_t size = 0;

	for (int i = 0; i < 4; i++) {
		uint32_t length = htonl((uint32_t)strlen(text[i]));

		memcpy(frames + size, &length, 4);
		memcpy(frames + size + 4, text[i], strlen(text[i]));
		size += 4 + strlen(text[i]);
	}
	for (size_t i = 0; i < size; i += at_once)
		if (write(fd, frames + i, at_once < size ? at_once : size) < 0)
			err(1, "write");
}

int main(int argc, char *argv[])
{
	char text[20];
	int fd[2];
	pid_t pid;

	if (argc > 1 && strcmp(argv[1], "torn") != 0)
		errx(2, "'%s' is not torn", argv[1]);
	if (pipe2(fd, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		err(1, "pipe2 or fork");
	if (pid == 0) {
		close(fd[0]);
		send_all(fd[1], argc > 1 ? 1 : sizeof(text) * 5);
		_exit(0);
	}
	close(fd[1]);
	for (receive(fd[0], text, sizeof(text)); strcmp(text, "END") != 0;
	     receive(fd[0], text, sizeof(text)))
		printf("Received the message: %s\n", text);
	printf("%s: the receiver stops\n", text);
	waitpid(pid, NULL, 0);
	return 0;
}
