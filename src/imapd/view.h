/*
 * What the client knows of the selected mailbox, and what it is told. Its
 * sequence numbers are the places in session.box.messages: a message that has
 * gone stays there until the client may be told (RFC 3501 7.4.1: not in FETCH,
 * STORE and SEARCH), and new ones stand behind session.known.
 */
#ifndef VIEW_H
#define VIEW_H

#include <stdbool.h>

#include "mailbox.h"

/* Parentheses, six flags of at most ten letters, the keywords, blanks. */
#define FLAGS_TEXT_SIZE (80 + KEYWORDS_MAX * KEYWORD_SIZE)

/*
 * Looks for news, and tells: FETCH of flags, EXPUNGE or VANISHED (when these may
 * be told), EXISTS, RECENT, FLAGS. The number of the first new message, or one
 * above the last where there is none.
 */
size_t view_tell(bool expunges, bool flags);

/*
 * With QRESYNC, where VANISHED may not be told yet: HIGHESTMODSEQ from before.
 * Who came back with one from FETCH would never hear of it (RFC 7162 3.2).
 */
void view_held(void);

/* "(\Seen $Junk)", with \Recent; without a NUL. */
size_t view_flags_text(char text[FLAGS_TEXT_SIZE], const struct message *);

/* The untagged FETCH of its flags, with UID and MODSEQ where these are due. */
void view_fetch(struct message *);

/* `* FLAGS (…)` and PERMANENTFLAGS, when the keywords are new to the client. */
void view_keywords(void);

/*
 * `* VANISHED (EARLIER)`: which of these UIDs have gone since then; where nobody
 * knows that far back, all that are not there (RFC 7162 3.2.5.2).
 */
void view_vanished(const struct set *uids, uint64_t modseq);

/* Another mailbox is selected, or none. */
void view_forget(void);

/* New messages are \Recent in this session, unless another has had them. */
void view_claim(void);
size_t view_recent(void); /* how many there are */

/* "\Seen" (either case) to its bit; false: it is none that we keep. */
bool flag_find(const char *name, uint32_t *bit);

#endif
