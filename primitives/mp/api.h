/* api.h - what every header of rawmp shares: the export mark and the rules.
 *
 * Every function of the library
 *   - returns 0 (or a count >= 0) on success and a negative errno on failure;
 *     errno itself is never part of the interface;
 *   - takes the object first and its outputs last;
 *   - prints nothing, never exits, starts no thread and no process that its
 *     header does not name;
 *   - is a real exported symbol of librawmp.so, so that it can be called from
 *     any language.
 *
 * Every wait takes `int64_t timeout_ns`, nanoseconds on CLOCK_MONOTONIC:
 * negative waits for ever, 0 tries once, anything else waits at most that long.
 */
#ifndef MP_API_H
#define MP_API_H

#include <stdint.h>

#define MP_API __attribute__((visibility("default")))

#endif
