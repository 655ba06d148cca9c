#include <stdlib.h>
#include <string.h>

#include "pg2une/base/file.h"
#include "pg2une/base/host.h"

double
pgt_host_memory(void)
{
	char buf[4096], *at;
	double kb = 0, limit;

	if (pgt_file_small("/proc/meminfo", buf, sizeof(buf)) &&
	    (at = strstr(buf, "MemTotal:")))
		kb = strtod(at + 9, NULL);
	if (kb > 0 && pgt_file_small("/sys/fs/cgroup/memory.max", buf, sizeof(buf))) {
		limit = strtod(buf, NULL);
		if (limit > 0 && limit < kb * 1024)
			return limit;
	}
	return kb * 1024;
}
