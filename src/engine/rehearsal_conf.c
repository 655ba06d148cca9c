/* The settings that a copy of a server must have and those that it must not. */
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "rehearsal_priv.h"

#define CONF_MAX 262144

/* Where things are, who may come, what others are told: not the copy's. */
static const char *const never[] = {
    "archive_",	       "restore_command",   "recovery_",	"primary_",
    "standby_",	       "promote_trigger_",  "synchronous_standby_names",
    "ssl",	       "krb_",		    "log_",		"logging_",
    "syslog_",	       "event_source",	    "listen_addresses", "port",
    "unix_socket_",    "bonjour",	    "cluster_name",	"data_directory",
    "config_file",     "hba_file",	    "ident_file",	"external_pid_file",
    "stats_temp_",     "cron.",		    "huge_pages",	"authentication_",
    "db_user_namespace", "transaction_",    "max_wal_senders",	"wal_receiver_",
    "summarize_wal",   "sync_replication_slots", "synchronized_standby_slots",
};

static bool
wanted(const struct pgt_setting *s)
{
	static const char *const sources[] = {"configuration file", "command line",
					      "environment variable"};
	bool set = false;

	if (!s->name || !s->value || !s->source || !s->context ||
	    strcmp(s->context, "internal") == 0)
		return false;
	for (size_t i = 0; i < PGT_LEN(sources); i++)
		set |= strcmp(s->source, sources[i]) == 0;
	for (size_t i = 0; set && i < PGT_LEN(never); i++)
		if (pgt_str_starts(s->name, never[i]))
			return false;
	return set;
}

static void
put(struct pgt_buf *b, const char *name, const char *value)
{
	pgt_buf_printf(b, "%s = '", name);
	for (const char *s = value; *s; s++) {
		if (*s == '\'' || *s == '\\')
			pgt_buf_putc(b, *s);
		pgt_buf_putc(b, *s == '\n' ? ' ' : *s);
	}
	pgt_buf_puts(b, "'\n");
}

char *
pgt_rehearsal_conf(const struct pgt_snapshot *at, const char *socket_dir,
		   const char *trial_file)
{
	struct pgt_buf b;

	pgt_buf_init(&b, CONF_MAX);
	for (size_t i = 0; i < at->n_settings; i++)
		if (wanted(&at->settings[i]))
			put(&b, at->settings[i].name, at->settings[i].value);
	put(&b, "listen_addresses", "");
	put(&b, "port", "5432");
	put(&b, "unix_socket_directories", socket_dir);
	put(&b, "unix_socket_permissions", "0700");
	put(&b, "archive_mode", "off");
	put(&b, "max_wal_senders", "0");
	put(&b, "cluster_name", "pg2une rehearsal");
	put(&b, "logging_collector", "off");
	pgt_buf_puts(&b, "include ");
	pgt_buf_printf(&b, "'%s'\n", trial_file);
	return pgt_buf_take(&b);
}
