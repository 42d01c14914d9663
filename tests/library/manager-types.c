/* The types that hold values, alone with one client: each operation of
 * proxy.h's table, as in Python.
 */
#include "managers.h"

/* The first line creates, the others ask; without "->": 0 and nil. */
#define STORY(...) story((const char *const[]){ __VA_ARGS__, NULL })

/* ---- dict ---- */

static void dicts(void)
{
	STORY("dict", "length -> 0", "copy -> {}", "keys -> []",
	      "get 'a' -> ENOENT", "popitem -> ENOENT", "set 'a' 1",
	      "get 'a' -> 1", "set 'a' 2", "get 'a' -> 2", "length -> 1",
	      "contains 'a' -> true", "contains 'b' -> false", "delete 'a'",
	      "delete 'a' -> ENOENT", "length -> 0");
	STORY("dict {'b': 2, 'a': 1}", "copy -> {'b': 2, 'a': 1}",
	      "keys -> ['b', 'a']", "values -> [2, 1]",
	      "items -> [['b', 2], ['a', 1]]", "set 'b' 3",
	      "copy -> {'b': 3, 'a': 1}", "delete 'b'", "set 'b' 4",
	      "copy -> {'a': 1, 'b': 4}", "update {'c': 5, 'a': 6}",
	      "copy -> {'a': 6, 'b': 4, 'c': 5}", "popitem -> ['c', 5]",
	      "popitem -> ['b', 4]", "length -> 1", "clear", "length -> 0",
	      "copy -> {}");
	STORY("dict {'a': 1}", "setdefault 'a' 5 -> 1", "setdefault 'b' 5 -> 5",
	      "copy -> {'a': 1, 'b': 5}", "pop 'a' -> 1", "pop 'a' -> ENOENT",
	      "pop 'a' 9 -> 9", "pop 'b' 9 -> 5", "length -> 0");
	STORY("dict", "add 'n' 1 -> 1", "add 'n' 41 -> 42", "add 'n' -50 -> -8",
	      "get 'n' -> -8", "set 's' 'text'", "add 's' 1 -> EINVAL",
	      "get 's' -> 'text'", "set 'f' 1.5", "add 'f' 1 -> 2.5",
	      "add 'n' 'x' -> EINVAL", "get 'n' -> -8");
	STORY("dict {'a': 1}", "compare_exchange 'a' 2 3 -> false",
	      "get 'a' -> 1", "compare_exchange 'a' 1 3 -> true",
	      "get 'a' -> 3", "compare_exchange 'a' 3.0 4 -> false",
	      "compare_exchange 'a' '3' 4 -> false", "get 'a' -> 3",
	      "set 'l' [1, [2]]", "compare_exchange 'l' [1, [3]] 0 -> false",
	      "compare_exchange 'l' [1, [2]] 0 -> true", "get 'l' -> 0");
}

static void keys_and_values(void)
{
	STORY("dict", "set 1 'int'", "set 1.0 'float'", "set '1' 'str'",
	      "set b'1' 'bin'", "set true 'bool'", "set nil 'nil'",
	      "set [1] 'list'", "set -1 'minus'", "set 18446744073709551615 0",
	      "length -> 9", "get 1 -> 'int'", "get 1.0 -> 'float'",
	      "get '1' -> 'str'", "get b'1' -> 'bin'", "get true -> 'bool'",
	      "get nil -> 'nil'", "get [1] -> 'list'", "get -1 -> 'minus'",
	      "get 18446744073709551615 -> 0", "get false -> ENOENT",
	      "get [2] -> ENOENT", "get '' -> ENOENT");
	STORY("dict", "set 0 nil", "get 0 -> nil", "set 0 false",
	      "get 0 -> false", "set 0 -9223372036854775808",
	      "get 0 -> -9223372036854775808", "set 0 18446744073709551615",
	      "get 0 -> 18446744073709551615", "set 0 1.25", "get 0 -> 1.25",
	      "set 0 b'bytes'", "get 0 -> b'bytes'",
	      "set 0 {'a': [1, {'b': nil}], 2: true}",
	      "get 0 -> {'a': [1, {'b': nil}], 2: true}", "set 0 ''",
	      "get 0 -> ''", "set 0 []", "get 0 -> []", "set 0 {}",
	      "get 0 -> {}");
}

static void wrong_arguments(void)
{
	STORY("dict 5 -> EINVAL");
	STORY("dict [1, 2] -> EINVAL");
	STORY("dict {} {} -> EINVAL");
	STORY("dict {'a': 1}", "get -> EINVAL", "get 'a' 'b' 'c' -> EINVAL",
	      "set 'a' -> EINVAL", "set -> EINVAL", "set 'a' 1 2 -> EINVAL",
	      "delete -> EINVAL", "length 1 -> EINVAL", "update -> EINVAL",
	      "update 5 -> EINVAL", "update [1] -> EINVAL", "add 'a' -> EINVAL",
	      "compare_exchange 'a' 1 -> EINVAL", "fly -> EOPNOTSUPP",
	      "append 1 -> EOPNOTSUPP", "acquire -> EOPNOTSUPP",
	      "getx 'a' -> EOPNOTSUPP", "ge 'a' -> EOPNOTSUPP",
	      "copy -> {'a': 1}");
	STORY("list 5 -> EINVAL");
	STORY("list {} -> EINVAL");
	STORY("list [1] [2] -> EINVAL");
	STORY("list [1]", "get -> EINVAL", "get 'a' -> EINVAL",
	      "get 0.0 -> EINVAL", "get nil -> EINVAL", "set 0 -> EINVAL",
	      "append -> EINVAL", "append 1 2 -> EINVAL", "extend 1 -> EINVAL",
	      "extend {} -> EINVAL", "insert 1 -> EINVAL",
	      "insert 'a' 1 -> EINVAL", "delete 'a' -> EINVAL",
	      "slice 0 -> EINVAL", "slice 'a' 'b' -> EINVAL",
	      "add 0 'x' -> EINVAL", "keys -> EOPNOTSUPP", "copy -> [1]");
	STORY("set 5 -> EINVAL");
	STORY("set {} -> EINVAL");
	STORY("namespace 5 -> EINVAL");
	STORY("sett -> ENOENT");
	STORY("dic -> ENOENT");
}

/* ---- set ---- */

static void sets(void)
{
	STORY("set", "length -> 0", "pop -> ENOENT", "add 1", "add 1", "add 2",
	      "length -> 2", "contains 1 -> true", "contains 3 -> false",
	      "discard 3", "discard 1", "contains 1 -> false",
	      "remove 1 -> ENOENT", "remove 2", "length -> 0", "copy -> []");
	STORY("set [3, 3, 'x', [1]]", "length -> 3", "contains [1] -> true",
	      "contains 'x' -> true", "contains 3.0 -> false",
	      "update [3, 4, 4]", "length -> 4", "contains 4 -> true", "clear",
	      "length -> 0", "add 7", "pop -> 7", "pop -> ENOENT",
	      "update 5 -> EINVAL", "get 7 -> EOPNOTSUPP");
}

/* What pop gives back is all there was, each once. */
static void set_popped(void)
{
	struct mp_proxy p;
	int64_t sum = 0;
	int n = 0;

	make(&p, "set");
	for (int i = 0; i < 100; i++)
		ask(&p, "add", I(i * 7 % 100));
	while (ask(&p, "pop") == 0 && n++ < 200)
		sum += answer.i;
	ok(n == 100 && sum == 4950, "a set of 100 is popped to its end");
	mp_proxy_close(&p);
}

/* ---- namespace ---- */

static void namespaces(void)
{
	STORY("namespace", "set 'x' 1", "get 'x' -> 1", "set 'y' [1]",
	      "length -> 2", "copy -> {'x': 1, 'y': [1]}",
	      "contains 'y' -> true", "delete 'y'", "get 'y' -> ENOENT",
	      "delete 'y' -> ENOENT", "set 5 1 -> EINVAL",
	      "set nil 1 -> EINVAL", "add 'x' 2 -> 3", "keys -> ['x']");
}

/* ---- list ---- */

static void lists(void)
{
	STORY("list", "length -> 0", "get 0 -> ERANGE", "get -1 -> ERANGE",
	      "pop -> ERANGE", "set 0 1 -> ERANGE", "delete 0 -> ERANGE",
	      "append 1", "append 'b'", "append [3]", "copy -> [1, 'b', [3]]",
	      "length -> 3", "get 0 -> 1", "get 2 -> [3]", "get -1 -> [3]",
	      "get -3 -> 1", "get 3 -> ERANGE", "get -4 -> ERANGE",
	      "get 9223372036854775807 -> ERANGE",
	      "get -9223372036854775808 -> ERANGE", "set 1 'c'", "set -1 3",
	      "copy -> [1, 'c', 3]", "set 3 0 -> ERANGE", "set -4 0 -> ERANGE",
	      "clear", "copy -> []");
	STORY("list [1, 2]", "extend [3, 4]", "extend []",
	      "copy -> [1, 2, 3, 4]", "insert 0 0", "insert 5 5",
	      "copy -> [0, 1, 2, 3, 4, 5]", "insert 100 'end'",
	      "insert -100 'begin'", "insert -1 'x'",
	      "copy -> ['begin', 0, 1, 2, 3, 4, 5, 'x', 'end']", "pop -> 'end'",
	      "pop 0 -> 'begin'", "pop -1 -> 'x'", "pop -2 -> 4",
	      "copy -> [0, 1, 2, 3, 5]", "pop 5 -> ERANGE", "pop -6 -> ERANGE",
	      "delete 0", "delete -1", "copy -> [1, 2, 3]",
	      "delete 3 -> ERANGE", "length -> 3");
	STORY("list [1, 2, 1, 'a', [1]]", "remove 1",
	      "copy -> [2, 1, 'a', [1]]", "remove 7 -> ENOENT", "index 1 -> 1",
	      "index [1] -> 3", "index 9 -> ENOENT", "count 1 -> 1",
	      "count 9 -> 0", "contains 'a' -> true", "contains 'b' -> false",
	      "append 1", "count 1 -> 2", "index 1 -> 1");
	STORY("list [1, 2.5, 'x']", "add 0 4 -> 5", "add -2 1 -> 3.5",
	      "add 2 1 -> EINVAL", "add 3 1 -> ERANGE",
	      "compare_exchange 0 5 6 -> true",
	      "compare_exchange 0 5 7 -> false",
	      "compare_exchange 9 5 7 -> ERANGE", "copy -> [6, 3.5, 'x']");
}

static void lists_in_order(void)
{
	STORY("list [3, 1, 2]", "reverse", "copy -> [2, 1, 3]", "sort",
	      "copy -> [1, 2, 3]", "reverse", "copy -> [3, 2, 1]");
	STORY("list", "sort", "reverse", "copy -> []");
	STORY("list [5, -7, 9223372036854775807, -9223372036854775808, 0, 2.5]",
	      "sort",
	      "copy -> [-9223372036854775808, -7, 0, 2.5, 5, "
	      "9223372036854775807]");
	STORY("list ['b', 'a', '', 'ab', 'aa']", "sort",
	      "copy -> ['', 'a', 'aa', 'ab', 'b']");
	STORY("list [0, 1, 2, 3, 4]", "slice 1 3 -> [1, 2]",
	      "slice 0 5 -> [0, 1, 2, 3, 4]", "slice 0 100 -> [0, 1, 2, 3, 4]",
	      "slice -2 5 -> [3, 4]", "slice -100 2 -> [0, 1]",
	      "slice 3 1 -> []", "slice 5 9 -> []",
	      "slice 0 -1 -> [0, 1, 2, 3]", "slice 2 2 -> []", "length -> 5");
}

/* Sorting is right for many, and equal ones keep their order. */
static void sorted(void)
{
	enum { N = 1000 };
	unsigned seed = 1;
	struct mp_proxy p;
	struct mp_unpack u;
	struct mp_any v;
	int64_t before = INT64_MIN;
	int bad = 0, n = 0;

	make(&p, "list");
	for (int i = 0; i < N; i++) {
		seed = seed * 1103515245 + 12345;
		mp_proxy_append(&p, I((int)(seed >> 16) % 500 - 250));
	}
	ask(&p, "sort");
	ask(&p, "copy");
	u = mp_unpack_begin(answer);
	mp_unpack_array(&u, &(uint32_t){ 0 });
	for (; mp_unpack_any(&u, &v) == 0; n++) {
		bad += v.i < before;
		before = v.i;
	}
	ok(n == N && bad == 0, "%d numbers are sorted", N);
	mp_proxy_close(&p);
}

/* ---- value, array ---- */

static void values(void)
{
	STORY("value 'i' 5", "get -> 5", "set 7", "get -> 7", "add 3 -> 10",
	      "add -20 -> -10", "set 'x' -> EINVAL", "set 1.5 -> EINVAL",
	      "set true -> EINVAL", "set nil -> EINVAL", "get -> -10",
	      "compare_exchange -10 1 -> true",
	      "compare_exchange -10 2 -> false", "get -> 1",
	      "compare_exchange 1 'x' -> EINVAL", "get -> 1", "get 0 -> EINVAL",
	      "length -> EOPNOTSUPP");
	STORY("value 'd' 1.5", "get -> 1.5", "set 2.25", "get -> 2.25",
	      "set 'x' -> EINVAL", "get -> 2.25");
	STORY("value 'c' 'text'", "get -> 'text'", "set ''", "get -> ''",
	      "set 5 -> EINVAL", "add 1 -> EINVAL");
	STORY("value 'b' true", "get -> true", "set false", "get -> false",
	      "set 0 -> EINVAL");
	STORY("value 'any' nil", "get -> nil", "set [1, {'a': 2}]",
	      "get -> [1, {'a': 2}]", "set 5", "add 1 -> 6");
	STORY("value 'q' 5 -> EINVAL");
	STORY("value 5 5 -> EINVAL");
	STORY("value 'i' 'x' -> EINVAL");
	STORY("value 'i' 1 2 -> EINVAL");
}

static void arrays(void)
{
	STORY("array 'i' [1, 2, 3]", "get 0 -> 1", "get -1 -> 3",
	      "get 3 -> ERANGE", "get -4 -> ERANGE", "set 1 20",
	      "copy -> [1, 20, 3]", "set 1 'x' -> EINVAL",
	      "set 1 2.5 -> EINVAL", "set 3 0 -> ERANGE", "add 1 5 -> 25",
	      "add 9 5 -> ERANGE", "length -> 3", "slice 1 3 -> [25, 3]",
	      "slice -2 100 -> [25, 3]", "append 4 -> EOPNOTSUPP",
	      "pop -> EOPNOTSUPP", "get 'a' -> EINVAL", "copy -> [1, 25, 3]");
	STORY("array 'i' 4", "copy -> [0, 0, 0, 0]", "length -> 4");
	STORY("array 'd' 2", "copy -> [0.0, 0.0]", "set 0 1.5",
	      "copy -> [1.5, 0.0]");
	STORY("array 'i' 0", "length -> 0", "get 0 -> ERANGE");
	STORY("array 'i' []", "length -> 0");
	STORY("array 'i' [1, 'x'] -> EINVAL");
	STORY("array 'i' -1 -> EINVAL");
	STORY("array 'z' 4 -> EINVAL");
	STORY("array 'i' -> EINVAL");
	STORY("array -> EINVAL");
}

/* ---- iteration ---- */

/* Go through it; how many, or an error.  *sum: of all keys and values. */
static int walk(struct mp_proxy *p, int64_t *sum)
{
	struct mp_proxy_iterator it = { .proxy = p };
	struct mp_any key, value;
	int n = 0, error;

	*sum = 0;
	while ((error = mp_proxy_next(&it, &key, &value)) > 0) {
		*sum += key.i + value.i;
		n++;
	}
	mp_proxy_stop(&it);
	return error < 0 ? error : n;
}

static void iteration(const char *type, int n)
{
	bool keyed = strcmp(type, "dict") == 0, set = strcmp(type, "set") == 0;
	int64_t sum, expected = 0;
	struct mp_proxy p;

	if (strcmp(type, "array") == 0)
		make(&p, type, S("i"), I(n));
	else
		make(&p, type);
	for (int i = 0; i < n; i++) {
		if (set)
			ask(&p, "add", I(i));
		else if (strcmp(type, "list") == 0)
			mp_proxy_append(&p, I(3 * i));
		else
			mp_proxy_set(&p, I(i), I(3 * i));
		/* A set's value is its key: whether it comes as both is not
		 * asked here. */
		expected += set ? 0 : 4 * i;
	}
	is(walk(&p, &sum), n, "a %s of %d: all elements", type, n);
	if (!set)
		is(sum, expected, "each once");
	(void)keyed;
	mp_proxy_close(&p);
}

static void iterations(void)
{
	static const char *const types[] = { "dict", "list", "set", "array" };
	static const int sizes[] = { 0, 1, 2, 300, 5000 };

	for (int t = 0; t < 4; t++)
		for (int s = 0; s < 5; s++)
			iteration(types[t], sizes[s]);
}

/* Elements that come or go between two requests are seen. */
static void iteration_disturbed(void)
{
	struct mp_any key, value;
	struct mp_proxy p;
	int n, error;

	for (int grow = 0; grow < 2; grow++) {
		struct mp_proxy_iterator it = { .proxy = &p };

		make(&p, "dict");
		for (int i = 0; i < 5000; i++)
			mp_proxy_set(&p, I(i), I(i));
		is(mp_proxy_next(&it, &key, &value), 1, "a first element");
		if (grow)
			mp_proxy_set(&p, I(-1), I(0));
		else
			mp_proxy_delete(&p, I(4000));
		for (n = 1; (error = mp_proxy_next(&it, &key, &value)) > 0;)
			n++;
		is(error, -EBUSY, "one %s: the walk says so",
		   grow ? "more" : "less");
		ok(n < 5000, "at the next request");
		mp_proxy_stop(&it);
		mp_proxy_close(&p);
	}
}

static void iteration_strings(void)
{
	struct mp_proxy_iterator it = { 0 };
	struct mp_any key, value;
	struct mp_proxy p;
	int bad = 0, n = 0;
	char s[20];

	make(&p, "dict");
	for (int i = 0; i < 1000; i++) {
		snprintf(s, sizeof(s), "key %d", i);
		mp_proxy_set(&p, S(s), any("[1, 'two', {3: 4}]"));
	}
	it.proxy = &p;
	for (; mp_proxy_next(&it, &key, &value) > 0; n++) {
		snprintf(s, sizeof(s), "key %d", n);
		bad += !mp_any_is(key, s) ||
		       strcmp(text(value), "[1, 'two', {3: 4}]") != 0;
	}
	ok(n == 1000 && bad == 0, "strings and lists, in the order they came");
	/* Half way, and given up. */
	it = (struct mp_proxy_iterator){ .proxy = &p };
	mp_proxy_next(&it, &key, &value);
	mp_proxy_stop(&it);
	mp_proxy_close(&p);
	STORY("dict {1: 2}", "next 'x' -> EINVAL");
}

int main(void)
{
	int before = tap_descriptors();

	open_manager(NULL);
	dicts();
	keys_and_values();
	wrong_arguments();
	sets();
	set_popped();
	namespaces();
	lists();
	lists_in_order();
	sorted();
	values();
	arrays();
	iterations();
	iteration_disturbed();
	iteration_strings();
	is(objects(), 0, "no object is left");
	close_manager();
	is(tap_descriptors(), before, "no descriptor is left open");
	return tap_done();
}
