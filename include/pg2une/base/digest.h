/* SHA-256 (libcrypto) and CRC-32C (Castagnoli, as the journal uses). Pure. */
#ifndef PG2UNE_BASE_DIGEST_H
#define PG2UNE_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/* Lower-case hex; ret holds 65 bytes. */
void pgt_digest_sha256(const void *data, size_t len, char ret_hex[65]);
/* CRC-32C, polynomial 0x1EDC6F41 reflected (RFC 3720 appendix B.4);
 * start with crc = 0 and feed the result back in. */
uint32_t pgt_digest_crc32c(uint32_t crc, const void *data, size_t len);
/* A random (version 4) UUID in text form; ret holds 37 bytes. */
void pgt_digest_uuid(char ret[37]);

#endif
