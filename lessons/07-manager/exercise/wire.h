/* wire.h - the dict, what travels, and send and recv on a bad day: included
 * ahead of your code, changed by nobody.
 *
 * send and recv are the kernel's, but they are counted, and a scenario can have
 * them take a few bytes only, or fail with EINTR.  All of that the kernel does
 * too, when it likes; here it happens each time.
 */
#ifndef WIRE_H
#define WIRE_H

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- what travels */

enum op { GET = 1, SET, POP, ADD, CAS };
enum {
	KEY_MOST = 64,                  /* bytes of a key; at least 1 */
	HEAD = 4 + 1 + 8 + 8,           /* of a request; the key comes behind */
	REQUEST_MOST = HEAD + KEY_MOST, /* bytes of a request */
	ANSWER = 4 + 8                  /* bytes of an answer */
};

struct request {
	enum op op;
	int64_t value; /* of SET, ADD, CAS */
	int64_t old;   /* of CAS */
	size_t key_length;
	char key[KEY_MOST];
};

/* A request as bytes, at most REQUEST_MOST: how many bytes follow, 4 bytes; the
 * operation, 1; value and old, 8 each; the key.  All numbers with the highest
 * byte first.  How many bytes that is. */
static inline size_t put_request(unsigned char *bytes, const struct request *r)
{
	uint32_t length = htonl((uint32_t)(HEAD - 4 + r->key_length));
	uint64_t value = htobe64((uint64_t)r->value);
	uint64_t old = htobe64((uint64_t)r->old);

	memcpy(bytes, &length, 4);
	bytes[4] = (unsigned char)r->op;
	memcpy(bytes + 5, &value, 8);
	memcpy(bytes + 13, &old, 8);
	memcpy(bytes + HEAD, r->key, r->key_length);
	return HEAD + r->key_length;
}

/* The first request of so many bytes: how many of them it takes.  0: it has not
 * come whole.  -EBADMSG: no request begins like this. */
static inline int get_request(const unsigned char *bytes, size_t size,
			      struct request *r)
{
	uint32_t length;
	uint64_t value, old;

	if (size < 4)
		return 0;
	memcpy(&length, bytes, 4);
	length = ntohl(length);
	if (length <= HEAD - 4 || length > REQUEST_MOST - 4)
		return -EBADMSG;
	if (size < 4 + length)
		return 0;
	memcpy(&value, bytes + 5, 8);
	memcpy(&old, bytes + 13, 8);
	*r = (struct request){
		.op = bytes[4],
		.value = (int64_t)be64toh(value),
		.old = (int64_t)be64toh(old),
		.key_length = 4 + length - HEAD,
	};
	memcpy(r->key, bytes + HEAD, r->key_length);
	return (int)(4 + length);
}

/* An answer is ANSWER bytes: the status, 4 bytes, and a number, 8. */
static inline void put_answer(unsigned char *bytes, int status, int64_t result)
{
	uint32_t s = htonl((uint32_t)status);
	uint64_t v = htobe64((uint64_t)result);

	memcpy(bytes, &s, 4);
	memcpy(bytes + 4, &v, 8);
}

/* The status; *result is the number. */
static inline int get_answer(const unsigned char *bytes, int64_t *result)
{
	uint32_t s;
	uint64_t v;

	memcpy(&s, bytes, 4);
	memcpy(&v, bytes + 4, 8);
	*result = (int64_t)be64toh(v);
	return (int)ntohl(s);
}

/* ---- the server's side */

enum { ENTRIES = 100, ROOM = 1024 };

struct entry {
	size_t key_length; /* 0: a free place */
	char key[KEY_MOST];
	int64_t value;
};
struct dict {
	struct entry entry[ENTRIES];
};

/* What the server has of a client. */
struct client {
	int fd;
	size_t got; /* bytes that have come and have not been served */
	unsigned char buf[ROOM];
};

/* The entry with this key, or NULL. */
static inline struct entry *find(struct dict *d, const struct request *r)
{
	for (struct entry *e = d->entry; e < d->entry + ENTRIES; e++)
		if (e->key_length == r->key_length &&
		    memcmp(e->key, r->key, r->key_length) == 0)
			return e;
	return NULL;
}

/* A free place, or NULL. */
static inline struct entry *find_free(struct dict *d)
{
	for (struct entry *e = d->entry; e < d->entry + ENTRIES; e++)
		if (e->key_length == 0)
			return e;
	return NULL;
}

/* ---- the client's side */

struct proxy {
	int fd;
};

/* ---- the day */

static struct {
	size_t piece;   /* bytes that a call takes at most; 0: any number */
	unsigned eintr; /* each which call is interrupted; 0: none */
	unsigned calls;
	bool full;           /* the client does not read: nothing can be sent */
	bool serves;         /* the server's turn, else a client's */
	void (*turn)(void);  /* what the server does while a client waits */
	void (*rival)(void); /* what another client does ahead of a request */
	bool sends_turn;     /* the server looks after each send */
	bool alone;          /* all in one process: nobody may sleep */
	long sends[2], receives[2]; /* of clients, of the server */
} day;

static inline bool day_interrupts(void)
{
	if (day.eintr == 0 || day.calls++ % day.eintr != 0)
		return false;
	errno = EINTR;
	return true;
}

static inline size_t day_takes(size_t size)
{
	return day.piece > 0 && day.piece < size ? day.piece : size;
}

/* Nobody is there who could wake it: everything is in one process here. */
static inline void day_sleeps(const char *what)
{
	printf("%s\n", what);
	fflush(stdout);
	_exit(3);
}

static inline ssize_t day_send(int fd, const void *data, size_t size, int flags)
{
	ssize_t n;

	day.sends[day.serves]++;
	if (!day.serves && day.rival)
		day.rival();
	if (day_interrupts())
		return -1;
	if (day.serves && day.full && !(flags & MSG_DONTWAIT))
		day_sleeps("the server sleeps in send, and serves nobody");
	if (day.serves && day.full) {
		errno = EAGAIN;
		return -1;
	}
	n = send(fd, data, day.serves ? size : day_takes(size), flags);
	if (day.sends_turn && !day.serves && n >= 0)
		day.turn();
	return n;
}

static inline ssize_t day_recv(int fd, void *buf, size_t size, int flags)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	day.receives[day.serves]++;
	if (day_interrupts())
		return -1;
	if (day.turn && !day.serves)
		day.turn();
	if (day.alone && !(flags & MSG_DONTWAIT) && poll(&p, 1, 0) == 0)
		day_sleeps(day.serves ? "the server sleeps in recv, and serves "
					"nobody"
				      : "the client waits, and no answer is "
					"on its way");
	return recv(fd, buf, day_takes(size), flags);
}

static inline ssize_t day_read(int fd, void *buf, size_t size)
{
	return day_recv(fd, buf, size, 0);
}

static inline ssize_t day_write(int fd, const void *data, size_t size)
{
	return day_send(fd, data, size, 0);
}

#define send  day_send
#define recv  day_recv
#define read  day_read
#define write day_write

#endif
