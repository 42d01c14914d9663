/* type-table.c - the hash table of dict, namespace and set: uthash.
 *
 * The keys are hashed as their MessagePack bytes, so whatever can be kept can
 * be a key.  uthash links its entries in the order in which they came, which is
 * the order of Python's dict, and an entry whose value is set anew keeps its
 * place.
 */
#include "mp/type-own.h"

#include <errno.h>
#include <stdlib.h>

/* ---- entries ---- */

int mp_table_find(struct mp_table *t, struct mp_call *c, struct mp_any key,
		  struct mp_entry **e)
{
	struct mp_pack *p = c->pack;
	int error;

	*e = NULL;
	if (t->strings && key.type != MP_ANY_STR)
		return -EINVAL;
	mp_pack_clear(p);
	error = mp_pack_any(p, key);
	if (error == 0)
		HASH_FIND(hh, t->head, p->data, (unsigned)p->size, *e);
	mp_pack_clear(p);
	return error;
}

static void free_entry(struct mp_table *t, struct mp_entry *e)
{
	mp_unkeep(t, &e->key);
	mp_unkeep(t, &e->value);
	free(e);
}

int mp_table_add(struct mp_table *t, struct mp_call *c, struct mp_any key,
		 struct mp_entry **entry)
{
	int error = mp_table_find(t, c, key, entry);
	struct mp_entry *e;

	if (error < 0 || *entry != NULL)
		return error;
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return -ENOMEM;
	error = mp_keep(c, key, &e->key);
	if (error < 0) {
		free(e);
		return error;
	}
	HASH_ADD_KEYPTR(hh, t->head, e->key.data, e->key.size, e);
	if (e->hh.tbl == NULL) {
		free_entry(t, e);
		return -ENOMEM;
	}
	t->version++;
	*entry = e;
	return 0;
}

void mp_table_delete(struct mp_table *t, struct mp_entry *e)
{
	HASH_DELETE(hh, t->head, e);
	t->version++;
	free_entry(t, e);
}

uint32_t mp_table_count(const struct mp_table *t)
{
	return HASH_COUNT(t->head);
}

struct mp_entry *mp_table_youngest(const struct mp_table *t)
{
	struct UT_hash_table *h;

	if (t->head == NULL)
		return NULL;
	h = t->head->hh.tbl;
	return ELMT_FROM_HH(h, h->tail);
}

void mp_table_trim(struct mp_table *t, uint32_t n)
{
	while (mp_table_count(t) > n)
		mp_table_delete(t, mp_table_youngest(t));
}

/* ---- of a kind ---- */

void mp_table_visit(void *self, void (*each)(struct mp_kept *k, void *arg),
		    void *arg)
{
	struct mp_table *t = self;

	for (struct mp_entry *e = t->head; e != NULL; e = e->hh.next) {
		each(&e->key, arg);
		each(&e->value, arg);
	}
}

void mp_table_fini(void *self)
{
	mp_table_trim(self, 0);
}
