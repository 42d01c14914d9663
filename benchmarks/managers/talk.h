/* talk - the fastest client there can be: one write of bytes that were made
 * beforehand, one read.
 */
#ifndef MANAGERS_TALK_H
#define MANAGERS_TALK_H

#include <stddef.h>

#define TALK_LIMIT_S 60 /* for an answer */

/* A descriptor, or -errno. */
int talk_connect(const char *path);

/* Send n bytes; the answer has `want` bytes and begins with that text.
 * -EBADMSG: it does not.  -EPIPE: the server is gone.  -ETIMEDOUT. */
int talk(int fd, const char *request, size_t n, char *answer, size_t want,
	 const char *begins);

/* The answer is a line; it becomes a string without its end. */
int talk_line(int fd, const char *request, size_t n, char *line, size_t size);

#endif
