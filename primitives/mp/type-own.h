/* type-own - what the types of a manager's objects share.
 *
 * Internal to type-*.c.  Floor 4.  Private memory of the server.
 *
 * A table or a sequence is the state of its object, or its first member: so
 * each of them is the `self` of mp_unkeep, and its operations are operations of
 * the type as they are.
 *
 * After an error everything is as it was.
 */
#ifndef MP_TYPE_OWN_H
#define MP_TYPE_OWN_H

/* Without memory uthash shall not call exit: an entry that it could not add has
 * no hh.tbl. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "mp/manager-type.h"

/* ---- a call: type-kept.c; answers are 0, or an error ---- */

/* Is there an argument i that is not nil? */
bool mp_given(const struct mp_call *c, uint32_t i);

int mp_answer_bool(struct mp_call *c, bool b);
int mp_answer_int(struct mp_call *c, int64_t i);
/* What is in c->pack. */
int mp_answer_pack(struct mp_call *c);

/* ---- where `next` goes on: [version, position] ---- */

#define MP_NEXT_MOST  100   /* elements an answer */
#define MP_NEXT_BYTES 16384 /* or so many */

/* The position in argument 0; nil: at the beginning.  -EINVAL: no cursor.
 * -EBUSY: of another version. */
int mp_cursor_get(const struct mp_call *c, int64_t version,
		  struct mp_any *position);
int mp_cursor_pack(struct mp_pack *p, int64_t version, struct mp_any position);

/* ---- kinds of values, as in Python's Value and Array ---- */

/* "i", "d", "c", "b"; "any" is 0, and so is a list's.  -EINVAL. */
int mp_code_get(const struct mp_call *c, uint32_t i, char *code);
/* Is *v of this kind?  An integer as "d" becomes a float.  0, or -EINVAL. */
int mp_code_fit(char code, struct mp_any *v);
struct mp_any mp_code_zero(char code);

/* ---- a value that is kept; none stands for the zero of its code ---- */

struct mp_any mp_kept_get(const struct mp_kept *k, char code);
/* Is it, byte for byte, what was packed? */
bool mp_kept_same(const struct mp_kept *k, const struct mp_pack *p);
int mp_kept_set(void *self, struct mp_call *c, struct mp_kept *k, char code,
		struct mp_any v);
/* The answer is the sum.  -EINVAL: not two numbers.  -EOVERFLOW. */
int mp_kept_add(void *self, struct mp_call *c, struct mp_kept *k, char code,
		struct mp_any n);
/* The answer tells whether it was `expected`. */
int mp_kept_exchange(void *self, struct mp_call *c, struct mp_kept *k,
		     char code, struct mp_any expected, struct mp_any v);

/* ---- a hash table that keeps the order of insertion: type-table.c ---- */

struct mp_entry {
	struct mp_kept key, value; /* of a set: no value */
	UT_hash_handle hh;         /* hh.next: the next younger one */
};

struct mp_table {
	struct mp_entry *head;
	int64_t version; /* of the keys */
	bool strings;    /* all keys are */
};

/* *e: NULL if it is not there.  Both use c->pack and leave it empty. */
int mp_table_find(struct mp_table *t, struct mp_call *c, struct mp_any key,
		  struct mp_entry **e);
/* What is not there is added, with no value yet. */
int mp_table_add(struct mp_table *t, struct mp_call *c, struct mp_any key,
		 struct mp_entry **e);

void mp_table_delete(struct mp_table *t, struct mp_entry *e);
/* Delete the youngest until n are left. */
void mp_table_trim(struct mp_table *t, uint32_t n);
uint32_t mp_table_count(const struct mp_table *t);
struct mp_entry *mp_table_youngest(const struct mp_table *t);

/* Operations (type-table-read.c), and what a kind has, as they are. */
int mp_table_contains(void *self, struct mp_call *c);
int mp_table_length(void *self, struct mp_call *c);
int mp_table_clear(void *self, struct mp_call *c);
int mp_table_copy(void *self, struct mp_call *c);
int mp_table_keys(void *self, struct mp_call *c);
int mp_table_values(void *self, struct mp_call *c);
int mp_table_items(void *self, struct mp_call *c);
int mp_table_next(void *self, struct mp_call *c);
void mp_table_visit(void *self, void (*each)(struct mp_kept *k, void *arg),
		    void *arg);
void mp_table_fini(void *self);

/* ---- values in a row: type-sequence.c ---- */

struct mp_sequence {
	struct mp_kept *at;
	size_t n, room;
	int64_t version; /* of the order */
	char code;       /* of an array */
};

/* Argument i as an index; below 0: from the end.  -ERANGE. */
int mp_sequence_index(const struct mp_sequence *s, const struct mp_call *c,
		      uint32_t i, size_t *at);
/* The same as a place between elements: beyond the ends is at the end. */
int mp_sequence_place(const struct mp_sequence *s, const struct mp_call *c,
		      uint32_t i, int64_t otherwise, size_t *at);
/* Room for n more. */
int mp_sequence_reserve(struct mp_sequence *s, size_t n);
/* Add all that a list has.  -EINVAL: v is no list. */
int mp_sequence_extend(struct mp_sequence *s, struct mp_call *c,
		       struct mp_any v);

int mp_sequence_get(void *self, struct mp_call *c);
int mp_sequence_set(void *self, struct mp_call *c);
int mp_sequence_add(void *self, struct mp_call *c);
int mp_sequence_length(void *self, struct mp_call *c);
int mp_sequence_slice(void *self, struct mp_call *c);
int mp_sequence_copy(void *self, struct mp_call *c);
int mp_sequence_next(void *self, struct mp_call *c);
void mp_sequence_visit(void *self, void (*each)(struct mp_kept *k, void *arg),
		       void *arg);
void mp_sequence_fini(void *self);

/* type-sort.c */
int mp_sequence_sort(void *self, struct mp_call *c);
int mp_sequence_reverse(void *self, struct mp_call *c);

/* ---- the end of a hold, with its object: type-lock.c ---- */

void mp_hold_forget(struct mp_hold *h);

/* ---- what a dict can do, and so a namespace ---- */

extern const struct mp_op mp_dict_ops[];

#endif
