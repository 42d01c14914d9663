/* apart - do something in a process of its own.
 *
 * A process that has had a thread forks more slowly ever after, and one that
 * has a large input forks more slowly while it has it.  So what needs either is
 * done in a child; the others stay as quick as they are alone.
 */
#ifndef SPEEDUPS_APART_H
#define SPEEDUPS_APART_H

/* What fn returned.  What else it leaves must lie in shared memory.
 * -ECHILD: it died.  -EAGAIN, -ENOMEM: it could not be made. */
int apart(int (*fn)(void *arg), void *arg);

#endif
