/* pgt_regex: flags, then the pattern's line, then the subject.  Groups lie within the
 * subject, and a match is what has groups. */
#include "fuzz.h"

#include "pg2une/base/regex.h"

enum { GROUPS = 8 };

static void
check_groups(const struct pgt_regex *re, const char *s, size_t len, bool inverted)
{
	int ovec[2 * GROUPS], n, i;
	size_t start = 0;

	n = pgt_regex_groups(re, s, len, 0, ovec, GROUPS);
	CHECK(n >= 0 && n <= GROUPS);
	if (n > 0)
		CHECK(pgt_regex_match(re, s, len) && !inverted);
	/* As a highlighter walks a line; it must end. */
	while (n > 0) {
		for (i = 0; i < 2 * n; i++)
			CHECK(ovec[i] >= -1 && ovec[i] <= (int)len);
		CHECK(ovec[1] >= (int)start || ovec[1] >= ovec[0]);
		start = (size_t)(ovec[1] > (int)start ? ovec[1] : (int)start + 1);
		n = start <= len ? pgt_regex_groups(re, s, len, start, ovec, GROUPS) : 0;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pgt_regex *re = NULL;
	struct pgt_err err = {0};
	const uint8_t *end;
	char *pattern, *subject;
	int flags;

	if (size < 1)
		return 0;
	flags = data[0] & 7;
	end = memchr(data + 1, '\n', size - 1);
	if (!end)
		return 0;
	pattern = fuzz_text(data + 1, (size_t)(end - data - 1));
	size -= (size_t)(end + 1 - data);
	subject = fuzz_text(end + 1, size);
	if (pgt_regex_new(pattern, flags, &re, &err) == 0)
		check_groups(re, subject, size,
			     (flags & PGT_RE_INVERT) && pattern[0] == '!');
	else
		CHECK(!re && err.code == PGT_E_PARSE && err.msg[0]);
	pgt_regex_free(re);
	free(pattern);
	free(subject);
	return 0;
}
