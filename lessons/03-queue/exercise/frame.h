/* frame.h - what judges a ring: included at its end, changed by nobody.
 *
 * A producer, P, and a consumer, C, use one ring.  The director
 * (../../tools/stage.h) says who takes the next step:
 *
 *	./ring message C.load C.load C.store P.load P.load P.fill P.store
 *
 * When the script ends the rest goes on, one point each in turn.  Where the
 * ring does something else than the script says, the director stops and tells
 * where each process stands.  P.kill kills P there.
 *
 *	./ring run message
 *
 * plays every schedule in which somebody who could go on stands back at most so
 * many times (two to four, see plots), and stops at the first that comes to
 * grief.
 */
#include <pthread.h>
#include <sys/eventfd.h>

#define PROGRAM "./ring"
#define NAMES   "PC"
#define SLEEP   "bell_wait"
static const char *const op_names[OPS] = { "load", "store", "xchg", "fill",
					   "take", "wait",  "ring", "kill" };

/* In a ring of two slots there are messages 1 to `full`.  P puts the next ones,
 * C gets. */
struct plot {
	const char *name;
	int cast, back;
	unsigned head, full; /* the counters begin at head */
	unsigned puts, gets;
};
static const struct plot plots[] = {
	{ "message", 2, 4, 0, 0, 1, 1 },
	{ "messages", 2, 3, 0, 0, 2, 2 },
	{ "full", 2, 4, 0, 2, 1, 1 },
	{ "lap", 2, 2, 0, 2, 3, 3 },
	{ "wrap", 2, 2, UINT32_MAX - 1, 1, 2, 2 },
};
enum { MESSAGE, MESSAGES, FULL, LAP, WRAP, PLOTS };

#include "timeout.h"

/* Shared: what P is to put next, and what C has got. */
struct traffic {
	unsigned next, got[8];
	int count;
};
static struct traffic *traffic;

/* ---- what stage.h asks for */

static void act(int i)
{
	for (unsigned k = 0; k < (i ? plot->gets : plot->puts); k++) {
		unsigned message = traffic->next + k;
		int rc = i ? ring_get(ring, &message, -1)
			   : ring_put(ring, message, -1);

		if (rc != 0)
			self->result = rc;
		else if (i)
			traffic->got[traffic->count++] = message;
	}
}

/* Forget that the bell was rung. */
static void silence(struct bell *b)
{
	uint64_t times;

	if (read(b->fd, &times, sizeof(times)) < 0 && errno != EAGAIN)
		err(1, "eventfd");
	b->asleep = 0;
}

/* So many slots, messages 1 to `full` in them, and in the others what lay there
 * before. */
static void prepare(unsigned size, unsigned head, unsigned full)
{
	silence(&ring->data);
	silence(&ring->room);
	ring->size = size;
	ring->head = head;
	ring->tail = head + full;
	for (unsigned k = 0; k < SLOTS_MAX; k++)
		ring->slots[k] = 99;
	for (unsigned k = 0; k < full; k++)
		ring->slots[(head + k) % size] = k + 1;
}

static void set(void)
{
	prepare(2, plot->head, plot->full);
	*traffic = (struct traffic){ .next = plot->full + 1 };
}

static void look(void)
{
	unsigned many = ring->tail - ring->head;

	if (many > ring->size)
		give_up("%d messages in %u slots", (int)many, ring->size);
}

/* A script with a kill: what it has come to is in the report. */
static void killing(int i)
{
	(void)i;
	judged = false;
}

/* The message that was got as number k, or that is left. */
static unsigned message_at(unsigned k)
{
	return k < plot->gets ? traffic->got[k]
			      : ring->slots[(ring->head + k - plot->gets) %
					    ring->size];
}

static void judge(void)
{
	unsigned all = plot->full + plot->puts, left = ring->tail - ring->head;

	if (left != all - plot->gets)
		give_up("%d messages are left, not %u", (int)left,
			all - plot->gets);
	for (unsigned k = 0; k < all; k++)
		if (message_at(k) != k + 1)
			give_up("message %u is %u, not %u", k + 1,
				message_at(k), k + 1);
}

static void tell(void)
{
	printf("  got:");
	for (int k = 0; k < traffic->count; k++)
		printf(" %u", traffic->got[k]);
	printf("; head %u, tail %u, asleep: data %u, room %u\n", ring->head,
	       ring->tail, ring->data.asleep, ring->room.asleep);
}

/* ---- one of both is killed */

/* What C got and what is left must be messages in a row, from the first or the
 * second up to `last`. */
static void judge_killed(unsigned last)
{
	unsigned left = ring->tail - ring->head, first = traffic->got[0];

	judge_actors();
	if (traffic->count != 1 || first < 1 || first > 2)
		give_up("C got %u, and that is none of the messages", first);
	if (left != last - first)
		give_up("after message %u, %d are left, not %u", first,
			(int)left, last - first);
	for (unsigned k = 0; k < left; k++) {
		unsigned message = ring->slots[(ring->head + k) % ring->size];

		if (message != first + 1 + k)
			give_up("message %u is %u", first + 1 + k, message);
	}
}

/* The other one sleeps; `who` is killed at its point number k, and another
 * process does the same as it.  false: it has not so many points. */
static bool play_killed(int who, int k)
{
	start_actors(&plots[who ? FULL : MESSAGE]);
	begin();
	play_on(!who);
	for (; k > 0 && stands(who) && !fault[0]; k--)
		play(who);
	if (!stands(who) && !fault[0])
		return false;
	kill_actor(who);
	traffic->next = plot->full + 2;
	if (who)
		traffic->count = 0;
	start(who);
	let_run(who);
	while ((stands(0) || stands(1)) && !fault[0]) {
		play_on(who);
		play_on(!who);
	}
	if (!fault[0])
		judge_killed(plot->full + 1 + !who);
	return true;
}

static int run_killed(int who)
{
	int k = 0, rc = 0;

	while (play_killed(who, k) && !fault[0]) {
		stop_actors();
		k++;
	}
	stop_actors();
	if (!fault[0]) {
		printf("killed at each of %d points: none fails\n", k);
		return 0;
	}
	loud = true;
	play_killed(who, k);
	rc = report();
	stop_actors();
	return rc;
}

/* ---- without a script */

#define MANY 5000

/* One process puts, the other gets, as fast as they can, through four slots. */
static int run_many(int unused)
{
	unsigned message = 0;
	int k, status;
	pid_t pid;

	(void)unused;
	prepare(4, 0, 0);
	pid = new_process();
	if (pid == 0) {
		for (unsigned i = 1; i <= MANY; i++)
			if (ring_put(ring, i, -1) != 0)
				_exit(1);
		_exit(0);
	}
	for (k = 1; k <= MANY; k++)
		if (ring_get(ring, &message, -1) != 0 || message != (unsigned)k)
			break;
	if (k <= MANY) {
		printf("message %d is %u\n", k, message);
		kill(pid, SIGKILL);
	}
	waitpid(pid, &status, 0);
	if (k > MANY && status == 0)
		printf("%d messages, each once, in order\n", MANY);
	return 0;
}

/* How many messages go into four slots, and what comes out, at each place where
 * the counters may be. */
static int run_holds(int unused)
{
	static const unsigned heads[] = { 0, 1, 6, UINT32_MAX - 2 };
	unsigned message;

	(void)unused;
	for (int k = 0; k < 4; k++) {
		int in = 0;

		prepare(4, heads[k], 0);
		while (in < 8 && ring_try_put(ring, (unsigned)in + 1) == 0)
			in++;
		printf("%d in, out:", in);
		for (in = 0; in < 8 && !ring_try_get(ring, &message); in++)
			printf(" %u", message);
		printf("\n");
	}
	return 0;
}

static int put(int64_t timeout_ns)
{
	return ring_put(ring, 5, timeout_ns);
}

static int get(int64_t timeout_ns)
{
	unsigned message;

	return ring_get(ring, &message, timeout_ns);
}
static int (*const calls[])(int64_t) = { put, get };

/* There is no room; gets: no message. */
static void prepare_in_vain(int gets)
{
	prepare(4, 0, gets ? 0 : 4);
}

static int run_timeout(int gets)
{
	bool there = false;
	int status;
	pid_t pid;

	prepare_in_vain(gets);
	pid = tell_timeouts(calls[gets]);
	for (int i = 0; i < 3 && !there; i++) { /* it may come a little late */
		calls[!gets](0);
		there = ended(pid, i < 2 ? 200 : 2000, &status);
	}
	printf("then: %s\n", there ? error_name(-status) : "waits on");
	return 0;
}

static int run_storm(int gets)
{
	prepare_in_vain(gets);
	tell_storm(calls[gets]);
	return 0;
}

static int count_sleeps(int gets)
{
	prepare_in_vain(gets);
	tell_sleeps(calls[gets]);
	return 0;
}

/* C sleeps, P puts one message: how often the bell is rung for it. */
static int count_rings(int unused)
{
	int rings = 0;

	(void)unused;
	start_actors(&plots[MESSAGE]);
	begin();
	play_on(1);
	while (stands(0) && !fault[0]) {
		rings += roles[0].op == RING;
		play(0);
	}
	if (fault[0])
		printf("%s\n", fault);
	else
		printf("%d\n", rings);
	stop_actors();
	return 0;
}

static void thousand_messages(void)
{
	unsigned message;

	for (unsigned i = 0; i < 1000; i++) {
		ring_put(ring, i, -1);
		ring_get(ring, &message, -1);
	}
}

/* The system calls of 1000 messages put and got by one process; before that,
 * perhaps, waits that time out. */
static int count_pairs(int timed_out)
{
	unsigned message;

	prepare(4, 0, 0);
	if (timed_out) {
		ring_get(ring, &message, 1 * MS);
		for (unsigned i = 0; i < 5; i++)
			ring_put(ring, i, 1 * MS);
		for (unsigned i = 0; i < 4; i++)
			ring_try_get(ring, &message);
	}
	count_calls(thousand_messages);
	return 0;
}

/* The reference: the textbook's ring, with a lock of the C library. */
struct reference {
	pthread_mutex_t mutex;
	unsigned head, tail, size, slots[SLOTS_MAX];
};

static bool reference_put(struct reference *r, unsigned message)
{
	bool room;

	pthread_mutex_lock(&r->mutex);
	room = r->tail - r->head < r->size;
	if (room)
		r->slots[r->tail++ % r->size] = message;
	pthread_mutex_unlock(&r->mutex);
	return room;
}

static bool reference_get(struct reference *r, unsigned *message)
{
	bool there;

	pthread_mutex_lock(&r->mutex);
	there = r->head != r->tail;
	if (there)
		*message = r->slots[r->head++ % r->size];
	pthread_mutex_unlock(&r->mutex);
	return there;
}

/* Nanoseconds for 1000 messages put and got by one process. */
static void bench(bool mine, int rounds)
{
	struct reference *r = shared_memory(sizeof(*r));
	pthread_mutexattr_t shared;
	unsigned message;
	int64_t from;

	prepare(SLOTS_MAX, 0, 0);
	r->size = SLOTS_MAX;
	pthread_mutexattr_init(&shared);
	pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&r->mutex, &shared);
	from = now_ns();
	for (unsigned i = 0; i < (unsigned)rounds * 1000; i++) {
		if (mine) {
			ring_put(ring, i, -1);
			ring_get(ring, &message, -1);
		} else {
			reference_put(r, i);
			reference_get(r, &message);
		}
	}
	printf("%lld\n", (long long)(now_ns() - from) / rounds);
}

static const struct scenario scenarios[] = {
	{ "run", "message", play_all, MESSAGE },
	{ "run", "messages", play_all, MESSAGES },
	{ "run", "full", play_all, FULL },
	{ "run", "lap", play_all, LAP },
	{ "run", "wrap", play_all, WRAP },
	{ "run", "killed_p", run_killed, 0 },
	{ "run", "killed_c", run_killed, 1 },
	{ "run", "many", run_many, 0 },
	{ "run", "holds", run_holds, 0 },
	{ "run", "timeout_put", run_timeout, 0 },
	{ "run", "timeout_get", run_timeout, 1 },
	{ "run", "storm_put", run_storm, 0 },
	{ "run", "storm_get", run_storm, 1 },
	{ "count", "pairs", count_pairs, 0 },
	{ "count", "timed_out", count_pairs, 1 },
	{ "count", "sleeps", count_sleeps, 1 },
	{ "count", "rings", count_rings, 0 },
};

int main(int argc, char *argv[])
{
	ring = shared_memory(sizeof(*ring));
	traffic = shared_memory(sizeof(*traffic));
	ring->data.fd = eventfd(0, EFD_NONBLOCK);
	ring->room.fd = eventfd(0, EFD_NONBLOCK);
	if (ring->data.fd < 0 || ring->room.fd < 0)
		err(1, "eventfd");
	return stage_main(argc, argv, scenarios,
			  sizeof(scenarios) / sizeof(scenarios[0]), bench);
}
