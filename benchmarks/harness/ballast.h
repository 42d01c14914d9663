/* ballast - memory of a size, touched: what makes a parent big.
 *
 * fork copies the page tables, so its time grows with the pages that the parent
 * has touched.  4 KiB pages (no transparent huge pages), private, each written
 * once; kept until another size is asked for.
 */
#ifndef HARNESS_BALLAST_H
#define HARNESS_BALLAST_H

#include <stdint.h>

/* Hold exactly so much.  0, or -ENOMEM: the machine or the cgroup has not that
 * much to spare (a quarter of a GiB is left alone); then nothing is held. */
int ballast_hold(int64_t mebibytes);

/* MiB that may be taken now. */
int64_t ballast_room(void);

#endif
