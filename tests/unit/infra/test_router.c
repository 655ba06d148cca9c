#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pg2une/infra/patroni.h"
#include "pg2une/infra/router.h"

static int
count(const char *list, char c)
{
	int n = 0;

	for (; *list; list++)
		n += *list == c;
	return n;
}

static void
test_host_list_has_the_share(void **state)
{
	for (int pct = 0; pct <= 100; pct += 5) {
		char *list = pgt_router_host_list("p", "c", pct);

		(void)state;
		assert_int_equal(count(list, ','), 19);
		assert_int_equal(count(list, 'c'), pct / 5);
		free(list);
	}
}

static void
test_host_list_is_even(void **state)
{
	char *list = pgt_router_host_list("p", "c", 25);

	(void)state;
	/* one in each run of four */
	for (int i = 0; i < 20; i += 4) {
		int here = 0;

		for (int k = 0; k < 4; k++)
			here += list[2 * (i + k)] == 'c';
		assert_int_equal(here, 1);
	}
	free(list);
}

static void
test_routes_keep_everything_else(void **state)
{
	static const char text[] = "; a note\nbench = host=1.1.1.1 port=5\n"
				   "bench_ro =  host=a,b port=7 dbname=bench\n"
				   "bench_rox = host=z\n";
	struct pgt_err err = {0};
	char *out;

	(void)state;
	assert_int_equal(pgt_router_edit_routes(text, "bench_ro", "x,y", &out, &err), 0);
	assert_string_equal(out, "; a note\nbench = host=1.1.1.1 port=5\n"
				 "bench_ro =  host=x,y port=7 dbname=bench\n"
				 "bench_rox = host=z\n");
	free(out);
	assert_int_equal(pgt_router_edit_routes(text, "bench_r", "x", &out, &err), -1);
	assert_int_equal(err.code, PGT_E_NOTFOUND);
	assert_int_equal(pgt_router_edit_routes("a = port=1\n", "a", "x", &out, &err), -1);
	assert_int_equal(err.code, PGT_E_PARSE);
}

static void
test_patroni_tells_its_part(void **state)
{
	static const char text[] = "{\"postgresql\":{\"parameters\":{\"work_mem\":\"8MB\"}}}";
	struct pgt_err err = {0};
	cJSON *c = pgt_json_parse(text, strlen(text), 4096, &err);
	const cJSON *v;

	(void)state;
	assert_non_null(c);
	assert_int_equal(pgt_patroni_param(c, "work_mem", &v), PGT_PATRONI_OVERRIDDEN);
	assert_string_equal(v->valuestring, "8MB");
	assert_int_equal(pgt_patroni_param(c, "max_connections", &v), PGT_PATRONI_OVERRIDDEN);
	assert_null(v);
	assert_int_equal(pgt_patroni_param(c, "jit", NULL), PGT_PATRONI_NOT_SET_BUT_EPHEMERAL);
	cJSON_Delete(c);
}

static void
test_unknown_router_is_none(void **state)
{
	struct pgt_router_opts none = {0};
	struct pgt_err err = {0};
	void *r;

	(void)state;
	assert_null(pgt_router_find("nginx"));
	assert_int_equal(pgt_router_find("haproxy")->open(&none, &r, &err), -1);
	assert_int_equal(err.code, PGT_E_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_host_list_has_the_share),
	    cmocka_unit_test(test_host_list_is_even),
	    cmocka_unit_test(test_routes_keep_everything_else),
	    cmocka_unit_test(test_patroni_tells_its_part),
	    cmocka_unit_test(test_unknown_router_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
