#include "charset.h"

#include <errno.h>
#include <iconv.h>
#include <locale.h>
#include <string.h>
#include <strings.h>
#include <wctype.h>

#include "utf8.h"

#define PIECE 2048 /* octets that are made before they are appended */

enum kind { ASCII, UTF8, LATIN1, LATIN9, WINDOWS, BY_ICONV };

/*
 * What mail has, and no others: a peer names no module of glibc's that has not
 * been looked at, and the answers are the same with musl.
 */
struct charset {
	const char *name;
	enum kind kind;
	const char *iconv; /* NULL: the name; both libcs know it */
	bool prepared;     /* opened before the process is confined */
};

static const struct charset charsets[] = {
	{"utf-8", UTF8, NULL, false},
	{"us-ascii", UTF8, NULL, false}, /* what has more is most often that */
	{"iso-8859-1", LATIN1, NULL, false},
	{"windows-1252", WINDOWS, NULL, false},
	{"iso-8859-15", LATIN9, NULL, false},
	{"iso-2022-jp", BY_ICONV, NULL, true},
	{"gb18030", BY_ICONV, NULL, true},
	{"big5", BY_ICONV, NULL, true},
	{"shift_jis", BY_ICONV, NULL, true},
	{"euc-jp", BY_ICONV, NULL, true},
	{"euc-kr", BY_ICONV, NULL, true},
	{"koi8-r", BY_ICONV, NULL, true},
	{"windows-1251", BY_ICONV, NULL, true},
	{"windows-1250", BY_ICONV, NULL, true},
	{"iso-8859-2", BY_ICONV, NULL, true},
	{"windows-1256", BY_ICONV, NULL, true},
	{"koi8-u", BY_ICONV, NULL, false},
	{"windows-1253", BY_ICONV, NULL, false},
	{"windows-1254", BY_ICONV, NULL, false},
	{"windows-1255", BY_ICONV, NULL, false},
	{"windows-1257", BY_ICONV, NULL, false},
	{"windows-1258", BY_ICONV, NULL, false},
	{"iso-8859-3", BY_ICONV, NULL, false},
	{"iso-8859-4", BY_ICONV, NULL, false},
	{"iso-8859-5", BY_ICONV, NULL, false},
	{"iso-8859-6", BY_ICONV, NULL, false},
	{"iso-8859-7", BY_ICONV, NULL, false},
	{"iso-8859-8", BY_ICONV, NULL, false},
	{"iso-8859-9", BY_ICONV, NULL, false},
	{"iso-8859-10", BY_ICONV, NULL, false},
	{"iso-8859-11", BY_ICONV, NULL, false},
	{"iso-8859-13", BY_ICONV, NULL, false},
	{"iso-8859-14", BY_ICONV, NULL, false},
	{"iso-8859-16", BY_ICONV, NULL, false},
	{"tis-620", BY_ICONV, NULL, false},
	{"utf-16", BY_ICONV, NULL, false},
	{"utf-16be", BY_ICONV, NULL, false},
	{"utf-16le", BY_ICONV, NULL, false},
	{"utf-32", BY_ICONV, NULL, false},
};

#define CHARSETS (sizeof charsets / sizeof *charsets)

/* Other names of theirs, and sets that they hold whole. */
static const char *const aliases[][2] = {
	{"utf8", "utf-8"},
	{"unicode-1-1-utf-8", "utf-8"},
	{"ascii", "us-ascii"},
	{"ansi_x3.4-1968", "us-ascii"},
	{"latin1", "iso-8859-1"},
	{"iso8859-1", "iso-8859-1"},
	{"iso_8859-1", "iso-8859-1"},
	{"latin-9", "iso-8859-15"},
	{"iso8859-15", "iso-8859-15"},
	{"cp1252", "windows-1252"},
	{"cp1251", "windows-1251"},
	{"cp1250", "windows-1250"},
	{"latin2", "iso-8859-2"},
	{"iso8859-2", "iso-8859-2"},
	{"iso-8859-8-i", "iso-8859-8"},
	{"gb2312", "gb18030"},
	{"gbk", "gb18030"},
	{"x-gbk", "gb18030"},
	{"cp936", "gb18030"},
	{"hz-gb-2312x", "gb18030"},
	{"big-5", "big5"},
	{"cn-big5", "big5"},
	{"sjis", "shift_jis"},
	{"shift-jis", "shift_jis"},
	{"x-sjis", "shift_jis"},
	{"ks_c_5601-1987", "euc-kr"},
	{"ks_c_5601", "euc-kr"},
	{"x-windows-949", "euc-kr"},
	{"cp949", "euc-kr"},
	{"uhc", "euc-kr"},
	{"euc_jp", "euc-jp"},
	{"x-euc-jp", "euc-jp"},
	{"koi8", "koi8-r"},
	{"windows-874", "tis-620"},
};

/* Opened at the first use, and kept. */
static iconv_t converters[CHARSETS];
static bool opened[CHARSETS];

static const struct charset *charset_find(const char *name)
{
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		if (strcasecmp(aliases[i][0], name) == 0)
			name = aliases[i][1];
	for (size_t i = 0; i < CHARSETS; i++)
		if (strcasecmp(charsets[i].name, name) == 0)
			return &charsets[i];
	return NULL;
}

/* (iconv_t)-1: libc has none, or can read none any more. */
static iconv_t converter_of(const struct charset *c)
{
	size_t i = (size_t)(c - charsets);

	if (!opened[i])
		converters[i] = iconv_open("UTF-8",
		    c->iconv != NULL ? c->iconv : c->name);
	opened[i] = true;
	return converters[i];
}

void charset_prepare(void)
{
#ifdef __GLIBC__
	setlocale(LC_CTYPE, "C.UTF-8");
	for (size_t i = 0; i < CHARSETS; i++)
		if (charsets[i].prepared)
			converter_of(&charsets[i]);
#endif
}

bool charset_known(const char *name)
{
	const struct charset *c = charset_find(name);

	return c != NULL &&
	    (c->kind != BY_ICONV || converter_of(c) != (iconv_t)-1);
}

static size_t ascii_run(struct span s)
{
	size_t i = 0;
	uint64_t word;

	for (; i + 8 <= s.n; i += 8) {
		memcpy(&word, s.p + i, 8);
		if ((word & 0x8080808080808080u) != 0)
			break;
	}
	while (i < s.n && (unsigned char)s.p[i] < 0x80)
		i++;
	return i;
}

static void from_utf8(struct str *to, struct span s)
{
	while (s.n > 0) {
		size_t good = ascii_run(s), n;
		uint32_t c;
		while (good < s.n &&
		    (n = utf8_read(s.p + good, s.n - good, &c)) > 0)
			good += n;
		str_add(to, s.p, good);
		s.p += good;
		s.n -= good;
		if (s.n > 0) {
			str_puts(to, UTF8_REPLACEMENT);
			s.p++;
			s.n--;
		}
	}
}

/* The octets from 0x80 to 0x9f of Windows-1252. */
static const uint16_t windows[32] = {
	0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
	0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0xfffd, 0x017d, 0xfffd,
	0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
	0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0xfffd, 0x017e, 0x0178,
};

static uint32_t octet_of(enum kind kind, unsigned char c)
{
	static const struct {
		unsigned char octet;
		uint16_t c;
	} latin9[] = {
		{0xa4, 0x20ac}, {0xa6, 0x160}, {0xa8, 0x161}, {0xb4, 0x17d},
		{0xb8, 0x17e}, {0xbc, 0x152}, {0xbd, 0x153}, {0xbe, 0x178},
	};

	if (kind == ASCII)
		return 0xfffd;
	if (kind == WINDOWS && c < 0xa0)
		return windows[c - 0x80];
	for (size_t i = 0; kind == LATIN9 &&
	    i < sizeof latin9 / sizeof *latin9; i++)
		if (latin9[i].octet == c)
			return latin9[i].c;
	return c;
}

static void from_octets(struct str *to, enum kind kind, struct span s)
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
			made += utf8_write(out + made,
			    octet_of(kind, (unsigned char)*s.p));
			plain = 1;
		}
		if (made + UTF8_SIZE > sizeof out) {
			str_add(to, out, made);
			made = 0;
		}
		s.p += plain;
		s.n -= plain;
	}
	str_add(to, out, made);
}

static void from_iconv(struct str *to, iconv_t converter, struct span s)
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
		in++;
		left--;
	}
}

bool charset_convert(struct str *to, const char *name, struct span s)
{
	const struct charset *c = charset_find(name);
	iconv_t converter;

	if (c == NULL) {
		from_octets(to, ASCII, s);
		return false;
	}
	if (c->kind == UTF8) {
		from_utf8(to, s);
		return true;
	}
	if (c->kind != BY_ICONV) {
		from_octets(to, c->kind, s);
		return true;
	}
	converter = converter_of(c);
	if (converter == (iconv_t)-1)
		from_octets(to, ASCII, s);
	else
		from_iconv(to, converter, s);
	return converter != (iconv_t)-1;
}

/* Letters that differ in case alone come to the same: ſ and s, ς and σ. */
static uint32_t fold(uint32_t c)
{
	return (uint32_t)towlower((wint_t)towupper((wint_t)c));
}

void charset_fold(struct str *to, struct span s)
{
	char out[PIECE];
	size_t made = 0;

	while (s.n > 0) {
		uint32_t c = (unsigned char)*s.p;
		size_t n = 1;
		if (c < 0x80) {
			out[made++] = (char)(c >= 'A' && c <= 'Z' ?
			    c | 0x20 : c);
		} else if ((n = utf8_read(s.p, s.n, &c)) > 0) {
			made += utf8_write(out + made, fold(c));
		} else {
			out[made++] = *s.p;
			n = 1;
		}
		if (made + UTF8_SIZE > sizeof out) {
			str_add(to, out, made);
			made = 0;
		}
		s.p += n;
		s.n -= n;
	}
	str_add(to, out, made);
}
