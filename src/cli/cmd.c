/* The one list of subcommands. */
#include <stdio.h>
#include <string.h>

#include "cli_priv.h"

const struct pgt_cmd_ops *const pgt_cmd_table[] = {
    &pgt_cmd_inspect,
    &pgt_cmd_doctor,
    &pgt_cmd_config_show,
    &pgt_cmd_config_diff,
    &pgt_cmd_query_top,
    &pgt_cmd_query_slow_log,
    &pgt_cmd_query_analyze,
    &pgt_cmd_query_index_suggest,
    &pgt_cmd_query_locks,
    &pgt_cmd_query_bloat,
    &pgt_cmd_query_vacuum_health,
    &pgt_cmd_alerts,
    &pgt_cmd_analysis,
    &pgt_cmd_baseline,
    &pgt_cmd_baseline_diff,
    &pgt_cmd_config_apply,
    &pgt_cmd_config_tune,
    &pgt_cmd_config_rollback,
    &pgt_cmd_change_list,
    &pgt_cmd_change_history,
    &pgt_cmd_change_show,
    &pgt_cmd_change_confirm,
    &pgt_cmd_change_rollback,
    &pgt_cmd_recover,
    &pgt_cmd_advise,
    &pgt_cmd_optimize,
    &pgt_cmd_rollout_plan,
    &pgt_cmd_rollout_start,
    &pgt_cmd_rollout_status,
    &pgt_cmd_rollout_confirm,
    &pgt_cmd_rollout_hold,
    &pgt_cmd_rollout_rollback,
    &pgt_cmd_options,
    NULL,
};

const struct pgt_cmd_ops *
pgt_cmd_find(int argc, char **argv, int *ret_words)
{
	const struct pgt_cmd_ops *found = NULL;
	size_t i, len;

	for (i = 0; argc > 1 && pgt_cmd_table[i]; i++) {
		const char *name = pgt_cmd_table[i]->name, *second;

		len = strcspn(name, " ");
		second = name[len] ? name + len + 1 : NULL;
		if (strlen(argv[1]) != len || memcmp(argv[1], name, len) != 0)
			continue;
		if (second && (argc < 3 || strcmp(argv[2], second) != 0))
			continue;
		if (found && !second) /* "baseline diff" goes before "baseline" */
			continue;
		found = pgt_cmd_table[i];
		*ret_words = second ? 2 : 1;
	}
	return found;
}

int
pgt_cmd_check_words(int argc, char **argv, struct pgt_err *err)
{
	char list[256] = "";
	size_t len, used = 0;

	for (size_t i = 0; argc > 1 && pgt_cmd_table[i]; i++) {
		const char *name = pgt_cmd_table[i]->name;

		len = strcspn(name, " ");
		if (!name[len] || strlen(argv[1]) != len ||
		    memcmp(argv[1], name, len) != 0)
			continue;
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
					 used ? ", " : "", name + len + 1);
		if (used >= sizeof(list))
			break;
	}
	if (!*list)
		return 0;
	return pgt_err_set(err, PGT_E_USAGE,
			   "%s wants one of: %s (for a database of that name: -d %s)",
			   argv[1], list, argv[1]);
}
