#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "log.h"

void *xrealloc(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (p == NULL)
		fatal(EX_OSERR, "out of memory");
	return p;
}

void pages_free(void *p, size_t n)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t begin = ((uintptr_t)p + page - 1) & ~(page - 1);
	uintptr_t end = ((uintptr_t)p + n) & ~(page - 1);

	if (begin < end)
		madvise((void *)begin, end - begin, MADV_DONTNEED);
}

static void reserve(struct str *s, size_t more)
{
	size_t need = s->len + more + 1;
	char *old = s->p;

	if (more > STR_MAX || need > STR_MAX)
		fatal(EX_OSERR, "string past its limit");
	if (need <= s->cap)
		return;
	s->cap = need < 128 ? 128 : need + need / 2;
	s->p = xrealloc(s->borrowed ? NULL : old, s->cap);
	if (s->borrowed)
		memcpy(s->p, old, s->len);
	s->borrowed = false;
}

void octets_copy(char *to, const char *from, size_t n)
{
	if (n > 64) {
		memcpy(to, from, n);
	} else if (n >= 32) {
		memcpy(to, from, 32);
		memcpy(to + n - 32, from + n - 32, 32);
	} else if (n >= 16) {
		memcpy(to, from, 16);
		memcpy(to + n - 16, from + n - 16, 16);
	} else if (n >= 8) {
		memcpy(to, from, 8);
		memcpy(to + n - 8, from + n - 8, 8);
	} else if (n >= 4) {
		memcpy(to, from, 4);
		memcpy(to + n - 4, from + n - 4, 4);
	} else if (n > 0) {
		to[0] = from[0];
		to[n / 2] = from[n / 2];
		to[n - 1] = from[n - 1];
	}
}

void str_add(struct str *s, const void *p, size_t n)
{
	reserve(s, n);
	octets_copy(s->p + s->len, p, n);
	s->len += n;
	s->p[s->len] = '\0';
}

void str_puts(struct str *s, const char *text)
{
	str_add(s, text, strlen(text));
}

void str_vprintf(struct str *s, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		fatal(EX_SOFTWARE, "bad format");
	reserve(s, (size_t)n);
	vsnprintf(s->p + s->len, (size_t)n + 1, fmt, ap);
	s->len += (size_t)n;
}

void str_printf(struct str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(s, fmt, ap);
	va_end(ap);
}

void str_clear(struct str *s)
{
	reserve(s, 0);
	s->len = 0;
	s->p[0] = '\0';
}

void str_free(struct str *s)
{
	if (!s->borrowed)
		free(s->p);
	*s = (struct str){0};
}

bool number_parse(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return false;
		uint64_t digit = (uint64_t)(*s - '0');
		if (digit > max || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*out = n;
	return true;
}

bool str_read_file(struct str *s, const char *path, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	str_clear(s);
	if (fd < 0)
		return false;
	for (;;) {
		reserve(s, s->len < 512 ? 512 : s->len);
		n = read(fd, s->p + s->len, s->cap - s->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		s->len += (size_t)n;
		if (s->len > max) {
			n = -1;
			errno = EFBIG;
			break;
		}
	}
	s->p[s->len] = '\0';
	int saved = errno;
	close(fd);
	errno = saved;
	return n == 0;
}

char *text_line(char **text)
{
	char *line = *text, *end;

	if (*line == '\0')
		return NULL;
	end = strchr(line, '\n');
	if (end == NULL) {
		*text = line + strlen(line);
	} else {
		*end = '\0';
		*text = end + 1;
	}
	return line;
}

char *text_word(char **line)
{
	char *word = *line + strspn(*line, " \t\r"), *end;

	if (*word == '\0')
		return NULL;
	end = word + strcspn(word, " \t\r");
	*line = end;
	if (*end != '\0') {
		*end = '\0';
		*line = end + 1;
	}
	return word;
}
