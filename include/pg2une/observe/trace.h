/* Record and replay.  A trace is a file of JSON lines: one header line, then one
 * line a sample with the raw answers of the server and the times at which they
 * came.  Replay feeds them to the same code that a live sampler runs, so the
 * snapshots are the same, exactly; it reads no clock.  One thread at a time.
 *
 *   {"pg2une_trace":1,"server_version_num":170010,...}
 *   {"mono":1,"real":2,"tick":3,"r":[{"q":"basic","c":["now_us"],"d":[["17"]]},
 *    {"q":"io","e":["42501","permission denied"]}]} */
#ifndef PG2UNE_OBSERVE_TRACE_H
#define PG2UNE_OBSERVE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "pg2une/base/err.h"
#include "pg2une/observe/snapshot.h"

struct pgt_sampler_opts;

/* ---- record: given to pgt_sampler_record() ---- */

struct pgt_trace;

/* A new file, 0600, that must not exist; it stops growing at max_bytes (0: 64 MiB). */
int pgt_trace_new(const char *path, uint64_t max_bytes, struct pgt_trace **ret,
		  struct pgt_err *err) PGT_MUST_CHECK;
/* Flushes; -1 when something could not be written since the beginning. */
int pgt_trace_close(struct pgt_trace *t, struct pgt_err *err);

/* ---- replay ---- */

struct pgt_replay;

struct pgt_replay *pgt_replay_new(const struct pgt_sampler_opts *opts);
void pgt_replay_free(struct pgt_replay *r);
/* One line of a trace.  *ret is a snapshot with a reference for the caller, or
 * NULL after the header line.  At most 64 MiB. */
int pgt_replay_line(struct pgt_replay *r, const char *line, size_t len,
		    const struct pgt_snapshot **ret, struct pgt_err *err) PGT_MUST_CHECK;
/* The next snapshot of a file opened with _open: 1, 0 at the end, -1. */
int pgt_replay_open(struct pgt_replay *r, const char *path,
		    struct pgt_err *err) PGT_MUST_CHECK;
int pgt_replay_next(struct pgt_replay *r, const struct pgt_snapshot **ret,
		    struct pgt_err *err) PGT_MUST_CHECK;

#endif
