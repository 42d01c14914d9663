/* Any bytes as requests to a server, of several clients that come and go; on
 * all types.  What is wrong is refused, and the books of the server are right
 * after every message: each object's references are those that its clients have
 * and those in what objects keep; each answer is one, to a request that was
 * made, and who is told of an object has a reference to it.  When all clients
 * are gone, so are all objects.
 *
 * The input is a story: bytes that say who asks for what.  Most requests name
 * operations and objects that exist; so few changes of an input lead deep.
 */
#include <err.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "mp/manager-own.h"

#define CLIENTS 4
#define TALKING 200  /* requests of a story, at most */
#define LONGEST 4096 /* answer */

/* ---- words ---- */

/* Types first. */
static const char *const words[] = {
	"dict",
	"list",
	"set",
	"queue",
	"lock",
	"condition",
	"rlock",
	"namespace",
	"value",
	"array",
	"semaphore",
	"bounded_semaphore",
	"event",
	"barrier",
	"joinable_queue",
	"no_type",
	/* of the server */
	"create",
	"ref",
	"drop",
	"cancel",
	"count",
	"hello",
	"bye",
	"shutdown",
	/* of objects */
	"get",
	"set",
	"add",
	"append",
	"pop",
	"delete",
	"put",
	"acquire",
	"release",
	"wait",
	"notify",
	"notify_all",
	"update",
	"copy",
	"clear",
	"next",
	"keys",
	"values",
	"items",
	"popitem",
	"setdefault",
	"contains",
	"length",
	"compare_exchange",
	"remove",
	"discard",
	"extend",
	"insert",
	"index",
	"count",
	"reverse",
	"sort",
	"slice",
	"locked",
	"value",
	"is_set",
	"abort",
	"reset",
	"parties",
	"n_waiting",
	"broken",
	"qsize",
	"empty",
	"full",
	"task_done",
	"join",
	/* values */
	"i",
	"d",
	"c",
	"b",
	"any",
	"a",
	"",
	"longer than eight",
};
#define TYPES 16
#define SELF  24
#define WORDS (sizeof(words) / sizeof(words[0]))

/* ---- a story ---- */

struct story {
	const uint8_t *at, *end;
	struct mp_server server;
	struct mp_client *clients[CLIENTS]; /* NULL: not there */
	uint64_t last;                      /* request */
	uint64_t asked[CLIENTS]; /* answers in this message, at most */
	uint64_t silent;         /* requests without one */
	int loose;               /* there may be more requests than these */
};

static uint8_t byte(struct story *t)
{
	return t->at == t->end ? 0 : *t->at++;
}

/* An object that exists, if there is one; or a handle that is none. */
static uint64_t object(struct story *t)
{
	struct mp_server *s = &t->server;
	uint8_t n = byte(t);

	if (n >= 0xf0 || s->nplaces == 0)
		return n % 3 == 0 ? n : (1 + n % 2) * MP_OBJECT_PLACES + n % 5;
	for (uint64_t i = 0; i < s->nplaces; i++) {
		struct mp_object *o = s->places[(n + i) % s->nplaces].object;

		if (o != NULL)
			return o->handle;
	}
	return MP_OBJECT_PLACES;
}

/* ---- values ---- */

static void say(struct story *t, struct mp_pack *p, int depth);

static void say_bytes(struct story *t, struct mp_pack *p, uint32_t type)
{
	size_t left = (size_t)(t->end - t->at);
	uint32_t n = byte(t) % 16;
	struct mp_any v;

	left = (size_t)(t->end - t->at);
	if (n > left)
		n = (uint32_t)left;
	v = mp_any_bin(t->at, n);
	t->at += n;
	if (type == MP_ANY_RAW) { /* as they are, good or bad */
		mp_pack_bytes(p, v.data, n);
		t->loose = 1;
		return;
	}
	v.type = type;
	mp_pack_any(p, v);
}

static int64_t number(struct story *t)
{
	static const int64_t telling[] = { INT64_MAX, INT64_MIN, INT32_MAX,
					   INT32_MIN, -100,      256 };
	uint8_t n = byte(t);

	return n >= 0xf0 ? telling[n % 6] : n % 10 - 2;
}

/* Something that will be kept; huge arrays are left out. */
static void say(struct story *t, struct mp_pack *p, int depth)
{
	uint8_t kind = byte(t);
	uint32_t n;

	switch (kind % 16) {
	case 0:
		mp_pack_any(p, mp_any_nil());
		break;
	case 1:
		mp_pack_any(p, mp_any_bool(kind & 16));
		break;
	case 2:
	case 3:
		mp_pack_any(p, mp_any_int(number(t)));
		break;
	case 4:
		mp_pack_any(p, mp_any_float(kind / 3.0));
		break;
	case 5:
		mp_pack_any(p, mp_any_uint(UINT64_MAX - kind));
		break;
	case 6:
	case 7:
		mp_pack_any(p, mp_any_str(words[byte(t) % WORDS]));
		break;
	case 8:
		say_bytes(t, p, MP_ANY_STR + (kind >> 4) % 2);
		break;
	case 9:
		say_bytes(t, p, MP_ANY_RAW);
		break;
	case 10:
	case 11:
	case 12:
		mp_pack_any(p, mp_any_ref(object(t)));
		break;
	default:
		n = depth > 6 ? 0 : (kind >> 4) % 4;
		if (kind % 16 == 15)
			mp_pack_map(p, n);
		else
			mp_pack_array(p, n);
		n *= kind % 16 == 15 ? 2 : 1;
		while (n-- > 0)
			say(t, p, depth + 1);
	}
}

/* An array of more than some elements is only memory. */
static int too_large(const char *op, struct mp_pack *args)
{
	struct mp_unpack u;
	struct mp_any v;

	if (strcmp(op, "create") != 0)
		return 0;
	u = (struct mp_unpack){ args->data, args->data + args->size };
	while (mp_unpack_any(&u, &v) == 0)
		if (v.type == MP_ANY_INT && v.i > 1000)
			return 1;
	return 0;
}

/* ---- requests ---- */

/* The first byte: bit 7: of the server itself; bits 4 to 6: arguments; bit 3:
 * no answer is wanted. */
static void say_request(struct story *t, struct mp_pack *p, int c)
{
	struct mp_pack args = { 0 };
	uint8_t first = byte(t), op = byte(t);
	uint64_t id = first & 8 ? 0 : ++t->last, handle = 0;
	uint32_t n = (first >> 4) % 8;
	const char *word;

	if (first & 0x80) {
		word = words[op % 16 < 10 ? TYPES : TYPES + op % 8];
	} else {
		handle = object(t);
		word = words[SELF + op % (WORDS - SELF)];
	}
	if (strcmp(word, "create") == 0) {
		mp_pack_any(&args, mp_any_str(words[op / 16]));
		n = n % 4 + 1;
	}
	for (uint32_t i = args.size != 0; i < n; i++)
		say(t, &args, 0);
	if (!too_large(word, &args)) {
		mp_pack_any(p, mp_any_uint(id));
		mp_pack_any(p, mp_any_uint(handle));
		mp_pack_any(p, mp_any_str(word));
		mp_pack_any(p, mp_any_int(n));
		mp_pack_bytes(p, args.data, (uint32_t)args.size);
		t->asked[c] += id != 0;
		t->silent += id == 0;
	}
	mp_pack_free(&args);
}

/* ---- the books ---- */

/* Without the help of what is tested. */
static struct mp_object *find(struct mp_server *s, uint64_t handle)
{
	for (uint64_t i = 0; i < s->nplaces; i++)
		if (s->places[i].object != NULL &&
		    s->places[i].object->handle == handle)
			return s->places[i].object;
	return NULL;
}

static void count_kept(struct mp_kept *k, void *server)
{
	struct mp_server *s = server;
	struct mp_unpack u;
	struct mp_object *o;
	uint64_t handle;
	uint32_t refs = 0;

	if (k->size == 0)
		return;
	u = (struct mp_unpack){ k->data, k->data + k->size };
	while (mp_unpack_ref(&u, &handle) > 0) {
		refs++;
		o = find(s, handle);
		/* What is kept keeps what it refers to. */
		agree(o != NULL, 1);
		o->inside--;
	}
	agree(k->refs, refs);
}

/* What others have of each object is taken off its counts, and put back. */
static void balance(struct mp_server *s)
{
	struct count {
		uint64_t held, inside, pins;
	} *before = calloc(s->nplaces + 1, sizeof(*before));
	struct mp_reference *r, *next;
	struct mp_object *o;
	struct mp_client *c;
	struct mp_parked *w;
	uint64_t objects = 0;
	uint32_t n;

	agree(s->doomed == NULL, 1);
	for (uint64_t i = 0; i < s->nplaces; i++) {
		o = s->places[i].object;
		if (o == NULL)
			continue;
		objects++;
		agree(o->marked || o->doomed, 0);
		before[i] = (struct count){ o->held, o->inside, o->pins };
		agree(o->held + o->inside + o->pins != 0, 1);
	}
	agree(s->objects, objects);
	DL_FOREACH (s->clients, c) {
		HASH_ITER (hh, c->references, r, next) {
			o = find(s, r->handle);
			agree(o != NULL, 1);
			agree(r->n != 0, 1);
			o->held -= r->n;
		}
		n = 0;
		DL_FOREACH2 (c->parked, w, client_next) {
			agree(w->client == c, 1);
			w->object->pins--;
			n++;
		}
		agree(c->nparked, n);
	}
	for (uint64_t i = 0; i < s->nplaces; i++) {
		o = s->places[i].object;
		if (o != NULL && o->verbs->kind->visit != NULL)
			o->verbs->kind->visit(o->state, count_kept, s);
	}
	for (uint64_t i = 0; i < s->nplaces; i++) {
		o = s->places[i].object;
		if (o == NULL)
			continue;
		agree(o->held, 0);
		agree(o->inside, 0);
		agree(o->pins, 0);
		o->held = before[i].held;
		o->inside = before[i].inside;
		o->pins = before[i].pins;
	}
	free(before);
}

static void has_reference(struct mp_client *c, uint64_t handle)
{
	struct mp_reference *r;

	if (find(c->server, handle) == NULL)
		return; /* an argument that came back */
	HASH_FIND(hh, c->references, &handle, sizeof(handle), r);
	agree(r != NULL, 1);
}

/* The answers to a message: how many. */
static uint64_t read_answers(struct mp_client *c, int *confused)
{
	struct mp_unpack u = { c->out.data, c->out.data }, in;
	struct mp_any id, status, value;
	uint64_t handle, n = 0;

	if (c->out.size != 0)
		u.end += c->out.size;
	agree(c->out.error, 0);
	*confused = 0;
	while (u.at != u.end) {
		agree(mp_unpack_any(&u, &id), 0);
		agree(mp_unpack_any(&u, &status), 0);
		agree(mp_unpack_any(&u, &value), 0);
		agree(status.type, MP_ANY_INT);
		agree(status.i <= 1 && status.i > -200, 1);
		if (status.i < 0)
			agree(value.type, MP_ANY_NIL);
		*confused |= status.i == -EBADMSG;
		if (value.type == MP_ANY_REF)
			has_reference(c, value.handle);
		in = mp_unpack_begin(value);
		while (mp_unpack_ref(&in, &handle) > 0)
			has_reference(c, handle);
		n++;
	}
	return n;
}

/* ---- what happens ---- */

static struct mp_client *come(struct story *t, int i)
{
	struct mp_client *c = t->clients[i];

	if (c != NULL)
		return c;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		err(1, "calloc");
	c->server = &t->server;
	c->conn = (struct mp_conn){
		.fd = -1, .bell_in = -1, .bell_out = -1, .poll_fd = -1
	};
	c->pidfd = -1;
	c->rings = true;
	c->dead = true; /* answers that come later go nowhere */
	c->number = ++t->server.numbers;
	DL_APPEND(t->server.clients, c);
	t->asked[i] = 0;
	return t->clients[i] = c;
}

static void free_gone(struct story *t)
{
	struct mp_client *c;

	while ((c = t->server.gone) != NULL) {
		for (int i = 0; i < CLIENTS; i++)
			if (t->clients[i] == c)
				t->clients[i] = NULL;
		DL_DELETE2(t->server.gone, c, some_prev, some_next);
		mp_client_free(c);
	}
}

static void deliver(struct story *t, int i, const struct mp_pack *p)
{
	struct mp_client *c = come(t, i);
	uint32_t parked = c->nparked; /* already */
	uint64_t answers;
	int confused;

	/* Bytes of their own, so that a reading too far is seen. */
	unsigned char *data = malloc(p->size + 1);

	memcpy(data, p->data, p->size);
	mp_serve_requests(c, data, p->size);
	free(data);
	if (t->server.ended || c->state == MP_CLIENT_GONE) {
		t->server.ended = false;
	} else {
		answers = read_answers(c, &confused);
		agree(t->loose || answers <= t->asked[i] + (uint64_t)confused,
		      1);
		/* What was answered does not wait. */
		if (c->nparked > parked && !t->loose)
			agree(answers + c->nparked - parked <=
				      t->asked[i] + t->silent +
					      (uint64_t)confused,
			      1);
	}
	mp_pack_clear(&c->out);
	t->asked[i] = t->silent = 0;
	t->loose = 0;
	free_gone(t);
	balance(&t->server);
}

/* The first byte of each: bits 0 and 1: the client; others: what. */
static void tell(struct story *t)
{
	struct mp_pack p = { 0 };
	int requests = 0;

	while (t->at != t->end && requests < TALKING) {
		uint8_t first = byte(t);
		int i = first % CLIENTS, n = 1;

		come(t, i);
		switch (first >> 4) {
		case 15: /* it dies */
			mp_client_gone(t->clients[i]);
			free_gone(t);
			break;
		case 14: /* a deadline, for some */
			t->server.alarm = 0;
			mp_park_look(&t->server);
			break;
		case 13:
			mp_object_collect(&t->server, true);
			break;
		case 12: /* anything */
			say_bytes(t, &p, MP_ANY_RAW);
			break;
		case 11:
		case 10: /* several in one message */
			n = 4;
			/* Fall through. */
		default:
			for (; n > 0; n--, requests++)
				say_request(t, &p, i);
		}
		if (p.size != 0)
			deliver(t, i, &p);
		else
			balance(&t->server);
		mp_pack_clear(&p);
		mp_object_sweep(&t->server);
	}
	mp_pack_free(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mp_manager_options o = { .message_max = LONGEST };
	struct story t = { .at = data, .end = data + size };

	if (mp_server_init(&t.server, &o, -1) < 0)
		err(1, "mp_server_init");
	tell(&t);
	while (t.server.clients != NULL)
		mp_client_gone(t.server.clients);
	free_gone(&t);
	mp_object_collect(&t.server, true);
	balance(&t.server);
	agree(t.server.objects, 0);
	mp_server_end(&t.server);
	return 0;
}

/* ---- good stories ---- */

/* create: 0x80, then 16 * its place in words */
const struct fuzz_seed fuzz_seeds[] = {
	/* a dict: set 'a' to itself; get it; drop it once */
	FUZZ_SEED("\0\200\0\0\40\1\0\6\115\12\0\0\20\0\0\6\115\0\220\12\12\0"),
	/* a list in a list; pop; the client dies */
	FUZZ_SEED("\0\200\20\0\200\20\0\20\3\0\12\1\0\20\4\0\2\3\360\1\0\0\0"),
	/* a queue: one gets, another puts */
	FUZZ_SEED("\0\200\60\0\0\0\0\1\20\6\0\56\0\2\1\1\20\6\0\2\1\0\0\0\0"),
	/* a lock, a condition with it: acquire, wait, notify */
	FUZZ_SEED("\0\200\100\0\220\120\12\0\0\0\7\1\0\0\11\1\1\0\7\1\1\0\12"
		  "\1\1\0\10\1\361"),
	/* a cycle of two lists, then nobody has them */
	FUZZ_SEED("\0\200\20\0\200\20\0\20\3\0\12\1\0\20\3\1\12\0\360\320"),
	/* a list goes, another comes in its place; a handle of the first */
	FUZZ_SEED("\0\200\20\0\220\12\12\0\0\200\20\0\20\3\0\12\372\0\20\3\0\2"
		  "\1"),
	/* hello, with the references of client 1 */
	FUZZ_SEED("\0\200\0\1\240\15\3\3\3\3\360\1\0\0\0\0\361"),
	/* one message: a get that waits, and others that are answered */
	FUZZ_SEED("\0\200\60\240\0\0\0\0\11\0\0\11\0\0\11\0\1\20\6\0\2\1\360"),
	{ NULL, 0 }
};
