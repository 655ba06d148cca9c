#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pg2une/base/knobs.h"

#include "knobs_priv.h"

static const struct pgt_knob_rule rules[] = {
    {"min_wal_size", "max_wal_size", 0.8,
     "the server needs max_wal_size to hold min_wal_size and a checkpoint's WAL"},
    {"max_parallel_workers", "max_worker_processes", 1,
     "parallel workers are taken from max_worker_processes"},
    {"max_parallel_workers_per_gather", "max_parallel_workers", 1,
     "one query cannot use more workers than all queries may"},
    {"max_parallel_maintenance_workers", "max_parallel_workers", 1,
     "a maintenance command cannot use more workers than all queries may"},
    {"shared_buffers", "effective_cache_size", 1,
     "effective_cache_size counts shared_buffers in"},
    {"autovacuum_work_mem", "maintenance_work_mem", 1,
     "one worker should not take more than a manual vacuum"},
};

size_t
pgt_knob_count(void)
{
	return pgt_knob_rows_n;
}

const struct pgt_knob *
pgt_knob_at(size_t i)
{
	return i < pgt_knob_rows_n ? &pgt_knob_rows[i] : NULL;
}

const struct pgt_knob *
pgt_knob_find(const char *name)
{
	for (size_t i = 0; i < pgt_knob_rows_n; i++)
		if (strcasecmp(pgt_knob_rows[i].name, name) == 0)
			return &pgt_knob_rows[i];
	return NULL;
}

bool
pgt_knob_in_major(const struct pgt_knob *k, int server_major)
{
	return (!k->since_major || server_major >= k->since_major) &&
	       (!k->until_major || server_major <= k->until_major);
}

static double
base_of(const struct pgt_knob *k, const struct pgt_knob_host *host)
{
	int slots = host->max_connections > 0 ? host->max_connections : 1;

	switch (k->base) {
	case PGT_BASE_ONE:
		break;
	case PGT_BASE_RAM:
		return host->ram_bytes;
	case PGT_BASE_RAM_PER_CONN:
		return 0.75 * host->ram_bytes / slots;
	case PGT_BASE_CORES:
		return host->cores > 0 ? host->cores : 1;
	}
	return 1;
}

static double
bounded(const struct pgt_knob *k, double v)
{
	if (k->grain > 0)
		v = round(v / k->grain) * k->grain;
	if (v < k->floor)
		v = k->floor;
	if (v > k->ceil)
		v = k->ceil;
	return v;
}

#define WAL_PART    8
#define WAL_UNKNOWN 0x4p30 /* bytes */

double
pgt_knob_wal_most(const struct pgt_knob_host *host)
{
	if (host->wal_disk_free > 0)
		return host->wal_disk_free / WAL_PART;
	return host->wal_present > WAL_UNKNOWN ? host->wal_present : WAL_UNKNOWN;
}

bool
pgt_knob_fits_disk(const struct pgt_knob *k, const struct pgt_knob_host *host,
		   enum pgt_knob_class cls)
{
	return !k->wal_space || pgt_knob_wal_most(host) > k->lo[cls];
}

void
pgt_knob_range(const struct pgt_knob *k, const struct pgt_knob_host *host,
	       enum pgt_knob_class cls, double *ret_lo, double *ret_hi)
{
	double base = base_of(k, host);
	double lo = bounded(k, k->lo[cls] * base), hi = bounded(k, k->hi[cls] * base);
	double step = k->grain > 0 ? k->grain : 1;
	double most = floor(pgt_knob_wal_most(host) / step) * step;

	if (k->wal_space && hi > most) {
		hi = most > k->floor + step ? most : k->floor + step;
		lo = lo < hi ? lo : k->floor;
	}
	/* A small machine may squeeze the range to a point: leave two choices. */
	if (hi <= lo) {
		hi = lo + step;
		if (hi > k->ceil) {
			hi = k->ceil;
			lo = hi - step;
		}
	}
	*ret_lo = lo;
	*ret_hi = hi;
}

double
pgt_knob_usual(const struct pgt_knob *k, const struct pgt_knob_host *host,
	       enum pgt_knob_class cls)
{
	double v = k->usual[cls];

	for (int i = 0; i < k->n_special; i++)
		if (v == k->special[i])
			return v;
	if (host->rotating_disk && k->usual_hdd > 0)
		v = k->usual_hdd;
	return bounded(k, v * base_of(k, host));
}

size_t
pgt_knob_rule_count(void)
{
	return sizeof(rules) / sizeof(rules[0]);
}

const struct pgt_knob_rule *
pgt_knob_rule_at(size_t i)
{
	return i < pgt_knob_rule_count() ? &rules[i] : NULL;
}

const char *
pgt_knob_class_name(enum pgt_knob_class cls)
{
	switch (cls) {
	case PGT_KNOB_MIXED:
		return "mixed";
	case PGT_KNOB_OLTP:
		return "oltp";
	case PGT_KNOB_OLAP:
		return "olap";
	}
	return "mixed";
}

struct suffix {
	const char *text;
	double factor;
};

/* Largest first; the server takes exactly these words. */
static const struct suffix byte_suffixes[] = {
    {"TB", 0x1p40}, {"GB", 0x1p30}, {"MB", 0x1p20}, {"kB", 0x1p10}, {"B", 1},
};
static const struct suffix time_suffixes[] = {
    {"d", 86400e3}, {"h", 3600e3}, {"min", 60e3}, {"s", 1e3}, {"ms", 1}, {"us", 1e-3},
};

static const struct suffix *
suffixes(const struct pgt_knob *k, size_t *ret_n)
{
	if (k->unit == PGT_UNIT_BYTES) {
		*ret_n = sizeof(byte_suffixes) / sizeof(byte_suffixes[0]);
		return byte_suffixes;
	}
	if (k->unit == PGT_UNIT_MS) {
		*ret_n = sizeof(time_suffixes) / sizeof(time_suffixes[0]);
		return time_suffixes;
	}
	*ret_n = 0;
	return NULL;
}

static int
n_choices(const struct pgt_knob *k)
{
	int n = 0;

	while (n < (int)(sizeof(k->choices) / sizeof(k->choices[0])) && k->choices[n])
		n++;
	return n;
}

char *
pgt_knob_format(const struct pgt_knob *k, double value, char *buf, size_t size)
{
	const struct suffix *s;
	size_t n;

	for (int i = 0; i < k->n_special; i++)
		if (value == k->special[i]) {
			snprintf(buf, size, "%.0f", value);
			return buf;
		}
	if (k->unit == PGT_UNIT_BOOL) {
		snprintf(buf, size, "%s", value >= 0.5 ? "on" : "off");
		return buf;
	}
	if (k->unit == PGT_UNIT_ENUM) {
		int i = (int)lround(value), last = n_choices(k) - 1;

		snprintf(buf, size, "%s", k->choices[i < 0 ? 0 : i > last ? last : i]);
		return buf;
	}
	s = suffixes(k, &n);
	for (size_t i = 0; i < n; i++)
		if (value != 0 && fmod(value, s[i].factor) == 0) {
			snprintf(buf, size, "%.0f%s", value / s[i].factor, s[i].text);
			return buf;
		}
	if (k->unit == PGT_UNIT_BYTES)
		snprintf(buf, size, "%.0fkB", ceil(value / 1024));
	else
		snprintf(buf, size, "%.10g%s", value, k->unit == PGT_UNIT_MS ? "ms" : "");
	return buf;
}

static bool
parse_bool(const char *text, double *ret)
{
	static const char *const yes[] = {"on", "true", "yes", "1"};
	static const char *const no[] = {"off", "false", "no", "0"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (strcasecmp(text, yes[i]) == 0) {
			*ret = 1;
			return true;
		}
		if (strcasecmp(text, no[i]) == 0) {
			*ret = 0;
			return true;
		}
	}
	return false;
}

int
pgt_knob_parse(const struct pgt_knob *k, const char *text, double bare_unit, double *ret,
	       struct pgt_err *err)
{
	const struct suffix *s;
	size_t n;
	char *end;
	double v;

	if (k->unit == PGT_UNIT_BOOL) {
		if (parse_bool(text, ret))
			return 0;
		goto fail;
	}
	if (k->unit == PGT_UNIT_ENUM) {
		for (int i = 0; i < n_choices(k); i++)
			if (strcasecmp(text, k->choices[i]) == 0) {
				*ret = i;
				return 0;
			}
		goto fail;
	}
	v = strtod(text, &end);
	if (end == text || !isfinite(v))
		goto fail;
	while (*end == ' ')
		end++;
	if (*end == '\0') {
		for (int i = 0; i < k->n_special; i++)
			if (v == k->special[i])
				bare_unit = 1;
		*ret = v * (bare_unit > 0 ? bare_unit : 1);
		return 0;
	}
	s = suffixes(k, &n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(end, s[i].text) == 0) {
			*ret = v * s[i].factor;
			return 0;
		}
fail:
	return pgt_err_set(err, PGT_E_PARSE, "not a value of %s: \"%.60s\"", k->name,
			   text);
}
