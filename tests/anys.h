/* anys.h - for tests: values as text, and text as values.
 *
 *	nil true false  1 -2  1.5  'text'  b'bytes'  @7  [1, 'a']  {'a': 1}
 *
 *	struct mp_any v = any("[1, 'a']");	 in memory of its own
 *	puts(text(v));				 [1, 'a']
 *
 * @7 is a reference to the seventh object of the server.  In text a float
 * always has a point; strings contain no quotes.
 */
#ifndef ANYS_H
#define ANYS_H

#include <inttypes.h>

#include "mp/any.h"
#include "tap.h"

/* ---- from text ---- */

static void read_text(const char **s, struct mp_pack *p);

static inline void skip(const char **s, const char *these)
{
	*s += strspn(*s, these);
}

/* Elements up to the closing bracket, packed; how many. */
static inline uint32_t read_elements(const char **s, char close,
				     struct mp_pack *p)
{
	uint32_t n = 0;

	for (skip(s, " ,:"); **s != close; skip(s, " ,:"), n++) {
		if (**s == '\0')
			errx(2, "no %c", close);
		read_text(s, p);
	}
	++*s;
	return n;
}

static inline void read_list(const char **s, struct mp_pack *p)
{
	bool map = *(*s)++ == '{';
	struct mp_pack elements = { 0 };
	uint32_t n = read_elements(s, map ? '}' : ']', &elements);

	if (map)
		mp_pack_map(p, n / 2);
	else
		mp_pack_array(p, n);
	for (struct mp_unpack u = { elements.data,
				    elements.data + elements.size };
	     n > 0; n--) {
		struct mp_any v;

		mp_unpack_any(&u, &v);
		mp_pack_any(p, v);
	}
	mp_pack_free(&elements);
}

static inline void read_quoted(const char **s, struct mp_pack *p)
{
	bool bytes = **s == 'b';
	const char *begin = *s + 1 + bytes, *end = strchr(begin, '\'');
	struct mp_any v;

	if (end == NULL)
		errx(2, "no closing quote: %s", *s);
	v = mp_any_bin(begin, (uint32_t)(end - begin));
	if (!bytes)
		v.type = MP_ANY_STR;
	mp_pack_any(p, v);
	*s = end + 1;
}

static inline void read_number(const char **s, struct mp_pack *p)
{
	size_t n = strcspn(*s, " ,:]}");
	char *end;

	if (memchr(*s, '.', n) != NULL)
		mp_pack_any(p, mp_any_float(strtod(*s, &end)));
	else if (**s == '-')
		mp_pack_any(p, mp_any_int(strtoll(*s, &end, 10)));
	else
		mp_pack_any(p, mp_any_uint(strtoull(*s, &end, 10)));
	if (end != *s + n)
		errx(2, "no value: %s", *s);
	*s = end;
}

static inline bool read_word(const char **s, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*s, word, n) != 0)
		return false;
	*s += n;
	return true;
}

static inline void read_text(const char **s, struct mp_pack *p)
{
	skip(s, " ");
	if (read_word(s, "nil"))
		mp_pack_any(p, mp_any_nil());
	else if (read_word(s, "true"))
		mp_pack_any(p, mp_any_bool(true));
	else if (read_word(s, "false"))
		mp_pack_any(p, mp_any_bool(false));
	else if (**s == '\'' || (**s == 'b' && (*s)[1] == '\''))
		read_quoted(s, p);
	else if (**s == '[' || **s == '{')
		read_list(s, p);
	else if (**s == '@')
		mp_pack_any(p, mp_any_ref(strtoull(*s + 1, (char **)s, 10)));
	else
		read_number(s, p);
}

/* The value of a text, good until 64 more were made. */
static inline struct mp_any any(const char *s)
{
	static struct mp_pack packs[64];
	static unsigned turn;
	struct mp_pack *p = &packs[turn++ % 64];
	struct mp_unpack u;
	struct mp_any v;

	mp_pack_clear(p);
	read_text(&s, p);
	if (p->error != 0)
		errx(2, "any: %s", strerror(-p->error));
	u = (struct mp_unpack){ p->data, p->data + p->size };
	mp_unpack_any(&u, &v);
	return v;
}

/* ---- to text ---- */

__attribute__((format(printf, 2, 3))) static inline void add_text(
	char *to, const char *format, ...)
{
	size_t n = strlen(to);
	va_list ap;

	va_start(ap, format);
	vsnprintf(to + n, 4096 - n, format, ap);
	va_end(ap);
}

static inline void write_text(char *to, struct mp_any v);

static inline void write_nested(char *to, struct mp_any v)
{
	struct mp_unpack u = mp_unpack_begin(v);
	const char *close = "]";
	struct mp_any element;
	bool map = false;
	uint32_t n;

	if (mp_unpack_array(&u, &n) != 0) {
		map = mp_unpack_map(&u, &n) == 0;
		if (!map) {
			add_text(to, "<other>");
			return;
		}
		n *= 2;
		close = "}";
	}
	add_text(to, map ? "{" : "[");
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0)
			add_text(to, map && i % 2 ? ": " : ", ");
		if (mp_unpack_any(&u, &element) != 0)
			element = mp_any_str("<cut off>");
		write_text(to, element);
	}
	add_text(to, "%s", close);
}

static inline void write_text(char *to, struct mp_any v)
{
	char number[40];

	switch (v.type) {
	case MP_ANY_NIL:
		add_text(to, "nil");
		break;
	case MP_ANY_BOOL:
		add_text(to, v.boolean ? "true" : "false");
		break;
	case MP_ANY_INT:
		add_text(to, "%" PRId64, v.i);
		break;
	case MP_ANY_UINT:
		add_text(to, "%" PRIu64, v.u);
		break;
	case MP_ANY_FLOAT:
		snprintf(number, sizeof(number), "%.15g", v.f);
		add_text(to, "%s%s", number,
			 strpbrk(number, ".naif") != NULL ? "" : ".0");
		break;
	case MP_ANY_STR:
	case MP_ANY_BIN:
		add_text(to, "%s'%.*s'", v.type == MP_ANY_BIN ? "b" : "",
			 (int)v.length, (const char *)v.data);
		break;
	case MP_ANY_REF:
		add_text(to, "@%" PRIu64, v.handle);
		break;
	default:
		write_nested(to, v);
	}
}

/* Good until four more were made. */
static inline const char *text(struct mp_any v)
{
	static char texts[4][4096];
	static unsigned turn;
	char *to = texts[turn++ % 4];

	to[0] = '\0';
	write_text(to, v);
	return to;
}

#endif
