/* A snapshot as JSON, for --batch, the service and the incident bundle.  Units
 * are in the names; what is unknown is null. */
#ifndef PG2UNE_ENGINE_SNAPSHOT_JSON_H
#define PG2UNE_ENGINE_SNAPSHOT_JSON_H

#include "pg2une/base/json.h"
#include "pg2une/observe/snapshot.h"

/* The caller owns the tree. */
cJSON *pgt_snapshot_json(const struct pgt_snapshot *s);

#endif
