#include "advisor_priv.h"
#include "pg2une/base/clock.h"
#include "pg2une/change/guard.h"
#include "pg2une/engine/changing.h"
#include "pg2une/engine/manager.h"
#include "pg2une/engine/measure.h"
#include "pg2une/engine/options.h"
#include "pg2une/pg/conn.h"

#define FREEZE_NS (3 * PGT_NS_PER_S)
#define WINDOW_MIN_NS (10 * PGT_NS_PER_S) /* two buckets of measure.h */

static int
spec_of(const struct pgt_options *o, const char *password, struct pgt_connspec **ret,
	struct pgt_err *err)
{
	struct pgt_connspec *plain = NULL;
	int rc;

	if (pgt_options_connspec(o, &plain, err) < 0)
		return -1;
	rc = pgt_connspec_with(plain, NULL, NULL, NULL, password, ret, err);
	pgt_connspec_free(plain);
	return rc;
}

int
pgt_changing_new(const struct pgt_options *o, const char *password,
		 const struct pgt_changing_choice *choice, struct pgt_changeset *take_cs,
		 struct pgt_change_run **ret, struct pgt_err *err)
{
	struct pgt_connspec *spec = NULL;
	struct pgt_change_opts opts;

	if (pgt_options_bool(o, "read-only")) {
		pgt_changeset_free(take_cs);
		return pgt_err_set(err, PGT_E_DENIED, "read-only mode changes nothing");
	}
	if (spec_of(o, password, &spec, err) < 0) {
		pgt_changeset_free(take_cs);
		return -1;
	}
	opts = (struct pgt_change_opts){
	    .spec = spec,
	    .preflight =
		{
		    .probe = choice->probe,
		    .ram_bytes = pgt_hostfacts_ram_told(o),
		    .known_libraries = choice->known_libraries,
		    .accept_pending = choice->accept_pending,
		    .accept_danger = choice->accept_danger,
		    .allow_plaintext = choice->allow_plaintext,
		    .node_only = choice->trial,
		    .allow_restart = choice->restart != NULL,
		},
	    .probe_spec = choice->probe_spec,
	    .validate = choice->validate,
	    .deadline_ns = choice->deadline_ns,
	    .stabilise_ns = choice->stabilise_ns,
	    .window_ns = choice->window_ns,
	    .trial = choice->trial,
	    .restart = choice->restart,
	    .restart_ctx = choice->restart_ctx,
	    .auto_confirm = choice->auto_confirm,
	    .say = choice->say,
	    .say_arg = choice->say_arg,
	};
	*ret = pgt_change_run_new(&opts, take_cs);
	pgt_connspec_free(spec);
	return 0;
}

int
pgt_changing_meter(const struct pgt_options *o, const char *password, int64_t window_ns,
		   struct pgt_meter **ret, struct pgt_err *err)
{
	struct pgt_connspec *spec = NULL;
	int rc;

	if (window_ns > 0 && window_ns < WINDOW_MIN_NS)
		return 0;
	if (spec_of(o, password, &spec, err) < 0)
		return -1;
	rc = pgt_measure_open(spec, ret, err);
	pgt_connspec_free(spec);
	return rc;
}

int
pgt_changing_dry_run(struct pgt_change_run *run, struct pgt_err *err)
{
	while (pgt_change_run_stage(run) < PGT_ST_LOCK)
		if (pgt_change_run_step(run, err) < 0)
			return -1;
	return 0;
}

enum pgt_ending
pgt_changing_rollback(const struct pgt_options *o, const struct pgt_found *f,
		      const char *password, const char *reason, int64_t give_up_ns,
		      void (*say)(void *arg, long item, const char *text), void *say_arg,
		      struct pgt_err *err)
{
	struct pgt_recover_args args = {
	    .reason = reason,
	    .give_up_ns = give_up_ns,
	    .freeze_ns = FREEZE_NS,
	    .say = say,
	    .say_arg = say_arg,
	};
	struct pgt_manager *manager = NULL;
	struct pgt_connspec *spec = NULL;
	enum pgt_ending end;

	/* to the server that the journal names: never to whatever -h says */
	if (pgt_options_bool(o, "read-only")) {
		pgt_err_set(err, PGT_E_DENIED, "read-only mode changes nothing");
		return PGT_END_OPEN;
	}
	if (pgt_manager_open(o, &manager, err) < 0)
		return PGT_END_OPEN;
	if (!manager && f->has_rec && f->rec.manager[0] &&
	    pgt_manager_open_spec(f->rec.manager, &manager, err) < 0)
		return PGT_END_OPEN;
	if (password && f->has_rec) {
		struct pgt_connargs target = {
		    .dbname = f->rec.conninfo[0] ? f->rec.conninfo : NULL,
		    .password = password};

		if (pgt_connspec_new(&target, &spec, err) < 0) {
			pgt_manager_close(manager);
			return PGT_END_OPEN;
		}
		args.spec = spec;
	}
	args.probe = pgt_manager_probe(manager);
	end = pgt_recover_rollback(f, &args, NULL, err);
	pgt_connspec_free(spec);
	pgt_manager_close(manager);
	return end;
}

static int
open_probe(const char *spec, struct pgt_managed_probe *ret, struct pgt_err *err)
{
	struct pgt_manager *m = NULL;

	if (pgt_manager_open_spec(spec, &m, err) < 0)
		return -1;
	*ret = *pgt_manager_probe(m);
	return 0;
}

static void
close_probe(struct pgt_managed_probe *probe)
{
	pgt_manager_close(probe->ctx);
}

const struct pgt_guard_env *
pgt_changing_env(void)
{
	static const struct pgt_guard_env env = {.open_probe = open_probe,
						 .close_probe = close_probe};

	return &env;
}

int
pgt_changing_guard(int fd)
{
	return pgt_guard_main(fd, pgt_changing_env());
}
