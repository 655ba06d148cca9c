/* The journal's reader and its replay: they read what a crash or a failing disk left.
 * First byte even: the rest is a file as it is.  Odd: the rest is split into records, one
 * a line, the first byte of each its type, so that what lies behind the checksum is
 * reached; the file is then cut and damaged, and nothing may appear that was not written. */
#include "fuzz.h"

#include "../../src/change/journal_priv.h"
#include "pg2une/change/replay.h"

static void
check_records(const struct pgt_journal *j)
{
	size_t i;

	for (i = 0; i < pgt_journal_count(j); i++) {
		const struct pgt_jrec *r = pgt_journal_at(j, i);

		CHECK(r->seq == i + 1);
		CHECK(r->type >= PGT_J_PLAN && r->type <= PGT_J_LAST);
		CHECK(cJSON_IsObject(r->body));
		CHECK(pgt_journal_last(j, r->type)->seq >= r->seq);
	}
	CHECK(pgt_journal_at(j, i) == NULL);
}

static void
play(const struct pgt_journal *j)
{
	struct pgt_replay rec;
	struct pgt_err err = {0};
	char phase[64];
	cJSON *json;
	size_t i;

	if (pgt_replay_read(j, &rec, &err) < 0) {
		CHECK(err.code != PGT_E_NONE);
		return;
	}
	CHECK(rec.cs);
	for (i = 0; i < rec.cs->n_items; i++)
		CHECK(!rec.intent[i] || rec.any_intent);
	CHECK(!rec.closed || pgt_journal_last(j, PGT_J_CLOSED));
	CHECK(!rec.confirmed || pgt_journal_last(j, PGT_J_CONFIRMED));
	pgt_replay_phase(&rec, phase, sizeof(phase));
	json = pgt_replay_json(&rec, true, j);
	CHECK(json);
	cJSON_Delete(json);
	pgt_replay_done(&rec);
}

static struct pgt_journal *
read_bytes(const unsigned char *data, size_t len)
{
	/* a block of its own, so that a byte too far is seen */
	unsigned char *copy = malloc(len ? len : 1);
	struct pgt_journal *j;

	CHECK(copy);
	if (len)
		memcpy(copy, data, len);
	j = pgt_journal_parse(copy, len);
	free(copy);
	check_records(j);
	return j;
}

/* A journal of lines; *ret_n is how many were taken. */
static unsigned char *
write_lines(const char *text, size_t *ret_len, size_t *ret_n)
{
	struct pgt_journal *j = pgt_journal_parse(PGT_J_HEAD, PGT_J_HEAD_LEN);
	unsigned char *file = malloc(PGT_J_HEAD_LEN);
	size_t len = PGT_J_HEAD_LEN, n, size;

	CHECK(file);
	memcpy(file, PGT_J_HEAD, PGT_J_HEAD_LEN);
	for (; *text; text += n + (text[n] == '\n')) {
		unsigned char *rec;
		char *body;

		n = strcspn(text, "\n");
		if (n < 2)
			continue;
		body = fuzz_text((const uint8_t *)text + 1, n - 1);
		rec = pgt_journal_encode(j, (enum pgt_jtype)(text[0] - '@'), 1, body, &size);
		free(body);
		file = realloc(file, len + size);
		CHECK(file);
		memcpy(file + len, rec, size);
		pgt_journal_scan(j, rec, size);
		free(rec);
		if (pgt_journal_health(j) != PGT_JH_OK)
			break; /* not a record of ours: never written */
		len += size;
	}
	*ret_n = pgt_journal_count(j);
	*ret_len = len;
	pgt_journal_close(j);
	return file;
}

static void
check_damaged(unsigned char *file, size_t len, size_t n, size_t at)
{
	struct pgt_journal *j = read_bytes(file, at);

	CHECK(pgt_journal_count(j) <= n);
	CHECK(pgt_journal_health(j) != PGT_JH_CORRUPT); /* a cut is only a torn end */
	pgt_journal_close(j);
	file[at] ^= 0x20;
	j = read_bytes(file, len);
	CHECK(pgt_journal_count(j) < n || n == 0);
	CHECK(pgt_journal_health(j) != PGT_JH_OK);
	play(j);
	pgt_journal_close(j);
	file[at] ^= 0x20;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pgt_journal *j;
	unsigned char *file;
	size_t len, n;
	char *text;

	if (size < 4)
		return 0;
	if (data[0] % 2 == 0) {
		j = read_bytes(data + 1, size - 1);
		play(j);
		pgt_journal_close(j);
		return 0;
	}
	text = fuzz_text(data + 3, size - 3);
	file = write_lines(text, &len, &n);
	j = read_bytes(file, len);
	CHECK(pgt_journal_count(j) == n && pgt_journal_health(j) == PGT_JH_OK);
	play(j);
	pgt_journal_close(j);
	check_damaged(file, len, n, (data[1] | (size_t)data[2] << 8) % len);
	free(file);
	free(text);
	return 0;
}
