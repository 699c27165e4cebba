/* What this server can do, but for what pennypost.conf hides. */
#ifndef CAPABILITY_H
#define CAPABILITY_H

/* The list, as it is for who is there now; until the next call. */
const char *capabilities(void);

void cmd_capability(void), cmd_enable(void);

#endif
