#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/infra/router.h"

static const struct pgt_router_ops *const routers[] = {
    &pgt_router_pgbouncer,
    &pgt_router_haproxy,
    &pgt_router_hook,
};

const struct pgt_router_ops *
pgt_router_find(const char *name)
{
	for (size_t i = 0; i < PGT_LEN(routers); i++)
		if (strcmp(routers[i]->name, name) == 0)
			return routers[i];
	return NULL;
}
