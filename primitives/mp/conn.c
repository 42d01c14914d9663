/* conn.c - the same calls for rings and for sockets. */
#include "mp/conn.h"

#include <errno.h>
#include <stdint.h>

#include "mp/pipe-ring.h"
#include "mp/stream.h"

int mp_conn_sendv(struct mp_conn *c, const struct iovec *v, int n,
		  int64_t timeout_ns)
{
	if (c->stream != NULL)
		return mp_stream_sendv(c, v, n, timeout_ns);
	return mp_pipe_sendv(c, v, n, timeout_ns);
}

int mp_conn_send(struct mp_conn *c, const void *data, size_t length,
		 int64_t timeout_ns)
{
	struct iovec v = { .iov_base = (void *)(uintptr_t)data,
			   .iov_len = length };

	return mp_conn_sendv(c, &v, 1, timeout_ns);
}

int mp_conn_recvv(struct mp_conn *c, const struct iovec *v, int n,
		  int64_t timeout_ns, size_t *length)
{
	if (c->stream != NULL)
		return mp_stream_recvv(c, v, n, timeout_ns, length);
	return mp_pipe_recvv(c, v, n, timeout_ns, length);
}

int mp_conn_recv(struct mp_conn *c, void *buf, size_t size, int64_t timeout_ns,
		 size_t *length)
{
	struct iovec v = { .iov_base = buf, .iov_len = size };

	return mp_conn_recvv(c, &v, 1, timeout_ns, length);
}

int mp_conn_poll(struct mp_conn *c, int64_t timeout_ns)
{
	if (c->stream != NULL)
		return mp_stream_poll(c, timeout_ns);
	return mp_pipe_poll(c, timeout_ns);
}

int mp_conn_send_fd(struct mp_conn *c, int fd, int64_t timeout_ns)
{
	if (c->stream != NULL)
		return mp_stream_send_fd(c, fd, timeout_ns);
	return mp_pipe_send_fd(c, fd, timeout_ns);
}

int mp_conn_recv_fd(struct mp_conn *c, int64_t timeout_ns)
{
	if (c->stream != NULL)
		return mp_stream_recv_fd(c, timeout_ns);
	return mp_pipe_recv_fd(c, timeout_ns);
}

int mp_conn_fileno(struct mp_conn *c)
{
	if (c->stream != NULL)
		return mp_stream_fileno(c);
	return mp_pipe_fileno(c);
}

int mp_conn_readable(const struct mp_conn *c)
{
	return c->stream != NULL ? !c->stream->bad : c->in != NULL;
}

int mp_conn_writable(const struct mp_conn *c)
{
	return c->stream != NULL || c->out != NULL;
}

const struct mp_counters *mp_conn_counters(const struct mp_conn *c)
{
	const struct mp_ring *r = c->in != NULL ? c->in : c->out;

	return r != NULL ? &r->counters : NULL;
}

int mp_conn_close(struct mp_conn *c)
{
	if (c->stream != NULL)
		return mp_stream_close(c);
	return mp_pipe_close(c);
}
