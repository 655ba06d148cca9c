/* What the files of this layer share. */
#ifndef PGT_CLI_PRIV_H
#define PGT_CLI_PRIV_H

#include "pg2une/cli/cmd.h"

/* Options into c->values, operands into c->argv. */
int pgt_cmd_parse(struct pgt_cmd *c, int argc, char **argv, struct pgt_err *err)
    PGT_MUST_CHECK;

/* For what connects by itself: the password that was typed, NULL when none is needed or
 * there is no terminal to ask on.  pgt_cmd_forget() ends it. */
int pgt_cmd_password(struct pgt_cmd *c, char **ret, struct pgt_err *err) PGT_MUST_CHECK;
/* Only asks, and only with -W: for what goes where a journal says. */
int pgt_cmd_ask(struct pgt_cmd *c, char **ret, struct pgt_err *err) PGT_MUST_CHECK;
void pgt_cmd_forget(char *password);

/* The families. */
extern const struct pgt_cmd_ops pgt_cmd_inspect;
extern const struct pgt_cmd_ops pgt_cmd_doctor;
extern const struct pgt_cmd_ops pgt_cmd_config_show;
extern const struct pgt_cmd_ops pgt_cmd_config_diff;
extern const struct pgt_cmd_ops pgt_cmd_query_top;
extern const struct pgt_cmd_ops pgt_cmd_query_slow_log;
extern const struct pgt_cmd_ops pgt_cmd_query_analyze;
extern const struct pgt_cmd_ops pgt_cmd_query_index_suggest;
extern const struct pgt_cmd_ops pgt_cmd_query_locks;
extern const struct pgt_cmd_ops pgt_cmd_query_bloat;
extern const struct pgt_cmd_ops pgt_cmd_query_vacuum_health;
extern const struct pgt_cmd_ops pgt_cmd_alerts;
extern const struct pgt_cmd_ops pgt_cmd_analysis;
extern const struct pgt_cmd_ops pgt_cmd_baseline;
extern const struct pgt_cmd_ops pgt_cmd_baseline_diff;
extern const struct pgt_cmd_ops pgt_cmd_config_apply;
extern const struct pgt_cmd_ops pgt_cmd_config_tune;
extern const struct pgt_cmd_ops pgt_cmd_config_rollback;
extern const struct pgt_cmd_ops pgt_cmd_change_list;
extern const struct pgt_cmd_ops pgt_cmd_change_history;
extern const struct pgt_cmd_ops pgt_cmd_change_show;
extern const struct pgt_cmd_ops pgt_cmd_change_confirm;
extern const struct pgt_cmd_ops pgt_cmd_change_rollback;
extern const struct pgt_cmd_ops pgt_cmd_recover;
extern const struct pgt_cmd_ops pgt_cmd_advise;
extern const struct pgt_cmd_ops pgt_cmd_optimize;
extern const struct pgt_cmd_ops pgt_cmd_rollout_plan;
extern const struct pgt_cmd_ops pgt_cmd_rollout_start;
extern const struct pgt_cmd_ops pgt_cmd_rollout_status;
extern const struct pgt_cmd_ops pgt_cmd_rollout_confirm;
extern const struct pgt_cmd_ops pgt_cmd_rollout_hold;
extern const struct pgt_cmd_ops pgt_cmd_rollout_rollback;
extern const struct pgt_cmd_ops pgt_cmd_options;

#endif
