/* The change thread: it owns the draft, the run and, with them, the writing
 * connection and the journal. */
#ifndef PG2UNE_ENGINE_CHANGES_PRIV_H
#define PG2UNE_ENGINE_CHANGES_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine_priv.h"
#include "pg2une/change/run.h"
#include "pg2une/engine/changes.h"

#define PGT_FLOW_LOG 200

struct pgt_manager;
struct pgt_meter;

enum pgt_change_msg {
	PGT_CM_STOP = 1,
	PGT_CM_SETTING,	 /* data: struct pgt_item */
	PGT_CM_ITEM,	 /* data: struct pgt_item */
	PGT_CM_REMOVE,	 /* arg: index */
	PGT_CM_GO,
	PGT_CM_CONFIRM,
	PGT_CM_ROLLBACK, /* data: char * reason */
	PGT_CM_RECOVER,	 /* data: char * id, arg: confirm */
	PGT_CM_ROLLOUT,
	PGT_CM_INSPECT,
	PGT_CM_PASSWORD, /* data: char * */
};

struct pgt_changes {
	struct pgt_engine *e;
	struct pgt_mailbox *mb;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock; /* guards run against a request from another thread */
	struct pgt_change_run *run;
	atomic_bool pending;  /* something is applied and not confirmed */
	/* the thread's own */
	struct pgt_changeset *draft;
	enum pgt_flow_stage stage;
	bool busy;
	bool over; /* the engine ends */
	struct pgt_meter *measure;
	struct pgt_manager *manager;
	char *password;
	char **log;
	size_t n_log;
	long doing; /* item, -1 none */
	long failed;
	char text[512];
	struct pgt_flow_found *found;
	size_t n_found;
};

struct pgt_changes *pgt_changes_new(struct pgt_engine *e);
void pgt_changes_free(struct pgt_changes *c);

/* changes_found.c: look for unfinished ones; end one, by id. */
void pgt_changes_look(struct pgt_changes *c);
void pgt_changes_recover(struct pgt_changes *c, const char *id, bool keep);

/* changes_kept.c: hand what the journals say of one, of all, to the store thread. */
void pgt_changes_keep(struct pgt_engine *e, const char *id);
void pgt_changes_keep_all(struct pgt_engine *e);

/* changes_event.c: what the face is told. */
void pgt_changes_tell(struct pgt_changes *c);
void pgt_changes_log(struct pgt_changes *c, const char *text);
enum pgt_flow_stage pgt_changes_stage_of(enum pgt_stage st);

#endif
