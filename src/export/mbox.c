#include "mbox.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "fields.h"
#include "log.h"
#include "pieces.h"
#include "str.h"

#define HEADER_MAX (1u << 20) /* fields of an mbox's are left out of so much */
#define RETURN_PATH "Return-Path:"

struct writer {
	const struct folder *folder;
	const struct keywords *keywords;
	bool begun; /* the first message has X-IMAPbase */
};

static void out(const char *p, size_t n)
{
	if (fwrite(p, 1, n, stdout) != n)
		fatal(EX_IOERR, "cannot write: %s", strerror(errno));
}

static void line_out(const char *p, size_t n, bool first)
{
	if (first && is_from_quoted(p, n))
		out(">", 1);
	out(p, n);
}

/* `Return-Path: <alice@example.org>`: whom the From_ line names. */
static void sender_read(char *sender, size_t size, const char *line, size_t n)
{
	size_t skip = strlen(RETURN_PATH), len;

	if (n <= skip || strncasecmp(line, RETURN_PATH, skip) != 0)
		return;
	while (skip < n && strchr(" \t<", line[skip]) != NULL &&
	    line[skip] != '\0')
		skip++;
	for (len = 0; skip + len < n && line[skip + len] != '>' &&
	    line[skip + len] > ' ' && line[skip + len] < 0x7f; len++)
		;
	if (len > 0 && len < size &&
	    memchr(line + skip, '@', len) != NULL) {
		memcpy(sender, line + skip, len);
		sender[len] = '\0';
	}
}

/* RFC 4155's date, in UTC; which is said, lest it is taken for local time. */
static void from_out(const char *sender, time_t t)
{
	char date[64] = "";
	struct tm tm;

	if (gmtime_r(&t, &tm) != NULL)
		strftime(date, sizeof date, "%a %b %e %H:%M:%S %Y +0000", &tm);
	if (printf("From %s %s\n", sender, date) < 0)
		fatal(EX_IOERR, "cannot write: %s", strerror(errno));
}

static void letters_put(struct str *s, enum mbox_field field, const char *flags,
    const char *ours, const char *theirs, bool old)
{
	char letters[8];
	size_t n = 0;

	for (; *ours != '\0'; ours++, theirs++)
		if (strchr(flags, *ours) != NULL)
			letters[n++] = *theirs;
	if (old)
		letters[n++] = 'O';
	letters[n] = '\0';
	if (n > 0)
		str_printf(s, "%s: %s\n", mbox_fields[field], letters);
}

static void keywords_put(struct str *s, const struct writer *w,
    const char *flags)
{
	size_t n = 0;

	for (; *flags != '\0'; flags++) {
		if (*flags < 'a' || *flags > 'z')
			continue;
		const char *name = w->keywords->names[*flags - 'a'];
		if (*name != '\0')
			str_printf(s, "%s %s", n++ == 0 ? "X-Keywords:" : "",
			    name);
	}
	if (n > 0)
		str_puts(s, "\n");
}

/* Dovecot takes no keyword for one that is not told here. */
static void base_put(struct str *s, const struct writer *w)
{
	str_printf(s, "%s: %" PRIu32 " %" PRIu32, mbox_fields[X_IMAPBASE],
	    w->folder->uidvalidity, w->folder->uidnext - 1);
	for (size_t i = 0; i < KEYWORDS_MAX; i++)
		if (*w->keywords->names[i] != '\0')
			str_printf(s, " %s", w->keywords->names[i]);
	str_puts(s, "\n");
}

/* What we know of the message. */
static void fields_put(struct str *s, struct writer *w,
    const struct message *m)
{
	const char *flags = message_flags(m);

	if (!w->begun && w->folder->uidvalidity != 0)
		base_put(s, w);
	w->begun = true;
	letters_put(s, STATUS, flags, "S", "R", !m->in_new);
	letters_put(s, X_STATUS, flags, "RFTD", "AFDT", false);
	keywords_put(s, w, flags);
	if (m->uid != 0)
		str_printf(s, "%s: %" PRIu32 "\n", mbox_fields[X_UID], m->uid);
}

/* The header, without an mbox's own fields; what ends it remains in *s. */
static bool header_read(struct pieces *file, struct str *header,
    char *sender, size_t size, struct span *s, bool *first)
{
	bool own = false;

	while (piece_next(file, s, first)) {
		if (*first && (*s->p == '\n' || *s->p == '\r'))
			return true;
		if (header->len >= HEADER_MAX)
			return true;
		if (*first && *s->p != ' ' && *s->p != '\t') {
			own = mbox_field(s->p, s->n) != MBOX_FIELDS;
			sender_read(sender, size, s->p, s->n);
		}
		if (own)
			continue;
		if (*first && is_from_quoted(s->p, s->n))
			str_puts(header, ">");
		str_add(header, s->p, s->n);
	}
	if (header->len > 0 && header->p[header->len - 1] != '\n')
		str_puts(header, "\n");
	return false;
}

static void message_out(struct writer *w, const struct message *m, int fd,
    time_t arrived)
{
	static struct pieces file;
	char sender[320] = "MAILER-DAEMON", last = '\n';
	struct str header = {0};
	struct span s;
	bool first, more;

	file = (struct pieces){.fd = fd};
	more = header_read(&file, &header, sender, sizeof sender, &s, &first);
	from_out(sender, arrived);
	fields_put(&header, w, m);
	out(header.p, header.len);
	str_free(&header);
	if (!more || !first || (*s.p != '\n' && *s.p != '\r'))
		out("\n", !more); /* there was no body */
	for (; more; more = piece_next(&file, &s, &first)) {
		line_out(s.p, s.n, first);
		last = s.p[s.n - 1];
	}
	out("\n\n", last == '\n' ? 1 : 2);
	if (file.error != 0)
		fatal(EX_IOERR, "%s: %s", safe(m->name), strerror(file.error));
}

long mbox_write(struct folder *f, const struct keywords *keywords)
{
	struct writer w = {f, keywords, false};
	long written = 0;
	bool all = true;

	for (size_t i = 0; i < f->count; i++) {
		struct message *m = &f->messages[i];
		struct stat st;
		int fd = message_open(f, m);
		if (fd < 0 && errno == ENOENT)
			continue; /* expunged meanwhile */
		if (fd < 0 || fstat(fd, &st) != 0) {
			warn("%s/%s: %s", f->path, safe(m->name),
			    strerror(errno));
			all = false;
			continue;
		}
		message_out(&w, m, fd, st.st_mtime);
		close(fd);
		written++;
	}
	return all ? written : -1;
}
