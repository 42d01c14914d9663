/* wait - sleep until one of many is ready.
 *
 * Python: multiprocessing.connection.wait.  Floor 3.  Any process, any thread.
 *
 *	struct mp_waitable v[] = {
 *		{ .conn = &c },				 a message, an end
 *		{ .process = &p },			 it has ended
 *		{ .fd = 0, .events = POLLIN },		 poll(2)
 *	};
 *
 *	if (mp_wait(v, 3, -1) > 0 && v[1].ready)
 *		mp_process_join(&p, -1);
 */
#ifndef MP_WAIT_H
#define MP_WAIT_H

#include "mp/conn.h"
#include "mp/process.h"

/* One of the three: conn, process, or else fd. */
struct mp_waitable {
	struct mp_conn *conn;
	struct mp_process *process;
	int fd;
	short events; /* for fd: POLLIN, POLLOUT; 0: POLLIN */
	short ready;  /* answer: 0, or what poll said; 1 for conn, process */
};

/* Wait until one is ready; how many are.  0: none within this time.  -EINTR.
 * A connection is ready when mp_conn_poll says 1, a process when it has ended.
 * -EINVAL: n < 1.  -EBADF, and what mp_process_fd says: v[i].ready of the bad
 * one is -1.  -ENOMEM. */
MP_API int mp_wait(struct mp_waitable *v, int n, int64_t timeout_ns);

#endif
