#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/mem.h"

void
pgt_buf_init(struct pgt_buf *b, size_t max_bytes)
{
	memset(b, 0, sizeof(*b));
	b->max = max_bytes;
}

void
pgt_buf_done(struct pgt_buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
}

void
pgt_buf_reset(struct pgt_buf *b)
{
	b->len = 0;
	b->overflow = false;
	if (b->data)
		b->data[0] = '\0';
}

static void
buf_reserve(struct pgt_buf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : 64;

	if (need + 1 <= b->cap)
		return;
	while (cap < need + 1)
		cap *= 2;
	b->data = pgt_xrealloc(b->data, cap);
	b->cap = cap;
}

void
pgt_buf_put(struct pgt_buf *b, const void *data, size_t len)
{
	if (len > b->max - b->len) {
		b->overflow = true;
		len = b->max - b->len;
	}
	buf_reserve(b, b->len + len);
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
pgt_buf_puts(struct pgt_buf *b, const char *s)
{
	pgt_buf_put(b, s, strlen(s));
}

void
pgt_buf_putc(struct pgt_buf *b, char c)
{
	pgt_buf_put(b, &c, 1);
}

void
pgt_buf_printf(struct pgt_buf *b, const char *fmt, ...)
{
	char small[256], *big;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n < sizeof(small)) {
		pgt_buf_put(b, small, (size_t)n);
		return;
	}
	va_start(ap, fmt);
	if (vasprintf(&big, fmt, ap) < 0)
		pgt_mem_abort();
	va_end(ap);
	pgt_buf_put(b, big, (size_t)n);
	free(big);
}

const char *
pgt_buf_str(const struct pgt_buf *b)
{
	return b->data ? b->data : "";
}

char *
pgt_buf_take(struct pgt_buf *b)
{
	char *s = b->data ? b->data : pgt_xstrdup("");

	b->data = NULL;
	b->len = b->cap = 0;
	b->overflow = false;
	return s;
}
