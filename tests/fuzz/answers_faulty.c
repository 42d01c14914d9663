/* A client's end with a fault, for fuzz-answers to find: FAULT is which. */
#define mp_channel_answer right_answer
#include "../../primitives/mp/manager-ask.c"
#undef mp_channel_answer

int mp_channel_answer(struct mp_manager_client *c, uint64_t id,
		      enum mp_channel_signal then, struct mp_any *result)
{
	bool early = c->early != NULL;
	int status = right_answer(c, id, then, result);

	(void)early;
#if FAULT == 1 /* what the status says beside errors is lost */
	if (status > 0)
		status = 0;
#elif FAULT == 2 /* a request is forgotten when another one is answered */
	if (status == 0 && c->under_way > 1)
		c->under_way--;
#elif FAULT == 3 /* what was put aside may be asked for again */
	if (early && status == -ENOENT)
		status = 0;
#endif
	return status;
}
