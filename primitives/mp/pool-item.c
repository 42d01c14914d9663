/* pool-item.c - items, with a span in the trace. */
#include "mp/pool-item.h"

#include <stdio.h>

#include "mp/trace.h"

void mp_work_run(const struct mp_batch *b, uint64_t claim, size_t first,
		 size_t n)
{
	unsigned long long index = b->index + first;
	char text[MP_TRACE_NAME_MAX];

	if (!mp_trace_on()) {
		mp_work_items(b, claim, first, n);
		return;
	}
	if (n == 1)
		snprintf(text, sizeof(text), "%llu", index);
	else
		snprintf(text, sizeof(text), "%llu-%llu", index, index + n - 1);
	mp_trace_begin(MP_TRACE_RUN, text);
	mp_work_items(b, claim, first, n);
	mp_trace_end();
}
