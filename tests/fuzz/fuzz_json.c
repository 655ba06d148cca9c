/* pgt_json_parse: what it takes prints to text that it takes again, to the same text. */
#include "fuzz.h"

#include "pg2une/base/json.h"

static cJSON *
parse(const char *text, size_t len)
{
	struct pgt_err err = {0};
	cJSON *json = pgt_json_parse(text, len, 1 << 20, &err);

	CHECK(json || err.code != PGT_E_NONE);
	return json;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The block ends with the text: no NUL follows it. */
	cJSON *json = parse((const char *)data, size), *again;
	char *once, *twice;
	const char *s;
	int64_t i;
	double d;

	if (json) {
		once = pgt_json_print(json, false);
		again = parse(once, strlen(once));
		CHECK(again);
		twice = pgt_json_print(again, false);
		CHECK(strcmp(once, twice) == 0);
		pgt_json_get_str(json, "a", &s);
		pgt_json_get_i64(json, "a", &i);
		pgt_json_get_num(json, "a", &d);
		free(once);
		free(twice);
		cJSON_Delete(again);
		cJSON_Delete(json);
	}
	return 0;
}
