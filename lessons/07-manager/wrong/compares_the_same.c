/* compares_the_same.c - wrong dict proxy.
 *
 * Mistake: it tries again with the value that it saw first.
 * Caught by: "correct: an update, and others are quicker",
 *            "correct: two processes, 1200 changes",
 *            "counted: an update is 2 requests, and 1 more for each rival"
 *
 * Build:  cc -O2 -I../exercise -o compares_the_same compares_the_same.c
 */
#define _GNU_SOURCE
#include "wire.h"

/* ---- the server's side */

/* Do what a request says; *result: the number of the answer.  0, or:
 * -ENOENT: no such key (of all but SET).  -ENOSPC: SET, and no place is free.
 * -ERANGE: ADD, and the sum is no int64_t.  -EAGAIN: CAS, and the value is not
 * r->old.  -EOPNOTSUPP: no such operation. */
int dict_do(struct dict *d, const struct request *r, int64_t *result)
{
	/* HOLE 1: GET, POP: the value, and POP frees its place.  SET: r->value
	 * for the key.  ADD: r->value more; the result is the sum.  CAS: the
	 * value is r->value if it was r->old; the result is what it is now,
	 * also with -EAGAIN.  What fails changes nothing.  Use find and
	 * find_free; for the sum there is __builtin_add_overflow. */
	struct entry *e = find(d, r);
	int64_t sum;

	if (r->op < GET || r->op > CAS)
		return -EOPNOTSUPP;
	if (r->op == SET && !e) {
		e = find_free(d);
		if (!e)
			return -ENOSPC;
		e->key_length = r->key_length;
		memcpy(e->key, r->key, r->key_length);
	}
	if (!e)
		return -ENOENT;
	if (r->op == SET)
		e->value = r->value;
	if (r->op == ADD) {
		if (__builtin_add_overflow(e->value, r->value, &sum))
			return -ERANGE;
		e->value = sum;
	}
	*result = e->value;
	if (r->op == CAS) {
		if (e->value != r->old)
			return -EAGAIN;
		*result = e->value = r->value;
	}
	if (r->op == POP)
		e->key_length = 0;
	return 0;
	/* END 1 */
}

/* Something has come from this client, or its end of file.  0: go on.
 * -EPIPE: it has gone.  -EBADMSG: that was no request.  -EAGAIN: it does not
 * read its answers, and there is no room for more.  After an error the server
 * closes it. */
int feed(struct dict *d, struct client *c)
{
	/* HOLE 2: one recv into what is free of c->buf.  Then each request that
	 * has come whole, in turn: get_request, dict_do, put_answer.  All their
	 * answers go by one send, and what is left goes to the front of c->buf
	 * until more comes.  Never sleep here: others wait (MSG_DONTWAIT).  Nor
	 * be killed by a signal (MSG_NOSIGNAL).  A recv that a signal handler
	 * interrupts has brought nothing: 0. */
	unsigned char out[ROOM];
	size_t done = 0, answers = 0;
	int64_t result;
	struct request r;
	int size;
	ssize_t n = recv(c->fd, c->buf + c->got, ROOM - c->got, MSG_DONTWAIT);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0)
		return -EPIPE;
	c->got += (size_t)n;
	while ((size = get_request(c->buf + done, c->got - done, &r)) > 0) {
		int status;

		result = 0;
		status = dict_do(d, &r, &result);
		put_answer(out + answers, status, result);
		answers += ANSWER;
		done += (size_t)size;
	}
	c->got -= done;
	memmove(c->buf, c->buf + done, c->got);
	while (answers > 0) {
		n = send(c->fd, out, answers, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == (ssize_t)answers)
			break;
		if (n >= 0 || errno == EAGAIN)
			return -EAGAIN;
		if (errno != EINTR)
			return -EPIPE;
	}
	return size < 0 ? size : 0;
	/* END 2 */
}

/* ---- the client's side */

/* Send a request, and wait for its answer: the status of it, and *result is its
 * number.  -EPIPE: the server has gone; whether it has done what it was asked
 * is not known. */
int ask(struct proxy *p, const struct request *r, int64_t *result)
{
	/* HOLE 3: put_request; send it, all of it; receive ANSWER bytes, all of
	 * them; get_answer.  A call may take fewer bytes than there are: go on
	 * from there.  One that a signal handler interrupts (EINTR) took none.
	 * One send and one recv are enough, if nothing of that happens. */
	unsigned char bytes[REQUEST_MOST];
	size_t size = put_request(bytes, r), done = 0;
	ssize_t n;

	while (done < size) {
		n = send(p->fd, bytes + done, size - done, MSG_NOSIGNAL);
		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			return -EPIPE;
	}
	for (done = 0; done < ANSWER;) {
		n = recv(p->fd, bytes + done, ANSWER - done, 0);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			return -EPIPE;
	}
	return get_answer(bytes, result);
	/* END 3 */
}

/* A request about this key.  -EINVAL: that is none. */
static int about(const char *key, struct request *r)
{
	memset(r, 0, sizeof(*r));
	r->key_length = strlen(key);
	if (r->key_length == 0 || r->key_length > KEY_MOST)
		return -EINVAL;
	memcpy(r->key, key, r->key_length);
	return 0;
}

/* d[key], d[key] = value and so on: one request each. */
int proxy_do(struct proxy *p, enum op op, const char *key, int64_t value,
	     int64_t *result)
{
	struct request r;

	if (about(key, &r) < 0)
		return -EINVAL;
	r.op = op;
	r.value = value;
	return ask(p, &r, result);
}

/* d[key] = f(d[key]), and no other client's change comes in between, or gets
 * lost.  0, and *result is the new value; errors of ask. */
int proxy_update(struct proxy *p, const char *key, int64_t (*f)(int64_t),
		 int64_t *result)
{
	struct request r;

	if (about(key, &r) < 0)
		return -EINVAL;
	/* HOLE 4: GET, and then CAS from that value to f of it.  -EAGAIN:
	 * somebody was quicker; the answer says what the value is now, so the
	 * next CAS can follow at once. */
	int status;

	r.op = GET;
	status = ask(p, &r, result);
	if (status < 0)
		return status;
	r.op = CAS;
	r.old = *result;
	r.value = f(r.old);
	for (int tries = 0; tries < 1000; tries++) {
		status = ask(p, &r, result);
		if (status != -EAGAIN)
			break;
	}
	return status;
	/* END 4 */
}

#include "frame.h"
