/* stories-07.c - objects of a manager (S31), and its end (S32): stories-07.bats
 * builds it with the library.
 *
 * stories-07 objects | shutdown | killed
 */
#include <err.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "mp/process.h"
#include "mp/proxy.h"

enum { DICT, LIST, NAMESPACE, VALUE, ARRAY, LOCK, QUEUE, OBJECTS };
enum { CLIENTS = 3 };

static struct mp_manager m;
static struct mp_proxy p[OBJECTS];

static int must(const char *what, int rc)
{
	if (rc < 0)
		errx(1, "%s: %s", what, strerror(-rc));
	return rc;
}

static void create(int i, const char *type, const struct mp_any *args,
		   uint32_t n)
{
	must(type, mp_manager_create(&m, &p[i], type, args, n));
}

static int number_at(int i, struct mp_any key)
{
	struct mp_any v;

	must("get", mp_proxy_get(&p[i], key, &v));
	return (int)v.i;
}

/* Another client: the lock is held, the nested list can be used. */
static int other(void *unused)
{
	struct mp_proxy inner;
	struct mp_any v;

	if (mp_proxy_acquire(&p[LOCK], 0) != -ETIMEDOUT)
		errx(1, "the lock was free");
	must("get", mp_proxy_get(&p[DICT], mp_any_str("list"), &v));
	must("open", mp_proxy_open(&inner, &m, v));
	must("append", mp_proxy_append(&inner, mp_any_int(3)));
	must("close", mp_proxy_close(&inner));
	return unused != NULL;
}

static void run(int (*target)(void *))
{
	struct mp_process w;
	int code;

	must("init", mp_process_init(&w, target, NULL, NULL));
	must("start", mp_process_start(&w));
	must("join", mp_process_join(&w, -1));
	must("exitcode", mp_process_exitcode(&w, &code));
	if (code != 0)
		errx(1, "the other client: exit code %d", code);
}

static void use_values(void)
{
	struct mp_any v;

	must("set", mp_proxy_set(&p[DICT], mp_any_str("a"), mp_any_int(1)));
	printf("dict: %d\n", number_at(DICT, mp_any_str("a")));
	for (int i = 0; i < 3; i++)
		must("append", mp_proxy_append(&p[LIST], mp_any_int(i)));
	must("pop", mp_proxy_pop(&p[LIST], mp_any_nil(), &v));
	printf("list: %d %d, popped %d\n", number_at(LIST, mp_any_int(0)),
	       number_at(LIST, mp_any_int(1)), (int)v.i);
	must("set",
	     mp_proxy_set(&p[NAMESPACE], mp_any_str("x"), mp_any_int(5)));
	printf("namespace: %d\n", number_at(NAMESPACE, mp_any_str("x")));
	v = mp_any_int(8);
	must("set", mp_proxy_call(&p[VALUE], "set", &v, 1, NULL));
	must("get", mp_proxy_call(&p[VALUE], "get", NULL, 0, &v));
	printf("value: %d\n", (int)v.i);
	must("set", mp_proxy_set(&p[ARRAY], mp_any_int(1), mp_any_int(20)));
	printf("array: %d %d %d\n", number_at(ARRAY, mp_any_int(0)),
	       number_at(ARRAY, mp_any_int(1)),
	       number_at(ARRAY, mp_any_int(2)));
}

static void use_queue(void)
{
	struct mp_any v[2];

	must("put", mp_proxy_put(&p[QUEUE], mp_any_int(1), -1));
	must("put", mp_proxy_put(&p[QUEUE], mp_any_int(2), -1));
	must("take", mp_proxy_take(&p[QUEUE], &v[0], -1));
	printf("queue: %d", (int)v[0].i);
	must("take", mp_proxy_take(&p[QUEUE], &v[1], -1));
	printf(" %d\n", (int)v[1].i);
}

static void objects(void)
{
	struct mp_any args[2] = { mp_any_str("i"), mp_any_int(7) };
	int64_t at_first = mp_manager_count(&m);
	struct mp_any v;

	create(DICT, "dict", NULL, 0);
	create(LIST, "list", NULL, 0);
	create(NAMESPACE, "namespace", NULL, 0);
	create(VALUE, "value", args, 2);
	args[1] = mp_any_int(3); /* three zeros */
	create(ARRAY, "array", args, 2);
	create(LOCK, "lock", NULL, 0);
	create(QUEUE, "queue", NULL, 0);
	use_values();
	use_queue();

	must("set", mp_proxy_set(&p[DICT], mp_any_str("list"),
				 mp_proxy_any(&p[LIST])));
	must("close", mp_proxy_close(&p[LIST])); /* the dict has it */
	must("acquire", mp_proxy_acquire(&p[LOCK], -1));
	run(other);
	must("release", mp_proxy_release(&p[LOCK]));
	must("get", mp_proxy_get(&p[DICT], mp_any_str("list"), &v));
	must("open", mp_proxy_open(&p[LIST], &m, v));
	printf("lock: held\nnested: %d entries\n",
	       (int)mp_proxy_length(&p[LIST]));

	printf("objects: %d more\n", (int)(mp_manager_count(&m) - at_first));
	for (int i = 0; i < OBJECTS; i++)
		must("close", mp_proxy_close(&p[i]));
	printf("objects: %d more\n", (int)(mp_manager_count(&m) - at_first));
}

/* ---- the end */

/* It sleeps: no call of it comes back before something happens. */
static void until_asleep(struct mp_process *w)
{
	char path[32], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", mp_process_pid(w));
	while (state != 'S') {
		sched_yield();
		f = fopen(path, "r");
		if (!f || fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
			errx(1, "%s cannot be read", path);
		fclose(f);
	}
}

static int waits(void *unused)
{
	must("append", mp_proxy_append(&p[LIST], mp_any_int(1)));
	return mp_proxy_acquire(&p[LOCK], -1) != -EPIPE || unused != NULL;
}

static void end(int kills)
{
	struct mp_process w[CLIENTS];
	int code, errors = 0;

	create(LIST, "list", NULL, 0);
	create(LOCK, "lock", NULL, 0);
	must("acquire", mp_proxy_acquire(&p[LOCK], -1));
	for (int i = 0; i < CLIENTS; i++) {
		must("init", mp_process_init(&w[i], waits, NULL, NULL));
		must("start", mp_process_start(&w[i]));
	}
	while (must("length", (int)mp_proxy_length(&p[LIST])) < CLIENTS)
		sched_yield();
	for (int i = 0; i < CLIENTS; i++)
		until_asleep(&w[i]);
	if (kills)
		must("kill", mp_process_kill(&m.process));
	else
		must("shutdown", mp_manager_shutdown(&m));
	for (int i = 0; i < CLIENTS; i++) {
		must("join", mp_process_join(&w[i], -1));
		must("exitcode", mp_process_exitcode(&w[i], &code));
		errors += code == 0;
	}
	printf("%d of %d have an error, the next: %s\n", errors, CLIENTS,
	       strerror(-mp_proxy_release(&p[LOCK])));
}

int main(int argc, char *argv[])
{
	const char *what = argc == 2 ? argv[1] : "";

	must("manager", mp_manager_start(&m, NULL));
	if (strcmp(what, "objects") == 0)
		objects();
	else if (strcmp(what, "shutdown") == 0 || strcmp(what, "killed") == 0)
		end(what[0] == 'k');
	else
		errx(2, "'%s' is not objects, shutdown or killed", what);
	must("shutdown", mp_manager_shutdown(&m));
	return 0;
}
