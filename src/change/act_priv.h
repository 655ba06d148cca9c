#ifndef PG2UNE_CHANGE_ACT_PRIV_H
#define PG2UNE_CHANGE_ACT_PRIV_H

#include "pg2une/change/restore.h"

void pgt_act_say(const struct pgt_acting *a, long item, const char *text);
/* One record about an item (-1: the reload); 0 when there is no journal. */
int pgt_act_journal(const struct pgt_acting *a, enum pgt_jtype type, long item,
		    const char *key, const char *text, struct pgt_err *err);
int pgt_act_sql(const struct pgt_acting *a, const struct pgt_item *item, const char *sql,
		struct pgt_err *err);
/* The manager is known, answers, and is the one of the fence's cluster. */
int pgt_act_manager(const struct pgt_acting *a, struct pgt_err *err);
/* Compare and set at the manager; expect and value are JSON text, NULL absent. */
int pgt_act_patch(const struct pgt_acting *a, const struct pgt_item *item,
		  const char *expect, const char *value, struct pgt_err *err);
int pgt_act_reload_now(const struct pgt_acting *a, struct pgt_err *err);

#endif
