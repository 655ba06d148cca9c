/* What every played server's session and fence has alike; included by one .c of a program.
 * Opening, locking and reading are each test's own. */
#ifndef TEST_CHANGE_PLAYED_H
#define TEST_CHANGE_PLAYED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg2une/base/mem.h"
#include "pg2une/change/fence.h"
#include "pg2une/change/session.h"

struct pgt_direct {
	bool open;
};

struct pgt_direct *
pgt_direct_new(const struct pgt_connspec *spec, const char *label, struct pgt_pulse pulse)
{
	(void)spec;
	(void)label;
	(void)pulse;
	return pgt_xcalloc(1, sizeof(struct pgt_direct));
}

void
pgt_direct_free(struct pgt_direct *l)
{
	free(l);
}

void
pgt_direct_label(const char *what, const char *id, char *buf, size_t size)
{
	snprintf(buf, size, "%s %s", what, id);
}

cJSON *
pgt_fence_json(const struct pgt_fence *f)
{
	(void)f;
	return cJSON_CreateObject();
}

void
pgt_fence_from_json(const cJSON *json, struct pgt_fence *ret)
{
	(void)json;
	memset(ret, 0, sizeof(*ret));
}

#endif
