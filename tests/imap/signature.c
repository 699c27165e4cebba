/*
 * signature ROUNDS: messages of random text, as it is and encoded, and words that
 * they have and have not. No word that a look at the text finds may be ruled out.
 */
#include "signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "charset.h"
#include "text.h"

struct look {
	struct span key;
	bool found;
};

static bool look(void *context, struct span text)
{
	struct look *l = context;

	l->found = l->key.n == 0 ||
	    memmem(text.p, text.n, l->key.p, l->key.n) != NULL;
	return !l->found;
}

static void add_word(struct str *s)
{
	static const char *const letters[] = {"a", "e", "n", "t", "B", "K", "Z",
	    "\xc3\xa4", "\xc3\x84", "\xce\xa3", "\xcf\x82", "\xe2\x82\xac",
	    "\xc8\xba", "1", "-", "\xff", "=", "o", "s"};

	for (int n = 1 + rand() % 8; n > 0; n--)
		str_puts(s, letters[(size_t)rand() % (sizeof letters /
		    sizeof *letters)]);
}

static void add_text(struct str *s, int words)
{
	for (; words > 0; words--) {
		add_word(s);
		str_puts(s, rand() % 12 > 0 ? " " : "\r\n");
	}
}

static void make_message(struct str *s)
{
	static const char *const encodings[] = {"7bit", "8bit",
	    "quoted-printable", "base64"};
	static const char *const charsets[] = {"utf-8", "iso-8859-1", "koi8-r",
	    "x-none"};

	str_clear(s);
	str_puts(s, "Subject: ");
	add_word(s);
	str_puts(s, "\r\nX-Some: =?utf-8?q?w=C3=84rt?= ");
	add_word(s);
	if (rand() % 3 == 0)
		str_puts(s, "\r\nContent-Type: multipart/mixed; boundary=b\r\n"
		    "\r\n--b");
	for (int parts = 1 + rand() % 3; parts > 0; parts--) {
		str_printf(s, "\r\nContent-Type: text/plain; charset=%s\r\n"
		    "Content-Transfer-Encoding: %s\r\n\r\n",
		    charsets[rand() % 4], encodings[rand() % 4]);
		add_text(s, rand() % (rand() % 40 == 0 ? 20000 : 300));
		str_puts(s, "\r\n--b");
	}
}

/* A word: of the message itself, or made up. */
static void make_key(struct str *key, const struct str *message)
{
	struct str raw = {0};

	str_clear(&raw);
	str_clear(key);
	if (rand() % 2 == 0 && message->len > 50) {
		size_t at = (size_t)rand() % (message->len - 40);
		str_add(&raw, message->p + at, 1 + (size_t)rand() % 20);
	} else {
		add_word(&raw);
	}
	charset_fold(key, (struct span){raw.p, raw.len});
	str_free(&raw);
}

int main(int argc, char **argv)
{
	struct str message = {0}, key = {0}, signature = {0};
	unsigned long found = 0, out = 0, others = 0;

	srand(5032);
	charset_prepare();
	for (int i = argc > 1 ? atoi(argv[1]) : 100; i > 0; i--) {
		struct mime m;
		make_message(&message);
		mime_begin(&m, (struct span){message.p, message.len});
		str_clear(&signature);
		signature_make(&signature, &m);
		struct span s = {signature.p, signature.len};
		for (int k = 0; k < 30; k++) {
			struct signature_key sk;
			make_key(&key, &message);
			struct look header = {.key = {key.p, key.len}};
			struct look body = header;
			text_of_header(part_header(&m, m.root), look, &header);
			text_of_body(&m, look, &body);
			signature_key(&sk, header.key);
			bool h = signature_may(s, &sk, SIGNATURE_HEADER);
			bool b = signature_may(s, &sk, SIGNATURE_BODY);
			bool t = signature_may(s, &sk,
			    SIGNATURE_HEADER | SIGNATURE_BODY);
			if ((header.found && !h) || (body.found && !b) ||
			    t != (h || b)) {
				printf("ruled out: %s\n", key.p);
				return 1;
			}
			found += header.found || body.found;
			others += !header.found && !body.found && key.len > 4;
			out += !t && key.len > 4;
		}
		mime_end(&m);
	}
	str_free(&message);
	str_free(&key);
	str_free(&signature);
	text_free();
	printf("%lu words found, %lu of %lu others ruled out\n", found, out,
	    others);
	return 0;
}
