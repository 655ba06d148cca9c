/* What operators said of kinds of alerts, by family and, of statements, by queryid. */
#ifndef PG2UNE_DETECT_ATTEND_PRIV_H
#define PG2UNE_DETECT_ATTEND_PRIV_H

#include "pg2une/detect/result.h"

#define ATTENDS_MAX 64

struct attends {
	struct pgt_attend item[ATTENDS_MAX];
	size_t n;
};

/* The word on a's kind; NULL: none. */
const struct pgt_attend *attends_of(const struct attends *t, const struct pgt_alert *a);
/* The latest word on a kind wins; false: an older one than is known. */
bool attends_put(struct attends *t, const struct pgt_attend *word);
/* Mark an open alert with what holds of its kind. */
void attends_apply(const struct attends *t, struct pgt_alert *a);

#endif
