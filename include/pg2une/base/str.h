/* Parsing and formatting of numbers, durations and sizes; UTF-8 cells.
 * Pure; any thread.  Formatters write into buf and return it. */
#ifndef PG2UNE_BASE_STR_H
#define PG2UNE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"

/* The whole string or nothing; no surrounding space; false when out of range. */
bool pgt_parse_i64(const char *s, int64_t *ret);
bool pgt_parse_u64(const char *s, uint64_t *ret);
bool pgt_parse_double(const char *s, double *ret); /* finite, "." as in C, any locale */
/* "250ms" "30s" "5min" "2h" "1d", a bare number is seconds; into nanoseconds. */
int pgt_parse_duration(const char *s, int64_t *ret_ns,
		       struct pgt_err *err) PGT_MUST_CHECK;
/* "64kB" "2GB" "1TB", a bare number is bytes; 1024-based as PostgreSQL does. */
int pgt_parse_bytes(const char *s, uint64_t *ret_bytes,
		    struct pgt_err *err) PGT_MUST_CHECK;

/* "1,234,567"; four or fewer significant cells: "812" "12.4k" "3.1M". */
char *pgt_fmt_group(int64_t n, char *buf, size_t size);
char *pgt_fmt_short(double n, char *buf, size_t size);
/* "0 B" "12.4 MB"; 1024-based, PostgreSQL's spelling kB MB GB TB. */
char *pgt_fmt_bytes(double bytes, char *buf, size_t size);
/* Long: "41d 3h" "3m02" "41s" "850ms". */
char *pgt_fmt_duration(int64_t ns, char *buf, size_t size);
/* Milliseconds with three significant digits: "0.47" "13.1" "198". */
char *pgt_fmt_ms(double ms, char *buf, size_t size);

bool pgt_str_starts(const char *s, const char *prefix);
/* Copy, always terminated; false when it was cut. */
bool pgt_str_copy(char *dst, size_t size, const char *src);
/* Lower-case ASCII hex of n bytes; dst holds 2n+1. */
void pgt_str_hex(const void *data, size_t n, char *dst);

/* Strictly: no overlong form, no surrogate, nothing above U+10FFFF. */
bool pgt_str_is_utf8(const char *s);
/* Terminal cells of a valid UTF-8 string (combining 0, wide 2). */
int pgt_str_cells(const char *s);
/* Bytes of the longest prefix of s that fits into cells; *ret_cells its width. */
size_t pgt_str_fit(const char *s, int cells, int *ret_cells);

#endif
