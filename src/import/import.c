/*
 * import: moves mail in from elsewhere. Two processes: the reader is the
 * caller, and may read the source, which need be nobody else's; the writer is
 * the user who owns the home, and may write to that one mailbox. See stream.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "address.h"
#include "confine.h"
#include "file.h"
#include "local.h"
#include "log.h"
#include "program.h"
#include "readers.h"
#include "writer.h"

#define MEMORY (512u << 20) /* bytes, each: a million messages */
#define UIDL_DEFAULT "%08Xu%08Xv" /* Dovecot's */
#define USAGE "usage: import [-q] [-C home] [-u format] " \
    "maildir | mbox | mymailbox | mailbox source address [folder]"

static const struct kind {
	const char *name;
	void (*read)(const struct source *);
} kinds[] = {
	{"maildir", read_maildir}, {"mbox", read_mbox},
	{"mymailbox", read_teaching}, {"mailbox", read_teaching},
};

static const char standard_input[] = "standard input"; /* as it is shown */

/* --- The reader --- */

/*
 * A link is not followed: it may be a user's, who would have the mail of
 * another moved in, as root reads it. False: that has been said.
 */
static bool source_open(struct source *source)
{
	struct stat st;

	if (source->path == standard_input) {
		source->fd = 0;
		return true;
	}
	source->fd = open(source->path,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (source->fd < 0)
		stream_fault("%s: %s%s", source->path, errno == ELOOP ?
		    "a symbolic link: name what it points to" : strerror(errno),
		    errno == EACCES ? ": do it as a user who may read it, "
		    "or as root" : "");
	else if (fstat(source->fd, &st) == 0 && !S_ISREG(st.st_mode) &&
	    !S_ISDIR(st.st_mode))
		stream_fault("%s: neither a file nor a directory",
		    source->path);
	else
		return true;
	return false;
}

static _Noreturn void read_source(const struct kind *kind,
    struct source *source, int to)
{
	const struct confine_path paths[] = {
		{source->path != standard_input ? source->path : NULL,
		    MAY_READ}, {NULL, 0},
	};
	const struct confinement reader = {
		.paths = paths, .calls = CALLS_FILES, .memory = MEMORY,
	};

	stream_begin(to);
	confine(&reader);
	if (source_open(source))
		kind->read(source);
	stream_finish();
	_exit(EX_OK);
}

static pid_t reader_start(const struct kind *kind, struct source *source,
    int *from)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0 || (pid = fork()) < 0)
		fatal(EX_OSERR, "no process for the reader: %s",
		    strerror(errno));
	if (pid == 0) {
		close(ends[0]);
		read_source(kind, source, ends[1]);
	}
	close(ends[1]);
	*from = ends[0];
	return pid;
}

/* --- The writer --- */

static void mailbox_find(const char *text, char path[MAILBOX_SIZE])
{
	struct address a;
	struct stat st;

	if (address_parse(text, &a) != ADDRESS_OK)
		fatal(EX_USAGE, "%s: that is no address", safe(text));
	if (!mailbox_path(path, a.local, *a.domain != '\0' ? a.domain :
	    domain_default()))
		fatal(EX_NOUSER, "%s: no mailbox can have that name",
		    safe(text));
	if (stat(path, &st) != 0 && errno == EACCES)
		fatal(EX_NOPERM, "%s: %s: run it as root, or as the owner of "
		    "the home", safe(path), strerror(errno));
	if (stat(path, &st) != 0)
		fatal(EX_NOUSER, "%s: no such mailbox: make it with "
		    "`pennypost user add %s`", safe(path), safe(text));
}

static void folder_find(const char *text, char name[FOLDER_NAME_SIZE])
{
	const char *fault = name_read(name, text, true);

	if (fault != NULL)
		fatal(EX_USAGE, "%s: that is no folder's name: %s",
		    quoted(text), fault);
}

static bool write_target(struct stream *stream, const struct target *target)
{
	const struct confine_path paths[] = {
		{target->maildir, MAY_READ | MAY_WRITE | MAY_CREATE |
		    MAY_REMOVE},
		{NULL, 0},
	};
	const struct confinement writer = {
		.paths = paths, .calls = CALLS_FILES, .memory = MEMORY,
	};

	confine(&writer);
	return writer_run(stream, target);
}

static const struct kind *kind_find(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	fatal(EX_USAGE, "%s is no kind of source; " USAGE, safe(name));
}

int main(int argc, char **argv)
{
	static struct stream stream;
	static char mailbox[MAILBOX_SIZE], folder[FOLDER_NAME_SIZE];
	struct source source = {.uidl = UIDL_DEFAULT};
	struct target target = {.maildir = mailbox, .folder = folder};
	const struct kind *kind;
	const char *home = NULL;
	int option;
	bool done;
	pid_t reader;

	program_begin("import");
	log_caller(true);
	while ((option = getopt(argc, argv, "C:qu:")) != -1) {
		if (option == 'C')
			home = optarg;
		else if (option == 'q')
			target.quiet = true;
		else if (option == 'u')
			source.uidl = optarg;
		else
			fatal(EX_USAGE, USAGE);
	}
	argv += optind;
	argc -= optind;
	if (argc < 3 || argc > 4)
		fatal(EX_USAGE, USAGE);
	kind = kind_find(argv[0]);
	source.path = strcmp(argv[1], "-") == 0 ? standard_input : argv[1];
	source.address = target.address = argv[2];
	folder_find(argc == 4 ? argv[3] : "INBOX", folder);
	/* Before it becomes somebody else, and goes elsewhere. */
	reader = reader_start(kind, &source, &stream.fd);
	home_enter(home);
	mailbox_find(target.address, mailbox);
	done = write_target(&stream, &target);
	close(stream.fd);
	return program_wait(reader) == EX_OK && done ? EX_OK : EX_DATAERR;
}
