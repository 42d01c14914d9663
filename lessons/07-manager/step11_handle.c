/* step11_handle.c - objects by number, counted by who has the number.  [works]
 *
 * Build:  cc -O2 -o step11_handle step11_handle.c
 * New:    a handle, and a count of the references to it
 * Try:    ./step11_handle
 * See:    the server's part alone: an object is there while it is referred to.
 */
#include <stdio.h>

enum { A, B, CLIENTS, MOST = 8 };
static int refs[MOST] = { 1 }; /* 0: no object.  Object 0 is always there. */
static int inside[MOST];       /* an object has room for one reference, */
static int has[CLIENTS][MOST]; /* a client for many of each */

static void drop(int object)
{
	if (object > 0 && --refs[object] == 0) {
		drop(inside[object]); /* to which it referred */
		inside[object] = 0;
	}
}

static int give(int client, int object)
{
	refs[object]++;
	has[client][object]++;
	return object;
}

static int create(int client)
{
	int object = 1;

	while (refs[object] > 0) /* there is one: MOST is enough here */
		object++;
	return give(client, object);
}

static void put(int object, int other)
{
	refs[other]++;
	drop(inside[object]); /* what was there before */
	inside[object] = other;
}

static void forget(int client, int object)
{
	has[client][object]--;
	drop(object);
}

static void gone(int client) /* the end of file */
{
	for (int object = 0; object < MOST; object++)
		while (has[client][object] > 0)
			forget(client, object);
}

static void show(const char *what)
{
	int objects = 0;

	for (int object = 0; object < MOST; object++)
		objects += refs[object] > 0;
	printf("%-40s %d\n", what, objects);
}

int main(void)
{
	int x, y;

	show("the dict");
	x = create(A);
	show("A creates a list");
	put(0, x);
	forget(A, x);
	show("d['l'] = l, and A forgets it");
	give(B, inside[0]);
	put(0, 0);
	show("B has d['l'], and then d['l'] = None");
	gone(B);
	show("B is killed");
	x = create(A);
	y = create(A);
	put(x, y);
	put(y, x);
	gone(A);
	show("x and y hold each other; A is killed");
	return 0;
}
