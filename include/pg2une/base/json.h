/* JSON on cJSON: a bounded parser and constructors that keep 64-bit integers
 * exact and turn NaN and infinities into null.  Any thread. */
#ifndef PG2UNE_BASE_JSON_H
#define PG2UNE_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "pg2une/base/err.h"

/* Nesting is capped at 64, the text at max_bytes; NULL with err at the first
 * error (its byte offset in the message).  The caller frees with cJSON_Delete. */
cJSON *pgt_json_parse(const char *text, size_t len, size_t max_bytes,
		      struct pgt_err *err);

/* Add name: value to obj (or append to an array when name is NULL). */
void pgt_json_str(cJSON *obj, const char *name, const char *value); /* NULL -> null */
void pgt_json_i64(cJSON *obj, const char *name, int64_t value);
void pgt_json_u64(cJSON *obj, const char *name, uint64_t value);
/* 15 digits; NaN -> null */
void pgt_json_num(cJSON *obj, const char *name, double value);
void pgt_json_bool(cJSON *obj, const char *name, bool value);
void pgt_json_null(cJSON *obj, const char *name);
void pgt_json_item(cJSON *obj, const char *name, cJSON *take_item);
cJSON *pgt_json_obj(cJSON *parent, const char *name); /* new child object, parent owns */
cJSON *pgt_json_arr(cJSON *parent, const char *name);

/* Read a member; false when absent or of another type, *ret then untouched. */
bool pgt_json_get_str(const cJSON *obj, const char *name, const char **ret);
/* The member at "a.b.c"; NULL when absent. */
const cJSON *pgt_json_path(const cJSON *obj, const char *path);
/* Whole numbers; exact to 2^53, and beyond for what pgt_json_i64() added. */
bool pgt_json_get_i64(const cJSON *obj, const char *name, int64_t *ret);
bool pgt_json_get_num(const cJSON *obj, const char *name, double *ret);
bool pgt_json_get_bool(const cJSON *obj, const char *name, bool *ret);

/* Text of the tree, the caller frees; indented or on one line. */
char *pgt_json_print(const cJSON *json, bool indent);

#endif
