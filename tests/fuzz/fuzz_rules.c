/* Rule programs: refused with a place, or compiled; what is derived can be explained. */
#include "fuzz.h"

#include "pg2une/decide/datalog.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct pgt_datalog *dl;
	struct pgt_err err = {0};
	const char *name;
	size_t arity;
	bool derived;

	if (pgt_datalog_new("fuzz", text, size, &dl, &err) < 0) {
		CHECK(err.code == PGT_E_PARSE || err.code == PGT_E_LIMIT);
		CHECK(err.code != PGT_E_PARSE || strncmp(err.msg, "fuzz:", 5) == 0);
		free(text);
		return 0;
	}
	free(text); /* nothing may point into it */
	if (size < 256 && pgt_datalog_run(dl, &err) == 0) {
		for (size_t i = 0; pgt_datalog_pred(dl, i, &name, &arity, &derived);
		     i++) {
			struct pgt_buf why;

			CHECK(arity <= PGT_DL_ARGS);
			if (arity != 0)
				continue;
			pgt_buf_init(&why, 1 << 16);
			if (pgt_datalog_holds(dl, name, NULL, 0)) {
				CHECK(pgt_datalog_explain(dl, name, NULL, 0, &why,
							  &err) == 0 ||
				      err.code == PGT_E_LIMIT);
				CHECK(!strstr(pgt_buf_str(&why), "   unexplained\n"));
			}
			pgt_buf_done(&why);
		}
	}
	pgt_datalog_free(dl);
	return 0;
}
