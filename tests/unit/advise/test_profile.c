/* Profiles: 12 machines x 4 profiles x 6 majors; with PG2UNE_PRINT a machine's lines as a
 * configuration, for the test that boots them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pg2une/advise/advise.h"
#include "pg2une/base/knobs.h"

#define GB 1073741824.0

static const struct {
	double ram;
	int cpus;
	const char *storage;
	int connections;
} shapes[] = {
    {0.5, 1, "ssd", 20},   {1, 1, "hdd", 100},	   {2, 2, "ssd", 100},	  {4, 2, "ssd", 200},
    {8, 4, "hdd", 100},	   {16, 4, "ssd", 300},	   {32, 8, "ssd", 100},	  {64, 16, "ssd", 500},
    {128, 32, "ssd", 200}, {256, 48, "network", 0}, {512, 64, "ssd", 1000}, {2048, 128, "ssd", 400},
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static char *
rules(void)
{
	FILE *f = fopen("sql/rules/advise.rules", "r");
	char *text = calloc(1, 65536);

	assert_non_null(f);
	assert_true(fread(text, 1, 65535, f) > 0);
	fclose(f);
	return text;
}

static double
value(const struct pgt_profile_setting *s, size_t n, const char *name, double dflt)
{
	double v = dflt;

	for (size_t i = 0; i < n; i++)
		if (strcmp(s[i].name, name) == 0)
			assert_int_equal(
			    pgt_knob_parse(pgt_knob_find(name), s[i].value, 1, &v, NULL), 0);
	return v;
}

static size_t
make(size_t shape, int profile, int major, const char *text, struct pgt_profile_setting **ret)
{
	struct pgt_profile_input in = {
	    .host = {.ram_bytes = shapes[shape].ram * GB, .cpus = shapes[shape].cpus,
		     .storage = shapes[shape].storage, .told = true},
	    .server_major = major,
	    .max_connections = shapes[shape].connections,
	    .rules = text,
	};
	struct pgt_err err = {0};
	size_t n = 0;

	assert_int_equal(pgt_advise_profile(&in, (enum pgt_profile)profile, ret, &n, NULL, &err), 0);
	return n;
}

static void
test_joint_limits(void **state)
{
	char *text = rules();

	(void)state;
	for (size_t i = 0; i < SHAPES; i++)
		for (int p = 1; p <= PGT_PROFILE_LAST; p++)
			for (int major = 13; major <= 18; major++) {
				struct pgt_profile_setting *s;
				size_t n = make(i, p, major, text, &s);
				double slots = shapes[i].connections ? shapes[i].connections : 100;
				double each = value(s, n, "autovacuum_work_mem", 0), ram;

				ram = shapes[i].ram * GB;
				if (each <= 0)
					each = value(s, n, "maintenance_work_mem", 64 * 1048576.0);
				assert_true(n > 0);
				if (p != PGT_PROFILE_CONSERVATIVE)
					assert_true(pgt_advise_memory(
							value(s, n, "shared_buffers", 0),
							value(s, n, "work_mem", 0), 2, slots, 0.5,
							each, 3) <= 0.9 * ram);
				assert_true(value(s, n, "min_wal_size", 0) <=
					    0.8 * value(s, n, "max_wal_size", 1e18));
				for (size_t k = 0; k < n; k++) {
					const struct pgt_knob *row = pgt_knob_find(s[k].name);

					assert_true(pgt_knob_in_major(row, major));
					assert_true(row->risk != PGT_RISK_DURABILITY);
					assert_true(s[k].why[0] != '\0');
				}
				free(s);
			}
	free(text);
}

static void
test_unknown_machine_gets_no_sizes(void **state)
{
	struct pgt_profile_input in = {.server_major = 17};
	struct pgt_profile_setting *s;
	struct pgt_err err = {0};
	char *text = rules();
	size_t n;

	(void)state;
	in.rules = text;
	assert_int_equal(pgt_advise_profile(&in, PGT_PROFILE_OLTP, &s, &n, NULL, &err), 0);
	for (size_t i = 0; i < n; i++) {
		assert_string_not_equal(s[i].name, "shared_buffers");
		assert_string_not_equal(s[i].name, "work_mem");
		assert_string_not_equal(s[i].name, "random_page_cost");
		assert_string_not_equal(s[i].name, "max_parallel_workers");
	}
	free(s);
	free(text);
}

/* "SHAPE PROFILE MAJOR" */
static int
print(const char *what)
{
	struct pgt_profile_setting *s;
	char *text = rules(), *end;
	size_t shape = strtoul(what, &end, 10), n;
	int profile = (int)strtol(end, &end, 10), major = (int)strtol(end, &end, 10);

	n = make(shape, profile, major, text, &s);
	for (size_t i = 0; i < n; i++)
		printf("%s = '%s'\n", s[i].name, s[i].value);
	free(s);
	free(text);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_joint_limits),
	    cmocka_unit_test(test_unknown_machine_gets_no_sizes),
	};

	if (getenv("PG2UNE_PRINT"))
		return print(getenv("PG2UNE_PRINT"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
