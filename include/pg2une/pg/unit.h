/* Setting values and units, as PostgreSQL reads them (guc.c convert_to_base_unit):
 * "16384" of unit 8kB and "128MB" are the same number.  Pure. */
#ifndef PG2UNE_PG_UNIT_H
#define PG2UNE_PG_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"

enum pgt_unit_kind { PGT_UNITKIND_NONE, PGT_UNITKIND_BYTES, PGT_UNITKIND_TIME };

/* pg_settings.unit ("8kB", "kB", "B", "MB", "ms", "s", "min" or NULL). */
enum pgt_unit_kind pgt_unit_kind(const char *unit);
/* A value as written ("2GB", "16384", "1.5h", "-1") in a setting of this unit
 * and vartype (integer|real): in bytes or milliseconds, or the plain number. */
int pgt_unit_parse(const char *value, const char *unit, double *ret, struct pgt_err *err);
/* The number of base units, rounded as the server does for integers. */
int pgt_unit_to_base(const char *value, const char *unit, bool is_integer, double *ret,
		     struct pgt_err *err);
/* For people: "128MB", "5min"; special values (-1, 0) stay numbers. */
char *pgt_unit_format(double base_value, const char *unit, char *buf, size_t size);
/* Are two texts the same value for this type (bool spellings, enum case, units)? */
bool pgt_unit_equal(const char *a, const char *b, const char *vartype, const char *unit);

#endif
