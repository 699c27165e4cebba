#include "uidvalidity.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "lock.h"
#include "log.h"
#include "root.h"
#include "str.h"

#define FILE_NAME "pennypost-uidvalidity" /* the last that was given */

static uint64_t last_uidvalidity(void)
{
	struct str text = {0};
	uint64_t last = 0;
	char *rest, *line;

	if (!root_read(&text, FILE_NAME, 64) && errno != ENOENT)
		warn(FILE_NAME ": %s", strerror(errno));
	rest = text.p;
	if ((line = text_line(&rest)) == NULL ||
	    !number_parse(line, UINT32_MAX - 1, &last))
		last = 0;
	str_free(&text);
	return last;
}

uint32_t uidvalidity_new(void)
{
	uint64_t next = (uint64_t)time(NULL), last;
	struct str text = {0};
	bool durable;

	if (!lock_take())
		return 0;
	last = last_uidvalidity();
	if (next <= last)
		next = last + 1;
	str_printf(&text, "%010" PRIu64 "\n", next);
	durable = root_overwrite(FILE_NAME, &text) ||
	    root_write(FILE_NAME, &text);
	str_free(&text);
	lock_give();
	return durable ? (uint32_t)next : 0;
}
