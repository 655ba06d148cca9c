/* Workload class from interval rates, with hysteresis.  Points as the first
 * pg2une gave them (reference/pg2une.md section 2), but from rates: OLTP 2 for
 * more than 100 tps and 1 for more than 50 active sessions; OLAP 2 for p99 above
 * 100 ms and 2 for more than 100 MB of temporary files a minute.  A side wins by
 * more than one point, else mixed; the class changes when the same new verdict
 * has held for PGT_WORKLOAD_HOLD_NS.  Pure; one owner. */
#ifndef PG2UNE_OBSERVE_WORKLOAD_H
#define PG2UNE_OBSERVE_WORKLOAD_H

#include <stdint.h>

#include "pg2une/observe/snapshot.h"

#define PGT_WORKLOAD_HOLD_NS INT64_C(30000000000)

struct pgt_workload_state {
	enum pgt_workload now, candidate;
	int64_t since_ns; /* of the candidate */
	double tps, active, p99_ms, temp_bps; /* smoothed over about 10 s */
	int64_t last_ns;
};

struct pgt_workload_input {
	int64_t mono_ns;
	double tps, active, p99_ms, temp_bytes_ps; /* NAN: not measured */
};

/* The class after this input; UNKNOWN until something was measured. */
enum pgt_workload pgt_workload_step(struct pgt_workload_state *w,
				    const struct pgt_workload_input *in);

#endif
