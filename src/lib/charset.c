#include "charset.h"

#include <errno.h>
#include <iconv.h>
#include <locale.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <wctype.h>

#include "block.h"
#include "octets.h"
#include "rare.h"
#include "utf8.h"

#define PIECE 2048    /* octets that are made before they are appended */
#define NAME_SIZE 32  /* letters and digits of a charset's name */
#ifdef __GLIBC__
#define LIBC_IS_GOOD true
#else
#define LIBC_IS_GOOD false
#endif
#define OCTETS (sizeof octets / sizeof *octets)

/*
 * Those of several octets are libc's business. What is not in these tables is
 * unknown: a peer names no module of glibc's that nobody has looked at, and the
 * answers are the same with musl.
 */
static struct wide {
	const char *name;
	const char *iconv, *instead; /* as glibc names it, and musl if not so */
	iconv_t converter;
	enum rare rare; /* what musl has to be spared */
	bool opened;
} wide[] = {
	{"iso2022jp", "ISO-2022-JP", NULL, NULL, RARE_NONE, false},
	{"gb18030", "GB18030", NULL, NULL, RARE_CHINESE, false},
	{"big5", "BIG5", NULL, NULL, RARE_NONE, false},
	{"shiftjis", "CP932", "SHIFT_JIS", NULL, RARE_JAPANESE, false},
	{"eucjp", "EUC-JP", NULL, NULL, RARE_NONE, false},
	{"euckr", "CP949", "EUC-KR", NULL, RARE_KOREAN, false},
	{"utf16", "UTF-16", NULL, NULL, RARE_NONE, false},
	{"utf16be", "UTF-16BE", NULL, NULL, RARE_NONE, false},
	{"utf16le", "UTF-16LE", NULL, NULL, RARE_NONE, false},
};

#define WIDE (sizeof wide / sizeof *wide)

/* Other names, and sets that are part of another. */
static const char *const aliases[][2] = {
	{"unicode11utf8", "utf8"},
	{"usascii", "utf8"}, /* what has more octets is most often that */
	{"ascii", "utf8"},
	{"ansix3.41968", "utf8"},
	{"latin1", "iso88591"},
	{"latin2", "iso88592"},
	{"latin5", "iso88599"},
	{"latin9", "iso885915"},
	{"iso88598i", "iso88598"},
	{"iso88598e", "iso88598"},
	{"tis620", "iso885911"},
	{"windows874", "iso885911"},
	{"koi8", "koi8r"},
	{"gb2312", "gb18030"},
	{"gbk", "gb18030"},
	{"cp936", "gb18030"},
	{"euccn", "gb18030"},
	{"cnbig5", "big5"},
	{"big5hkscs", "big5"},
	{"cp950", "big5"},
	{"sjis", "shiftjis"},
	{"cp932", "shiftjis"},
	{"mskanji", "shiftjis"},
	{"windows31j", "shiftjis"},
	{"ksc5601", "euckr"},
	{"ksc56011987", "euckr"},
	{"cp949", "euckr"},
	{"uhc", "euckr"},
	{"windows949", "euckr"},
	{"cp1250", "windows1250"},
	{"cp1251", "windows1251"},
	{"cp1252", "windows1252"},
	{"cp1253", "windows1253"},
	{"cp1254", "windows1254"},
	{"cp1255", "windows1255"},
	{"cp1256", "windows1256"},
	{"cp1257", "windows1257"},
	{"cp1258", "windows1258"},
	{"cp866", "ibm866"},
	{"cp437", "ibm437"},
	{"cp850", "ibm850"},
};

enum kind { UNKNOWN, UTF8, OCTET, BY_ICONV };

/*
 * Names are as different people write them: of letters and digits alone, in lower
 * case, without "x-" before. What is left of a strange one is no known name.
 */
static void name_make(char to[NAME_SIZE], const char *name)
{
	size_t n = 0;

	if (strncasecmp(name, "x-", 2) == 0)
		name += 2;
	for (; *name != '\0' && *name != ':'; name++) {
		if (*name == '-' || *name == '_')
			continue;
		if (n + 1 == NAME_SIZE) {
			n = 0;
			break;
		}
		to[n++] = *name >= 'A' && *name <= 'Z' ?
		    (char)(*name | 0x20) : *name;
	}
	to[n] = '\0';
}

static enum kind charset_find(const char *said, size_t *which)
{
	char text[NAME_SIZE];
	const char *name = text;

	name_make(text, said);
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		if (strcmp(aliases[i][0], name) == 0) {
			name = aliases[i][1];
			break;
		}
	if (strcmp(name, "utf8") == 0)
		return UTF8;
	for (*which = 0; *which < OCTETS; ++*which)
		if (strcmp(octets[*which].name, name) == 0)
			return OCTET;
	for (*which = 0; *which < WIDE; ++*which)
		if (strcmp(wide[*which].name, name) == 0)
			return BY_ICONV;
	return UNKNOWN;
}

/* Opened once, and kept. (iconv_t)-1: libc has none, or can read none now. */
static iconv_t converter_of(struct wide *w)
{
	if (!w->opened)
		w->converter = iconv_open("UTF-8", w->iconv);
	if (!w->opened && w->converter == (iconv_t)-1 && w->instead != NULL)
		w->converter = iconv_open("UTF-8", w->instead);
	w->opened = true;
	return w->converter;
}

void charset_prepare(void)
{
#ifdef __GLIBC__
	setlocale(LC_CTYPE, "C.UTF-8");
	for (size_t i = 0; i < WIDE; i++)
		converter_of(&wide[i]);
#endif
}

bool charset_known(const char *name)
{
	size_t which;
	enum kind kind = charset_find(name, &which);

	return kind == BY_ICONV ? converter_of(&wide[which]) != (iconv_t)-1 :
	    kind != UNKNOWN;
}

static void from_utf8(struct str *to, struct span s)
{
	while (s.n > 0) {
		size_t good = utf8_run(s);
		str_add(to, s.p, good);
		span_skip(&s, good);
		if (s.n > 0) {
			str_puts(to, UTF8_REPLACEMENT);
			span_skip(&s, 1);
		}
	}
}

/* What 0x80 to 0xff stand for; made at the first use. */
static const uint16_t *table_of(size_t which)
{
	static SELDOM uint16_t tables[OCTETS][128];
	uint16_t *table = tables[which];
	const char *p = octets[which].characters;
	size_t left = strlen(p), n, at = 0;
	uint32_t c;

	if (table[0] != 0)
		return table;
	for (size_t i = 0; i < 128; i++) /* ISO 8859 has controls there */
		table[i] = (uint16_t)(0x80 + i);
	for (const char *q = p; *q != '\0'; q++)
		at += ((unsigned char)*q & 0xc0) != 0x80;
	for (at = 128 - at; left > 0; at++, p += n, left -= n) {
		n = utf8_read(p, left, &c);
		table[at] = (uint16_t)c;
	}
	return table;
}

/* table NULL: nothing beyond ASCII is known. */
static void from_octets(struct str *to, const uint16_t *table, struct span s)
{
	char out[PIECE];
	size_t made = 0;

	while (s.n > 0) {
		size_t plain = ascii_run(s);
		if (plain > 0) {
			str_add(to, out, made);
			made = 0;
			str_add(to, s.p, plain);
		} else {
			plain = 1;
			made += utf8_write(out + made, table == NULL ? 0xfffd :
			    table[(unsigned char)*s.p - 0x80]);
		}
		if (made + UTF8_SIZE > sizeof out) {
			str_add(to, out, made);
			made = 0;
		}
		span_skip(&s, plain);
	}
	str_add(to, out, made);
}

/* pairs: what is unknown and not ASCII is of two octets. */
static void from_iconv(struct str *to, iconv_t converter, struct span s,
    bool pairs)
{
	char out[PIECE], *in = (char *)(uintptr_t)s.p;
	size_t left = s.n;

	iconv(converter, NULL, NULL, NULL, NULL);
	while (left > 0) {
		char *made = out;
		size_t room = sizeof out, before = left;
		size_t result = iconv(converter, &in, &left, &made, &room);
		int error = errno;
		str_add(to, out, (size_t)(made - out));
		if (result != (size_t)-1)
			continue;
		if (error == E2BIG && (left < before || made > out))
			continue;
		str_puts(to, UTF8_REPLACEMENT);
		if (error != EILSEQ) /* cut off within a character */
			break;
		before = pairs && left > 1 && (unsigned char)*in >= 0x80 ? 2 : 1;
		in += before;
		left -= before;
	}
}

/* The same, but what is rare is not for musl's iconv. */
static void from_rare(struct str *to, struct wide *w, struct span s)
{
	char out[UTF8_SIZE];
	uint32_t c;

	while (s.n > 0) {
		size_t n = rare_ordinary(w->rare, s);
		if (n > 0) /* and there is no state to be kept */
			from_iconv(to, w->converter, (struct span){s.p, n},
			    true);
		span_skip(&s, n);
		if (s.n == 0)
			break;
		n = rare_read(w->rare, w->converter, s, &c);
		str_add(to, out, utf8_write(out, n > 0 ? c : 0xfffd));
		span_skip(&s, n > 0 ? n : 1);
	}
}

bool charset_convert(struct str *to, const char *name, struct span s)
{
	size_t which = 0;
	enum kind kind = charset_find(name, &which);
	iconv_t converter = (iconv_t)-1;

	if (kind == BY_ICONV)
		converter = converter_of(&wide[which]);
	if (kind == UTF8) {
		from_utf8(to, s);
	} else if (kind == OCTET) {
		from_octets(to, table_of(which), s);
	} else if (converter != (iconv_t)-1 && !LIBC_IS_GOOD &&
	    wide[which].rare != RARE_NONE) {
		from_rare(to, &wide[which], s);
	} else if (converter != (iconv_t)-1) {
		from_iconv(to, converter, s, false);
	} else {
		from_octets(to, NULL, s);
		return false;
	}
	return true;
}

/* Letters that differ in case alone come to the same: ſ and s, ς and σ. */
static uint32_t fold(uint32_t c)
{
	return (uint32_t)towlower((wint_t)towupper((wint_t)c));
}

static void fold_ascii(char *to, const char *from, size_t n)
{
	size_t i = 0;

	for (; i + BLOCK <= n; i += BLOCK) {
		block b = block_at(from + i);
		b |= (block)((b >= 'A') & (b <= 'Z')) & 0x20;
		memcpy(to + i, &b, BLOCK);
	}
	for (; i < n; i++)
		to[i] = (char)(from[i] >= 'A' && from[i] <= 'Z' ?
		    from[i] | 0x20 : from[i]);
}

void charset_fold(struct str *to, struct span s)
{
	char out[PIECE];
	size_t made = 0;

	while (s.n > 0) {
		size_t room = sizeof out - made, n;
		uint32_t c;
		n = utf8_read(s.p, s.n, &c);
		if (n == 1) {
			n = ascii_run((struct span){s.p,
			    s.n < room ? s.n : room});
			fold_ascii(out + made, s.p, n);
			made += n;
		} else if (n > 1) {
			made += utf8_write(out + made, fold(c));
		} else {
			out[made++] = *s.p;
			n = 1;
		}
		if (made + UTF8_SIZE > sizeof out) {
			str_add(to, out, made);
			made = 0;
		}
		span_skip(&s, n);
	}
	str_add(to, out, made);
}
