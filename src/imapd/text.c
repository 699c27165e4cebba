#include "text.h"

#include <strings.h>

#include "charset.h"
#include "header.h"
#include "words.h"

/* Kept from message to message. */
static struct str unfolded, decoded, piece;

void text_free(void)
{
	str_free(&unfolded);
	str_free(&decoded);
	str_free(&piece);
}

static struct span span_of(const struct str *s)
{
	return (struct span){s->p, s->len};
}

void text_of_field(struct str *to, struct span value)
{
	str_clear(&unfolded);
	str_clear(&decoded);
	field_unfold(&unfolded, value);
	words_decode(&decoded, span_of(&unfolded));
	charset_fold(to, span_of(&decoded));
}

bool text_of_header(struct span header, text_look *look, void *context)
{
	struct field f;

	if (header.n > TEXT_MAX)
		header.n = TEXT_MAX;
	str_clear(&piece);
	while (header_next(&header, &f)) {
		charset_fold(&piece, f.name);
		str_add(&piece, ": ", 2);
		text_of_field(&piece, f.value);
		str_add(&piece, "\r\n", 2);
	}
	return look(context, span_of(&piece));
}

static bool text_of_leaf(const struct mime *m, const struct part *p,
    text_look *look, void *context)
{
	if (p->type.n != 4 || strncasecmp(p->type.p, "text", 4) != 0)
		return true;
	str_clear(&decoded);
	str_clear(&piece);
	part_text(&decoded, m, p, TEXT_MAX);
	charset_fold(&piece, span_of(&decoded));
	return look(context, span_of(&piece));
}

/* As deep as parts are nested: MIME_DEPTH_MAX. */
static bool text_of_part(const struct mime *m, const struct part *p,
    text_look *look, void *context)
{
	if (p->children == NULL)
		return text_of_leaf(m, p, look, context);
	for (const struct part *child = p->children; child != NULL;
	    child = child->next)
		if (!text_of_header(part_header(m, child), look, context) ||
		    !text_of_part(m, child, look, context))
			return false;
	return true;
}

bool text_of_body(const struct mime *m, text_look *look, void *context)
{
	return text_of_part(m, m->root, look, context);
}
