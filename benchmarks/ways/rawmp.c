/* Ours: a pipe for two, a queue for many. */
#include <errno.h>
#include <stdlib.h>

#include "mp/pipe.h"
#include "mp/queue.h"
#include "ways/way.h"

/* ---- pipe ---- */

static int ends_make(struct channel *c)
{
	struct mp_conn *end = calloc(2, sizeof(*end));
	int e;

	if (end == NULL)
		return -ENOMEM;
	/* Not both ways: the first end receives, the second sends. */
	e = c->both ? mp_pipe(&end[0], &end[1], true, c->buffer)
		    : mp_pipe(&end[1], &end[0], false, c->buffer);
	if (e < 0) {
		free(end);
		return e;
	}
	c->own = end;
	return 0;
}

static void ends_done(struct channel *c)
{
	struct mp_conn *end = c->own;

	for (int i = 0; end != NULL && i < 2; i++)
		mp_conn_close(&end[i]);
	free(end);
	c->own = NULL;
}

/* A process closes the end that it does not use, as its user would. */
static int ends_enter(struct channel *c, int side)
{
	struct mp_conn *end = c->own;

	return mp_conn_close(&end[1 - side]);
}

static int ends_send(struct channel *c, int side, const void *data, size_t n)
{
	struct mp_conn *end = c->own;

	return mp_conn_send(&end[side], data, n, -1);
}

static int ends_receive(struct channel *c, int side, void *data, size_t n)
{
	struct mp_conn *end = c->own;

	return mp_conn_recv(&end[side], data, n, -1, NULL);
}

const struct way way_rawmp_pipe = { .name = "rawmp_pipe",
				    .make = ends_make,
				    .enter = ends_enter,
				    .send = ends_send,
				    .receive = ends_receive,
				    .done = ends_done };

/* ---- queue: one, or one for each way ---- */

static struct mp_queue *queue_to(const struct channel *c, int side)
{
	size_t half = c->both ? c->size / 2 : 0;

	return (struct mp_queue *)((char *)c->memory + half * (size_t)side);
}

static int queue_make(struct channel *c)
{
	size_t bytes, size;
	int n = channel_slots(c), e;
	uint32_t items = (uint32_t)n;

	if (n < 1)
		return -EMSGSIZE;
	if (c->buffer > c->bytes) /* their headers have to fit there, too */
		items = (uint32_t)(c->buffer / (c->bytes + 8));
	bytes = items * c->bytes;
	size = (mp_queue_size(items, bytes) + 4095) / 4096 * 4096;
	e = channel_memory(c, c->both ? 2 * size : size);
	if (e == 0)
		e = mp_queue_init(queue_to(c, 1), items, bytes, 0);
	if (e == 0 && c->both)
		e = mp_queue_init(queue_to(c, 0), items, bytes, 0);
	return e;
}

static int queue_send(struct channel *c, int side, const void *data, size_t n)
{
	return mp_queue_put(queue_to(c, 1 - side), data, n, -1);
}

static int queue_receive(struct channel *c, int side, void *data, size_t n)
{
	return mp_queue_get(queue_to(c, side), data, n, -1, NULL);
}

const struct way way_rawmp_queue = { .name = "rawmp_queue",
				     .make = queue_make,
				     .send = queue_send,
				     .receive = queue_receive };
