/* Tables, CSV and YAML from one answer; the table of commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "pg2une/cli/cmd.h"
#include "pg2une/cli/output.h"

static const struct pgt_column columns[] = {
    {"n", "count", PGT_CELL_INT},
    {"ms", "ms", PGT_CELL_MS},
    {"q", "query", PGT_CELL_TEXT},
    {0},
};
static const struct pgt_view views[] = {{"rows", "Rows", columns, "none", 2}, {0}};

static cJSON *
data(const char *rows)
{
	char text[600];
	cJSON *json;

	snprintf(text, sizeof(text), "{\"rows\":%s,\"notes\":[\"a note\"]}", rows);
	json = pgt_json_parse(text, strlen(text), sizeof(text), NULL);
	assert_non_null(json);
	return json;
}

static void
test_table(void **state)
{
	cJSON *d = data(
	    "[{\"n\":1234567,\"ms\":0.5,\"q\":\"SELECT \xc3\xa9 FROM a_long_name\"},"
	    "{\"n\":1,\"ms\":null,\"q\":null},{\"n\":2}]");
	struct pgt_buf b;

	(void)state;
	pgt_buf_init(&b, 10000);
	pgt_output_tables(d, views, 0, &b);
	assert_string_equal(pgt_buf_str(&b),
			    "Rows\n    count    ms  query\n"
			    "1,234,567  0.50  SELECT \xc3\xa9 FROM a_long_name\n"
			    "        1     -  -\n... and 1 more\n\nnote: a note\n");
	pgt_buf_reset(&b);
	pgt_output_tables(d, views, 30, &b); /* cut, with a sign */
	assert_non_null(strstr(pgt_buf_str(&b), "SELECT \xc3\xa9 FRO\xe2\x80\xa6\n"));
	cJSON_Delete(d);
	d = data("[]");
	pgt_buf_reset(&b);
	pgt_output_tables(d, views, 0, &b);
	assert_string_equal(pgt_buf_str(&b), "Rows\nnone\n\nnote: a note\n");
	cJSON_Delete(d);
	pgt_buf_done(&b);
}

static void
test_csv(void **state)
{
	cJSON *d = data(
	    "[{\"n\":1,\"ms\":0.5,\"q\":\"a,\\\"b\\\"\"},{\"n\":null,\"q\":\"\"}]");
	struct pgt_buf b;

	(void)state;
	pgt_buf_init(&b, 10000);
	pgt_output_csv(d, views, &b);
	assert_string_equal(pgt_buf_str(&b), "n,ms,q\r\n1,0.5,\"a,\"\"b\"\"\"\r\n,,\r\n");
	cJSON_Delete(d);
	pgt_buf_done(&b);
}

static void
test_commands(void **state)
{
	char *one[] = {"pg2une", "baseline", NULL},
	     *two[] = {"pg2une", "baseline", "diff", NULL};
	char *none[] = {"pg2une", "query", "nosuch", NULL};
	size_t i, j;
	int words = 0;

	(void)state;
	assert_string_equal(pgt_cmd_find(2, one, &words)->name, "baseline");
	assert_int_equal(words, 1);
	assert_string_equal(pgt_cmd_find(3, two, &words)->name, "baseline diff");
	assert_int_equal(words, 2);
	assert_null(pgt_cmd_find(3, none, &words));
	assert_null(pgt_cmd_find(1, one, &words));
	for (i = 0; pgt_cmd_table[i]; i++) {
		const struct pgt_cmd_ops *c = pgt_cmd_table[i];

		assert_non_null(c->run);
		assert_true(c->summary && c->group && c->examples && c->examples[0]);
		for (j = 0; c->opts && c->opts[j].name; j++)
			assert_non_null(c->opts[j].help);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_csv),
	    cmocka_unit_test(test_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
