/* Memory, cores and storage of the server's machine.  What the operator says wins; a
 * probe is believed only when the backend that answers is a process of this machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "advisor_priv.h"
#include "pg2une/base/file.h"
#include "pg2une/base/host.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/options.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/sql.h"

#define PROBE_NS INT64_C(5000000000)

/* Of the block device that holds the data directory, where the server tells it. */
static const char *
storage(struct pgt_conn *c)
{
	struct pgt_result *r = NULL;
	const char *dir, *kind = NULL;
	char path[96], buf[8];
	struct stat st;

	if (pgt_conn_run(c, pgt_sql_get("data_directory", pgt_conn_server_version(c)),
			 NULL, 0, PROBE_NS, &r, NULL) < 0)
		return NULL;
	dir = pgt_result_rows(r) ? pgt_result_str(r, 0, 0) : NULL;
	if (dir && stat(dir, &st) == 0) {
		static const char *const at[] = {"queue", "../queue"};

		for (size_t i = 0; i < PGT_LEN(at) && !kind; i++) {
			snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s/rotational",
				 major(st.st_dev), minor(st.st_dev), at[i]);
			if (pgt_file_small(path, buf, sizeof(buf)))
				kind = *buf == '1' ? "hdd" : "ssd";
		}
	}
	pgt_result_free(r);
	return kind;
}

double
pgt_hostfacts_ram_told(const struct pgt_options *o)
{
	const char *ram = pgt_options_str(o, "ram");
	uint64_t bytes = 0;

	return ram && pgt_parse_bytes(ram, &bytes, NULL) == 0 ? (double)bytes : 0;
}

void
pgt_hostfacts_read(const struct pgt_options *o, struct pgt_conn *c,
		   struct pgt_host_facts *ret)
{
	const char *kind = pgt_options_str(o, "storage");

	*ret = (struct pgt_host_facts){.ram_bytes = pgt_hostfacts_ram_told(o)};
	if (pgt_options_str(o, "cpus"))
		ret->cpus = (int)pgt_options_int(o, "cpus");
	if (kind)
		ret->storage = strcmp(kind, "hdd") == 0	      ? "hdd"
			       : strcmp(kind, "network") == 0 ? "network"
							      : "ssd";
	ret->told = ret->ram_bytes > 0 || ret->cpus > 0 || kind;
	if (!c || !pgt_conn_is_here(c))
		return;
	if (!(ret->ram_bytes > 0))
		ret->ram_bytes = pgt_host_memory();
	if (ret->cpus <= 0)
		ret->cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	if (!ret->storage)
		ret->storage = storage(c);
}
