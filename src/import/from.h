/*
 * From_: the line that begins a message of an mbox, with its sender and the time
 * at which it came (RFC 4155, appendix A).
 */
#ifndef FROM_H
#define FROM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct from_line {
	char sender[320]; /* "": nobody, or nobody who has an address */
	int64_t time;     /* seconds since 1970 */
};

/*
 * Is the line (n octets, with its end or without) a From_ line: "From ", who
 * sent it, and a date? A date without a zone is one of this machine's zone, as
 * those who write them mean it.
 */
bool from_line_read(struct from_line *, const char *line, size_t n);

#endif
