#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/evp.h>

#include "pg2une/base/digest.h"
#include "pg2une/base/str.h"

/* FIPS 180-4's own examples. */
static void
sha256(void **state)
{
	char hex[65];

	(void)state;
	pgt_digest_sha256("abc", 3, hex);
	assert_string_equal(
	    hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	pgt_digest_sha256("", 0, hex);
	assert_string_equal(
	    hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	pgt_digest_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, hex);
	assert_string_equal(
	    hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* Each length around the ends of blocks, beside libcrypto. */
static void
sha256_of_each_length(void **state)
{
	unsigned char data[200], md[32];
	char hex[65], want[65];
	unsigned int n;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7);
	for (size_t len = 0; len <= sizeof(data); len++) {
		assert_int_equal(EVP_Digest(data, len, md, &n, EVP_sha256(), NULL), 1);
		pgt_str_hex(md, 32, want);
		pgt_digest_sha256(data, len, hex);
		assert_string_equal(hex, want);
	}
}

/* The examples of RFC 3720 appendix B.4 (bytes there in wire order). */
static void
crc32c(void **state)
{
	unsigned char b[32];

	(void)state;
	memset(b, 0, sizeof(b));
	assert_int_equal(pgt_digest_crc32c(0, b, 32), 0x8a9136aa);
	memset(b, 0xff, sizeof(b));
	assert_int_equal(pgt_digest_crc32c(0, b, 32), 0x62a8ab43);
	for (unsigned char i = 0; i < 32; i++)
		b[i] = i;
	assert_int_equal(pgt_digest_crc32c(0, b, 32), 0x46dd794e);
	for (unsigned char i = 0; i < 32; i++)
		b[i] = 31 - i;
	assert_int_equal(pgt_digest_crc32c(0, b, 32), 0x113fdb5c);
	assert_int_equal(pgt_digest_crc32c(0, "123456789", 9), 0xe3069283);
	/* In pieces it is the same. */
	for (size_t cut = 0; cut <= 9; cut++)
		assert_int_equal(pgt_digest_crc32c(pgt_digest_crc32c(0, "123456789", cut),
						   "123456789" + cut, 9 - cut),
				 0xe3069283);
}

static void
uuid(void **state)
{
	char a[37], b[37];

	(void)state;
	for (int i = 0; i < 100; i++) {
		memset(a, '#', sizeof(a));
		pgt_digest_uuid(a);
		pgt_digest_uuid(b);
		assert_int_equal(strlen(a), 36);
		assert_true(a[8] == '-' && a[13] == '-' && a[18] == '-' && a[23] == '-');
		assert_int_equal(strspn(a, "0123456789abcdef-"), 36);
		assert_int_equal(a[14], '4');
		assert_non_null(strchr("89ab", a[19]));
		assert_string_not_equal(a, b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sha256),
	    cmocka_unit_test(sha256_of_each_length),
	    cmocka_unit_test(crc32c),
	    cmocka_unit_test(uuid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
