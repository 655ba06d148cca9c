#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/base/regex.h"

/* About a millisecond on one core: measured with (a+)+$ on 20 kB. */
#define STEPS_MAX         200000
#define HEAP_MAX_KIB      4096
#define PATTERN_MAX_BYTES 1024

struct pgt_regex {
	pcre2_code *code;
	pcre2_match_context *context;
	bool invert;
	bool all; /* an empty pattern, or "!" alone while it is being typed */
};

/* A pattern has an upper case letter outside an escape such as \S or \P. */
static bool
has_upper(const char *pattern)
{
	static const char probe[] = "^(?:\\\\.|[^\\\\\\p{Lu}])*+\\p{Lu}";
	pcre2_match_data *md;
	pcre2_code *code;
	PCRE2_SIZE at;
	int rc;

	code = pcre2_compile((PCRE2_SPTR)probe, PCRE2_ZERO_TERMINATED,
			     PCRE2_UTF | PCRE2_DOTALL | PCRE2_MATCH_INVALID_UTF, &rc, &at,
			     NULL);
	if (!code)
		pgt_mem_abort();
	md = pcre2_match_data_create(1, NULL);
	if (!md)
		pgt_mem_abort();
	rc = pcre2_match(code, (PCRE2_SPTR)pattern, strlen(pattern), 0, 0, md, NULL);
	pcre2_match_data_free(md);
	pcre2_code_free(code);
	return rc >= 0;
}

static int
compile(const char *pattern, uint32_t options, pcre2_code **ret, struct pgt_err *err)
{
	pcre2_compile_context *cc = pcre2_compile_context_create(NULL);
	PCRE2_UCHAR why[128];
	pcre2_code *code;
	PCRE2_SIZE at = 0;
	int number = 0;

	if (!cc)
		pgt_mem_abort();
	pcre2_set_max_pattern_length(cc, PATTERN_MAX_BYTES);
	pcre2_set_parens_nest_limit(cc, 50);
	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &number,
			     &at, cc);
	pcre2_compile_context_free(cc);
	if (!code) {
		pcre2_get_error_message(number, why, sizeof(why));
		return pgt_err_set(err, PGT_E_PARSE, "pattern at offset %zu: %s", at,
				   (const char *)why);
	}
	/* Where there is no JIT (or no executable memory) the interpreter serves. */
	pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	*ret = code;
	return 0;
}

int
pgt_regex_new(const char *pattern, int flags, struct pgt_regex **ret, struct pgt_err *err)
{
	uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C |
			   PCRE2_AUTO_CALLOUT;
	bool invert = (flags & PGT_RE_INVERT) && pattern[0] == '!';
	struct pgt_regex *re;
	pcre2_code *code = NULL;

	pattern += invert;
	if ((flags & PGT_RE_SMARTCASE) && !has_upper(pattern))
		options |= PCRE2_CASELESS;
	if (flags & PGT_RE_MULTILINE)
		options |= PCRE2_MULTILINE;
	if (compile(pattern, options, &code, err) < 0)
		return -1;

	re = pgt_xcalloc(1, sizeof(*re));
	re->code = code;
	re->invert = invert;
	re->all = pattern[0] == '\0';
	re->context = pcre2_match_context_create(NULL);
	if (!re->context)
		pgt_mem_abort();
	pcre2_set_match_limit(re->context, STEPS_MAX);
	pcre2_set_heap_limit(re->context, HEAP_MAX_KIB);
	*ret = re;
	return 0;
}

void
pgt_regex_free(struct pgt_regex *re)
{
	if (!re)
		return;
	pcre2_match_context_free(re->context);
	pcre2_code_free(re->code);
	free(re);
}

/* PCRE2 counts its match limit anew from each start offset; this one counts the
 * items tried in the whole call. */
static int
count_step(pcre2_callout_block *block, void *data)
{
	int *steps = data;

	(void)block;
	return ++*steps > STEPS_MAX ? PCRE2_ERROR_MATCHLIMIT : 0;
}

/* Groups found (0: none); the caller frees *ret_md.  What changes during a match
 * is made anew for each, so that threads may share one expression. */
static int
run(const struct pgt_regex *re, const char *s, size_t len, size_t start,
    pcre2_match_data **ret_md)
{
	pcre2_match_context *context = pcre2_match_context_copy(re->context);
	pcre2_match_data *md = pcre2_match_data_create_from_pattern(re->code, NULL);
	int steps = 0, rc;

	if (!context || !md)
		pgt_mem_abort();
	pcre2_set_callout(context, count_step, &steps);
	rc = pcre2_match(re->code, (PCRE2_SPTR)s, len, start, 0, md, context);
	pcre2_match_context_free(context);
	*ret_md = md;
	return rc > 0 ? rc : 0;
}

bool
pgt_regex_match(const struct pgt_regex *re, const char *s, size_t len)
{
	pcre2_match_data *md;
	bool found;

	if (re->all)
		return true;
	found = run(re, s, len, 0, &md) > 0;
	pcre2_match_data_free(md);
	return found != re->invert;
}

int
pgt_regex_groups(const struct pgt_regex *re, const char *s, size_t len, size_t start,
		 int *ovec, int max_groups)
{
	pcre2_match_data *md;
	PCRE2_SIZE *found;
	int n, i;

	if (re->all || re->invert || start > len)
		return 0;
	n = run(re, s, len, start, &md);
	if (n > max_groups)
		n = max_groups;
	found = pcre2_get_ovector_pointer(md);
	for (i = 0; i < 2 * n; i++)
		ovec[i] = found[i] == PCRE2_UNSET ? -1 : (int)found[i];
	pcre2_match_data_free(md);
	return n;
}
