/* The advice thread: on a slow clock and on request it reads what is built over a
 * connection of its own, advises, asks HypoPG about proposed indexes and advises again.
 */
#ifndef PG2UNE_ENGINE_ADVISOR_PRIV_H
#define PG2UNE_ENGINE_ADVISOR_PRIV_H

#include "pg2une/engine/advice.h"
#include "pg2une/engine/alerts.h"
#include "pg2une/observe/snapshot.h"

struct pgt_advisor;
struct pgt_caps;
struct pgt_conn;
struct pgt_options;
struct pgt_schema;

/* Starts the thread; NULL when it cannot be started. */
struct pgt_advisor *pgt_advisor_new(struct pgt_engine *e);
void pgt_advisor_free(struct pgt_advisor *a); /* joins; NULL is legal */
/* From the engine thread; never wait. */
void pgt_advisor_snapshot(struct pgt_advisor *a, const struct pgt_snapshot *s);
void pgt_advisor_alerts(struct pgt_advisor *a, const struct pgt_ev_alerts *ev);
void pgt_advisor_password(struct pgt_advisor *a, const char *password);
void pgt_advisor_refresh(struct pgt_advisor *a);
void pgt_advisor_mark(struct pgt_advisor *a, const char *identity,
		      enum pgt_advice_state state, int64_t until_real_ns);

/* ---- marks.c: what was dismissed, snoozed, accepted ---- */

struct pgt_mark {
	char *identity, *evidence; /* evidence: the hash that was marked */
	enum pgt_advice_state state;
	int64_t until_real_ns;
	struct pgt_mark *next;
};

struct pgt_mark *pgt_marks_find(struct pgt_mark *first, const char *identity);
void pgt_marks_set(struct pgt_mark **first, const char *identity, const char *evidence,
		   enum pgt_advice_state state, int64_t until_real_ns);
void pgt_marks_free(struct pgt_mark *first);
/* Those that the history keeps for this node. */
void pgt_marks_load(struct pgt_mark **first, const struct pgt_options *o,
		    const struct pgt_node *node);
/* What holds of an advice now: a mark ends when its time is over or, for a dismissal,
 * when the evidence is another. */
enum pgt_advice_state pgt_marks_state(struct pgt_mark *first, const struct pgt_advice *a,
				      int64_t now_real_ns, int64_t *ret_until);

/* ---- hostfacts.c, hypo.c, advice_read.c ---- */

/* The program's rules, and after them the user's own (option advice-rules), which were
 * checked; the caller frees them.  NULL: the file cannot be read or is not understood. */
char *pgt_advice_rules(const struct pgt_options *o, struct pgt_err *err);
/* As the option workload says: a class, or a profile of the rules; UNKNOWN. */
enum pgt_workload pgt_advice_workload(const struct pgt_options *o, const char *rules,
				      bool *ret_conservative);

/* Bytes of memory of the server's machine, as the option ram says; 0 it does not. */
double pgt_hostfacts_ram_told(const struct pgt_options *o);
/* The machine as the operator told it, or probed when the server is here. */
void pgt_hostfacts_read(const struct pgt_options *o, struct pgt_conn *c,
			struct pgt_host_facts *ret);
/* Plans with and without each proposed index; the caller frees *ret.  Nothing is left
 * behind. */
size_t pgt_hypo_ask(struct pgt_conn *c, const struct pgt_caps *caps,
		    const struct pgt_schema *s, const struct pgt_advice_list *list,
		    struct pgt_advice_plan **ret);

#endif
