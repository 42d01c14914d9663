/* family - the frame of a benchmark program: options, memory, end.
 *
 *	int main(int argc, char **argv)
 *	{
 *		static const struct gb_option options[] = { FAMILY_PYTHON,
 *							    { 0 } };
 *		static const struct gb_program program = { ... };
 *
 *		return family_main(argc, argv, &program, "lock_peer.py");
 *	}
 */
#ifndef HARNESS_FAMILY_H
#define HARNESS_FAMILY_H

#include <stddef.h>

#include "harness/contest.h"
#include "harness/gbench.h"
#include "harness/peer.h"
#include "harness/place.h"

#define FAMILY_PYTHON                                                    \
	{                                                                \
		"python", "PATH", "the Python 3 to measure beside ours", \
			peer_take_python                                 \
	}

/* Zeroed memory that children share, until the program ends; or exit 2. */
void *family_memory(size_t size);

/* The exit status; `python`: the script of the peer. */
int family_main(int argc, char **argv, const struct gb_program *program,
		const char *python);

/* For setup: pin this process as `place` says.  0, or the benchmark is
 * skipped. */
int family_place(struct gb_state *st, enum place place);

/* Register FAMILY/HOW as in `b`. */
void family_add(const char *what, const char *how, struct gb_benchmark b);

#endif
