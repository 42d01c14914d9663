/* See openmp.h. */
#include "harness/openmp.h"

#include <stdarg.h>
#include <stdio.h>

#include "harness/answers.h"
#include "mp/cpu.h"

#ifdef OPENMP_PEER
static struct peer openmp = { .program = OPENMP_PEER };
#else
static struct peer openmp;
#endif

void openmp_start(struct gb_state *st)
{
	openmp.setting = mp_cpu_count(MP_CPU_USABLE) > 1
				 ? "OMP_WAIT_POLICY=active"
				 : "OMP_WAIT_POLICY=passive";
	if (openmp.program == NULL)
		gb_skip(st, "built without OpenMP: meson found no compiler "
			    "that has it");
	else if (peer_start(&openmp) < 0)
		gb_skip(st, "%s", openmp.why);
}

char *openmp_ask(struct gb_state *st, const char *format, ...)
{
	char question[128];
	va_list ap;

	va_start(ap, format);
	vsnprintf(question, sizeof(question), format, ap);
	va_end(ap);
	return answer_of(st, &openmp, question);
}

void openmp_stop(void)
{
	peer_stop(&openmp);
}
