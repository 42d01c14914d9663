/* answers - what a family asks of a peer (peer.h): the first words of an answer
 * are the usage.
 */
#ifndef HARNESS_ANSWERS_H
#define HARNESS_ANSWERS_H

#include "harness/gbench.h"
#include "harness/peer.h"

/* Ask, and take the usage: the words behind it, or NULL; then it is an error
 * already. */
char *answer_of(struct gb_state *st, struct peer *p, const char *question);

#endif
