/* Bytes to records: must make sense of anything, since it reads what a crash or
 * a failing disk left. */
#include <stdlib.h>
#include <string.h>

#include "journal_priv.h"
#include "pg2une/base/digest.h"
#include "pg2une/base/mem.h"

static const char *const type_names[] = {
    [PGT_J_PLAN] = "PLAN",	     [PGT_J_FENCE] = "FENCE",
    [PGT_J_PREV] = "PREV",	     [PGT_J_ARMED] = "ARMED",
    [PGT_J_INTENT] = "INTENT",	     [PGT_J_DONE] = "DONE",
    [PGT_J_VERIFIED] = "VERIFIED",   [PGT_J_VALIDATED] = "VALIDATED",
    [PGT_J_CONFIRMED] = "CONFIRMED", [PGT_J_RB_REQUEST] = "RB_REQUEST",
    [PGT_J_RB_BEGIN] = "RB_BEGIN",   [PGT_J_RB_INTENT] = "RB_INTENT",
    [PGT_J_RB_DONE] = "RB_DONE",     [PGT_J_CLOSED] = "CLOSED",
    [PGT_J_NOTE] = "NOTE",
};

const char *
pgt_jtype_name(enum pgt_jtype type)
{
	if (type < PGT_J_PLAN || type > PGT_J_LAST)
		return "?";
	return type_names[type];
}

static uint32_t
get_u32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static uint64_t
get_u64(const unsigned char *p)
{
	return get_u32(p) | (uint64_t)get_u32(p + 4) << 32;
}

static void
put_u32(unsigned char *p, uint32_t v)
{
	p[0] = (unsigned char)v;
	p[1] = (unsigned char)(v >> 8);
	p[2] = (unsigned char)(v >> 16);
	p[3] = (unsigned char)(v >> 24);
}

static uint32_t
head_crc(void)
{
	return pgt_digest_crc32c(0, PGT_J_HEAD, PGT_J_HEAD_LEN);
}

/* Length of the whole record at p, 0 when its bytes do not add up. */
static size_t
whole_record(const unsigned char *p, size_t len, uint32_t seed)
{
	size_t body;

	if (len < PGT_J_OVERHEAD || get_u32(p) != PGT_J_MAGIC)
		return 0;
	body = get_u32(p + 4);
	if (body > PGT_J_BODY_MAX || body > len - PGT_J_OVERHEAD)
		return 0;
	if (pgt_digest_crc32c(seed, p, PGT_J_FIXED + body) !=
	    get_u32(p + PGT_J_FIXED + body))
		return 0;
	return PGT_J_OVERHEAD + body;
}

/* Is there a record after the damage?  Then it is not the last one that is torn.
 * A later record is seeded with the four bytes before it or, when just those are
 * damaged, with what they should have been. */
static bool
record_follows(const unsigned char *p, size_t len, uint32_t seed, uint32_t last_seq)
{
	size_t i, body;
	int tries = 0;

	if (len >= PGT_J_OVERHEAD && (body = get_u32(p + 4)) <= len - PGT_J_OVERHEAD &&
	    whole_record(p + PGT_J_OVERHEAD + body, len - PGT_J_OVERHEAD - body,
			 pgt_digest_crc32c(seed, p, PGT_J_FIXED + body)))
		return true;
	for (i = 4; i + PGT_J_OVERHEAD <= len && tries < 256; i++) {
		if (get_u32(p + i) != PGT_J_MAGIC)
			continue;
		tries++;
		if (get_u32(p + i + 8) > last_seq &&
		    whole_record(p + i, len - i, get_u32(p + i - 4)))
			return true;
	}
	return false;
}

static bool
keep_record(struct pgt_journal *j, const unsigned char *p, size_t size)
{
	unsigned int type = (unsigned int)p[12] | (unsigned int)p[13] << 8;
	uint32_t seq = get_u32(p + 8);
	struct pgt_jrec *rec;
	cJSON *body;

	if (type < PGT_J_PLAN || type > PGT_J_LAST || seq != j->seq + 1)
		return false;
	body = pgt_json_parse((const char *)p + PGT_J_FIXED, size - PGT_J_OVERHEAD,
			      PGT_J_BODY_MAX, NULL);
	if (!cJSON_IsObject(body)) {
		cJSON_Delete(body);
		return false;
	}
	if (j->n == j->cap) {
		j->cap = j->cap ? j->cap * 2 : 16;
		j->recs = pgt_xreallocarray(j->recs, j->cap, sizeof(*j->recs));
	}
	rec = &j->recs[j->n++];
	rec->seq = seq;
	rec->type = (enum pgt_jtype)type;
	rec->real_ns = (int64_t)get_u64(p + 16);
	rec->body = body;
	return true;
}

void
pgt_journal_scan(struct pgt_journal *j, const unsigned char *data, size_t len)
{
	size_t at = 0, size;

	j->health = PGT_JH_OK;
	if (j->good == 0) {
		if (len < PGT_J_HEAD_LEN) {
			j->health = memcmp(data, PGT_J_HEAD, len) ? PGT_JH_CORRUPT
								  : PGT_JH_TORN;
			return;
		}
		if (memcmp(data, PGT_J_HEAD, PGT_J_HEAD_LEN) != 0) {
			j->health = PGT_JH_CORRUPT;
			return;
		}
		at = j->good = PGT_J_HEAD_LEN;
		j->crc = head_crc();
	}
	while (at < len) {
		size = whole_record(data + at, len - at, j->crc);
		if (size == 0) {
			j->health = record_follows(data + at, len - at, j->crc, j->seq)
					? PGT_JH_CORRUPT
					: PGT_JH_TORN;
			return;
		}
		if (!keep_record(j, data + at, size)) {
			j->health = PGT_JH_CORRUPT; /* whole, yet not ours */
			return;
		}
		j->seq++;
		j->crc = get_u32(data + at + size - 4);
		at += size;
		j->good += size;
	}
}

struct pgt_journal *
pgt_journal_parse(const void *data, size_t len)
{
	struct pgt_journal *j = pgt_xcalloc(1, sizeof(*j));

	j->fd = -1;
	j->path = pgt_xstrdup("");
	pgt_journal_scan(j, data, len);
	return j;
}

unsigned char *
pgt_journal_encode(const struct pgt_journal *j, enum pgt_jtype type, int64_t real_ns,
		   const char *body, size_t *ret_len)
{
	size_t body_len = strlen(body), size = PGT_J_OVERHEAD + body_len;
	unsigned char *p = pgt_xcalloc(1, size);

	put_u32(p, PGT_J_MAGIC);
	put_u32(p + 4, (uint32_t)body_len);
	put_u32(p + 8, j->seq + 1);
	p[12] = (unsigned char)type;
	put_u32(p + 16, (uint32_t)(uint64_t)real_ns);
	put_u32(p + 20, (uint32_t)((uint64_t)real_ns >> 32));
	memcpy(p + PGT_J_FIXED, body, body_len);
	put_u32(p + size - 4, pgt_digest_crc32c(j->crc, p, size - 4));
	*ret_len = size;
	return p;
}

size_t
pgt_journal_count(const struct pgt_journal *j)
{
	return j->n;
}

const struct pgt_jrec *
pgt_journal_at(const struct pgt_journal *j, size_t i)
{
	return i < j->n ? &j->recs[i] : NULL;
}

const struct pgt_jrec *
pgt_journal_last(const struct pgt_journal *j, enum pgt_jtype type)
{
	size_t i;

	for (i = j->n; i > 0; i--)
		if (j->recs[i - 1].type == type)
			return &j->recs[i - 1];
	return NULL;
}

enum pgt_jhealth
pgt_journal_health(const struct pgt_journal *j)
{
	return j->health;
}

bool
pgt_journal_dead(const struct pgt_journal *j)
{
	return j->dead;
}

const char *
pgt_journal_path(const struct pgt_journal *j)
{
	return j->path;
}
