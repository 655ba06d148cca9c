/* Seen with fresh eyes: a new session reads the value, its source is our line,
 * and the files are sound.  pg_reload_conf() answers true in any case. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "act_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/change/target.h"
#include "pg2une/pg/quote.h"
#include "pg2une/pg/unit.h"

enum seen { NOT_YET, IN_FORCE, NEVER };

static bool
ends_with(const char *s, const char *tail)
{
	size_t a = strlen(s), b = strlen(tail);

	return a >= b && strcmp(s + a - b, tail) == 0;
}

static bool
from_our_file(const struct pgt_setting_info *info)
{
	/* hidden from roles without pg_read_all_settings: pg_file_settings told */
	return !info->sourcefile || ends_with(info->sourcefile, "/postgresql.auto.conf");
}

static bool
same_value(const struct pgt_item *item, const struct pgt_setting_info *info)
{
	if (!info->reset_val)
		return false;
	if (pgt_quote_is_list_setting(item->name))
		return true; /* the file's text was compared element by element */
	if (info->vartype && strcmp(info->vartype, "string") == 0)
		return strcasecmp(item->value, info->reset_val) == 0;
	return pgt_unit_equal(item->value, info->reset_val, info->vartype, info->unit);
}

/* wal_buffers of -1: the server shows the size that it came to, with the source that it
 * had, or as an override when it began with -1 in the file. */
static bool
finds_it_itself(const struct pgt_item *item, const struct pgt_setting_info *info)
{
	return item->value && strcmp(item->name, "wal_buffers") == 0 &&
	       pgt_unit_equal(item->value, "-1", info->vartype, info->unit);
}

static enum seen
judge_setting(const struct pgt_item *item, const struct pgt_setting_info *info,
	      bool deferred, struct pgt_err *err)
{
	const char *source = info->source ? info->source : "";
	const bool sized = finds_it_itself(item, info);

	if (!info->known) {
		pgt_err_set(err, PGT_E_STATE, "%s: the server no longer knows it",
			    item->name);
		return NEVER;
	}
	if (info->pending_restart && deferred)
		return IN_FORCE;
	if (info->pending_restart) {
		pgt_err_set(err, PGT_E_STATE, "%s: waits for a restart", item->name);
		return NEVER;
	}
	/* our own session sets a few by SET: then only reset_val tells */
	if (strcmp(source, "default") != 0 && strcmp(source, "configuration file") != 0 &&
	    strcmp(source, "session") != 0 &&
	    !(sized && strcmp(source, "override") == 0)) {
		pgt_err_set(err, PGT_E_STATE,
			    "%s: in the file, but hidden by what comes from: %.60s",
			    item->name, source);
		return NEVER;
	}
	if (!item->value)
		return !info->in_file && !(strcmp(source, "configuration file") == 0 &&
					   info->sourcefile && from_our_file(info))
			   ? IN_FORCE
			   : NOT_YET;
	if (sized)
		return IN_FORCE;
	if (!same_value(item, info))
		return NOT_YET;
	if (strcmp(source, "session") == 0 || item->managed)
		return IN_FORCE;
	return strcmp(source, "configuration file") == 0 && from_our_file(info) ? IN_FORCE
										: NOT_YET;
}

static bool
object_in_force(const struct pgt_item *item, const struct pgt_prev *prev,
		const struct pgt_prev *now)
{
	switch (item->kind) {
	case PGT_ITEM_INDEX_CREATE:
		return now->present && now->valid;
	case PGT_ITEM_INDEX_DROP:
		return !now->present;
	case PGT_ITEM_INDEX_REINDEX:
		return pgt_item_is_before(item, prev, now) && now->valid;
	case PGT_ITEM_SETTING:
	case PGT_ITEM_DB_SETTING:
	case PGT_ITEM_ROLE_SETTING:
	case PGT_ITEM_ROLE_DB_SETTING:
	case PGT_ITEM_TABLE_OPTION:
	case PGT_ITEM_STATISTICS:
		break;
	}
	return pgt_item_is_ours(item, prev, now);
}

/* -1: could not be read. */
static int
see_item(const struct pgt_acting *a, struct pgt_writer *fresh, size_t i, enum seen *ret,
	 struct pgt_err *err)
{
	const struct pgt_item *item = &a->cs->items[i];
	struct pgt_setting_info info;
	struct pgt_prev now;
	char *label;

	if (pgt_target_read(a->link, item, a->probe, true, &now, NULL, err) < 0)
		return -1;
	*ret = object_in_force(item, &a->prev[i], &now) ? IN_FORCE : NEVER;
	pgt_prev_done(&now);
	if (*ret == NEVER) {
		label = pgt_item_label(item);
		pgt_err_set(err, PGT_E_STATE, "%s: not as we set it", label);
		free(label);
		return 0;
	}
	if (item->kind != PGT_ITEM_SETTING)
		return 0;
	if (pgt_setting_read(fresh, item->name, &info, err) < 0)
		return -1;
	*ret = judge_setting(item, &info, a->deferred, err);
	if (*ret == NOT_YET)
		pgt_err_set(err, PGT_E_STATE, "%s: new sessions still see %.80s",
			    item->name, info.effective ? info.effective : "nothing");
	pgt_setting_info_done(&info);
	return 0;
}

/* Patroni writes postgresql.conf in place: a reader may see half of it. */
static bool
being_written(const struct pgt_acting *a)
{
	size_t i;

	for (i = 0; i < a->cs->n_items; i++)
		if (a->cs->items[i].managed)
			return true;
	return false;
}

static int
see_all(const struct pgt_acting *a, enum seen *ret, struct pgt_err *err)
{
	struct pgt_writer *fresh;
	char *faults = NULL;
	int rc = -1;
	size_t i;

	if (pgt_direct_fresh(a->link, NULL, &fresh, err) < 0)
		return -1;
	if (pgt_file_errors_read(fresh, &faults, err) < 0)
		goto out;
	if (*faults) {
		faults[strcspn(faults, "\n")] = '\0';
		pgt_err_set(err, PGT_E_STATE, "the configuration has an error: %s",
			    faults);
		*ret = being_written(a) ? NOT_YET : NEVER;
		rc = 0;
		goto out;
	}
	*ret = IN_FORCE;
	for (i = 0; i < a->cs->n_items && *ret == IN_FORCE; i++)
		if (see_item(a, fresh, i, ret, err) < 0) {
			if (err->code != PGT_E_STATE || !being_written(a))
				goto out;
			*ret = NOT_YET;
		}
	rc = 0;

out:
	free(faults);
	pgt_writer_close(fresh);
	return rc;
}

int
pgt_verify(const struct pgt_acting *a, int64_t wait_ns, struct pgt_err *err)
{
	int64_t deadline = pgt_clock_mono_ns() + wait_ns;
	enum pgt_fence_verdict v;
	enum seen seen = NOT_YET;

	for (;;) {
		if (pgt_act_fence(a, true, &v, err) < 0 || see_all(a, &seen, err) < 0)
			return -1;
		if (seen == IN_FORCE)
			return 0;
		if (seen == NEVER || pgt_clock_mono_ns() >= deadline)
			return -1; /* err says what is missing */
		/* each look asks the manager to read its store, and wakes it */
		poll(NULL, 0, being_written(a) ? 250 : 50);
	}
}
