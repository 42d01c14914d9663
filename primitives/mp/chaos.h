/* chaos - a build that makes rare interleavings common.  Internal.
 *
 * mp_chaos() stands in every gap between a look at a shared word and what is
 * done because of it.  With -Dchaos=true it yields or sleeps there at random;
 * otherwise it is nothing.
 */
#ifndef MP_CHAOS_H
#define MP_CHAOS_H

#include "mp/api.h"

#ifdef MP_CHAOS
MP_API void mp_chaos(void);
#else
#define mp_chaos() ((void)0)
#endif

#endif
