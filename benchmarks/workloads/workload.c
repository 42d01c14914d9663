/* See workload.h. */
#include "workloads/workload.h"

#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

uint32_t workload_python_size(const struct workload *w)
{
	uint32_t size = w->python > 0 ? w->size / w->python : 0;

	return w->python > 0 && size == 0 ? 1 : size;
}

void *workload_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static bool ends_with(const char *name, const char *endings)
{
	size_t length = strlen(name), n;

	for (const char *e = endings; e != NULL && *e != '\0'; e += n) {
		e += strspn(e, " ");
		n = strcspn(e, " ");
		if (length > n && memcmp(name + length - n, e, n) == 0)
			return true;
	}
	return endings == NULL;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* -errno, or 0: it was taken, or is none of them. */
static int take(const FTSENT *e, const char *endings, char ***paths, int *n)
{
	char **grown;

	if (e->fts_info == FTS_ERR || e->fts_info == FTS_DNR ||
	    (e->fts_info == FTS_NS && e->fts_level == 0))
		return -e->fts_errno;
	if (e->fts_info != FTS_F || e->fts_name[0] == '.' ||
	    !ends_with(e->fts_name, endings))
		return 0;
	grown = realloc(*paths, ((size_t)*n + 1) * sizeof(**paths));
	if (grown == NULL)
		return -ENOMEM;
	*paths = grown;
	grown[*n] = strdup(e->fts_path);
	if (grown[*n] == NULL)
		return -ENOMEM;
	(*n)++;
	return 0;
}

int workload_files(const char *folder, const char *endings, char ***paths)
{
	char *root = strdup(folder), *roots[] = { root, NULL };
	FTS *tree = root == NULL ? NULL
				 : fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR,
					    by_name);
	int n = 0, error = tree == NULL ? -errno : 0;
	FTSENT *e;

	*paths = NULL;
	while (error == 0 && (e = fts_read(tree)) != NULL) {
		bool hidden = e->fts_level > 0 && e->fts_name[0] == '.';

		if (e->fts_info == FTS_D && hidden)
			fts_set(tree, e, FTS_SKIP);
		else
			error = take(e, endings, paths, &n);
	}
	if (tree != NULL)
		fts_close(tree);
	free(root);
	return error < 0 ? error : n;
}
