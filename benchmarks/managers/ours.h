/* ours - what a client of our manager holds, and does. */
#ifndef MANAGERS_OURS_H
#define MANAGERS_OURS_H

#include "managers/store.h"
#include "mp/manager.h"
#include "mp/proxy.h"

extern struct ours {
	struct mp_manager *manager;
	struct mp_proxy dict, lock, list;
	struct mp_any keys[STORE_KEYS];
} ours;

int ours_get(int key, int n, struct store_value *values);
int ours_set(int key, int n, const struct store_value *values);
/* n requests, then n answers. */
int ours_get_batch(int key, int n, struct store_value *values);
int ours_set_batch(int key, int n, const struct store_value *values);
int ours_append(const struct store_value *value);
int ours_length(uint64_t *n);
int ours_clear(void);
int ours_add(void);
int ours_total(uint64_t *n);
int ours_acquire(void);
int ours_release(void);

#endif
