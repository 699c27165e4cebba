/*
 * The folders of imapd by commands: folders MAILDIR COMMAND [ARGUMENT...], after
 * what each login does. Names are taken as a client says them, in UTF-8 where
 * UTF8 is in the environment. Tells the result as one word.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/imapd/folders.h"
#include "../../src/imapd/listing.h"
#include "lock.h"
#include "names.h"
#include "../../src/imapd/pattern.h"
#include "../../src/imapd/quota.h"
#include "../../src/imapd/uidvalidity.h"
#include "log.h"

static const char *const results[] = {
	[FOLDER_OK] = "ok", [FOLDER_EXISTS] = "exists",
	[FOLDER_NONE] = "none", [FOLDER_INVALID] = "invalid",
	[FOLDER_IN_USE] = "in-use", [FOLDER_FAILED] = "failed",
	[FOLDER_LIMIT] = "limit", [FOLDER_USED] = "used",
	[FOLDER_FULL] = "full",
};

static const char *name_of(const char *said, char name[FOLDER_NAME_SIZE])
{
	const char *fault = name_read(name, said, getenv("UTF8") != NULL);

	if (fault != NULL) {
		printf("no name: %s\n", fault);
		exit(1);
	}
	return name;
}

static void list(void)
{
	struct listing all = {0};

	if (!listing_read(&all))
		exit(1);
	for (size_t i = 0; i < all.count; i++) {
		const struct folder *f = &all.folders[i];
		printf("%s%s%s%s %u\n", f->name, f->there ? " there" : "",
		    f->subscribed ? " subscribed" : "",
		    f->has_children ? " children" : "", f->uses);
	}
	listing_free(&all);
}

static void name(const char *said)
{
	char made[FOLDER_NAME_SIZE];
	struct str shown = {0};

	name_of(said, made);
	folder_shown(&shown, made, true);
	printf("%s %s\n", made, shown.p);
	str_free(&shown);
}

static void match(const char *said, const char *name_said)
{
	static struct pattern p;
	char made[FOLDER_NAME_SIZE];

	pattern_make(&p, "", said, getenv("UTF8") != NULL);
	puts(pattern_matches(&p, name_of(name_said, made)) ? "yes" : "no");
}

static void quota(void)
{
	struct quota q;
	bool limited = quota_limits(&q);

	printf("%d %" PRIu64 " %" PRIu64 "\n", limited, q.octets_max,
	    q.messages_max);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "";
	char one[FOLDER_NAME_SIZE], two[FOLDER_NAME_SIZE];
	enum folder_result result = FOLDER_OK;

	setenv("PENNYPOST_LOG", "stderr", 1);
	log_open("folders");
	if (argc < 3)
		return 64;
	if (strcmp(what, "name") == 0) {
		name(argv[3]);
		return 0;
	}
	if (strcmp(what, "match") == 0) {
		match(argv[3], argv[4]);
		return 0;
	}
	lock_open(argv[1]);
	folders_prepare(argv[1]);
	if (strcmp(what, "create") == 0)
		result = folder_create(name_of(argv[3], one), argv[4]);
	else if (strcmp(what, "delete") == 0)
		result = folder_delete(name_of(argv[3], one));
	else if (strcmp(what, "rename") == 0)
		result = folder_rename(name_of(argv[3], one),
		    name_of(argv[4], two));
	else if (strcmp(what, "subscribe") == 0)
		result = folder_subscribe(name_of(argv[3], one), true);
	else if (strcmp(what, "unsubscribe") == 0)
		result = folder_subscribe(name_of(argv[3], one), false);
	else if (strcmp(what, "list") == 0)
		list();
	else if (strcmp(what, "uidvalidity") == 0)
		printf("%" PRIu32 "\n", uidvalidity_new());
	else if (strcmp(what, "allows") == 0)
		printf("%d\n", quota_allows((uint64_t)atoll(argv[3]),
		    (size_t)atoll(argv[4])));
	else if (strcmp(what, "quota") == 0)
		quota();
	puts(results[result]);
	return result == FOLDER_OK ? 0 : 1;
}
