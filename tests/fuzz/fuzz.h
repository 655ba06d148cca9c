/* What every fuzz target shares.  A target is one file, tests/fuzz/fuzz_<name>.c, with
 * LLVMFuzzerTestOneInput(); its seeds, and each input that once failed, are in
 * tests/fuzz/corpus/<name>/.  It asserts what must hold for any input whatever:
 * the sanitizers only see what crashes. */
#ifndef PG2UNE_TESTS_FUZZ_H
#define PG2UNE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #cond);  \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* The input as a string on a heap block of its own size, so that reading a byte too
 * far is seen; free() it. */
static inline char *
fuzz_text(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1);

	if (!s)
		abort();
	if (size)
		memcpy(s, data, size);
	s[size] = '\0';
	return s;
}

#endif
