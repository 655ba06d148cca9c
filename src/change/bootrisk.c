/* ALTER SYSTEM takes values with which the server will not start, or with which
 * nobody can connect to take them back (reference/safety.md fact 4). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/change/preflight.h"
#include "pg2une/pg/unit.h"

struct rule {
	const char *name;
	enum pgt_ruling (*judge)(const char *name, const char *value,
				 const struct pgt_boot_facts *f, char *why, size_t size);
};

static bool
list_has(const char *list, const char *name)
{
	char **names = NULL;
	size_t n = 0, i;
	bool found = false;

	if (list && pgt_listval_split(list, false, &names, &n, NULL) == 0)
		for (i = 0; i < n; i++)
			found = found || strcmp(names[i], name) == 0;
	pgt_sql_list_free(names, n);
	return found;
}

/* A library that cannot be loaded stops the server, or every new session. */
static enum pgt_ruling
libraries(const char *name, const char *value, const struct pgt_boot_facts *f, char *why,
	  size_t size)
{
	enum pgt_ruling sev = PGT_RULE_OK;
	char **names = NULL;
	size_t n = 0, i;

	if (pgt_listval_split(value, false, &names, &n, NULL) < 0 || n == 0) {
		snprintf(why, size,
			 "%s: an empty or malformed list keeps the server from starting; "
			 "use RESET",
			 name);
		return PGT_RULE_REFUSE;
	}
	for (i = 0; i < n; i++) {
		if (list_has(f->loaded_libraries, names[i]) ||
		    list_has(f->known_libraries, names[i]))
			continue;
		snprintf(why, size,
			 "%s: \"%.80s\" is not loaded now and not named as known to be "
			 "installed; if it "
			 "cannot be loaded, nothing starts any more",
			 name, names[i]);
		sev = PGT_RULE_REFUSE;
	}
	pgt_sql_list_free(names, n);
	return sev;
}

static enum pgt_ruling
connections(const char *name, const char *value, const struct pgt_boot_facts *f,
	    char *why, size_t size)
{
	int max = f->max_connections, super = f->superuser_reserved, res = f->reserved;
	int64_t n;

	if (!pgt_parse_i64(value, &n))
		return PGT_RULE_OK; /* the type's check says so */
	if (strcasecmp(name, "max_connections") == 0)
		max = (int)n;
	else if (strcasecmp(name, "reserved_connections") == 0)
		res = (int)n;
	else
		super = (int)n;
	if (max > super + res)
		return PGT_RULE_OK;
	snprintf(
	    why, size,
	    "superuser_reserved_connections (%d) plus reserved_connections (%d) must be "
	    "less than max_connections (%d), or the server does not start",
	    super, res, max);
	return PGT_RULE_REFUSE;
}

static enum pgt_ruling
shared_buffers(const char *name, const char *value, const struct pgt_boot_facts *f,
	       char *why, size_t size)
{
	double bytes;

	if (pgt_unit_parse(value, "8kB", &bytes, NULL) < 0)
		return PGT_RULE_OK;
	if (f->ram_bytes > 0 && bytes > 0.6 * f->ram_bytes) {
		snprintf(
		    why, size,
		    "%s: %.1f GB is more than 60 %% of the host's %.1f GB; beyond what "
		    "can be mapped the server does not start",
		    name, bytes / 1e9, f->ram_bytes / 1e9);
		return PGT_RULE_REFUSE;
	}
	if (f->ram_bytes <= 0 && f->shared_buffers_bytes > 0 &&
	    bytes > 4 * f->shared_buffers_bytes) {
		snprintf(
		    why, size,
		    "%s: the host's memory is not known (--ram tells it), so no more "
		    "than four times the present value",
		    name);
		return PGT_RULE_REFUSE;
	}
	return PGT_RULE_OK;
}

static enum pgt_ruling
huge_pages(const char *name, const char *value, const struct pgt_boot_facts *f, char *why,
	   size_t size)
{
	if (strcasecmp(value, "on") != 0 ||
	    (f->huge_pages && strcasecmp(f->huge_pages, "on") == 0))
		return PGT_RULE_OK;
	snprintf(why, size,
		 "%s = on: without enough huge pages the server does not start; use try",
		 name);
	return PGT_RULE_REFUSE;
}

static enum pgt_ruling
wal_level(const char *name, const char *value, const struct pgt_boot_facts *f, char *why,
	  size_t size)
{
	bool archives = f->archive_mode && strcasecmp(f->archive_mode, "off") != 0;

	if (strcasecmp(value, "minimal") != 0 || (f->max_wal_senders == 0 && !archives))
		return PGT_RULE_OK;
	snprintf(why, size,
		 "%s = minimal with max_wal_senders = %d and archive_mode = %s: the "
		 "server does "
		 "not start",
		 name, f->max_wal_senders, archives ? "on" : "off");
	return PGT_RULE_REFUSE;
}

static enum pgt_ruling
archive_mode(const char *name, const char *value, const struct pgt_boot_facts *f,
	     char *why, size_t size)
{
	if (strcasecmp(value, "off") == 0 || !f->wal_level ||
	    strcasecmp(f->wal_level, "minimal") != 0)
		return PGT_RULE_OK;
	snprintf(why, size,
		 "%s needs wal_level replica or more, or the server does not start",
		 name);
	return PGT_RULE_REFUSE;
}

static enum pgt_ruling
wal_senders(const char *name, const char *value, const struct pgt_boot_facts *f,
	    char *why, size_t size)
{
	if (strcmp(value, "0") == 0 || !f->wal_level ||
	    strcasecmp(f->wal_level, "minimal") != 0)
		return PGT_RULE_OK;
	snprintf(
	    why, size,
	    "%s above 0 needs wal_level replica or more, or the server does not start",
	    name);
	return PGT_RULE_REFUSE;
}

/* How the server is reached and found: a slip here locks us out with everybody. */
static enum pgt_ruling
reach(const char *name, const char *value, const struct pgt_boot_facts *f, char *why,
      size_t size)
{
	(void)value;
	(void)f;
	snprintf(
	    why, size,
	    "%s decides how the server starts or is reached: a slip cannot be taken back "
	    "from here; change it by hand on the host",
	    name);
	return PGT_RULE_REFUSE;
}

static enum pgt_ruling
durability(const char *name, const char *value, const struct pgt_boot_facts *f, char *why,
	   size_t size)
{
	static const char *const safe_on[] = {"fsync", "full_page_writes",
					      "data_sync_retry"};
	bool off = strcasecmp(value, "off") == 0 || strcasecmp(value, "false") == 0 ||
		   strcasecmp(value, "no") == 0 || strcmp(value, "0") == 0;
	bool protects = strcasecmp(name, safe_on[0]) == 0 ||
			strcasecmp(name, safe_on[1]) == 0;

	(void)f;
	if (protects ? !off : off)
		return PGT_RULE_OK;
	snprintf(why, size, "%s = %.20s can lose or hide the loss of data", name, value);
	return PGT_RULE_REFUSE;
}

static enum pgt_ruling
warn_commits(const char *name, const char *value, const struct pgt_boot_facts *f,
	     char *why, size_t size)
{
	(void)f;
	if (!*value)
		return PGT_RULE_OK;
	snprintf(why, size,
		 "%s: if no standby of that name is connected, every commit waits", name);
	return PGT_RULE_WARN;
}

static enum pgt_ruling
warn_async(const char *name, const char *value, const struct pgt_boot_facts *f, char *why,
	   size_t size)
{
	(void)f;
	if (strcasecmp(value, "off") != 0)
		return PGT_RULE_OK;
	snprintf(
	    why, size,
	    "%s = off: a crash loses the last transactions that clients were told are "
	    "committed (up to three times wal_writer_delay)",
	    name);
	return PGT_RULE_WARN;
}

static enum pgt_ruling
warn_read_only(const char *name, const char *value, const struct pgt_boot_facts *f,
	       char *why, size_t size)
{
	(void)f;
	if (strcasecmp(value, "on") != 0)
		return PGT_RULE_OK;
	snprintf(why, size, "%s = on: applications that write will fail", name);
	return PGT_RULE_WARN;
}

static const struct rule rules[] = {
    {"shared_preload_libraries", libraries},
    {"session_preload_libraries", libraries},
    {"local_preload_libraries", libraries},
    {"max_connections", connections},
    {"superuser_reserved_connections", connections},
    {"reserved_connections", connections},
    {"shared_buffers", shared_buffers},
    {"huge_pages", huge_pages},
    {"wal_level", wal_level},
    {"archive_mode", archive_mode},
    {"max_wal_senders", wal_senders},
    {"listen_addresses", reach},
    {"port", reach},
    {"unix_socket_directories", reach},
    {"unix_socket_group", reach},
    {"unix_socket_permissions", reach},
    {"ssl", reach},
    {"ssl_ca_file", reach},
    {"ssl_cert_file", reach},
    {"ssl_key_file", reach},
    {"ssl_crl_file", reach},
    {"ssl_crl_dir", reach},
    {"ssl_ciphers", reach},
    {"ssl_dh_params_file", reach},
    {"ssl_min_protocol_version", reach},
    {"ssl_max_protocol_version", reach},
    {"password_encryption", reach},
    {"krb_server_keyfile", reach},
    {"ldap", reach},
    {"data_directory", reach},
    {"config_file", reach},
    {"hba_file", reach},
    {"ident_file", reach},
    {"external_pid_file", reach},
    {"allow_alter_system", reach},
    {"dynamic_shared_memory_type", reach},
    {"shared_memory_type", reach},
    {"huge_page_size", reach},
    {"log_directory", reach},
    {"log_filename", reach},
    {"logging_collector", reach},
    {"ignore_system_indexes", reach},
    {"dynamic_library_path", reach},
    {"extension_control_path", reach},
    {"jit_provider", reach},
    {"restart_after_crash", reach},
    {"recovery_target_action", reach},
    {"max_stack_depth", reach},
    {"fsync", durability},
    {"full_page_writes", durability},
    {"data_sync_retry", durability},
    {"zero_damaged_pages", durability},
    {"ignore_checksum_failure", durability},
    {"ignore_invalid_pages", durability},
    {"synchronous_standby_names", warn_commits},
    {"synchronous_commit", warn_async},
    {"default_transaction_read_only", warn_read_only},
};

enum pgt_ruling
pgt_boot_risk(const char *name, const char *value, const struct pgt_boot_facts *f,
	      char *why, size_t size)
{
	size_t i;

	if (size)
		why[0] = '\0';
	for (i = 0; i < PGT_LEN(rules); i++)
		if (strcasecmp(rules[i].name, name) == 0)
			return rules[i].judge(name, value, f, why, size);
	if (strncasecmp(name, "recovery_target", 15) == 0)
		return reach(name, value, f, why, size);
	return PGT_RULE_OK;
}
