/* peer - another program, which measures in itself.
 *
 * It runs beside the benchmark for as long as that does (a co-process), so that
 * its measurements take turns with ours in one run.  One line asks, one line
 * answers: words, the first of them "ok" or "error".
 *
 *	static struct peer p = {.script = "process_peer.py"};
 *	char *answer;
 *
 *	if (peer_start(&p) < 0)
 *		gb_skip(st, "%s", p.why);
 *	else if (peer_ask(&p, &answer, "run %d\n", 100) < 0)
 *		gb_error(st, "%s", p.why);
 *
 * The peer is killed when this process dies, and ends when its input does.
 */
#ifndef HARNESS_PEER_H
#define HARNESS_PEER_H

#include <stddef.h>
#include <sys/types.h>

struct peer {
	const char *script;  /* for Python: a file in benchmarks/peers/ */
	const char *program; /* or another program, by its path, */
	const char *setting; /* and NAME=VALUE for its environment, or NULL */
	/* the rest is the peer's own; all zero before peer_start */
	pid_t pid;
	int fd, pidfd;
	char *answer;
	size_t size;
	int broken;     /* -errno of the start that failed, asked only once */
	char about[64]; /* "Python 3.11.2" */
	char why[160];  /* after an error: a sentence */
};

/* For --python; the default is python3 on PATH. */
const char *peer_take_python(const char *path);

/* Start it if it does not run.  0; or -ENOENT and the like: it is missing. */
int peer_start(struct peer *p);

/* Ask and wait for the answer, at most PEER_TIMEOUT_S.  0 and the words behind
 * "ok"; -EPROTO: it answered "error ..."; -EPIPE: it died; -ETIMEDOUT: it was
 * killed for being silent.  The answer is valid until the next question. */
#define PEER_TIMEOUT_S 300
__attribute__((format(printf, 3, 4))) int peer_ask(struct peer *p,
						   char **answer,
						   const char *format, ...);

void peer_stop(struct peer *p);

#endif
