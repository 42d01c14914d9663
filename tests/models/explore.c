/* explore.c - breadth first, with a hash table of the states seen.
 *
 * States lie one behind the other in the order they were found, which is the
 * queue as well: those before number i have been followed.  Each remembers the
 * state that it came from: the way back to the start is a shortest schedule.
 */
#include "explore.h"

#include <assert.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATES_MAX 60000000u /* at 40 bytes, with the tables: 2.4 GB */

/* The model's state, and at its end how many kills and timeouts are left. */
struct full {
	uint8_t byte[64];
};

/* One thing that may happen. */
struct step {
	uint8_t p, how, answer;
	uint8_t answers; /* how many there are; 0: not tried yet */
};

struct origin {
	uint32_t parent;
	struct step step;
};

struct setup setup;

static size_t size;            /* of a state, a multiple of 8 */
static uint8_t *states;        /* `found` of them */
static struct origin *origins; /* of each */
static uint32_t *table;        /* hash: number of the state + 1, or 0 */
static uint32_t found, room;   /* the table has 2 * room entries */
static int answer, answers;    /* of choose in this action */

bool variant(const char *name)
{
	return setup.variant != NULL && strcmp(setup.variant, name) == 0;
}

int choose(int n)
{
	answers = n > 1 ? n : 1;
	return answer;
}

uint8_t any_of(unsigned set)
{
	for (int n = choose(__builtin_popcount(set)); n > 0; n--)
		set &= set - 1;
	return (uint8_t)(set & -set);
}

/* ---- the states seen ---- */

static struct full get(uint32_t i)
{
	struct full s = { 0 };

	memcpy(&s, states + i * size, size);
	return s;
}

/* Where the state is in the table, or belongs. */
static uint32_t *look_up(const struct full *s)
{
	uint64_t hash = 0, mask = 2 * (uint64_t)room - 1, eight;
	uint32_t *entry;

	for (size_t i = 0; i < size; i += 8) {
		memcpy(&eight, &s->byte[i], 8);
		hash = (hash ^ eight) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	do
		entry = &table[hash++ & mask];
	while (*entry != 0 &&
	       memcmp(states + (*entry - 1) * size, s, size) != 0);
	return entry;
}

static void *resized(void *p, size_t bytes)
{
	p = realloc(p, bytes);
	if (p == NULL)
		err(2, "%zu MiB for the states", bytes >> 20);
	return p;
}

static void grow(void)
{
	room = room == 0 ? 1024 : 2 * room;
	states = resized(states, room * size);
	origins = resized(origins, room * sizeof(*origins));
	free(table);
	table = resized(NULL, 2 * (size_t)room * sizeof(*table));
	memset(table, 0, 2 * (size_t)room * sizeof(*table));
	for (uint32_t i = 0; i < found; i++) {
		struct full s = get(i);

		*look_up(&s) = i + 1;
	}
}

static void add(const struct full *s, uint32_t parent, struct step step)
{
	uint32_t *entry;

	if (found == room)
		grow();
	entry = look_up(s);
	if (*entry != 0)
		return;
	if (found == STATES_MAX)
		errx(2, "more than %u states: take fewer processes or rounds",
		     STATES_MAX);
	memcpy(states + found * size, s, size);
	origins[found] = (struct origin){ parent, step };
	*entry = ++found;
}

/* ---- what may happen ---- */

/* How many kills, or timeouts, are left. */
static uint8_t *left(struct full *s, enum how how)
{
	return &s->byte[size - (how == KILL ? 1 : 2)];
}

/* Do the step in the state: its name, or NULL. */
static const char *do_step(struct full *s, struct step *step)
{
	enum how how = (enum how)step->how;
	const char *name;

	if (how >= TIMEOUT && (*left(s, how))-- == 0)
		return NULL;
	if (how == LOOK && !setup.backstop)
		return NULL;
	answer = step->answer;
	answers = 1;
	name = model.move((struct state *)s, step->p, how);
	step->answers = (uint8_t)answers;
	return name;
}

/* The next step that is possible, { 0 } before the first, and what it leads to;
 * false: no more. */
static bool next(const struct full *from, struct step *step, struct full *to)
{
	for (; step->p < setup.processes; step->p++, step->how = ACT) {
		for (; step->how <= KILL; step->how++, step->answers = 0) {
			step->answer =
				step->answers == 0 ? 0 : step->answer + 1;
			*to = *from;
			if ((step->answers == 0 ||
			     step->answer < step->answers) &&
			    do_step(to, step) != NULL)
				return true;
		}
	}
	return false;
}

/* ---- the search ---- */

/* Follow all that may happen in state i.  Can anybody move, or only look? */
static void follow(uint32_t i, bool *moves, bool *looks)
{
	struct full from = get(i), to;
	struct step step = { 0 };

	*moves = *looks = false;
	while (next(&from, &step, &to)) {
		*moves |= step.how == ACT;
		*looks |= step.how == LOOK;
		add(&to, i, step);
	}
}

static bool leads_to(uint32_t i, const bool *good)
{
	struct full from = get(i), to;
	struct step step = { 0 };

	while (next(&from, &step, &to))
		if (step.how <= LOOK && good[*look_up(&to) - 1])
			return true;
	return false;
}

static bool ended(uint32_t i)
{
	struct full s = get(i);

	return model.ended((struct state *)&s);
}

/* The first state from which no right end is reached; `found` if none.
 * Backwards, because ends are found last. */
static uint32_t first_trap(void)
{
	bool *good = resized(NULL, found * sizeof(*good)), more = true;
	uint32_t i;

	for (i = 0; i < found; i++)
		good[i] = ended(i);
	while (more) {
		more = false;
		for (i = found; i-- > 0;)
			if (!good[i] && leads_to(i, good))
				good[i] = more = true;
	}
	for (i = 0; i < found && good[i]; i++)
		;
	free(good);
	return i;
}

static void begin(void)
{
	struct full first = { 0 };

	size = model.shared + (size_t)setup.processes * model.each + 2;
	size = (size + 7) / 8 * 8;
	assert(size <= sizeof(first));
	found = room = 0;
	model.start((struct state *)&first);
	*left(&first, KILL) = (uint8_t)setup.kills;
	*left(&first, TIMEOUT) = (uint8_t)setup.timeouts;
	add(&first, 0, (struct step){ 0 });
}

struct result explore(void)
{
	struct result r = { 0 };
	bool moves, looks;

	begin();
	for (; r.state < found; r.state++) {
		struct full s = get(r.state);

		r.fault = model.wrong((struct state *)&s);
		if (r.fault != NULL)
			break;
		follow(r.state, &moves, &looks);
		if (moves || ended(r.state))
			continue;
		if (!looks) {
			r.fault = "somebody sleeps for ever";
			break;
		}
		r.rescued++;
	}
	r.states = found;
	if (r.fault == NULL && (r.state = first_trap()) < found)
		r.fault = "somebody waits for ever, awake at times";
	return r;
}

void explore_schedule(const struct result *r, bool shown)
{
	uint32_t n = 0, *path = resized(NULL, found * sizeof(*path));

	for (uint32_t i = r->state; i != 0; i = origins[i].parent)
		path[n++] = i;
	while (n-- > 0) {
		struct origin o = origins[path[n]];
		struct full s = get(o.parent);
		const char *name = do_step(&s, &o.step);

		printf(shown ? "%c.%-8s " : "%c.%s", 'A' + o.step.p, name);
		if (shown)
			model.show((struct state *)&s);
		printf(shown || n == 0 ? "\n" : " ");
	}
	free(path);
}
