#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "local.h"
#include "log.h"
#include "qp.h"
#include "queue.h"
#include "trace.h"

#define BLOCK 65536
#define FIELD 998        /* bytes of a field that we look at: RFC 5322 2.1.1 */
#define ID_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
    "0123456789!#$%&'*+-/=?^_`{|}~.<>@[]:"
#define BOUNDARY_BYTES 16 /* random: no text has them but by chance */

/*
 * What we send to the postmaster of a message from <> has this field, with his
 * address. Where his own mail goes astray, perhaps as a forward of his, nobody
 * is told: there would be no end.
 */
#define MARK "X-Double-Bounce"

static struct queue queue;

static void out(const char *p, size_t n)
{
	queue_lines(&queue, p, n);
}

static const char *postmaster(void)
{
	static char address[ADDRESS_SIZE + 16];

	snprintf(address, sizeof address, "postmaster@%s", domain_default());
	return address;
}

bool report_wanted(const struct entry *e, const struct recipient *r,
    enum report_kind kind)
{
	static const unsigned bits[] = {
		NOTIFY_FAILURE, NOTIFY_DELAY, NOTIFY_SUCCESS,
	};
	/* RFC 3461 4.1: said nothing, a sender hears of failure and delay. */
	unsigned notify = r->notify != 0 ? r->notify :
	    NOTIFY_FAILURE | NOTIFY_DELAY;

	if ((notify & bits[kind]) == 0)
		return false;
	if (*e->envelope.sender != '\0')
		return true;
	return kind == REPORT_FAILED && *domain_default() != '\0' &&
	    strcasecmp(r->address, postmaster()) != 0;
}

/* The message that it is about */

/* The field's text, unfolded; "" when there is none. Static. */
static const char *field(const struct report *r, const char *name, char *value,
    size_t size)
{
	const char *p = r->header, *end = p + r->header_len, *lf;
	size_t n = strlen(name), len = 0;

	*value = '\0';
	for (; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL)
			return value;
		if ((size_t)(lf - p) <= n || p[n] != ':' ||
		    strncasecmp(p, name, n) != 0)
			continue;
		for (p += n + 1; p < end && len + 1 < size; p++) {
			if (*p == '\n' && (p + 1 == end || (p[1] != ' ' &&
			    p[1] != '\t')))
				break;
			if (*p != '\n' && (len > 0 || (*p != ' ' &&
			    *p != '\t')))
				value[len++] = *p;
		}
		value[len] = '\0';
		return value;
	}
	return value;
}

static int header_read(struct report *r)
{
	static char header[RETURN_HEADER + 1];
	static char subject[FIELD], message_id[FIELD];
	uint64_t at = 0;
	size_t len = 0;
	ssize_t n = 1;
	char *end;

	while (len < RETURN_HEADER && n > 0) {
		n = entry_read(r->entry, &at, header + len,
		    RETURN_HEADER - len);
		if (n < 0)
			return errno;
		len += (size_t)n;
	}
	header[len] = '\0';
	if ((end = strstr(header, "\n\n")) != NULL)
		len = (size_t)(end + 1 - header);
	while (len > 0 && header[len - 1] != '\n')
		len--;
	r->header = header;
	r->header_len = len;
	r->message_id = field(r, "Message-ID", message_id, sizeof message_id);
	if (*message_id != '<' || strlen(message_id) > 250 ||
	    message_id[strspn(message_id, ID_LETTERS)] != '\0')
		*message_id = '\0';
	r->subject = field(r, "Subject", subject, sizeof subject);
	if (strstr(subject, "=?") != NULL)
		*subject = '\0'; /* RFC 2047: not for a person's eyes */
	return 0;
}

bool is_ascii(const char *p, size_t n)
{
	while (n > 0 && (unsigned char)*p < 0x80)
		p++, n--;
	return n == 0;
}

/* Hands on n bytes of the message; with NULL, only looks. False: errno. */
static bool content(const struct report *r, uint64_t size, bool *ascii,
    void (*to)(const char *, size_t))
{
	static char block[BLOCK];
	uint64_t at = 0;

	*ascii = true;
	while (at < size) {
		uint64_t left = size - at;
		ssize_t n = entry_read(r->entry, &at, block,
		    left < sizeof block ? (size_t)left : sizeof block);
		if (n <= 0)
			return false;
		*ascii = *ascii && is_ascii(block, (size_t)n);
		if (to != NULL)
			to(block, (size_t)n);
	}
	return true;
}

/* Does all of it come back? RFC 3461 4.3 and 6.2. */
static bool is_whole_wanted(const struct report *r)
{
	const struct envelope *v = &r->entry->envelope;

	return r->kind == REPORT_FAILED && v->ret != 'H' &&
	    r->entry->size <= (v->ret == 'F' ? RETURN_ASKED : RETURN_USUAL);
}

/* The report itself */

/* All three types of a part, with what is in it. */
struct form {
	char boundary[2 * BOUNDARY_BYTES + 4];
	uint64_t size;       /* of the content */
	bool whole;          /* it is not the header alone */
	bool ascii;          /* it */
	bool global_content; /* its header is not ASCII, and may not be */
	bool encode;         /* global parts: their way may have 7 bits */
	bool eightbit;       /* there is something beyond ASCII all the same */
	struct str words, fields;
};

static struct qp qp = {.out = out};

static void out_encoded(const char *p, size_t n)
{
	qp_text(&qp, p, n);
}

static void print(const struct str *s)
{
	out(s->p, s->len);
}

static void print_head(const struct report *r, const struct form *f)
{
	char room[2048];
	struct str s = STR_ROOM(room);

	str_printf(&s, "From: Mail Delivery System <MAILER-DAEMON@%s>\n"
	    "To: <%s>\nSubject: %s\nDate: ", config_load()->host, r->to,
	    report_subject(r));
	trace_time(&s, time(NULL));
	str_printf(&s, "\nMessage-ID: <%s@%s>\n", r->id, config_load()->host);
	if (*r->message_id != '\0')
		str_printf(&s, "In-Reply-To: %s\nReferences: %s\n",
		    r->message_id, r->message_id);
	str_puts(&s, "Auto-Submitted: auto-replied\n");
	if (r->double_bounce)
		str_printf(&s, MARK ": %s\n", r->to);
	str_printf(&s, "MIME-Version: 1.0\n%s"
	    "Content-Type: multipart/report; report-type=delivery-status;\n"
	    "\tboundary=\"%s\"\n\n"
	    "This is a report in the form of RFC 3464.\n",
	    f->eightbit ? "Content-Transfer-Encoding: 8bit\n" : "",
	    f->boundary);
	print(&s);
	str_free(&s);
}

static void print_part(const struct form *f, const char *description,
    const char *type, const char *encoding)
{
	char room[512];
	struct str s = STR_ROOM(room);

	str_printf(&s, "\n--%s\nContent-Description: %s\nContent-Type: %s\n",
	    f->boundary, description, type);
	if (*encoding != '\0')
		str_printf(&s, "Content-Transfer-Encoding: %s\n", encoding);
	str_puts(&s, "\n");
	print(&s);
	str_free(&s);
}

static void print_words(const struct form *f)
{
	bool ascii = is_ascii(f->words.p, f->words.len);

	print_part(f, "what happened", ascii ? "text/plain" :
	    "text/plain; charset=utf-8", ascii ? "" : "8bit");
	print(&f->words);
}

static void print_fields(const struct report *r, const struct form *f)
{
	print_part(f, "the same for programs", r->global ?
	    "message/global-delivery-status" : "message/delivery-status",
	    !r->global ? "" : f->encode ? "quoted-printable" : "8bit");
	if (r->global && f->encode) {
		out_encoded(f->fields.p, f->fields.len);
		qp_end(&qp);
	} else {
		print(&f->fields);
	}
}

static bool print_content(const struct report *r, const struct form *f)
{
	bool encode = f->global_content && f->encode, ascii;

	print_part(f, f->whole ? "the message" : "the header of the message",
	    f->whole ? (f->global_content ? "message/global" :
	    "message/rfc822") : f->global_content ? "message/global-headers" :
	    "text/rfc822-headers",
	    encode ? "quoted-printable" : f->ascii ? "" : "8bit");
	if (!content(r, f->size, &ascii, encode ? out_encoded : out))
		return false;
	if (encode)
		qp_end(&qp);
	return true;
}

static bool boundary_make(struct form *f)
{
	unsigned char bytes[BOUNDARY_BYTES];

	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
		return false;
	strcpy(f->boundary, "=_");
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(f->boundary + 2 + 2 * i, 3, "%02x", bytes[i]);
	return true;
}

/* What needs to be known before the first line. 0, or errno. */
static int form_make(struct form *f, struct report *r)
{
	const struct envelope *v = &r->entry->envelope;
	bool sender_ascii = is_ascii(r->to, strlen(r->to));

	r->global = false;
	for (size_t i = 0; i < r->count; i++) {
		const struct recipient *to = &v->rcpt[r->rcpt[i]];
		r->global = r->global ||
		    !is_ascii(to->address, strlen(to->address)) ||
		    !is_ascii(to->orcpt, strlen(to->orcpt));
	}
	if (!boundary_make(f))
		return EIO;
	f->whole = is_whole_wanted(r);
	f->size = f->whole ? r->entry->size : r->header_len;
	if (!content(r, f->size, &f->ascii, NULL))
		return errno;
	f->global_content = v->utf8 && !is_ascii(r->header, r->header_len);
	f->encode = sender_ascii; /* RFC 6533 4.5: it may lack SMTPUTF8 */
	report_words(&f->words, r);
	report_fields(&f->fields, r);
	f->eightbit = !is_ascii(f->words.p, f->words.len) ||
	    (r->global && !f->encode) ||
	    (!f->ascii && !(f->global_content && f->encode));
	return 0;
}

/* The queue file, from <>, to one; then its text may be written. */
static void queue_begin(struct envelope *v, const char *id, const char *to)
{
	struct recipient r = {.address = to, .orcpt = "",
	    .status = QUEUE_WAITING};

	envelope_add(v, &r);
	queue_create(&queue, id, v);
}

/* Made again, it is found: its id is derived. */
static int queue_end(struct envelope *v, int error)
{
	if (error == 0)
		error = queue_commit(&queue, v);
	else
		queue_abort(&queue);
	pool_reset(v->pool);
	return error == EEXIST ? 0 : error;
}

static int report_write(const struct report *r, const struct form *f)
{
	static struct pool pool;
	struct envelope v = {.open = true, .pool = &pool,
	    .eightbit = f->eightbit, .utf8 = !f->encode};
	char end[sizeof f->boundary + 8];
	int n = snprintf(end, sizeof end, "\n--%s--\n", f->boundary);

	queue_begin(&v, r->id, r->to);
	print_head(r, f);
	print_words(f);
	print_fields(r, f);
	if (!print_content(r, f))
		return queue_end(&v, errno);
	out(end, (size_t)n);
	return queue_end(&v, 0);
}

int report_make(struct entry *e, enum report_kind kind, const size_t *rcpt,
    size_t count, const char *id)
{
	struct report r = {.entry = e, .kind = kind, .rcpt = rcpt,
	    .count = count, .id = id, .to = e->envelope.sender,
	    .subject = "", .message_id = ""};
	struct form f = {0};
	char mark[FIELD];
	int error = header_read(&r);

	if (error != 0)
		return error;
	if (*r.to == '\0') {
		r.double_bounce = true;
		r.to = postmaster();
		if (*field(&r, MARK, mark, sizeof mark) != '\0') {
			warn("dropped id=%s to=<%s> recipients=%zu: "
			    "nobody is left to be told", e->id,
			    safe(e->envelope.rcpt[rcpt[0]].address), count);
			return 0;
		}
	}
	r.answers = entry_answers(e);
	error = form_make(&f, &r);
	if (error == 0)
		error = report_write(&r, &f);
	str_free(&f.words);
	str_free(&f.fields);
	if (error == 0)
		info("report id=%s of=%s to=<%s> recipients=%zu", id, e->id,
		    safe(r.to), count);
	return error;
}

bool report_damaged(char id[ID_SIZE], const char *name, const char *why)
{
	static struct pool pool;
	struct envelope v = {.open = true, .pool = &pool};
	struct str s = {0};
	int error;

	*id = '\0';
	/* A notice that is itself damaged gets none: there would be no end. */
	if (*domain_default() == '\0' || strstr(name, "-x") != NULL)
		return true;
	if (id_valid(name))
		id_derive(id, name, "x");
	else
		id_make(id);
	str_printf(&s, "From: Mail Delivery System <MAILER-DAEMON@%s>\n"
	    "To: <%s>\nSubject: A file of the queue is damaged\nDate: ",
	    config_load()->host, postmaster());
	trace_time(&s, time(NULL));
	str_printf(&s, "\nMessage-ID: <%s@%s>\n"
	    "Auto-Submitted: auto-generated\n" MARK ": %s\n\n"
	    "This is the mail server %s.\n\n"
	    "The file spool/queue/%s\nis none that it writes: %s.\n\n"
	    "It is in spool/damaged now, and nothing of it will be sent. If a "
	    "disk or a\ncopy has failed, there may be more such files. Mend "
	    "it and move it back, or\nremove it.\n", id, config_load()->host,
	    postmaster(), config_load()->host, safe(name), why);
	queue_begin(&v, id, postmaster());
	out(s.p, s.len);
	str_free(&s);
	error = queue_end(&v, 0);
	if (error != 0)
		warn("no notice of damaged file=%s: %s", safe(name),
		    strerror(error));
	return error == 0;
}
