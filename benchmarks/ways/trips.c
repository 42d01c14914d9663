/* See trips.h. */
#include "ways/trips.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "harness/family.h"
#include "harness/pace.h"
#include "harness/team.h"
#include "mp/clock.h"
#include "ways/payload.h"

#define STOP (UINT64_MAX - 1) /* the last question */

/* Shared. */
static struct stage {
	_Atomic int error;     /* of a side */
	_Atomic bool counts;   /* no longer warming up */
	struct usage usage[2]; /* in the time that counts */
	uint64_t trips;
	int64_t sum;
} * stage;
static struct histogram *histogram;

/* A side's own buffer, touched. */
static uint64_t *message_of(const struct trips *t)
{
	size_t n = t->channel.bytes + WAY_ROOM;
	char *p = malloc(n);

	if (p == NULL)
		return NULL;
	memset(p, 1, n);
	return (uint64_t *)(void *)(p + WAY_ROOM);
}

/* Question k, and its answer: how long it took; -errno. */
static int64_t trip(struct trips *t, uint64_t *m, uint64_t k, int64_t begin)
{
	size_t n = t->channel.bytes;
	int e;

	payload_write(m, n, k);
	e = t->way->send(&t->channel, 0, m, n);
	if (e == 0)
		e = t->way->receive(&t->channel, 0, m, n);
	if (e == 0 && (m[0] != ~k || payload_check(m, n) != 0))
		e = -EBADMSG;
	return e < 0 ? e : mp_clock_now() - begin;
}

/* Does trip k count? */
static bool warm_enough(const struct trips *t, uint64_t k, int64_t first)
{
	return k > t->warm || (k > 1 && mp_clock_now() > first + t->ns / 5);
}

static int asker(struct trips *t)
{
	uint64_t *m = message_of(t);
	struct usage before, after;
	int64_t begin = 0, waited = 0, ns = 0, over = INT64_MAX;
	int64_t first = mp_clock_now();
	bool counts = false;

	if (m == NULL)
		return -ENOMEM;
	for (uint64_t k = 1; t->ns > 0 && begin + ns < over; k++) {
		if (t->paced && k > 1) {
			begin = first + (int64_t)k * TRIPS_PACE_NS;
			waited += pace_until(begin);
		}
		if (!counts && warm_enough(t, k, first)) {
			usage_now(&before);
			waited = 0;
			over = mp_clock_now() + t->ns;
			counts = true;
			stage->counts = true;
		}
		if (!t->paced || k == 1)
			begin = mp_clock_now();
		ns = trip(t, m, k, begin);
		if (ns < 0)
			return (int)ns;
		if (k == 1) /* it may have had to connect */
			first = mp_clock_now();
		if (!counts)
			continue;
		histogram_record(histogram, ns);
		stage->sum += ns;
		stage->trips++;
	}
	usage_now(&after);
	if (t->ns > 0)
		stage->usage[0] = usage_between(&before, &after);
	stage->usage[0].cpu_ns -= waited;
	payload_write(m, t->channel.bytes, STOP);
	return t->way->send(&t->channel, 0, m, t->channel.bytes);
}

static int answerer(struct trips *t)
{
	struct usage before, after;
	size_t n = t->channel.bytes;
	uint64_t *m = message_of(t), k = 0;
	bool counts = false;
	int e;

	if (m == NULL)
		return -ENOMEM;
	usage_now(&before);
	while ((e = t->way->receive(&t->channel, 1, m, n)) == 0 &&
	       m[0] != STOP) {
		if (m[0] != ++k || payload_check(m, n) != 0)
			return -EBADMSG;
		if (!counts && stage->counts) {
			usage_now(&before);
			counts = true;
		}
		payload_write(m, n, ~k);
		e = t->way->send(&t->channel, 1, m, n);
		if (e < 0)
			break;
	}
	usage_now(&after);
	stage->usage[1] = usage_between(&before, &after);
	return e;
}

static void place_side(int side, void *arg)
{
	struct trips *t = arg;
	int e = 0;

	place_child(side == 0 ? place_parent_cpu(t->place)
			      : place_child_cpu(t->place));
	if (t->way->enter != NULL)
		e = t->way->enter(&t->channel, side);
	if (e < 0)
		stage->error = e;
}

static int side(int index, void *arg)
{
	struct trips *t = arg;
	int e = stage->error;

	if (e == 0)
		e = index == 0 ? asker(t) : answerer(t);
	if (e == 0 && t->way->leave != NULL)
		e = t->way->leave(&t->channel, index);
	if (e < 0)
		stage->error = e;
	return e;
}

int trips_run(struct gb_state *st, struct trips *t)
{
	struct team team = {
		.n = 2, .before = place_side, .work = side, .arg = t
	};
	int64_t ns;
	int e;

	memset(stage, 0, sizeof(*stage));
	histogram_reset(histogram);
	e = channel_make(&t->channel, t->way);
	if (e < 0 && t->channel.why[0] != '\0')
		gb_skip(st, "%s", t->channel.why);
	else if (e < 0)
		gb_error(st, "%s: %s", t->way->name, strerror(-e));
	if (e < 0)
		return e;
	e = team_run(&team, &ns);
	channel_done(&t->channel, t->way);
	if (e < 0 && stage->error == -EBADMSG)
		gb_error(st, "a message is not the one that was sent");
	else if (e < 0 && stage->error < 0)
		gb_error(st, "%s", strerror(-stage->error));
	else if (e < 0)
		gb_error(st, "%s", team.why);
	return e;
}

int trips_measure(struct gb_state *st, struct trips *t)
{
	struct usage u;
	int e = trips_run(st, t);

	if (e < 0)
		return e;
	u = stage->usage[0];
	u.cpu_ns += stage->usage[1].cpu_ns;
	u.voluntary += stage->usage[1].voluntary;
	u.involuntary += stage->usage[1].involuntary;
	u.faults += stage->usage[1].faults;
	gb_usage(st, &u);
	gb_operations(st, stage->trips);
	gb_time(st, stage->sum);
	return 0;
}

struct histogram *trips_prepare(void)
{
	stage = family_memory(sizeof(*stage));
	histogram = histogram_create();
	return histogram;
}
