/* server - a peer's server program, for as long as a benchmark runs.
 *
 * It listens on a Unix socket in a folder of its own (s->path), on the CPUs of
 * this process, without files or network, is killed when this process dies, and
 * leaves nothing.
 */
#ifndef MANAGERS_SERVER_H
#define MANAGERS_SERVER_H

#include "managers/store.h"

#define SERVER_SOCKET "{socket}" /* in argv: its path */

/* Start it, and wait until it answers.  argv ends with NULL.  0; or -errno,
 * with s->why where it is not installed or does not start. */
int server_start(struct site *s, const char *const *argv);
void server_stop(struct site *s);

/* The same for one of them: one thread, nothing kept on disk. */
int redis_start(struct site *s);
int memcached_start(struct site *s);

#endif
