/* Reads argv and hands over: a subcommand to cli, everything else to the console. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/log.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/cli/batch.h"
#include "pg2une/cli/cmd.h"
#include "pg2une/engine/changing.h"
#include "pg2une/engine/engine.h"
#include "pg2une/engine/options.h"
#include "pg2une/engine/rollouts.h"
#include "pg2une/ui/console.h"

#define PGT_VERSION "0.1"

static int
run_console(int argc, char **argv, struct pgt_options *o, struct pgt_err *err)
{
	struct pgt_engine *e;
	int rc;

	if (pgt_cmd_check_words(argc, argv, err) < 0)
		return -1;
	if (argc > 1 && argv[1][0] == '-')
		return pgt_err_set(err, PGT_E_USAGE,
				   "unknown option %.80s (see pg2une --help)", argv[1]);
	if (argc > 2)
		return pgt_err_set(err, PGT_E_USAGE, "too many operands: \"%.80s\"",
				   argv[2]);
	if (argc == 2 && pgt_options_set(o, "dbname", argv[1], err) < 0)
		return -1;
	if (pgt_engine_new(o, &e, err) < 0)
		return -1;
	if (pgt_options_str(o, "batch"))
		rc = pgt_batch_run(e, o, err);
	else
		rc = pgt_console_run(e, o, err);
	pgt_engine_free(e);
	/* the console's own exit codes, 128 + signal among them, are no failures */
	return err->code == PGT_E_NONE ? rc : -1;
}

/* --generate is for packagers and not in --help. */
static const char *
generate_what(int argc, char **argv)
{
	return argc == 3 && strcmp(argv[1], "--generate") == 0 ? argv[2] : NULL;
}

/* The hidden subcommands of the guards of a change and of a rollout's traffic: before
 * options and locale, since it gets all it needs through its socket. */
static int
guard_fd(int argc, char **argv, const char *name)
{
	int64_t fd;

	if (argc != 4 || strcmp(argv[1], name) != 0 || strcmp(argv[2], "--fd") != 0 ||
	    !pgt_parse_i64(argv[3], &fd) || fd < 3 || fd > 1000)
		return -1;
	return (int)fd;
}

int
main(int argc, char **argv)
{
	char **written;
	const struct pgt_cmd_ops *ops;
	struct pgt_options *o = NULL;
	struct pgt_err err;
	const char *what;
	int n_written = argc, words = 0, rc;

	pgt_mem_setup();
	if (guard_fd(argc, argv, "guard") >= 0)
		return pgt_changing_guard(guard_fd(argc, argv, "guard"));
	if (guard_fd(argc, argv, "rollout-guard") >= 0)
		return pgt_rollout_guard(guard_fd(argc, argv, "rollout-guard"));
	setlocale(LC_CTYPE, "");
	written = pgt_xcalloc((size_t)argc + 1, sizeof(*written));
	memcpy(written, argv, (size_t)argc * sizeof(*written));
	pgt_err_clear(&err);
	what = generate_what(argc, argv);
	if (what) {
		rc = pgt_cli_generate(what, &err);
	} else if (pgt_options_new(&argc, argv, true, &o, &err) < 0 ||
		   (pgt_options_str(o, "log") &&
		    pgt_log_open(pgt_options_str(o, "log"), PGT_LOG_DEBUG, &err) < 0)) {
		rc = -1;
	} else if ((ops = pgt_cmd_find(argc, argv, &words))) {
		rc = pgt_cli_run(ops, words, argc, argv, o);
	} else if (pgt_options_bool(o, "help")) {
		pgt_cli_help(NULL);
		rc = 0;
	} else if (pgt_options_bool(o, "version")) {
		printf("pg2une %s\n", PGT_VERSION);
		rc = 0;
	} else {
		rc = run_console(argc, argv, o, &err);
	}
	if (rc < 0)
		rc = pgt_cli_fail(NULL, NULL, n_written, written, &err);
	pgt_options_free(o);
	pgt_log_close();
	free(written);
	return rc;
}
