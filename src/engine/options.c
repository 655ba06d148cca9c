#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ini.h>

#include "pg2une/base/file.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/options.h"
#include "pg2une/pg/conn.h"

#define CONN "Connection"
#define SCRN "Screen"
#define MEAS "Measuring"
#define OUTP "Output"
#define GENR "General"

#define STR(...)  {.type = PGT_OPT_STR, __VA_ARGS__}
#define BOOL(...) {.type = PGT_OPT_BOOL, .dflt = "off", __VA_ARGS__}
#define DUR(...)  {.type = PGT_OPT_DURATION, .arg = "DURATION", __VA_ARGS__}
#define INT(...)  {.type = PGT_OPT_INT, .arg = "N", __VA_ARGS__}

static const struct pgt_option table[] = {
    STR(.name = "host", .letter = 'h', .env = "PGHOST", .arg = "HOST", .group = CONN,
	.help = "server host or socket folder"),
    STR(.name = "port", .letter = 'p', .env = "PGPORT", .arg = "PORT", .group = CONN,
	.help = "server port"),
    STR(.name = "username", .letter = 'U', .env = "PGUSER", .arg = "USER", .group = CONN,
	.help = "database user"),
    STR(.name = "dbname", .letter = 'd', .env = "PGDATABASE", .arg = "DBNAME",
	.group = CONN, .help = "database, conninfo string or URI"),
    STR(.name = "service", .env = "PGSERVICE", .arg = "NAME", .group = CONN,
	.help = "entry of the connection service file"),
    BOOL(.name = "password", .letter = 'W', .group = CONN,
	 .help = "ask for a password before connecting"),
    STR(.name = "name", .env = "PG2UNE_NAME", .arg = "CLUSTER", .group = CONN,
	.help = "a [cluster CLUSTER] section of the configuration file"),
    BOOL(.name = "read-only", .env = "PG2UNE_READ_ONLY", .group = CONN,
	 .help = "refuse every change and every signal"),
    STR(.name = "environment", .arg = "NAME", .group = CONN, .file_only = true,
	.help = "production, staging, ...: shown, and asked for in changes"),
    STR(.name = "patroni", .env = "PG2UNE_PATRONI", .arg = "URL", .group = CONN,
	.help = "Patroni's REST API: settings that it manages are changed there; several "
		"members' with commas"),
    STR(.name = "patroni-user", .env = "PG2UNE_PATRONI_USER", .arg = "USER",
	.group = CONN, .help = "user of Patroni's REST API"),
    STR(.name = "patroni-password-file", .env = "PG2UNE_PATRONI_PASSWORD_FILE",
	.arg = "FILE", .group = CONN,
	.help = "its password, in a file that only you may read"),
    STR(.name = "ram", .arg = "SIZE", .group = CONN, .env = "PG2UNE_RAM",
	.help = "memory of the server, when it is not this machine"),
    INT(.name = "cpus", .group = CONN, .env = "PG2UNE_CPUS", .min = "1", .max = "4096",
	.help = "cores of the server, when it is not this machine"),
    STR(.name = "storage", .arg = "KIND", .group = CONN, .env = "PG2UNE_STORAGE",
	.help = "ssd, hdd or network, when it is not this machine"),
    STR(.name = "workload", .arg = "NAME", .group = CONN, .file_only = true,
	.help = "oltp, olap, mixed or another profile of the rules, for advice"),

    DUR(.name = "interval", .letter = 's', .env = "PG2UNE_INTERVAL", .dflt = "1s",
	.min = "200ms", .max = "60s", .group = MEAS, .help = "time between samples"),
    DUR(.name = "slow-interval", .dflt = "60s", .min = "5s", .max = "1h", .group = MEAS,
	.help = "time between samples of tables, indexes and settings"),
    DUR(.name = "window", .dflt = "10s", .min = "1s", .max = "10min", .group = MEAS,
	.help = "time that the query panel covers"),
    STR(.name = "store", .env = "PG2UNE_STORE", .arg = "WHERE", .group = MEAS,
	.help = "history: a file, a conninfo string, or none"),
    DUR(.name = "keep-1s", .dflt = "1h", .min = "10min", .max = "7d", .group = MEAS,
	.file_only = true, .help = "how long history keeps points of 1 s"),
    DUR(.name = "keep-10s", .dflt = "1d", .min = "1h", .max = "90d", .group = MEAS,
	.file_only = true, .help = "of 10 s, and statements by the minute"),
    DUR(.name = "keep-1min", .dflt = "30d", .min = "1d", .max = "3650d", .group = MEAS,
	.file_only = true, .help = "of a minute, and statements by ten minutes"),
    DUR(.name = "keep-records", .dflt = "365d", .min = "1d", .max = "3650d",
	.group = MEAS, .file_only = true,
	.help = "alerts, changes, runs, observations and settings"),
    STR(.name = "rules", .env = "PG2UNE_RULES", .arg = "FILE", .group = MEAS,
	.help = "decision rules in place of the built-in ones"),
    STR(.name = "advice-rules", .env = "PG2UNE_ADVICE_RULES", .arg = "FILE",
	.group = MEAS, .help = "thresholds and profiles of your own for advice"),
    STR(.name = "rollout", .arg = "FILE", .group = MEAS, .file_only = true,
	.help = "plan of this cluster's rollouts: router, canary, steps"),
    DUR(.name = "change-deadline", .dflt = "10min", .min = "10s", .max = "7d",
	.group = MEAS, .file_only = true,
	.help = "a console's change that is not confirmed for so long goes back"),
    DUR(.name = "change-settle", .dflt = "30s", .min = "0s", .max = "1h", .group = MEAS,
	.file_only = true, .help = "wait before a console's change is judged"),
    DUR(.name = "change-window", .dflt = "60s", .min = "2s", .max = "1h", .group = MEAS,
	.file_only = true,
	.help = "what is measured before and after a console's change"),
    STR(.name = "alert-command", .arg = "COMMAND", .group = MEAS, .file_only = true,
	.help = "runs on each new alert, with PG2UNE_ALERT_* set"),
    BOOL(.name = "bell", .group = SCRN, .help = "terminal bell on a new alert"),
    INT(.name = "false-alarms", .dflt = "1", .min = "1", .max = "1000", .group = MEAS,
	.help = "accepted false alarms a week, over all charts"),
    STR(.name = "detect-profile", .arg = "NAME", .dflt = "budget", .group = MEAS,
	.help = "budget (thresholds solved from false-alarms) or seed (fixed h and k)"),

    STR(.name = "theme", .env = "PG2UNE_THEME", .dflt = "dark", .arg = "NAME",
	.group = SCRN, .help = "colour theme"),
    BOOL(.name = "ascii", .env = "PG2UNE_ASCII", .group = SCRN,
	 .help = "no line drawing or block characters"),
    BOOL(.name = "no-color", .group = SCRN, .help = "no colours (as NO_COLOR)"),
    BOOL(.name = "no-mouse", .group = SCRN, .help = "leave the mouse to the terminal"),
    STR(.name = "screen", .dflt = "overview", .arg = "NAME", .group = SCRN,
	.help = "the screen to open with"),
    STR(.name = "script", .arg = "FILE", .group = SCRN, .help = "play keys from FILE"),

    INT(.name = "batch", .letter = 'b', .min = "1", .max = "1000000", .group = OUTP,
	.help = "print N samples instead of opening the screen"),
    STR(.name = "format", .dflt = "table", .arg = "FORMAT", .group = OUTP,
	.help = "table, json, csv or yaml"),
    STR(.name = "log", .env = "PG2UNE_LOG", .arg = "FILE", .group = GENR,
	.help = "write a log for post-mortems"),
    STR(.name = "config", .env = "PG2UNE_CONFIG", .arg = "FILE", .group = GENR,
	.help = "configuration file"),
    BOOL(.name = "verbose", .letter = 'v', .group = GENR, .help = "say more on stderr"),
    BOOL(.name = "help", .letter = '?', .group = GENR, .help = "show this help"),
    BOOL(.name = "version", .letter = 'V', .group = GENR, .help = "show the version"),
};

struct value {
	char *text;
	enum pgt_origin origin;
};

struct pgt_options {
	struct value value[PGT_LEN(table)];
	char **clusters;
	size_t n_clusters;
	bool cluster_found;
	struct pgt_err file_err; /* the first bad line */

};

const struct pgt_option *
pgt_options_table(size_t *ret_n)
{
	*ret_n = PGT_LEN(table);
	return table;
}

static ssize_t
find_name(const char *name, size_t len)
{
	for (size_t i = 0; i < PGT_LEN(table); i++)
		if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0)
			return (ssize_t)i;
	return -1;
}

static size_t
must_find(const char *name)
{
	ssize_t i = find_name(name, strlen(name));

	if (i < 0)
		abort(); /* a name that the source spells wrong */
	return (size_t)i;
}

static bool
parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = {"on", "true", "yes", "1", ""};
	static const char *const no[] = {"off", "false", "no", "0"};

	for (size_t i = 0; i < PGT_LEN(yes); i++)
		if (strcasecmp(s, yes[i]) == 0)
			return *ret = true, true;
	for (size_t i = 0; i < PGT_LEN(no); i++)
		if (strcasecmp(s, no[i]) == 0)
			return *ret = false, true;
	return false;
}

int
pgt_option_number(const struct pgt_option *o, const char *s, double *ret,
		  struct pgt_err *err)
{
	int64_t n = 0;
	uint64_t u = 0;

	switch (o->type) {
	case PGT_OPT_DURATION:
		if (pgt_parse_duration(s, &n, err) < 0)
			return -1;
		*ret = (double)n;
		return 0;
	case PGT_OPT_BYTES:
		if (pgt_parse_bytes(s, &u, err) < 0)
			return -1;
		*ret = (double)u;
		return 0;
	case PGT_OPT_INT:
		if (!pgt_parse_i64(s, &n))
			return pgt_err_set(err, PGT_E_USAGE,
					   "\"%.60s\" is not a whole number", s);
		*ret = (double)n;
		return 0;
	case PGT_OPT_NUM:
		if (!pgt_parse_double(s, ret))
			return pgt_err_set(err, PGT_E_USAGE, "\"%.60s\" is not a number",
					   s);
		return 0;
	case PGT_OPT_STR:
	case PGT_OPT_BOOL:
		break;
	}
	return 0;
}

int
pgt_option_check(const struct pgt_option *o, const char *s, struct pgt_err *err)
{
	double v = 0, bound = 0;
	bool b;

	if (o->type == PGT_OPT_BOOL && !parse_bool(s, &b)) {
		pgt_err_set(err, PGT_E_USAGE, "\"%.60s\" is neither on nor off", s);
		goto fail;
	}
	if (pgt_option_number(o, s, &v, err) < 0)
		goto fail;
	if (o->min && pgt_option_number(o, o->min, &bound, NULL) == 0 && v < bound) {
		pgt_err_set(err, PGT_E_USAGE, "%.60s is below the least, %s", s, o->min);
		goto fail;
	}
	if (o->max && pgt_option_number(o, o->max, &bound, NULL) == 0 && v > bound) {
		pgt_err_set(err, PGT_E_USAGE, "%.60s is above the most, %s", s, o->max);
		goto fail;
	}
	return 0;

fail:
	if (err)
		err->code = PGT_E_USAGE;
	pgt_err_prefix(err, "%s%s", o->file_only ? "" : "--", o->name);
	return -1;
}

static int
put(struct pgt_options *o, size_t i, const char *text, enum pgt_origin origin,
    struct pgt_err *err)
{
	if (pgt_option_check(&table[i], text, err) < 0)
		return -1;
	if (o->value[i].text && o->value[i].origin > origin)
		return 0;
	free(o->value[i].text);
	o->value[i].text = pgt_xstrdup(text);
	o->value[i].origin = origin;
	return 0;
}

/* ---- the file ---- */

static void
note_cluster(struct pgt_options *o, const char *name)
{
	for (size_t i = 0; i < o->n_clusters; i++)
		if (strcmp(o->clusters[i], name) == 0)
			return;
	o->clusters = pgt_xreallocarray(o->clusters, o->n_clusters + 1, sizeof(char *));
	o->clusters[o->n_clusters++] = pgt_safetext(name, PGT_SAFE_LINE, 200);
}

static int
on_ini(void *user, const char *section, const char *name, const char *value)
{
	struct pgt_options *o = user;
	const char *chosen = pgt_options_str(o, "name");
	enum pgt_origin origin = PGT_FROM_FILE;
	struct pgt_err err = {0};
	ssize_t i;

	if (strncmp(section, "cluster ", 8) == 0) {
		note_cluster(o, section + 8);
		if (!chosen || strcmp(chosen, section + 8) != 0)
			return 1;
		o->cluster_found = true;
		/* Who names a cluster means that one: a stray PGHOST must not send
		 * the session elsewhere, so its section counts as the flag did. */
		origin = o->value[must_find("name")].origin;
	} else if (strcmp(section, "pg2une") != 0 && *section) {
		return 1; /* other sections belong to others */
	}
	i = find_name(name, strlen(name));
	if (i < 0)
		pgt_err_set(&err, PGT_E_USAGE, "unknown setting \"%s\"", name);
	else if (put(o, (size_t)i, value, origin, &err) == 0)
		return 1;
	if (o->file_err.code == PGT_E_NONE)
		o->file_err = err;
	return 1;
}

static int
read_file(struct pgt_options *o, struct pgt_err *err)
{
	const char *named = pgt_options_str(o, "config");
	char *dir = pgt_file_config_dir();
	char *path = named ? pgt_xstrdup(named) : pgt_xasprintf("%s/pg2une.conf", dir);
	int rc = -1, line;

	if (!named && access(path, F_OK) != 0) {
		free(path);
		path = pgt_xstrdup("/etc/pg2une/pg2une.conf");
	}
	if (!named && access(path, F_OK) != 0) {
		rc = 0;
		goto out;
	}
	line = ini_parse(path, on_ini, o);
	if (line < 0) {
		pgt_err_set(err, PGT_E_USAGE, "%s: cannot be read", path);
		goto out;
	}
	if (line > 0) {
		pgt_err_set(err, PGT_E_USAGE, "%s:%d: not \"name = value\"", path, line);
		goto out;
	}
	if (o->file_err.code != PGT_E_NONE) {
		if (err)
			*err = o->file_err;
		pgt_err_prefix(err, "%s", path);
		goto out;
	}
	rc = 0;
out:
	free(path);
	free(dir);
	return rc;
}

/* ---- the command line ---- */

static ssize_t
find_letter(char c)
{
	for (size_t i = 0; i < PGT_LEN(table); i++)
		if (table[i].letter == c)
			return (ssize_t)i;
	return -1;
}

/* One argument: how many words it took (0: not ours), or -1. */
static int
take_flag(struct pgt_options *o, int argc, char **argv, int at, struct pgt_err *err)
{
	const char *arg = argv[at], *value = NULL;
	ssize_t i;
	int words = 1;

	if (arg[0] != '-' || !arg[1])
		return 0;
	if (arg[1] == '-') {
		size_t len = strcspn(arg + 2, "=");

		i = find_name(arg + 2, len);
		if (arg[2 + len] == '=')
			value = arg + 3 + len;
	} else {
		i = find_letter(arg[1]);
		if (i >= 0 && arg[2]) {
			if (!table[i].arg)
				return pgt_err_set(err, PGT_E_USAGE,
						   "%s: write switches one by one", arg);
			value = arg + 2;
		}
	}
	if (i < 0 || table[i].file_only)
		return 0;
	if (table[i].arg && !value) {
		if (at + 1 >= argc)
			return pgt_err_set(err, PGT_E_USAGE, "%s needs %s%s", arg,
					   table[i].arg,
					   strcmp(arg, "-h") == 0 ? " (help is --help)"
								  : "");
		value = argv[at + 1];
		words = 2;
	}
	return put(o, (size_t)i, value ? value : "on", PGT_FROM_FLAG, err) < 0 ? -1
									       : words;
}

static int
read_flags(struct pgt_options *o, int *argc, char **argv, bool keep_unknown,
	   struct pgt_err *err)
{
	int kept = 1, at = 1, n;

	while (at < *argc) {
		if (strcmp(argv[at], "--") == 0) {
			while (at < *argc)
				argv[kept++] = argv[at++];
			break;
		}
		n = take_flag(o, *argc, argv, at, err);
		if (n < 0)
			return -1;
		if (n == 0 && argv[at][0] == '-' && argv[at][1] && !keep_unknown)
			return pgt_err_set(err, PGT_E_USAGE,
					   "unknown option %s (see pg2une --help)",
					   argv[at]);
		if (n == 0)
			argv[kept++] = argv[at++];
		at += n;
	}
	argv[kept] = NULL;
	*argc = kept;
	return 0;
}

static int
read_env(struct pgt_options *o, struct pgt_err *err)
{
	for (size_t i = 0; i < PGT_LEN(table); i++) {
		const char *v = table[i].env ? getenv(table[i].env) : NULL;

		if (v && *v && put(o, i, v, PGT_FROM_ENV, err) < 0) {
			pgt_err_prefix(err, "%s", table[i].env);
			return -1;
		}
	}
	return 0;
}

int
pgt_options_new(int *argc, char **argv, bool keep_unknown, struct pgt_options **ret,
		struct pgt_err *err)
{
	struct pgt_options *o = pgt_xcalloc(1, sizeof(*o));
	const char *name;

	for (size_t i = 0; i < PGT_LEN(table); i++)
		if (table[i].dflt)
			o->value[i].text = pgt_xstrdup(table[i].dflt);
	if (read_flags(o, argc, argv, keep_unknown, err) < 0 || read_env(o, err) < 0 ||
	    read_file(o, err) < 0)
		goto fail;
	name = pgt_options_str(o, "name");
	if (name && !o->cluster_found) {
		pgt_err_set(err, PGT_E_USAGE,
			    "--name: no [cluster %s] in the configuration file", name);
		goto fail;
	}
	*ret = o;
	return 0;

fail:
	pgt_options_free(o);
	return -1;
}

void
pgt_options_free(struct pgt_options *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < PGT_LEN(table); i++)
		free(o->value[i].text);
	for (size_t i = 0; i < o->n_clusters; i++)
		free(o->clusters[i]);
	free(o->clusters);
	free(o);
}

/* ---- reading ---- */

const char *
pgt_options_str(const struct pgt_options *o, const char *name)
{
	return o->value[must_find(name)].text;
}

bool
pgt_options_bool(const struct pgt_options *o, const char *name)
{
	const char *s = pgt_options_str(o, name);
	bool b = false;

	if (s && !parse_bool(s, &b))
		b = false;
	return b;
}

double
pgt_options_num(const struct pgt_options *o, const char *name)
{
	size_t i = must_find(name);
	double v = 0;

	if (o->value[i].text &&
	    pgt_option_number(&table[i], o->value[i].text, &v, NULL) < 0)
		v = 0;
	return v;
}

int64_t
pgt_options_int(const struct pgt_options *o, const char *name)
{
	return (int64_t)pgt_options_num(o, name);
}

enum pgt_origin
pgt_options_origin(const struct pgt_options *o, const char *name)
{
	return o->value[must_find(name)].origin;
}

int
pgt_options_set(struct pgt_options *o, const char *name, const char *value,
		struct pgt_err *err)
{
	return put(o, must_find(name), value, PGT_FROM_FLAG, err);
}

const char *
pgt_options_cluster_at(const struct pgt_options *o, size_t i)
{
	return i < o->n_clusters ? o->clusters[i] : NULL;
}

void
pgt_options_print(const struct pgt_options *o, struct pgt_buf *out)
{
	static const char *const origins[] = {"default", "file", "environment", "flag"};

	for (size_t i = 0; i < PGT_LEN(table); i++) {
		const char *v = o->value[i].text;
		char *shown = v ? pgt_safetext_redact(v) : NULL;
		char *safe = pgt_safetext(shown, PGT_SAFE_LINE, 200);

		pgt_buf_printf(out, "%-16s = %-24s # %s\n", table[i].name,
			       !v ? "" : table[i].secret ? "***" : safe,
			       v ? origins[o->value[i].origin] : "unset");
		free(safe);
		free(shown);
	}
}

/* A connection word that the environment gave is left to libpq, which ranks it
 * below a URI as psql does. */
static const char *
explicit_word(const struct pgt_options *o, const char *name)
{
	enum pgt_origin from = pgt_options_origin(o, name);

	return from == PGT_FROM_ENV ? NULL : pgt_options_str(o, name);
}

int
pgt_options_connspec(const struct pgt_options *o, struct pgt_connspec **ret,
		     struct pgt_err *err)
{
	struct pgt_connargs args = {
	    .dbname = explicit_word(o, "dbname"),
	    .host = explicit_word(o, "host"),
	    .port = explicit_word(o, "port"),
	    .user = explicit_word(o, "username"),
	    .service = explicit_word(o, "service"),
	    .read_only = pgt_options_bool(o, "read-only"),
	};

	return pgt_connspec_new(&args, ret, err);
}
