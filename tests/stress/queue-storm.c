/* Many messages go through one queue, from four producers to four consumers,
 * who are killed every few milliseconds and replaced.  The books are kept in
 * memory beside it, each process writing its own:
 *
 *	a producer notes a message before it puts it, and after;
 *	a consumer notes what it got, and before that, that it is about to;
 *	the director notes what those whom it kills had in hand.
 *
 * A kill between an operation and its entry leaves in doubt what was in hand,
 * and only that.  Everything else must have been got exactly once. */
#include "crew.h"

#include "mp/backstop.h"
#include "mp/queue.h"

#define PRODUCERS 4
#define CONSUMERS 4
#define WORKERS   (PRODUCERS + CONSUMERS)
#define LONGEST   64
#define BATCH     8
#define STALL     LONG /* a worker that does not get on for so long hangs */
#define US        INT64_C(1000)

enum { NOT_YET, BEGUN, DONE }; /* a message, to its producer */

struct entry {
	_Atomic uint8_t put;     /* as above */
	_Atomic uint8_t got;     /* how often */
	_Atomic uint8_t excused; /* was in the hand of a killed consumer */
	_Atomic uint8_t done;    /* with leases: how often */
};

struct world {
	_Atomic uint64_t kills, doubts; /* of consumers who were getting */
	struct book {
		_Alignas(64) _Atomic uint64_t progress;
		_Atomic uint32_t next;    /* a producer's next message */
		_Atomic int getting;      /* how many it may have got */
		_Atomic uint32_t hand;    /* what it has, plus 1 */
		uint32_t last[PRODUCERS]; /* got of each producer */
	} book[WORKERS];
};
static struct world *w;
static struct entry *entries; /* of each producer, one after the other */
static struct mp_queue *q;
static uint32_t quota; /* messages of each producer */

struct message;
static const struct storm {
	const char *what;
	uint32_t items;
	size_t bytes;
	uint32_t flags;
	int lengths; /* of several lengths */
	int (*put)(struct message *, const size_t *, int, int64_t);
	int (*get)(int, uint32_t *);
} * storm;

static uint32_t seed;

static uint32_t chance(uint32_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 17;
	*s ^= *s << 5;
	return *s;
}

/* ---- messages: whose, which, and bytes that tell if it is torn */

struct message {
	uint32_t id; /* producer * quota + number */
	unsigned char bytes[LONGEST - 4];
};

static struct entry *entry_of(uint32_t id)
{
	return &entries[id];
}

static size_t write_message(struct message *m, uint32_t id, int lengths)
{
	size_t length = lengths ? 4 + id * 7 % (LONGEST - 3) : 8;

	m->id = id;
	for (size_t i = 4; i < length; i++)
		m->bytes[i - 4] = (unsigned char)(id * 31 + i);
	return length;
}

static int whole(const struct message *m, size_t length)
{
	if (length < 4 || m->id >= quota * PRODUCERS)
		return 0;
	for (size_t i = 4; i < length; i++)
		if (m->bytes[i - 4] != (unsigned char)(m->id * 31 + i))
			return 0;
	return 1;
}

/* For ever, or a moment, or a try. */
static int64_t patience(uint32_t *s)
{
	return chance(s) % 8 == 0 ? chance(s) % 256 * US : -1;
}

static int again(int rc)
{
	return rc == -ETIMEDOUT || rc == -EBUSY;
}

static void gets_on(int me)
{
	atomic_fetch_add(&w->book[me].progress, 1);
}

/* ---- how messages are put: how many, or an error */

static int put_one(struct message *m, const size_t *length, int n, int64_t ns)
{
	int rc = mp_queue_put(q, &m[0], length[0], ns);

	(void)n;
	return rc < 0 ? rc : 1;
}

static int put_many(struct message *m, const size_t *length, int n, int64_t ns)
{
	struct iovec v[BATCH];

	for (int i = 0; i < n; i++)
		v[i] = (struct iovec){ .iov_base = &m[i],
				       .iov_len = length[i] };
	return mp_queue_put_many(q, v, n, ns);
}

static int put_in_place(struct message *m, const size_t *length, int n,
			int64_t ns)
{
	void *where;
	int rc = mp_queue_reserve(q, LONGEST, ns, &where);

	(void)n;
	if (rc < 0)
		return rc;
	memcpy(where, &m[0], length[0]);
	rc = mp_queue_commit(q, length[0]);
	return rc < 0 ? rc : 1;
}

static int produce(int me)
{
	struct book *b = &w->book[me];
	struct message m[BATCH];
	size_t length[BATCH];
	uint32_t s = (uint32_t)getpid(), next, id;
	int n, rc;

	/* What its predecessor had begun is left in doubt. */
	while ((next = atomic_load(&b->next)) < quota) {
		n = (int)(chance(&s) % BATCH) + 1;
		if (storm->put != put_many || n > (int)(quota - next))
			n = 1;
		atomic_store(&b->next, next + (uint32_t)n);
		for (int i = 0; i < n; i++) {
			id = (uint32_t)me * quota + next + (uint32_t)i;
			length[i] = write_message(&m[i], id, storm->lengths);
			atomic_store(&entry_of(id)->put, BEGUN);
		}
		for (int i = 0; i<n; i += rc> 0 ? rc : 0) {
			rc = storm->put(m + i, length + i, n - i, patience(&s));
			must(rc > 0 || again(rc));
			for (int k = i; k < i + rc; k++)
				atomic_store(&entry_of(m[k].id)->put, DONE);
			gets_on(me);
		}
	}
	return 0;
}

/* ---- how they are got */

/* Those of one producer come in its order, unless they come back. */
static int note(int me, const struct message *m, size_t length, int ordered)
{
	struct book *b = &w->book[me];
	uint32_t from, n;

	must(whole(m, length));
	from = m->id / quota;
	n = m->id % quota;
	must(!ordered || n >= b->last[from]);
	b->last[from] = n + 1;
	atomic_fetch_add(&entry_of(m->id)->got, 1);
	return 0;
}

static int get_one(int me, uint32_t *s)
{
	struct book *b = &w->book[me];
	struct message m;
	size_t length;
	int rc, line;

	atomic_store(&b->getting, 1);
	rc = mp_queue_get(q, &m, sizeof(m), patience(s), &length);
	if (rc == 0) {
		line = note(me, &m, length, 1);
		must(line == 0);
	}
	atomic_store(&b->getting, 0);
	return rc;
}

static int get_many(int me, uint32_t *s)
{
	struct book *b = &w->book[me];
	struct message m[BATCH];
	struct iovec v[BATCH];
	int n = (int)(chance(s) % BATCH) + 1, rc, line;

	for (int i = 0; i < n; i++)
		v[i] = (struct iovec){ .iov_base = &m[i],
				       .iov_len = sizeof(m[i]) };
	atomic_store(&b->getting, n);
	rc = mp_queue_get_many(q, v, n, patience(s));
	for (int i = 0; i < rc; i++) {
		line = note(me, &m[i], v[i].iov_len, 1);
		must(line == 0);
		atomic_fetch_sub(&b->getting, 1);
	}
	atomic_store(&b->getting, 0);
	return rc > 0 ? 0 : rc;
}

/* What it looks at it notes before it takes it: so nothing is in doubt. */
static int get_in_place(int me, uint32_t *s)
{
	struct book *b = &w->book[me];
	const struct message *m;
	struct message copy;
	size_t length;
	int rc, line;

	rc = mp_queue_peek(q, patience(s), (const void **)&m, &length);
	if (rc < 0)
		return rc;
	must(length <= sizeof(copy));
	memcpy(&copy, m, length);
	atomic_store(&b->hand, copy.id + 1);
	must(mp_queue_release(q) == 0);
	line = note(me, &copy, length, 1);
	must(line == 0);
	atomic_store(&b->hand, 0);
	return 0;
}

static int get_lease(int me, uint32_t *s)
{
	struct book *b = &w->book[me];
	const struct message *m;
	size_t length;
	int rc, line;

	rc = mp_queue_lease(q, patience(s), (const void **)&m, &length);
	if (rc < 0)
		return rc;
	atomic_store(&b->hand, m->id + 1);
	line = note(me, m, length, 0);
	must(line == 0);
	must(mp_queue_task_done(q) == 0);
	atomic_fetch_add(&entry_of(atomic_load(&b->hand) - 1)->done, 1);
	atomic_store(&b->hand, 0);
	return 0;
}

static int consume(int me)
{
	uint32_t s = (uint32_t)getpid();
	int rc;

	while ((rc = storm->get(me, &s)) != -ESHUTDOWN) {
		must(rc == 0 || again(rc));
		gets_on(me);
	}
	return 0;
}

static int work(int me)
{
	return me < PRODUCERS ? produce(me) : consume(me);
}

/* ---- storms */

static const struct storm storms[] = {
	{ "queue", 256, 256 * LONGEST, 0, 0, put_one, get_one },
	{ "queue, several lengths", 64, 20 * LONGEST, 0, 1, put_one, get_one },
	{ "queue of one", 1, LONGEST, 0, 1, put_one, get_one },
	{ "batches", 64, 64 * LONGEST, 0, 1, put_many, get_many },
	{ "in place", 64, 64 * LONGEST, 0, 1, put_in_place, get_in_place },
	{ "leases", 64, 64 * LONGEST, MP_QUEUE_LEASE, 1, put_one, get_lease },
};

static int fresh(void)
{
	memset(w, 0, sizeof(*w));
	memset(entries, 0, sizeof(*entries) * quota * PRODUCERS);
	return mp_queue_init(q, storm->items, storm->bytes, storm->flags);
}

static int is_done(int me)
{
	return atomic_load(&crew->member[me].done);
}

static int produced(void)
{
	int n = 0;

	for (int i = 0; i < PRODUCERS; i++)
		n += is_done(i);
	return n == PRODUCERS;
}

static void kill_one(int me)
{
	struct book *b = &w->book[me];
	uint32_t hand;

	killed(crew->member[me].pid);
	atomic_fetch_add(&w->kills, 1);
	atomic_fetch_add(&w->doubts, (uint64_t)atomic_exchange(&b->getting, 0));
	hand = atomic_exchange(&b->hand, 0);
	if (hand != 0)
		atomic_fetch_add(&entry_of(hand - 1)->excused, 1);
	crew_add(me);
}

/* No kills for a moment: everybody gets on.  -1, or who does not. */
static int calm(void)
{
	int64_t end = mp_clock_now() + STALL;
	uint64_t seen[WORKERS];

	for (int i = 0; i < WORKERS; i++)
		seen[i] = atomic_load(&w->book[i].progress);
	for (int i = 0; i < WORKERS; i++)
		while (atomic_load(&w->book[i].progress) == seen[i] &&
		       !is_done(i) && !produced()) {
			if (mp_clock_now() > end)
				return i;
			usleep(100);
		}
	return -1;
}

static int failed(void)
{
	for (int i = 0; i < WORKERS; i++)
		if (atomic_load(&crew->member[i].failed) != 0)
			return 1;
	return 0;
}

/* ---- the books */

/* Of all rounds of a storm. */
static struct sums {
	uint64_t messages, kills;
	uint64_t begun, happened; /* puts in doubt; of them, such as were */
	uint64_t died;            /* with the consumer who had them */
	/* What must not be. */
	uint64_t left, missing, twice, lost, undone, hung;
} sums;

/* All that passed the queue's ends is accounted for. */
static void balance(void)
{
	uint64_t put = (uint32_t)atomic_load(&q->tail), got = 0, noted = 0;
	uint64_t begun = 0, excused = 0, died;
	int lease = (storm->flags & MP_QUEUE_LEASE) != 0;

	for (uint32_t id = 0; id < quota * PRODUCERS; id++) {
		struct entry *e = entry_of(id);

		noted += e->put == DONE;
		begun += e->put == BEGUN;
		got += e->got != 0;
		excused += e->put != NOT_YET && e->got == 0 && e->excused != 0;
		sums.twice += e->got > 1 + (lease ? e->excused : 0) ||
			      (e->got != 0 && e->put == NOT_YET);
		sums.undone += lease && e->got && !e->done && !e->excused;
	}
	died = put - got;
	if (lease)
		sums.lost += died;
	else if (storm->get == get_in_place)
		sums.lost += died > excused ? died - excused : 0;
	else
		sums.lost += died > w->doubts ? died - w->doubts : 0;
	sums.missing += put < noted || put > noted + begun;
	sums.left += put - (uint32_t)atomic_load(&q->head);
	sums.undone += lease && mp_queue_join(q, 0) != 0;
	sums.messages += put;
	sums.kills += w->kills;
	sums.begun += begun;
	sums.happened += put - noted;
	sums.died += died;
}

/* One round.  1: all is well. */
static int blow(void)
{
	int bad = fresh() < 0, me;

	crew_start(WORKERS, work);
	while (!produced() && !bad) {
		usleep(chance(&seed) % 2000);
		me = (int)(chance(&seed) % WORKERS);
		if (!is_done(me))
			kill_one(me);
		bad = failed();
		me = w->kills % 10 == 0 && !bad ? calm() : -1;
		if (me >= 0) {
			printf("# %s: worker %d hangs\n", storm->what, me);
			bad = 1;
		}
	}
	bad |= mp_queue_close(q) < 0;
	bad |= !crew_join(storm->what, mp_clock_now() + STALL);
	sums.hung += (uint64_t)bad;
	balance();
	return !bad;
}

static void tell(int rounds)
{
	int64_t begin = mp_clock_now();

	sums = (struct sums){ 0 };
	for (int i = 0; i < rounds && blow(); i++)
		;
	ok(sums.hung == 0, "%s: nobody hangs, order is kept", storm->what);
	is((long long)sums.missing, 0, "%s: each put that returned is there",
	   storm->what);
	is((long long)sums.left, 0, "%s: as many got as put", storm->what);
	is((long long)sums.twice, 0, "%s: none comes twice", storm->what);
	is((long long)sums.lost, 0, "%s: lost only %s", storm->what,
	   storm->flags ? "what was never put" : "what a killed one had");
	if (storm->flags)
		is((long long)sums.undone, 0, "%s: all is done", storm->what);
	printf("# %s: %llu messages, %llu kills; of %llu puts in doubt %llu "
	       "had happened; %llu messages died with their getters; %.2f s\n",
	       storm->what, (unsigned long long)sums.messages,
	       (unsigned long long)sums.kills, (unsigned long long)sums.begun,
	       (unsigned long long)sums.happened, (unsigned long long)sums.died,
	       (double)(mp_clock_now() - begin) / 1e9);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int messages = argc > 1 ? atoi(argv[1]) : 1000000;
	int rounds = argc > 2 ? atoi(argv[2]) : 1;
	const char *only = argc > 3 ? argv[3] : "";
	size_t size = 0;

	if (argc > 4 || messages < 4 || messages > 100000000 || rounds < 1 ||
	    rounds > 10000) {
		fprintf(stderr,
			"usage: %s [MESSAGES (4 to 100000000) "
			"[ROUNDS (1 to 10000) [CASE]]]\n",
			argv[0]);
		return 2;
	}
	mp_backstop_set(10 * MS); /* what a kill delays is soon over */
	seed = (uint32_t)getpid() * 2654435761u | 1;
	printf("# seed %u\n", seed);
	crew_init();
	quota = (uint32_t)messages / PRODUCERS;
	w = share(sizeof(*w));
	entries = share(sizeof(*entries) * quota * PRODUCERS);
	for (size_t i = 0; i < sizeof(storms) / sizeof(storms[0]); i++)
		if (mp_queue_size(storms[i].items, storms[i].bytes) > size)
			size = mp_queue_size(storms[i].items, storms[i].bytes);
	q = share(size);
	for (size_t i = 0; i < sizeof(storms) / sizeof(storms[0]); i++)
		if (strstr(storms[i].what, only) != NULL) {
			storm = &storms[i];
			tell(rounds);
		}
	return tap_done();
}
