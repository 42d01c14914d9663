/* main.c - one exploration by options, or all the trials of a model. */
#include "explore.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tap.h"

#define OPTIONS 8

static const char *const names[OPTIONS] = { "processes", "rounds", "slots",
					    "putters",   "kills",  "timeouts",
					    "backstop",  "inside" };

/* The first four are at least 1. */
static int least(int n)
{
	return n < 4;
}

/* The option of this number. */
static int *option(struct setup *s, int n)
{
	int *all[OPTIONS] = { &s->processes, &s->rounds, &s->slots,
			      &s->putters,   &s->kills,  &s->timeouts,
			      &s->backstop,  &s->inside };

	return all[n];
}

static int help(void)
{
	struct setup most = model.most;

	printf("usage: %s [NAME=VALUE]... [--show]\n"
	       "       %s --tap [--deep]\n\n"
	       "Explores all schedules of the %s.\n"
	       "Exit 0: no fault; 1: a fault, with its shortest schedule;"
	       " 2: usage.\n\n"
	       "  --show  the state after each step of the schedule\n"
	       "  --tap   the trials, as a test; --deep: those that take long\n"
	       "\nUsually: %s\n",
	       program_invocation_short_name, program_invocation_short_name,
	       model.name, model.trials->options);
	for (int i = 0; i < OPTIONS; i++)
		if (*option(&most, i) > 0)
			printf("  %s=%d to %d\n", names[i], least(i),
			       *option(&most, i));
	for (const struct variant *v = model.variants; v->name != NULL; v++)
		printf("  variant=%-13s %s\n", v->name, v->about);
	return 0;
}

/* Does the word begin with this name and '='?  Then what follows. */
static const char *value(const char *word, const char *name)
{
	size_t n = strlen(name);

	return strncmp(word, name, n) == 0 && word[n] == '=' ? word + n + 1
							     : NULL;
}

static const struct variant *find_variant(const char *name)
{
	const struct variant *v = model.variants;

	while (v->name != NULL && strcmp(v->name, name) != 0)
		v++;
	if (v->name == NULL)
		errx(2, "variant=%s: there is none of this name; see --help",
		     name);
	return v;
}

/* Put NAME=VALUE into `setup`. */
static void set(const char *word)
{
	struct setup most = model.most;
	const char *text = value(word, "variant");
	char *end;
	long n;
	int i;

	if (text != NULL) {
		setup.variant = find_variant(text)->name;
		return;
	}
	for (i = 0; i < OPTIONS; i++)
		if ((text = value(word, names[i])) != NULL)
			break;
	if (text == NULL)
		errx(2, "%s: there is no such option; see --help", word);
	n = strtol(text, &end, 10);
	if (end == text || *end != '\0' || n < least(i) ||
	    n > *option(&most, i))
		errx(2, "%s: a number from %d to %d is needed", word, least(i),
		     *option(&most, i));
	*option(&setup, i) = (int)n;
}

/* Make `setup` that of a trial. */
static void set_all(const struct trial *t)
{
	char words[200], *next = words, *word;

	setup = (struct setup){ 0 };
	snprintf(words, sizeof(words), "%s", t->options);
	while ((word = strsep(&next, " ")) != NULL)
		set(word);
}

/* Begin with the first trial that has this variant, if there is one. */
static void set_usual(const char *name)
{
	for (const struct trial *t = model.trials; t->options != NULL; t++) {
		set_all(t);
		if (setup.variant != NULL && strcmp(setup.variant, name) == 0)
			return;
	}
	set_all(model.trials);
}

static struct result run(const char *prefix, bool shown)
{
	clock_t start = clock();
	struct result r = explore();

	printf("%s%u states, %.2f s", prefix, r.states,
	       (double)(clock() - start) / CLOCKS_PER_SEC);
	if (r.rescued > 0)
		printf(", %u that only a back-stop leaves", r.rescued);
	putchar('\n');
	if (r.fault != NULL) {
		printf("%s%s:\n%s", prefix, r.fault, shown ? "" : prefix);
		explore_schedule(&r, shown);
	}
	return r;
}

static int run_trials(const struct trial *t)
{
	struct result r;

	for (; t != NULL && t->options != NULL; t++) {
		set_all(t);
		r = run("# ", false);
		if (t->finds == NULL)
			ok(r.fault == NULL, "%s: no fault", t->options);
		else
			ok(r.fault != NULL && strstr(r.fault, t->finds) != NULL,
			   "%s: found: %s", t->options,
			   find_variant(setup.variant)->about);
	}
	return tap_done();
}

int main(int argc, char *argv[])
{
	bool tap = false, deep = false, shown = false;

	set_all(model.trials);
	for (int i = 1; i < argc; i++)
		if (value(argv[i], "variant") != NULL)
			set_usual(value(argv[i], "variant"));
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0)
			return help();
		if (strcmp(argv[i], "--tap") == 0)
			tap = true;
		else if (strcmp(argv[i], "--deep") == 0)
			deep = true;
		else if (strcmp(argv[i], "--show") == 0)
			shown = true;
		else
			set(argv[i]);
	}
	if (tap)
		return run_trials(deep ? model.deep : model.trials);
	return run("", shown).fault != NULL;
}
