/* Messages of all lengths go through a pipe whose users are killed at random,
 * in the middle of messages too.  Two storms:
 *
 *	ends	each sender and receiver are the only ones with their ends; one
 *		of them is killed, and the other comes to an end by itself: it
 *		has received all that was sent, and then the end of file;
 *	heirs	other processes go on with the ends of the dead: what is lost
 *		is only what a killed one had in hand.
 *
 * The sender notes a message before it sends it, and after; the receiver notes
 * that it is about to receive, and what it got. */
#include "crew.h"

#include "mp/backstop.h"
#include "mp/pipe.h"

#define BYTES   MP_PIPE_BYTES_MIN
#define LONGEST (3 * BYTES)
#define STALL   LONG
#define US      INT64_C(1000)

enum { NOT_YET, BEGUN, DONE };

struct world {
	_Alignas(64) _Atomic uint32_t next; /* the sender's next message */
	_Alignas(64) _Atomic uint32_t got;  /* the receiver's last one */
	_Atomic uint32_t count, resets;
	_Atomic int receiving, stop;
};
static struct world *w;
static _Atomic uint8_t *put, *came; /* of each message */
static uint32_t messages;           /* at most, of one pipe */
static struct mp_conn a, b;         /* a receives */
static uint32_t seed;

static struct {
	uint64_t messages, kills, begun, happened, died, resets;
	/* What must not be. */
	uint64_t lost, unexpected, hung;
} sums;

static uint32_t chance(uint32_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 17;
	*s ^= *s << 5;
	return *s;
}

/* Most are short, some longer than the ring. */
static size_t length_of(uint32_t n)
{
	uint32_t s = n * 2654435761u | 1;

	chance(&s);
	switch (chance(&s) % 16) {
	case 0:
		return 4 + chance(&s) % (LONGEST - 3);
	case 1:
		return 4 + chance(&s) % 1100;
	default:
		return 4 + chance(&s) % 61;
	}
}

static void write_message(unsigned char *p, uint32_t n)
{
	memcpy(p, &n, sizeof(n));
	for (size_t i = sizeof(n); i < length_of(n); i++)
		p[i] = (unsigned char)(n * 31 + i / 5);
}

static int whole(const unsigned char *p, size_t length, uint32_t n)
{
	if (length != length_of(n))
		return 0;
	for (size_t i = sizeof(n); i < length; i++)
		if (p[i] != (unsigned char)(n * 31 + i / 5))
			return 0;
	return 1;
}

/* For ever; or in small steps, which go on with the same message. */
static int64_t patience(uint32_t *s)
{
	return chance(s) % 8 == 0 ? chance(s) % 64 * US : -1;
}

/* -EPIPE is how it ends.  What a dead one had begun is left in doubt. */
static int send_all(void)
{
	static unsigned char message[LONGEST];
	uint32_t s = (uint32_t)getpid(), n;
	int rc;

	while ((n = atomic_load(&w->next)) < messages &&
	       !atomic_load(&w->stop)) {
		atomic_store(&w->next, n + 1);
		write_message(message, n);
		atomic_store(&put[n], BEGUN);
		do
			rc = mp_conn_send(&b, message, length_of(n),
					  patience(&s));
		while (rc == -ETIMEDOUT);
		if (rc == -EPIPE)
			return 0;
		must(rc == 0);
		atomic_store(&put[n], DONE);
	}
	return 0;
}

static int recv_all(void)
{
	static unsigned char message[LONGEST];
	uint32_t s = (uint32_t)getpid(), n;
	size_t length;
	int rc;

	for (;;) {
		atomic_store(&w->receiving, 1);
		do
			rc = mp_conn_recv(&a, message, sizeof(message),
					  patience(&s), &length);
		while (rc == -ETIMEDOUT);
		if (rc == -EPIPE)
			break;
		if (rc == -ECONNRESET) {
			atomic_fetch_add(&w->resets, 1);
			continue;
		}
		must(rc == 0 && length >= sizeof(n));
		memcpy(&n, message, sizeof(n));
		must(n < messages && whole(message, length, n));
		must(w->count == 0 || n > atomic_load(&w->got));
		atomic_store(&w->got, n);
		atomic_fetch_add(&came[n], 1);
		atomic_fetch_add(&w->count, 1);
		atomic_store(&w->receiving, 0);
	}
	atomic_store(&w->receiving, 0);
	return 0;
}

/* Each has its own end only. */
static int work(int me)
{
	mp_conn_close(me == 0 ? &a : &b);
	return me == 0 ? send_all() : recv_all();
}

static int fresh(void)
{
	memset(w, 0, sizeof(*w));
	memset((void *)put, 0, messages);
	memset((void *)came, 0, messages);
	return mp_pipe(&a, &b, false, BYTES);
}

/* doubts: receivers who were killed while they received. */
static void balance(uint64_t doubts)
{
	uint64_t gone = 0;

	for (uint32_t n = 0; n < messages; n++) {
		gone += put[n] == DONE && came[n] == 0;
		sums.begun += put[n] == BEGUN;
		sums.happened += put[n] == BEGUN && came[n] != 0;
		sums.unexpected += came[n] > 1 || (came[n] && !put[n]);
	}
	sums.lost += gone > doubts ? gone - doubts : 0;
	sums.died += gone;
	sums.messages += w->count;
	sums.resets += w->resets;
}

static int is_done(int me)
{
	return atomic_load(&crew->member[me].done);
}

static void kill_one(int me)
{
	killed(crew->member[me].pid);
	sums.kills++;
}

/* One pipe and one kill. */
static int end(void)
{
	int me = (int)(chance(&seed) % 2), bad = fresh() < 0;
	int64_t stall;

	crew_start(2, work);
	mp_conn_close(&a);
	mp_conn_close(&b);
	while (atomic_load(&w->count) == 0 && !is_done(0) && !is_done(1))
		usleep(20);
	usleep(chance(&seed) % 2000);
	kill_one(me);
	stall = mp_clock_now() + STALL;
	while (!is_done(1 - me) && mp_clock_now() < stall)
		usleep(20);
	/* A receiver that was killed leaves behind what is still there. */
	bad |= !is_done(1 - me) || crew->member[1 - me].failed;
	if (bad)
		printf("# ends: the %s %s at line %d\n",
		       me == 0 ? "receiver" : "sender",
		       is_done(1 - me) ? "failed" : "hangs",
		       (int)crew->member[1 - me].failed);
	killed(crew->member[1 - me].pid);
	balance(me == 0 ? 0 : UINT64_MAX);
	return !bad;
}

static int ends(int seconds)
{
	int64_t until = mp_clock_now() + seconds * 1000 * MS;
	int good = 1;

	while (good && mp_clock_now() < until)
		good = end();
	return good;
}

/* ---- heirs: the director holds both ends, so there is no end of file */

static int get_on(void)
{
	int64_t stall = mp_clock_now() + STALL;
	uint32_t n = atomic_load(&w->count);

	while (atomic_load(&w->count) < n + 10 && !is_done(0)) {
		if (mp_clock_now() > stall)
			return 0;
		usleep(50);
	}
	return 1;
}

static int heirs(int seconds)
{
	int64_t until = mp_clock_now() + seconds * 1000 * MS;
	int bad = fresh() < 0, me;
	uint64_t doubts = 0;

	crew_start(2, work);
	while (!bad && mp_clock_now() < until && !is_done(0)) {
		usleep(chance(&seed) % 2000);
		me = (int)(chance(&seed) % 2);
		kill_one(me);
		if (me == 1)
			doubts += (uint64_t)atomic_exchange(&w->receiving, 0);
		crew_add(me);
		bad |= crew->member[0].failed || crew->member[1].failed;
		if (!bad && sums.kills % 10 == 0 && !get_on()) {
			printf("# heirs: they do not get on\n");
			bad = 1;
		}
	}
	atomic_store(&w->stop, 1);
	mp_conn_close(&a);
	mp_conn_close(&b);
	bad |= !crew_join("heirs", mp_clock_now() + STALL);
	balance(doubts);
	return !bad;
}

static void tell(const char *what, int (*storm)(int), int seconds)
{
	int good;

	memset(&sums, 0, sizeof(sums));
	good = storm(seconds);
	ok(good, "%s: nobody hangs, all are whole and in order", what);
	is((long long)sums.lost, 0, "%s: lost only what a killed one had",
	   what);
	is((long long)sums.unexpected, 0, "%s: none comes twice", what);
	printf("# %s: %llu messages, %llu kills; of %llu sends in doubt %llu "
	       "had happened; %llu were cut off; %llu were never received\n",
	       what, (unsigned long long)sums.messages,
	       (unsigned long long)sums.kills, (unsigned long long)sums.begun,
	       (unsigned long long)sums.happened,
	       (unsigned long long)sums.resets, (unsigned long long)sums.died);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 2;

	if (argc > 2 || seconds < 1 || seconds > 3600) {
		fprintf(stderr, "usage: %s [SECONDS (1 to 3600)]\n", argv[0]);
		return 2;
	}
	mp_backstop_set(10 * MS);
	seed = (uint32_t)getpid() * 2654435761u | 1;
	printf("# seed %u\n", seed);
	crew_init();
	w = share(sizeof(*w));
	messages = 100000;
	put = share(messages);
	came = share(messages);
	tell("ends", ends, seconds);
	messages = 2000000 * (uint32_t)seconds;
	put = share(messages);
	came = share(messages);
	tell("heirs", heirs, seconds);
	return tap_done();
}
