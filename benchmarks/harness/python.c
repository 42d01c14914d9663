/* See python.h. */
#include "harness/python.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/answers.h"

static struct peer python;

void python_use(const char *script)
{
	python.script = script;
}

void python_start(struct gb_state *st)
{
	if (peer_start(&python) < 0)
		gb_skip(st, "%s", python.why);
}

char *python_ask(struct gb_state *st, const char *format, ...)
{
	char question[128];
	va_list ap;

	va_start(ap, format);
	vsnprintf(question, sizeof(question), format, ap);
	va_end(ap);
	return answer_of(st, &python, question);
}

void python_ask_for_all(struct gb_state *st, const char *question,
			struct histogram *h,
			void (*report)(const struct histogram *,
				       struct gb_state *))
{
	char *answer = NULL;
	int64_t ns = 0;

	GB_LOOP(st)
	{
		if (answer == NULL) {
			answer = python_ask(st, "%s", question);
			if (answer == NULL)
				break;
			ns = strtoll(answer, &answer, 10);
		}
		gb_time(st, ns);
		ns = 0; /* all of it belongs to the first */
		if (h != NULL)
			histogram_record(h, strtoll(answer, &answer, 10));
	}
	if (h != NULL && !gb_failed(st))
		report(h, st);
}

void python_stop(void)
{
	peer_stop(&python);
}
