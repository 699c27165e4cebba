/*
 * The folders of a user: Maildir++. INBOX is the Maildir itself, and A.B the
 * directory .A.B in it. Within the program a name is as it is on the disk, in
 * modified UTF-7 (RFC 3501 5.1.3); the separator is a dot.
 *
 * What is above a folder need not be there: `.A.B` without `.A` is listed below
 * a name that cannot be selected, as Dovecot has it.
 */
#ifndef FOLDERS_H
#define FOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file.h"
#include "names.h"
#include "str.h"

#define FOLDERS_MAX 10000    /* of one user */

/* A name as the client knows it; appended. names.h has the other way. */
void folder_shown(struct str *, const char *name, bool utf8);

/* The directory, whether it is there or not. */
void folder_path(char path[FILE_PATH_SIZE], const char *name);

/* A symbolic link is no folder. */
bool folder_exists(const char *name);

/* No folder itself, but above one. */
bool folder_is_above(const char *name);

/*
 * After each login, before all else here: where the folders are. On the first
 * one Drafts Sent Trash Junk Archive are made, and subscribed; later it costs
 * two lstat(2)s. It removes what was deleted by who was killed.
 */
void folders_prepare(const char *maildir);

enum folder_result {
	FOLDER_OK,
	FOLDER_EXISTS,
	FOLDER_NONE,
	FOLDER_INVALID,  /* such a name cannot be made, or deleted, or renamed */
	FOLDER_IN_USE,   /* the lock */
	FOLDER_FAILED,   /* said in the log */
	FOLDER_LIMIT,    /* FOLDERS_MAX */
	FOLDER_USED,     /* that use is unknown, or another folder's */
	FOLDER_FULL,     /* no room; RENAME of INBOX has to move mail */
};

/*
 * use: RFC 6154, words divided by blanks: "\\Sent"; NULL: none. What is above it
 * need not exist. It is there whole, or not at all.
 */
enum folder_result folder_create(const char *name, const char *use);

/*
 * Its mail goes; what is below it stays (RFC 3501 6.3.4), and so does the
 * subscription. It is out of sight at once.
 */
enum folder_result folder_delete(const char *name);

/*
 * With all that is below it; UIDs, UIDVALIDITY and MAILBOXID go along, and what
 * it is used for. Of INBOX the mail is moved to a new folder, and what is below
 * stays (RFC 3501 6.3.5). When it is killed half way, the same command does the
 * rest: what is below goes first.
 */
enum folder_result folder_rename(const char *from, const char *to);

/* Only what is there, or is above something, can be subscribed. */
enum folder_result folder_subscribe(const char *name, bool yes);

#endif
