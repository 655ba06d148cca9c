"""The JSON of every command against its documented schema, on every major, as a superuser,
as a role with pg_monitor and as one with nothing."""
import json

import jsonschema
import pytest

from harness import ROOT

COMMANDS = {
    "inspect": ["inspect"],
    "doctor": ["doctor"],
    "config-show": ["config", "show", "--all"],
    "config-diff": ["config", "diff", "--workload", "oltp", "--ram", "16GB", "--cpus", "8"],
    "query-top": ["query", "top"],
    "query-slow-log": ["query", "slow-log", "--threshold", "1ms"],
    "query-analyze": ["query", "analyze", "--sql",
                      "SELECT count(*) FROM public.pgbench_accounts a "
                      "JOIN public.pgbench_branches b USING (bid)"],
    "query-index-suggest": ["query", "index-suggest"],
    "query-locks": ["query", "locks"],
    "query-bloat": ["query", "bloat"],
    "query-vacuum-health": ["query", "vacuum-health"],
    "baseline": ["baseline"],
    "options": ["options"],
}


def schema(name):
    with open(f"{ROOT}/docs/schemas/{name}.json") as f:
        return json.load(f)


def valid(name, text):
    doc = json.loads(text)
    jsonschema.validate(doc, schema(name), cls=jsonschema.Draft7Validator)
    return doc


def test_each_schema_is_a_schema():
    for name in [*COMMANDS, "baseline-diff", "failure"]:
        jsonschema.Draft7Validator.check_schema(schema(name))


@pytest.mark.parametrize("user", ["postgres", "monitor", "nobody_role"])
def test_every_command(lab, run_pg2une, major, user):
    one = lab(major=major, fast=True)
    bad = []
    for name, args in COMMANDS.items():
        r = run_pg2une([*args, "-U", user, "--format", "json"], lab=one)
        denied = name == "query-analyze" and user != "postgres"     # no SELECT on the tables
        if r.rc != (1 if denied else 0):
            bad.append(f"{name}: rc {r.rc}: {r.err.strip()[:300]}")
            continue
        try:
            valid("failure" if denied else name, r.err if denied else r.out)
        except (ValueError, jsonschema.ValidationError) as e:
            bad.append(f"{name}: {str(e).splitlines()[0]} at {getattr(e, 'json_path', '')}")
    assert not bad, "\n".join(bad)


def test_deltas_and_diff(lab, run_pg2une, major, tmp_path):
    one = lab(major=major, fast=True)
    r = run_pg2une(["inspect", "--delta", "--interval", "300ms", "--format", "json"], lab=one)
    doc = valid("inspect", r.out)
    assert doc["data"]["mode"] == "delta"
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    for path in (a, b):
        r = run_pg2une(["baseline", "--delta", "--interval", "300ms", "--output", path,
                        "--format", "json"], lab=one)
        valid("baseline", r.out)
    r = run_pg2une(["baseline", "diff", "--before", a, "--after", b, "--format", "json"])
    valid("baseline-diff", r.out)


def test_on_a_standby(lab, run_pg2une):
    one = lab(major=15, standby=True, fast=True)
    env = {"PGHOST": one.env["PGT_STANDBY_HOST"], "PGPORT": one.env["PGT_STANDBY_PORT"]}
    for name, args in COMMANDS.items():
        r = run_pg2une([*args, "--format", "json"], lab=one, env=env)
        assert r.rc == 0, (name, r.err)
        valid(name, r.out)
