#include "keywords.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "file.h"
#include "log.h"
#include "str.h"

#define KEYWORDS_FILE "dovecot-keywords"
#define FILE_MAX (64u << 10) /* 26 lines; what is far more is none of ours */

static void keywords_path(const char *folder, const char *suffix,
    char path[FILE_PATH_SIZE])
{
	snprintf(path, FILE_PATH_SIZE, "%s/%s%s", folder, KEYWORDS_FILE,
	    suffix);
}

static void parse(struct keywords *k, char *text)
{
	char *line, *name;
	uint64_t n;

	memset(k->names, 0, sizeof k->names);
	while ((line = text_line(&text)) != NULL) {
		name = strchr(line, ' ');
		if (name == NULL)
			continue;
		*name++ = '\0';
		if (number_parse(line, KEYWORDS_MAX - 1, &n) &&
		    strlen(name) < KEYWORD_SIZE)
			strcpy(k->names[n], name);
	}
}

bool keywords_read(struct keywords *k, const char *folder)
{
	char path[FILE_PATH_SIZE];
	struct str text = {0};
	struct stat st;

	keywords_path(folder, "", path);
	k->unknown = false;
	if (stat(path, &st) != 0) {
		k->unknown = errno != ENOENT && errno != ENOTDIR;
		if (k->unknown) {
			warn("%s: %s", safe(path), strerror(errno));
			return false;
		}
		st = (struct stat){0};
	}
	if (st.st_ino == k->inode &&
	    st.st_mtim.tv_sec == k->mtime.tv_sec &&
	    st.st_mtim.tv_nsec == k->mtime.tv_nsec)
		return false;
	if (st.st_ino != 0 && !str_read_file(&text, path, FILE_MAX)) {
		warn("%s: %s", safe(path), strerror(errno));
		str_free(&text);
		k->unknown = true;
		return false;
	}
	if (st.st_ino == 0)
		str_clear(&text);
	k->inode = st.st_ino;
	k->mtime = st.st_mtim;
	parse(k, text.p);
	str_free(&text);
	return true;
}

static bool keywords_write(struct keywords *k, const char *folder)
{
	static SELDOM struct file f;
	char path[FILE_PATH_SIZE], fresh[FILE_PATH_SIZE], line[128];
	int error;

	keywords_path(folder, "", path);
	keywords_path(folder, ".new", fresh);
	remove(fresh); /* of one who was killed: we have the lock */
	file_create(&f, fresh, O_WRONLY);
	for (int i = 0; i < KEYWORDS_MAX; i++)
		if (*k->names[i] != '\0') {
			int n = snprintf(line, sizeof line, "%d %s\n", i,
			    k->names[i]);
			file_write(&f, line, (size_t)n);
		}
	error = file_sync(&f) ? file_rename(&f, path) : f.error;
	file_end(&f);
	if (error == 0)
		error = directory_sync(folder);
	if (error != 0)
		warn("%s: %s", safe(path), strerror(error));
	return error == 0;
}

/* Its number; free_letter: the first that no keyword has, -1: none. */
static int search(const struct keywords *k, const char *name,
    int *free_letter)
{
	*free_letter = -1;
	for (int i = 0; i < KEYWORDS_MAX; i++) {
		if (*k->names[i] == '\0' && *free_letter < 0)
			*free_letter = i;
		if (*name != '\0' && strcasecmp(k->names[i], name) == 0)
			return i;
	}
	return -1;
}

int keywords_find(struct keywords *k, const char *folder, const char *name,
    bool make)
{
	int letter, number = search(k, name, &letter);

	if (number >= 0 || !make)
		return number;
	/* Another session may have given the letter away. */
	keywords_read(k, folder);
	number = search(k, name, &letter);
	if (number >= 0 || letter < 0 || *name == '\0' || k->unknown ||
	    strlen(name) >= KEYWORD_SIZE)
		return number;
	strcpy(k->names[letter], name);
	if (!keywords_write(k, folder)) {
		*k->names[letter] = '\0';
		return -1;
	}
	return letter;
}
