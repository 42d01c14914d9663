/* Queues and pipes under many workers, nobody killed: each message arrives
 * once, whole, and in order.  Each case is run as those of stress.c: without
 * the back-stop, with one that nobody may need, with one that looks all the
 * time, and under signals. */
#include "crew.h"

#include <stdbool.h>

#include "mp/backstop.h"
#include "mp/cpu.h"
#include "mp/pipe.h"
#include "mp/queue.h"
#include "mp/wait.h"

#define US      INT64_C(1000)
#define SELDOM  (1000 * MS)
#define LONGEST 120
#define BATCH   6

struct world {
	uint64_t a; /* whose turn it is; not atomic on purpose */
	_Atomic uint64_t put_sum, got_sum, put, got, signals;
	_Atomic int left;
};
static struct world *w;
static struct mp_queue *q;
static struct mp_conn in[CREW_MAX], out[CREW_MAX];

static int n, rounds, signalled; /* of the case that runs */
static int patient;              /* all wait for ever */
static int ordered;              /* none of its messages comes back */

static uint32_t chance(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* For ever; else also a try, or a moment.  (Who tries from time to time finds
 * what no wake-up has told.) */
static int64_t patience(uint32_t *seed)
{
	uint32_t c = chance(seed);

	if (patient)
		return -1;
	return c % 4 == 0 ? 0 : c % 4 == 1 ? c % 256 * US : -1;
}

/* Try again? */
static bool again(int rc)
{
	return rc == -ETIMEDOUT || rc == -EBUSY || (rc == -EINTR && signalled);
}

/* ---- a message: from whom, which, and as many bytes as that tells */

struct message {
	uint32_t from, number;
	unsigned char bytes[LONGEST - 8];
};

static size_t length_of(uint32_t number)
{
	return 8 + number * 5 % (LONGEST - 7);
}

static size_t write_message(struct message *m, int from, uint32_t number)
{
	m->from = (uint32_t)from;
	m->number = number;
	memset(m->bytes, (int)(number * 7 + m->from), length_of(number) - 8);
	return length_of(number);
}

static bool whole(const struct message *m, size_t length)
{
	if (length < 8 || length != length_of(m->number) ||
	    m->from >= (uint32_t)n)
		return false;
	for (size_t i = 0; i < length - 8; i++)
		if (m->bytes[i] != (unsigned char)(m->number * 7 + m->from))
			return false;
	return true;
}

/* Count it in; next[] is what a getter awaits of each putter, at least. */
static int count(const struct message *m, size_t length, uint32_t *next)
{
	must(whole(m, length));
	must(!ordered || m->number >= next[m->from]);
	next[m->from] = m->number + 1;
	atomic_fetch_add(&w->got_sum, m->number);
	atomic_fetch_add(&w->got, 1);
	return 0;
}

static bool queue_fits(void)
{
	return w->put == w->got && w->put_sum == w->got_sum && w->put != 0 &&
	       mp_queue_qsize(q) == 0 && !mp_queue_full(q) &&
	       mp_lock_locked(&q->put_lock) == 0 &&
	       mp_lock_locked(&q->get_lock) == 0;
}

/* ---- queues: even workers put, odd ones get until all is over */

static int putters(void)
{
	return (n + 1) / 2;
}

/* The last putter closes. */
static int last_closes(void)
{
	int rc = 0;

	if (atomic_fetch_add(&w->left, 1) + 1 == putters())
		rc = mp_queue_close(q);
	must(rc == 0);
	return 0;
}

static int putter(int me)
{
	uint32_t seed = (uint32_t)me + 1;
	struct message m;
	size_t length;
	int rc;

	for (int i = 0; i < rounds; i++) {
		length = write_message(&m, me, (uint32_t)i);
		do
			rc = mp_queue_put(q, &m, length, patience(&seed));
		while (again(rc));
		must(rc == 0);
		atomic_fetch_add(&w->put_sum, (uint64_t)i);
		atomic_fetch_add(&w->put, 1);
	}
	return last_closes();
}

static int getter(int me)
{
	uint32_t seed = (uint32_t)me + 1, next[CREW_MAX] = { 0 };
	struct message m;
	size_t length;
	int rc, line;

	while ((rc = mp_queue_get(q, &m, sizeof(m), patience(&seed),
				  &length)) != -ESHUTDOWN) {
		if (again(rc))
			continue;
		must(rc == 0);
		line = count(&m, length, next);
		must(line == 0);
		must(mp_queue_task_done(q) == 0);
	}
	return 0;
}

static int queue(int me)
{
	return me % 2 == 0 ? putter(me) : getter(me);
}

static void new_queue(uint32_t items, uint32_t flags)
{
	if (mp_queue_init(q, items, items * (size_t)LONGEST, flags) < 0)
		errx(1, "mp_queue_init");
	ordered = !(flags & MP_QUEUE_LEASE);
}

static void queue_ready(void)
{
	new_queue(64, 0);
}

static void one_ready(void)
{
	new_queue(1, 0);
}

static void leases_ready(void)
{
	new_queue(16, MP_QUEUE_LEASE);
}

static bool leases_fit(void)
{
	return queue_fits() && mp_queue_join(q, 0) == 0;
}

static int batch_putter(int me)
{
	uint32_t seed = (uint32_t)me + 1;
	struct message m[BATCH];
	struct iovec v[BATCH];
	int rc, many;

	for (int i = 0; i<rounds; i += rc> 0 ? rc : 0) {
		many = (int)(chance(&seed) % BATCH) + 1;
		for (int k = 0; k < many; k++)
			v[k] = (struct iovec){
				&m[k],
				write_message(&m[k], me, (uint32_t)(i + k))
			};
		rc = mp_queue_put_many(q, v, many, patience(&seed));
		must((rc > 0 && rc <= many) || again(rc));
		for (int k = 0; k < rc; k++)
			atomic_fetch_add(&w->put_sum, (uint64_t)(i + k));
		atomic_fetch_add(&w->put, (uint64_t)(rc > 0 ? rc : 0));
	}
	return last_closes();
}

static int batch_getter(int me)
{
	uint32_t seed = (uint32_t)me + 1, next[CREW_MAX] = { 0 };
	struct message m[BATCH];
	struct iovec v[BATCH];
	int rc, line, many;

	for (;;) {
		many = (int)(chance(&seed) % BATCH) + 1;
		for (int k = 0; k < many; k++)
			v[k] = (struct iovec){ &m[k], sizeof(m[k]) };
		rc = mp_queue_get_many(q, v, many, patience(&seed));
		if (rc == -ESHUTDOWN)
			return 0;
		must((rc > 0 && rc <= many) || again(rc));
		for (int k = 0; k < rc; k++) {
			line = count(&m[k], v[k].iov_len, next);
			must(line == 0);
		}
	}
}

static int batches(int me)
{
	return me % 2 == 0 ? batch_putter(me) : batch_getter(me);
}

/* Some are cancelled, and put again; some are only looked at. */
static int place_putter(int me)
{
	uint32_t seed = (uint32_t)me + 1;
	struct message m;
	size_t length;
	void *where;
	int rc;

	for (int i = 0; i < rounds;) {
		rc = mp_queue_reserve(q, LONGEST, patience(&seed), &where);
		if (again(rc))
			continue;
		must(rc == 0);
		must(mp_queue_put(q, &m, 8, -1) == -EDEADLK);
		if (chance(&seed) % 4 == 0) {
			must(mp_queue_cancel(q) == 0);
			continue;
		}
		length = write_message(&m, me, (uint32_t)i);
		memcpy(where, &m, length);
		must(mp_queue_commit(q, length) == 0);
		atomic_fetch_add(&w->put_sum, (uint64_t)i++);
		atomic_fetch_add(&w->put, 1);
	}
	return last_closes();
}

static int place_getter(int me)
{
	uint32_t seed = (uint32_t)me + 1, next[CREW_MAX] = { 0 };
	const void *m;
	size_t length;
	int rc, line;

	while ((rc = mp_queue_peek(q, patience(&seed), &m, &length)) !=
	       -ESHUTDOWN) {
		if (again(rc))
			continue;
		must(rc == 0);
		must(whole(m, length));
		if (chance(&seed) % 4 == 0) {
			must(mp_queue_keep(q) == 0);
			continue;
		}
		line = count(m, length, next);
		must(line == 0);
		must(mp_queue_release(q) == 0);
	}
	return 0;
}

static int in_place(int me)
{
	return me % 2 == 0 ? place_putter(me) : place_getter(me);
}

/* The first puts one for each of the others, and waits until they are done:
 * what they wrote before task_done is seen after join. */
static int joins(int me)
{
	int rc, i;
	char c;

	for (i = 0; me == 0 && i < rounds; i++) {
		for (int k = 1; k < n; k++) {
			do
				rc = mp_queue_put(q, "x", 1, -1);
			while (again(rc));
			must(rc == 0);
		}
		do
			rc = mp_queue_join(q, -1);
		while (again(rc));
		must(rc == 0);
		must(w->got == (uint64_t)(n - 1) * (uint64_t)(i + 1));
	}
	if (me == 0) {
		atomic_store(&w->put, w->got);
		w->put_sum = w->got_sum = 0;
		return mp_queue_shutdown(q) < 0 ? __LINE__ : 0;
	}
	while ((rc = mp_queue_get(q, &c, 1, -1, NULL)) != -ESHUTDOWN) {
		if (again(rc))
			continue;
		must(rc == 0);
		atomic_fetch_add(&w->got, 1);
		must(mp_queue_task_done(q) == 0);
	}
	return 0;
}

/* A token goes round, from queue to queue: what is written before a put is seen
 * after the get. */
static char *small; /* queues of one, one behind the other */

static size_t small_size(void)
{
	return (mp_queue_size(1, 8) + 63) / 64 * 64;
}

static struct mp_queue *queue_of(int i)
{
	return (struct mp_queue *)(small + (size_t)i * small_size());
}

static void queues_ready(void)
{
	for (int i = 0; i < n; i++)
		if (mp_queue_init(queue_of(i), 1, 8, 0) < 0)
			errx(1, "mp_queue_init");
}

static int turn(int me, uint32_t token)
{
	must(token == w->a && w->a % (uint64_t)n == (uint64_t)me);
	w->a++;
	return 0;
}

static int ring_of_queues(int me)
{
	struct mp_queue *mine = queue_of(me), *next = queue_of((me + 1) % n);
	uint32_t seed = (uint32_t)me + 1, token = 0;
	int rc, line;

	for (int i = 0; i < rounds; i++) {
		rc = 0;
		while (me + i != 0 &&
		       again(rc = mp_queue_get(mine, &token, sizeof(token),
					       patience(&seed), NULL)))
			;
		must(rc == 0);
		line = turn(me, token++);
		must(line == 0);
		while (again(rc = mp_queue_put(next, &token, sizeof(token),
					       patience(&seed))))
			;
		must(rc == 0);
	}
	return 0;
}

static bool ring_fits(void)
{
	return w->a == (uint64_t)n * (uint64_t)rounds;
}

/* ---- pipes: worker i receives from in[i]; out[i] is its other end */

static void pipes_ready(void)
{
	for (int i = 0; i < n; i++) {
		if (mp_pipe(&in[i], &out[i], false, MP_PIPE_BYTES_MIN) < 0)
			errx(1, "mp_pipe");
#ifdef THREADS
		/* The ring is mapped twice, once for each end, and
		 * ThreadSanitizer goes by addresses: both take the same. */
		in[i].in = out[i].out;
#endif
	}
}

static int send_all(struct mp_conn *c, const void *p, size_t length,
		    uint32_t *seed)
{
	int rc;

	do
		rc = mp_conn_send(c, p, length, patience(seed));
	while (again(rc));
	return rc;
}

static int recv_all(struct mp_conn *c, void *p, size_t size, uint32_t *seed,
		    size_t *length)
{
	int rc;

	do
		rc = mp_conn_recv(c, p, size, patience(seed), length);
	while (again(rc));
	return rc;
}

/* A token goes round: what is written before a send is seen after the recv. */
static int ring(int me)
{
	uint32_t seed = (uint32_t)me + 1, token = 0;
	size_t length = sizeof(token);
	int rc, line;

	for (int i = 0; i < rounds; i++) {
		rc = me + i == 0 ? 0
				 : recv_all(&in[me], &token, sizeof(token),
					    &seed, &length);
		must(rc == 0 && length == sizeof(token));
		line = turn(me, token++);
		must(line == 0);
		must(send_all(&out[(me + 1) % n], &token, sizeof(token),
			      &seed) == 0);
	}
	return 0;
}

/* Of all lengths, more than the ring takes too: each to its neighbour. */
static size_t stream_length(uint32_t number)
{
	uint32_t c = number * 2654435761u | 1;

	chance(&c);
	return chance(&c) % 32 == 0 ? chance(&c) % (3 * MP_PIPE_BYTES_MIN)
				    : chance(&c) % 200;
}

static unsigned char byte_of(uint32_t number, size_t i)
{
	return (unsigned char)(number * 3 + i / 3);
}

static int streams(int me)
{
	unsigned char p[3 * MP_PIPE_BYTES_MIN];
	uint32_t seed = (uint32_t)me + 1;
	size_t length = 0;

	for (uint32_t i = 0; i < (uint32_t)rounds; i++) {
		if (me % 2 == 0) {
			for (size_t k = 0; k < stream_length(i); k++)
				p[k] = byte_of(i, k);
			must(send_all(&out[(me + 1) % n], p, stream_length(i),
				      &seed) == 0);
			continue;
		}
		must(recv_all(&in[me], p, sizeof(p), &seed, &length) == 0);
		must(length == stream_length(i));
		for (size_t k = 0; k < length; k++)
			must(p[k] == byte_of(i, k));
	}
	return 0;
}

static bool streams_fit(void)
{
	return true;
}

/* The first waits for all of the others at once. */
static int waits(int me)
{
	struct mp_waitable v[CREW_MAX] = { 0 };
	uint32_t seed = (uint32_t)me + 1, number = 0, next[CREW_MAX] = { 0 };
	int64_t left = (int64_t)rounds * (n - 1);
	int rc;

	for (int i = 0; me != 0 && i < rounds; i++, number++)
		must(send_all(&out[me], &number, sizeof(number), &seed) == 0);
	if (me != 0)
		return 0;
	for (int i = 1; i < n; i++)
		v[i - 1].conn = &in[i];
	while (left > 0) {
		rc = mp_wait(v, n - 1, patience(&seed));
		must(rc > 0 || rc == 0 || again(rc));
		for (int i = 1; i < n && rc > 0; i++) {
			if (!v[i - 1].ready)
				continue;
			must(mp_conn_recv(&in[i], &number, sizeof(number), 0,
					  NULL) == 0);
			must(number == next[i]++);
			left--;
		}
	}
	return 0;
}

/* ---- the director */

static const struct stress {
	const char *what;
	void (*ready)(void);
	int (*work)(int);
	bool (*fits)(void);
	int rounds; /* for 1000 asked for */
} stresses[] = {
	{ "queue", queue_ready, queue, queue_fits, 50000 },
	{ "queue of one", one_ready, queue, queue_fits, 10000 },
	{ "batches", queue_ready, batches, queue_fits, 50000 },
	{ "in place", queue_ready, in_place, queue_fits, 20000 },
	{ "leases", leases_ready, queue, leases_fit, 20000 },
	{ "joins", queue_ready, joins, queue_fits, 1000 },
	{ "joins, leases", leases_ready, joins, queue_fits, 1000 },
	{ "ring of queues", queues_ready, ring_of_queues, ring_fits, 2000 },
	{ "ring of pipes", pipes_ready, ring, ring_fits, 2000 },
	{ "pipes", pipes_ready, streams, streams_fit, 20000 },
	{ "wait", pipes_ready, waits, streams_fit, 10000 },
};

static void on_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&w->signals, 1);
}

/* Questions, and signals to one after another, until they are done. */
static void disturb(int64_t end)
{
	for (int i = 0; crew_done() < n && mp_clock_now() < end; i++) {
		mp_queue_qsize(q);
		mp_queue_empty(q);
		mp_queue_full(q);
		if (signalled)
			crew_signal(i % n, SIGUSR1);
		usleep(100);
	}
}

static uint64_t rescues(void)
{
	uint64_t sum = mp_counters_get(&q->counters, MP_RESCUES) +
		       mp_counters_get(&q->put_lock.counters, MP_RESCUES) +
		       mp_counters_get(&q->get_lock.counters, MP_RESCUES);

	for (int i = 0; i < n; i++)
		sum += mp_counters_get(mp_conn_counters(&in[i]), MP_RESCUES) +
		       mp_counters_get(&queue_of(i)->counters, MP_RESCUES);
	return sum;
}

static void run(const struct stress *s, int64_t backstop_ns, const char *how)
{
	int64_t begin = mp_clock_now(), end = crew_deadline();
	uint64_t rescued;
	char what[80];
	int joined;

	snprintf(what, sizeof(what), "%s, %d " CREW ", %s", s->what, n, how);
	mp_backstop_set(backstop_ns);
	memset(w, 0, sizeof(*w));
	new_queue(1, 0);
	s->ready();
	crew_start(n, s->work);
	disturb(end);
	joined = crew_join(what, end);
	rescued = rescues();
	ok(joined && s->fits(), "%s", what);
	/* (A short one also ends sleeps whose wake-up is on its way.) */
	if (backstop_ns == SELDOM)
		is((long long)rescued, 0, "%s: no rescue", what);
	for (int i = 0; i < n; i++) {
		mp_conn_close(&in[i]);
		mp_conn_close(&out[i]);
	}
	printf("# %s: %.2f s\n", what, (double)(mp_clock_now() - begin) / 1e9);
}

int main(int argc, char **argv)
{
	int cpus = mp_cpu_count(MP_CPU_USABLE), asked = 1000;
	const char *only = argc > 2 ? argv[2] : "";

	if (argc > 1)
		asked = atoi(argv[1]);
	if (argc > 3 || asked < 1 || asked > 1000000) {
		fprintf(stderr, "usage: %s [ROUNDS (1 to 1000000) [CASE]]\n",
			argv[0]);
		return 2;
	}
	n = 4 * cpus < 8 ? 8 : 4 * cpus > 24 ? 24 : 4 * cpus;
	for (int i = 0; i < CREW_MAX; i++)
		in[i] = out[i] = (struct mp_conn){
			.fd = -1, .bell_in = -1, .bell_out = -1, .poll_fd = -1
		};
	crew_init();
	w = share(sizeof(*w));
	q = share(mp_queue_size(64, 64 * LONGEST));
	small = share(CREW_MAX * small_size());
	handle(SIGUSR1, on_signal, 0);
	for (size_t i = 0; i < sizeof(stresses) / sizeof(stresses[0]); i++) {
		const struct stress *s = &stresses[i];

		if (strstr(s->what, only) == NULL)
			continue;
		rounds = (int)((int64_t)s->rounds * asked / 1000) + 8;
		signalled = 0;
		patient = 1;
		run(s, 0, "no back-stop");
		run(s, SELDOM, "back-stop");
		patient = 0;
		run(s, 0, "no back-stop, timeouts");
		run(s, 50 * US, "restless");
		signalled = 1;
		run(s, 0, "signals");
	}
	return tap_done();
}
