/* See library.h. */
#include "locks/library.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#ifndef LIBRAWMP
#error "LIBRAWMP: the shared library's path"
#endif

struct library_calls library_calls;

static char why[256];
static int state; /* 1 loaded, -1 cannot be */

/* The order of struct library_calls. */
static const char *const names[] = {
	"mp_lock_acquire",      "mp_lock_release",   "mp_semaphore_acquire",
	"mp_semaphore_release", "mp_condition_wait", "mp_condition_notify",
	"mp_event_set",         "mp_event_clear",    "mp_event_wait",
	"mp_barrier_wait",
};
#define NAMES (sizeof(names) / sizeof(names[0]))

_Static_assert(sizeof(struct library_calls) == NAMES * sizeof(void *),
	       "a name for each call");

static int load(void)
{
	void *handle = dlopen(LIBRAWMP, RTLD_NOW | RTLD_LOCAL);
	void *found[NAMES];

	if (handle == NULL) {
		snprintf(why, sizeof(why), "%.240s", dlerror());
		return -1;
	}
	for (size_t i = 0; i < NAMES; i++) {
		found[i] = dlsym(handle, names[i]);
		if (found[i] == NULL) {
			snprintf(why, sizeof(why), "%.240s", dlerror());
			return -1;
		}
	}
	memcpy(&library_calls, found, sizeof(found));
	return 1;
}

const struct library_calls *library(void)
{
	if (state == 0)
		state = load();
	return state > 0 ? &library_calls : NULL;
}

const char *library_why(void)
{
	return why;
}
