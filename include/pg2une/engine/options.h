/* Every option of the program, with where its value came from.  Precedence:
 * flag, environment, configuration file ([cluster NAME] over [pg2une]), default.
 * The table in src/engine/options.c is the only list: --help, the man page, the
 * completions and `pg2une options` are made from it. */
#ifndef PG2UNE_ENGINE_OPTIONS_H
#define PG2UNE_ENGINE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/err.h"

struct pgt_connspec;
struct pgt_options;

enum pgt_origin { PGT_FROM_DEFAULT, PGT_FROM_FILE, PGT_FROM_ENV, PGT_FROM_FLAG };
enum pgt_opt_type {
	PGT_OPT_STR,
	PGT_OPT_BOOL,
	PGT_OPT_INT,
	PGT_OPT_DURATION,
	PGT_OPT_BYTES,
	PGT_OPT_NUM
};

struct pgt_option {
	const char *name;	/* "interval": --interval, interval = in the file */
	char letter;		/* 's' for -s, 0 none */
	enum pgt_opt_type type;
	const char *env;	/* "PG2UNE_INTERVAL" or NULL */
	const char *dflt;	/* as text, NULL unset */
	const char *min, *max;	/* as text, NULL unbounded */
	const char *arg;	/* name of the argument in help; NULL for a switch */
	const char *help;	/* one line */
	const char *group;	/* "Connection" "Screen" "Output" ... */
	bool secret;		/* never printed */
	bool file_only;		/* not a flag */
};
const struct pgt_option *pgt_options_table(size_t *ret_n);
/* The number that text says in the option's unit (ns, bytes); 0 for a string or a switch.
 */
int pgt_option_number(const struct pgt_option *o, const char *text, double *ret,
		      struct pgt_err *err) PGT_MUST_CHECK;
/* Whether text is of the option's type and between its bounds. */
int pgt_option_check(const struct pgt_option *o, const char *text,
		     struct pgt_err *err) PGT_MUST_CHECK;

/* Reads the environment and the file, then takes the flags it knows out of
 * argv (in place, *argc shrinks); what is left are operands and flags of a
 * subcommand.  Unknown flags are left when keep_unknown, else PGT_E_USAGE. */
int pgt_options_new(int *argc, char **argv, bool keep_unknown, struct pgt_options **ret,
		    struct pgt_err *err) PGT_MUST_CHECK;
void pgt_options_free(struct pgt_options *o);

/* NULL when unset; owned by o.  Asking for a name that the table lacks aborts. */
const char *pgt_options_str(const struct pgt_options *o, const char *name);
bool pgt_options_bool(const struct pgt_options *o, const char *name);
/* ns, bytes too */
int64_t pgt_options_int(const struct pgt_options *o, const char *name);
double pgt_options_num(const struct pgt_options *o, const char *name);
enum pgt_origin pgt_options_origin(const struct pgt_options *o, const char *name);
/* Set by the program itself (a positional database name); counts as a flag. */
int pgt_options_set(struct pgt_options *o, const char *name, const char *value,
		    struct pgt_err *err) PGT_MUST_CHECK;
/* Names of the [cluster NAME] sections; NULL past the end. */
const char *pgt_options_cluster_at(const struct pgt_options *o, size_t i);
/* "name = value   # origin", secrets as ***. */
void pgt_options_print(const struct pgt_options *o, struct pgt_buf *out);

/* From -h -p -U -d -W, --service and the operand; *ret is the caller's. */
int pgt_options_connspec(const struct pgt_options *o, struct pgt_connspec **ret,
			 struct pgt_err *err) PGT_MUST_CHECK;

#endif
