"""Rollouts through a real PgBouncer: promoted, stopped, and taken back by the guard.  All
faults at all steps: tests/fault/rollout.py."""
import json
import os
import re
import signal
import sqlite3

import pytest

from harness import rollouts as ro
from harness.rollouts import GOOD, JIT, SLOW, share, wait_for

pytestmark = pytest.mark.quiet

LONG = pytest.mark.skipif(not os.environ.get("PG2UNE_LONG"), reason="PG2UNE_LONG=1")


@pytest.fixture
def servers():
    """A lab of its own, since some tests cost the pool clients: a pool of reads with 24
    persistent ones, both nodes warm."""
    lab = ro.pool(rate=400)
    yield lab
    lab.down()


@pytest.fixture
def start(pg2une, home):
    """start(lab, plan, "--auto"): a rollout, ended after the test whatever happens."""
    begun = []

    def go(lab, plan, *flags):
        begun.append(ro.Rollout(lab, home, plan, *flags))
        return begun[-1]
    yield go
    for r in begun:
        r.end()


def setting(lab, role, name):
    return lab.value(f"SHOW {name}", role=role)


def assert_as_before(lab, settings=GOOD):
    assert share(lab) == 0
    for role in ("primary", "standby"):
        for name, value in settings.items():
            wait_for(lambda r=role, n=name, v=value: setting(lab, r, n) != v, 40,
                     f"{name} back on the {role}")


def test_good_change_is_promoted_in_steps(servers, start, home, tmp_path, run_pg2une):
    lab = servers
    # long enough to tell 28% from 25%
    r = start(lab, ro.plan(lab, min_step_s=9), "--auto")
    seen, control, afar = set(), set(), {}

    def watch():
        s = r.status()       # read-only, from another process
        if s:
            seen.add((s["state"], s["step"]))
            control.add(s["evidence"]["control"])
            if s["nodes"][1]["up"]:
                assert s["nodes"][1]["backends_max"] == 100
        far = r.live(tmp_path)
        if far and far["state"] == "step" and far["judging"]:
            assert far["id"] == s["id"] and far["source"] == "server", far
            afar[far["step"]] = far
        return r.p.poll() is not None
    wait_for(watch, 150, "the end")
    rc, data, text = r.finish()
    assert rc == 0, text
    assert data["state"] == "done"
    for step in data["steps"]:
        assert abs(step["achieved_pct"] - step["pct"]) <= 3, data["steps"]
        assert step["verdict"] == "go"
    assert ("step", 0) in seen and len(seen) > 3
    assert {"the primary at the same moment",
            "the primary under the whole load, before the rollout"} <= control
    last = afar[3]      # as seen from another host
    assert [s["pct"] for s in last["steps"]] == [5, 25, 50, 100]
    assert abs(last["steps"][1]["achieved_pct"] - 25) <= 3
    assert last["share_pct"] == 100 and last["nodes"][1]["tps"] > 0, last
    assert setting(lab, "primary", "work_mem") == "9MB"
    assert setting(lab, "standby", "work_mem") != "9MB"     # after: revert
    assert share(lab) == 0
    assert not os.path.exists(lab.env["PGT_ROUTES_FILE"] + ".pg2une")
    assert ro.failures(lab) == 0
    con = sqlite3.connect(f"{home}/.state/pg2une/history.db")
    rows = con.execute("SELECT id, status, baseline_metrics, result_metrics, "
                       "improvement_pct, body FROM optimization_runs").fetchall()
    con.close()
    assert [(x[0], x[1]) for x in rows] == [(data["id"], "promoted")]
    base, result = json.loads(rows[0][2]), json.loads(rows[0][3])
    assert base["latency_mean"] > 0 and result["latency_mean"] > 0
    assert 200 < base["tps"] < 800      # the load's own, and what watches it
    assert float(rows[0][4]) != 0
    assert [s["pct"] for s in json.loads(rows[0][5])["steps"]] == [5, 25, 50, 100]
    # the load is on both nodes, and the journal read anew at a start takes nothing away
    assert run_pg2une(["analysis", "--for", "2s"], lab=lab).rc == 0
    r = run_pg2une(["change", "history", "--format", "json"], lab=lab)
    kept = json.loads(r.out)["data"]
    row = kept["changes"][0]
    assert row["outcome"] == "confirmed" and "rollout done: mean" in row["result"], row
    assert result["tps"] > 0.6 * base["tps"], (base, result)
    assert row["before"].startswith("tps") and row["after"].startswith("tps"), row
    run = kept["runs"][0]
    assert (run["kind"], run["mode"], run["status"]) == ("rollout", "pgbouncer", "promoted")
    assert len(run["steps"]) == 4 and run["before"] == row["before"]
    lab.sql("ALTER SYSTEM RESET work_mem")
    lab.sql("SELECT pg_reload_conf()")


def test_harmful_change_is_stopped(servers, start):
    lab = servers
    rc, _data, text = start(lab, ro.plan(lab, SLOW), "--auto").finish()
    assert rc == 1
    assert "rolled_back" in text
    assert "> promote" not in text
    assert "50% of the traffic" not in text      # at the first or second step
    assert_as_before(lab, SLOW)
    assert ro.failures(lab) == 0


@LONG
@pytest.mark.parametrize("settings", [SLOW, JIT], ids=["indexscans", "jit"])
def test_harm_by_default_steps(start, settings):
    """The steps, times and margins of the defaults; 15 is built with JIT."""
    lab = ro.pool(rate=400, major=15)
    try:
        plan = ro.plan(lab, settings, gate=None, min_step_s=30, max_step_s=300, bucket_s=5,
                       base_s=30)
        rc, data, text = start(lab, plan, "--auto").finish(400)
        print(text)
        assert rc == 1 and "rolled_back" in text
        assert "50% of the traffic" not in text
        assert_as_before(lab, settings)
        assert ro.failures(lab) == 0
    finally:
        lab.down()


@LONG
@pytest.mark.parametrize("floor", [{"min_disk_pct": 100}, {"min_memory_pct": 100},
                                   {"max_connections_pct": 1}], ids=lambda f: next(iter(f)))
def test_a_canary_that_runs_short_is_let_go(servers, start, floor):
    lab = servers
    rc, _data, text = start(lab, ro.plan(lab, gate=floor), "--auto").finish()
    assert rc == 1 and "the canary runs out of" in text and "> promote" not in text, text
    assert_as_before(lab)
    assert ro.failures(lab) == 0


def test_killed_console_brings_the_traffic_back(servers, start):
    lab = servers
    r = start(lab, ro.plan(lab, steps=[25, 50, 100]))
    wait_for(lambda: share(lab) == 25, what="a share of 25%")
    r.p.send_signal(signal.SIGKILL)
    wait_for(lambda: share(lab) == 0, 15, "the traffic back")
    assert_as_before(lab)
    wait_for(lambda: r.status()["state"] == "rolled_back", 20,
             "the guard's end in the status")
    assert ro.failures(lab) == 0


def test_words_from_another_process_and_a_frozen_canary(servers, start):
    lab = servers
    r = start(lab, ro.plan(lab, steps=[25, 50, 100]))

    def awaiting():
        s = r.status()
        return s and s["awaiting"]
    wait_for(awaiting, 90, "a go of the gate")
    assert r.tell("confirm").returncode == 0
    wait_for(lambda: share(lab) == 50, 15, "the next step")
    lab.cmd("freeze", "standby")
    try:
        wait_for(lambda: share(lab) == 0, 20, "the traffic back")
    finally:
        lab.cmd("thaw", "standby")
    rc, _data, text = r.finish(100)
    assert rc == 1 and re.search("canary is gone|cannot be measured", text), text
    assert_as_before(lab)


def test_a_broken_routes_file_keeps_nobody_on_the_canary(servers, start):
    lab = servers
    r = start(lab, ro.plan(lab, steps=[25, 50]))
    wait_for(lambda: share(lab) == 25, what="a share of 25%")
    with open(lab.env["PGT_ROUTES_FILE"], "w") as f:
        f.write("bench_ro host what\n[")
    assert r.tell("rollback").returncode == 0
    rc, _data, text = r.finish(60)
    assert rc == 1 and "asked for by" in text and "rolled_back" in text, text
    assert_as_before(lab)


def test_a_write_that_reaches_the_canary_stops_it(servers, start):
    lab = servers
    r = start(lab, ro.plan(lab, steps=[50], max_step_s=30))
    wait_for(lambda: share(lab) == 50, what="a share of 50%")
    conn = lab.connect("pgbouncer", user="app", dbname="bench_ro")
    cur, refused = conn.cursor(), 0
    try:
        def write():
            nonlocal refused
            try:
                cur.execute("UPDATE pgbench_tellers SET tbalance = tbalance WHERE tid = 1")
            except Exception as e:
                assert e.pgcode == "25006", e
                refused += 1
            return share(lab) == 0
        wait_for(write, 20, "the traffic back", 0.02)
    finally:
        conn.close()
    rc, _data, text = r.finish(60)
    # told by the write itself, or by the failures that it makes: whichever is seen first
    assert refused and rc == 1, text
    assert re.search("a write reached the canary|as writes reach it", text), text
    assert_as_before(lab)


ROUTER = """#!/bin/sh
case $1 in
check) test -w {file} ;;
get) cat {file} ;;
set) {lab} route {name} "$2" && echo "$2" > {file} ;;
*) exit 2 ;;
esac
"""
CANARY = """#!/bin/sh
echo "$1" >> {log}
case $1 in make|stop|restart) exit 0 ;; *) exit 2 ;; esac
"""


def test_programs_of_the_operator(servers, start, tmp_path):
    """Router, canary and its restart by hook commands."""
    from harness.labs import TOOL
    lab, names = servers, {}
    for name, text in (("router", ROUTER), ("canary", CANARY)):
        names[name] = tmp_path / name
        names[name].write_text(text.format(file=tmp_path / "pct", lab=TOOL, name=lab.name,
                                           log=tmp_path / "calls"))
        names[name].chmod(0o755)
    (tmp_path / "pct").write_text("0\n")
    plan = ro.plan(lab, steps=[50], min_step_s=3,
                   canary={"kind": "hook", "command": str(names["canary"]), "warm_s": 0,
                           "after": "stop"})
    plan["router"] = {"kind": "hook", "command": str(names["router"]),
                      "read_only_pool": True}
    rc, data, text = start(lab, plan, "--auto").finish(90)
    assert rc == 0 and data["state"] == "done", text
    assert (tmp_path / "pct").read_text() == "0\n"
    assert (tmp_path / "calls").read_text().split() == ["make", "stop"]
    assert setting(lab, "primary", "work_mem") == "9MB"
    lab.sql("ALTER SYSTEM RESET work_mem")
    lab.sql("SELECT pg_reload_conf()")


RESTART = """#!/bin/sh
test "$1" = restart && echo "$1" >> {log} && exec {lab} restart {name} standby
"""


@LONG
@pytest.mark.parametrize("how", ["pg_ctl", "program"])
def test_a_named_standby_is_restarted_for_its_setting(servers, start, tmp_path, how):
    """By pg_ctl where its data directory is known, or by the operator's program; the
    primary, never.  Its caches are cold then (40% slower), which is not what is tested.
    wal_buffers of -1 shows what it comes to."""
    from harness.labs import TOOL
    lab, began = servers, servers.value("SELECT pg_postmaster_start_time()")
    canary = {"after": "keep"}
    if how == "pg_ctl":
        canary["directory"] = lab.value("SHOW data_directory", role="standby")
        pid = int(lab.value("SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)",
                            role="standby"))
        canary["bin"] = os.path.dirname(os.readlink(f"/proc/{pid}/exe"))
    else:
        program = tmp_path / "restart"
        program.write_text(RESTART.format(lab=TOOL, name=lab.name, log=tmp_path / "calls"))
        program.chmod(0o755)
        canary["restart_command"] = str(program)
    plan = ro.plan(lab, {"work_mem": "9MB", "max_connections": "120", "wal_buffers": "-1"},
                   steps=[50], canary=canary, gate={"latency_margin": 1.0})
    rc, data, text = start(lab, plan, "--auto").finish(120)
    assert rc == 0 and data["state"] == "done", text
    assert "the canary restarts" in text and ro.failures(lab) == 0
    assert setting(lab, "standby", "max_connections") == "120"
    assert setting(lab, "primary", "max_connections") == "100"
    assert lab.value("SELECT pg_postmaster_start_time()") == began
    assert lab.value("SELECT pending_restart FROM pg_settings WHERE name = 'max_connections'")
    if how == "program":
        assert (tmp_path / "calls").read_text() == "restart\n"


@LONG
def test_a_restarted_standby_is_restarted_on_the_way_back_too(servers, start, tmp_path):
    from harness.labs import TOOL
    lab = servers
    program = tmp_path / "restart"
    program.write_text(RESTART.format(lab=TOOL, name=lab.name, log=tmp_path / "calls"))
    program.chmod(0o755)
    was = setting(lab, "standby", "wal_buffers")
    r = start(lab, ro.plan(lab, {"wal_buffers": "7MB"}, steps=[50],
                           canary={"restart_command": str(program)}))
    wait_for(lambda: share(lab) == 50, what="a share of 50%")
    assert setting(lab, "standby", "wal_buffers") == "7MB"
    assert r.tell("rollback").returncode == 0
    rc, _data, text = r.finish(90)
    assert rc == 1 and "rolled_back" in text, text
    assert setting(lab, "standby", "wal_buffers") == was
    assert (tmp_path / "calls").read_text() == "restart\nrestart\n"
    assert share(lab) == 0 and ro.failures(lab) == 0


def test_pool_that_nobody_called_read_only_is_refused(servers, start):
    lab = servers
    rc, _d, text = start(lab, ro.plan(lab, router={"read_only_pool": False})).finish()
    assert rc == 1 and "reads only" in text
    rc, _d, text = start(lab, ro.plan(lab, router={"pool": "nosuch"})).finish()
    assert rc == 1 and "nosuch" in text
    # a standby may not have fewer than its primary
    low = start(lab, ro.plan(lab, {"max_connections": "90"},
                             canary={"restart_command": "/bin/true"}))
    rc, _d, text = low.finish()
    assert rc == 1 and "lower it on the primary first" in text
    none = start(lab, ro.plan(lab, {"max_connections": "120"}))
    rc, _d, text = none.finish()
    assert rc == 1 and "restart_command" in text
