#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define OPENSSL_API_COMPAT 10100 /* the low-level digests are deprecated, and stay */
#include <openssl/sha.h>

#include "pg2une/base/digest.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"

void
pgt_digest_sha256(const void *data, size_t len, char ret_hex[65])
{
	unsigned char md[SHA256_DIGEST_LENGTH];
	SHA256_CTX ctx;

	/* Not EVP's, whose first digest loads the providers, their configuration and
	 * all error texts: 2 MB of every session, for one fingerprint. */
	SHA256_Init(&ctx);
	SHA256_Update(&ctx, data, len);
	SHA256_Final(md, &ctx);
	pgt_str_hex(md, sizeof(md), ret_hex);
}

uint32_t
pgt_digest_crc32c(uint32_t crc, const void *data, size_t len)
{
	/* The remainders of the 16 nibbles by 0x82f63b78, which is 0x1edc6f41 with
	 * its bits reversed. */
	static const uint32_t table[16] = {
	    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
	    0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
	    0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	const unsigned char *p = data;
	size_t i;

	crc = ~crc;
	for (i = 0; i < len; i++) {
		crc ^= p[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

void
pgt_digest_uuid(char ret[37])
{
	/* Where the dashes of 8-4-4-4-12 stand. */
	static const int groups[] = {4, 2, 2, 2, 6};
	unsigned char b[16];
	size_t i, at = 0;
	ssize_t n;

	do
		n = getrandom(b, sizeof(b), 0);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(b))
		abort(); /* no kernel that runs us lacks it; never an unrandom identity */
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); /* RFC 4122 section 4.4 */
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	for (i = 0; i < PGT_LEN(groups); i++) {
		pgt_str_hex(b + at, (size_t)groups[i], ret);
		ret += 2 * groups[i];
		at += (size_t)groups[i];
		*ret++ = '-';
	}
	ret[-1] = '\0';
}
