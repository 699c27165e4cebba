/* LIST responses that nobody has asked for: NOTIFY (RFC 5465 5.4, 5.5). */
#ifndef LIST_H
#define LIST_H

/*
 * One untagged LIST response with the attributes that the name has now,
 * \Subscribed among them; \NonExistent when it has gone.
 */
void list_tell(const char *name);

#endif
