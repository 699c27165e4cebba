/*
 * The folders of a user: Maildir++. INBOX is the Maildir itself, and A.B the
 * directory .A.B in it. Within the program a name is as it is on the disk, in
 * modified UTF-7 (RFC 3501 5.1.3); the separator is a dot.
 */
#ifndef FOLDERS_H
#define FOLDERS_H

#include <stdbool.h>
#include <stddef.h>

#include "file.h"
#include "mailbox.h"
#include "str.h"

#define FOLDER_NAME_SIZE 200 /* a file name has 255 octets at most, and room */
#define FOLDER_DEPTH_MAX 32
#define FOLDERS_MAX 10000    /* of one user */

/*
 * What a client says, to a name: "inbox" to "INBOX"; UTF-8 (where the client has
 * enabled it) to modified UTF-7. False: no folder can have that name.
 */
bool folder_name(char name[FOLDER_NAME_SIZE], const char *said, bool utf8);

/* The other way; appended. */
void folder_shown(struct str *, const char *name, bool utf8);

/* The directory, whether it is there or not. */
void folder_path(char path[FILE_PATH_SIZE], const char *name);
bool folder_exists(const char *name);

/* On the first login: Drafts Sent Trash Junk Archive, subscribed. */
void folders_prepare(const char *maildir);

enum folder_result {
	FOLDER_OK,
	FOLDER_EXISTS,
	FOLDER_NONE,
	FOLDER_INVALID,  /* such a name cannot be made, or deleted, or renamed */
	FOLDER_IN_USE,   /* the lock */
	FOLDER_FAILED,
};

/* use: "\\Sent" …, RFC 6154; NULL: none. What is above it need not exist. */
enum folder_result folder_create(const char *name, const char *use);
enum folder_result folder_delete(const char *name);
enum folder_result folder_rename(const char *from, const char *to);
enum folder_result folder_subscribe(const char *name, bool yes);

/* UIDVALIDITY for a folder that is made now: never one that was given before. */
uint32_t folder_uidvalidity(void);

/* Does this fit? Quota in octets and messages; maildirsize(5)'s limits. */
bool quota_allows(uint64_t octets, size_t messages);

#endif
