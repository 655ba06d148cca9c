/* pgt_safetext in every mode and at every limit: what comes out is safe, and safe text
 * comes out as it went in. */
#include "fuzz.h"

#include "pg2une/base/safetext.h"
#include "pg2une/base/str.h"

/* In BLOCK mode each line must be safe. */
static void
check_safe(const char *s, size_t len, enum pgt_safetext_mode mode)
{
	size_t i, from = 0;

	for (i = 0; i <= len; i++)
		if (i == len || (mode == PGT_SAFE_BLOCK && s[i] == '\n')) {
			CHECK(pgt_safetext_is_safe(s + from, i - from));
			from = i + 1;
		}
}

static void
check_mode(const uint8_t *data, size_t size, const char *text,
	   enum pgt_safetext_mode mode)
{
	struct pgt_buf out, again;
	size_t max;
	char *s;

	pgt_buf_init(&out, 1 << 24);
	pgt_safetext_put(&out, (const char *)data, size, mode);
	CHECK(!out.overflow);
	CHECK(strlen(pgt_buf_str(&out)) == out.len);
	check_safe(pgt_buf_str(&out), out.len, mode);
	CHECK(pgt_str_cells(pgt_buf_str(&out)) >= 0);

	pgt_buf_init(&again, 1 << 24);
	pgt_safetext_put(&again, pgt_buf_str(&out), out.len, mode);
	CHECK(strcmp(pgt_buf_str(&again), pgt_buf_str(&out)) == 0);
	pgt_buf_done(&again);
	pgt_buf_done(&out);

	max = size ? data[size - 1] % 40 : 0;
	s = pgt_safetext(text, mode, max);
	CHECK(strlen(s) <= max);
	check_safe(s, strlen(s), mode);
	free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), fixed[17];
	enum pgt_safetext_mode mode;

	for (mode = PGT_SAFE_LINE; mode <= PGT_SAFE_EXACT; mode++)
		check_mode(data, size, text, mode);
	pgt_safetext_copy(fixed, sizeof(fixed), text);
	CHECK(strlen(fixed) < sizeof(fixed));
	check_safe(fixed, strlen(fixed), PGT_SAFE_LINE);
	free(text);
	return 0;
}
