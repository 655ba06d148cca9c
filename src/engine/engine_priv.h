/* What the engine's own files share.  Each part names the thread that owns it. */
#ifndef PG2UNE_ENGINE_ENGINE_PRIV_H
#define PG2UNE_ENGINE_ENGINE_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "pg2une/base/mailbox.h"
#include "pg2une/engine/engine.h"

struct pgt_connspec;

/* Messages to the engine thread. */
enum pgt_loop_msg {
	PGT_LM_STOP = 1,
	PGT_LM_INTERVAL, /* arg: ns */
	PGT_LM_PAUSE,	 /* arg: bool */
	PGT_LM_KICK,
	PGT_LM_PASSWORD, /* data: char * */
	PGT_LM_WANT,	 /* arg: section bits */
	PGT_LM_TEXTS,	 /* data: struct pgt_query_key[arg] */
	PGT_LM_ACK,	 /* arg: alert id */
	PGT_LM_SILENCE,	 /* data: struct pgt_silence */
	PGT_LM_HISTORY,	 /* data: struct pgt_range */
	PGT_LM_TUNE,	 /* data: struct pgt_tune_opts */
	PGT_LM_PAST,	 /* data: struct pgt_ev_history of ten-minute points */
	PGT_LM_ATTEND,	 /* data: struct pgt_attend[arg] that the history keeps */
	PGT_LM_RUN,	 /* arg: 1 a run began, 0 it ended */
};

struct pgt_range {
	int64_t from_ms, to_ms;
};

struct pgt_silence {
	uint64_t id;
	int64_t until_real_ns;
};

/* Messages to the exec thread. */
enum pgt_exec_msg {
	PGT_XM_STOP = 1,
	PGT_XM_SIGNAL,	/* data: struct pgt_job */
	PGT_XM_EXPLAIN, /* data: struct pgt_job */
	PGT_XM_PASSWORD,
	PGT_XM_KEEP, /* data: struct pgt_keep */
};

struct pgt_keep {
	char *path, *text;
};

struct pgt_job {
	uint64_t ticket;
	enum pgt_command command;
	int pid;
	int64_t backend_start_us;
	bool has_key;
	struct pgt_query_key key;
	char *text, *database;
};

struct pgt_engine {
	/* set before the threads start, constant afterwards */
	const struct pgt_options *opts;
	struct pgt_connspec *spec;
	bool read_only;
	struct pgt_mailbox *events;  /* to the face */
	struct pgt_mailbox *to_loop; /* to the engine thread */
	struct pgt_mailbox *to_exec; /* to the exec thread */
	pthread_t loop, exec;
	bool loop_started, exec_started;
	struct pgt_history *history; /* NULL: none is kept */
	struct pgt_changes *changes;
	struct pgt_rollouts *rollouts;
	struct pgt_advisor *advisor; /* NULL: it could not be started */
	struct pgt_tuning *tuning;
	atomic_ullong next_ticket;
};

/* rollouts_engine.c */
struct pgt_rollouts *pgt_rollouts_new(struct pgt_engine *e);
void pgt_rollouts_free(struct pgt_rollouts *x);
void pgt_rollouts_password(struct pgt_rollouts *x, const char *password);

/* Thread bodies. */
void *pgt_loop_main(void *engine);
void *pgt_exec_main(void *engine);

/* Post a command to one of the threads; dropped when its mailbox is full. */
void pgt_engine_command(struct pgt_mailbox *mb, int type, int64_t arg, void *take_data,
			void (*free_data)(void *));
/* The word that ends a thread: it gets in, at the cost of the oldest command. */
void pgt_engine_tell_stop(struct pgt_mailbox *mb, int stop_type);
/* Post an event to the face; when its mailbox is full the event is dropped:
 * a face that does not read for seconds has nothing to gain from old news. */
void pgt_engine_post(struct pgt_engine *e, enum pgt_event_type type, void *take_data,
		     void (*free_data)(void *));
void pgt_engine_notice(struct pgt_engine *e, enum pgt_notice_level level, const char *fmt,
		       ...) PGT_PRINTF(3, 4);

#endif
