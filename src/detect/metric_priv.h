/* The transformation of a metric: what its chart counts in. */
#ifndef PG2UNE_DETECT_METRIC_PRIV_H
#define PG2UNE_DETECT_METRIC_PRIV_H

#include "pg2une/detect/metric.h"

double metric_forward(const struct pgt_metric_def *def, double v);
double metric_backward(const struct pgt_metric_def *def, double x);

#endif
