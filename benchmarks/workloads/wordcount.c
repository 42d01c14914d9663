/* wordcount - how often each word occurs in many text files: map and reduce.
 *
 * A task is a 64th of the text, some whole files or a part of a long one: it
 * reads them and counts into a hash table of its own (uthash).  What it leaves
 * are the words with their numbers.  In the end one process adds all tables
 * into one and sorts it: the serial part that Amdahl's law speaks of.  The
 * sequential run counts into one table at once, and has no such second pass.
 *
 * A word is a run of letters; A to Z become a to z, and any byte of a longer
 * UTF-8 character is a letter.
 *
 * The text is this repository's own *.md, *.c and *.h, over and over until it
 * is as long as it is to be; or the files of a folder, once.
 */
#include "workloads/workload.h"

#ifdef HAVE_UTHASH
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#define TASKS   64
#define LEAST   4096           /* bytes of a task, if there are so many */
#define MOST    (256 << 10)    /* and at most; and of a part */
#define LONGEST (256ull << 20) /* the whole text */
#define FOLDERS 5

#ifndef TEXTS
#define TEXTS "." /* where the repository's own texts are */
#endif

/* Of a file. */
struct part {
	const char *path;
	off_t offset;
	size_t length;
};

static struct part *parts;
static size_t nparts;
static size_t *first; /* part of each task, and one more */
static char **paths;
static int npaths;
static uint64_t once; /* bytes of a folder; 0: over and over */

/* ---- a table of words ---- */

struct word {
	UT_hash_handle hh;
	uint32_t count;
	uint16_t length;
	char text[];
};

static struct word *total; /* merge, alone and whole share it */

static int count(struct word **table, const char *text, size_t length,
		 uint32_t times)
{
	struct word *w;

	HASH_FIND(hh, *table, text, length, w);
	if (w == NULL) {
		w = malloc(sizeof(*w) + length);
		if (w == NULL)
			return -ENOMEM;
		w->count = 0;
		w->length = (uint16_t)length;
		memcpy(w->text, text, length);
		HASH_ADD_KEYPTR(hh, *table, w->text, length, w);
	}
	w->count += times;
	return 0;
}

static void forget(struct word **table)
{
	struct word *w, *next;

	HASH_ITER (hh, *table, w, next) {
		HASH_DEL(*table, w);
		free(w);
	}
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (unsigned char)c >= 0x80;
}

static int count_text(struct word **table, char *text, size_t length)
{
	size_t begin, i = 0;
	int e = 0;

	while (i < length && e == 0) {
		while (i < length && !is_letter(text[i]))
			i++;
		for (begin = i;
		     i < length && is_letter(text[i]) && i - begin < UINT16_MAX;
		     i++)
			if (text[i] >= 'A' && text[i] <= 'Z')
				text[i] = (char)(text[i] + 'a' - 'A');
		if (i > begin)
			e = count(table, text + begin, i - begin, 1);
	}
	return e;
}

static int read_part(const struct part *p, char *text)
{
	int fd = open(p->path, O_RDONLY | O_CLOEXEC), e = 0;
	ssize_t got = fd < 0 ? -1 : pread(fd, text, p->length, p->offset);

	if (got < 0)
		e = -errno;
	else if ((size_t)got != p->length)
		e = -ESTALE; /* it has changed */
	if (fd >= 0)
		close(fd);
	return e;
}

static int count_task(struct word **table, uint32_t task)
{
	char *text = malloc(MOST);
	int e = text == NULL ? -ENOMEM : 0;

	for (size_t i = first[task]; i < first[task + 1] && e == 0; i++) {
		e = read_part(&parts[i], text);
		if (e == 0)
			e = count_text(table, text, parts[i].length);
	}
	free(text);
	return e;
}

/* ---- a task; its words one behind the other: count, length, text ---- */

static int wordcount_run(uint32_t task, void *out)
{
	struct word *table = NULL, *w;
	char *to = out;
	int e = count_task(&table, task);

	for (w = table; w != NULL && e == 0; w = w->hh.next) {
		memcpy(to, &w->count, sizeof(w->count));
		memcpy(to + 4, &w->length, sizeof(w->length));
		memcpy(to + 6, w->text, w->length);
		to += 6 + w->length;
	}
	forget(&table);
	return e < 0 ? e : (int)(to - (char *)out);
}

static int wordcount_merge(const void *result, size_t size)
{
	const char *at = result, *end = at + size;
	uint16_t length;
	uint32_t times;
	int e = 0;

	for (; at < end && e == 0; at += 6 + length) {
		memcpy(&times, at, sizeof(times));
		memcpy(&length, at + 4, sizeof(length));
		e = count(&total, at + 6, length, times);
	}
	return e;
}

static int wordcount_alone(uint32_t task)
{
	return count_task(&total, task);
}

static int by_text(const struct word *a, const struct word *b)
{
	size_t n = a->length < b->length ? a->length : b->length;
	int order = memcmp(a->text, b->text, n);

	return order != 0 ? order : (int)a->length - (int)b->length;
}

/* Lines: the word and its number. */
static int wordcount_whole(void **bytes, size_t *size)
{
	FILE *f = open_memstream((char **)bytes, size);

	if (f == NULL)
		return -ENOMEM;
	HASH_SRT(hh, total, by_text);
	for (struct word *w = total; w != NULL; w = w->hh.next)
		fprintf(f, "%.*s %u\n", (int)w->length, w->text, w->count);
	forget(&total);
	return fclose(f) == 0 ? 0 : -ENOMEM;
}

/* ---- the text ---- */

/* Up to `most` bytes from the offset, but no word in two. */
static size_t cut(const char *path, off_t offset, size_t most)
{
	char before[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t from = offset + (off_t)most - (off_t)sizeof(before);
	size_t i = sizeof(before);

	if (fd < 0 || pread(fd, before, i, from) != (ssize_t)i)
		i = 0;
	while (i > 0 && is_letter(before[i - 1]))
		i--;
	if (fd >= 0)
		close(fd);
	return i > 0 ? most - sizeof(before) + i : most;
}

static int add(const char *path, off_t offset, size_t length)
{
	struct part *grown;

	if ((nparts & (nparts - 1)) == 0) {
		grown = realloc(parts, 2 * (nparts + 1) * sizeof(*parts));
		if (grown == NULL)
			return -ENOMEM;
		parts = grown;
	}
	parts[nparts++] = (struct part){ path, offset, length };
	return 0;
}

/* Parts of a file until there are `left` bytes no more. */
static int add_file(const char *path, uint64_t *left, size_t most)
{
	struct stat st;
	off_t at = 0;
	int e = stat(path, &st) < 0 ? -errno : 0;

	while (e == 0 && at<st.st_size && * left> 0) {
		size_t length = (size_t)(st.st_size - at);

		if (length > *left)
			length = (size_t)*left;
		if (length > most)
			length = cut(path, at, most);
		e = add(path, at, length);
		at += (off_t)length;
		*left -= length;
	}
	return e;
}

/* Whole parts to each task, at least `least` bytes. */
static int deal(size_t least, struct workload_plan *plan)
{
	size_t bytes = 0, longest = 0, n = 0;

	first = calloc(nparts + 1, sizeof(*first));
	if (first == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < nparts; i++) {
		bytes += parts[i].length;
		longest = bytes > longest ? bytes : longest;
		if (bytes >= least || i + 1 == nparts) {
			first[++n] = i + 1;
			bytes = 0;
		}
	}
	plan->tasks = (uint32_t)n;
	plan->room = longest * 4; /* words of one letter: 2 bytes become 7 */
	return 0;
}

/* The repository's own texts; what it generates is elsewhere. */
static int own_texts(void)
{
	static const char *const folders[FOLDERS] = { "/benchmarks", "/lessons",
						      "/plots", "/primitives",
						      "/tests" };
	char folder[4096];

	for (int i = 0; i < FOLDERS; i++) {
		char **more, **grown;
		int n;

		snprintf(folder, sizeof(folder), "%s%s", TEXTS, folders[i]);
		n = workload_files(folder, ".md .c .h", &more);
		if (n < 0)
			return n;
		grown = realloc(paths, (size_t)(npaths + n) * sizeof(*paths));
		if (grown == NULL)
			return -ENOMEM;
		paths = grown;
		memcpy(paths + npaths, more, (size_t)n * sizeof(*more));
		npaths += n;
		free(more);
	}
	return npaths > 0 ? 0 : -ENOENT;
}

static int wordcount_open(uint32_t kib, struct workload_plan *plan)
{
	uint64_t size = once > 0 ? once : (uint64_t)kib << 10, left = size;
	size_t most = size / TASKS < LEAST  ? LEAST
		      : size / TASKS > MOST ? MOST
					    : (size_t)(size / TASKS);
	int e = paths == NULL ? own_texts() : 0;

	nparts = 0;
	for (int i = 0; e == 0 && left > 0 && (i < npaths || once == 0); i++) {
		e = add_file(paths[i % npaths], &left, most);
		if (i + 1 == npaths && left == size)
			e = -ENODATA; /* empty, all of them */
	}
	if (e < 0)
		snprintf(plan->why, sizeof(plan->why), "texts of %.40s: %.40s",
			 TEXTS, strerror(-e));
	return e < 0 ? e : deal(most, plan);
}

static void wordcount_tell(FILE *f)
{
	size_t task = 0;

	for (size_t i = 0; i < nparts; i++) {
		task += i == first[task + 1];
		fprintf(f, "%zu %lld %zu %s\n", task,
			(long long)parts[i].offset, parts[i].length,
			parts[i].path);
	}
}

const char *workload_take_wordcount_folder(const char *folder)
{
	uint64_t size = 0;
	struct stat st;
	int n = workload_files(folder, NULL, &paths);

	if (n < 0)
		return strerror(-n);
	npaths = n;
	for (int i = 0; i < n; i++) {
		if (access(paths[i], R_OK) < 0 || stat(paths[i], &st) < 0)
			return "a file in it cannot be read";
		if (strchr(paths[i], '\n') != NULL)
			return "a file in it has a newline in its name";
		size += (uint64_t)st.st_size;
	}
	if (size == 0)
		return "there is no text in it";
	if (size > LONGEST)
		return "there are more than 256 MiB in it";
	once = size;
	workload_wordcount.words = "words of a folder";
	workload_wordcount.python = 1;
	return NULL;
}
#else
#include <errno.h>

const char *workload_take_wordcount_folder(const char *folder)
{
	(void)folder;
	return "built without uthash (uthash-dev)";
}

static int wordcount_open(uint32_t size, struct workload_plan *plan)
{
	(void)size;
	(void)plan;
	return -ENOENT;
}

static int wordcount_run(uint32_t task, void *out)
{
	(void)task;
	(void)out;
	return -ENOENT;
}

#define wordcount_merge NULL
#define wordcount_whole NULL
#define wordcount_alone NULL
#define wordcount_tell  NULL
#endif

struct workload workload_wordcount = {
	.name = "wordcount",
	.words = "words of %u KiB of text",
#ifndef HAVE_UTHASH
	.missing = "uthash; install uthash-dev and build again",
#endif
	.methods = "sequential threads openmp fork_task fork_index mp_pool "
		   "python_sequential python_pool python_executor",
	.size = 16384,
	.smoke = 16,
	.python = 4,
	.open = wordcount_open,
	.run = wordcount_run,
	.merge = wordcount_merge,
	.whole = wordcount_whole,
	.alone = wordcount_alone,
	.tell = wordcount_tell,
};
