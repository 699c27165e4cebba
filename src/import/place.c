#include "place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ledger.h"
#include "lock.h"
#include "root.h"
#include "subscriptions.h"
#include "uidlist.h"
#include "uidls.h"

#define PREFIX "import." /* of names in tmp; one import is at work at a time */
#define UNIQUE_MAX 220   /* octets: flags and 26 keywords fit behind it */
#define MADE_DIGITS 16   /* octets of the digest in a name that is made */

static bool is_inbox(const char *name)
{
	return strcmp(name, "INBOX") == 0;
}

static void tmp_path(char path[FILE_PATH_SIZE], size_t n)
{
	char name[40];

	snprintf(name, sizeof name, "tmp/" PREFIX "%zu", n);
	root_path(path, name);
}

void place_sweep(void)
{
	char path[FILE_PATH_SIZE];
	struct dirent *entry;
	DIR *dir;

	root_path(path, "tmp");
	dir = opendir(path);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
}

int place_open(struct place *p, const char *name,
    const struct source_folder *source)
{
	char file[FOLDER_NAME_SIZE + 1] = "";
	int error;

	*p = (struct place){.source = *source, .file = {.fd = -1}};
	snprintf(p->name, sizeof p->name, "%s", name);
	if (!is_inbox(name))
		snprintf(file, sizeof file, ".%s", name);
	root_path(p->path, file);
	p->subscribe = source->subscribed && !ledger_has_folder(name);
	error = present_read(&p->present, p->path);
	return error == ENOENT ? 0 : error; /* it will be made */
}

/* --- A message --- */

/*
 * The file is made when the buffer is full, or it is known that the message is
 * not here: what is, needs none.
 */
static void file_make(struct place *p)
{
	struct file *file = &p->file;

	if (file->fd >= 0 || file->error != 0)
		return;
	tmp_path(file->path, p->count);
	file->fd = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (file->fd < 0)
		file->error = errno;
}

void place_begin(struct place *p)
{
	file_adopt(&p->file, -1);
	text_begin(&p->text, &p->file);
}

void place_text(struct place *p, const char *text, size_t n)
{
	if (p->text.size > MESSAGE_MAX)
		return;
	if (p->file.len + n + 1 >= sizeof p->file.buf) /* a CR held back */
		file_make(p);
	text_add(&p->text, text, n);
}

void place_drop(struct place *p)
{
	file_end(&p->file);
}

/* Does ",W=" say what is true? What says nothing does. */
static bool size_is_right(const char *unique, uint64_t octets)
{
	const char *at = strstr(unique, ",W=");
	char digits[24];
	uint64_t n;
	size_t length;

	if (at == NULL)
		return true;
	at += strlen(",W=");
	length = strspn(at, "0123456789");
	if (length == 0 || length >= sizeof digits)
		return false;
	memcpy(digits, at, length);
	digits[length] = '\0';
	return number_parse(digits, INT64_MAX, &n) && n == octets;
}

/* May the source's name be ours? Else what is in it would mislead others. */
static bool unique_lawful(const char *unique, uint64_t octets)
{
	size_t n = strlen(unique);

	if (n == 0 || n > UNIQUE_MAX || *unique == '.' ||
	    !size_is_right(unique, octets))
		return false;
	for (const char *p = unique; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == '/' || *p == ':')
			return false;
	return true;
}

/* The same again when it is done again, but for the time of an undated one. */
static void unique_make(const struct place *p, int64_t when,
    const unsigned char digest[SHA256_SIZE], uint32_t nth,
    char unique[NAME_SIZE])
{
	char hex[2 * MADE_DIGITS + 1];

	for (size_t i = 0; i < MADE_DIGITS; i++)
		sprintf(hex + 2 * i, "%02x", digest[i]);
	snprintf(unique, NAME_SIZE, "%" PRId64 ".I%sN%" PRIu32
	    ".import,S=%" PRIu64 ",W=%" PRIu64, when < 0 ? 0 : when, hex, nth,
	    p->text.size, p->text.size + p->text.lines);
}

/* Is what has this name the message? Then a killed import brought it. */
static bool is_same(const struct place *p, const char *name,
    const unsigned char digest[SHA256_SIZE])
{
	char path[FILE_PATH_SIZE + NAME_SIZE + 8];
	unsigned char other[SHA256_SIZE];
	size_t offset = (size_t)(name - p->present.names);

	for (size_t i = p->count; i-- > 0;)
		if (p->staged[i].place == offset)
			return memcmp(p->staged[i].digest, digest,
			    SHA256_SIZE) == 0;
	snprintf(path, sizeof path, "%s/%s", p->path, name);
	return text_digest(path, other) == 0 &&
	    memcmp(other, digest, SHA256_SIZE) == 0;
}

/* The name of the message when it is there; else unique is one for it. */
static const char *name_choose(const struct place *p,
    const struct source_message *m, int64_t when,
    const unsigned char digest[SHA256_SIZE], uint32_t nth,
    char unique[NAME_SIZE])
{
	const char *name;

	if (unique_lawful(m->unique, p->text.size + p->text.lines)) {
		snprintf(unique, NAME_SIZE, "%s", m->unique);
		name = present_find(&p->present, unique, false);
		if (name == NULL || is_same(p, name, digest))
			return name;
	}
	unique_make(p, when, digest, nth, unique);
	return present_find(&p->present, unique, true);
}

/* RFC 3501 9: what a keyword has to be, for clients to understand FLAGS. */
static bool is_atom(const char *word, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (word[i] <= ' ' || word[i] >= 0x7f ||
		    strchr("(){%*\"\\]", word[i]) != NULL)
			return false;
	return true;
}

/* A word's bit; 0: there is no room for it. */
static uint32_t word_bit(struct place *p, const char *word, size_t n)
{
	char name[KEYWORD_SIZE];

	if (!is_atom(word, n) || n >= sizeof name) {
		p->words_lost = true;
		return 0;
	}
	memcpy(name, word, n);
	name[n] = '\0';
	for (int i = 0; i < KEYWORDS_MAX; i++) {
		if (*p->words[i] == '\0')
			memcpy(p->words[i], name, n + 1);
		if (strcasecmp(p->words[i], name) == 0)
			return 1u << i;
	}
	p->words_lost = true;
	return 0;
}

static uint32_t keyword_bits(struct place *p, const char *words)
{
	uint32_t bits = 0;
	size_t n;

	for (; words != NULL && *words != '\0'; words += n) {
		words += strspn(words, " ");
		n = strcspn(words, " ");
		if (n > 0)
			bits |= word_bit(p, words, n);
	}
	return bits;
}

static void stage(struct place *p, const struct source_message *m,
    const char *unique, uint32_t nth, const unsigned char *digest)
{
	char name[NAME_SIZE + 8];
	struct staged *s;

	if (p->count == p->room) {
		p->room += p->room / 2 + 64;
		p->staged = xrealloc(p->staged, p->room * sizeof *p->staged);
	}
	s = &p->staged[p->count++];
	*s = (struct staged){.uid = m->uid, .nth = nth};
	memcpy(s->digest, digest, SHA256_SIZE);
	snprintf(s->flags, sizeof s->flags, "%s", m->flags);
	s->keywords = keyword_bits(p, m->keywords.p);
	snprintf(name, sizeof name, "%s/%s", m->seen_by_nobody &&
	    *s->flags == '\0' && s->keywords == 0 ? "new" : "cur", unique);
	s->place = present_add(&p->present, name);
}

static void uidl_add(struct place *p, const struct source_message *m,
    const char *unique)
{
	size_t n = strcspn(unique, ":");
	char own[UIDL_SIZE];

	uidl_of_name(own, unique, n);
	if (is_inbox(p->name) && uidl_valid(m->uidl) &&
	    strcmp(own, m->uidl) != 0)
		str_printf(&p->uidls, "%.*s %s\n", (int)n, unique, m->uidl);
}

/* 0, or errno: also of a file that was written before. */
static int sync_all(struct place *p)
{
	int error = 0;

	/* One commit of the file system's journal; fsync() tells of errors. */
	if (p->unsynced_count > 0)
		syncfs(p->unsynced[0]);
	for (size_t i = 0; i < p->unsynced_count; i++) {
		if (fsync(p->unsynced[i]) != 0)
			error = errno;
		close(p->unsynced[i]);
	}
	p->unsynced_count = 0;
	return error;
}

/* Written, with its times. 0, or errno. */
static int finish_file(struct place *p, int64_t when)
{
	const struct timespec times[2] = {
		{.tv_nsec = UTIME_NOW}, /* who cleans tmp looks at it, too */
		{.tv_sec = (time_t)when},
	};

	file_make(p);
	if (!file_flush(&p->file))
		return p->file.error;
	if (futimens(p->file.fd, times) != 0)
		return errno;
	p->unsynced[p->unsynced_count++] = p->file.fd;
	p->file.fd = -1; /* it stays */
	return p->unsynced_count == UNSYNCED_MAX ? sync_all(p) : 0;
}

int place_end(struct place *p, const struct source_message *m, bool *known)
{
	unsigned char digest[SHA256_SIZE];
	char unique[NAME_SIZE];
	int64_t when = m->dated ? m->time : (int64_t)time(NULL);
	const char *name;
	uint32_t nth;
	int error = 0;

	*known = false;
	text_end(&p->text, digest);
	if (p->text.size > MESSAGE_MAX)
		error = EFBIG;
	else if (p->file.error != 0)
		error = p->file.error;
	if (error != 0) {
		file_end(&p->file);
		return error;
	}
	nth = ledger_count(p->name, digest, known);
	name = *known ? present_find(&p->present, m->unique, false) :
	    name_choose(p, m, when, digest, nth, unique);
	if (*known || name != NULL) {
		if (!*known)
			ledger_add(p->name, digest, nth);
		*known = true;
		if (name != NULL)
			uidl_add(p, m, strchr(name, '/') + 1);
		file_end(&p->file);
		return 0;
	}
	error = finish_file(p, when);
	if (error == 0) {
		stage(p, m, unique, nth, digest);
		uidl_add(p, m, unique);
	}
	file_end(&p->file);
	return error;
}

/* --- All of them --- */

static int folder_make(struct place *p)
{
	char root[FILE_PATH_SIZE];
	struct stat st;
	int error;

	if (lstat(p->path, &st) == 0)
		return S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
	error = root_make_folder(p->path);
	root_path(root, "");
	return error != 0 ? error : directory_sync(root);
}

static bool letters_full(const struct keywords *k)
{
	for (int i = 0; i < KEYWORDS_MAX; i++)
		if (*k->names[i] == '\0')
			return false;
	return !k->unknown;
}

/*
 * The letter of each word, in the folder; '\0' where it has no more. False: it
 * cannot be had now.
 */
static bool letters_find(struct place *p, char letters[KEYWORDS_MAX])
{
	struct keywords keywords = {0};

	memset(letters, 0, KEYWORDS_MAX);
	if (*p->words[0] == '\0')
		return true;
	keywords_read(&keywords, p->path);
	for (int i = 0; i < KEYWORDS_MAX && *p->words[i] != '\0'; i++) {
		int n = keywords_find(&keywords, p->path, p->words[i], true);
		if (n >= 0)
			letters[i] = (char)('a' + n);
		else if (letters_full(&keywords))
			p->words_lost = true;
		else
			return false;
	}
	return true;
}

/* The UIDs, before there is a message that has one. 0, or errno. */
static int uids_keep(struct place *p)
{
	struct uidlist_entry *entries;
	size_t count = 0;
	int error = 0;

	if (p->source.uidvalidity != 0)
		error = uidlist_free(p->path, p->source.uidvalidity,
		    &p->keeps_uids);
	if (error != 0 || !p->keeps_uids)
		return error;
	entries = xrealloc(NULL, p->count * sizeof *entries);
	for (size_t i = 0; i < p->count; i++) {
		const struct staged *s = &p->staged[i];
		if (s->uid != 0)
			entries[count++] = (struct uidlist_entry){
			    .uid = s->uid, .unique = strchr(
			    p->present.names + s->place, '/') + 1};
	}
	error = uidlist_write(p->path, p->source.uidvalidity,
	    p->source.uidnext, entries, count);
	free(entries);
	return error;
}

static int compare_letters(const void *a, const void *b)
{
	return *(const char *)a - *(const char *)b;
}

/* Where the message has to be: its directory, unique part, and letters. */
static void path_of(const struct place *p, const struct staged *s,
    const char letters[KEYWORDS_MAX], char *path, size_t size)
{
	const char *name = p->present.names + s->place;
	char put[KEYWORDS_MAX] = {0};
	int count = 0;

	for (int i = 0; i < KEYWORDS_MAX; i++)
		if ((s->keywords >> i & 1) != 0 && letters[i] != '\0')
			put[count++] = letters[i];
	qsort(put, (size_t)count, 1, compare_letters);
	if (strncmp(name, "new/", 4) == 0)
		snprintf(path, size, "%s/%s", p->path, name);
	else
		snprintf(path, size, "%s/%s:2,%s%.*s", p->path, name,
		    s->flags, count, put);
}

/* link, since rename() would take another one's name from him. */
static int move_all(struct place *p)
{
	char from[FILE_PATH_SIZE], to[FILE_PATH_SIZE + NAME_SIZE + 8];
	char letters[KEYWORDS_MAX];
	int error = 0;

	if (!letters_find(p, letters))
		return EIO; /* keywords.c has said more */
	for (size_t i = 0; i < p->count; i++) {
		tmp_path(from, i);
		path_of(p, &p->staged[i], letters, to, sizeof to);
		if (link(from, to) != 0)
			return errno;
		unlink(from);
	}
	for (int i = 0; i < 2 && error == 0; i++) {
		snprintf(to, sizeof to, "%s/%s", p->path, i == 0 ? "cur" :
		    "new");
		error = directory_sync(to);
	}
	return error;
}

static int come(struct place *p, const char **what)
{
	const char *const names[] = {p->name, NULL};
	int error;

	*what = "the folder";
	error = folder_make(p);
	if (error != 0)
		return error;
	*what = "subscriptions";
	if (p->subscribe && !subscriptions_add(names))
		return errno != 0 ? errno : EIO;
	*what = "pennypost-uidl";
	if (p->uidls.len > 0 && !uidls_write(p->uidls.p, &p->present))
		return errno != 0 ? errno : EIO;
	*what = "dovecot-uidlist";
	error = uids_keep(p);
	if (error != 0)
		return error;
	*what = "the messages";
	return move_all(p);
}

int place_commit(struct place *p, const char **what)
{
	bool again = ledger_has_folder(p->name);
	int error;

	*what = "the messages";
	error = sync_all(p);
	if (error != 0)
		return error;
	*what = "the lock";
	if (p->count > 0 || !again || p->uidls.len > 0) {
		if (!lock_take())
			return EBUSY;
		error = come(p, what);
		lock_give();
		if (error != 0)
			return error;
	}
	*what = LEDGER_FILE;
	if (!again)
		ledger_add_folder(p->name);
	for (size_t i = 0; i < p->count; i++)
		ledger_add(p->name, p->staged[i].digest, p->staged[i].nth);
	p->count = 0;
	return ledger_sync();
}

void place_close(struct place *p)
{
	char path[FILE_PATH_SIZE];

	place_drop(p);
	for (size_t i = 0; i < p->unsynced_count; i++)
		close(p->unsynced[i]);
	for (size_t i = 0; i <= p->count; i++) {
		tmp_path(path, i);
		unlink(path);
	}
	present_free(&p->present);
	str_free(&p->uidls);
	free(p->staged);
	*p = (struct place){.file = {.fd = -1}};
}
