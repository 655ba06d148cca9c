/* How code points are shown in terminal cells; strict UTF-8 decoding.  Needs no
 * locale.  Pure; any thread. */
#ifndef PG2UNE_BASE_UNICODE_PRIV_H
#define PG2UNE_BASE_UNICODE_PRIV_H

#include <stddef.h>
#include <stdint.h>

enum pgt_unicode_shown {
	PGT_UNICODE_NARROW, /* one cell */
	PGT_UNICODE_WIDE,   /* two */
	PGT_UNICODE_MARK,   /* none: it joins the character before */
	PGT_UNICODE_REFUSED /* control, format, ignorable, private, unassigned */
};

/* Bytes of the character that begins s (len > 0), its code point in *ret_cp; 0
 * when it is overlong, a surrogate, above U+10FFFF, cut or no lead byte. */
size_t pgt_unicode_decode(const char *s, size_t len, uint32_t *ret_cp);
enum pgt_unicode_shown pgt_unicode_shown(uint32_t cp);

#endif
