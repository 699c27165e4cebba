#include "tools.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "recipients.h"
#include "entry.h"
#include "local.h"
#include "log.h"
#include "program.h"
#include "str.h"

#define BATCH 1000 /* ids for one queue-run: 40 KB of arguments */
#define ALIASES_FILE "users/aliases"
#define ALIASES_MAX (1u << 20) /* as in deliver */

static void path_of(const char *program, char path[PATH_SIZE])
{
	if (!program_path(program, path) || access(path, X_OK) != 0)
		fatal(EX_UNAVAILABLE, "%s: %s", program, strerror(errno));
}

/* Runs it, and waits: its exit status. */
static int run(char *const argv[])
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), status = EX_OSERR;
	pid_t pid = null < 0 ? -1 : program_start(argv, null, 1, NULL, NULL);

	if (pid > 0)
		status = program_wait(pid);
	else
		warn("%s: %s", safe(argv[0]), strerror(errno));
	if (null >= 0)
		close(null);
	return status;
}

/* -q */

static bool wanted(const struct options *o, const char *id)
{
	static struct entry e;
	bool yes = false;

	if (!id_valid(id))
		return false;
	if (o->filter == 'I')
		return strstr(id, o->filter_text) != NULL;
	if (entry_open(&e, QUEUE_DIR, id) == ENTRY_OK) {
		if (o->filter == 'S')
			yes = strcasestr(e.envelope.sender, o->filter_text) !=
			    NULL;
		const struct recipient *r = e.envelope.rcpt;
		const struct recipient *end = r + e.envelope.rcpts;
		for (; o->filter == 'R' && r < end; r++)
			yes = yes || (entry_waits(r) &&
			    strcasestr(r->address, o->filter_text) != NULL);
	}
	entry_close(&e);
	return yes;
}

/* The program and up to BATCH ids from the directory. How many those are. */
static size_t batch(DIR *dir, const struct options *o, char *argv[],
    char ids[][ID_SIZE])
{
	struct dirent *file;
	size_t n = 0;

	while (n < BATCH && (file = readdir(dir)) != NULL) {
		if (!wanted(o, file->d_name))
			continue;
		snprintf(ids[n], ID_SIZE, "%.*s", ID_SIZE - 1,
		    file->d_name);
		argv[1 + n] = ids[n];
		n++;
	}
	argv[1 + n] = NULL;
	return n;
}

int queue_flush(const struct options *o)
{
	static char path[PATH_SIZE], ids[BATCH][ID_SIZE];
	static char *argv[BATCH + 2];
	DIR *dir = opendir(QUEUE_DIR);
	int status = EX_OK, worst = EX_OK;
	size_t n, all = 0;

	if (dir == NULL || access(QUEUE_DIR, W_OK) != 0)
		fatal(errno == EACCES ? EX_NOPERM : EX_OSFILE,
		    QUEUE_DIR ": %s", strerror(errno));
	path_of("queue-run", path);
	argv[0] = path;
	if (o->filter == 0) {
		if (*o->filter_text == '\0')
			argv[1] = "-a"; /* else an interval: what is due */
		program_become(argv, NULL);
		fatal(EX_OSERR, "queue-run: %s", strerror(errno));
	}
	while ((n = batch(dir, o, argv, ids)) > 0) {
		all += n;
		status = run(argv);
		worst = status != EX_OK ? status : worst;
	}
	closedir(dir);
	info("queue run filter=%c%s messages=%zu", o->filter,
	    safe(o->filter_text), all);
	return worst;
}

/* -bv */

static int verify(const struct address *a, const char *domain)
{
	static char path[PATH_SIZE];
	char whole[2 * ADDRESS_SIZE];
	char *argv[] = {path, "-v", whole, NULL};
	const char *where = *a->domain != '\0' ? a->domain : domain;
	bool local = domain_is_local(where);

	if (local)
		snprintf(whole, sizeof whole, "%s%s%s", a->text,
		    *a->domain != '\0' ? "" : "@",
		    *a->domain != '\0' ? "" : domain);
	else
		snprintf(whole, sizeof whole, "%s", where);
	path_of(local ? "deliver" : "smtp-send", path);
	return run(argv);
}

int addresses_verify(char *const words[], const char *domain)
{
	enum recipients_result got;
	struct address a;
	const char *behind;
	int status, worst = EX_OK;

	if (*words == NULL)
		fatal(EX_USAGE, "no address to look at");
	for (; *words != NULL; words++) {
		struct recipients list = recipients_begin(*words,
		    strlen(*words));
		while ((got = recipients_next(&list, &a, &behind)) !=
		    RECIPIENTS_END) {
			if (got == RECIPIENTS_BAD)
				fatal(EX_DATAERR, "not an address: %s",
				    quoted(*words));
			status = verify(&a, domain);
			worst = status != EX_OK ? status : worst;
		}
	}
	return worst;
}

/* newaliases */

/* An entry has a name and a colon, which may be within its quotes. */
static bool is_entry(const char *line)
{
	size_t n = *line == '"' ? strcspn(line + 1, "\"") + 2 :
	    strcspn(line, ": \t");

	if (n > strlen(line) || n == 0)
		return false;
	line += n + strspn(line + n, " \t");
	return *line == ':';
}

int aliases_check(void)
{
	struct str text = {0};
	char *rest, *line;
	unsigned number = 0, entries = 0;
	int status = EX_OK;

	if (!str_read_file(&text, ALIASES_FILE, ALIASES_MAX)) {
		if (errno == ENOENT)
			return EX_OK;
		fatal(errno == EACCES ? EX_NOPERM : EX_IOERR,
		    ALIASES_FILE ": %s", strerror(errno));
	}
	rest = text.p;
	while ((line = text_line(&rest)) != NULL) {
		size_t blanks = strspn(line, " \t\r");
		number++;
		if (line[blanks] == '\0' || line[blanks] == '#')
			continue;
		if (blanks > 0 ? entries == 0 : !is_entry(line)) {
			fprintf(stderr, "sendmail: " ALIASES_FILE
			    ":%u: not \"name: target\"\n", number);
			status = EX_DATAERR;
		}
		entries += blanks == 0;
	}
	printf(ALIASES_FILE ": %u aliases, read at each delivery\n", entries);
	str_free(&text);
	return status;
}
