#ifndef PG2UNE_CHANGE_JOURNAL_PRIV_H
#define PG2UNE_CHANGE_JOURNAL_PRIV_H

#include "pg2une/change/journal.h"

#define PGT_J_HEAD	"PG2UJ1\n"	/* with its NUL: 8 bytes */
#define PGT_J_HEAD_LEN	8
#define PGT_J_MAGIC	UINT32_C(0x524a4750)
#define PGT_J_FIXED	24		/* bytes before the payload */
#define PGT_J_OVERHEAD	(PGT_J_FIXED + 4)
#define PGT_J_BODY_MAX	(256 * 1024)
#define PGT_J_FILE_MAX	(8 * 1024 * 1024)
#define PGT_J_ROOM	(64 * 1024)	/* reserved at least */
#define PGT_J_RESERVE	(24 * 1024)	/* of it kept for a rollback */

struct pgt_journal {
	char *path;
	int fd;			/* -1 when parsed from memory */
	bool writable;
	bool no_forward;	/* a write failed: only what a rollback needs */
	bool dead;		/* fdatasync failed: nothing more */
	size_t room;		/* bytes reserved, 0 unknown */
	enum pgt_jhealth health;
	size_t good;		/* offset after the last whole record */
	uint32_t crc;		/* of the last whole record */
	uint32_t seq;
	struct pgt_jrec *recs;
	size_t n, cap;
};

/* Read records from data, which begins at file offset j->good. */
void pgt_journal_scan(struct pgt_journal *j, const unsigned char *data, size_t len);
/* One record as bytes; the caller frees. */
unsigned char *pgt_journal_encode(const struct pgt_journal *j, enum pgt_jtype type,
				  int64_t real_ns, const char *body, size_t *ret_len);

#endif
