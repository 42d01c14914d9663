/* Clients and listeners that say anything, stall, die, or are somebody else's:
 * none gets in, and none holds up the others.  Over Unix sockets and over TCP.
 */
#include "mp/listener.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "mp/auth.h"
#include "sockets.h"

#define KEY "peekaboo"

static const struct mp_listener_options keyed = { .authkey = KEY,
						  .authkey_length =
							  sizeof(KEY) - 1 };
static const struct mp_auth_key key = { KEY, sizeof(KEY) - 1 };
static char directory[64], path[96];
static struct mp_listener l;
static const char *address; /* of l */

/* ---- an honest client ---- */

static int connects(long unused)
{
	struct mp_conn c;
	int error = mp_client_connect(&c, address, &keyed, LONG);

	(void)unused;
	mp_conn_close(&c);
	return error;
}

/* Is one served as if nobody else were there? */
static int honest(void)
{
	int64_t begin = mp_clock_now();
	pid_t pid = start(connects, 0);
	struct mp_conn c;
	int error = mp_listener_accept(&l, &c, LONG);

	mp_conn_close(&c);
	error |= end_of(pid);
	return error != 0 || mp_clock_now() - begin > 5000 * MS;
}

/* ---- bare ends ---- */

/* Let the listener do what there is to do; nobody should pass.  Over TCP what
 * was said may be on its way yet: await a sign that it was heard. */
static int look(void)
{
	struct mp_conn c;
	int error;

	for (int i = 0; i < 3; i++) {
		error = mp_listener_accept(&l, &c, 0);
		if (error == 0) {
			mp_conn_close(&c);
			return 0;
		}
	}
	return error;
}

/* The next frame, without its header; its length, or -1 at the end. */
static int hear(int fd, unsigned char message[300])
{
	unsigned char head[4];
	int size;

	if (recv(fd, head, 4, MSG_WAITALL) != 4)
		return -1;
	size = head[2] << 8 | head[3];
	if (recv(fd, message, (size_t)size, MSG_WAITALL) != size)
		return -1;
	return size;
}

/* Is there something to hear, be it the end? */
static int speaks(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* Is this the end of file, after whatever was said before? */
static int cut_off(int fd)
{
	char buf[300];
	ssize_t n;

	do
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	while (n > 0);
	return n == 0 || errno == ECONNRESET;
}

static void say_frame(int fd, const void *data, size_t n)
{
	unsigned char head[4] = { 0, 0, (unsigned char)(n >> 8),
				  (unsigned char)n };

	say(fd, head, 4);
	say(fd, data, n);
}

/* A client that is asked for the key. */
static int knocks(void)
{
	int fd = bare_client(address);

	await((look(), speaks(fd)));
	return fd;
}

/* One that has given the right answer, and read that it was. */
static int answers(void)
{
	unsigned char message[300], right[MP_AUTH_ANSWER_MAX];
	int fd = knocks(), n = hear(fd, message);

	n = mp_auth_answer(&key, message, (size_t)n, right);
	say_frame(fd, right, (size_t)n);
	await((look(), speaks(fd)));
	if (hear(fd, message) != 9 || memcmp(message, "#WELCOME#", 9) != 0)
		errx(1, "the right answer is not welcome");
	return fd;
}

/* ---- what clients say ---- */

struct words {
	const char *what, *bytes;
	size_t size;
};
#define WORDS(what, bytes)                     \
	{                                      \
		what, bytes, sizeof(bytes) - 1 \
	}

#define TEN "0123456789"

static void try(int (*client)(void), const struct words *w, const char *when)
{
	uint64_t before = l.refused;
	int fd = client(), got;

	say(fd, w->bytes, w->size);
	await((got = look()) == 0 || l.refused > before);
	is(got, -ETIMEDOUT, "%s %s", w->what, when);
	await(cut_off(fd));
	is((long long)(l.refused - before), 1, "is cut off, and counted");
	close(fd);
}

static void wrong_answers(void)
{
	static const struct words t[] = {
		WORDS("text", "GET / HTTP/1.0\r\n\r\n"),
		WORDS("nothing", "\0\0\0\0"),
		WORDS("a byte", "\0\0\0\1x"),
		WORDS("a welcome", "\0\0\0\11#WELCOME#"),
		WORDS("16 bytes", "\0\0\0\20" TEN "012345"),
		WORDS("sha256 without a MAC", "\0\0\0\10{sha256}"),
		WORDS("sha256 with a wrong one",
		      "\0\0\0\50{sha256}" TEN TEN TEN "01"),
		WORDS("another digest", "\0\0\0\25{md5}" TEN "012345"),
		WORDS("a digest without end", "\0\0\0\24{sha256" TEN "012"),
		WORDS("a length of 257", "\0\0\1\1"),
		WORDS("a length of 2^31 - 1", "\177\377\377\377"),
		WORDS("a length of 2^63 - 1",
		      "\377\377\377\377\177\377\377\377\377\377\377\377"),
		WORDS("a length of 2^63", "\377\377\377\377\200\0\0\0\0\0\0\0"),
		WORDS("a length of -3", "\377\377\377\375"),
		WORDS("a descriptor", "\377\377\377\376x"),
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		try(knocks, &t[i], "for an answer");
	is(honest(), 0, "an honest client passes after them");
}

static void wrong_challenges(void)
{
	static const struct words t[] = {
		WORDS("text", "hello, here I am"),
		WORDS("nothing", "\0\0\0\0"),
		WORDS("no challenge", "\0\0\0\37#CHALLENG##" TEN TEN),
		WORDS("an empty one", "\0\0\0\13#CHALLENGE#"),
		WORDS("one of 19 bytes",
		      "\0\0\0\36#CHALLENGE#" TEN "012345678"),
		WORDS("one of 21, without a digest",
		      "\0\0\0\40#CHALLENGE#" TEN TEN "0"),
		WORDS("one with an unknown digest",
		      "\0\0\0\45#CHALLENGE#{rot13}" TEN "012345678"),
		WORDS("a length of 2^63 - 1",
		      "\377\377\377\377\177\377\377\377\377\377\377\377"),
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		try(answers, &t[i], "for a challenge");
	is(honest(), 0, "an honest client passes after them");
}

static void wrong_verdicts(void)
{
	static const struct words t[] = {
		WORDS("failure",
		      "\0\0\0\37#CHALLENGE#" TEN TEN "\0\0\0\11#FAILURE#"),
		WORDS("another word",
		      "\0\0\0\37#CHALLENGE#" TEN TEN "\0\0\0\11#welcome#"),
		WORDS("nothing", "\0\0\0\37#CHALLENGE#" TEN TEN "\0\0\0\0"),
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		try(answers, &t[i], "for a verdict");
}

/* The listener's own challenge, sent back to it; and the answer that it gives,
 * for the one it wants. */
static void echoes(void)
{
	unsigned char message[300];
	int fd = knocks(), n = hear(fd, message);

	say_frame(fd, message, (size_t)n);
	await((n = look()) == 0 || cut_off(fd));
	is(n, -ETIMEDOUT, "its own challenge for an answer");
	close(fd);
}

/* ---- clients that stop ---- */

/* It hangs up; is it seen, and counted once? */
static void hangs_up(int fd, const char *when)
{
	uint64_t before = l.refused;

	look();
	close(fd);
	await((look(), l.refused > before));
	is((long long)(l.refused - before), 1, "%s", when);
}

static void halves(void)
{
	int fd;

	hangs_up(bare_client(address), "connected, and gone");
	hangs_up(knocks(), "gone when it was asked");
	fd = knocks();
	SAY(fd, "\0\0");
	hangs_up(fd, "gone after half a header");
	fd = knocks();
	SAY(fd, "\0\0\0\50{sha");
	hangs_up(fd, "after half an answer");
	hangs_up(answers(), "after the whole answer");
	is(honest(), 0, "an honest client passes after them");
}

static _Atomic int *ready;

static int knocks_for_ever(long unused)
{
	int fd = bare_client(address);

	(void)unused;
	SAY(fd, "\0\0\0\50{sha");
	atomic_store(ready, 1);
	return wait_for_kill();
}

static void killed_client(void)
{
	uint64_t before = l.refused;
	pid_t pid;

	atomic_store(ready, 0);
	pid = start(knocks_for_ever, 0);
	await(atomic_load(ready) == 1);
	look();
	is((long long)(l.refused - before), 0, "in the middle of its answer");
	killed(pid);
	await((look(), l.refused > before));
	is((long long)(l.refused - before), 1, "a client is killed");
}

/* In steps of one byte, with a look of the listener's after each. */
static void drips(void)
{
	unsigned char message[300], right[MP_AUTH_ANSWER_MAX + 4] = { 0 };
	int fd = knocks(), n = hear(fd, message), i, early = 0;

	n = mp_auth_answer(&key, message, (size_t)n, right + 4);
	right[3] = (unsigned char)n;
	for (i = 0; i < n + 4; i++) {
		early += look() != -ETIMEDOUT;
		say(fd, right + i, 1);
	}
	await((look(), speaks(fd)));
	is(hear(fd, message), 9, "an answer byte by byte is welcome");
	is(early, 0, "not before its end");
	is(honest(), 0, "and holds up nobody");
	hangs_up(fd, "and is gone");
}

/* All places taken by those who say nothing: at first one waits for a second,
 * then there is a place each time. */
static void crowd(void)
{
	enum { N = 100 };
	uint64_t before = l.refused;
	int fd[N], left = 0, went;

	for (int i = 0; i < N; i++)
		fd[i] = bare_client(address);
	look();
	is(honest(), 0, "a client behind %d silent ones passes", N);
	went = (int)(l.refused - before);
	ok(went >= N - 63, "the oldest had to go (%d)", went);
	for (int i = 0; i < went; i++)
		await(cut_off(fd[i]));
	for (int i = went; i < N; i++)
		left += !cut_off(fd[i]);
	ok(left > 0 && left == N - went, "not all (%d)", left);
	for (int i = 0; i < N; i++)
		close(fd[i]);
	await((look(), l.refused - before >= N));
	is((long long)(l.refused - before), N, "in the end all are counted");
}

/* The one test that takes its time. */
static void stalled(void)
{
	int64_t begin = mp_clock_now(), took;
	int silent = bare_client(address), half = answers(), bad = 0;
	uint64_t before = l.refused;
	struct mp_conn c;

	SAY(half, "\0\0\0\37#CHALL");
	for (int i = 0; i < 20; i++)
		bad += honest();
	is(bad, 0, "two stall, and 20 clients pass meanwhile");
	ok(!cut_off(silent) && !cut_off(half), "the two are still there");
	while (l.refused - before < 2 && mp_clock_now() - begin < 20000 * MS)
		mp_listener_accept(&l, &c, 1000 * MS);
	took = (mp_clock_now() - begin) / MS;
	ok(cut_off(silent) && cut_off(half), "then they are cut off");
	ok(took >= 10000 && took < 13000, "after 10 s (%d ms)", (int)took);
	close(silent);
	close(half);
}

/* ---- listeners that are none ---- */

struct impostor {
	struct words words[3]; /* each after what the client said */
	int error;             /* that the client should get */
};

static const struct impostor *impostor;
static int listening;

static int cheats(long unused)
{
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	unsigned char message[300];

	(void)unused;
	for (int i = 0; i < 3 && impostor->words[i].what != NULL; i++) {
		say(fd, impostor->words[i].bytes, impostor->words[i].size);
		if (i < 2 && impostor->words[i + 1].what != NULL)
			hear(fd, message);
	}
	close(fd);
	return 0;
}

static void impostors(void)
{
#define CHALLENGE WORDS("a challenge", "\0\0\0\37#CHALLENGE#" TEN TEN)
	static const struct impostor t[] = {
		{ { WORDS("text", "220 welcome to our server\r\n") }, -EACCES },
		{ { WORDS("2^63 - 1", "\377\377\377\377\177\377\377\377\377\377"
				      "\377\377") },
		  -EACCES },
		{ { WORDS("a length of -3", "\377\377\377\375") }, -EACCES },
		{ { WORDS("no challenge", "\0\0\0\0") }, -EACCES },
		{ { WORDS("a short one", "\0\0\0\14#CHALLENGE#x") }, -EACCES },
		{ { WORDS("silence, and gone", "") }, -EPIPE },
		{ { WORDS("half a header, and gone", "\0\0") }, -EPIPE },
		{ { WORDS("half a challenge, and gone",
			  "\0\0\0\37#CHALLENGE#") },
		  -EPIPE },
		{ { CHALLENGE, WORDS("failure", "\0\0\0\11#FAILURE#") },
		  -EACCES },
		{ { CHALLENGE, WORDS("another word", "\0\0\0\4gone") },
		  -EACCES },
		{ { CHALLENGE, WORDS("a welcome", "\0\0\0\11#WELCOME#"),
		    WORDS("a wrong answer", "\0\0\0\20" TEN "012345") },
		  -EACCES },
		{ { CHALLENGE, WORDS("a welcome", "\0\0\0\11#WELCOME#"),
		    WORDS("no answer, and gone", "") },
		  -EPIPE },
	};
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char other[100];
	struct mp_conn c;
	pid_t pid;

	snprintf(other, sizeof(other), "%s.", path);
	strcpy(a.sun_path, other);
	listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listening, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(listening, 8) < 0)
		err(1, "%s", other);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		const struct words *last = t[i].words;

		while (last < t[i].words + 2 && last[1].what != NULL)
			last++;
		impostor = &t[i];
		pid = start(cheats, 0);
		is(mp_client_connect(&c, other, &keyed, LONG), t[i].error,
		   "a listener that says %s", last->what);
		end_of(pid);
	}
	close(listening);
	unlink(other);
}

/* ---- another user ---- */

static int as_nobody(long unused)
{
	struct mp_listener_options any = keyed;
	struct mp_conn c;

	(void)unused;
	if (setgid(65534) < 0 || setuid(65534) < 0)
		return 99;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	any.any_user = true;
	return mp_client_connect(&c, path, &any, LONG);
}

static int looks_at_user(long unused)
{
	struct mp_conn c;

	(void)unused;
	if (setgid(65534) < 0 || setuid(65534) < 0)
		return 99;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return mp_client_connect(&c, path, &keyed, LONG);
}

static void other_users(void)
{
	struct mp_listener_options any = keyed;
	uint64_t before;
	struct mp_conn c;
	pid_t pid;

	if (geteuid() != 0) {
		tap_skip("another user's clients", "needs root");
		return;
	}
	before = l.refused;
	chmod(directory, 0755);
	is(end_of(start(as_nobody, 0)), -EACCES,
	   "another user may not even open the socket");
	chmod(path, 0666);
	pid = start(as_nobody, 0);
	await(mp_listener_accept(&l, &c, 0) == 0 || l.refused > before);
	is((long long)(l.refused - before), 1,
	   "if it may, it is sent away, key or not");
	is(end_of(pid), -EPIPE, "and sees that");
	is(end_of(start(looks_at_user, 0)), -EACCES,
	   "a client does not talk to another user's listener");
	look();
	mp_listener_close(&l);
	any.any_user = true;
	mp_listener_init(&l, path, &any);
	pid = start(as_nobody, 0);
	is(mp_listener_accept(&l, &c, LONG), 0, "any user, if asked for");
	is(end_of(pid), 0, "and it has the key");
	mp_conn_close(&c);
}

/* What strangers do to a listener there. */
static void strangers(const char *where)
{
	is(mp_listener_init(&l, where, &keyed), 0, "a listener at %s", where);
	address = l.address;
	wrong_answers();
	wrong_challenges();
	wrong_verdicts();
	echoes();
	halves();
	killed_client();
	drips();
	crowd();
}

int main(void)
{
	int before = tap_descriptors();

	if (!mp_auth_supported()) {
		tap_skip("hostile clients", "built without nettle");
		return tap_done();
	}
	snprintf(directory, sizeof(directory), "/tmp/rawmp-test-XXXXXX");
	if (mkdtemp(directory) == NULL)
		err(1, "%s", directory);
	snprintf(path, sizeof(path), "%s/socket", directory);
	ready = share(4096);
	strangers(path);
	stalled();
	impostors();
	other_users();
	mp_listener_close(&l);
	strangers("tcp:0");
	mp_listener_close(&l);
	is(rmdir(directory), 0, "no file is left");
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
