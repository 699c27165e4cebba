#include "present.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "str.h"

#define WHERE 4 /* "new/", "cur/" */

/* From its first dot on; the whole, where there is none. */
static const char *tail_of(const char *unique)
{
	size_t digits = strspn(unique, "0123456789");

	return unique[digits] == '.' ? unique + digits : unique;
}

/* FNV-1a of the tail of a unique part, which ends at ':' or the end. */
static size_t hash_of(const char *unique)
{
	uint64_t h = 0xcbf29ce484222325u;
	const char *p = tail_of(unique);

	for (; *p != '\0' && *p != ':'; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32);
}

static void table_put(struct present *p, uint32_t place)
{
	size_t at = hash_of(p->names + place + WHERE);

	while (p->table[at & (p->size - 1)] != 0)
		at++;
	p->table[at & (p->size - 1)] = place + 1;
}

static void table_grow(struct present *p)
{
	uint32_t *old = p->table;
	size_t n = p->size;

	p->size = n == 0 ? 256 : 2 * n;
	p->table = xrealloc(NULL, p->size * sizeof *p->table);
	memset(p->table, 0, p->size * sizeof *p->table);
	for (size_t i = 0; i < n; i++)
		if (old[i] != 0)
			table_put(p, old[i] - 1);
	free(old);
}

uint32_t present_add(struct present *p, const char *name)
{
	size_t n = strlen(name) + 1;
	uint32_t place = (uint32_t)p->len;

	if (p->len + n > p->room) {
		p->room = p->room + p->room / 2 + 4096;
		p->names = xrealloc(p->names, p->room);
	}
	if (2 * p->count >= p->size)
		table_grow(p);
	memcpy(p->names + p->len, name, n);
	p->len += n;
	p->count++;
	table_put(p, place);
	return place;
}

static int read_directory(struct present *p, const char *folder,
    const char *which)
{
	char path[FILE_PATH_SIZE + 8], name[NAME_SIZE + 8];
	struct dirent *entry;
	DIR *dir;
	int error;

	snprintf(path, sizeof path, "%s/%s", folder, which);
	dir = opendir(path);
	if (dir == NULL)
		return errno;
	while (errno = 0, (entry = readdir(dir)) != NULL) {
		if (*entry->d_name == '.')
			continue;
		snprintf(name, sizeof name, "%s/%s", which, entry->d_name);
		present_add(p, name);
	}
	error = errno;
	closedir(dir);
	return error;
}

int present_read(struct present *p, const char *folder)
{
	int error;

	table_grow(p); /* an empty one, to be asked */
	error = read_directory(p, folder, "new");
	return error != 0 ? error : read_directory(p, folder, "cur");
}

void present_free(struct present *p)
{
	free(p->names);
	free(p->table);
	*p = (struct present){0};
}

const char *present_find(const struct present *p, const char *unique,
    bool whatever_time)
{
	const char *wanted = whatever_time ? tail_of(unique) : unique;
	size_t n = strcspn(wanted, ":"), at = hash_of(unique);
	uint32_t place;

	for (; (place = p->table[at & (p->size - 1)]) != 0; at++) {
		const char *name = p->names + place - 1;
		const char *it = whatever_time ? tail_of(name + WHERE) :
		    name + WHERE;
		if (strcspn(it, ":") == n && memcmp(it, wanted, n) == 0)
			return name;
	}
	return NULL;
}
