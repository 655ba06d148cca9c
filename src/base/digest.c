#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "pg2une/base/digest.h"
#include "pg2une/base/mem.h"
#include "pg2une/base/str.h"

/* FIPS 180-4.  Not libcrypto's, whose first digest loads its providers, its
 * configuration and all error texts: 2 MB of every session, for one fingerprint. */

static uint32_t
rotr(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

/* Section 6.2.2; k are the first 32 bits of the fractional parts of the cube roots of
 * the first 64 primes (4.2.2). */
static void
sha256_block(uint32_t h[8], const unsigned char *p)
{
	static const uint32_t k[64] = {
	    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
	};
	uint32_t w[64], v[8], t1, t2;
	int t;

	for (t = 0; t < 16; t++, p += 4)
		w[t] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
		       p[3];
	for (; t < 64; t++)
		w[t] = (rotr(w[t - 2], 17) ^ rotr(w[t - 2], 19) ^ w[t - 2] >> 10) +
		       w[t - 7] +
		       (rotr(w[t - 15], 7) ^ rotr(w[t - 15], 18) ^ w[t - 15] >> 3) +
		       w[t - 16];
	memcpy(v, h, sizeof(v));
	for (t = 0; t < 64; t++) {
		t1 = v[7] + (rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25)) +
		     ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[t] + w[t];
		t2 = (rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22)) +
		     ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (t = 0; t < 8; t++)
		h[t] += v[t];
}

void
pgt_digest_sha256(const void *data, size_t len, char ret_hex[65])
{
	uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
			 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	unsigned char tail[128] = {0}, md[32];
	const unsigned char *p = data;
	size_t rest = len % 64, end = rest < 56 ? 64 : 128, i;

	for (i = 0; i + 64 <= len; i += 64)
		sha256_block(h, p + i);
	/* a one bit, zeros, and the length in bits at the end of a block (5.1.1) */
	if (rest)
		memcpy(tail, p + i, rest);
	tail[rest] = 0x80;
	for (i = 0; i < 8; i++)
		tail[end - 1 - i] = (unsigned char)((uint64_t)len * 8 >> 8 * i);
	for (i = 0; i < end; i += 64)
		sha256_block(h, tail + i);
	for (i = 0; i < 32; i++)
		md[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
	pgt_str_hex(md, 32, ret_hex);
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
