/* An empty schema: apart from its collecting, so that the advisors and their tests need
 * no connection. */
#include <math.h>

#include "pg2une/base/mem.h"
#include "pg2une/observe/schema.h"

#define ARENA_MAX (256u << 20)

struct pgt_schema *
pgt_schema_new(void)
{
	struct pgt_arena *a = pgt_arena_new(ARENA_MAX);
	struct pgt_schema *s = pgt_arena_alloc(a, sizeof(*s));
	struct pgt_sch_facts *f = &s->facts;

	s->arena = a;
	s->now.at_s = s->before.at_s = NAN;
	f->invalid_constraints = f->hba_trust = f->hba_trust_net = f->hba_md5 = -1;
	f->hba_password = f->hba_scram = f->md5_roles = f->superusers = f->login_roles =
	    -1;
	f->collation_mismatch = -1;
	f->archive_fail_age_s = f->archive_done_age_s = f->prepared_oldest_s = -1;
	f->wal_dir_bytes = -1;
	return s;
}

void
pgt_schema_free(struct pgt_schema *s)
{
	if (s)
		pgt_arena_free(s->arena);
}
