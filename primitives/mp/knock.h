/* knock - the clients of a listener that have connected and not yet passed.
 *
 * Internal to the library; called by listener.c.
 *
 * A client that connects is looked at first (its user), then asked for the key.
 * Until it has answered it stands in the row of the knocking, and each word of
 * it is one step of auth.h.  So all are served at once, and nobody waits for
 * one.  One epoll descriptor watches the socket (the door), the row, and a
 * clock.
 *
 *	knocking ------------- passed the challenge: accept's result
 *	   |  |  `------------ failed, or hung up: refused
 *	   |  `--------------- 10 s are over: refused
 *	   `------------------ one of 64, and the oldest for a second: refused
 *
 * While 64 stand there, the door is shut; who comes waits in the backlog.  It
 * is also shut, for a tenth of a second, when nobody can be let in: no
 * descriptor is free.
 */
#ifndef MP_KNOCK_H
#define MP_KNOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "mp/auth.h"
#include "mp/listener.h"

#define MP_KNOCK_MAX 64

/* One that knocks. */
struct mp_knock {
	struct mp_conn conn;
	struct mp_auth auth;
	int64_t since;
};

/* The private part of a listener. */
struct mp_knocking {
	/* Constant. */
	pid_t maker;   /* who unlinks the path */
	bool has_path; /* the file that it made: */
	dev_t dev;
	ino_t ino;
	bool any_user;
	struct mp_auth_key key; /* a copy; NULL: none */

	/* The process that accepts. */
	pid_t owner;
	int epoll, timer;
	int64_t alarm; /* that it is set to; 0: none */
	int64_t rest;  /* the door cannot be opened; until then; 0: it can */
	bool shut;     /* the door is not watched */
	int n;
	struct mp_knock row[MP_KNOCK_MAX]; /* the oldest first */
};

/* Watch, in the listener's process, or in one forked from it; there, the row,
 * which knocked at the parent, is forgotten.  Errors of epoll and timerfd. */
int mp_knock_watch(struct mp_listener *l);

/* Do what there is to do.  1: *c is one that has passed.  0: nobody yet. */
int mp_knock_step(struct mp_listener *l, struct mp_conn *c);

/* Stop watching; send those in the row away. */
void mp_knock_end(struct mp_listener *l);

#endif
