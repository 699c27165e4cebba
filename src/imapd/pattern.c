#include "pattern.h"

#include <string.h>

#include "str.h"

static void set(uint64_t bits[PATTERN_WORDS], unsigned n)
{
	bits[n / 64] |= (uint64_t)1 << n % 64;
}

static void add_octet(struct pattern *p, char c)
{
	if (p->length + 1 >= NAME_UTF8_SIZE) {
		p->never = true;
		return;
	}
	set(p->octet[(unsigned char)c], p->length++);
}

/* What stands between two wildcards. */
static void add_text(struct pattern *p, const char *text, size_t n, bool utf8)
{
	struct str decoded = {0};

	if (!utf8 && n > 0) {
		if (!name_decode(&decoded, text, n)) {
			p->never = true;
			n = 0;
		} else {
			text = decoded.p;
			n = decoded.len;
		}
	}
	for (size_t i = 0; i < n; i++)
		add_octet(p, text[i]);
	str_free(&decoded);
}

void pattern_make(struct pattern *p, const char *reference, const char *said,
    bool utf8)
{
	struct str all = {0};
	const char *at;
	size_t n;

	memset(p, 0, sizeof *p);
	str_puts(&all, reference);
	str_puts(&all, said);
	for (at = all.p; *at != '\0' && !p->never; at += n) {
		n = strcspn(at, "*%");
		add_text(p, at, n, utf8);
		for (; at[n] == '*' || at[n] == '%'; n++)
			set(at[n] == '*' ? p->star : p->percent, p->length);
	}
	str_free(&all);
}

/* The states after one more octet. */
static void step(const struct pattern *p, uint64_t now[PATTERN_WORDS],
    const uint64_t octet[PATTERN_WORDS], bool separator)
{
	uint64_t carry = 0, leads, stays;

	for (unsigned i = 0; i < PATTERN_WORDS; i++) {
		stays = p->star[i] | (separator ? 0 : p->percent[i]);
		leads = now[i] & octet[i];
		now[i] = (now[i] & stays) | leads << 1 | carry;
		carry = leads >> 63;
	}
}

/* An octet of "INBOX". */
static void step_letter(const struct pattern *p, uint64_t now[PATTERN_WORDS],
    char c)
{
	uint64_t both[PATTERN_WORDS];

	for (unsigned i = 0; i < PATTERN_WORDS; i++)
		both[i] = p->octet[(unsigned char)c][i] |
		    p->octet[(unsigned char)c | 0x20][i];
	step(p, now, both, false);
}

bool pattern_matches(const struct pattern *p, const char *name)
{
	char room[NAME_UTF8_SIZE];
	struct str text = STR_ROOM(room);
	uint64_t now[PATTERN_WORDS] = {1};
	const char *at = name;

	if (p->never)
		return false;
	if (strchr(name, '&') != NULL && name_decode(&text, name, strlen(name)))
		at = text.p;
	if (strncmp(at, "INBOX", 5) == 0 && (at[5] == '\0' || at[5] == '.'))
		for (size_t i = 0; i < 5; i++)
			step_letter(p, now, *at++);
	for (; *at != '\0'; at++)
		step(p, now, p->octet[(unsigned char)*at], *at == '.');
	str_free(&text);
	return (now[p->length / 64] >> p->length % 64 & 1) != 0;
}
