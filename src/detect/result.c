#include "pg2une/detect/result.h"

#include <string.h>

static const struct {
	const char *name, *unit;
	enum pgt_family family;
} metrics[PGT_METRIC__N] = {
#define X(id, n, u, f) [PGT_METRIC_##id] = {n, u, PGT_FAMILY_##f},
    PGT_METRICS(X)
#undef X
};

static const char *const families[PGT_FAMILY__N] = {
#define X(id, name) [PGT_FAMILY_##id] = name,
    PGT_FAMILIES(X)
#undef X
};

static const struct {
	const char *name, *text;
} events[PGT_EVENT__N] = {
#define X(id, n, t) [PGT_EVENT_##id] = {n, t},
    PGT_EVENTS(X)
#undef X
};

const char *
pgt_metric_name(enum pgt_metric m)
{
	return (unsigned)m < PGT_METRIC__N ? metrics[m].name : "query";
}

const char *
pgt_metric_unit(enum pgt_metric m)
{
	return (unsigned)m < PGT_METRIC__N ? metrics[m].unit : "ms";
}

enum pgt_family
pgt_metric_family(enum pgt_metric m)
{
	return (unsigned)m < PGT_METRIC__N ? metrics[m].family : PGT_FAMILY_QUERY;
}

bool
pgt_metric_parse(const char *name, enum pgt_metric *ret)
{
	for (int m = 0; m < PGT_METRIC__N; m++) {
		if (strcmp(metrics[m].name, name) == 0) {
			*ret = (enum pgt_metric)m;
			return true;
		}
	}
	return false;
}

const char *
pgt_family_name(enum pgt_family f)
{
	return (unsigned)f < PGT_FAMILY__N ? families[f] : "unknown";
}

bool
pgt_family_parse(const char *name, enum pgt_family *ret)
{
	for (int f = 0; f < PGT_FAMILY__N; f++)
		if (strcmp(families[f], name) == 0) {
			*ret = (enum pgt_family)f;
			return true;
		}
	return false;
}

const char *
pgt_event_name(enum pgt_event_kind k)
{
	return (unsigned)k < PGT_EVENT__N ? events[k].name : "unknown";
}

const char *
pgt_event_text(enum pgt_event_kind k)
{
	return (unsigned)k < PGT_EVENT__N ? events[k].text : "unknown";
}

const char *
pgt_severity_name(enum pgt_severity s)
{
	switch (s) {
	case PGT_SEV_INFO:
		return "info";
	case PGT_SEV_WARNING:
		return "warning";
	case PGT_SEV_CRITICAL:
		return "critical";
	}
	return "unknown";
}

const char *
pgt_alert_state_name(enum pgt_alert_state s)
{
	switch (s) {
	case PGT_ALERT_OPEN:
		return "open";
	case PGT_ALERT_CLEARED:
		return "cleared";
	case PGT_ALERT_ACCEPTED:
		return "accepted";
	}
	return "unknown";
}

const char *
pgt_chart_phase_name(enum pgt_chart_phase p)
{
	switch (p) {
	case PGT_CHART_UNKNOWN:
		return "unknown";
	case PGT_CHART_LEARNING:
		return "learning";
	case PGT_CHART_WATCHING:
		return "watching";
	case PGT_CHART_ALARMED:
		return "alarmed";
	case PGT_CHART_REFRACTORY:
		return "resting";
	}
	return "unknown";
}
