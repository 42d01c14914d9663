/* See way.h. */
#include "ways/way.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int channel_memory(struct channel *c, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	c->memory = p;
	c->size = size;
	return 0;
}

int channel_missing(struct channel *c, int error, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(c->why, sizeof(c->why), format, ap);
	va_end(ap);
	return error;
}

int channel_slots(struct channel *c)
{
	if (c->items > 0)
		return (int)c->items;
	if (c->buffer == 0)
		return c->bytes > 16 << 10 ? 4 : (int)((64 << 10) / c->bytes);
	if (c->buffer < c->bytes)
		return channel_missing(c, -1,
				       "a message is longer than the buffer");
	return (int)(c->buffer / c->bytes);
}

int channel_make(struct channel *c, const struct way *way)
{
	int e;

	for (int i = 0; i < 4; i++)
		c->fd[i / 2][i % 2] = -1;
	c->memory = c->own = NULL;
	c->why[0] = c->but[0] = '\0';
	e = way->make(c);
	if (e < 0)
		channel_done(c, way);
	return e;
}

void channel_done(struct channel *c, const struct way *way)
{
	if (way->done != NULL)
		way->done(c);
	for (int i = 0; i < 2; i++) {
		if (c->fd[i][0] >= 0)
			close(c->fd[i][0]);
		if (c->fd[i][1] >= 0 && c->fd[i][1] != c->fd[i][0])
			close(c->fd[i][1]);
		c->fd[i][0] = c->fd[i][1] = -1;
	}
	if (c->memory != NULL)
		munmap(c->memory, c->size);
	c->memory = c->own = NULL;
}
