#include "maildrop.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "str.h"

#define LOCK_NAME "pop3.lock"
#define UIDLS_NAME "pennypost-uidl"
#define UIDLS_MAX (32u << 20) /* octets: 300,000 messages */
#define TMP_AGE (36 * 3600) /* s; the Maildir page: such files are dead */

static const char *const folders[] = {"new", "cur"};

static void path_of(const struct maildrop *m, const char *name,
    char path[FILE_PATH_SIZE])
{
	snprintf(path, FILE_PATH_SIZE, "%s/%s", m->path, name);
}

/* The part that no rename changes; mail->unique is its length. */
static const char *unique(const struct mail *mail)
{
	return mail->name + 4;
}

/* The number behind ",W=" or ",S=" in the unique part. */
static bool size_in_name(const struct mail *mail, const char *tag,
    uint64_t *size)
{
	const char *at = strstr(unique(mail), tag);
	const char *begin;

	if (at == NULL || at >= unique(mail) + mail->unique)
		return false;
	*size = 0;
	begin = at += strlen(tag);
	for (; *at >= '0' && *at <= '9' && *size < INT64_MAX / 10; at++)
		*size = *size * 10 + (uint64_t)(*at - '0');
	return at > begin && (*at < '0' || *at > '9');
}

static void add(struct maildrop *m, const char *folder, const char *file)
{
	size_t n = strlen(file) + 5;
	struct mail *mail;

	if ((m->count & (m->count - 1)) == 0) /* room doubles */
		m->mail = xrealloc(m->mail,
		    (m->count ? m->count * 2 : 1) * sizeof *m->mail);
	mail = &m->mail[m->count++];
	*mail = (struct mail){.name = xrealloc(NULL, n),
	    .unique = strcspn(file, ":")};
	stpcpy(stpcpy(stpcpy(mail->name, folder), "/"), file);
	mail->sized = size_in_name(mail, ",W=", &mail->octets) ||
	    size_in_name(mail, ",S=", &mail->octets);
}

static bool is_directory(DIR *dir, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
	    S_ISDIR(st.st_mode);
}

/* Calls for each file of the folder until it returns true. */
static bool each(struct maildrop *m, const char *folder, void *context,
    bool (*act)(struct maildrop *, const char *folder, const char *file,
    void *context))
{
	char path[FILE_PATH_SIZE];
	struct dirent *entry;
	bool done = false;

	path_of(m, folder, path);
	DIR *dir = opendir(path);
	while (dir != NULL && !done) {
		errno = 0;
		if ((entry = readdir(dir)) == NULL)
			break;
		if (entry->d_name[0] != '.' && !is_directory(dir, entry))
			done = act(m, folder, entry->d_name, context);
	}
	if (!done && errno != 0) {
		warn("%s: %s", safe(path), strerror(errno));
		m->unsure = true;
	}
	if (dir != NULL)
		closedir(dir);
	return done;
}

static bool list(struct maildrop *m, const char *folder, const char *file,
    void *context)
{
	(void)context;
	add(m, folder, file);
	return false;
}

/* What a killed delivery left. */
static bool clean(struct maildrop *m, const char *folder, const char *file,
    void *context)
{
	const time_t *now = context;
	char name[300], path[FILE_PATH_SIZE];
	struct stat st;

	snprintf(name, sizeof name, "%s/%s", folder, file);
	path_of(m, name, path);
	if (stat(path, &st) == 0 && st.st_mtime < *now - TMP_AGE &&
	    st.st_atime < *now - TMP_AGE)
		unlink(path);
	return false;
}

/* By the unique part, which begins with the time of delivery. */
static int compare_unique(const char *x, size_t n, const char *y, size_t k)
{
	int order = memcmp(x, y, n < k ? n : k);

	return order != 0 ? order : (n > k) - (n < k);
}

static int compare(const struct mail *x, const struct mail *y)
{
	return compare_unique(unique(x), x->unique, unique(y), y->unique);
}

/* Its first 16 octets as numbers: most names differ there. */
struct key {
	uint64_t high, low;
	const struct mail *mail;
};

static struct key key_of(const struct mail *mail)
{
	uint64_t words[2] = {0};

	memcpy(words, unique(mail), mail->unique < sizeof words ?
	    mail->unique : sizeof words);
	return (struct key){be64toh(words[0]), be64toh(words[1]), mail};
}

static bool is_before(const struct key *x, const struct key *y)
{
	if (x->high != y->high)
		return x->high < y->high;
	if (x->low != y->low)
		return x->low < y->low;
	return compare(x->mail, y->mail) < 0;
}

/*
 * By merging; room is for half of them. With musl's qsort() a login to a large
 * box would be sorting and little else.
 */
static void keys_sort(struct key *keys, size_t n, struct key *room)
{
	size_t half = n / 2, right = half, at = 0;

	if (n < 2)
		return;
	keys_sort(keys, half, room);
	keys_sort(keys + half, n - half, room);
	memcpy(room, keys, half * sizeof *keys);
	for (size_t left = 0; left < half; at++)
		keys[at] = right < n && is_before(&keys[right], &room[left]) ?
		    keys[right++] : room[left++];
}

/* In order, and each once: what moved while we looked was seen twice. */
static void sort(struct maildrop *m)
{
	size_t half = m->count / 2, kept = 0;
	struct key *keys = xrealloc(NULL, (m->count + half) * sizeof *keys);
	struct mail *sorted = xrealloc(NULL, m->count * sizeof *sorted);

	for (size_t i = 0; i < m->count; i++)
		keys[i] = key_of(&m->mail[i]);
	keys_sort(keys, m->count, keys + m->count);
	for (size_t i = 0; i < m->count; i++) {
		if (kept > 0 && compare(&sorted[kept - 1], keys[i].mail) == 0)
			free(keys[i].mail->name);
		else
			sorted[kept++] = *keys[i].mail;
	}
	free(keys);
	free(m->mail);
	m->mail = sorted;
	m->count = kept;
}

/* mail is sorted. */
static struct mail *find(const struct maildrop *m, const char *name, size_t n)
{
	size_t from = 0, to = m->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		struct mail *mail = &m->mail[middle];
		int order = compare_unique(unique(mail), mail->unique, name, n);
		if (order == 0)
			return mail;
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

/* `UNIQUE UIDL` a line: of messages that came from elsewhere. */
static void uidls_read(struct maildrop *m)
{
	char path[FILE_PATH_SIZE], *rest, *line;
	size_t bad = 0;

	path_of(m, UIDLS_NAME, path);
	if (!str_read_file(&m->uidls, path, UIDLS_MAX)) {
		if (errno != ENOENT)
			warn("%s: %s", safe(path), strerror(errno));
		return;
	}
	rest = m->uidls.p;
	while ((line = text_line(&rest)) != NULL) {
		char *blank = strrchr(line, ' ');
		bool fine = blank != NULL && uidl_valid(blank + 1);
		struct mail *mail = !fine ? NULL :
		    find(m, line, (size_t)(blank - line));
		if (mail != NULL)
			mail->uidl = blank + 1;
		bad += !fine;
	}
	if (bad > 0)
		warn("%s: lines without a UIDL: %zu", safe(path), bad);
}

enum maildrop_result maildrop_open(struct maildrop *m, const char *path)
{
	struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char lock[FILE_PATH_SIZE];
	time_t now = time(NULL);

	*m = (struct maildrop){.path = path};
	path_of(m, LOCK_NAME, lock);
	m->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (m->lock < 0) {
		warn("%s: %s", safe(lock), strerror(errno));
		return MAILDROP_UNAVAILABLE;
	}
	if (fcntl(m->lock, F_SETLK, &all) != 0) {
		int error = errno;
		close(m->lock);
		return error == EAGAIN || error == EACCES ? MAILDROP_IN_USE :
		    MAILDROP_UNAVAILABLE;
	}
	each(m, "tmp", &now, clean);
	m->unsure = false; /* that was a courtesy */
	/* new first: what moves to cur meanwhile is seen twice, not never. */
	for (size_t i = 0; i < 2; i++)
		each(m, folders[i], NULL, list);
	if (m->unsure) {
		close(m->lock);
		return MAILDROP_UNAVAILABLE;
	}
	if (m->count > 0) {
		sort(m);
		uidls_read(m);
	}
	return MAILDROP_OK;
}

static bool is_it(struct maildrop *m, const char *folder, const char *file,
    void *context)
{
	struct mail *mail = context, found;
	size_t n = strlen(file) + 5;
	char *name = xrealloc(NULL, n);

	(void)m;
	snprintf(name, n, "%s/%s", folder, file);
	found = (struct mail){.name = name, .unique = strcspn(file, ":")};
	if (compare(&found, mail) != 0) {
		free(name);
		return false;
	}
	free(mail->name);
	mail->name = name;
	return true;
}

/* Somebody renamed it. cur last: there it stays. */
static bool find_again(struct maildrop *m, struct mail *mail)
{
	return each(m, "new", mail, is_it) || each(m, "cur", mail, is_it);
}

/* Does it by the name that the message has now. 0 or more, or -1 and errno. */
static int by_name(struct maildrop *m, struct mail *mail,
    int (*act)(const char *path))
{
	char path[FILE_PATH_SIZE];
	int result = -1;

	for (int i = 0; i < 3; i++) { /* it may be renamed again meanwhile */
		path_of(m, mail->name, path);
		result = act(path);
		if (result >= 0 || errno != ENOENT)
			break;
		if (!find_again(m, mail)) {
			errno = ENOENT;
			break;
		}
	}
	return result;
}

static int open_path(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

int mail_open(struct maildrop *m, struct mail *mail)
{
	return by_name(m, mail, open_path);
}

uint64_t mail_octets(struct maildrop *m, struct mail *mail)
{
	char block[16384], last = '\n';
	uint64_t octets = 0;
	ssize_t n;
	int fd;

	if (mail->sized)
		return mail->octets;
	fd = mail_open(m, mail);
	if (fd < 0)
		return 0;
	while ((n = read(fd, block, sizeof block)) > 0) {
		octets += (uint64_t)n;
		for (ssize_t i = 0; i < n; i++) {
			if (block[i] == '\n' && last != '\r')
				octets++;
			last = block[i];
		}
	}
	close(fd);
	if (last != '\n')
		octets += last == '\r' ? 1 : 2; /* RETR ends the line */
	mail->octets = octets;
	mail->sized = n == 0;
	return octets;
}

void mail_uidl(const struct mail *mail, char uidl[UIDL_SIZE])
{
	if (mail->uidl != NULL)
		snprintf(uidl, UIDL_SIZE, "%s", mail->uidl);
	else
		uidl_of_name(uidl, unique(mail), mail->unique);
}

bool maildrop_update(struct maildrop *m)
{
	char path[FILE_PATH_SIZE];
	bool touched = false, ok = true;

	for (size_t i = 0; i < m->count; i++) {
		struct mail *mail = &m->mail[i];
		if (!mail->deleted)
			continue;
		touched = true;
		if (by_name(m, mail, unlink) != 0 && errno != ENOENT) {
			warn("%s/%s: %s", safe(m->path), safe(mail->name),
			    strerror(errno));
			ok = false;
		}
	}
	for (size_t i = 0; touched && i < 2; i++) {
		path_of(m, folders[i], path);
		if (directory_sync(path) != 0)
			ok = false;
	}
	close(m->lock);
	return ok;
}
