/* A manager in a storm of kills.
 *
 * Clients: they count in a dict, append to a list, hold a lock, put and take,
 * make objects that refer to each other; every few milliseconds one is killed,
 * and another comes.  Outside books, in shared memory, say what each was
 * answered: every answered add is in the dict once, one that was asked for and
 * not answered at most once; so with what was put and taken.  In the end the
 * server has no object, descriptor or memory more than at the start.
 *
 * The server: killed in the middle of their work.  Each client is told, -EPIPE,
 * and none hangs; the next server starts at once.
 *
 * Ten thousand clients come, work and are killed, some at a time: the server is
 * as it was before. */
#include "managers.h"

#define CLIENTS 4
#define SLOTS   20000 /* clients ever, in one storm */
#define HANGS   (LONG / 2)

/* What one client has asked for, and was answered. */
struct book {
	_Atomic uint32_t adding, added; /* to the dict */
	_Atomic uint32_t putting, put;
	_Atomic uint32_t taking, taken;
};

static struct world {
	_Atomic int go;
	_Atomic uint32_t clients; /* ever */
	_Atomic uint32_t owner;   /* of the lock: a client's number, plus 1 */
	_Atomic int overlaps;     /* two held it */
	_Atomic int line;         /* of a must that failed */
	_Atomic int told;         /* -EPIPE */
	struct book book[SLOTS];
} * w;

static struct mp_proxy dict, lock, queue, shelf;
static uint32_t seed;

static uint32_t chance(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

/* ---- a client ---- */

/* Other errors than -EPIPE are faults. */
#define try(call)                                                 \
	do {                                                      \
		int error_ = (int)(call);                         \
		if (error_ < 0) {                                 \
			if (error_ != -EPIPE)                     \
				atomic_store(&w->line, __LINE__); \
			return error_;                            \
		}                                                 \
	} while (0)

static int count(struct book *b)
{
	atomic_fetch_add(&b->adding, 1);
	try(mp_proxy_add(&dict, S("n"), 1, NULL));
	atomic_fetch_add(&b->added, 1);
	return 0;
}

static int put_one(struct book *b)
{
	int error;

	atomic_fetch_add(&b->putting, 1);
	error = mp_proxy_put(&queue, I(1), 0);
	if (error == -ETIMEDOUT) { /* it is full */
		atomic_fetch_sub(&b->putting, 1);
		return 0;
	}
	try(error);
	atomic_fetch_add(&b->put, 1);
	return 0;
}

static int take_one(struct book *b)
{
	int error;

	atomic_fetch_add(&b->taking, 1);
	error = mp_proxy_take(&queue, NULL, 2 * MS);
	if (error == -ETIMEDOUT) {
		atomic_fetch_sub(&b->taking, 1);
		return 0;
	}
	try(error);
	atomic_fetch_add(&b->taken, 1);
	return 0;
}

/* Who was killed in there is told of by the status. */
static int lock_it(uint32_t me)
{
	uint32_t before;
	int status = mp_proxy_acquire(&lock, -1);

	try(status);
	before = atomic_exchange(&w->owner, me + 1);
	if (before != 0 && status != MP_OWNER_DIED)
		atomic_fetch_add(&w->overlaps, 1);
	for (uint32_t turn = chance() % 200; turn > 0; turn--)
		atomic_load(&w->go);
	if (!atomic_compare_exchange_strong(&w->owner, &(uint32_t){ me + 1 },
					    0))
		atomic_fetch_add(&w->overlaps, 1);
	try(mp_proxy_release(&lock));
	return 0;
}

/* Two lists that refer to each other; for a while one stands on the shelf. */
static int refer(uint32_t me)
{
	struct mp_proxy a, b;

	try(mp_manager_create(&manager, &a, "list", NULL, 0));
	try(mp_manager_create(&manager, &b, "list", NULL, 0));
	try(mp_proxy_append(&a, mp_proxy_any(&b)));
	try(mp_proxy_append(&b, mp_proxy_any(&a)));
	try(mp_proxy_set(&shelf, I(me), mp_proxy_any(&a)));
	try(mp_proxy_close(&a));
	try(mp_proxy_get(&shelf, I(me), &answer));
	try(mp_proxy_forget(&manager, answer));
	try(mp_proxy_delete(&shelf, I(me)));
	try(mp_proxy_close(&b));
	return 0;
}

static int one_of_them(struct book *b, uint32_t me)
{
	switch (chance() % 6) {
	case 0:
		return put_one(b);
	case 1:
		return take_one(b);
	case 2:
		return lock_it(me);
	case 3:
		return refer(me);
	default:
		return count(b);
	}
}

static int client(long number)
{
	uint32_t me = (uint32_t)number;
	struct book *b = &w->book[me];
	int error = 0;

	seed = me * 2654435761u + 12345;
	while (error == 0 && atomic_load(&w->go))
		error = one_of_them(b, me);
	if (error == -EPIPE)
		atomic_fetch_add(&w->told, 1);
	return error == 0 || error == -EPIPE ? 0 : 1;
}

/* Has it ended by then?  Reaps it; well: with 0. */
static int is_over(pid_t pid, int64_t ns)
{
	int64_t end = mp_clock_deadline(ns);

	while (tap_state(pid) != 'Z') {
		if (mp_clock_left(end) == 0)
			return 0;
		usleep(200);
	}
	if (end_of(pid) != 0)
		atomic_store(&w->line, __LINE__);
	return 1;
}

static pid_t new_client(void)
{
	return start(client, (long)atomic_fetch_add(&w->clients, 1));
}

/* ---- the server ---- */

static void open_server(void)
{
	open_manager(NULL);
	make(&dict, "dict");
	make(&lock, "lock");
	make(&queue, "queue", I(8));
	make(&shelf, "dict");
}

/* It sleeps, and knows of all deaths. */
static void settle(int descriptors)
{
	int64_t end = mp_clock_deadline(LONG);

	while (descriptors_of(server()) != descriptors &&
	       mp_clock_left(end) > 0)
		usleep(1000);
	is(descriptors_of(server()), descriptors,
	   "the server has as many descriptors as at the start");
	mp_proxy_call(&shelf, "clear", NULL, 0, NULL);
	is(mp_manager_count(&manager), 4, "and as many objects");
}

static void fresh(void)
{
	memset(w, 0, sizeof(*w));
	atomic_store(&w->go, 1);
}

/* ---- the storm on clients ---- */

struct sum {
	int64_t asked, answered;
};

static struct sum sum_of(size_t asked, size_t answered)
{
	struct sum s = { 0, 0 };

	for (uint32_t i = 0; i < atomic_load(&w->clients); i++) {
		char *b = (char *)&w->book[i];

		s.asked += atomic_load((_Atomic uint32_t *)(b + asked));
		s.answered += atomic_load((_Atomic uint32_t *)(b + answered));
	}
	return s;
}

static void balance(void)
{
	struct sum added = sum_of(offsetof(struct book, adding),
				  offsetof(struct book, added));
	struct sum put = sum_of(offsetof(struct book, putting),
				offsetof(struct book, put));
	struct sum taken = sum_of(offsetof(struct book, taking),
				  offsetof(struct book, taken));
	int64_t n = 0, left = 0;

	if (mp_proxy_get(&dict, S("n"), &answer) == 0)
		n = answer.i;
	ok(n >= added.answered && n <= added.asked,
	   "each answered add counts once, another at most once");
	printf("# %lld answered, %lld there, %lld asked for\n",
	       (long long)added.answered, (long long)n, (long long)added.asked);
	while (mp_proxy_take(&queue, NULL, 0) == 0)
		left++;
	ok(put.answered - left <= taken.asked &&
		   put.asked - left >= taken.answered,
	   "no item is there twice, none is lost but with who took it");
	printf("# put %lld to %lld, taken %lld to %lld, %lld left\n",
	       (long long)put.answered, (long long)put.asked,
	       (long long)taken.answered, (long long)taken.asked,
	       (long long)left);
}

/* The killer; the number of its kills. */
static int kill_clients(int64_t ns)
{
	int64_t end = mp_clock_deadline(ns);
	pid_t pid[CLIENTS];
	int kills = 0;

	for (int i = 0; i < CLIENTS; i++)
		pid[i] = new_client();
	while (mp_clock_left(end) > 0 &&
	       atomic_load(&w->clients) < SLOTS - CLIENTS) {
		int i = (int)(chance() % CLIENTS);

		usleep(chance() % 6000);
		killed(pid[i]);
		kills++;
		pid[i] = new_client();
	}
	/* One that hangs is killed below, and the books tell. */
	atomic_store(&w->go, 0);
	for (int i = 0; i < CLIENTS; i++)
		if (!is_over(pid[i], LONG)) {
			ok(0, "client %d ends", i);
			killed(pid[i]);
		}
	return kills;
}

static void storm_on_clients(int64_t ns)
{
	int descriptors, kills, status;
	long memory;

	open_server();
	descriptors = descriptors_of(server());
	fresh();
	kill_clients(300 * MS); /* what is needed once has come */
	settle(descriptors);
	mp_proxy_call(&dict, "clear", NULL, 0, NULL);
	while (mp_proxy_take(&queue, NULL, 0) == 0)
		;
	memory = memory_of(server());
	fresh();
	kills = kill_clients(ns);
	printf("# %d kills, %u clients\n", kills, atomic_load(&w->clients));
	ok(kills > 0, "clients are killed");
	is(w->line, 0, "no call fails");
	status = mp_proxy_acquire(&lock, LONG);
	ok(status == 0 || status == MP_OWNER_DIED, "the lock is free");
	is(mp_proxy_release(&lock), 0, "release");
	is(w->overlaps, 0, "it had one owner at a time");
	balance();
	settle(descriptors);
	memory = memory_of(server()) - memory;
	printf("# the server: %ld kB more\n", memory);
	ok(!MEMORY_TELLS || memory < 1024, "and as much memory");
	close_manager();
}

/* ---- the storm on servers ---- */

static void storm_on_servers(int64_t ns)
{
	int64_t end = mp_clock_deadline(ns), begin, worst = 0;
	int servers = 0, hung = 0;
	pid_t pid[CLIENTS];

	fresh();
	while (mp_clock_left(end) > 0 && hung == 0 &&
	       atomic_load(&w->clients) < SLOTS - CLIENTS) {
		open_server();
		atomic_store(&w->owner, 0);
		for (int i = 0; i < CLIENTS; i++)
			pid[i] = new_client();
		usleep(chance() % 20000);
		kill(server(), SIGKILL);
		begin = mp_clock_now();
		for (int i = 0; i < CLIENTS; i++)
			if (!is_over(pid[i], HANGS)) {
				hung++;
				killed(pid[i]);
			}
		if (mp_clock_now() - begin > worst)
			worst = mp_clock_now() - begin;
		close_manager();
		servers++;
	}
	is(hung, 0, "servers are killed: no client hangs");
	is(w->told, w->clients, "each is told");
	is(w->line, 0, "no call fails otherwise");
	printf("# %d servers; the slowest four ended in %.1f ms\n", servers,
	       (double)worst / 1e6);
}

/* ---- many come and go ---- */

static int visitor(long number)
{
	struct book *b = &w->book[0];

	seed = (uint32_t)number * 2654435761u + 1;
	if (count(b) < 0 || refer((uint32_t)number) < 0 || put_one(b) < 0 ||
	    mp_proxy_acquire(&lock, LONG) < 0)
		return 1;
	raise(SIGKILL);
	return 1;
}

static void many(int clients)
{
	int descriptors, bad = 0;
	long memory;

	open_server();
	descriptors = descriptors_of(server());
	fresh();
	for (int i = 0; i < 100; i++)
		end_of(start(visitor, i));
	settle(descriptors);
	memory = memory_of(server());
	for (int i = 0; i < clients; i += CLIENTS) {
		pid_t pid[CLIENTS];

		for (int k = 0; k < CLIENTS; k++)
			pid[k] = start(visitor, i + k);
		for (int k = 0; k < CLIENTS; k++)
			bad += end_of(pid[k]) != 1000 + SIGKILL;
	}
	is(bad, 0, "%d clients come, work and are killed", clients);
	settle(descriptors);
	memory = memory_of(server()) - memory;
	printf("# the server: %ld kB more\n", memory);
	ok(!MEMORY_TELLS || memory < 512, "and as much memory");
	mp_proxy_get(&dict, S("n"), &answer);
	is(answer.i, clients + 100, "each has counted once");
	close_manager();
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 3;
	int clients = argc > 2 ? atoi(argv[2]) : 1000;

	if (argc > 3 || seconds < 1 || seconds > 10000 || clients < CLIENTS ||
	    clients > 1000000) {
		fprintf(stderr,
			"usage: %s [SECONDS of each storm (1 to 10000) "
			"[CLIENTS (4 to 1000000)]]\n",
			argv[0]);
		return 2;
	}
	seed = (uint32_t)getpid() * 2654435761u | 1;
	printf("# seed %u\n", seed);
	w = share(sizeof(*w));
	storm_on_clients(seconds * 1000 * MS);
	storm_on_servers(seconds * 1000 * MS);
	many(clients);
	ok(childless(), "nobody is left");
	return tap_done();
}
