/* Recommendations as the faces see them: payload of PGT_EV_ADVICE, and what the
 * operator says of each. */
#ifndef PG2UNE_ENGINE_ADVICE_H
#define PG2UNE_ENGINE_ADVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg2une/advise/advise.h"

struct pgt_engine;
struct pgt_options;
struct pgt_schema;
struct pgt_session;

enum pgt_advice_state {
	PGT_ADVICE_NEW = 0,
	PGT_ADVICE_SEEN,
	PGT_ADVICE_ACCEPTED,  /* in the draft changeset */
	PGT_ADVICE_DISMISSED, /* until its evidence changes */
	PGT_ADVICE_SNOOZED,   /* until a time */
};

/* "new" "seen" "accepted" "dismissed" "snoozed". */
const char *pgt_advice_state_name(enum pgt_advice_state s);

struct pgt_ev_advice {
	struct pgt_advice_list *list;	/* the event's own */
	enum pgt_advice_state *state;	/* one for each item */
	int64_t *until_real_ns;		/* of snoozed ones */
	int64_t collected_real_ns;	/* when the facts were read */
	bool collecting;		/* a newer round is under way */
	char message[256];		/* why there is nothing; "" */
};
void pgt_ev_advice_free(void *ev);

/* Read the facts and advise anew now. */
void pgt_engine_advice_refresh(struct pgt_engine *e);
/* The operator's word, kept in the history; the next PGT_EV_ADVICE shows it. */
void pgt_engine_advice_mark(struct pgt_engine *e, const char *identity,
			    enum pgt_advice_state state, int64_t until_real_ns);

/* One reading over a session, without watching: what counters since the reset, the
 * catalogue, statements and settings tell; nothing of sessions and replication.  The
 * caller owns *ret, and *ret_schema (NULL is legal), which the list does not need. */
int pgt_advice_read(struct pgt_session *s, const struct pgt_options *o,
		    struct pgt_advice_list **ret, struct pgt_schema **ret_schema,
		    struct pgt_err *err) PGT_MUST_CHECK;
/* Do the rules (option advice-rules) have a profile of that name?  False with err set:
 * they cannot be read. */
bool pgt_advice_profile_known(const struct pgt_options *o, const char *name,
			      struct pgt_err *err);
/* {recommendations, notes} into data. */
void pgt_advice_put(cJSON *data, const struct pgt_advice_list *list);

#endif
