/* The one filter that text from a server, a file or HTTP passes where it
 * enters, before any sink (screen, log, report, stderr).  After it the text is
 * valid UTF-8, has no C0, C1, DEL, bidi control, zero-width joiner, tag,
 * private-use, default-ignorable or unassigned character, and at most two combining marks
 * in a row; each refused one is shown as a visible escape: \n \t \x1b U+202E.
 * Source of the list: reference/safety.md section 4. */
#ifndef PG2UNE_BASE_SAFETEXT_H
#define PG2UNE_BASE_SAFETEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "pg2une/base/buf.h"

enum pgt_safetext_mode {
	PGT_SAFE_LINE,	/* LF, CR, TAB, runs of blanks become one space: lists, headers */
	PGT_SAFE_BLOCK, /* LF stays a line end, TAB becomes blanks: SQL and log views */
	PGT_SAFE_EXACT, /* all that is not printable is escaped, and every blank but the
			 * space: approval dialogs */
};

/* Append the safe form of len bytes to out (whose maximum bounds it). */
void pgt_safetext_put(struct pgt_buf *out, const char *s, size_t len,
		      enum pgt_safetext_mode mode);
/* The safe form, at most max_bytes long (cut at a character, "..." marks it);
 * the caller frees it.  NULL stays NULL. */
char *pgt_safetext(const char *s, enum pgt_safetext_mode mode, size_t max_bytes);
/* In place of a fixed buffer: writes at most size-1 bytes; returns dst. */
char *pgt_safetext_copy(char *dst, size_t size, const char *s);
/* As one line: LF is not safe here. */
bool pgt_safetext_is_safe(const char *s, size_t len);

/* Replace the literal after PASSWORD, and password= / secrets in conninfo and
 * URLs by ***.  The caller frees the result. */
char *pgt_safetext_redact(const char *s);

#endif
