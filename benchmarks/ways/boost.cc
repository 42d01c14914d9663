/* Boost.Interprocess: message_queue, where its headers are. */
#include "ways/way.h"

#ifdef HAVE_BOOST
#include <boost/interprocess/ipc/message_queue.hpp>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace bi = boost::interprocess;

struct queues {
	bi::message_queue *to[2]; /* a side */
};

/* Without a name as soon as it is there. */
static bi::message_queue *open_one(const struct channel *c, size_t items)
{
	static unsigned number;
	char name[64];
	bi::message_queue *q;

	snprintf(name, sizeof(name), "rawmp-%d-%u", (int)getpid(), number++);
	q = new bi::message_queue(bi::create_only, name, items, c->bytes);
	bi::message_queue::remove(name);
	return q;
}

static int boost_make(struct channel *c)
{
	struct queues *q = new queues();
	int n = channel_slots(c);
	size_t items = (size_t)n;

	c->own = q;
	if (n < 1)
		return -EMSGSIZE;
	try {
		q->to[1] = open_one(c, items);
		if (c->both)
			q->to[0] = open_one(c, items);
	} catch (const bi::interprocess_exception &e) {
		return channel_missing(c, -ENOSPC, "Boost: %s", e.what());
	}
	return 0;
}

static int boost_send(struct channel *c, int side, const void *data, size_t n)
{
	struct queues *q = static_cast<queues *>(c->own);

	try {
		q->to[1 - side]->send(data, n, 0);
	} catch (const bi::interprocess_exception &e) {
		return -EIO;
	}
	return 0;
}

static int boost_receive(struct channel *c, int side, void *data, size_t n)
{
	struct queues *q = static_cast<queues *>(c->own);
	bi::message_queue::size_type got;
	unsigned priority;

	try {
		q->to[side]->receive(data, n, got, priority);
	} catch (const bi::interprocess_exception &e) {
		return -EIO;
	}
	return got == n ? 0 : -EBADMSG;
}

static void boost_done(struct channel *c)
{
	struct queues *q = static_cast<queues *>(c->own);

	if (q != nullptr) {
		delete q->to[0];
		delete q->to[1];
	}
	delete q;
	c->own = nullptr;
}

#else

#include <cerrno>

static int boost_make(struct channel *c)
{
	return channel_missing(c, -ENOENT,
			       "peer missing: Boost.Interprocess; install "
			       "libboost-dev and build again");
}

static int boost_send(struct channel *, int, const void *, size_t)
{
	return -ENOENT;
}

static int boost_receive(struct channel *, int, void *, size_t)
{
	return -ENOENT;
}

static void boost_done(struct channel *)
{
}
#endif

extern "C" const struct way way_boost = { "boost",       boost_make, boost_send,
					  boost_receive, nullptr,    nullptr,
					  boost_done,    nullptr,    false };
