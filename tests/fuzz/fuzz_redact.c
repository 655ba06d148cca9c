/* pgt_safetext_redact on any text; and a secret in each of its usual places never comes
 * out, whatever text follows. */
#include "fuzz.h"

#include "pg2une/base/safetext.h"

#define SECRET "s3cr3tc4n4ry"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const forms[] = {
	    "x\nALTER ROLE r PASSWORD '" SECRET "';\n",
	    "x\nhost=h sslpassword=" SECRET " user=u\n",
	    "x\npostgres://u:" SECRET "@h/db\n",
	    "x\nAuthorization: Basic " SECRET "\n",
	};
	char *text = fuzz_text(data, size), *out = pgt_safetext_redact(text);
	size_t i, len = strlen(text);

	CHECK(strlen(out) <= 3 * len + 3);
	free(out);
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		char *both = malloc(strlen(forms[i]) + len + 1);

		if (!both)
			abort();
		memcpy(both, forms[i], strlen(forms[i]));
		memcpy(both + strlen(forms[i]), text, len + 1);
		out = pgt_safetext_redact(both);
		CHECK(strstr(text, SECRET) || !strstr(out, SECRET));
		free(out);
		free(both);
	}
	free(text);
	return 0;
}
