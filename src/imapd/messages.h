/*
 * The messages in memory, as the journal's lines have them; what batch.c and
 * mailbox.c need of them.
 */
#ifndef MESSAGES_H
#define MESSAGES_H

#include "mailbox.h"
#include "uids.h"

/* Lines of the journal. */
void message_print(struct lines *, const struct message *);
void gone_print(struct lines *, uint32_t uid, uint64_t modseq);

/* Takes lines that are in the journal, and their memory: names are in it. */
void messages_apply(struct mailbox *, struct lines *);

/* A message in the state, and out of it. */
void state_count(struct state *, uint32_t flags, uint64_t octets);
void state_discount(struct state *, const struct message *);

/*
 * Nobody has been told of any yet: there is no news. False: they are not what
 * the state says, which is put right.
 */
bool messages_begin_anew(struct mailbox *);

/* The state's numbers, into the mailbox. */
void messages_numbers(struct mailbox *);

/* Writes the journal anew when much of it is dead. Under the lock. */
void messages_compact(struct mailbox *);

/* All memory of theirs; the journal is tidied up before, if that is due. */
void messages_free(struct mailbox *);

#endif
