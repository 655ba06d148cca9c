/* Setting values and units: finite or refused, and equal to themselves. */
#include <math.h>

#include "fuzz.h"

#include "pg2une/pg/unit.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const units[] = {NULL, "8kB", "kB", "B",
					    "MB", "ms",  "s",  "min"};
	static const char *const types[] = {"integer", "real", "bool", "enum", "string"};
	char *text = fuzz_text(data, size), shown[64];
	struct pgt_err err = {0};
	const char *unit = units[size ? data[0] % 8 : 0];
	double v;

	if (pgt_unit_parse(text, unit, &v, &err) == 0)
		CHECK(isfinite(v));
	else
		CHECK(err.code != PGT_E_NONE);
	if (pgt_unit_to_base(text, unit, size & 1, &v, &err) == 0) {
		CHECK(isfinite(v));
		if (size & 1)
			CHECK(v == nearbyint(v));
		pgt_unit_format(v, unit, shown, sizeof(shown));
		CHECK(strlen(shown) < sizeof(shown));
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		CHECK(pgt_unit_equal(text, text, types[i], unit));
	free(text);
	return 0;
}
