#include "box.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "confine.h"
#include "list.h"
#include "local.h"
#include "log.h"
#include "places.h"
#include "program.h"
#include "queue.h"
#include "srs.h"
#include "str.h"

#define MEMORY (128u << 20) /* bytes: 1000 targets and 4 MiB of aliases fit */
#define FILES 64            /* descriptors: it needs a dozen */
#define PIPE_FILES 256      /* descriptors of a program that we start */
#define PIPE_SECONDS 300    /* of processor time, as pipe.c's PATIENCE */
#define SIBLINGS_MAX 4096   /* beside the way to the home */

enum { FIXED = 6 }; /* in the table */

#define MAY_KEEP (MAY_READ | MAY_WRITE | MAY_CREATE | MAY_REMOVE)

/* A line for each place; users/aliases has more. Neither socket nor program. */
static struct confine_path paths[FIXED + PLACES_MAX + 1] = {
	{"spool/mail", MAY_KEEP},
	{"spool/queue", MAY_KEEP},
	{"spool/tmp", MAY_KEEP},
	{"spool/nudge", MAY_WRITE},
	{"users/aliases", MAY_READ},
	{SRS_FILE, MAY_READ},
};

static const struct confinement usual = {
	.paths = paths, .calls = CALLS_FILES, .memory = MEMORY, .files = FILES,
};

/* With `alias_pipes yes`: each program then has a box of its own. */
static const struct confinement for_pipes = {
	.paths = (const struct confine_path[]){{"/", MAY_ALL}, {NULL, 0}},
	.calls = CALLS_ANY,
};

void box_enter(const struct config *config)
{
	aliases_begin();
	domain_default(); /* reads users/domains */
	srs_begin();
	places_add(paths + FIXED, PLACES_MAX);
	confine(config->alias_pipes ? &for_pipes : &usual);
}

/* Pipes */

static struct confine_path beside[SIBLINGS_MAX + 3];
static size_t count;

static void allow(const char *path, unsigned rights)
{
	char *copy;

	if (count == SIBLINGS_MAX)
		fatal(EX_TEMPFAIL, "too many directories beside the home");
	copy = xrealloc(NULL, strlen(path) + 1);
	strcpy(copy, path);
	beside[count++] = (struct confine_path){copy, rights};
}

/*
 * All in the directory but these two names. Symbolic links are left out: where
 * they lead to has a name of its own, or is ours.
 */
static void allow_all_but(const char *dir, const char *one, const char *other,
    unsigned rights)
{
	char path[2 * PATH_SIZE];
	struct dirent *e;
	struct stat st;
	DIR *d = opendir(dir);

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0 ||
		    strcmp(e->d_name, one) == 0 ||
		    strcmp(e->d_name, other) == 0 ||
		    (size_t)snprintf(path, sizeof path, "%s/%s", dir,
		    e->d_name) >= sizeof path ||
		    lstat(path, &st) != 0 || S_ISLNK(st.st_mode))
			continue;
		allow(path, rights);
	}
	if (d != NULL)
		closedir(d);
}

void box_enter_pipe(const char *message, const char *mailbox)
{
	struct confinement c = {.paths = beside, .calls = CALLS_ANY,
	    .files = PIPE_FILES, .seconds = PIPE_SECONDS};
	char home[PATH_SIZE], *slash = home;

	if (getcwd(home, sizeof home) == NULL)
		fatal(EX_OSERR, "where is the home?");
	while ((slash = strchr(slash, '/')) != NULL && slash[1] != '\0') {
		char *name = slash + 1, *next = strchr(name, '/');
		char keep[PATH_SIZE];
		snprintf(keep, sizeof keep, "%.*s", next == NULL ?
		    (int)strlen(name) : (int)(next - name), name);
		*slash = '\0';
		allow_all_but(*home == '\0' ? "/" : home, keep, keep, MAY_ALL);
		*slash++ = '/';
	}
	allow_all_but(".", "users", "spool", MAY_READ | MAY_EXECUTE);
	allow(message, MAY_READ);
	if (mailbox != NULL)
		allow(mailbox, MAY_KEEP);
	confine(&c);
}
