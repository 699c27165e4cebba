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

/*
 * Looks for news, and tells: FETCH of flags, EXPUNGE or VANISHED (when they may
 * be told), EXISTS, RECENT, FLAGS. Called by the loop at each command's end.
 */
void view_tell(bool expunges);

/* "(\Seen $Junk)"; recent: of this session. */
void view_flags(const struct message *);

/* The untagged FETCH of its flags, with UID and MODSEQ where these are due. */
void view_fetch(struct message *);

/* `* FLAGS (…)` and PERMANENTFLAGS, when the keywords are new. */
void view_keywords(void);

#endif
