/* python - the peer of a family that measures in Python: one co-process, and
 * the first words of each of its answers, the usage.
 *
 *	static void pair_python(struct gb_state *st)
 *	{
 *		GB_LOOP(st)
 *		{
 *			char *answer = python_ask(st, "pair %d", 100);
 *
 *			if (answer == NULL)
 *				break;
 *			gb_time(st, strtoll(answer, NULL, 10));
 *		}
 *	}
 */
#ifndef HARNESS_PYTHON_H
#define HARNESS_PYTHON_H

#include "harness/gbench.h"
#include "harness/histogram.h"

/* In peers/; before the others. */
void python_use(const char *script);

/* For setup: it runs, or the benchmark is skipped. */
void python_start(struct gb_state *st);

/* Ask, and take the usage: the words behind it, or NULL; then it is an error
 * already. */
__attribute__((format(printf, 2, 3))) char *python_ask(struct gb_state *st,
						       const char *format, ...);

/* All iterations in one question.  The answer is the time of them all, and then
 * that of each, if there is a histogram, and a report of it. */
void python_ask_for_all(struct gb_state *st, const char *question,
			struct histogram *h,
			void (*report)(const struct histogram *,
				       struct gb_state *));

void python_stop(void);

#endif
