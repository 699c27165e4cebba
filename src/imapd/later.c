/* What is still being written: goes away. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "folders.h"
#include "index.h"
#include "keywords.h"
#include "list.h"
#include "load.h"
#include "lock.h"
#include "mailbox.h"
#include "session.h"
#include "status.h"

#define LATER __attribute__((weak))
#define COMMAND(name) LATER void name(void) { bad("not yet"); }

COMMAND(cmd_list) COMMAND(cmd_lsub) COMMAND(cmd_status) COMMAND(cmd_namespace)
COMMAND(cmd_create) COMMAND(cmd_delete) COMMAND(cmd_rename)
COMMAND(cmd_subscribe) COMMAND(cmd_unsubscribe) COMMAND(cmd_getquota)
COMMAND(cmd_getquotaroot) COMMAND(cmd_setquota) COMMAND(cmd_append)
COMMAND(cmd_replace) COMMAND(cmd_fetch)

LATER void lock_open(const char *m) { (void)m; }
LATER bool lock_take(void) { return true; }
LATER void lock_give(void) { }
LATER bool keywords_read(struct keywords *k, const char *f) { (void)k; (void)f; return false; }
LATER int keywords_find(struct keywords *k, const char *f, const char *n, bool make) { (void)k; (void)f; (void)n; (void)make; return -1; }
LATER enum mailbox_result mailbox_open(struct mailbox *m, const char *f) { (void)m; (void)f; return MAILBOX_FAILED; }
LATER void mailbox_close(struct mailbox *m) { (void)m; }
LATER enum mailbox_result mailbox_load(struct mailbox *m) { (void)m; return MAILBOX_FAILED; }
LATER enum mailbox_result mailbox_sync(struct mailbox *m) { (void)m; return MAILBOX_OK; }
LATER size_t mailbox_at(const struct mailbox *m, uint32_t uid) { (void)uid; return m->count; }
LATER enum mailbox_result mailbox_claim_recent(struct mailbox *m, uint32_t *f) { *f = m->uidnext; return MAILBOX_OK; }
LATER int message_open(struct mailbox *m, struct message *x) { (void)m; (void)x; errno = ENOENT; return -1; }
LATER bool message_octets(const struct message *m, uint64_t *o) { (void)m; (void)o; return false; }
LATER int64_t message_saved(const struct message *m) { (void)m; return 0; }
LATER enum mailbox_result mailbox_store(struct mailbox *m, const struct set *u, enum store h, uint32_t f, uint64_t s, bool q, struct set *x) { (void)m; (void)u; (void)h; (void)f; (void)s; (void)q; (void)x; return MAILBOX_FAILED; }
LATER enum mailbox_result mailbox_expunge(struct mailbox *m, const struct set *u) { (void)m; (void)u; return MAILBOX_FAILED; }
LATER enum mailbox_result mailbox_append(struct mailbox *m, struct arrival *a, size_t n) { (void)m; (void)a; (void)n; return MAILBOX_FAILED; }
LATER enum mailbox_result mailbox_copy(struct mailbox *f, const struct set *u, struct mailbox *t, bool v, struct pairs *p) { (void)f; (void)u; (void)t; (void)v; (void)p; return MAILBOX_FAILED; }
LATER bool mailbox_vanished(struct mailbox *m, uint64_t q, struct set *s) { (void)m; (void)q; (void)s; return false; }
LATER bool folder_name(char name[FOLDER_NAME_SIZE], const char *said, bool utf8) { (void)utf8; if (strlen(said) >= FOLDER_NAME_SIZE) return false; strcpy(name, strcasecmp(said, "inbox") == 0 ? "INBOX" : said); return true; }
LATER void folder_shown(struct str *s, const char *name, bool utf8) { (void)utf8; str_puts(s, name); }
LATER void folder_path(char path[FILE_PATH_SIZE], const char *name) { if (strcmp(name, "INBOX") == 0) snprintf(path, FILE_PATH_SIZE, "%s", session.maildir); else snprintf(path, FILE_PATH_SIZE, "%s/.%s", session.maildir, name); }
LATER bool folder_exists(const char *name) { return strcmp(name, "INBOX") == 0; }
LATER void folders_prepare(const char *m) { (void)m; }
LATER uint32_t folder_uidvalidity(void) { return (uint32_t)time(NULL); }
LATER bool quota_allows(uint64_t o, size_t n) { (void)o; (void)n; return true; }
