/* A growable byte buffer that declares its maximum at birth.  Passing the
 * maximum sets a flag and drops the rest: check it once, at the end. */
#ifndef PG2UNE_BASE_BUF_H
#define PG2UNE_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "pg2une/base/err.h"

struct pgt_buf {
	char *data; /* always NUL-terminated once something was put; may be NULL */
	size_t len, cap, max;
	bool overflow;
};

/* max_bytes bounds len; nothing is allocated yet. */
void pgt_buf_init(struct pgt_buf *b, size_t max_bytes);
void pgt_buf_done(struct pgt_buf *b);
void pgt_buf_reset(struct pgt_buf *b); /* empty, keeps the memory */
void pgt_buf_put(struct pgt_buf *b, const void *data, size_t len);
void pgt_buf_puts(struct pgt_buf *b, const char *s);
void pgt_buf_putc(struct pgt_buf *b, char c);
void pgt_buf_printf(struct pgt_buf *b, const char *fmt, ...) PGT_PRINTF(2, 3);
/* The text, never NULL; owned by the buffer. */
const char *pgt_buf_str(const struct pgt_buf *b);
/* The text, now the caller's (free()); the buffer is empty again. */
char *pgt_buf_take(struct pgt_buf *b);

#endif
