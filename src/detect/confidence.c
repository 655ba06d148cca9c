#include "pg2une/detect/confidence.h"

#include <math.h>

#include "pg2une/detect/changepoint.h"
#include "pg2une/detect/usl.h"

struct pgt_confidence
pgt_confidence(const struct pgt_evidence *e)
{
	struct pgt_confidence c = {.cusum = fmin(0.15 * e->cusum_families, 0.30)};

	if (e->usl && e->usl->valid && e->usl->deviation < PGT_USL_WARN)
		c.usl = 0.15;
	if (e->change_magnitude > PGT_CHANGEPOINT_MAGNITUDE)
		c.change_point = 0.15;
	if (e->seasonal_deviation > 0.30)
		c.seasonal = 0.10;
	c.value = fmin(1, c.cusum + c.usl + c.change_point + c.seasonal);
	c.high = c.value >= 0.30 - 1e-9; /* 0.15 + 0.15 is a hair below in binary */
	return c;
}
