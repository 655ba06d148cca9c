#include <stdlib.h>

#include "cli_priv.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/cli/output.h"

static int
run_options(struct pgt_cmd *c, struct pgt_err *err)
{
	static const char *const origins[] = {"default", "file", "environment", "flag"};
	static const struct pgt_column columns[] = {
	    {"name", "option", PGT_CELL_TEXT},
	    {"value", "value", PGT_CELL_TEXT},
	    {"origin", "origin", PGT_CELL_TEXT},
	    {0},
	};
	static const struct pgt_view views[] = {{"options", "Options", columns, NULL, 0},
						{0}};
	const struct pgt_option *table;
	cJSON *list;
	size_t i, n;

	(void)err;
	table = pgt_options_table(&n);
	c->data = cJSON_CreateObject();
	list = pgt_json_arr(c->data, "options");
	for (i = 0; i < n; i++) {
		cJSON *row = pgt_json_obj(list, NULL);
		const char *value = pgt_options_str(c->options, table[i].name);
		char *redacted = value ? pgt_safetext_redact(value) : NULL;
		char *safe = pgt_safetext(redacted, PGT_SAFE_LINE, 1000);

		pgt_json_str(row, "name", table[i].name);
		pgt_json_str(row, "value", table[i].secret && value ? "***" : safe);
		pgt_json_str(row, "origin",
			     value
				 ? origins[pgt_options_origin(c->options, table[i].name)]
				 : NULL);
		free(safe);
		free(redacted);
	}
	c->views = views;
	return 0;
}

const struct pgt_cmd_ops pgt_cmd_options = {
    .name = "options",
    .group = "Program",
    .summary = "print every option, its value and where it came from",
    .examples = "options --name shop\noptions --format json",
    .run = run_options,
};
