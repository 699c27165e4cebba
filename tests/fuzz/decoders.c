/*
 * The decoders of strangers' bytes, each on a copy of exactly its length, and
 * what must be true of what they make. The first byte: which.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "address.h"
#include "base64.h"
#include "body.h"
#include "envelope.h"
#include "file.h"
#include "local.h"
#include "sasl.h"
#include "fake.h"
#include "pool.h"
#include "scram.h"
#include "srs.h"
#include "str.h"

/* What the tls helper tells: a stranger's certificate may have a part in it. */
#include "lib/tls.c"

/* A string of its own, so that a step past its end is seen. */
static char *string(const uint8_t *data, size_t n)
{
	char *s = malloc(n + 1);

	MUST(s != NULL);
	memcpy(s, data, n);
	s[n] = '\0';
	return s;
}

static void base64(char *text)
{
	char out[40], small[3], back[BASE64_SIZE(sizeof out)];
	size_t len, again;

	if (base64_decode(text, out, sizeof out, &len)) {
		MUST(len < sizeof out && out[len] == '\0');
		base64_encode(back, out, len);
		MUST(strlen(back) == strlen(text) &&
		    base64_decode(back, out, sizeof out, &again));
		MUST(again == len);
	}
	if (base64_decode(text, small, sizeof small, NULL))
		MUST(strlen(small) < sizeof small);
}

/* SASL: the first line is mechanism and response, the others are answers. */

static char *answers;
static struct scram scram;
static bool was_let_in;

bool fuzz_door_is_private(const struct door *);
bool fuzz_door_is_private(const struct door *d)
{
	return d->peer->loopback;
}

enum login_result fuzz_door_password(struct door *, const char *user,
    char *password);
enum login_result fuzz_door_password(struct door *d, const char *user,
    char *password)
{
	(void)d;
	MUST(strlen(user) < LOGIN_SIZE && strlen(password) < LOGIN_SIZE);
	was_let_in = strcmp(password, "secret") == 0;
	explicit_bzero(password, strlen(password));
	return was_let_in ? LOGIN_OK : LOGIN_REFUSED;
}

enum login_result fuzz_door_external(struct door *, const char *authzid);
enum login_result fuzz_door_external(struct door *d, const char *authzid)
{
	(void)d;
	MUST(strlen(authzid) < LOGIN_SIZE);
	was_let_in = *authzid == '\0';
	return was_let_in ? LOGIN_OK : LOGIN_UNAVAILABLE;
}

enum login_result fuzz_door_scram_first(struct door *, const char *user,
    const char *first, char text[SCRAM_SIZE]);
enum login_result fuzz_door_scram_first(struct door *d, const char *user,
    const char *first, char text[SCRAM_SIZE])
{
	struct scram_first f;

	(void)d;
	MUST(scram_first_parse(&f, first) && strcmp(f.user, user) == 0);
	MUST(f.bare > 2 && f.bare < strlen(first) &&
	    strncmp(first + f.bare, "n=", 2) == 0);
	MUST(scram_verifier_parse(&scram.verifier,
	    "1,AAAA,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
	return scram_challenge(&scram, &f, first, "xyz", "", 0, text) ?
	    LOGIN_CONTINUE : LOGIN_REFUSED;
}

enum login_result fuzz_door_scram_final(struct door *, const char *final,
    char text[SCRAM_SIZE]);
enum login_result fuzz_door_scram_final(struct door *d, const char *final,
    char text[SCRAM_SIZE])
{
	(void)d;
	MUST(!scram_final(&scram, final, text)); /* nobody has that key */
	was_let_in = strstr(final, scram.nonce) != NULL;
	strcpy(text, "v=");
	return was_let_in ? LOGIN_OK : LOGIN_REFUSED;
}

static char *answer(const char *text)
{
	MUST(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789+/=") == strlen(text));
	return text_line(&answers);
}

static void sasl(char *text)
{
	static const struct peer peer = {.loopback = true};
	struct door d = {.peer = &peer, .scram_offered = true};
	struct scram_verifier v;
	char again[SCRAM_VERIFIER_SIZE], *mechanism, *line;

	if (scram_verifier_parse(&v, text)) {
		scram_verifier_text(again, &v);
		MUST(scram_verifier_parse(&v, again));
	}
	answers = text;
	line = text_line(&answers);
	mechanism = line != NULL ? text_word(&line) : NULL;
	if (mechanism == NULL)
		return;
	strcpy(d.tls.peer, "x");
	strcpy(d.tls.exporter, "00");
	was_let_in = false;
	enum sasl_result result = sasl_login(&d, mechanism,
	    *line != '\0' ? line : NULL, answer);
	MUST(result != SASL_OK || was_let_in);
}

static void clean(const char *text)
{
	for (; *text != '\0'; text++)
		MUST((unsigned char)*text >= ' ' && *text != 0x7f);
}

/* What was read is what is written, and is read again. */
static void verifier(char *text)
{
	struct scram_verifier v, again;
	char out[SCRAM_VERIFIER_SIZE];

	memset(&v, 0, sizeof v);
	memset(&again, 0, sizeof again);
	if (!scram_verifier_parse(&v, text))
		return;
	MUST(v.salt_size > 0 && v.salt_size <= SCRAM_SALT_MAX);
	MUST(v.iterations > 0 && v.iterations <= SCRAM_ITERATIONS_MAX);
	scram_verifier_text(out, &v);
	MUST(scram_verifier_parse(&again, out));
	MUST(v.iterations == again.iterations &&
	    v.salt_size == again.salt_size &&
	    memcmp(v.salt, again.salt, v.salt_size) == 0 &&
	    memcmp(v.stored, again.stored, sizeof v.stored) == 0 &&
	    memcmp(v.server, again.server, sizeof v.server) == 0);
}

/* The client's two messages, a line each; no proof is right by chance. */
static void dialogue(char *text)
{
	static struct scram scram;
	struct scram_first first;
	char say[SCRAM_SIZE], *final = strchr(text, '\n');
	bool bound;

	if (final != NULL)
		*final++ = '\0';
	if (!scram_first_parse(&first, text))
		return;
	bound = first.flag == 'p';
	MUST(bound || first.flag == 'n' || first.flag == 'y');
	MUST(*first.user != '\0' && strlen(first.user) < SCRAM_NAME_SIZE);
	MUST(strlen(first.authzid) < SCRAM_NAME_SIZE);
	MUST(first.bare < strlen(text) && *first.nonce != '\0');
	MUST(bound == (*first.binding != '\0'));
	memset(&scram, 0, sizeof scram);
	scram.verifier = (struct scram_verifier){.iterations = 1,
	    .salt_size = 4, .salt = "salt"};
	if (!scram_challenge(&scram, &first, text, "nonce",
	    bound ? "0123" : NULL, bound ? 4 : 0, say))
		return;
	MUST(strlen(say) < SCRAM_SIZE);
	clean(say);
	if (final != NULL && strlen(final) < SCRAM_SIZE) {
		MUST(!scram_final(&scram, final, say));
		MUST(memchr(say, '\0', SCRAM_SIZE) != NULL);
	}
}

/* Without protocol there is no TLS, and then there is a reason. */
static void status(char *text)
{
	static struct tls t;

	text[strcspn(text, "\n")] = '\0';
	memset(&t, 0, sizeof t);
	MUST(status_parse(&t, text) == (*t.protocol != '\0'));
	clean(t.error);
	clean(t.cipher);
	clean(t.name);
	clean(t.peer);
	MUST(strpbrk(t.peer, " \t") == NULL);
	MUST(strspn(t.exporter, "0123456789abcdefABCDEF") ==
	    strlen(t.exporter));
}

/* What was taken once is taken again, as the same. */
static void address_same(const struct address *a)
{
	struct address again;
	char path[ADDRESS_SIZE + 2];
	const char *p = path;

	clean(a->text);
	clean(a->local);
	clean(a->domain);
	if (*a->text == '\0')
		return;
	MUST(address_parse(a->text, &again) == ADDRESS_OK);
	MUST(memcmp(a, &again, sizeof again) == 0 ||
	    (strcmp(a->text, again.text) == 0 &&
	    strcmp(a->local, again.local) == 0 &&
	    strcmp(a->domain, again.domain) == 0 && a->utf8 == again.utf8));
	snprintf(path, sizeof path, "<%s>", a->text);
	MUST(address_path(&p, &again) == ADDRESS_OK && *p == '\0');
	MUST(strcmp(a->text, again.text) == 0);
}

static void addresses(char *text)
{
	struct address a;
	const char *p = text;
	char path[MAILBOX_SIZE];

	if (address_path(&p, &a) == ADDRESS_OK)
		address_same(&a);
	if (address_parse(text, &a) == ADDRESS_OK) {
		MUST(strcmp(a.text, text) == 0);
		address_same(&a);
		if (mailbox_path(path, a.local, a.domain))
			MUST(strstr(path, "/.") == NULL &&
			    strchr(strchr(path + 11, '/') + 1, '/') == NULL);
	}
	domain_valid(text);
}

/* Nor is a control what its "+0A" stands for. */
static void xtext_clean(const char *text)
{
	unsigned octet;

	clean(text);
	for (; *text != '\0'; text++)
		if (*text == '+') {
			MUST(sscanf(text + 1, "%2x", &octet) == 1);
			MUST(octet >= ' ' && octet != 0x7f);
		}
}

static void envelope(char *text)
{
	struct pool pool = {0};
	struct envelope e = {.pool = &pool};
	struct recipient r;
	struct address to;
	char *rcpt = strchr(text, '\n');

	if (rcpt != NULL)
		*rcpt++ = '\0';
	const char *refusal = envelope_mail(&e, text, 1000);
	MUST((refusal == NULL) == e.open);
	if (refusal != NULL)
		MUST(*refusal == '5');
	clean(e.sender);
	xtext_clean(e.envid);
	MUST(strpbrk(e.sender, "<>") == NULL || *e.sender == '"');
	if (rcpt != NULL && (refusal = envelope_rcpt(&e, rcpt, &to, &r)) ==
	    NULL) {
		envelope_add(&e, &r);
		clean(e.rcpt[0].address);
		xtext_clean(e.rcpt[0].orcpt);
		MUST(strpbrk(e.rcpt[0].orcpt, " =") == NULL);
		address_same(&to);
	}
	pool_reset(&pool);
}

static void number(char *text)
{
	uint64_t n = 7, max = strlen(text) % 3 == 0 ? UINT64_MAX : 1000;
	unsigned long long same;
	char *end;

	if (!number_parse(text, max, &n)) {
		MUST(n == 7);
		return;
	}
	same = strtoull(text, &end, 10);
	MUST(*end == '\0' && same == n && n <= max);
}

/* Lines handed on, from pieces of any size, are the same. */

static struct str made;

static void on_header(const char *line, size_t n)
{
	if (n == 0) {
		str_puts(&made, "[end of header]");
		return;
	}
	MUST(line[n - 1] == '\n' && memchr(line, '\n', n - 1) == NULL);
	header_is(line, n, "Received");
	str_add(&made, line, n);
}

static void on_text(const char *lines, size_t n)
{
	MUST(n > 0 && lines[n - 1] == '\n');
	str_add(&made, lines, n);
}

static void lines_in(const char *text, size_t n, size_t piece)
{
	struct body b = {0};

	body_begin(&b, 5000, on_header, on_text);
	for (size_t i = 0; i < n; i += piece)
		body_lines(&b, text + i, piece < n - i ? piece : n - i, false);
	body_lines(&b, NULL, 0, true);
	str_printf(&made, "[%d]", (int)b.fault);
	str_free(&b.partial);
}

static void lines(char *text, size_t n)
{
	struct str whole;

	str_clear(&made);
	lines_in(text, n, BODY_LINE_MAX);
	whole = made;
	made = (struct str){0};
	str_clear(&made);
	lines_in(text, n, 1);
	MUST(made.len == whole.len && memcmp(made.p, whole.p, made.len) == 0);
	str_clear(&made);
	lines_in(text, n, 5);
	MUST(made.len == whole.len && memcmp(made.p, whole.p, made.len) == 0);
	str_free(&whole);
}

/* A file's lines: the same from any pieces, CRLF made LF, nothing else. */

static void file_in(struct str *out, const char *text, size_t n, size_t piece)
{
	static struct file f;

	file_adopt(&f, memfd_create("lines", 0));
	for (size_t i = 0; i < n; i += piece)
		file_lines(&f, text + i, piece < n - i ? piece : n - i);
	MUST(file_flush(&f));
	str_clear(out);
	for (size_t i = 0; i < f.size; i++)
		str_add(out, "", 1);
	MUST(pread(f.fd, out->p, f.size + 1, 0) == (ssize_t)f.size);
	file_end(&f);
}

static void files(char *text, size_t n)
{
	static struct str whole, parts;
	size_t at = 0;

	file_in(&whole, text, n, n + 1);
	file_in(&parts, text, n, 1);
	MUST(whole.len == parts.len && memcmp(whole.p, parts.p, whole.len) == 0);
	file_in(&parts, text, n, 3);
	MUST(whole.len == parts.len && memcmp(whole.p, parts.p, whole.len) == 0);
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\r' && (i + 1 == n || text[i + 1] == '\n'))
			continue;
		MUST(at < whole.len && whole.p[at++] == text[i]);
	}
	MUST(at == whole.len);
}

/* The body of DATA and of BDAT, beside the same as plainly as can be. */

static enum line plain_data(const char *text, size_t n, size_t *used,
    struct str *out, bool *fault)
{
	bool bare, before = false;

	for (size_t at = 0; at < n; at = *used) {
		const char *p = text + at, *lf = memchr(p, '\n', n - at);
		if (lf == NULL)
			break;
		size_t len = (size_t)(lf - p) + 1;
		*used = at + len;
		bare = len < 2 || p[len - 2] != '\r' ||
		    memchr(p, '\r', len - 2) != NULL;
		if (*p == '.') {
			if (len == 2)
				return LINE_BAD;
			if (len == 3 && p[1] == '\r')
				return before ? LINE_BAD : LINE_OK;
			p++, len--;
		}
		*fault = *fault || bare;
		if (!*fault)
			str_add(out, p, len);
		before = bare;
	}
	return LINE_EOF;
}

static struct conn conn;

static void conn_in(const char *text, size_t n, size_t piece)
{
	peer_says((const uint8_t *)text, n, piece);
	conn_open(&conn, 0, 1, 1, 0);
	str_clear(&made);
}

static void body_like(const struct body *b, const struct str *out, bool fault)
{
	MUST((b->fault == BODY_BARE) == fault);
	MUST(b->fault == BODY_BARE || b->fault == BODY_FINE);
	MUST(made.len == out->len || (fault && made.len < out->len));
	MUST(memcmp(made.p, out->p, made.len) == 0);
}

static void data_body(const char *text, size_t n, size_t piece)
{
	struct body b = {0};
	struct str out = {0};
	bool fault = false;
	size_t used = 0;

	str_clear(&out);
	enum line end = plain_data(text, n, &used, &out, &fault);
	conn_in(text, n, piece);
	body_begin(&b, 1u << 20, on_header, on_text);
	b.in_header = false;
	MUST(body_data(&b, &conn) == end);
	if (end != LINE_EOF)
		MUST(n - peer_left() - (conn.end - conn.start) == used);
	body_like(&b, &out, fault);
	str_free(&out);
	str_free(&b.partial);
}

/* In chunks of `size`; dots are text, and the last line may lack its end. */
static void bdat_body(const char *text, size_t n, size_t piece, size_t size)
{
	struct body b = {0};
	struct str out = {0};
	bool fault = false;

	str_clear(&out);
	for (size_t at = 0; at < n;) {
		const char *lf = memchr(text + at, '\n', n - at);
		size_t len = (lf != NULL ? (size_t)(lf - text) + 1 : n) - at;
		const char *p = text + at;
		if (lf == NULL)
			fault = fault || memchr(p, '\r', len) != NULL;
		else
			fault = fault || len < 2 || p[len - 2] != '\r' ||
			    memchr(p, '\r', len - 2) != NULL;
		if (!fault)
			str_add(&out, p, len);
		if (!fault && lf == NULL)
			str_add(&out, "\r\n", 2);
		at += len;
	}
	conn_in(text, n, piece);
	body_begin(&b, 1u << 20, on_header, on_text);
	b.in_header = false;
	for (size_t at = 0; at < n; at += size)
		MUST(body_bdat(&b, &conn, size < n - at ? size : n - at,
		    at + size >= n) == LINE_OK);
	body_like(&b, &out, fault);
	str_free(&out);
	str_free(&b.partial);
}

static void bodies(const char *text, size_t n)
{
	size_t longest = 0, line = 0;

	for (size_t i = 0; i < n; i++) {
		line = text[i] == '\n' ? 0 : line + 1;
		longest = line > longest ? line : longest;
	}
	if (longest + 3 > BODY_LINE_MAX)
		return; /* what is too long is refused */
	for (size_t piece = 0; piece < 2; piece++) {
		data_body(text, n, piece);
		bdat_body(text, n, piece, 1);
		bdat_body(text, n, piece, 7);
	}
}

/* A return path there and back; and what somebody says is one. */
static void return_path(const char *text)
{
	struct address a, back;
	char out[ADDRESS_SIZE], again[ADDRESS_SIZE];
	const char *tag;

	if (address_parse(text, &a) != ADDRESS_OK || *a.domain == '\0')
		return;
	if (srs_restore(out, &a) == SRS_OK)
		MUST(address_parse(out, &back) == ADDRESS_OK);
	MUST(srs_rewrite(out, a.text, "example.test") == 0);
	MUST(address_parse(out, &back) == ADDRESS_OK);
	address_same(&back);
	if (strcmp(out, a.text) == 0)
		return; /* ours, or too long */
	MUST(strcmp(back.domain, "example.test") == 0);
	MUST(srs_restore(again, &back) == SRS_OK);
	tag = strncmp(back.local, "SRS0=", 5) == 0 ? "" : "SRS0";
	MUST(address_parse(again, &back) == ADDRESS_OK);
	MUST(strncmp(back.local, tag, strlen(tag)) == 0);
	if (*tag != '\0' && strncasecmp(a.local, "SRS1", 4) == 0)
		return; /* back to the first who rewrote it */
	MUST(strcmp(back.local + strlen(tag), a.local + strlen(tag)) == 0);
	MUST(strcmp(back.domain, a.domain) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool home;

	if (!home)
		home = home_make("", "") != NULL;
	if (n == 0)
		return 0;
	char *text = string(data + 1, n - 1);
	switch (*data % 12) {
	case 0: base64(text); break;
	case 1: dialogue(text); break;
	case 2: addresses(text); break;
	case 3: envelope(text); break;
	case 4: number(text); break;
	case 5: lines(text, n - 1); break;
	case 6: files(text, n - 1); break;
	case 7: bodies(text, n - 1); break;
	case 8: return_path(text); break;
	case 9: verifier(text); break;
	case 10: status(text); break;
	case 11: sasl(text); break;
	}
	free(text);
	return 0;
}
