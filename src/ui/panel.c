#include <stdarg.h>
#include <stdio.h>

#include "panel_priv.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"

/* What the top of the graph stands for, over its oldest part. */
void
pgt_panel_scale(const struct pgt_canvas *c, enum pgt_series series, double top)
{
	char text[40];

	if (c->r.h < 2 || c->r.w < 24)
		return;
	if (series == PGT_SERIES_WAL || series == PGT_SERIES_READ ||
	    series == PGT_SERIES_WRITE || series == PGT_SERIES_LAG)
		pgt_fmt_bytes(top, text, sizeof(text));
	else if (series == PGT_SERIES_P50 || series == PGT_SERIES_P95 ||
		 series == PGT_SERIES_P99)
		pgt_fmt_ms(top, text, sizeof(text));
	else
		pgt_fmt_short(top, text, sizeof(text));
	pgt_put(c, 0, pgt_put(c, 0, 0, PGT_ROLE_DIM, text), PGT_ROLE_BORDER,
		pgt_screen_ascii() ? " -" : " ┈");
}

void
pgt_panel_graph(const struct pgt_ui *ui, const struct pgt_canvas *c,
		enum pgt_series series, enum pgt_role role, double top)
{
	float values[1024], lo[1024], hi[1024];
	unsigned char marks[1024];
	size_t n = (size_t)c->r.w * 2;
	struct pgt_graph g = {.values = values, .marks = marks, .top = top, .role = role};
	int odd;

	if (c->r.h < 1 || c->r.w < 4)
		return;
	if (n > PGT_LEN(values))
		n = PGT_LEN(values);
	pgt_plot_points(ui->history, series, PGT_SPAN_S, values, n, &odd);
	pgt_plot_marks(ui->history, PGT_SPAN_S, marks, n);
	g.n = n;
	if (series == PGT_SERIES_TPS || series == PGT_SERIES_P99) {
		bool tps = series == PGT_SERIES_TPS;

		pgt_plot_points(ui->history, tps ? PGT_SERIES_TPS_LO : PGT_SERIES_P99_LO,
				PGT_SPAN_S, lo, n, &odd);
		pgt_plot_points(ui->history, tps ? PGT_SERIES_TPS_HI : PGT_SERIES_P99_HI,
				PGT_SPAN_S, hi, n, &odd);
		g.lo = lo;
		g.hi = hi;
	}
	g.shift = odd != 0;
	pgt_panel_scale(c, series, pgt_graph(c, &g));
}

int
pgt_panel_pair(const struct pgt_canvas *c, int y, int x, const char *label,
	       enum pgt_role role, const char *fmt, ...)
{
	char value[128];
	va_list ap;
	int need;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	need = pgt_cells(label) + 1 + pgt_cells(value);
	if (x >= c->r.w)
		return x;
	/* One cell stays free, for the sign of those that come after. */
	if (x + need > c->r.w - 1) {
		/* no half of a figure: a sign that there is more */
		pgt_put(c, y, c->r.w - 1, PGT_ROLE_DIM, pgt_glyph(PGT_G_ELLIPSIS));
		return c->r.w;
	}
	if (*label)
		x = pgt_put(c, y, x, PGT_ROLE_DIM, label) + 1;
	return pgt_put(c, y, x, role, value) + 3;
}
