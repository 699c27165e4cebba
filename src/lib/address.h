/* Mail addresses: RFC 5321 4.1.2 and 4.1.3, with the UTF-8 of RFC 6531 3.3. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

/* A path has 256 octets with its angle brackets (RFC 5321 4.5.3.1.3). */
#define ADDRESS_SIZE 255

struct address {
	char text[ADDRESS_SIZE];   /* as it came, without a source route */
	char local[ADDRESS_SIZE];  /* the local part, its quotes resolved */
	char domain[ADDRESS_SIZE]; /* "" for a bare local part and for <> */
	bool utf8;                 /* has octets beyond ASCII */
};

enum address_result { ADDRESS_OK, ADDRESS_SYNTAX, ADDRESS_LONG };

/*
 * Reads `<path>` at *p and moves *p behind it. A source route is read and
 * forgotten (RFC 5321 appendix C). `<>` gives an empty text; `<name>` an empty
 * domain: the caller says where these may stand.
 */
enum address_result address_path(const char **p, struct address *);

/* The whole of text is a name or name@domain. */
enum address_result address_parse(const char *text, struct address *);

/* The octets of the non-ASCII character at p (RFC 3629 4); 0: not well-formed. */
size_t utf8_length(const char *p);

/* A domain, or an address literal such as [192.0.2.1] or [IPv6:2001:db8::1]. */
bool domain_valid(const char *);

#endif
