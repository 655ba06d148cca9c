/* Output of commands: the envelope {success, timestamp, command, data, error} as
 * JSON or YAML, the main list as CSV, or tables for a terminal.  Main thread. */
#ifndef PG2UNE_CLI_OUTPUT_H
#define PG2UNE_CLI_OUTPUT_H

#include <stdbool.h>

#include "pg2une/base/buf.h"
#include "pg2une/base/err.h"
#include "pg2une/base/json.h"

enum pgt_format { PGT_FORMAT_TABLE, PGT_FORMAT_JSON, PGT_FORMAT_CSV, PGT_FORMAT_YAML };

enum pgt_cell {
	PGT_CELL_TEXT,
	PGT_CELL_INT,     /* 1,234,567 */
	PGT_CELL_NUM,     /* three significant digits or more */
	PGT_CELL_MS,      /* milliseconds */
	PGT_CELL_BYTES,   /* 12.4 MB */
	PGT_CELL_PCT,     /* a ratio 0..1, as 12.3% */
	PGT_CELL_SECONDS, /* 3m02 */
	PGT_CELL_BOOL,    /* yes, no */
};

struct pgt_column {
	const char *key;   /* member of the row; "a.b" goes deeper */
	const char *title; /* NULL ends the list */
	enum pgt_cell cell;
};

/* One table: data's member at path ("" is data itself).  An array gives rows,
 * an object a list of names and values. */
struct pgt_view {
	const char *path;
	const char *title; /* NULL ends the list */
	const struct pgt_column *columns;
	const char *none; /* what to say for no rows; NULL: leave the table out */
	int max;          /* rows shown in a table, 0 for all */
};

int pgt_output_format(const char *name, enum pgt_format *ret, struct pgt_err *err);
/* Write the answer to stdout; data stays the caller's.  Member "notes" of data
 * (an array of strings) is shown below tables. */
int pgt_output_answer(enum pgt_format format, const char *command, const cJSON *data,
		      const struct pgt_view *views, struct pgt_err *err);
/* The envelope of a failure, one line and its end, into out. */
void pgt_output_failure(enum pgt_format format, const char *command,
			const struct pgt_err *e, struct pgt_buf *out);

/* The parts, for tests: each appends to out.  width 0 cuts nothing. */
void pgt_output_tables(const cJSON *data, const struct pgt_view *views, int width,
		       struct pgt_buf *out);
void pgt_output_csv(const cJSON *data, const struct pgt_view *views, struct pgt_buf *out);
void pgt_output_yaml(const cJSON *json, struct pgt_buf *out);

#endif
