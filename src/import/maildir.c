#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalogue.h"
#include "courier.h"
#include "file.h"
#include "format.h"
#include "keywords.h"
#include "readers.h"
#include "stream.h"
#include "subscriptions.h"

#define BLOCK 65536 /* octets read at once */

/* A file. */
struct found {
	size_t name; /* its place in names: "new/…", "cur/…" */
	uint32_t uid;
	const char *uidl;
};

/* A folder. */
static struct folder {
	const struct source *source;
	char path[FILE_PATH_SIZE];  /* "." or ".A.B" */
	char shown[FILE_PATH_SIZE]; /* the same, as faults name it */
	struct catalogue uids, uidls;
	struct keywords keywords;
	struct courier_keywords courier;
	char *names;
	size_t len, names_room;
	struct found *found;
	size_t count, room;
	uint64_t gone;
} f;

/* --- What is there --- */

static const char *name_of(const struct found *found)
{
	return f.names + found->name;
}

/* Where a name can hold no colon, as on Windows, `!` or `;` is in its place. */
static size_t unique_length(const char *name)
{
	const char *p = name;

	while (*p != '\0' && *p != ':' &&
	    ((*p != '!' && *p != ';') || strncmp(p + 1, "2,", 2) != 0))
		p++;
	return (size_t)(p - name);
}

static void found_add(const char *which, const char *name)
{
	size_t n = strlen(name) + 5;
	const struct known *known;

	if (f.len + n > f.names_room) {
		f.names_room += f.names_room / 2 + n + 4096;
		f.names = xrealloc(f.names, f.names_room);
	}
	if (f.count == f.room) {
		f.room += f.room / 2 + 256;
		f.found = xrealloc(f.found, f.room * sizeof *f.found);
	}
	snprintf(f.names + f.len, n, "%s/%s", which, name);
	known = catalogue_find(&f.uids, name, unique_length(name));
	f.found[f.count++] = (struct found){f.len,
	    known != NULL ? known->uid : 0, known != NULL ? known->uidl : NULL};
	f.len += n;
}

/* Calls until it returns true. False: none did. */
static bool each(const char *which, void *context,
    bool (*act)(const char *which, const char *name, void *context))
{
	char path[FILE_PATH_SIZE + 8];
	struct dirent *entry;
	bool done = false;
	DIR *dir;

	snprintf(path, sizeof path, "%s/%s", f.path, which);
	dir = opendir(path);
	if (dir == NULL) {
		stream_fault("%s/%s: %s", f.shown, which, strerror(errno));
		return false;
	}
	while (!done && (errno = 0, entry = readdir(dir)) != NULL)
		if (*entry->d_name != '.' && entry->d_type != DT_DIR)
			done = act(which, entry->d_name, context);
	if (!done && errno != 0)
		stream_fault("%s/%s: %s", f.shown, which, strerror(errno));
	closedir(dir);
	return done;
}

static bool take(const char *which, const char *name, void *context)
{
	(void)context;
	found_add(which, name);
	return false;
}

/* As they got their UIDs; those without one last, by their names. */
static int compare(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid - 1 < y->uid - 1 ? -1 : 1;
	return strcmp(name_of(x) + 4, name_of(y) + 4);
}

/* Which POP3 clients know it by; "": the next login will tell. */
static void uidl_find(const struct found *found, char uidl[UIDL_SIZE])
{
	const char *unique = name_of(found) + 4;
	size_t n = unique_length(unique);
	const struct known *known;

	*uidl = '\0';
	if (strcmp(f.path, ".") != 0)
		return;
	known = catalogue_find(&f.uidls, unique, n);
	if (known != NULL && known->uidl != NULL)
		snprintf(uidl, UIDL_SIZE, "%s", known->uidl);
	else if (known != NULL)
		snprintf(uidl, UIDL_SIZE, "UID%" PRIu32 "-%" PRIu32,
		    known->uid, known->uidvalidity);
	else if (found->uidl != NULL)
		snprintf(uidl, UIDL_SIZE, "%s", found->uidl);
	else if (f.uids.file != DOVECOT_UIDLIST)
		uidl_of_name(uidl, unique, n);
	else if (found->uid != 0)
		format_uidl(uidl, f.source->uidl, found->uid,
		    f.uids.uidvalidity, unique);
}

/* --- A message --- */

/* ":2,FS" and the keywords' letters. */
static void letters_read(struct source_message *m, const char *letters)
{
	static const char all[] = "DFRST";
	size_t n = 0;

	for (size_t i = 0; i < sizeof all - 1; i++)
		if (strchr(letters, all[i]) != NULL)
			m->flags[n++] = all[i];
	for (; *letters != '\0'; letters++) {
		const char *word = *letters == 'P' ? "$Forwarded" : "";
		if (*letters >= 'a' && *letters <= 'z')
			word = f.keywords.names[*letters - 'a'];
		if (*word != '\0')
			str_printf(&m->keywords, " %s", word);
	}
}

static bool is_it(const char *which, const char *name, void *context)
{
	struct found *found = context;
	const char *old = name_of(found) + 4;
	size_t n = unique_length(old);

	if (unique_length(name) != n || memcmp(name, old, n) != 0)
		return false;
	found_add(which, name);
	found->name = f.found[--f.count].name;
	return true;
}

/* -1 with errno. Somebody may have renamed it meanwhile. */
static int open_found(struct found *found)
{
	char path[2 * FILE_PATH_SIZE];
	int fd = -1;

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s", f.path, name_of(found));
		fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0 || errno != ENOENT)
			break;
		if (!each("new", found, is_it) && !each("cur", found, is_it)) {
			errno = ENOENT;
			break;
		}
	}
	return fd;
}

static void send_text(const struct found *found, int fd)
{
	static char block[BLOCK];
	ssize_t n;

	while ((n = read(fd, block, sizeof block)) > 0)
		stream_text(block, (size_t)n);
	if (n == 0) {
		stream_end();
		return;
	}
	stream_fault("%s/%s: %s", f.shown, name_of(found), strerror(errno));
	stream_drop();
}

static void send(struct found *found)
{
	struct source_message m = {.uid = found->uid, .dated = true};
	int fd = open_found(found);
	const char *name = name_of(found), *unique = name + 4, *info;
	size_t n = unique_length(unique);
	struct stat st;

	if (fd < 0 && errno == ENOENT) {
		f.gone++;
		return;
	}
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		stream_fault("%s/%s: %s", f.shown, name,
		    fd >= 0 ? "that is no ordinary file" : errno == ELOOP ?
		    "a symbolic link, left out" : strerror(errno));
		if (fd >= 0)
			close(fd);
		return;
	}
	m.time = st.st_mtim.tv_sec;
	m.seen_by_nobody = *name == 'n';
	snprintf(m.unique, sizeof m.unique, "%.*s", (int)n, unique);
	info = unique[n] == ':' ? strstr(unique, ":2,") : unique + n;
	if (info != NULL && *info != '\0')
		letters_read(&m, info + 3);
	courier_keywords_add(&f.courier, m.unique, strlen(m.unique),
	    &m.keywords);
	uidl_find(found, m.uidl);
	stream_message(&m);
	send_text(found, fd);
	close(fd);
	str_free(&m.keywords);
}

/* --- A folder, and all of them --- */

/* The first of these that is there, and the UIDLs of the same server. */
static bool lists_read(bool is_inbox)
{
	static const enum catalogue_file files[] = {
	    PENNYPOST_UIDS, DOVECOT_UIDLIST, COURIER_UIDS};

	f.uids = (struct catalogue){.shown = f.shown, .fault = stream_fault};
	f.uidls = f.uids;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (catalogue_read(&f.uids, f.path, files[i]))
			break;
	if (is_inbox && !catalogue_read(&f.uidls, f.path, PENNYPOST_UIDLS))
		catalogue_read(&f.uidls, f.path, COURIER_UIDLS);
	keywords_read(&f.keywords, f.path);
	if (f.keywords.unknown)
		stream_fault("%s/dovecot-keywords: it cannot be read",
		    f.shown);
	/* Where others have served it since, they are out of date. */
	if (f.uids.file == COURIER_UIDS &&
	    !courier_keywords_read(&f.courier, f.path, f.shown))
		return false;
	/* Not now: without their UIDs messages should not come at all. */
	return f.uids.error == 0 && f.uidls.error == 0 && !f.keywords.unknown;
}

static bool is_same(const struct found *a, const struct found *b)
{
	const char *x = name_of(a) + 4, *y = name_of(b) + 4;
	size_t n = unique_length(x);

	return unique_length(y) == n && memcmp(x, y, n) == 0;
}

static void uid_take_away(struct found *found)
{
	stream_fault("%s/%s: UID %" PRIu32 " is another message's, too: it "
	    "gets a new one", f.shown, name_of(found), found->uid);
	found->uid = 0;
	found->uidl = NULL;
}

static void messages_read(void)
{
	uint32_t last = 0;

	/* new first: what moves to cur meanwhile is seen twice, not never. */
	each("new", NULL, take);
	each("cur", NULL, take);
	if (f.count > 0)
		qsort(f.found, f.count, sizeof *f.found, compare);
	for (size_t i = 0; i < f.count; i++) {
		uint32_t uid = f.found[i].uid;
		if (uid != 0 && uid == last &&
		    !is_same(&f.found[i], &f.found[i - 1]))
			uid_take_away(&f.found[i]);
		last = uid;
		send(&f.found[i]);
	}
	if (f.gone > 0)
		stream_note("%s: %" PRIu64 " messages have gone while it was "
		    "read", f.shown, f.gone);
}

static void folder_read(const char *name, bool subscribed)
{
	struct source_folder folder = {.subscribed = subscribed};

	if (strlen(name) >= sizeof folder.name) {
		stream_fault("%s: its name is too long", f.shown);
		return;
	}
	strcpy(folder.name, name);
	if (lists_read(*name == '\0')) {
		folder.uidvalidity = f.uids.uidvalidity;
		folder.uidnext = f.uids.uidnext;
		stream_folder(&folder);
		messages_read();
	} else
		stream_fault("%s: left out: when that can be read, do the same "
		    "again", f.shown);
	catalogue_free(&f.uids);
	catalogue_free(&f.uidls);
	courier_keywords_free(&f.courier);
}

static void folder_enter(const char *directory)
{
	f.len = f.count = 0;
	f.gone = 0;
	f.keywords = (struct keywords){0};
	snprintf(f.path, sizeof f.path, "%s", directory);
	if (strcmp(directory, ".") == 0)
		snprintf(f.shown, sizeof f.shown, "%s", f.source->path);
	else
		snprintf(f.shown, sizeof f.shown, "%s/%s", f.source->path,
		    directory);
}

static bool is_maildir(const char *directory)
{
	char path[FILE_PATH_SIZE];
	struct stat st;

	snprintf(path, sizeof path, "%s/cur", directory);
	if (stat(path, &st) == 0)
		return S_ISDIR(st.st_mode);
	if (errno != ENOENT && errno != ENOTDIR)
		stream_fault("%s/%s: %s", f.source->path, path,
		    strerror(errno));
	return false;
}

/* Dovecot's file, and Courier's: "INBOX" and "INBOX.A.B" a line. */
static bool subscriptions_find(struct str *names)
{
	static const char courier[] = "courierimapsubscribed";
	struct str text = {0};
	char *rest, *line;

	if (!subscriptions_read(names)) {
		stream_fault("%s/subscriptions: it cannot be read",
		    f.source->path);
		return false;
	}
	if (!str_read_file(&text, courier, SUBSCRIPTIONS_MAX)) {
		if (errno == ENOENT)
			return true;
		stream_fault("%s/%s: %s", f.source->path, courier,
		    strerror(errno));
		return false;
	}
	rest = text.p;
	while ((line = text_line(&rest)) != NULL) {
		line += strncmp(line, "INBOX.", 6) == 0 ? 6 : 0;
		str_add(names, line, strlen(line) + 1);
	}
	str_free(&text);
	return true;
}

static bool is_subscribed(const struct str *names, const char *name)
{
	const char *p = names->p, *end = p + names->len;

	for (; p < end; p += strlen(p) + 1)
		if (strcmp(p, *name == '\0' ? "INBOX" : name) == 0)
			return true;
	return false;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_other(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 &&
	    strcmp(entry->d_name, "..") != 0;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void folders_read(const char *above, const struct str *subscribed);

/* .A.B, and, as Dovecot's LAYOUT=fs has it, A/B. */
static void folder_look(const char *above, const char *entry,
    const struct str *subscribed)
{
	static const char *const others[] = {"cur", "new", "tmp",
	    "courierimapkeywords"};
	bool top = strcmp(above, ".") == 0, hidden = *entry == '.';
	char path[FILE_PATH_SIZE], name[FILE_PATH_SIZE];

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (strcmp(entry, others[i]) == 0)
			return;
	if (hidden && !top)
		return;
	if ((size_t)snprintf(path, sizeof path, "%s%s%s", top ? "" : above,
	    top ? "" : "/", entry) >= sizeof path) {
		stream_fault("%s/%s: too deep", f.source->path, path);
		return;
	}
	if (!hidden && !is_directory(path)) /* nor a link, which may go round */
		return;
	strcpy(name, path + hidden);
	for (char *p = name; *p != '\0'; p++)
		if (*p == '/')
			*p = '.';
	if (is_maildir(path)) {
		folder_enter(path);
		folder_read(name, is_subscribed(subscribed, name));
	}
	if (!hidden)
		folders_read(path, subscribed);
}

static void folders_read(const char *above, const struct str *subscribed)
{
	struct dirent **list;
	int count = scandir(above, &list, is_other, by_name);

	if (count < 0)
		stream_fault("%s/%s: %s", f.source->path, above,
		    strerror(errno));
	for (int i = 0; i < count; i++) {
		folder_look(above, list[i]->d_name, subscribed);
		free(list[i]);
	}
	if (count >= 0)
		free(list);
}

static void tree_read(const struct str *subscribed)
{
	folder_enter(".");
	folder_read("", is_subscribed(subscribed, ""));
	folders_read(".", subscribed);
}

/* What it is instead, and what to do; the directory is the source. */
static const char *other_kind(void)
{
	const char *name = strrchr(f.source->path, '/');

	name = name != NULL ? name + 1 : f.source->path;
	if (strcmp(name, "cur") == 0 || strcmp(name, "new") == 0)
		return ": name the directory above";
	if (is_maildir("Maildir"))
		return "; Maildir in it is one";
	return is_directory("mailboxes") || is_directory("storage") ?
	    "; of Dovecot's dbox `doveadm backup -u USER maildir:DIR` makes one"
	    : "";
}

void read_maildir(const struct source *source)
{
	struct str subscribed = {0};

	f.source = source;
	str_clear(&subscribed);
	if (!format_known(source->uidl))
		stream_fault("%s: of Dovecot's variables %%u, %%v and %%f are "
		    "known here; %%u or %%f has to be there", source->uidl);
	else if (fchdir(source->fd) != 0)
		stream_fault("%s: %s%s", source->path, strerror(errno),
		    errno == ENOTDIR ? "; is it an mbox? pennypost import mbox "
		    "FILE ADDRESS" : "");
	else if (!is_maildir("."))
		stream_fault("%s: that is no Maildir: it has no cur%s",
		    source->path, other_kind());
	else if (subscriptions_find(&subscribed))
		tree_read(&subscribed);
	str_free(&subscribed);
	free(f.names);
	free(f.found);
}
