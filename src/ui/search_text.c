/* Words of a search that its panels and its questions share. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "canvas_priv.h"
#include "cell_priv.h"
#include "pg2une/base/str.h"
#include "ui_priv.h"

#define LABEL_MAX 320

const char *
pgt_search_mode_name(enum pgt_tune_mode m)
{
	static const char *const names[] = {
	    [PGT_TUNE_MODEL] = "model",
	    [PGT_TUNE_LIVE] = "live",
	    [PGT_TUNE_REHEARSAL] = "rehearsal",
	    [PGT_TUNE_CANARY] = "canary",
	};

	return names[m];
}

const char *
pgt_search_objective_name(enum pgt_tune_objective o)
{
	static const char *const names[] = {
	    [PGT_TUNE_TPS] = "throughput",
	    [PGT_TUNE_MEAN] = "mean latency",
	    [PGT_TUNE_P99] = "p99 latency",
	};

	return names[o];
}

/* Of hundreds of percent nobody reads the tenths. */
static int
decimals(double pct)
{
	return fabs(pct) < 99.95 ? 1 : 0;
}

char *
pgt_search_gain(double pct, double lo, double hi, char *buf, size_t size)
{
	if (isnan(pct))
		snprintf(buf, size, "-");
	else if (isnan(lo) || isnan(hi))
		snprintf(buf, size, "%+.*f%%", decimals(pct), pct);
	else
		snprintf(buf, size, "%+.*f%% [%+.*f %+.*f]", decimals(pct), pct,
			 decimals(lo), lo, decimals(hi), hi);
	return buf;
}

char *
pgt_search_sure(double confidence, char *buf, size_t size)
{
	if (confidence > 0.99) /* measured, and so never certain */
		snprintf(buf, size, ">99%% sure");
	else
		snprintf(buf, size, "%.0f%% sure", confidence * 100);
	return buf;
}

char *
pgt_search_index_label(const char *label, int cells, char *buf, size_t size)
{
	const char *open = strchr(label, '(');
	size_t room = cells > 8 ? (size_t)cells - 2 : 6, len = strlen(label);
	size_t table = open ? (size_t)(open - label) : len;
	size_t columns = open ? len - table - 1 : 0;
	size_t for_table = (room + 1) / 2;
	char a[LABEL_MAX], b[LABEL_MAX];

	if (!open || (size_t)pgt_cells(label) <= room + 2) {
		pgt_squeeze(label, len, room + 2, buf, size);
		return buf;
	}
	columns -= columns && label[len - 1] == ')';
	/* What one of them leaves, the other has. */
	if (table < for_table)
		for_table = table;
	else if (columns < room - for_table)
		for_table = room - columns;
	pgt_squeeze(label, table, for_table, a, sizeof(a));
	pgt_squeeze(open + 1, columns, room - for_table, b, sizeof(b));
	snprintf(buf, size, "%s(%s)", a, b);
	return buf;
}

bool
pgt_search_proposes(const struct pgt_ev_optimize *s)
{
	return s->state == PGT_TUNE_DONE && s->have_proposal && !s->keep_baseline;
}

size_t
pgt_search_hints(const struct pgt_ev_optimize *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_settings; i++)
		n += s->settings[i].differs && s->settings[i].kind == PGT_TUNE_HINT;
	return n;
}

size_t
pgt_search_changes(const struct pgt_ev_optimize *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_settings; i++)
		n += s->settings[i].differs && s->settings[i].kind != PGT_TUNE_HINT;
	return n;
}

/* As next_word() says, so the footer: no key that does nothing. */
const char *
pgt_search_keys(const struct pgt_ui *ui)
{
	const struct pgt_ev_optimize *s = ui->search;

	if (ui->read_only)
		return "next-panel=panel source";
	switch (s ? s->state : PGT_TUNE_IDLE) {
	case PGT_TUNE_IDLE:
		return "apply=start next-panel=panel source";
	case PGT_TUNE_RUNNING:
		return "hold=pause stop rollback=restore next-panel=panel source";
	case PGT_TUNE_PAUSED:
		return "hold=go_on stop rollback=restore next-panel=panel source";
	case PGT_TUNE_STOPPING:
		break;
	case PGT_TUNE_DONE:
		return pgt_search_proposes(s) && pgt_search_changes(s) > 0
			   ? "apply=accept next-panel=panel source"
			   : "apply=search_anew next-panel=panel source";
	case PGT_TUNE_FAILED:
		return "apply=search_anew next-panel=panel source";
	}
	return "next-panel=panel source";
}
