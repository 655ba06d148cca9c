/* Subcommands as data.  A command is one const struct pgt_cmd_ops in a file of
 * its own family (src/cli/cmd_*.c) and one line in src/cli/cmd.c; --help, the
 * man page and the completions are made from it.  Main thread only. */
#ifndef PG2UNE_CLI_CMD_H
#define PG2UNE_CLI_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"
#include "pg2une/engine/options.h"

struct pgt_view;
struct pgt_session;

/* One invocation. */
struct pgt_cmd {
	const struct pgt_cmd_ops *ops;
	struct pgt_options *options; /* the program's: connection, format */
	int argc;                    /* what is left: operands only */
	char **argv;
	const char **values; /* of ops->opts, in order; NULL unset */
	/* What run() answers.  data becomes the envelope's; views tell how to
	 * show it as tables (cli/output.h). */
	cJSON *data;
	const struct pgt_view *views;
	bool silent; /* run() has printed by itself */
};

struct pgt_cmd_ops {
	const char *name; /* "inspect", "query top" */
	const char *group;
	const char *summary;
	const char *operands; /* NULL: [DBNAME], taken care of; else for --help */
	const char *details;  /* a paragraph, may be NULL */
	const char *examples; /* lines, each without "pg2une " */
	const struct pgt_option *opts; /* ended by an empty name; may be NULL */
	/* 0, or -1 with err: PGT_E_USAGE exits 2, all else 1 */
	int (*run)(struct pgt_cmd *c, struct pgt_err *err);
};

extern const struct pgt_cmd_ops *const pgt_cmd_table[]; /* ended by NULL */

/* The command that argv[1] (and [2]) names, NULL when none; *ret_words is how
 * many words it took. */
const struct pgt_cmd_ops *pgt_cmd_find(int argc, char **argv, int *ret_words);
/* For words that are no command: PGT_E_USAGE when the first begins some ("config"). */
int pgt_cmd_check_words(int argc, char **argv, struct pgt_err *err) PGT_MUST_CHECK;

/* Values of the command's own options, checked beforehand. */
const char *pgt_cmd_str(const struct pgt_cmd *c, const char *name); /* NULL unset */
bool pgt_cmd_bool(const struct pgt_cmd *c, const char *name);
/* ns, bytes too; 0 unset */
int64_t pgt_cmd_int(const struct pgt_cmd *c, const char *name);
/* --interval when it was written as a flag, else dflt: the console's own
 * interval in a file or the environment means something else. */
int64_t pgt_cmd_interval_ns(const struct pgt_cmd *c, int64_t dflt_ns);

/* Connect as the options say; asks for a password on the terminal (no echo)
 * when -W was given or the server wants one.  The caller closes *ret. */
int pgt_cmd_connect(struct pgt_cmd *c, struct pgt_session **ret,
		    struct pgt_err *err) PGT_MUST_CHECK;

/* Run the command that argv names (find first).  argv has lost the program's
 * options; the exit code is returned: 0, 1 or 2. */
int pgt_cli_run(const struct pgt_cmd_ops *ops, int words, int argc, char **argv,
		struct pgt_options *o);
/* Say err on stderr, as text or (format json or yaml) as an envelope; returns
 * the exit code.  format may be NULL: taken from argv as it was written. */
int pgt_cli_fail(const char *command, const char *format, int argc, char **argv,
		 const struct pgt_err *err);
/* The whole program's help, or one command's. */
void pgt_cli_help(const struct pgt_cmd_ops *ops);
/* what: "man", "bash" or "zsh". */
int pgt_cli_generate(const char *what, struct pgt_err *err);

#endif
