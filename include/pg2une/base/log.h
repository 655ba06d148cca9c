/* A log file for post-mortems; nothing is written unless it was opened.  Lines
 * carry time, level and safe text; secrets are redacted.  Any thread. */
#ifndef PG2UNE_BASE_LOG_H
#define PG2UNE_BASE_LOG_H

#include "pg2une/base/err.h"

enum pgt_loglevel { PGT_LOG_DEBUG, PGT_LOG_INFO, PGT_LOG_WARN, PGT_LOG_ERROR };

int pgt_log_open(const char *path, enum pgt_loglevel min, struct pgt_err *err);
void pgt_log_close(void);
void pgt_log(enum pgt_loglevel level, const char *fmt, ...) PGT_PRINTF(2, 3);

#endif
