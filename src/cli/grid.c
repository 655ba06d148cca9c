/* Tables for people: columns as wide as they need, numbers to the right, and
 * the last text column cut to what the terminal has left. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/cli/output.h"

#define GAP        2
#define MIN_TEXT   10
#define MAX_COLS   32
#define COLUMN_MAX 60 /* a text that is not the last, where width is cut */

/* A value as people read it; the caller frees. */
static char *
cell_text(const cJSON *v, enum pgt_cell cell)
{
	double n = NAN;
	char buf[64], *text;

	if (!v || cJSON_IsNull(v))
		return pgt_xstrdup("-");
	if (cJSON_IsBool(v))
		return pgt_xstrdup(cJSON_IsTrue(v) ? "yes" : "no");
	if (cJSON_IsString(v))
		return pgt_xstrdup(v->valuestring);
	if (cJSON_IsNumber(v))
		n = v->valuedouble;
	else if (cJSON_IsRaw(v) && !pgt_parse_double(v->valuestring, &n))
		n = NAN;
	if (!isfinite(n)) {
		text = pgt_json_print(v, false);
		return text ? text : pgt_xstrdup("-");
	}
	switch (cell) {
	case PGT_CELL_INT:
		pgt_fmt_group((int64_t)llround(n), buf, sizeof(buf));
		break;
	case PGT_CELL_MS:
		pgt_fmt_ms(n, buf, sizeof(buf));
		break;
	case PGT_CELL_BYTES:
		pgt_fmt_bytes(n, buf, sizeof(buf));
		break;
	case PGT_CELL_PCT:
		snprintf(buf, sizeof(buf), "%.1f%%", n * 100);
		break;
	case PGT_CELL_SECONDS:
		pgt_fmt_duration((int64_t)(n * 1e9), buf, sizeof(buf));
		break;
	case PGT_CELL_TEXT: /* a name that is a number: a port, a pid */
		snprintf(buf, sizeof(buf), "%.15g", n);
		break;
	case PGT_CELL_NUM:
	case PGT_CELL_BOOL:
		if (fabs(n) >= 1e5 || n == rint(n))
			pgt_fmt_group((int64_t)llround(n), buf, sizeof(buf));
		else
			snprintf(buf, sizeof(buf), "%.4g", n);
		break;
	}
	return pgt_xstrdup(buf);
}

/* Text, padded or cut to cells with a sign that it was cut. */
static void
put_cell(struct pgt_buf *out, const char *text, int cells, bool right, bool last)
{
	int have = pgt_str_cells(text), got = 0;
	size_t n;

	if (cells > 0 && have > cells) {
		n = pgt_str_fit(text, cells - 1, &got);
		pgt_buf_put(out, text, n);
		pgt_buf_puts(out, "\xe2\x80\xa6"); /* an ellipsis */
		return;
	}
	if (right)
		pgt_buf_printf(out, "%*s", cells - have, "");
	pgt_buf_puts(out, text);
	if (!right && !last)
		pgt_buf_printf(out, "%*s", cells - have, "");
}

static bool
is_right(enum pgt_cell cell)
{
	return cell != PGT_CELL_TEXT && cell != PGT_CELL_BOOL;
}

/* Narrow the last column first, then the widest texts, until it fits. */
static void
fit_columns(const struct pgt_column *cols, int *width, int n, int total)
{
	int sum = 0, i, widest;

	for (i = 0; i < n; i++) {
		if (i + 1 < n && !is_right(cols[i].cell) && width[i] > COLUMN_MAX)
			width[i] = COLUMN_MAX;
		sum += width[i] + (i ? GAP : 0);
	}
	while (sum > total) {
		widest = -1;
		if (!is_right(cols[n - 1].cell) && width[n - 1] > 2 * MIN_TEXT)
			widest = n - 1;
		for (i = 0; i < n && widest != n - 1; i++)
			if (!is_right(cols[i].cell) && width[i] > MIN_TEXT &&
			    (widest < 0 || width[i] > width[widest]))
				widest = i;
		if (widest < 0)
			return; /* nothing gives way: let the terminal wrap */
		width[widest]--;
		sum--;
	}
}

static void
grid_rows(const cJSON *rows, const struct pgt_column *cols, int max, int total,
	  struct pgt_buf *out)
{
	int have = cJSON_GetArraySize(rows), n_rows = max > 0 && max < have ? max : have;
	int n = 0, r = 0, i, width[MAX_COLS];
	const cJSON *row;
	char **text;

	while (cols[n].title && n < MAX_COLS) {
		width[n] = pgt_str_cells(cols[n].title);
		n++;
	}
	text = pgt_xcalloc((size_t)n_rows * (size_t)n + 1, sizeof(*text));
	cJSON_ArrayForEach(row, rows)
	{
		if (r == n_rows)
			break;
		for (i = 0; i < n; i++) {
			char *t = cell_text(pgt_json_path(row, cols[i].key),
					    cols[i].cell);
			int cells = pgt_str_cells(t);

			text[r * n + i] = t;
			width[i] = cells > width[i] ? cells : width[i];
		}
		r++;
	}
	if (total > 0)
		fit_columns(cols, width, n, total);
	for (i = 0; i < n; i++) {
		pgt_buf_printf(out, "%*s", i ? GAP : 0, "");
		put_cell(out, cols[i].title, width[i], is_right(cols[i].cell),
			 i + 1 == n);
	}
	pgt_buf_putc(out, '\n');
	for (r = 0; r < n_rows; r++) {
		for (i = 0; i < n; i++) {
			pgt_buf_printf(out, "%*s", i ? GAP : 0, "");
			put_cell(out, text[r * n + i], width[i], is_right(cols[i].cell),
				 i + 1 == n);
			free(text[r * n + i]);
		}
		pgt_buf_putc(out, '\n');
	}
	if (n_rows < have)
		pgt_buf_printf(out, "... and %d more\n", have - n_rows);
	free(text);
}

static void
grid_object(const cJSON *obj, const struct pgt_column *cols, int total,
	    struct pgt_buf *out)
{
	const struct pgt_column *c;
	int width = 0, cells;
	char *t;

	for (c = cols; c->title; c++) {
		cells = pgt_str_cells(c->title);
		width = cells > width ? cells : width;
	}
	for (c = cols; c->title; c++) {
		const cJSON *v = pgt_json_path(obj, c->key);

		if (!v || cJSON_IsNull(v))
			continue;
		t = cell_text(v, c->cell);
		put_cell(out, c->title, width, false, false);
		pgt_buf_printf(out, "%*s", GAP, "");
		put_cell(out, t, total > 0 ? total - width - GAP : 0, false, true);
		pgt_buf_putc(out, '\n');
		free(t);
	}
}

void
pgt_output_tables(const cJSON *data, const struct pgt_view *views, int width,
		  struct pgt_buf *out)
{
	const cJSON *at, *note;
	const struct pgt_view *v;
	bool first = true;

	for (v = views; v && v->title; v++) {
		at = pgt_json_path(data, v->path);
		if (!at || cJSON_IsNull(at) || (!at->child && !v->none))
			continue;
		if (!first)
			pgt_buf_putc(out, '\n');
		first = false;
		if (v->title[0])
			pgt_buf_printf(out, "%s\n", v->title);
		if (!at->child)
			pgt_buf_printf(out, "%s\n", v->none);
		else if (cJSON_IsArray(at))
			grid_rows(at, v->columns, v->max, width, out);
		else
			grid_object(at, v->columns, width, out);
	}
	at = cJSON_GetObjectItemCaseSensitive(data, "notes");
	cJSON_ArrayForEach(note, at)
	{
		if (cJSON_IsString(note))
			pgt_buf_printf(out, "%snote: %s\n", first ? "" : "\n",
				       note->valuestring);
		first = true; /* one blank line before the notes */
	}
}
