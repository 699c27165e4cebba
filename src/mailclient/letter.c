#include "letter.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "decode.h"
#include "header.h"
#include "html.h"
#include "parameters.h"
#include "save.h"
#include "terminal.h"
#include "words.h"

#define NAME_PROPOSED_MAX 60 /* columns; file systems take 255 octets */

/* All that is not shown, in the order in which it stands. */
static void attachments_find(struct letter *l, const struct part *p)
{
	if (p->is_multipart) {
		for (p = p->children; p != NULL; p = p->next)
			attachments_find(l, p);
	} else if (p != l->text) {
		if (l->count < ATTACHMENTS_MAX)
			l->attachments[l->count] = p;
		l->count++;
	}
}

void letter_begin(struct letter *l)
{
	mime_begin(&l->mime, (struct span){l->raw.p, l->raw.len});
	l->text = part_shown(&l->mime);
	l->count = 0;
	attachments_find(l, l->mime.root);
}

void letter_end(struct letter *l)
{
	mime_end(&l->mime);
	str_free(&l->raw);
}

struct span letter_header(const struct letter *l)
{
	return part_header(&l->mime, l->mime.root);
}

void letter_field(struct str *to, const struct letter *l, const char *name)
{
	struct str line = {0}, text = {0};
	struct field f;

	if (!header_find(letter_header(l), name, &f))
		return;
	field_unfold(&line, f.value);
	words_decode(&text, (struct span){line.p, line.len});
	text_add(to, (struct span){text.p, text.len}, false);
	str_free(&line);
	str_free(&text);
}

void letter_text(struct str *to, const struct letter *l)
{
	struct str text = {0}, plain = {0};

	if (l->text == NULL)
		return;
	part_text(&text, &l->mime, l->text, LETTER_TEXT_MAX);
	if (part_is(l->text, "text", "html"))
		html_text(&plain, (struct span){text.p, text.len});
	else
		str_add(&plain, text.p, text.len);
	text_add(to, (struct span){plain.p, plain.len}, true);
	if (to->len > 0 && to->p[to->len - 1] != '\n')
		str_puts(to, "\n");
	if (text.len >= LETTER_TEXT_MAX)
		str_puts(to, "[The text is longer: save it to see all.]\n");
	str_free(&text);
	str_free(&plain);
}

/* What the part is called, in UTF-8: as it came. */
static void name_add(struct str *to, const struct letter *l,
    const struct part *p)
{
	struct field f;
	struct span list;

	if (header_find(part_header(&l->mime, p), "Content-Disposition", &f)) {
		list = f.value;
		token_next(&list);
		if (parameter_find(to, list, "filename"))
			return;
	}
	parameter_find(to, p->parameters, "name");
}

static void octets_add(struct str *to, const struct letter *l,
    const struct part *p)
{
	struct span body = part_body(&l->mime, p);

	if (p->encoding == ENCODING_NONE)
		str_add(to, body.p, body.n);
	else
		decode(to, p->encoding, body);
}

static void size_add(struct str *to, size_t octets)
{
	if (octets < 1024)
		str_printf(to, "%zu octet%s", octets, octets == 1 ? "" : "s");
	else if (octets < 1u << 20)
		str_printf(to, "%zu KiB", (octets + 1023) >> 10);
	else
		str_printf(to, "%zu MiB", (octets + (1u << 20) - 1) >> 20);
}

static void attachment_add(struct str *to, const struct letter *l, size_t n)
{
	const struct part *p = l->attachments[n];
	struct str type = {0}, name = {0}, octets = {0};

	str_add(&type, p->type.p, p->type.n);
	str_puts(&type, "/");
	str_add(&type, p->subtype.p, p->subtype.n);
	str_printf(to, "[%zu] %s, ", n + 1, shown(type.p));
	name_add(&name, l, p);
	if (name.len > 0)
		str_printf(to, "%s, ", shown(name.p));
	octets_add(&octets, l, p);
	size_add(to, octets.len);
	str_puts(to, "\n");
	str_free(&type);
	str_free(&name);
	str_free(&octets);
}

void letter_show(const struct letter *l)
{
	static const char *const names[] = {"From", "To", "Cc", "Date",
	    "Subject"};
	struct str page = {0}, value = {0};

	str_puts(&page, "\n");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *name = names[i];
		str_clear(&value);
		letter_field(&value, l, name);
		if (i == 0 && value.len == 0)
			letter_field(&value, l, name = "Return-Path");
		if (value.len > 0)
			str_printf(&page, "%s: %s\n", name, value.p);
	}
	str_puts(&page, "\n");
	letter_text(&page, l);
	if (l->text == NULL)
		str_puts(&page, "[There is no text in this mail.]\n");
	if (l->count > 0)
		str_puts(&page, "\nAttachments:\n");
	for (size_t n = 0; n < l->count && n < ATTACHMENTS_MAX; n++)
		attachment_add(&page, l, n);
	if (l->count > ATTACHMENTS_MAX)
		str_printf(&page, "[and %zu more]\n", l->count -
		    ATTACHMENTS_MAX);
	text_page((struct span){page.p, page.len});
	str_free(&value);
	str_free(&page);
}

void letter_save(const struct letter *l, const char *file)
{
	save(file, "", (struct span){l->raw.p, l->raw.len}, true);
}

/*
 * A name that is only that: what stands behind the last slash, of either kind,
 * without what a shell or a listing would take for something else.
 */
static void name_propose(struct str *to, const char *name, size_t n)
{
	struct str harmless = {0};

	for (const char *p = name; *p != '\0'; p++)
		if (*p == '/' || *p == '\\')
			name = p + 1;
	text_fit(&harmless, (struct span){name, strlen(name)},
	    NAME_PROPOSED_MAX);
	while (harmless.len > 0 && harmless.p[harmless.len - 1] == ' ')
		harmless.p[--harmless.len] = '\0';
	if (harmless.len == 0)
		str_printf(to, "attachment-%zu", n);
	else
		str_puts(to, harmless.p);
	if (*to->p == '.' || *to->p == '-')
		*to->p = '_';
	str_free(&harmless);
}

void attachment_save(const struct letter *l, size_t n, const char *file)
{
	struct str name = {0}, proposed = {0}, octets = {0};

	if (n == 0 || n > l->count || n > ATTACHMENTS_MAX) {
		printf("There is no attachment %zu.\n", n);
		return;
	}
	str_puts(&name, "");
	name_add(&name, l, l->attachments[n - 1]);
	name_propose(&proposed, name.p, n);
	octets_add(&octets, l, l->attachments[n - 1]);
	save(file, proposed.p, (struct span){octets.p, octets.len}, false);
	str_free(&name);
	str_free(&proposed);
	str_free(&octets);
}
