#include "nlopt_priv.h"

struct pgt_nlopt pgt_nlopt;

static const char *const names[] = {NLOPT(PGT_DYNLIB_NAME)};
static struct pgt_dynlib lib = PGT_DYNLIB("libnlopt.so.0", "libnlopt0", names, pgt_nlopt);

int
pgt_nlopt_open(struct pgt_err *err)
{
	return pgt_dynlib_open(&lib, err);
}
