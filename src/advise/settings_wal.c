/* Checkpoints, WAL and the background writer, by what they did. */
#include <string.h>

#include "advise_priv.h"

static double
wal_rate(const struct adv_ctx *c)
{
	double rate = ADV_COUNT(c, wal_bytes) / adv_seconds(c);

	if (!isfinite(rate) && c->snap)
		rate = c->snap->rate.wal_bytes;
	return rate;
}

static double
wanted_wal_size(const struct adv_ctx *c, double now, double rate)
{
	double timeout_s = fmax(adv_setting(c, "checkpoint_timeout"), 300e3) / 1e3;
	double target = adv_setting(c, "checkpoint_completion_target"), want;

	/* A requested checkpoint begins when max_wal_size / (1 + target) was written
	 * (xlog.c, CalculateCheckpointSegments). */
	want = isfinite(rate) ? 1.25 * rate * timeout_s * (1 + fmax(target, 0.5))
			      : 4 * now;
	want = fmin(fmax(adv_pow2_up(want), 2 * now),
		    adv_rule(c, "wal", "max_wal_size_max"));
	if (want < GB)
		want = GB;
	if (c->snap && c->snap->host.data_free > 0)
		want = fmin(want, adv_pow2_up(c->snap->host.data_free / 8));
	return want;
}

static void
max_wal_size(struct adv_ctx *c)
{
	double req = ADV_COUNT(c, checkpoints_req),
	       timed = ADV_COUNT(c, checkpoints_timed);
	double now = adv_setting(c, "max_wal_size"), rate = wal_rate(c), want;
	double counted = ADV_COUNT(c, wal_bytes); /* over the same time; NAN before 14 */
	struct pgt_advice *a;

	if (!(req >= adv_rule(c, "wal", "requested_min")) || !(now > 0) ||
	    req / (req + timed) < adv_rule(c, "wal", "requested_share"))
		return;
	/* checkpoints are asked for by hand, backups and CREATE DATABASE as well */
	if (counted < 0.3 * now * req)
		return;
	want = wanted_wal_size(c, now, rate);
	a = want > now ? adv_set(c, "max_wal_size", want, 55) : NULL;
	if (!a)
		return;
	adv_evidence(c, a, "checkpoints", "%s requested, %s timed %s", adv_count(c, req),
		     adv_count(c, timed), adv_span(c));
	adv_evidence(c, a, "WAL", "%s/s", adv_bytes(c, rate));
	adv_evidence(c, a, "full-page images", "%s of WAL at most",
		     adv_bytes(c, ADV_COUNT(c, wal_fpi) * PAGE));
	adv_effect(a, "requested checkpoints", -95, -100, -70,
		   "WAL rate x checkpoint_timeout against the new limit");
	a->why = adv_text(
	    c,
	    "%s of %s checkpoints %s began because max_wal_size = %s was full, "
	    "one every %s. Each makes the next write of every page a full-page "
	    "image.",
	    adv_count(c, req), adv_count(c, req + timed), adv_span(c), a->current,
	    adv_age(c, adv_seconds(c) / req));
	adv_sure(c, a, isfinite(counted) ? PGT_GRADE_HIGH : PGT_GRADE_MEDIUM,
		 isfinite(counted)
		     ? "checkpoints and WAL rate were both counted"
		     : "checkpoints were counted; the WAL of that time was not");
	a->costs = adv_text(
	    c,
	    "%s more disk for pg_wal at most; recovery after a crash takes "
	    "longer",
	    adv_bytes(c, want - now));
	a->not_if = "the load was a one-time import";
}

static void
checkpoint_pace(struct adv_ctx *c)
{
	double target = adv_setting(c, "checkpoint_completion_target");
	double timeout = adv_setting(c, "checkpoint_timeout");
	double timed = ADV_COUNT(c, checkpoints_timed),
	       written = ADV_COUNT(c, buffers_checkpoint);
	struct pgt_advice *a;

	if (target < 0.8 && written > 10000) {
		a = adv_set(c, "checkpoint_completion_target", 0.9, 12);
		if (a) {
			adv_evidence(c, a, "written by checkpoints", "%s",
				     adv_bytes(c, written * PAGE));
			a->why = adv_text(
			    c,
			    "Checkpoints write within %.0f%% of their interval; "
			    "0.9 spreads the same %s over nearly all of it.",
			    100 * target, adv_bytes(c, written * PAGE));
			adv_effect(a, "checkpoint write rate", 100 * (target / 0.9 - 1),
				   -50, 0, "the same pages over a longer time");
			adv_sure(c, a, PGT_GRADE_MEDIUM, "0.9 is the default since 14");
			a->costs = "none known";
		}
	}
	if (timeout < 300e3 && timed >= 3) {
		a = adv_set(c, "checkpoint_timeout", 900e3, 35);
		if (!a)
			return;
		adv_evidence(c, a, "timed checkpoints", "%s %s", adv_count(c, timed),
			     adv_span(c));
		a->why = adv_text(
		    c,
		    "A checkpoint begins every %s, and %s began so %s; each makes "
		    "full-page images of what is written next.",
		    a->current, adv_count(c, timed), adv_span(c));
		adv_effect(a, "checkpoints", 100 * (timeout / 900e3 - 1), -95, -30,
			   "ratio of the intervals");
		adv_sure(c, a, PGT_GRADE_HIGH,
			 "below the default of 5min, and seen at work");
		a->costs = "recovery after a crash takes longer";
	}
}

static void
wal_volume(struct adv_ctx *c)
{
	double bytes = ADV_COUNT(c, wal_bytes), fpi = ADV_COUNT(c, wal_fpi) * PAGE;
	double full = ADV_COUNT(c, wal_full), s = adv_seconds(c);
	double buffers = adv_setting(c, "wal_buffers");
	struct pgt_advice *a;

	/* an image without its hole is below a page: 0.7 is what pgbench shows */
	if (bytes / s > MB && 0.7 * fpi / bytes > adv_rule(c, "wal", "fpi_share") &&
	    strcmp(adv_setting_text(c, "wal_compression"), "off") == 0) {
		a = adv_set_text(c, "wal_compression", c->major >= 15 ? "pglz" : "on",
				 25);
		if (a) {
			adv_evidence(c, a, "WAL", "%s/s", adv_bytes(c, bytes / s));
			adv_evidence(c, a, "full-page images", "%s %s",
				     adv_count(c, fpi / PAGE), adv_span(c));
			a->why = adv_text(
			    c,
			    "About %.0f%% of %s/s of WAL are full-page images; "
			    "compressed they take a half to a third.",
			    fmin(70 * fpi / bytes, 99), adv_bytes(c, bytes / s));
			adv_effect(a, "WAL bytes", -35, -60, -10,
				   "share of images x usual compression");
			adv_sure(c, a, PGT_GRADE_MEDIUM,
				 "images were counted; how well these pages compress is "
				 "not known");
			a->costs = "some CPU for each image; lz4 costs less of it, where "
				   "the server "
				   "is built with it";
		}
	}
	if (full / s > 1 && buffers < 16 * MB) {
		a = adv_set(c, "wal_buffers", 64 * MB, 20);
		if (!a)
			return;
		adv_evidence(c, a, "WAL buffers full", "%s times %s", adv_count(c, full),
			     adv_span(c));
		a->why = adv_text(
		    c,
		    "Sessions had to write WAL themselves %s times %s since "
		    "wal_buffers (%s) was full.",
		    adv_count(c, full), adv_span(c), a->current);
		adv_sure(c, a, PGT_GRADE_HIGH, "counted by pg_stat_wal");
		adv_effect(a, "WAL writes by sessions", -90, -100, -50,
			   "size of the buffer");
		a->costs = "64 MB of shared memory; a restart";
	}
}

static void
background_writer(struct adv_ctx *c)
{
	double own = ADV_COUNT(c, buffers_backend), clean = ADV_COUNT(c, buffers_clean);
	double ckpt = ADV_COUNT(c, buffers_checkpoint),
	       stopped = ADV_COUNT(c, maxwritten_clean);
	double all = own + clean + ckpt, pages = adv_setting(c, "bgwriter_lru_maxpages");
	struct pgt_advice *a;

	/* before 16 buffers_backend counts extensions too: only with bgwriter stops */
	if (!(own > 10000) || own / all < 0.3 || !(stopped > 10) || pages >= 1000)
		return;
	a = adv_set(c, "bgwriter_lru_maxpages", fmin(fmax(4 * pages, 400), 1000), 20);
	if (!a)
		return;
	adv_evidence(c, a, "written by sessions", "%.0f%% of %s", 100 * own / all,
		     adv_bytes(c, all * PAGE));
	adv_evidence(c, a, "background writer stopped at its limit", "%s times",
		     adv_count(c, stopped));
	a->why = adv_text(
	    c,
	    "Sessions wrote %.0f%% of all pages themselves while waiting for a "
	    "free one; the background writer stopped %s times at its limit of "
	    "%s pages a round.",
	    100 * own / all, adv_count(c, stopped), a->current);
	adv_sure(c, a, PGT_GRADE_MEDIUM,
		 "both were counted; some session writes are extensions");
	adv_effect(a, "pages written by sessions", -40, -80, 0,
		   "not modelled: direction only");
	a->costs = "pages that change often are written more often";
}

void
adv_settings_wal(struct adv_ctx *c)
{
	if (!c->snap || c->s->in_recovery)
		return;
	max_wal_size(c);
	checkpoint_pace(c);
	wal_volume(c);
	background_writer(c);
}
