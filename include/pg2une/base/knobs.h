/* What is known of the server's settings: one const table, read by the advisor
 * (layer advise) and by the search space (layer optimize).  Per setting: unit,
 * whether it needs a restart, how it is searched, sensible ranges and a usual
 * value by class of workload and size of machine, special values, risk, where it
 * is documented.  Pure data and arithmetic; any thread.
 *
 * Values are doubles in one canonical unit: bytes for memory, milliseconds for
 * time, the number itself else; booleans 0 or 1; enumerations the index into
 * choices.  Sources: the PostgreSQL 18 documentation (page of each row), postgresql
 * source guc_tables.c for hard limits, and pgtune's published rules for the usual
 * values of shared_buffers, effective_cache_size, maintenance_work_mem, wal sizes
 * and parallel workers. */
#ifndef PG2UNE_BASE_KNOBS_H
#define PG2UNE_BASE_KNOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"

enum pgt_knob_class { PGT_KNOB_MIXED, PGT_KNOB_OLTP, PGT_KNOB_OLAP };
#define PGT_KNOB_CLASSES 3

enum pgt_knob_unit {
	PGT_UNIT_NUMBER, /* real */
	PGT_UNIT_COUNT,	 /* integer */
	PGT_UNIT_BYTES,
	PGT_UNIT_MS,
	PGT_UNIT_BOOL,
	PGT_UNIT_ENUM,
};

enum pgt_knob_scale { PGT_SCALE_LINEAR, PGT_SCALE_LOG2 };

enum pgt_knob_context { PGT_CONTEXT_RELOAD, PGT_CONTEXT_RESTART };

enum pgt_knob_risk {
	PGT_RISK_LOW,	     /* plans and pacing */
	PGT_RISK_MEMORY,     /* too high a value can exhaust memory */
	PGT_RISK_CAPACITY,   /* too low a value refuses work */
	PGT_RISK_DURABILITY, /* can lose data: never searched, never recommended */
};

/* What lo, hi and usual of a row are multiples of. */
enum pgt_knob_base {
	PGT_BASE_ONE,
	PGT_BASE_RAM,	       /* bytes of memory */
	PGT_BASE_RAM_PER_CONN, /* memory beside shared_buffers (3/4) by connection slot */
	PGT_BASE_CORES,
};

struct pgt_knob {
	const char *name;
	enum pgt_knob_unit unit;
	enum pgt_knob_scale scale;
	enum pgt_knob_context context;
	enum pgt_knob_risk risk;
	enum pgt_knob_base base;
	double lo[PGT_KNOB_CLASSES], hi[PGT_KNOB_CLASSES]; /* searched, times base */
	double usual[PGT_KNOB_CLASSES];			   /* heuristic, times base */
	double usual_hdd;   /* replaces usual on rotating disks unless 0 */
	double floor, ceil; /* our bounds after scaling, within the server's own */
	double grain;	    /* values are multiples of it; 0: no rounding */
	double special[2];  /* values with a meaning of their own (0, -1) */
	int n_special;
	const char *choices[6]; /* PGT_UNIT_ENUM, NULL-terminated */
	int since_major, until_major; /* 0: no bound; until is the last that has it */
	bool writes;	/* acts only where something is written, vacuumed or built */
	bool wal_space; /* bytes of pg_wal: bounded by pgt_knob_wal_most() */
	bool search; /* part of the search space unless the user says otherwise */
	const char *effect; /* one line: what it trades */
	/* File and anchor below https://www.postgresql.org/docs/MAJOR/. */
	const char *doc;
};

/* The machine and server that ranges are scaled to. */
struct pgt_knob_host {
	double ram_bytes;
	int cores;
	int max_connections; /* slots, or the number that the pooler admits */
	bool rotating_disk;
	int server_major;
	double wal_disk_free; /* bytes free where pg_wal is (statvfs); 0: unknown */
	double wal_present;   /* max_wal_size as it is, bytes; 0: unknown */
};

/* A value may not pass factor times another's value. */
struct pgt_knob_rule {
	const char *name, *other;
	double factor;
	const char *why;
};

size_t pgt_knob_count(void);
const struct pgt_knob *pgt_knob_at(size_t i);
/* NULL when the table has no such row. */
const struct pgt_knob *pgt_knob_find(const char *name);
bool pgt_knob_in_major(const struct pgt_knob *k, int server_major);

/* The most WAL that a search may ask the server to keep.  max_wal_size is a soft limit
 * (documentation, "WAL Configuration"): slots, archiving and long checkpoints go beyond
 * it, and the same disk has tables to grow.  So an eighth of what is free; where that is
 * unknown 4GB, what pgtune gives a machine of mixed use, or what is allowed now. */
double pgt_knob_wal_most(const struct pgt_knob_host *host);
/* False when the disk leaves less than the least that is worth searching. */
bool pgt_knob_fits_disk(const struct pgt_knob *k, const struct pgt_knob_host *host,
			enum pgt_knob_class cls);

/* The range to search and the usual value, in canonical units, rounded to the
 * grain; the range within pgt_knob_wal_most().  lo < hi always. */
void pgt_knob_range(const struct pgt_knob *k, const struct pgt_knob_host *host,
		    enum pgt_knob_class cls, double *ret_lo, double *ret_hi);
double pgt_knob_usual(const struct pgt_knob *k, const struct pgt_knob_host *host,
		      enum pgt_knob_class cls);

size_t pgt_knob_rule_count(void);
const struct pgt_knob_rule *pgt_knob_rule_at(size_t i);

/* value in the words of ALTER SYSTEM ("256MB", "-1", "on", "1.1", "zstd"); returns
 * buf.  32 bytes are enough. */
char *pgt_knob_format(const struct pgt_knob *k, double value, char *buf, size_t size);

/* Back from text such as SHOW or ALTER SYSTEM print: "128MB", "30s", "5min", "on".
 * A bare number counts in bare_unit canonical units (pg_settings.unit; 1 if none).
 * PGT_E_PARSE when it is not a value of this setting. */
PGT_MUST_CHECK int pgt_knob_parse(const struct pgt_knob *k, const char *text,
				  double bare_unit, double *ret, struct pgt_err *err);

const char *pgt_knob_class_name(enum pgt_knob_class cls);

#endif
