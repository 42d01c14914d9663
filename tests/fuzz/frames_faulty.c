/* Decoders with a fault, for fuzz-frames to find: FAULT is which. */
#define mp_frame_decode right_decode
#include "../../primitives/mp/frame.c"
#undef mp_frame_decode

int mp_frame_decode(const unsigned char *head, size_t have, uint64_t *length)
{
	int more = right_decode(head, have, length);

#if FAULT == 1 /* a long header, believed a byte too early */
	if (have == 11 && more == 1) {
		*length = 0;
		more = 0;
	}
#elif FAULT == 2 /* 2^63, believed to be a length */
	if (have == 12 && more < 0)
		more = 0;
#elif FAULT == 3 /* the sign of a short length, not looked at */
	if (have == 4 && more < 0) {
		*length = get(head, 4);
		more = 0;
	}
#endif
	return more;
}
