/*
 * export: gives a user's mail back, as mbox or as a Maildir. It runs as the
 * home's owner, may read that one mailbox, and writes to stdout: where that
 * goes is the caller's business. See export(8).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "address.h"
#include "confine.h"
#include "folder.h"
#include "keywords.h"
#include "local.h"
#include "log.h"
#include "mbox.h"
#include "names.h"
#include "program.h"
#include "str.h"
#include "tar.h"
#include "uidl.h"

#define SMALL_FILE (4u << 20) /* octets of subscriptions: 20,000 names */
#define GUID 32               /* Dovecot's, in hexadecimal digits */

static char maildir[MAILBOX_SIZE];
static bool failed; /* something could not be read; said */

static struct confine_path paths[] = {{maildir, MAY_READ}, {NULL, 0}};

static const struct confinement reader = {
	.paths = paths, .calls = CALLS_FILES,
};

/* --- Folders --- */

/* Their directories' names, "" for INBOX; sorted as trees are listed. */
static int compare(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;

	return name_compare(*x != '\0' ? x + 1 : "INBOX",
	    *y != '\0' ? y + 1 : "INBOX");
}

/* "" or ".FOLDER", or with more behind it. False: too long. */
static bool folder_path(char path[FOLDER_PATH_SIZE], const char *name,
    const char *file)
{
	int n = snprintf(path, FOLDER_PATH_SIZE, "%s%s%s%s%s", maildir,
	    *name != '\0' ? "/" : "", name, *file != '\0' ? "/" : "", file);

	return n > 0 && n < FOLDER_PATH_SIZE;
}

static bool is_folder(const char *name)
{
	char path[FOLDER_PATH_SIZE];
	struct stat st;

	return *name == '.' && strcmp(name, ".") != 0 &&
	    strcmp(name, "..") != 0 && strchr(name, '\n') == NULL &&
	    folder_path(path, name, "cur") && lstat(path, &st) == 0 &&
	    S_ISDIR(st.st_mode);
}

static char **folders_find(size_t *count)
{
	size_t room = 1;
	char **names = xrealloc(NULL, sizeof *names);
	struct dirent *entry;
	DIR *d = opendir(maildir);

	names[0] = xrealloc(NULL, 1);
	*names[0] = '\0';
	*count = 1;
	while (d != NULL && (errno = 0, entry = readdir(d)) != NULL) {
		if (!is_folder(entry->d_name))
			continue;
		if (*count == room)
			names = xrealloc(names, (room *= 2) * sizeof *names);
		names[*count] = xrealloc(NULL, strlen(entry->d_name) + 1);
		strcpy(names[(*count)++], entry->d_name);
	}
	if (d == NULL || errno != 0)
		fatal(EX_NOINPUT, "%s: %s", maildir, strerror(errno));
	closedir(d);
	qsort(names, *count, sizeof *names, compare);
	return names;
}

/* In UTF-8, as people write it. */
static void name_show(struct str *s, const char *name)
{
	if (*name == '\0')
		str_puts(s, "INBOX");
	else if (!name_decode(s, name + 1, strlen(name + 1)))
		str_puts(s, name + 1);
}

static void tell(const char *name, long messages)
{
	struct str shown = {0};

	name_show(&shown, name);
	fprintf(stderr, "%s: %ld message%s\n", shown.p, messages,
	    messages == 1 ? "" : "s");
	str_free(&shown);
}

/* Its directory, of what a person says: UTF-8, or as it stands on the disk. */
static const char *folder_named(const char *said)
{
	static char name[FOLDER_NAME_SIZE + 1];

	*name = '.';
	if (strcasecmp(said, "INBOX") == 0)
		return "";
	if (name_encode(name + 1, sizeof name - 1, said) && is_folder(name))
		return name;
	snprintf(name + 1, sizeof name - 1, "%s", said);
	if (strchr(said, '/') == NULL && is_folder(name))
		return name;
	fatal(EX_NOINPUT, "there is no folder %s; mbox DIR exports all that "
	    "there are", quoted(said));
}

static void list(void)
{
	size_t count;
	char **names = folders_find(&count);
	struct str text = {0};

	for (size_t i = 0; i < count; i++) {
		name_show(&text, names[i]);
		str_puts(&text, "\n");
	}
	fwrite(text.p, 1, text.len, stdout);
}

static bool open_named(struct folder *f, struct keywords *keywords,
    char path[FOLDER_PATH_SIZE], const char *name)
{
	*keywords = (struct keywords){.inode = 0};
	if (folder_path(path, name, "") && folder_open(f, path)) {
		keywords_read(keywords, path);
		return true;
	}
	warn("%s: left out", *name != '\0' ? name + 1 : "INBOX");
	failed = true;
	return false;
}

static void mbox(const char *said)
{
	const char *name = folder_named(said);
	char path[FOLDER_PATH_SIZE];
	static struct keywords keywords;
	struct folder f;
	long n;

	if (!open_named(&f, &keywords, path, name))
		return;
	n = mbox_write(&f, &keywords);
	if (n < 0)
		failed = true;
	else
		tell(name, n);
	folder_close(&f);
}

/* --- A Maildir --- */

/* The name in the stream: below the folder's. */
static const char *inside(const char *folder, const char *dir, const char *file)
{
	static char name[FOLDER_PATH_SIZE];

	snprintf(name, sizeof name, "%s%s%s%s%s", folder,
	    *folder != '\0' ? "/" : "", dir, *dir != '\0' ? "/" : "", file);
	return name;
}

/* A small file of the folder, as it is, when it is there. */
static void copy(const char *folder, const char *file)
{
	char path[FOLDER_PATH_SIZE];
	struct str text = {0};
	struct stat st;

	if (!folder_path(path, folder, file) || lstat(path, &st) != 0 ||
	    !S_ISREG(st.st_mode))
		return;
	if (str_read_file(&text, path, SMALL_FILE)) {
		tar_text(inside(folder, "", file), text.p, text.len);
	} else {
		warn("%s: %s", path, strerror(errno));
		failed = true;
	}
	str_free(&text);
}

static bool message_put(struct folder *f, struct message *m, const char *folder)
{
	char block[65536];
	struct stat st;
	ssize_t n;
	int fd = message_open(f, m);

	if (fd < 0 && errno == ENOENT)
		return false; /* expunged meanwhile */
	if (fd < 0 || fstat(fd, &st) != 0) {
		warn("%s/%s: %s", f->path, safe(m->name), strerror(errno));
		failed = true;
		return false;
	}
	tar_file(inside(folder, m->in_new ? "new" : "cur", m->name),
	    (uint64_t)st.st_size, st.st_mtime);
	while ((n = read(fd, block, sizeof block)) > 0)
		tar_write(block, (size_t)n);
	if (n < 0)
		fatal(EX_IOERR, "%s: %s", safe(m->name), strerror(errno));
	tar_file_end();
	close(fd);
	return true;
}

/*
 * A line of dovecot-uidlist. Messages that have no UID get the next ones, or
 * Dovecot could not be told what POP3 clients know them by.
 */
static void uid_put(struct str *list, struct folder *f, struct message *m,
    bool inbox)
{
	char uidl[UIDL_SIZE];

	if (m->uid == 0)
		m->uid = f->uidnext++;
	str_printf(list, "%" PRIu32, m->uid);
	if (inbox && m->uidl == NULL)
		uidl_of_name(uidl, m->name, m->unique);
	if (inbox)
		str_printf(list, " P%s", m->uidl != NULL ? m->uidl : uidl);
	str_printf(list, " :%.*s\n", (int)m->unique, m->name);
}

static void uidlist_put(const struct folder *f, const char *name,
    const struct str *list)
{
	struct str text = {0};

	str_printf(&text, "3 V%" PRIu32 " N%" PRIu32, f->uidvalidity,
	    f->uidnext);
	if (strspn(f->id, "0123456789abcdef") == GUID) /* Dovecot's own */
		str_printf(&text, " G%s", f->id);
	str_puts(&text, "\n");
	str_add(&text, list->p, list->len);
	tar_text(inside(name, "", "dovecot-uidlist"), text.p, text.len);
	str_free(&text);
}

static void folder_put(const char *name)
{
	static const char *const directories[] = {"tmp", "new", "cur"};
	static struct keywords keywords;
	char path[FOLDER_PATH_SIZE];
	struct str uids = {0};
	struct folder f;
	long n = 0;

	if (!open_named(&f, &keywords, path, name))
		return;
	if (*name != '\0')
		tar_directory(name);
	for (size_t i = 0; i < 3; i++)
		tar_directory(inside(name, "", directories[i]));
	if (*name != '\0') /* Courier's mark of a folder */
		tar_text(inside(name, "", "maildirfolder"), "", 0);
	copy(name, "dovecot-keywords");
	if (f.uidvalidity == 0) {
		f.uidvalidity = (uint32_t)time(NULL);
		f.uidnext = 1;
	}
	for (size_t i = 0; i < f.count; i++) {
		if (!message_put(&f, &f.messages[i], name))
			continue;
		uid_put(&uids, &f, &f.messages[i], *name == '\0');
		n++;
	}
	uidlist_put(&f, name, &uids);
	str_free(&uids);
	folder_close(&f);
	tell(name, n);
}

static void tree(void)
{
	size_t count;
	char **names = folders_find(&count);

	for (size_t i = 0; i < count; i++)
		folder_put(names[i]);
	copy("", "subscriptions");
	tar_end();
}

/* --- main --- */

static _Noreturn void usage(void)
{
	fatal(EX_USAGE, "usage: export [-C home] folders|maildir ADDRESS, or "
	    "mbox ADDRESS [FOLDER]");
}

static void mailbox_find(const char *text)
{
	struct address who;
	struct stat st;

	if (address_parse(text, &who) != ADDRESS_OK)
		fatal(EX_USAGE, "%s is not an address", quoted(text));
	if (!mailbox_path(maildir, who.local,
	    *who.domain != '\0' ? who.domain : domain_default()) ||
	    (stat(maildir, &st) != 0 && errno != EACCES))
		fatal(EX_NOUSER, "there is no user %s; pennypost user list "
		    "shows all", quoted(text));
	if (access(maildir, X_OK) != 0)
		fatal(EX_NOPERM, "%s: %s: run it as root, or as the owner of "
		    "the home", maildir, strerror(errno));
}

int main(int argc, char **argv)
{
	const char *home = NULL, *what;
	int option;

	program_begin("export");
	log_caller(true);
	while ((option = getopt(argc, argv, "C:")) != -1) {
		if (option != 'C')
			usage();
		home = optarg;
	}
	argc -= optind;
	argv += optind;
	if (argc < 2)
		usage();
	home_enter(home);
	mailbox_find(argv[1]);
	confine(&reader);
	what = argv[0];
	if (strcmp(what, "folders") == 0 && argc == 2)
		list();
	else if (strcmp(what, "mbox") == 0 && argc <= 3)
		mbox(argc == 3 ? argv[2] : "INBOX");
	else if (strcmp(what, "maildir") == 0 && argc == 2)
		tree();
	else
		usage();
	if (fflush(stdout) != 0 || ferror(stdout))
		fatal(EX_IOERR, "cannot write: %s", strerror(errno));
	return failed ? EX_IOERR : EX_OK;
}
