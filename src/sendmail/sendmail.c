/*
 * sendmail: what programs call to send mail; mailq and newaliases by its other
 * names. It writes into the queue, where it may, or hands the message over by
 * SMTP. It needs no privilege.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "recipients.h"
#include "config.h"
#include "confine.h"
#include "envelope.h"
#include "header.h"
#include "input.h"
#include "local.h"
#include "log.h"
#include "mailq.h"
#include "nudge.h"
#include "options.h"
#include "program.h"
#include "queue.h"
#include "str.h"
#include "submit.h"
#include "text.h"
#include "tools.h"
#include "trace.h"

#define MEMORY (128u << 20) /* bytes: 1000 recipients and a header take 4 */

/* Addresses that are looked at, the same one many times: 50 ms of work. */
#define ADDRESSES_MAX 10000

/* Who writes into the queue: no program, no socket. A helper nudges. */
static const struct confinement for_queue = {
	.paths = (const struct confine_path[]){
		{QUEUE_DIR, MAY_LIST | MAY_CREATE | MAY_REMOVE},
		{QUEUE_TMP, MAY_READ | MAY_WRITE | MAY_CREATE | MAY_REMOVE},
		{NUDGE_PATH, MAY_WRITE},
		{NULL, 0},
	},
	.calls = CALLS_FILES, .memory = MEMORY,
};

/* Who hands it over: neither file nor program. */
static const struct confinement for_submission = {
	.calls = CALLS_FILES | CALLS_SOCKETS | CALLS_UNIX, .memory = MEMORY,
};

/* Who shows the queue. */
static const struct confinement for_mailq = {
	.paths = (const struct confine_path[]){
		{QUEUE_DIR, MAY_READ},
		{HOLD_DIR, MAY_READ},
		{DAMAGED_DIR, MAY_READ},
		{NULL, 0},
	},
	.calls = CALLS_FILES,
};

static struct {
	struct options options;
	const struct config *config;
	const char *domain;     /* for names without one */
	unsigned uid;
	char user[64], name[256]; /* who calls */
	char own[ADDRESS_SIZE]; /* that user's address */
	struct pool pool;
	struct envelope envelope;
	size_t addresses;
	char id[ID_SIZE];
	struct header header;
	struct text text;
	struct queue queue;
} s;

/* Who calls */

/* The first part of the field, & for the user's name: an old custom. */
static void name_from_gecos(const char *gecos)
{
	size_t n = 0;

	for (; *gecos != '\0' && *gecos != ','; gecos++) {
		size_t room = sizeof s.name - n;
		int len = snprintf(s.name + n, room, "%.*s",
		    *gecos == '&' ? 64 : 1, *gecos == '&' ? s.user : gecos);
		if (len < 0 || (size_t)len >= room)
			break;
		if (*gecos == '&' && s.name[n] >= 'a' && s.name[n] <= 'z')
			s.name[n] = (char)(s.name[n] - 'a' + 'A');
		n += (size_t)len;
	}
	s.name[n] = '\0';
}

static bool is_address(const char *text)
{
	struct address a;

	return address_parse(text, &a) == ADDRESS_OK && *a.domain != '\0';
}

static void caller_find(void)
{
	const struct passwd *p = getpwuid((uid_t)s.uid);

	if (p != NULL && *p->pw_name != '\0' &&
	    strlen(p->pw_name) < sizeof s.user)
		strcpy(s.user, p->pw_name);
	else
		snprintf(s.user, sizeof s.user, "uid%u", s.uid);
	if (p != NULL && p->pw_gecos != NULL)
		name_from_gecos(p->pw_gecos);
	snprintf(s.own, sizeof s.own, "%s@%s", s.user, s.domain);
	if (is_address(s.own))
		return;
	/* A name that is no word to mail, as DOMAIN\name. */
	snprintf(s.user, sizeof s.user, "uid%u", s.uid);
	snprintf(s.own, sizeof s.own, "%s@%s", s.user, s.domain);
}

/* The envelope */

/* Adds the domain that a name alone has. False: no room. */
static bool qualify(struct address *a)
{
	char text[2 * ADDRESS_SIZE];

	if (*a->domain != '\0')
		return true;
	snprintf(text, sizeof text, "%s@%s", a->text, s.domain);
	return address_parse(text, a) == ADDRESS_OK;
}

static void set_sender(const char *text)
{
	struct recipients list = recipients_begin(text, strlen(text));
	struct address a;
	const char *behind;

	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			fatal(EX_USAGE, "-f: control character");
	if (text[strspn(text, " ")] == '\0' || strcmp(text, "<>") == 0)
		return;
	if (recipients_next(&list, &a, &behind) != RECIPIENTS_FOUND ||
	    list.p != list.end || !qualify(&a))
		fatal(EX_USAGE, "-f: not an address: %s", quoted(text));
	strcpy(s.envelope.sender, a.text);
	s.envelope.utf8 = a.utf8;
}

/* RFC 5321 2.4: the local part's letters count, the domain's do not. */
static bool same_address(const char *a, const char *b)
{
	size_t n = strlen(a), local = (size_t)(strrchr(a, '@') - a);

	return strlen(b) == n && memcmp(a, b, local) == 0 &&
	    strcasecmp(a + local, b + local) == 0;
}

static void add_recipient(const struct address *to)
{
	struct envelope *e = &s.envelope;
	struct address a = *to;

	if (++s.addresses > ADDRESSES_MAX)
		fatal(EX_DATAERR, "more than %d addresses", ADDRESSES_MAX);
	if (!qualify(&a))
		fatal(EX_DATAERR, "recipient too long: %s", quoted(a.text));
	for (size_t i = 0; i < e->rcpts; i++)
		if (same_address(e->rcpt[i].address, a.text))
			return;
	if (e->rcpts == RECIPIENTS_MAX)
		fatal(EX_DATAERR, "more than %d recipients", RECIPIENTS_MAX);
	e->utf8 = e->utf8 || a.utf8;
	envelope_add(e, &(struct recipient){
		.address = a.text, .notify = s.options.notify,
		.status = QUEUE_WAITING,
	});
}

/* A recipient on the command line may be a list, as cron's MAILTO is. */
static void add_word(const char *word)
{
	struct recipients list = recipients_begin(word, strlen(word));
	enum recipients_result got;
	struct address a;
	const char *behind;

	while ((got = recipients_next(&list, &a, &behind)) != RECIPIENTS_END) {
		if (got == RECIPIENTS_BAD)
			fatal(EX_DATAERR, "not an address: %s", quoted(word));
		add_recipient(&a);
	}
}

static void envelope_begin(void)
{
	const struct options *o = &s.options;

	s.envelope = (struct envelope){.open = true, .pool = &s.pool,
	    .eightbit = o->eightbit, .ret = o->ret};
	strcpy(s.envelope.envid, o->envid);
	set_sender(o->sender != NULL ? o->sender : s.own);
	for (char **word = o->words; *word != NULL; word++)
		add_word(*word);
	if (s.envelope.rcpts == 0 && !o->read_recipients)
		fatal(EX_USAGE, "no recipients: name them, or use -t");
}

/* The message */

/* What its header has to say of the body, RFC 2045 6. */
static void encoding_choose(struct additions *add)
{
	bool mime = header_is_mime(&s.header);
	bool may = !s.options.gateway && (!mime ||
	    header_is_plain_text(&s.header));

	add->charset = s.text.utf8 ? "utf-8" :
	    "unknown-8bit"; /* RFC 1428 3 */
	if (s.text.longest > LINE_LENGTH_MAX && may)
		add->encoding = QUOTED_PRINTABLE;
	else if (s.text.eightbit && !mime && may)
		add->encoding = EIGHTBIT;
	if (s.text.longest > LINE_LENGTH_MAX && !may)
		warn("line too long octets=%" PRIu64, s.text.longest);
	if (input_had_nul())
		warn("NUL octets dropped");
	if (s.header.eightbit ||
	    (s.text.eightbit && add->encoding != QUOTED_PRINTABLE))
		s.envelope.eightbit = true;
}

/* True: the body is to be quoted-printable. */
static bool header_make(struct str *out, bool received)
{
	struct additions add = {
		.host = s.config->host, .id = s.id, .domain = s.domain,
		.from = *s.envelope.sender != '\0' ? s.envelope.sender : s.own,
		.name = s.options.name != NULL ? s.options.name :
		    s.options.sender == NULL ? s.name : "",
		.gateway = s.options.gateway,
	};
	struct trace trace = {
		.helo = s.user, .host = s.config->host, .protocol = "local",
		.id = s.id, .local = true, .uid = s.uid,
	};
	struct str top = {0};

	if (received)
		trace_received(&top, &trace);
	else
		str_clear(&top);
	add.received = top.p;
	encoding_choose(&add);
	header_write(&s.header, &add, out);
	str_free(&top);
	return add.encoding == QUOTED_PRINTABLE;
}

/* access() does not tell what a box, as that of deliver's pipes, has of it. */
static bool queue_is_writable(void)
{
	int fd = -1;

	if (access(QUEUE_DIR, W_OK | X_OK) == 0 &&
	    access(QUEUE_TMP, W_OK | X_OK) == 0)
		fd = open(QUEUE_TMP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void confine_us(bool queue)
{
	if (!queue) {
		submit_find(s.config);
		confine(&for_submission);
		return;
	}
	/*
	 * A runner that is started must not hold the pipe that our caller reads
	 * to its end, nor whatever else a caller has left open.
	 */
	fcntl(2, F_SETFD, FD_CLOEXEC);
	if (!s.options.queue_only && !nudge_helper())
		fatal(EX_OSERR, "no process for the nudge: %s",
		    strerror(errno));
	confine(&for_queue);
}

static void to_queue(const char *p, size_t n)
{
	queue_lines(&s.queue, p, n);
}

static void enqueue(void)
{
	static char room[8192];
	struct str head = STR_ROOM(room);
	bool qp = header_make(&head, true), created;
	int error;

	queue_create(&s.queue, s.id, &s.envelope);
	created = s.queue.file.fd >= 0;
	queue_lines(&s.queue, head.p, head.len);
	if (text_write(qp, to_queue)) {
		error = queue_commit(&s.queue, &s.envelope);
	} else {
		error = errno;
		queue_abort(&s.queue);
	}
	if (error != 0)
		fatal(created ? EX_IOERR : EX_CANTCREAT,
		    "cannot write into the queue: %s", strerror(error));
	info("queued from=<%s> to=<%s> recipients=%zu size=%" PRIu64 " uid=%u",
	    safe(s.envelope.sender), safe(s.envelope.rcpt[0].address),
	    s.envelope.rcpts, s.queue.file.size - s.queue.message_at, s.uid);
	if (!s.options.queue_only)
		nudge(s.id);
}

static void submit(void)
{
	static char room[8192];
	struct str head = STR_ROOM(room);
	/* Where our uid is known, we need not tell it. */
	bool received = !submit_open();
	bool qp = header_make(&head, received);

	submit_envelope(&s.envelope, head.len + s.text.size);
	submit_text(head.p, head.len);
	if (!text_write(qp, submit_text))
		fatal(EX_IOERR, "cannot read the message again: %s",
		    strerror(errno));
	info("submitted from=<%s> to=<%s> recipients=%zu uid=%u reply=%s",
	    safe(s.envelope.sender), safe(s.envelope.rcpt[0].address),
	    s.envelope.rcpts, s.uid, quoted(submit_end()));
}

static int mail(void)
{
	bool queue;

	id_make(s.id);
	log_session(s.id);
	caller_find();
	queue = queue_is_writable();
	envelope_begin();
	confine_us(queue);
	input_begin(s.config->message_size_limit, !s.options.ignore_dots);
	header_read(&s.header);
	if (s.options.read_recipients)
		header_recipients(&s.header, add_recipient);
	if (s.envelope.rcpts == 0)
		fatal(EX_USAGE, "no recipients in To, Cc or Bcc");
	text_read(&s.text, queue ? QUEUE_TMP : NULL);
	if (queue)
		enqueue();
	else
		submit();
	return EX_OK;
}

/* -bs: smtpd in our place, which believes us; or the one behind the socket. */
static int smtp(void)
{
	static char path[PATH_SIZE], uid[16];
	char *argv[] = {path, "-s", "-l", uid, NULL};

	if (!queue_is_writable()) {
		submit_bridge(s.config);
		return EX_OK;
	}
	snprintf(uid, sizeof uid, "%u", s.uid);
	if (program_path("smtpd", path))
		program_become(argv, NULL);
	fatal(EX_OSERR, "smtpd: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	const char *why;

	program_begin("sendmail");
	s.uid = getuid();
	why = options_parse(&s.options, argc, argv);
	log_caller(s.options.verbose);
	if (why != NULL)
		fatal(EX_USAGE, "%s", why);
	home_enter(NULL);
	s.config = config_load();
	s.domain = domain_default();
	if (*s.domain == '\0')
		s.domain = s.config->host;
	switch (s.options.mode) {
	case MODE_MAIL:
		return mail();
	case MODE_MAILQ:
		confine(&for_mailq);
		return mailq(s.options.json, s.options.words);
	case MODE_SMTP:
		return smtp();
	case MODE_QUEUE:
		return queue_flush(&s.options);
	case MODE_VERIFY:
		return addresses_verify(s.options.words, s.domain);
	case MODE_ALIASES:
		return aliases_check();
	case MODE_NOTHING:
		puts("no host status is kept");
	}
	return EX_OK;
}
