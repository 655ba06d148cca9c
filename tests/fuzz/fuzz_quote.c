/* Quoting of names and literals: what the server would read back is what went in, and
 * nothing ends the quotes early. */
#include "fuzz.h"

#include "pg2une/pg/quote.h"

/* Reads one quoted token at s by the server's rules into a new string; *ret_end stands
 * behind it.  Backslashes escape only in E'...'. */
static char *
unquote(const char *s, char quote, const char **ret_end)
{
	bool escapes = *s == 'E';
	char *out = malloc(strlen(s) + 1);
	size_t n = 0;

	if (!out)
		abort();
	s += escapes;
	CHECK(*s == quote);
	for (s++;; s++) {
		CHECK(*s);
		if (escapes && *s == '\\') {
			CHECK(s[1] == '\\');
			s++;
		} else if (*s == quote && s[1] == quote) {
			s++;
		} else if (*s == quote) {
			break;
		} else if (*s == '\\') {
			/* Without E it would depend on standard_conforming_strings. */
			CHECK(quote == '"');
		}
		out[n++] = *s;
	}
	out[n] = '\0';
	*ret_end = s + 1;
	return out;
}

static void
check(const char *text, char *take_quoted, char quote, const struct pgt_err *err)
{
	const char *end;
	char *back;

	if (!take_quoted) {
		CHECK(err->code != PGT_E_NONE);
		return;
	}
	back = unquote(take_quoted[0] == ' ' ? take_quoted + 1 : take_quoted, quote,
		       &end);
	CHECK(strcmp(back, text) == 0);
	CHECK(*end == '\0');
	free(back);
	free(take_quoted);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *min;
	struct pgt_err err = {0};

	check(text, pgt_quote_ident(text, &err), '"', &err);
	check(text, pgt_quote_literal(text, &err), '\'', &err);
	min = pgt_quote_ident_min(text, &err);
	if (min && min[0] == '"')
		check(text, min, '"', &err);
	else if (min) {
		CHECK(strcmp(min, text) == 0);
		CHECK(strspn(min, "abcdefghijklmnopqrstuvwxyz0123456789_$") ==
		      strlen(min));
		free(min);
	}
	pgt_quote_is_list_setting(text);
	free(text);
	return 0;
}
