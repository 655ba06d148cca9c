#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_priv.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/cli/output.h"

/* The format as it was written, for failures before the options are read. */
static const char *
written_format(int argc, char **argv)
{
	const char *format = NULL;
	int i;

	for (i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--format=", 9) == 0)
			format = argv[i] + 9;
		else if (strcmp(argv[i], "--format") == 0 && i + 1 < argc)
			format = argv[i + 1];
	}
	return format;
}

int
pgt_cli_fail(const char *command, const char *format, int argc, char **argv,
	     const struct pgt_err *err)
{
	enum pgt_format f = PGT_FORMAT_TABLE;
	struct pgt_buf out;

	if (!format)
		format = written_format(argc, argv);
	if (format && pgt_output_format(format, &f, NULL) < 0)
		f = PGT_FORMAT_TABLE;
	pgt_buf_init(&out, 64 * 1024);
	pgt_output_failure(f, command, err, &out);
	fflush(stdout);
	fputs(pgt_buf_str(&out), stderr);
	pgt_buf_done(&out);
	return err->code == PGT_E_USAGE ? 2 : 1;
}

int
pgt_cli_run(const struct pgt_cmd_ops *ops, int words, int argc, char **argv,
	    struct pgt_options *o)
{
	struct pgt_cmd c = {.ops = ops, .options = o};
	const char *format = pgt_options_str(o, "format");
	enum pgt_format f = PGT_FORMAT_TABLE;
	struct pgt_err err;
	int rc = 0;

	pgt_err_clear(&err);
	if (pgt_options_bool(o, "help")) {
		pgt_cli_help(ops);
		return 0;
	}
	/* all words are checked before anybody connects */
	if (pgt_output_format(format, &f, &err) < 0 ||
	    pgt_cmd_parse(&c, argc - 1 - words, argv + 1 + words, &err) < 0 ||
	    ops->run(&c, &err) < 0)
		rc = -1;
	else if (!c.silent)
		rc = pgt_output_answer(f, ops->name, c.data, c.views, &err);
	if (rc < 0)
		rc = pgt_cli_fail(ops->name, format, argc, argv, &err);
	cJSON_Delete(c.data);
	free(c.values);
	return rc;
}
