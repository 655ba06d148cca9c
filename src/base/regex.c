#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/base/regex.h"

/* Steps of one call: some milliseconds on one core, measured with (a+)+$ on 20 kB. */
#define FAST_STEPS_MAX    1000000
#define STEPS_MAX         200000
#define HEAP_MAX_KIB      16384
#define PATTERN_MAX_BYTES 1024

/* PCRE2 counts its match limit anew from each start offset.  So the fast code, by
 * JIT, gets a limit that the subject's length divides; where that or JIT's stack is
 * too little, the counted code decides, interpreted, with a callout at each item
 * that counts what the whole call tries. */
struct pgt_regex {
	pcre2_code *fast, *counted;
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
	*ret = code;
	return 0;
}

int
pgt_regex_new(const char *pattern, int flags, struct pgt_regex **ret, struct pgt_err *err)
{
	uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
	bool invert = (flags & PGT_RE_INVERT) && pattern[0] == '!';
	pcre2_code *fast = NULL, *counted = NULL;
	struct pgt_regex *re;

	pattern += invert;
	if ((flags & PGT_RE_SMARTCASE) && !has_upper(pattern))
		options |= PCRE2_CASELESS;
	if (flags & PGT_RE_MULTILINE)
		options |= PCRE2_MULTILINE;
	if (compile(pattern, options, &fast, err) < 0 ||
	    compile(pattern, options | PCRE2_AUTO_CALLOUT, &counted, err) < 0) {
		pcre2_code_free(fast);
		return -1;
	}
	/* Where there is no JIT (or no executable memory) the interpreter serves. */
	pcre2_jit_compile(fast, PCRE2_JIT_COMPLETE);

	re = pgt_xcalloc(1, sizeof(*re));
	re->fast = fast;
	re->counted = counted;
	re->invert = invert;
	re->all = pattern[0] == '\0';
	*ret = re;
	return 0;
}

void
pgt_regex_free(struct pgt_regex *re)
{
	if (!re)
		return;
	pcre2_code_free(re->fast);
	pcre2_code_free(re->counted);
	free(re);
}

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
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	pcre2_match_data *md = pcre2_match_data_create_from_pattern(re->fast, NULL);
	uint32_t limit = (uint32_t)(FAST_STEPS_MAX / (len + 1));
	int steps = 0, rc;

	if (!context || !md)
		pgt_mem_abort();
	pcre2_set_heap_limit(context, HEAP_MAX_KIB);
	pcre2_set_match_limit(context, limit > 20 ? limit : 20);
	rc = pcre2_match(re->fast, (PCRE2_SPTR)s, len, start, 0, md, context);
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH) {
		pcre2_set_match_limit(context, STEPS_MAX);
		pcre2_set_callout(context, count_step, &steps);
		rc = pcre2_match(re->counted, (PCRE2_SPTR)s, len, start, 0, md, context);
	}
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
