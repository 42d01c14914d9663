/* managers.h - for tests of managers: a server, clients, and what they ask for.
 *
 *	open_manager(NULL);
 *	make(&p, "dict");
 *	is(ask(&p, "set", S("a"), I(1)), 0, "set");
 *	said(&p, "get 'a' -> 1");
 *	pid_t pid = start(takes, LONG);		 a child, which is a client
 *	await(parked(pid));			 its request waits in the server
 *	close_manager();
 */
#ifndef MANAGERS_H
#define MANAGERS_H

#include <sys/resource.h>
#include <sys/time.h>

#include "anys.h"
#include "mp/backstop.h"
#include "mp/lock.h"
#include "mp/manager.h"
#include "mp/proxy.h"
#include "waiting.h"

static struct mp_manager manager;
static struct mp_any answer; /* to the last request */

/* ---- a server ---- */

static inline void open_manager(const struct mp_manager_options *o)
{
	int error = mp_manager_start(&manager, o);

	if (error < 0)
		errx(1, "mp_manager_start: %s", strerror(-error));
}

static inline void close_manager(void)
{
	int error = mp_manager_shutdown(&manager);

	if (error < 0)
		errx(1, "mp_manager_shutdown: %s", strerror(-error));
}

static inline pid_t server(void)
{
	return mp_process_pid(&manager.process);
}

/* ---- requests ---- */

#define I(i) mp_any_int(i)
#define S(s) mp_any_str(s)
#define NIL  mp_any_nil()

/* The arguments, of which there may be none, as two. */
#define ARGUMENTS(...)                                                    \
	((const struct mp_any[]){ { 0 }, ##__VA_ARGS__ }) + 1,            \
		sizeof((const struct mp_any[]){ { 0 }, ##__VA_ARGS__ }) / \
				sizeof(struct mp_any) -                   \
			1

/* A request; the status. */
#define ask(p, op, ...) \
	mp_proxy_call((p), (op), ARGUMENTS(__VA_ARGS__), &answer)

/* An object. */
#define make(p, type, ...) \
	make_from((p), (type), ARGUMENTS(__VA_ARGS__), __FILE__, __LINE__)

static inline void make_from(struct mp_proxy *p, const char *type,
			     const struct mp_any *args, size_t n,
			     const char *file, int line)
{
	int error = mp_manager_create(&manager, p, type, args, (uint32_t)n);

	if (error < 0)
		errx(1, "%s:%d: create a %s: %s", file, line, type,
		     strerror(-error));
}

/* ---- requests as text: "op arguments -> answer" ---- */

static inline const char *status_text(int status)
{
	static char other[20];
	static const struct {
		int status;
		const char *name;
	} t[] = {
		{ 0, "OK" },
		{ 1, "OWNER_DIED" },
		{ -EAGAIN, "EAGAIN" },
		{ -EBADMSG, "EBADMSG" },
		{ -EBUSY, "EBUSY" },
		{ -ECANCELED, "ECANCELED" },
		{ -EDEADLK, "EDEADLK" },
		{ -EINTR, "EINTR" },
		{ -EINVAL, "EINVAL" },
		{ -EMSGSIZE, "EMSGSIZE" },
		{ -ENOENT, "ENOENT" },
		{ -ENOMEM, "ENOMEM" },
		{ -EOPNOTSUPP, "EOPNOTSUPP" },
		{ -EOVERFLOW, "EOVERFLOW" },
		{ -EPERM, "EPERM" },
		{ -EPIPE, "EPIPE" },
		{ -ERANGE, "ERANGE" },
		{ -ESHUTDOWN, "ESHUTDOWN" },
		{ -ESTALE, "ESTALE" },
		{ -ETIMEDOUT, "ETIMEDOUT" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (t[i].status == status)
			return t[i].name;
	snprintf(other, sizeof(other), "status %d", status);
	return other;
}

/* Read arguments until "->" or the end; how many. */
static inline uint32_t read_arguments(const char **s, struct mp_any *v)
{
	uint32_t n = 0;

	for (skip(s, " "); **s != '\0' && strncmp(*s, "->", 2) != 0;
	     skip(s, " ")) {
		static struct mp_pack scratch;
		const char *begin = *s;

		mp_pack_clear(&scratch);
		read_text(s, &scratch);
		v[n++] = any(begin);
	}
	return n;
}

/* Is the answer to this request as it says?  Without "->": 0, nil. */
#define said(p, request) said_at((p), (request), __FILE__, __LINE__)

static inline int said_at(struct mp_proxy *p, const char *request,
			  const char *file, int line)
{
	const char *s = request, *got;
	struct mp_any v[16];
	char op[64];
	uint32_t n;
	int status;

	sscanf(s, "%63s", op);
	s += strlen(op);
	n = read_arguments(&s, v);
	s += strncmp(s, "->", 2) == 0 ? 2 : 0;
	skip(&s, " ");
	if (*s == '\0')
		s = "nil";
	answer = mp_any_nil();
	status = mp_proxy_call(p, op, v, n, &answer);
	got = status != 0 ? status_text(status) : text(answer);
	if (!tap_ok(strcmp(got, s) == 0, file, line, "the answer", "%s",
		    request)) {
		printf("# got %s\n", got);
		return 0;
	}
	return 1;
}

/* A type's story: the first line creates, "list [1, 2]", the others ask.  An
 * empty line ends it. */
static inline void story(const char *const *line)
{
	const char *s = *line;
	struct mp_any v[16];
	struct mp_proxy p;
	char type[64];
	int status;
	uint32_t n;

	sscanf(s, "%63s", type);
	s += strlen(type);
	n = read_arguments(&s, v);
	s += strncmp(s, "->", 2) == 0 ? 2 : 0;
	skip(&s, " ");
	status = mp_manager_create(&manager, &p, type, v, n);
	if (!ok(strcmp(status_text(status), *s == '\0' ? "OK" : s) == 0, "%s",
		*line))
		printf("# got %s\n", status_text(status));
	if (status < 0)
		return;
	while (*++line != NULL)
		said(&p, *line);
	mp_proxy_close(&p);
}

/* ---- who sleeps ---- */

/* Does the server sleep?  Then it has served all that was sent before. */
static inline int idle(void)
{
	char path[40];
	long number = -1;
	FILE *f;
	int got;

	if (tap_state(server()) != 'S')
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)server());
	f = fopen(path, "re");
	if (f == NULL)
		return 1; /* not allowed here: the state must do */
	got = fscanf(f, "%ld", &number);
	fclose(f);
	if (got == EOF)
		return 1;
	if (got != 1)
		return 0;
#ifdef SYS_epoll_wait
	if (number == SYS_epoll_wait)
		return 1;
#endif
#ifdef SYS_epoll_pwait2
	if (number == SYS_epoll_pwait2)
		return 1;
#endif
	return number == SYS_epoll_pwait;
}

/* Does this client wait for an answer that the server has not got? */
static inline int parked(pid_t pid)
{
	return asleep(pid) && idle() && asleep(pid);
}

static inline pid_t start_parked(int (*f)(long), long arg)
{
	pid_t pid = start(f, arg);

	await(parked(pid));
	return pid;
}

/* Objects in the server, when it knows of all clients that have ended. */
static inline int64_t objects(void)
{
	await(idle());
	return mp_manager_count(&manager);
}

/* Killed, and the server knows. */
static inline void strike(pid_t pid)
{
	killed(pid);
	await(idle());
}

/* Is the process no more?  (Z is dead, too; who reaps orphans may be late.) */
static inline int gone(pid_t pid)
{
	int64_t end = mp_clock_deadline(LONG);

	while (mp_clock_left(end) > 0) {
		char state = tap_state(pid);

		if (state == '-' || state == 'Z' || state == 'X')
			return 1;
		sched_yield();
	}
	return 0;
}

/* Has this process no child, not even a zombie? */
static inline int childless(void)
{
	return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

/* ---- what the server holds ---- */

static inline int descriptors_of(pid_t pid)
{
	char path[32];
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	if (d == NULL)
		err(1, "%s", path);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static inline int mappings_of(pid_t pid)
{
	char path[32];
	int n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		err(1, "%s", path);
	for (int c; (c = getc(f)) != EOF;)
		n += c == '\n';
	fclose(f);
	return n;
}

/* kB of memory in use. */
static inline long memory_of(pid_t pid)
{
	char path[32];
	long size, pages = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		err(1, "%s", path);
	if (fscanf(f, "%ld %ld", &size, &pages) != 2)
		errx(1, "%s", path);
	fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Memory says nothing where a sanitizer keeps what was freed. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_TELLS 0
#elif defined(__has_feature)
#define MEMORY_TELLS (!__has_feature(address_sanitizer))
#else
#define MEMORY_TELLS 1
#endif

/* A handler that does nothing, for signals that come every 2 ms. */
static inline void on_signal(int sig)
{
	(void)sig;
}

static inline void signals(bool on)
{
	struct itimerval every = { 0 };

	handle(SIGALRM, on_signal, 0);
	every.it_value.tv_usec = every.it_interval.tv_usec = on ? 2000 : 0;
	setitimer(ITIMER_REAL, &every, NULL);
}

#endif
