/* A command's own options and operands. */
#include <stdlib.h>
#include <string.h>

#include "cli_priv.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"

static size_t
count_opts(const struct pgt_option *opts)
{
	size_t n = 0;

	while (opts && opts[n].name)
		n++;
	return n;
}

static const struct pgt_option *
find_opt(const struct pgt_option *opts, const char *arg, size_t *ret_at)
{
	size_t i, n = count_opts(opts), len;

	if (arg[0] != '-' || !arg[1])
		return NULL;
	for (i = 0; i < n; i++) {
		*ret_at = i;
		if (arg[1] != '-' && opts[i].letter == arg[1] && !arg[2])
			return &opts[i];
		if (arg[1] != '-')
			continue;
		len = strcspn(arg + 2, "=");
		if (strlen(opts[i].name) == len &&
		    memcmp(arg + 2, opts[i].name, len) == 0)
			return &opts[i];
	}
	return NULL;
}

/* Take the option at argv[*at] with its value. */
static int
take(struct pgt_cmd *c, int argc, char **argv, int *at, struct pgt_err *err)
{
	const char *arg = argv[*at], *value;
	const struct pgt_option *o;
	size_t i = 0;

	o = find_opt(c->ops->opts, arg, &i);
	if (!o)
		return pgt_err_set(err, PGT_E_USAGE,
				   "unknown option %.80s (see pg2une %s --help)", arg,
				   c->ops->name);
	value = strncmp(arg, "--", 2) == 0 ? strchr(arg, '=') : NULL;
	if (!o->arg) {
		if (value)
			return pgt_err_set(err, PGT_E_USAGE, "--%s takes no value",
					   o->name);
		c->values[i] = "on";
		return 0;
	}
	if (value)
		value++;
	else if (*at + 1 >= argc)
		return pgt_err_set(err, PGT_E_USAGE, "--%s needs %s", o->name, o->arg);
	else
		value = argv[++*at];
	if (pgt_option_check(o, value, err) < 0)
		return -1;
	c->values[i] = value;
	return 0;
}

/* An option of the program's that has the same name has taken the word before us. */
static int
take_shared(struct pgt_cmd *c, struct pgt_err *err)
{
	const struct pgt_option *all, *own = c->ops->opts;
	size_t i, j, n, n_own = count_opts(own);

	all = pgt_options_table(&n);
	for (i = 0; i < n_own; i++)
		for (j = 0; j < n; j++) {
			if (strcmp(own[i].name, all[j].name) != 0 ||
			    pgt_options_origin(c->options, all[j].name) != PGT_FROM_FLAG)
				continue;
			c->values[i] = pgt_options_str(c->options, all[j].name);
			if (own[i].arg &&
			    pgt_option_check(&own[i], c->values[i], err) < 0)
				return -1;
		}
	return 0;
}

int
pgt_cmd_parse(struct pgt_cmd *c, int argc, char **argv, struct pgt_err *err)
{
	size_t i, n = count_opts(c->ops->opts);
	int at, kept = 0;
	bool operands_only = false;

	c->values = pgt_xcalloc(n + 1, sizeof(*c->values));
	for (i = 0; i < n; i++)
		c->values[i] = c->ops->opts[i].dflt;
	if (take_shared(c, err) < 0)
		return -1;
	for (at = 0; at < argc; at++) {
		if (!operands_only && strcmp(argv[at], "--") == 0) {
			operands_only = true;
		} else if (!operands_only && argv[at][0] == '-' && argv[at][1]) {
			if (take(c, argc, argv, &at, err) < 0)
				return -1;
		} else {
			argv[kept++] = argv[at];
		}
	}
	c->argc = kept;
	c->argv = argv;
	if (c->ops->operands)
		return 0;
	if (kept > 1)
		return pgt_err_set(err, PGT_E_USAGE, "too many operands: \"%.80s\"",
				   argv[1]);
	if (kept == 1)
		return pgt_options_set(c->options, "dbname", argv[0], err);
	return 0;
}

static size_t
must_find(const struct pgt_cmd *c, const char *name)
{
	size_t i, n = count_opts(c->ops->opts);

	for (i = 0; i < n; i++)
		if (strcmp(c->ops->opts[i].name, name) == 0)
			return i;
	abort(); /* a name that the source spells wrong */
}

const char *
pgt_cmd_str(const struct pgt_cmd *c, const char *name)
{
	return c->values[must_find(c, name)];
}

bool
pgt_cmd_bool(const struct pgt_cmd *c, const char *name)
{
	return pgt_cmd_str(c, name) != NULL;
}

int64_t
pgt_cmd_int(const struct pgt_cmd *c, const char *name)
{
	size_t i = must_find(c, name);
	double v = 0;

	if (!c->values[i] ||
	    pgt_option_number(&c->ops->opts[i], c->values[i], &v, NULL) < 0)
		return 0;
	return (int64_t)v;
}

int64_t
pgt_cmd_interval_ns(const struct pgt_cmd *c, int64_t dflt_ns)
{
	return pgt_options_origin(c->options, "interval") == PGT_FROM_FLAG
		   ? pgt_options_int(c->options, "interval")
		   : dflt_ns;
}
