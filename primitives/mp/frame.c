/* frame.c - 4 bytes, or 4 and 8. */
#include "mp/frame.h"

#include <errno.h>

enum { SHORT = 4, LONG = 12, LONG_FOLLOWS = -1, DESCRIPTOR = -2 };

static void put(unsigned char *p, uint64_t value, int bytes)
{
	for (int i = bytes; i-- > 0; value >>= 8)
		p[i] = (unsigned char)value;
}

static uint64_t get(const unsigned char *p, int bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < bytes; i++)
		value = value << 8 | p[i];
	return value;
}

size_t mp_frame_encode(unsigned char head[MP_FRAME_HEAD_MAX], uint64_t length)
{
	if (length == MP_FRAME_DESCRIPTOR) {
		put(head, (uint64_t)DESCRIPTOR, 4);
		return SHORT;
	}
	if (length <= INT32_MAX) {
		put(head, length, 4);
		return SHORT;
	}
	put(head, (uint64_t)LONG_FOLLOWS, 4);
	put(head + 4, length, 8);
	return LONG;
}

int mp_frame_decode(const unsigned char *head, size_t have, uint64_t *length)
{
	int32_t first;

	if (have < SHORT)
		return (int)(SHORT - have);
	first = (int32_t)get(head, 4);
	if (first == DESCRIPTOR) {
		*length = MP_FRAME_DESCRIPTOR;
		return 0;
	}
	if (first >= 0) {
		*length = (uint64_t)first;
		return 0;
	}
	if (first != LONG_FOLLOWS)
		return -EBADMSG;
	if (have < LONG)
		return (int)(LONG - have);
	*length = get(head + 4, 8);
	return *length <= MP_FRAME_LENGTH_MAX ? 0 : -EBADMSG;
}
