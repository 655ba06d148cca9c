/* What `config apply` and `config tune` share: the flow of a change. */
#ifndef PGT_CLI_CHANGE_PRIV_H
#define PGT_CLI_CHANGE_PRIV_H

#include "cli_priv.h"

struct pgt_changeset;

/* Run a changeset, or only check it, as PGT_CHANGE_OPTIONS say; takes cs. */
int pgt_cmd_change(struct pgt_cmd *c, struct pgt_changeset *take_cs, bool dry,
		   struct pgt_err *err) PGT_MUST_CHECK;

/* What became of it, into the history; where that fails stderr tells. */
void pgt_cmd_keep_change(struct pgt_cmd *c, const char *id);

#define PGT_CHANGE_OPTIONS \
    {.name = "dry-run", .type = PGT_OPT_BOOL, .help = "check and show, write nothing"}, \
    {.name = "step", .type = PGT_OPT_BOOL, .help = "ask before each stage and item"}, \
    {.name = "confirm", \
     .type = PGT_OPT_STR, \
     .arg = "HOW", \
     .dflt = "ask", \
     .help = "ask, auto (only a validated pass) or later (by `change confirm`)"}, \
    {.name = "deadline", \
     .type = PGT_OPT_DURATION, \
     .arg = "TIME", \
     .dflt = "600s", \
     .min = "1s", \
     .max = "7d", \
     .help = "unconfirmed for so long, it goes back by itself"}, \
    {.name = "stabilise", \
     .type = PGT_OPT_DURATION, \
     .arg = "TIME", \
     .dflt = "30s", \
     .min = "0s", \
     .max = "1h", \
     .help = "wait before it is judged"}, \
    {.name = "window", \
     .type = PGT_OPT_DURATION, \
     .arg = "TIME", \
     .dflt = "60s", \
     .min = "1s", \
     .max = "1h", \
     .help = "how long is measured, before and after"}, \
    {.name = "accept-pending", \
     .type = PGT_OPT_BOOL, \
     .help = "our reload may activate lines of others"}, \
    {.name = "accept-danger", \
     .type = PGT_OPT_BOOL, \
     .help = "take values that are refused as dangerous"}, \
    {.name = "allow-plaintext", \
     .type = PGT_OPT_BOOL, \
     .help = "write over TCP without TLS"}, \
    {.name = "libraries", \
     .type = PGT_OPT_STR, \
     .arg = "LIST", \
     .help = "libraries known to be installed, for *_preload_libraries"}

#endif
