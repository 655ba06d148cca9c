/* How much speaks for acting: the reference's sum, by families. */
#ifndef PG2UNE_DETECT_CONFIDENCE_H
#define PG2UNE_DETECT_CONFIDENCE_H

#include "pg2une/detect/result.h"

struct pgt_evidence {
	unsigned cusum_families;   /* families with an open degradation alarm */
	const struct pgt_usl *usl; /* NULL or not valid: nothing known */
	double change_magnitude;   /* largest of the last run, 0 if none */
	double seasonal_deviation; /* largest |value / expected - 1|, 0 if unknown */
};

/* 0.15 per family up to 0.30; + 0.15 USL deviation < -0.15; + 0.15 change point above
 * 0.10; + 0.10 more than 30 % off the seasonal range; high from 0.30. */
struct pgt_confidence pgt_confidence(const struct pgt_evidence *e);

#endif
