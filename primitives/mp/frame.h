/* frame - how a message says on a socket how long it is.
 *
 * Internal to the library.  Nothing but bytes: no socket, no memory.
 *
 *	0 … 2^31-1    4 bytes, big-endian, then the message
 *	2^31 … 2^63-1  -1 in 4 bytes, the length in 8, then the message
 *	-2             one byte, with a descriptor attached (stream.c)
 *
 * The first two are those of Python's Connection; it never sends the third.
 */
#ifndef MP_FRAME_H
#define MP_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define MP_FRAME_HEAD_MAX   12
#define MP_FRAME_LENGTH_MAX ((uint64_t)INT64_MAX)
#define MP_FRAME_DESCRIPTOR UINT64_MAX /* in place of a length */

/* Write the header of a message, or of a descriptor.  Its size. */
size_t mp_frame_encode(unsigned char head[MP_FRAME_HEAD_MAX], uint64_t length);

/* The first `have` bytes of a header.  How many it needs besides; 0: that is
 * all, and *length tells.  -EBADMSG: no header begins like that. */
int mp_frame_decode(const unsigned char *head, size_t have, uint64_t *length);

#endif
