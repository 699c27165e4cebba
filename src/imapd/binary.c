#include "arriving.h"

#include <string.h>
#include <strings.h>

#include "base64.h"
#include "header.h"
#include "mime.h"

#define FIELD "Content-Transfer-Encoding"
#define LINE_OCTETS 57 /* make 76 letters: RFC 2045 6.8 */

struct storing {
	struct arriving *to;
	const struct mime *mime;
	size_t at; /* of the message: so far it is stored */
};

/* As it is, up to there. */
static void store_to(struct storing *s, size_t end)
{
	if (end <= s->at)
		return;
	arriving_lines(s->to, s->mime->text.p + s->at, end - s->at);
	s->at = end;
}

static bool encoding_is_binary(struct span value)
{
	static const char binary[] = "binary";
	struct str text = {0};
	bool is;

	str_clear(&text);
	field_unfold(&text, value);
	is = strcasecmp(text.p, binary) == 0;
	str_free(&text);
	return is;
}

static void store_base64(struct storing *s, const struct part *part)
{
	struct span body = part_body(s->mime, part);
	char line[BASE64_SIZE(LINE_OCTETS)];

	for (size_t at = 0; at < body.n; at += LINE_OCTETS) {
		size_t n = body.n - at;
		base64_encode(line, body.p + at,
		    n < LINE_OCTETS ? n : LINE_OCTETS);
		if (at > 0)
			arriving_lines(s->to, "\n", 1);
		arriving_lines(s->to, line, strlen(line));
	}
	s->at = part->end;
}

/* What holds other parts may not be in base64 (RFC 2045 6.4). */
static void store_part(struct storing *s, const struct part *part)
{
	bool leaf = !part->is_multipart && !part->is_message;
	struct field f;

	if (header_find(part_header(s->mime, part), FIELD, &f) &&
	    encoding_is_binary(f.value)) {
		static const char base64[] = FIELD ": base64\r\n";
		static const char eight[] = FIELD ": 8bit\r\n";
		size_t from = (size_t)(f.whole.p - s->mime->text.p);
		store_to(s, from);
		if (leaf)
			arriving_lines(s->to, base64, sizeof base64 - 1);
		else
			arriving_lines(s->to, eight, sizeof eight - 1);
		s->at = from + f.whole.n;
		store_to(s, part->body);
		if (leaf)
			store_base64(s, part);
	}
	for (part = part->children; part != NULL; part = part->next)
		store_part(s, part);
}

void arriving_binary(struct arriving *to, struct span message)
{
	struct mime mime;
	struct storing s = {to, &mime, 0};

	mime_begin(&mime, message);
	store_part(&s, mime.root);
	store_to(&s, message.n);
	mime_end(&mime);
}
