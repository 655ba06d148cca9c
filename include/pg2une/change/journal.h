/* The journal of one changeset: append-only, checksummed, durable before each
 * act.  reference/safety.md section 3: server changed => durable INTENT; only
 * the last record may be torn; a failed fdatasync kills the journal and is never
 * tried again.  Console, guard and `change confirm` may append to one file: each
 * append holds a lock, reads what others wrote and checks a condition.
 * Owner: the exec thread, the guard or the command line; one handle, one thread.
 *
 * File: 8 bytes "PG2UJ1\n\0", then records, all little-endian:
 *   u32 magic "PGJR" | u32 payload length | u32 seq from 1 | u16 type | u16 0
 *   | i64 nanoseconds since the epoch | payload, JSON | u32 CRC-32C
 * where the CRC runs over all before it and is seeded with the CRC of the record
 * before (of the file's header for the first), so records cannot be moved. */
#ifndef PG2UNE_CHANGE_JOURNAL_H
#define PG2UNE_CHANGE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/base/json.h"

enum pgt_jtype {
	PGT_J_PLAN = 1,	  /* the changeset, who, where */
	PGT_J_FENCE,	  /* the node it is meant for */
	PGT_J_PREV,	  /* state of item i before */
	PGT_J_ARMED,	  /* the guard answered: pid, start, boot, deadline */
	PGT_J_INTENT,	  /* item i, or the reload (i = -1), is about to be done */
	PGT_J_DONE,	  /* it was done: a hint only */
	PGT_J_VERIFIED,
	PGT_J_VALIDATED,  /* verdict and figures */
	PGT_J_CONFIRMED,  /* it stays */
	PGT_J_RB_REQUEST, /* somebody asks whoever holds it to roll back */
	PGT_J_RB_BEGIN,	  /* from here it can only go back */
	PGT_J_RB_INTENT,
	PGT_J_RB_DONE,
	PGT_J_CLOSED,	  /* outcome: nothing more will be done */
	PGT_J_NOTE,
};
#define PGT_J_LAST PGT_J_NOTE

const char *pgt_jtype_name(enum pgt_jtype type); /* "PLAN", "?" */

struct pgt_jrec {
	uint32_t seq;
	enum pgt_jtype type;
	int64_t real_ns;
	cJSON *body; /* an object, owned by the journal */
};

enum pgt_jhealth {
	PGT_JH_OK = 0,
	PGT_JH_TORN,	/* the last record is incomplete: it was never acted upon */
	PGT_JH_CORRUPT, /* damaged before the end: inspect only */
};

struct pgt_journal;

/* Make <dir>/cs-<id>.jnl (O_EXCL, 0600), reserve room for plan_bytes and for a
 * rollback, and make the name durable.  The caller owns *ret. */
int pgt_journal_create(const char *dir, const char *id, size_t plan_bytes,
		       struct pgt_journal **ret, struct pgt_err *err) PGT_MUST_CHECK;
/* Open an existing one to append; our own regular file, not a link. */
int pgt_journal_open(const char *path, struct pgt_journal **ret,
		     struct pgt_err *err) PGT_MUST_CHECK;
/* To read only.  A damaged file is no error: see pgt_journal_health(). */
int pgt_journal_read(const char *path, struct pgt_journal **ret,
		     struct pgt_err *err) PGT_MUST_CHECK;
/* From memory: what the reader makes of any bytes. */
struct pgt_journal *pgt_journal_parse(const void *data, size_t len);
void pgt_journal_close(struct pgt_journal *j);

/* May the append still be made?  Called under the lock, after a refresh; fills
 * err and returns false to refuse. */
typedef bool pgt_journal_cond(const struct pgt_journal *j, void *arg,
			      struct pgt_err *err);

/* Durable on return 0.  body is borrowed.  PGT_E_CONFLICT when another writer
 * holds the lock too long, PGT_E_IO when the disk refused: forward records are
 * then refused for good, those of a rollback (RB_*, CLOSED, NOTE) still try to
 * use the reserve, unless it was fdatasync that failed. */
int pgt_journal_append(struct pgt_journal *j, enum pgt_jtype type, const cJSON *body,
		       pgt_journal_cond *cond, void *arg,
		       struct pgt_err *err) PGT_MUST_CHECK;
/* Read what others appended since; the number of new records, -1 on error. */
int pgt_journal_refresh(struct pgt_journal *j, struct pgt_err *err);
/* Give back the room that was reserved, once it is CLOSED. */
void pgt_journal_trim(struct pgt_journal *j);
/* Its file is no longer there by its name: nobody will ever read it. */
bool pgt_journal_removed(const struct pgt_journal *j);

size_t pgt_journal_count(const struct pgt_journal *j);
const struct pgt_jrec *pgt_journal_at(const struct pgt_journal *j, size_t i);
/* The newest of a type; NULL when there is none. */
const struct pgt_jrec *pgt_journal_last(const struct pgt_journal *j, enum pgt_jtype type);
enum pgt_jhealth pgt_journal_health(const struct pgt_journal *j);
bool pgt_journal_dead(const struct pgt_journal *j);
const char *pgt_journal_path(const struct pgt_journal *j);

#endif
