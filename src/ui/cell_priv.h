/* Cells of tables: numbers with their unit, "-" for what is unknown. */
#ifndef PG2UNE_UI_CELL_PRIV_H
#define PG2UNE_UI_CELL_PRIV_H

#include <stdint.h>

#include "grid_priv.h"

void pgt_cell_text(struct pgt_cell *c, enum pgt_role role, const char *text);
void pgt_cell_num(struct pgt_cell *c, double v, int decimals); /* "1,920.0" */
void pgt_cell_int(struct pgt_cell *c, int64_t v);              /* -1 is unknown */
void pgt_cell_short(struct pgt_cell *c, double v);             /* "12.4k" */
void pgt_cell_bytes(struct pgt_cell *c, double v);
void pgt_cell_ms(struct pgt_cell *c, double v);
void pgt_cell_pct(struct pgt_cell *c, double ratio); /* 0..1 as 0..100 */
void pgt_cell_age(struct pgt_cell *c, int64_t ns);   /* -1 is unknown */
void pgt_cell_role_over(struct pgt_cell *c, double v, double warn, double bad);

/* "1,920.0"; "-" for NAN. */
char *pgt_num(double v, int decimals, char *buf, size_t size);
/* "99.1" of 0.991. */
char *pgt_pct(double ratio, char *buf, size_t size);
/* A rate as "-" when unknown. */
char *pgt_bytes(double v, char *buf, size_t size);
/* A count; "-" when it is negative, which is unknown. */
char *pgt_count(int64_t n, char *buf, size_t size);
char *pgt_ms(double v, char *buf, size_t size);
char *pgt_age(int64_t ns, char *buf, size_t size);
/* len bytes of s in so many letters, the middle left out: names often differ at an end.
 */
char *pgt_squeeze(const char *s, size_t len, size_t letters, char *buf, size_t size);

#endif
