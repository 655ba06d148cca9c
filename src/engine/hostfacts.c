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
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"
#include "pg2une/engine/options.h"
#include "pg2une/pg/conn.h"
#include "pg2une/pg/sql.h"

#define PROBE_NS INT64_C(5000000000)

static bool
read_small(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return false;
	n = fread(buf, 1, size - 1, f);
	buf[n] = '\0';
	fclose(f);
	return n > 0;
}

/* Through a tunnel a loopback address is another machine: the process must be here. */
static bool
is_here(const struct pgt_conn *c)
{
	const char *host = pgt_conn_host(c);
	char path[64], comm[32] = "";

	if (!pgt_conn_is_unix(c) && strncmp(host, "127.", 4) != 0 &&
	    strcmp(host, "::1") != 0 && strcmp(host, "localhost") != 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/comm", pgt_conn_backend_pid(c));
	return read_small(path, comm, sizeof(comm)) && strncmp(comm, "postgres", 8) == 0;
}

/* The smaller of the machine's and the cgroup's. */
static double
memory(void)
{
	char buf[4096], *at;
	double kb = 0, limit;

	if (read_small("/proc/meminfo", buf, sizeof(buf)) &&
	    (at = strstr(buf, "MemTotal:")))
		kb = strtod(at + 9, NULL);
	if (kb > 0 && read_small("/sys/fs/cgroup/memory.max", buf, sizeof(buf))) {
		limit = strtod(buf, NULL);
		if (limit > 0 && limit < kb * 1024)
			return limit;
	}
	return kb * 1024;
}

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
			if (read_small(path, buf, sizeof(buf)))
				kind = *buf == '1' ? "hdd" : "ssd";
		}
	}
	pgt_result_free(r);
	return kind;
}

void
pgt_hostfacts_read(const struct pgt_options *o, struct pgt_conn *c,
		   struct pgt_host_facts *ret)
{
	const char *ram = pgt_options_str(o, "ram"),
		   *kind = pgt_options_str(o, "storage");
	uint64_t bytes = 0;

	*ret = (struct pgt_host_facts){0};
	if (ram && pgt_parse_bytes(ram, &bytes, NULL) == 0)
		ret->ram_bytes = (double)bytes;
	if (pgt_options_str(o, "cpus"))
		ret->cpus = (int)pgt_options_int(o, "cpus");
	if (kind)
		ret->storage = strcmp(kind, "hdd") == 0	      ? "hdd"
			       : strcmp(kind, "network") == 0 ? "network"
							      : "ssd";
	ret->told = ret->ram_bytes > 0 || ret->cpus > 0 || kind;
	if (!c || !is_here(c))
		return;
	if (!(ret->ram_bytes > 0))
		ret->ram_bytes = memory();
	if (ret->cpus <= 0)
		ret->cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	if (!ret->storage)
		ret->storage = storage(c);
}
