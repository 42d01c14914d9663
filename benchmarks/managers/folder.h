/* folder - a folder for a server's socket, which is gone when this process is,
 * whatever ends it.
 *
 * A process of its own, the janitor, waits until the last one has closed a
 * pipe, and then removes the socket and the folder.
 */
#ifndef MANAGERS_FOLDER_H
#define MANAGERS_FOLDER_H

#include <stddef.h>

/* Make one in $TMPDIR, or in /tmp where that is too long for the address of a
 * socket, and give the path of the socket that will be in it.  -errno. */
int folder_make(char *path, size_t size);

/* Remove it; if there is none, nothing. */
void folder_remove(void);

#endif
