/* shm - memory that several processes see.
 *
 * Python: multiprocessing.shared_memory.SharedMemory.  Floor 1.  Any process,
 * any thread; not from a signal handler.
 *
 * Without a name the memory is a memfd: children inherit the mapping by fork,
 * anybody else can be handed the descriptor, and the kernel frees it with its
 * last user.  With a name it is a POSIX shared memory object, which any process
 * of the same user opens by that name, also with shm_open.
 *
 *	struct mp_shm m;
 *
 *	if (mp_shm_create(&m, NULL, 1 << 20) < 0)
 *		...
 *	int *shared = m.addr;			 all zero
 *	if (fork() == 0) { *shared = 1; _exit(0); }
 *	...
 *	mp_shm_close(&m);
 *
 * /dev/shm has a size of its own, 64 MB in most containers.  A named object
 * reserves its space at creation: when there is too little, create says so, and
 * no later access ends in SIGBUS.  (A sparse object, as Python makes it, kills
 * the process that touches a page that /dev/shm has no room for.)  Memory
 * without a name does not lie in /dev/shm; its pages are taken when they are
 * first touched, as malloc's are, and its size is fixed for all its users.
 *
 * Nothing stays behind: memory without a name never has one.  A named object
 * gets its name as the last step, by one link(): whoever opens it finds it
 * complete, and a creator killed before that leaves nothing.  From then on it
 * stays until mp_shm_unlink, whoever is killed.
 *
 * Illegal: using addr after mp_shm_close.
 */
#ifndef MP_SHM_H
#define MP_SHM_H

#include <stddef.h>

#include "mp/api.h"

/* The handle; private memory. */
struct mp_shm {
	void *addr;
	size_t size; /* bytes, as asked for */
	int fd;      /* close-on-exec */
};

/* Create zeroed memory, readable and writable by this user only (0600).
 * name: NULL, or "/" and 1 to 250 characters without another "/".
 * -EINVAL: size 0 or a bad name.  -EEXIST: the name is taken.  -ENOSPC: too
 * little room in /dev/shm.  -ENOMEM: more memory than is available now.
 * -ENOENT, -EACCES: no /dev/shm (with a name only).  -EMFILE, -ENFILE. */
MP_API int mp_shm_create(struct mp_shm *m, const char *name, size_t size);

/* Map an object that exists.  m->size is its size.
 * -ENOENT: no such name.  -EACCES: another user's.  -EINVAL: a bad name, or an
 * object without content. */
MP_API int mp_shm_open(struct mp_shm *m, const char *name);

/* Unmap it here; others keep theirs.  Closing twice does nothing. */
MP_API int mp_shm_close(struct mp_shm *m);

/* Take the name away; the memory lives until its last user closes it.
 * -ENOENT: no such name. */
MP_API int mp_shm_unlink(const char *name);

/* Do [addr, addr + size) lie in memory that a fork shares, from here or from
 * anybody's mmap(MAP_SHARED)?  The init functions of the library ask this; it
 * takes some ten microseconds.  0, also where there is no /proc; -EINVAL. */
MP_API int mp_shm_check(const void *addr, size_t size);

#endif
