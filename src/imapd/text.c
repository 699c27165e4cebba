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

static void decode_field(struct span value)
{
	str_clear(&unfolded);
	field_unfold(&unfolded, value);
	words_decode(&decoded, span_of(&unfolded));
}

void text_of_field(struct str *to, struct span value)
{
	str_clear(&decoded);
	decode_field(value);
	charset_fold(to, span_of(&decoded));
}

static bool fold_decoded(text_look *look, void *context)
{
	str_clear(&piece);
	charset_fold(&piece, span_of(&decoded));
	return look(context, span_of(&piece));
}

bool text_of_header(struct span header, text_look *look, void *context)
{
	struct field f;

	if (header.n > TEXT_MAX)
		header.n = TEXT_MAX;
	str_clear(&decoded);
	while (header_next(&header, &f)) {
		str_add(&decoded, f.name.p, f.name.n);
		str_add(&decoded, ": ", 2);
		decode_field(f.value);
		str_add(&decoded, "\r\n", 2);
	}
	return fold_decoded(look, context);
}

static bool text_of_leaf(const struct mime *m, const struct part *p,
    text_look *look, void *context)
{
	if (p->type.n != 4 || strncasecmp(p->type.p, "text", 4) != 0)
		return true;
	str_clear(&decoded);
	part_text(&decoded, m, p, TEXT_MAX);
	return fold_decoded(look, context);
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
