/*
 * The octets that FETCH's BODY[…], BINARY[…] and their kin name: RFC 3501 6.4.5
 * and 7.4.2, RFC 3516 4.2. Nothing here sends.
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
 * Reads "[…]", and the <offset.count> behind it; the label begins with `name`.
 * All is in the input's pool. What is wrong is the input's fault.
 */
void section_read(struct section *, struct input *, const char *name,
    enum section_coding);

/* Nothing behind the message's header is looked at. */
bool section_is_header(const struct section *);

/* A message, or its header alone where all its sections are of that. */
struct section_source {
	struct span text;
	bool parsed; /* mime was begun */
	struct mime mime;
};

enum section_result {
	SECTION_FOUND,
	SECTION_NONE,        /* there is no such part: NIL */
	SECTION_UNKNOWN_CTE, /* it cannot be decoded: RFC 3516 4.3 */
	SECTION_TOO_LARGE,   /* `room` cannot hold it: STR_MAX */
};

/*
 * The octets, in the message, or made in `room`; the partial's, if it is one.
 * NUL octets are among them if they are in the mail.
 */
enum section_result section_find(const struct section *,
    struct section_source *, struct str *room, struct span *);

void section_source_end(struct section_source *);

#endif
