/* The change flow for faces: change/run.h with what the program's options and
 * the engine add.  The command line drives a run on its own thread, the console
 * has the exec thread drive it; both use these and change/run.h's functions. */
#ifndef PG2UNE_ENGINE_CHANGING_H
#define PG2UNE_ENGINE_CHANGING_H

#include <stdbool.h>
#include <stdint.h>

#include "pg2une/change/recover.h"
#include "pg2une/change/run.h"

struct pgt_options;

/* What the user decides for one change. */
struct pgt_changing_choice {
	int64_t deadline_ns, stabilise_ns, window_ns; /* 0, -1, 0: defaults */
	bool trial; /* of the optimizer: see change/run.h */
	bool auto_confirm, accept_pending, accept_danger, allow_plaintext;
	const char *known_libraries;
	const struct pgt_managed_probe *probe; /* of layer infra; NULL: no manager */
	const char *probe_spec;
	const struct pgt_validate_ops *validate;
	/* restarts the server for settings that need it: see change/run.h; NULL: they
	 * are refused */
	int (*restart)(void *ctx, struct pgt_err *err);
	void *restart_ctx;
	void (*say)(void *arg, const struct pgt_change_event *ev);
	void *say_arg;
};

/* Refused in read-only mode (PGT_E_DENIED).  password may be NULL.  Takes cs. */
int pgt_changing_new(const struct pgt_options *o, const char *password,
		     const struct pgt_changing_choice *choice,
		     struct pgt_changeset *take_cs, struct pgt_change_run **ret,
		     struct pgt_err *err) PGT_MUST_CHECK;
struct pgt_meter;
/* A meter of the same server for choice->validate (measure.h), which must outlive the
 * run; *ret stays NULL for a window so short that nothing could be told. */
int pgt_changing_meter(const struct pgt_options *o, const char *password,
		       int64_t window_ns, struct pgt_meter **ret,
		       struct pgt_err *err) PGT_MUST_CHECK;
/* Everything up to the dry run, nothing after; run must be new. */
int pgt_changing_dry_run(struct pgt_change_run *run, struct pgt_err *err) PGT_MUST_CHECK;

/* Roll back from another process, or what a crash left; see recover.h.  password may
 * be NULL: the environment's or the password file's then. */
enum pgt_ending pgt_changing_rollback(const struct pgt_options *o,
				      const struct pgt_found *f, const char *password,
				      const char *reason,
				      int64_t give_up_ns,
				      void (*say)(void *arg, long item, const char *text),
				      void *say_arg, struct pgt_err *err);

/* Body of the hidden subcommand: the process is the guard of a change. */
int pgt_changing_guard(int fd);
/* How a guard opens the cluster manager that a changeset names. */
struct pgt_guard_env;
const struct pgt_guard_env *pgt_changing_env(void);

#endif
