#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pg2une/base/knobs.h"

#define GB 0x1p30

static const struct pgt_knob_host hosts[] = {
    {.ram_bytes = 0.5 * GB, .cores = 1, .max_connections = 100, .server_major = 13},
    {.ram_bytes = 4 * GB, .cores = 2, .max_connections = 100, .server_major = 15},
    {.ram_bytes = 64 * GB, .cores = 16, .max_connections = 300, .server_major = 17},
    {.ram_bytes = 2048 * GB, .cores = 256, .max_connections = 5000, .server_major = 18,
     .rotating_disk = true},
};

/* Every row on every machine: a real range, inside the bounds, text that parses back. */
static void
rows_make_sense(void **state)
{
	(void)state;
	for (size_t i = 0; i < pgt_knob_count(); i++) {
		const struct pgt_knob *k = pgt_knob_at(i);

		assert_ptr_equal(pgt_knob_find(k->name), k);
		assert_true(k->effect && k->doc && k->ceil > 0);
		assert_true(k->unit != PGT_UNIT_ENUM || k->choices[0]);
		assert_true(k->risk != PGT_RISK_DURABILITY || !k->search);
		for (size_t h = 0; h < 4; h++)
			for (int c = 0; c < PGT_KNOB_CLASSES; c++) {
				double lo, hi, u, back[3], v[3];
				char buf[32];

				pgt_knob_range(k, &hosts[h], c, &lo, &hi);
				u = pgt_knob_usual(k, &hosts[h], c);
				assert_true(lo < hi);
				assert_true(lo >= k->floor && hi <= k->ceil);
				assert_true(k->scale != PGT_SCALE_LOG2 || lo > 0);
				v[0] = lo;
				v[1] = hi;
				v[2] = u;
				for (int j = 0; j < 3; j++) {
					pgt_knob_format(k, v[j], buf, sizeof(buf));
					assert_int_equal(pgt_knob_parse(k, buf, 1, &back[j],
									NULL), 0);
					assert_true(fabs(back[j] - v[j]) <=
						    1e-9 * fabs(v[j]));
				}
			}
	}
}

static void
usual_values_are_the_published_ones(void **state)
{
	const struct pgt_knob_host *h = &hosts[2];
	char buf[32];

	(void)state;
#define USUAL(name, cls)                                                                  \
	pgt_knob_format(pgt_knob_find(name),                                              \
			pgt_knob_usual(pgt_knob_find(name), h, cls), buf, sizeof(buf))
	assert_string_equal(USUAL("shared_buffers", PGT_KNOB_OLTP), "16GB");
	assert_string_equal(USUAL("effective_cache_size", PGT_KNOB_OLTP), "48GB");
	assert_string_equal(USUAL("maintenance_work_mem", PGT_KNOB_OLTP), "2GB");
	assert_string_equal(USUAL("max_wal_size", PGT_KNOB_OLAP), "16GB");
	assert_string_equal(USUAL("wal_buffers", PGT_KNOB_OLAP), "-1");
	assert_string_equal(USUAL("random_page_cost", PGT_KNOB_MIXED), "1.1");
	assert_string_equal(USUAL("checkpoint_timeout", PGT_KNOB_MIXED), "15min");
	assert_string_equal(USUAL("jit", PGT_KNOB_OLTP), "off");
	assert_string_equal(USUAL("wal_compression", PGT_KNOB_OLAP), "pglz");
	h = &hosts[3];
	assert_string_equal(USUAL("random_page_cost", PGT_KNOB_MIXED), "4");
}

/* WAL takes an eighth of the free disk at most; of an unknown one 4GB, or what is
 * allowed already. */
static void
wal_fits_the_disk(void **state)
{
	const struct pgt_knob *max = pgt_knob_find("max_wal_size"),
			      *min = pgt_knob_find("min_wal_size");
	struct pgt_knob_host h = hosts[2];
	double lo, hi;

	(void)state;
	assert_true(pgt_knob_wal_most(&h) == 4 * GB);
	pgt_knob_range(max, &h, PGT_KNOB_OLAP, &lo, &hi);
	assert_true(lo == GB && hi == 4 * GB);
	h.wal_present = 16 * GB;
	pgt_knob_range(max, &h, PGT_KNOB_OLAP, &lo, &hi);
	assert_true(hi == 16 * GB);
	h.wal_disk_free = 100 * GB; /* known: what is allowed now is no leave */
	pgt_knob_range(max, &h, PGT_KNOB_OLAP, &lo, &hi);
	assert_true(hi == 12.5 * GB && pgt_knob_fits_disk(max, &h, PGT_KNOB_OLAP));
	h.wal_disk_free = 4000 * GB;
	pgt_knob_range(max, &h, PGT_KNOB_OLAP, &lo, &hi);
	assert_true(hi == 64 * GB);
	h.wal_disk_free = 4 * GB;
	assert_false(pgt_knob_fits_disk(max, &h, PGT_KNOB_OLAP));
	assert_true(pgt_knob_fits_disk(min, &h, PGT_KNOB_OLAP));
	assert_true(pgt_knob_fits_disk(pgt_knob_find("work_mem"), &h, PGT_KNOB_OLAP));
	pgt_knob_range(max, &h, PGT_KNOB_OLAP, &lo, &hi);
	assert_true(lo < hi && hi == 0.5 * GB);
	pgt_knob_range(min, &h, PGT_KNOB_OLAP, &lo, &hi);
	assert_true(lo < hi && hi == 0.5 * GB);
}

static void
text_is_parsed_and_refused(void **state)
{
	const struct pgt_knob *mem = pgt_knob_find("work_mem");
	const struct pgt_knob *wal = pgt_knob_find("wal_buffers");
	const struct pgt_knob *ck = pgt_knob_find("checkpoint_timeout");
	struct pgt_err err = {0};
	double v;

	(void)state;
	assert_int_equal(pgt_knob_parse(mem, "4096", 1024, &v, NULL), 0);
	assert_true(v == 4096 * 1024);
	assert_int_equal(pgt_knob_parse(mem, "1.5GB", 1, &v, NULL), 0);
	assert_true(v == 1.5 * GB);
	assert_int_equal(pgt_knob_parse(wal, "-1", 8192, &v, NULL), 0);
	assert_true(v == -1);
	assert_int_equal(pgt_knob_parse(ck, "5min", 1, &v, NULL), 0);
	assert_true(v == 300000);
	v = 7;
	assert_int_equal(pgt_knob_parse(mem, "lots", 1, &v, &err), -1);
	assert_int_equal(err.code, PGT_E_PARSE);
	assert_int_equal(pgt_knob_parse(mem, "4 min", 1, &v, &err), -1);
	assert_int_equal(pgt_knob_parse(pgt_knob_find("jit"), "maybe", 1, &v, &err), -1);
	assert_int_equal(pgt_knob_parse(mem, "nan", 1, &v, &err), -1);
	assert_true(v == 7);
}

static void
rules_name_rows(void **state)
{
	(void)state;
	assert_true(pgt_knob_rule_count() > 0);
	for (size_t i = 0; i < pgt_knob_rule_count(); i++) {
		const struct pgt_knob_rule *r = pgt_knob_rule_at(i);

		assert_non_null(pgt_knob_find(r->name));
		assert_non_null(pgt_knob_find(r->other));
		assert_true(r->factor > 0);
	}
	assert_null(pgt_knob_find("no_such_setting"));
	assert_false(pgt_knob_in_major(pgt_knob_find("io_workers"), 17));
	assert_true(pgt_knob_in_major(pgt_knob_find("io_workers"), 18));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_make_sense),
	    cmocka_unit_test(usual_values_are_the_published_ones),
	    cmocka_unit_test(wal_fits_the_disk),
	    cmocka_unit_test(text_is_parsed_and_refused),
	    cmocka_unit_test(rules_name_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
