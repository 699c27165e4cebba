/*
 * The end of a message's run: what was said of it is written into its file, the
 * sender is told, and the file goes or gets the time of its next try.
 */
#ifndef FINISH_H
#define FINISH_H

#include "entry.h"
#include "messages.h"

#define RETRY_FIRST 300         /* s: 5 minutes to the second try */
#define RETRY_LAST 14400        /* s: 4 hours between tries at most */
#define RETRY_JITTER 8          /* and up to an eighth more */
#define NOTICE_AFTER 14400      /* s: then the sender hears of the delay */
#define GIVE_UP_AFTER 432000    /* s: 5 days, RFC 5321 4.5.4.1 */
#define BUSY 60                 /* s: somebody else has it: look again then */

/* All its parts are answered. */
void finish(struct message *);

/*
 * Reports what is decided already (statuses s and f), of an entry that is
 * locked as a whole. False: it could not be done now.
 */
bool finish_reports(struct entry *);

/* Nothing more is to be done for it: removes the file, and closes the entry. */
void finish_rest(struct entry *);

#endif
