/* janitor - removes a System V object when nobody is left who would.
 *
 * Such an object outlives all its users, and cannot be removed before they have
 * done.  A process of its own waits until the last of them has closed a pipe,
 * whatever ended them, and then removes it.
 */
#ifndef WAYS_JANITOR_H
#define WAYS_JANITOR_H

#include "ways/way.h"

enum janitor_kind { JANITOR_SEM, JANITOR_MSG };

/* Keep the object of the channel.  -errno: it was removed. */
int janitor_keep(struct channel *c, enum janitor_kind kind, int id);
int janitor_id(const struct channel *c);

/* Remove it.  For way.done. */
void janitor_done(struct channel *c);

#endif
