/* See answers.h. */
#include "harness/answers.h"

#include <stdlib.h>

char *answer_of(struct gb_state *st, struct peer *p, const char *question)
{
	struct usage u;
	char *answer;

	if (peer_ask(p, &answer, "%s\n", question) < 0) {
		gb_error(st, "%s", p->why);
		return NULL;
	}
	u.cpu_ns = strtoll(answer, &answer, 10);
	u.voluntary = strtoll(answer, &answer, 10);
	u.involuntary = strtoll(answer, &answer, 10);
	u.faults = strtoll(answer, &answer, 10);
	gb_usage(st, &u);
	return answer;
}
