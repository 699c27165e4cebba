#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "confine.h"
#include "log.h"
#include "program.h"
#include "save.h"
#include "server.h"
#include "terminal.h"
#include "tls.h"

/* What both may do: CONFINEMENT in mailclient(1). */

#define TALKER_MEMORY (256u << 20) /* bytes; a mail of 32 MiB takes a quarter */
#define KEEPER_MEMORY (128u << 20) /* bytes; half, to save that */
#define FILES 32                   /* of a process; it takes 10 */

static char helper[PATH_SIZE];

static struct confine_path talker_paths[] = {
	TLS_HELPER_PATHS(helper),
	{"", MAY_READ}, {"", MAY_READ}, /* SSL_CERT_FILE, SSL_CERT_DIR */
	{NULL, 0},
};

static const struct confine_path keeper_paths[] = {
	{"/", MAY_WRITE | MAY_CREATE | MAY_REMOVE},
	{NULL, 0},
};

static void talker_confine(const unsigned ports[])
{
	static const char *const names[] = {"SSL_CERT_FILE", "SSL_CERT_DIR"};
	size_t n = sizeof talker_paths / sizeof *talker_paths - 3;

	if (!program_path("tls", helper))
		*helper = '\0';
	for (size_t i = 0; i < 2; i++) {
		const char *path = getenv(names[i]);
		if (path != NULL)
			talker_paths[n + i].path = path;
	}
	confine(&(struct confinement){
		.paths = talker_paths,
		.calls = CALLS_FILES | CALLS_SOCKETS | CALLS_UNIX |
		    CALLS_PROGRAMS,
		.ports = ports,
		.memory = TALKER_MEMORY,
		.files = FILES,
	});
}

/* What one says to the other */

enum what {
	LINE,   /* max */
	SECRET, /* max: the size; a text: the question */
	SAVE,   /* lines; texts: the file, the one that is proposed, the octets */
};

#define TEXTS 3

struct request {
	enum what what;
	bool lines;
	size_t max, text[TEXTS]; /* octets, which follow */
};

struct answer {
	bool good;
	size_t text; /* the same */
};

static bool put(int fd, const void *from, size_t n)
{
	const char *p = from;
	ssize_t done;

	for (; n > 0; p += done, n -= (size_t)done) {
		done = write(fd, p, n);
		if (done < 0 && errno != EINTR)
			return false;
		if (done < 0)
			done = 0;
	}
	return true;
}

static bool get(int fd, void *to, size_t n)
{
	char *p = to;
	ssize_t done;

	for (; n > 0; p += done, n -= (size_t)done) {
		done = read(fd, p, n);
		if (done == 0 || (done < 0 && errno != EINTR))
			return false;
		if (done < 0)
			done = 0;
	}
	return true;
}

static bool text_get(int fd, struct str *text, size_t n)
{
	char piece[4096];
	size_t next;

	str_clear(text);
	str_puts(text, "");
	for (; n > 0; n -= next) {
		next = n < sizeof piece ? n : sizeof piece;
		if (!get(fd, piece, next))
			return false;
		str_add(text, piece, next);
	}
	explicit_bzero(piece, sizeof piece); /* there may be a password */
	return true;
}

/* The talker's side: its fd 0 is the keeper. */

static bool talker;

bool keeper_there(void)
{
	return talker;
}

/* Without a keeper there is no person. */
static _Noreturn void alone(void)
{
	exit(EX_NOINPUT);
}

static bool asked(const struct request *r, const char *const texts[],
    struct str *text)
{
	struct answer a;
	bool ok = put(STDIN_FILENO, r, sizeof *r);

	for (size_t i = 0; ok && i < TEXTS; i++)
		ok = put(STDIN_FILENO, texts[i], r->text[i]);
	if (!ok || !get(STDIN_FILENO, &a, sizeof a) ||
	    !text_get(STDIN_FILENO, text, a.text))
		alone();
	return a.good;
}

bool keeper_line(struct str *line, size_t max)
{
	const char *const none[TEXTS] = {""};

	return asked(&(struct request){.what = LINE, .max = max}, none, line);
}

bool keeper_secret(char *answer, size_t size, const char *question)
{
	const char *const texts[TEXTS] = {question};
	char room[1024]; /* so that no copy is left behind */
	struct str secret = STR_ROOM(room);
	bool fits = asked(&(struct request){.what = SECRET, .max = size,
	    .text = {strlen(question)}}, texts, &secret);

	fits = fits && secret.len < size;
	if (fits)
		memcpy(answer, secret.p, secret.len + 1);
	explicit_bzero(secret.p, secret.cap);
	str_free(&secret);
	return fits;
}

void keeper_save(const char *file, const char *proposed, struct span octets,
    bool lines)
{
	const char *const texts[TEXTS] = {file, proposed, octets.p};
	struct str none = {0};

	asked(&(struct request){.what = SAVE, .lines = lines,
	    .text = {strlen(file), strlen(proposed), octets.n}}, texts, &none);
	str_free(&none);
}

static void talk(int link, int end, const unsigned ports[])
{
	talker = true;
	dup2(link, STDIN_FILENO);
	close(link);
	signal(SIGTSTP, SIG_IGN); /* the keeper stops: nobody would wake us */
	/*
	 * The pipe ends with the keeper, however it does, and that is a signal,
	 * which ends us wherever we wait.
	 */
	signal(SIGIO, SIG_DFL);
	fcntl(end, F_SETOWN, getpid());
	fcntl(end, F_SETFL, O_ASYNC);
	if (poll(&(struct pollfd){.fd = end}, 1, 0) > 0)
		alone();
	talker_confine(ports);
}

/* The keeper's side */

static struct str typed; /* the last line */

/* Was that "s FILE" or "a NUMBER FILE"? */
static bool was_typed(const char *file)
{
	const char *p = typed.p + strspn(typed.p, " \t");
	size_t all = strlen(p), n = strlen(file);

	while (all > 0 && strchr(" \t", p[all - 1]) != NULL)
		all--;
	return all > n && (*p == 's' || *p == 'a') &&
	    strchr(" \t", p[all - n - 1]) != NULL &&
	    memcmp(p + all - n, file, n) == 0;
}

/* One that the person will be shown, and need but confirm. */
static bool is_harmless(const char *proposed)
{
	return strchr(proposed, '/') == NULL && *proposed != '.' &&
	    *proposed != '-';
}

static bool request_save(int link, const struct request *r)
{
	struct str file = {0}, proposed = {0}, octets = {0};
	bool whole = text_get(link, &file, r->text[0]) &&
	    text_get(link, &proposed, r->text[1]) &&
	    text_get(link, &octets, r->text[2]);

	if (whole && (*file.p != '\0' ? was_typed(file.p) :
	    is_harmless(proposed.p)))
		save(file.p, proposed.p, (struct span){octets.p, octets.len},
		    r->lines);
	else if (whole)
		warn("confined refused=save path=%s", safe(*file.p != '\0' ?
		    file.p : proposed.p));
	str_free(&file);
	str_free(&proposed);
	str_free(&octets);
	return whole;
}

static bool answer(int link, bool good, const struct str *text)
{
	const struct answer a = {good, text->len};

	if (fflush(stdout) != 0)
		exit(EX_IOERR);
	return put(link, &a, sizeof a) && put(link, text->p, text->len);
}

static bool request_secret(int link, const struct request *r)
{
	char room[sizeof(((struct account *)NULL)->password)];
	struct str question = {0}, secret = STR_ROOM(room);
	bool ok = r->max <= sizeof room &&
	    text_get(link, &question, r->text[0]);

	*room = '\0';
	if (ok) {
		bool fits = ask_secret(room, r->max, question.p);
		secret.len = strlen(room);
		ok = answer(link, fits, &secret);
	}
	explicit_bzero(room, sizeof room);
	str_free(&question);
	return ok;
}

/* False: the talker has ended, or is none of ours any more. */
static bool request_serve(int link)
{
	static const struct str none;
	struct request r;
	bool got;

	if (!get(link, &r, sizeof r))
		return false;
	switch (r.what) {
	case LINE:
		got = input_line(&typed, r.max);
		return answer(link, got, &typed);
	case SECRET:
		return request_secret(link, &r);
	case SAVE:
		return request_save(link, &r) && answer(link, true, &none);
	}
	return false;
}

static _Noreturn void keep(int link, pid_t pid)
{
	confine(&(struct confinement){
		.paths = keeper_paths,
		.calls = CALLS_FILES | CALLS_TERMINAL,
		.memory = KEEPER_MEMORY,
		.files = FILES,
	});
	str_puts(&typed, "");
	while (request_serve(link))
		continue;
	close(link);
	exit(program_wait(pid));
}

bool keeper_part(const unsigned ports[])
{
	int link[2], end[2];
	pid_t pid;

	fflush(stdout);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link) != 0)
		return false;
	if (pipe2(end, O_CLOEXEC) != 0) {
		close(link[0]);
		close(link[1]);
		return false;
	}
	pid = fork();
	close(link[pid == 0 ? 0 : 1]);
	close(end[pid == 0 ? 1 : 0]);
	if (pid > 0)
		keep(link[0], pid);
	if (pid == 0) {
		talk(link[1], end[0], ports);
		return true;
	}
	close(link[0]);
	close(end[1]);
	return false;
}
