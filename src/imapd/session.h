/*
 * The session's state, which all commands share, and how they answer.
 *
 * A command reads its arguments from session.input, and where input_end() is
 * false returns at once: the loop says BAD. It sends untagged responses as it
 * goes, and leaves its tagged answer with ok(), no() or bad(); the loop sends it
 * behind the news of the mailbox (view.h).
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>

#include "config.h"
#include "conn.h"
#include "door.h"
#include "index.h"
#include "input.h"
#include "local.h"
#include "mailbox.h"
#include "peer.h"
#include "set.h"
#include "span.h"

/* Bits: in which states a command is allowed. */
enum state { STRANGER = 1, AUTHENTICATED = 2, SELECTED = 4 };

struct session {
	struct conn conn;
	struct input input;
	struct peer peer;
	const struct config *config;
	struct door door;
	enum state state;
	char maildir[MAILBOX_SIZE]; /* the user's */
	/* ENABLE (RFC 5161), and what enables without it. */
	bool condstore, qresync, utf8, rev2;
	/* The selected mailbox. */
	struct mailbox box;
	struct index *index;
	bool read_only;
	size_t known;        /* messages[0 … known) have sequence numbers */
	uint64_t told;       /* all up to this modseq has been told; 0: not all */
	struct set recent;   /* UIDs: those that are \Recent in this session */
	struct set saved;    /* UIDs: SEARCHRES (RFC 5182) */
	/* The command under way. */
	const char *tag;
	bool uid;            /* it came behind UID */
	bool hold_expunges;  /* no EXPUNGE before its answer, nor with it */
};

extern struct session session;

/* The tagged answer: "[CODE …] text". The last one counts. */
void ok(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void no(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void bad(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ok() of what has removed messages: RFC 7162 3.2.7, RFC 6851 4.4, 8508 4.5. */
void ok_expunged(const char *text);

/* no() in the words for what went wrong; MAILBOX_OK: nothing, and true. */
bool mailbox_fine(enum mailbox_result);

/* An untagged response: "* ", and CRLF. Texts of any length: put(). */
void untagged(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void put(const char *);
void put_span(struct span);
void put_number(uint64_t);
void put_next_number(char divider, uint64_t); /* " 17" */
/* As astring, string: quoted or a literal. The name: as the client knows it. */
void put_string(struct span);
void put_mailbox(const char *name);

/* Names and strings may be UTF-8 (RFC 6855 3, RFC 9051 5.1). */
bool session_utf8(void);

/* The client knows of modseqs from here on; it hears the first (RFC 7162 3.1). */
void session_condstore(void);

/* INPROGRESS (RFC 9585), at most every ten seconds; long commands call it. */
void progress(size_t done, size_t all);

/*
 * A mailbox's name from the input, checked; "" after a fault or where no folder
 * can have that name (then no() has been said).
 */
const char *session_mailbox(void);

/* Sequence numbers or UIDs (session.uid), or "$": a set of UIDs. */
bool session_set(const char *text, struct set *uids);

/* The commands, by file. */
void cmd_list(void), cmd_lsub(void), cmd_status(void), cmd_namespace(void);
void cmd_create(void), cmd_delete(void), cmd_rename(void);
void cmd_subscribe(void), cmd_unsubscribe(void);
void cmd_getquota(void), cmd_getquotaroot(void), cmd_setquota(void);
void cmd_select(void), cmd_examine(void), cmd_close(void), cmd_unselect(void);
void cmd_append(void), cmd_replace(void);
void cmd_fetch(void), cmd_search(void), cmd_sort(void), cmd_thread(void);
void cmd_store(void), cmd_copy(void), cmd_move(void), cmd_expunge(void);
void cmd_idle(void), cmd_notify(void);

/* The mailbox is no longer selected: at the end. */
void select_leave(void);

#endif
