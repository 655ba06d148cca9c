#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/json.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"

#define DEPTH_MAX 64
/* cJSON prints a double by "%1.15g" and takes a difference of one unit in the
 * last place for none: beyond 15 digits an integer needs another way. */
#define PLAIN_INT_MAX INT64_C(999999999999999)

/* Asked before the parser recurses; false with the offset where it is deeper than
 * DEPTH_MAX.  Malformed text is the parser's to refuse. */
static bool
depth_ok(const char *text, size_t len, size_t *ret_offset)
{
	bool in_string = false;
	int depth = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (in_string) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				in_string = false;
		} else if (text[i] == '"') {
			in_string = true;
		} else if (text[i] == '[' || text[i] == '{') {
			if (++depth > DEPTH_MAX) {
				*ret_offset = i;
				return false;
			}
		} else if (text[i] == ']' || text[i] == '}') {
			depth--;
		}
	}
	return true;
}

static bool
is_json_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

cJSON *
pgt_json_parse(const char *text, size_t len, size_t max_bytes, struct pgt_err *err)
{
	const char *end = NULL;
	size_t at = 0;
	cJSON *json;
	char *copy;

	if (len > max_bytes) {
		pgt_err_set(err, PGT_E_LIMIT, "JSON of %zu bytes passes the limit of %zu",
			    len, max_bytes);
		return NULL;
	}
	if (!depth_ok(text, len, &at)) {
		pgt_err_set(err, PGT_E_LIMIT, "JSON nested deeper than %d at byte %zu",
			    DEPTH_MAX, at);
		return NULL;
	}
	/* cJSON before 1.7.18 looks at the byte behind the text (CVE-2023-53154): let
	 * there be one.  It is thread-safe, by its README, as long as
	 * cJSON_GetErrorPtr() is not used. */
	copy = pgt_xmalloc(len + 1);
	if (len)
		memcpy(copy, text, len);
	copy[len] = '\0';
	json = cJSON_ParseWithLengthOpts(copy, len, &end, false);
	at = end ? (size_t)(end - copy) : 0;
	free(copy);
	if (json)
		while (at < len && is_json_blank(text[at]))
			at++;
	if (!json || at != len) {
		cJSON_Delete(json);
		pgt_err_set(err, PGT_E_PARSE, "malformed JSON at byte %zu", at);
		return NULL;
	}
	return json;
}

void
pgt_json_item(cJSON *obj, const char *name, cJSON *take_item)
{
	cJSON_bool ok;

	if (!take_item)
		pgt_mem_abort();
	if (name)
		ok = cJSON_AddItemToObject(obj, name, take_item);
	else
		ok = cJSON_AddItemToArray(obj, take_item);
	if (!ok)
		pgt_mem_abort();
}

void
pgt_json_str(cJSON *obj, const char *name, const char *value)
{
	char *safe;

	if (!value) {
		pgt_json_null(obj, name);
	} else if (pgt_str_is_utf8(value)) {
		pgt_json_item(obj, name, cJSON_CreateString(value));
	} else {
		/* cJSON would pass the bytes on, and no reader takes the result. */
		safe = pgt_safetext(value, PGT_SAFE_EXACT, SIZE_MAX / 4);
		pgt_json_item(obj, name, cJSON_CreateString(safe));
		free(safe);
	}
}

void
pgt_json_i64(cJSON *obj, const char *name, int64_t value)
{
	char text[32];

	if (value >= -PLAIN_INT_MAX && value <= PLAIN_INT_MAX) {
		pgt_json_item(obj, name, cJSON_CreateNumber((double)value));
		return;
	}
	snprintf(text, sizeof(text), "%lld", (long long)value);
	pgt_json_item(obj, name, cJSON_CreateRaw(text));
}

void
pgt_json_u64(cJSON *obj, const char *name, uint64_t value)
{
	char text[32];

	if (value <= INT64_MAX) {
		pgt_json_i64(obj, name, (int64_t)value);
		return;
	}
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	pgt_json_item(obj, name, cJSON_CreateRaw(text));
}

void
pgt_json_num(cJSON *obj, const char *name, double value)
{
	if (isfinite(value))
		pgt_json_item(obj, name, cJSON_CreateNumber(value));
	else
		pgt_json_null(obj, name);
}

void
pgt_json_bool(cJSON *obj, const char *name, bool value)
{
	pgt_json_item(obj, name, cJSON_CreateBool(value));
}

void
pgt_json_null(cJSON *obj, const char *name)
{
	pgt_json_item(obj, name, cJSON_CreateNull());
}

cJSON *
pgt_json_obj(cJSON *parent, const char *name)
{
	cJSON *child = cJSON_CreateObject();

	pgt_json_item(parent, name, child);
	return child;
}

cJSON *
pgt_json_arr(cJSON *parent, const char *name)
{
	cJSON *child = cJSON_CreateArray();

	pgt_json_item(parent, name, child);
	return child;
}

const cJSON *
pgt_json_path(const cJSON *obj, const char *path)
{
	char key[64];
	size_t n;

	while (obj && *path) {
		n = strcspn(path, ".");
		if (n >= sizeof(key))
			return NULL;
		memcpy(key, path, n);
		key[n] = '\0';
		obj = cJSON_GetObjectItemCaseSensitive(obj, key);
		path += n + (path[n] == '.');
	}
	return obj;
}

bool
pgt_json_get_str(const cJSON *obj, const char *name, const char **ret)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(obj, name);

	if (!cJSON_IsString(item))
		return false;
	*ret = item->valuestring;
	return true;
}

bool
pgt_json_get_i64(const cJSON *obj, const char *name, int64_t *ret)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(obj, name);
	double v;

	if (cJSON_IsRaw(item)) /* of our own making, see pgt_json_i64() */
		return pgt_parse_i64(item->valuestring, ret);
	if (!cJSON_IsNumber(item))
		return false;
	v = item->valuedouble;
	/* 2^63 is a double, INT64_MAX is not. */
	if (!(v >= -0x1p63 && v < 0x1p63) || v != trunc(v))
		return false;
	*ret = (int64_t)v;
	return true;
}

bool
pgt_json_get_num(const cJSON *obj, const char *name, double *ret)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(obj, name);

	if (cJSON_IsRaw(item))
		return pgt_parse_double(item->valuestring, ret);
	if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
		return false;
	*ret = item->valuedouble;
	return true;
}

bool
pgt_json_get_bool(const cJSON *obj, const char *name, bool *ret)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(obj, name);

	if (!cJSON_IsBool(item))
		return false;
	*ret = cJSON_IsTrue(item);
	return true;
}

char *
pgt_json_print(const cJSON *json, bool indent)
{
	char *text = indent ? cJSON_Print(json) : cJSON_PrintUnformatted(json);

	if (!text)
		pgt_mem_abort();
	return text;
}
