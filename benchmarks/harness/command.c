/* See command.h. */
#include "harness/command.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "harness/gbench.h"

static const struct gb_option own[] = {
	{ "smoke", NULL, "every benchmark for a blink, at tiny sizes", NULL },
	{ "counting", NULL,
	  "system calls, switches, ... per operation, instead of times", NULL },
	{ "twice", NULL,
	  "each benchmark a second time as NAME/again: what noise looks like",
	  NULL },
	{ "sidecar", "FILE", "histograms, a JSON object a line", NULL },
	{ "progress-fd", "N",
	  "the name of each benchmark that starts, to that descriptor", NULL },
	{ "die-with", "PID", "of the parent: end with it, whatever ends it",
	  NULL },
	{ 0 },
};

static void help_options(const struct gb_option *o)
{
	for (; o != NULL && o->name != NULL; o++)
		printf("  --%s%s%s\n\t%s\n", o->name, o->value ? " " : "",
		       o->value ? o->value : "", o->help);
}

__attribute__((noreturn)) static void help(const struct gb_program *p,
					   const struct command_library *l)
{
	printf("Usage: %s [OPTION]...\n", program_invocation_short_name);
	if (p->about != NULL)
		printf("%s\n", p->about);
	printf("\n");
	help_options(p->options);
	help_options(own);
	printf("\nand Google Benchmark's options:\n\n");
	l->help();
	printf("\nExit status: 0 all is well, 1 a benchmark reported an error,"
	       "\n2 usage or environment, 3 the filter matched nothing.\n");
	exit(0);
}

static long number(const char *what, const char *text, long low, long high)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (end == text || *end != '\0' || v < low || v > high)
		errx(2, "--%s %s: a number from %ld to %ld is wanted", what,
		     text, low, high);
	return v;
}

static bool is(const char *argument, const char *name)
{
	size_t n = strlen(name);

	return strncmp(argument, "--", 2) == 0 &&
	       strncmp(argument + 2, name, n) == 0 &&
	       (argument[2 + n] == '\0' || argument[2 + n] == '=');
}

/* The option's value: behind the = or in the next word. */
static const char *value_of(int argc, char **argv, int *i)
{
	const char *equal = strchr(argv[*i], '=');

	if (equal != NULL)
		return equal + 1;
	if (*i + 1 >= argc)
		errx(2, "%s needs a value", argv[*i]);
	return argv[++*i];
}

static void die_with(long parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		errx(2, "--die-with %ld: not the parent, or no more", parent);
}

static void take_own(struct command *c, const char *name, const char *value)
{
	if (strcmp(name, "smoke") == 0)
		c->smoke = true;
	else if (strcmp(name, "counting") == 0)
		c->counting = true;
	else if (strcmp(name, "twice") == 0)
		c->twice = true;
	else if (strcmp(name, "die-with") == 0)
		die_with(number(name, value, 1, 1L << 30));
	else if (strcmp(name, "progress-fd") == 0) {
		c->progress = (int)number(name, value, 0, 1L << 20);
		if (fcntl(c->progress, F_SETFD, FD_CLOEXEC) < 0)
			errx(2, "--progress-fd %s: it is not open", value);
	} else if (strcmp(name, "sidecar") == 0) {
		c->sidecar = fopen(value, "we");
		if (c->sidecar == NULL)
			err(2, "--sidecar %s", value);
	}
}

/* The option of this name in a list, its value taken; or NULL. */
static const struct gb_option *find(const struct gb_option *o, int argc,
				    char **argv, int *i, const char **value)
{
	for (; o != NULL && o->name != NULL; o++) {
		if (!is(argv[*i], o->name))
			continue;
		*value = o->value != NULL ? value_of(argc, argv, i) : NULL;
		return o;
	}
	return NULL;
}

/* ---- Google Benchmark's -------------------------------------------------- */

static void add(struct command *c, char *text)
{
	c->argv = realloc(c->argv, (size_t)(c->argc + 2) * sizeof(c->argv[0]));
	if (c->argv == NULL)
		err(2, "memory for the command line");
	c->argv[c->argc++] = text;
	c->argv[c->argc] = NULL;
}

static void add_value(struct command *c, const char *name, const char *value,
		      const char *suffix)
{
	static char *made[8]; /* in use until the program ends */
	static int n;

	if (n == 8)
		errx(2, "--%s: given too often", name);
	if (asprintf(&made[n], "--%s=%s%s", name, value, suffix) < 0)
		err(2, "memory for the command line");
	add(c, made[n++]);
}

static void min_time(struct command *c, const char *value,
		     const struct command_library *l)
{
	char *end, text[32];
	double t = strtod(value, &end);

	if (end == value || !(t > 0 && t <= 3600) ||
	    (strcmp(end, "") != 0 && strcmp(end, "s") != 0))
		errx(2,
		     "--benchmark_min_time=%s: seconds from above 0 to 3600 "
		     "are wanted, such as 0.1",
		     value);
	snprintf(text, sizeof(text), "%.9g", t);
	add_value(c, "benchmark_min_time", text, l->takes_suffix ? "s" : "");
}

static void check_filter(const char *re)
{
	regex_t r;

	if (regcomp(&r, *re == '-' ? re + 1 : re, REG_EXTENDED | REG_NOSUB))
		errx(2, "--benchmark_filter=%s: not a regular expression", re);
	regfree(&r);
}

static void check_word(const char *name, const char *value, const char *words)
{
	size_t n = strlen(value);

	for (const char *w = words; *w != '\0'; w += strcspn(w, " ")) {
		w += strspn(w, " ");
		if (strncmp(w, value, n) == 0 && (w[n] == ' ' || w[n] == '\0'))
			return;
	}
	errx(2, "--%s=%s: one of these is wanted: %s", name, value, words);
}

static void output(struct command *c, const char *value)
{
	int fd;

	c->out = strdup(value);
	if (c->out == NULL ||
	    asprintf(&c->part, "%s.part-%d", value, (int)getpid()) < 0)
		err(2, "memory for the command line");
	fd = open(c->part, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		err(2, "--benchmark_out=%s", value);
	close(fd);
	add_value(c, "benchmark_out", c->part, "");
}

static void take_library(struct command *c, char *a,
			 const struct command_library *l)
{
	const char *value = strchr(a, '=');

	if (value == NULL || strncmp(a, "--benchmark_", 12) != 0) {
		add(c, a);
		return;
	}
	value++;
	if (is(a, "benchmark_min_time")) {
		min_time(c, value, l);
		return;
	}
	if (is(a, "benchmark_out")) {
		output(c, value);
		return;
	}
	if (is(a, "benchmark_filter"))
		check_filter(value);
	if (is(a, "benchmark_repetitions"))
		number("benchmark_repetitions", value, 1, 1000);
	if (is(a, "benchmark_time_unit"))
		check_word("benchmark_time_unit", value, "ns us ms s");
	if (is(a, "benchmark_out_format"))
		check_word("benchmark_out_format", value, "console json csv");
	if (is(a, "benchmark_format")) {
		check_word("benchmark_format", value, "console json csv");
		c->format = value;
	}
	add(c, a);
}

/* ---- the result file ----------------------------------------------------- */

static const char *unfinished; /* what a signal must take away */
static pid_t owner;

static void interrupted(int sig)
{
	if (getpid() == owner)
		unlink(unfinished);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void guard(const char *path)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	unfinished = path;
	owner = getpid();
	for (int i = 0; i < 3; i++)
		if (signal(signals[i], interrupted) == SIG_IGN)
			signal(signals[i], SIG_IGN);
}

int command_finish(const struct command *c, int status)
{
	if (c->out == NULL)
		return status;
	if (status <= 1 && rename(c->part, c->out) == 0)
		return status;
	if (status <= 1)
		warn("--benchmark_out=%s", c->out);
	unlink(c->part);
	return status <= 1 ? 2 : status;
}

void command_unknown(struct command *c)
{
	for (int i = 1; i < c->argc; i++)
		warnx("%s: no such option, or not a value for it; see --help",
		      c->argv[i]);
	if (c->argc > 1)
		exit(command_finish(c, 2));
}

void command_read(struct command *c, int argc, char **argv,
		  const struct gb_program *p, const struct command_library *l)
{
	*c = (struct command){ .progress = -1, .format = "console" };
	add(c, argv[0]);
	for (int i = 1; i < argc; i++) {
		const struct gb_option *o;
		const char *value, *wrong;

		if (is(argv[i], "help") || strcmp(argv[i], "-h") == 0) {
			help(p, l);
		} else if ((o = find(own, argc, argv, &i, &value)) != NULL) {
			take_own(c, o->name, value);
		} else if ((o = find(p->options, argc, argv, &i, &value)) !=
			   NULL) {
			wrong = o->take(value);
			if (wrong != NULL)
				errx(2, "--%s %s: %s", o->name, value, wrong);
		} else {
			take_library(c, argv[i], l);
		}
	}
	if (c->smoke)
		min_time(c, "0.0005", l);
	if (c->part != NULL)
		guard(c->part);
}
