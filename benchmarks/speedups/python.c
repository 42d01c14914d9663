/* See python.h. */
#include "speedups/python.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/peer.h"
#include "speedups/apart.h"

static struct peer python = { .script = "speedup_peer.py" };

/* What it works at; the digest that it must come to, and all that C has to tell
 * of the input.  Shared: a process of its own finds it out. */
struct told {
	const struct workload *workload;
	uint32_t digest;
	char file[160]; /* or "-" */
	char why[96];
};

static struct told *told;

/* A file for Python, which soon has read it. */
static int make_file(const struct workload *w)
{
	const char *folder = getenv("TMPDIR");
	FILE *f;
	int fd;

	if (folder == NULL || strlen(folder) > 120 || strchr(folder, ' '))
		folder = "/tmp";
	snprintf(told->file, sizeof(told->file), "%s/rawmp-texts-XXXXXX",
		 folder);
	fd = mkstemp(told->file);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (f == NULL) {
		snprintf(told->why, sizeof(told->why), "a file in %.60s: %s",
			 folder, strerror(errno));
		return -errno;
	}
	w->tell(f);
	return fclose(f) == 0 ? 0 : -EIO;
}

/* Sequentially in C, at Python's size. */
static int find_out(void *arg)
{
	struct workload *w = arg;
	struct job j = { .workload = w };
	int e = job_open(&j, workload_python_size(w), told->why);

	told->digest = j.digest;
	return e == 0 && w->tell != NULL ? make_file(w) : e;
}

static void tell_workload(struct gb_state *st, const struct workload *w)
{
	char *answer;
	int e;

	if (told == NULL)
		told = workload_memory(sizeof(*told));
	if (told == NULL) {
		gb_error(st, "%s", strerror(ENOMEM));
		return;
	}
	told->workload = NULL;
	told->why[0] = '\0';
	strcpy(told->file, "-");
	e = apart(find_out, (void *)w);
	if (e < 0)
		gb_error(st, "%s",
			 told->why[0] != '\0' ? told->why : strerror(-e));
	else if (peer_ask(&python, &answer, "work %s %u %s\n", w->name,
			  workload_python_size(w), told->file) < 0)
		gb_error(st, "%s", python.why);
	else
		told->workload = w;
	if (told->file[0] == '/')
		unlink(told->file);
}

void python_prepare(struct gb_state *st, const struct method *m,
		    const struct workload *w, int n)
{
	bool runs = python.pid > 0;
	char *answer;

	if (w->python == 0) {
		gb_skip(st, "Python's library cannot read this input");
		return;
	}
	if (peer_start(&python) < 0) {
		gb_skip(st, "%s", python.why);
		return;
	}
	if (!runs || told == NULL || told->workload != w)
		tell_workload(st, w);
	if (gb_failed(st))
		return;
	if (peer_ask(&python, &answer, "prepare %s %d\n", m->name, n) < 0)
		gb_error(st, "%s", python.why);
	if (gb_failed(st) || gb_iterations(st) != 1)
		return; /* else the questions are many, and small in it */
	gb_discount_begin(st);
	if (peer_ask(&python, &answer, "nothing\n") < 0)
		gb_error(st, "%s", python.why);
	gb_discount_end(st);
}

/* The answer: "ns digest cpu_ns". */
void python_measure(struct gb_state *st)
{
	struct usage u = { 0, -1, -1, -1 };
	bool known = true;

	GB_LOOP(st)
	{
		long long ns, cpu;
		unsigned digest;
		char *answer;

		if (peer_ask(&python, &answer, "run\n") < 0) {
			gb_error(st, "%s", python.why);
			break;
		}
		if (sscanf(answer, "%lld %u %lld", &ns, &digest, &cpu) != 3) {
			gb_error(st, "peer: %.60s", answer);
			break;
		}
		if (digest != told->digest) {
			gb_error(st,
				 "wrong results: digest %08x, sequential %08x",
				 digest, told->digest);
			break;
		}
		gb_time(st, ns);
		known = known && cpu >= 0;
		u.cpu_ns = known ? u.cpu_ns + cpu : -1;
		gb_usage(st, &u);
	}
}

void python_end(void)
{
	peer_stop(&python);
}
