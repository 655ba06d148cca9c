#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "schema_read_priv.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/observe/schema.h"
#include "pg2une/pg/conn.h"

#define TEXT_MAX 8192

static const char *
safe_text(struct pgt_arena *a, const char *raw, enum pgt_safetext_mode mode)
{
	char *safe = pgt_safetext(raw, mode, TEXT_MAX);
	char *ret = pgt_arena_strdup(a, safe);

	free(safe);
	return ret;
}

static void
put_atts(int *dst, const char *text)
{
	char word[16];
	int64_t v;
	int n = 0;

	while (text && *text && n < PGT_SCHEMA_KEYS) {
		size_t len = strcspn(text, " ");

		if (len >= sizeof(word))
			return;
		memcpy(word, text, len);
		word[len] = '\0';
		if (!pgt_parse_i64(word, &v))
			return;
		dst[n++] = (int)v;
		text += len + (text[len] == ' ');
	}
}

static void
put_words(struct pgt_arena *a, const char **dst, const char *text)
{
	for (int n = 0; text && *text && n < PGT_SCHEMA_KEYS; n++) {
		size_t len = strcspn(text, " ");

		dst[n] = pgt_arena_strndup(a, text, len);
		text += len + (text[len] == ' ');
	}
}

static int
count_words(const char *text)
{
	int n = text && *text ? 1 : 0;

	for (; text && *text; text++)
		n += *text == ' ';
	return n;
}

static void
put(struct pgt_arena *a, const struct sch_col *c, const char *text, bool truth,
    double num, int64_t whole, char *base)
{
	void *dst = base + c->offset;

	switch (c->type) {
	case SCH_OID:
		*(uint32_t *)dst = (uint32_t)whole;
		break;
	case SCH_INT:
		*(int *)dst = (int)whole;
		break;
	case SCH_I64:
		*(int64_t *)dst = whole;
		break;
	case SCH_NUM:
		*(double *)dst = num;
		break;
	case SCH_AGE:
		*(double *)dst = isnan(num) ? -1 : num;
		break;
	case SCH_TEXT:
		*(const char **)dst = text ? safe_text(a, text, PGT_SAFE_LINE) : NULL;
		break;
	case SCH_BLOCK:
		*(const char **)dst = text ? safe_text(a, text, PGT_SAFE_BLOCK) : NULL;
		break;
	case SCH_SQL:
		/* a name that is shown otherwise than it is cannot be approved */
		*(const char **)dst = text && pgt_safetext_is_safe(text, strlen(text))
					  ? pgt_arena_strdup(a, text)
					  : NULL;
		break;
	case SCH_CHAR:
		*(char *)dst = text ? *text : '\0';
		break;
	case SCH_BOOL:
		*(bool *)dst = truth;
		break;
	case SCH_ATTS:
		put_atts(dst, text);
		break;
	case SCH_WORDS:
		put_words(a, dst, text);
		break;
	case SCH_COUNT:
		*(int *)dst = count_words(text);
		break;
	}
}

void
sch_row(struct pgt_arena *a, const struct pgt_result *r, size_t row,
	const struct sch_col *cols, void *dst)
{
	for (; cols->name; cols++) {
		int col = pgt_result_col(r, cols->name);

		put(a, cols, pgt_result_str(r, row, col), pgt_result_bool(r, row, col),
		    pgt_result_num(r, row, col),
		    pgt_result_i64(r, row, col, cols->type == SCH_INT ? -1 : 0), dst);
	}
}

void *
sch_rows(struct pgt_arena *a, const struct pgt_result *r, const struct sch_col *cols,
	 size_t size)
{
	size_t n = pgt_result_rows(r);
	char *rows = pgt_arena_array(a, n ? n : 1, size);

	for (size_t i = 0; rows && i < n; i++)
		sch_row(a, r, i, cols, rows + i * size);
	return rows;
}
