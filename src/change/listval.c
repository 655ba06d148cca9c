/* Lists of names, as settings such as search_path hold them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/mem.h"
#include "pg2une/change/changeset.h"

#define ELEM_MAX 8192

void
pgt_sql_list_free(char **list, size_t n)
{
	size_t i;

	for (i = 0; list && i < n; i++)
		free(list[i]);
	free(list);
}

static const char *
skip_blanks(const char *s)
{
	while (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\r' || *s == '\f' ||
	       *s == '\v')
		s++;
	return s;
}

/* One element at s, into b; the rest, or NULL when malformed. */
static const char *
take_element(const char *s, bool fold, struct pgt_buf *b)
{
	if (*s == '"') {
		for (s++;; s++) {
			if (*s == '\0')
				return NULL;
			if (*s == '"' && s[1] != '"')
				break;
			if (*s == '"')
				s++;
			pgt_buf_putc(b, *s);
		}
		return s + 1;
	}
	if (*s == ',' || *s == '\0')
		return NULL;
	for (; *s && *s != ',' && skip_blanks(s) == s; s++)
		pgt_buf_putc(b, fold && isascii((unsigned char)*s)
				    ? (char)tolower((unsigned char)*s)
				    : *s);
	return s;
}

int
pgt_listval_split(const char *text, bool fold, char ***ret, size_t *ret_n,
		  struct pgt_err *err)
{
	const char *s = skip_blanks(text);
	char **list = NULL;
	size_t n = 0;
	struct pgt_buf b;

	while (*s) {
		pgt_buf_init(&b, ELEM_MAX);
		s = take_element(s, fold, &b);
		if (!s || b.overflow) {
			pgt_buf_done(&b);
			goto malformed;
		}
		list = pgt_xreallocarray(list, n + 1, sizeof(*list));
		list[n++] = pgt_buf_take(&b);
		s = skip_blanks(s);
		if (*s == '\0')
			break;
		if (*s != ',')
			goto malformed;
		s = skip_blanks(s + 1);
		if (*s == '\0') /* a trailing comma */
			goto malformed;
	}
	*ret = list;
	*ret_n = n;
	return 0;

malformed:
	pgt_sql_list_free(list, n);
	return pgt_err_set(err, PGT_E_PARSE, "not a list of names: %.200s", text);
}
