/* bench - what the files of manager.c share.
 *
 * The rows are manager/CASE/HOW/clients:N/place:PLACE, and with one request
 * each millisecond /paced_ns:1000000 behind.
 */
#ifndef MANAGERS_BENCH_H
#define MANAGERS_BENCH_H

#include "harness/gbench.h"
#include "harness/histogram.h"
#include "harness/place.h"
#include "managers/visit.h"

/* The columns of a row. */
enum { COLUMN_CLIENTS, COLUMN_PLACE, COLUMN_PACE, COLUMNS };

/* What a benchmark's `user` points to. */
struct manager_user {
	const struct store *store; /* NULL: Python */
	enum store_case what;
	bool paced; /* has the third column */
};

extern struct manager_stage { /* shared */
	_Atomic int error;    /* of a client */
	struct visit_board board;
	struct usage usage; /* of the only client, in the time that counts */
	uint64_t trips;
	int64_t sum;
	uint64_t found[2]; /* by visit_believe */
} * manager_stage;
extern struct histogram *manager_histogram;
extern struct site manager_site;

extern const char *const manager_cases[];

/* For --ms: how long one client is measured, 50 if it is not given; shorter
 * with --smoke and --counting. */
const char *manager_take_ms(const char *value);
int64_t manager_ns(void);

/* Of every benchmark but Python's: start and stop of the store. */
void manager_start(struct gb_state *st);
void manager_setup(struct gb_state *st); /* and what is not to be counted */
void manager_run(struct gb_state *st);
void manager_teardown(struct gb_state *st);

/* What a row asks for. */
enum place manager_place(const struct gb_state *st);
int64_t manager_pace(const struct gb_state *st); /* 0: busy */
/* In a client: to its CPU. */
void manager_move(enum place place);

/* One client: each operation is timed.  idle: no operation, only what the start
 * and the end of the client cost. */
void manager_alone(struct gb_state *st);
void manager_alone_idle(struct gb_state *st);
/* Several, counted for a fixed time; and one where there is no server. */
void manager_many(struct gb_state *st);
void manager_many_idle(struct gb_state *st);

/* After a run: is the sum right?  Otherwise it was said. */
void manager_believe(struct gb_state *st);
/* What stood in the way of a client, or of the team: say it. */
void manager_complain(struct gb_state *st, const char *team);

/* CPU time of the server so far; 0: there is none. */
int64_t manager_server_cpu(void);

/* Python, which measures in itself. */
void manager_python_setup(struct gb_state *st);
void manager_python(struct gb_state *st);

/* redis-benchmark, one request at a time, and sixteen. */
void manager_yardstick(struct gb_state *st);

#endif
