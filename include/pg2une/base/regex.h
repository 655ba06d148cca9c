/* Regular expressions on PCRE2: UTF, caseless unless the pattern has an upper
 * case letter, with a match limit so that no pattern hangs the screen. */
#ifndef PG2UNE_BASE_REGEX_H
#define PG2UNE_BASE_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "pg2une/base/err.h"

struct pgt_regex;

enum pgt_regex_flags {
	PGT_RE_SMARTCASE = 1, /* caseless when the pattern is all lower case */
	PGT_RE_INVERT = 2,    /* a leading "!" inverts: for filters */
	PGT_RE_MULTILINE = 4,
};

/* The caller owns *ret.  The message names the offset of the error. */
int pgt_regex_new(const char *pattern, int flags, struct pgt_regex **ret,
		  struct pgt_err *err) PGT_MUST_CHECK;
void pgt_regex_free(struct pgt_regex *re);
/* A match that passes the limit counts as none. */
bool pgt_regex_match(const struct pgt_regex *re, const char *s, size_t len);
/* Group offsets of the first match at or after start: ovec[2*i], ovec[2*i+1],
 * -1 for an unset group; returns the number of groups (0 for no match). */
int pgt_regex_groups(const struct pgt_regex *re, const char *s, size_t len, size_t start,
		     int *ovec, int max_groups);

#endif
