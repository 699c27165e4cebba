/*
 * The octets that FETCH's BODY[…], BINARY[…] and their kin name: RFC 3501
 * 6.4.5 and 7.4.2, RFC 3516 4.2. Nothing here sends.
 */
#ifndef SECTION_H
#define SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "input.h"
#include "mime.h"
#include "span.h"
#include "str.h"

#define SECTION_FIELDS_MAX 500 /* names in one list; clients ask for 30 */
#define SECTION_PATH_MAX 1000  /* part numbers; MIME_DEPTH_MAX can be found */

enum section_what {
	SECTION_ALL, /* the whole message, or a part's body */
	SECTION_HEADER,
	SECTION_FIELDS,
	SECTION_FIELDS_NOT,
	SECTION_TEXT,
	SECTION_MIME, /* a part's own header */
};

enum section_coding {
	SECTION_AS_IS,
	SECTION_BINARY, /* decoded */
	SECTION_SIZE,   /* of that, the number alone */
};

struct section {
	enum section_what what;
	enum section_coding coding;
	unsigned *path;
	size_t depth;
	char **fields;
	size_t fields_count;
	bool partial;
	uint64_t offset, length; /* of a partial */
	const char *label;       /* as the response says it, "BODY[1]<0>" */
};

/*
 * Reads "[…]", and the <offset.count> behind it; the label begins with
 * `name`. All is in the input's pool. What is wrong is the input's fault.
 */
void section_read(struct section *, struct input *, const char *name,
    enum section_coding);

/* Nothing behind the message's header is looked at. */
bool section_is_header(const struct section *);

enum section_result {
	SECTION_FOUND,
	SECTION_NONE,        /* there is no such part: NIL */
	SECTION_UNKNOWN_CTE, /* it cannot be decoded: RFC 3516 4.3 */
	SECTION_TOO_LARGE,   /* `room` cannot hold it: STR_MAX */
};

/* Zeroed at first; room is owned: str_free(). */
struct section_answer {
	enum section_result result;
	struct span piece;         /* in the message, or in room */
	struct str room;
	const struct part *decoded; /* it is this, from room */
};

/*
 * Of a message, whose text must stay (the header's will do where all sections
 * are of that), an answer: the partial's octets, if it is one. NUL octets are
 * among them if they are in the mail.
 *
 * Clients ask for a large part piece by piece, in a command each: how the
 * message that was asked for last is built, and the part that was decoded last,
 * are kept until section_forget().
 */
struct section_message {
	uint32_t uidvalidity, uid;
	struct span text;
};

void section_find(struct section_answer *, const struct section *,
    const struct section_message *);

/* At the command's end, the answers' rooms are given back. */
void section_end(struct section_answer *, size_t count);
void section_forget(void);

#endif
