#include "ids.h"

#include <string.h>

#include "header.h"

/* A quoted left side and a plain one are the same. */
static const char *quoted_part(struct str *to, const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		if (*p != '\r' && *p != '\n' && *p != '\0')
			str_add(to, p, 1);
	}
	return p < end ? p + 1 : end;
}

/* Behind "<", up to ">". NULL: it is none, and nothing was appended. */
static const char *id_read(struct str *to, const char *p, const char *end)
{
	size_t before = to->len;
	bool at = false;

	while (p < end && *p != '>' && *p != '<') {
		if (*p == '"') {
			p = quoted_part(to, p, end);
			continue;
		}
		at = at || (*p == '@' && to->len > before);
		if ((unsigned char)*p > ' ')
			str_add(to, p, 1);
		p++;
	}
	if (p < end && *p == '>' && at && to->p[to->len - 1] != '@')
		return p + 1;
	to->len = before;
	return NULL;
}

size_t ids_read(struct str *to, struct span value, size_t max)
{
	const char *p = value.p, *end = p + value.n, *behind;
	size_t n = 0;

	while (n < max && p < end &&
	    (p = memchr(p, '<', (size_t)(end - p))) != NULL) {
		behind = id_read(to, p + 1, end);
		if (behind != NULL) {
			str_add(to, "", 1);
			n++;
		}
		p = behind != NULL ? behind : p + 1;
	}
	return n;
}

void ids_of(struct str *to, struct span header)
{
	struct field f;

	if (!header_find(header, "Message-ID", &f) ||
	    ids_read(to, f.value, 1) == 0)
		str_add(to, "", 1);
	if (header_find(header, "References", &f) &&
	    ids_read(to, f.value, IDS_MAX) > 0)
		return;
	if (header_find(header, "In-Reply-To", &f))
		ids_read(to, f.value, 1);
}

const char *id_next(struct span *rest)
{
	const char *id = rest->p;
	size_t n;

	if (rest->n == 0)
		return NULL;
	n = strnlen(id, rest->n);
	if (n == rest->n) /* no NUL: not ours */
		return NULL;
	rest->p += n + 1;
	rest->n -= n + 1;
	return id;
}
