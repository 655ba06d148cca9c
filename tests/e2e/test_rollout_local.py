"""Rollouts without a pooler's help: direct mode, and a canary that is copied here and
restarted for a setting that needs it."""
import os
import subprocess

import pytest

from harness import rollouts as ro
from harness.rollouts import SLOW, wait_for

pytestmark = pytest.mark.quiet


@pytest.fixture
def start(pg2une, home):
    begun = []

    def go(lab, plan, *flags):
        begun.append(ro.Rollout(lab, home, plan, *flags))
        return begun[-1]
    yield go
    for r in begun:
        r.end()


@pytest.fixture(scope="module")
def servers():
    from harness.labs import Lab

    lab = Lab(pgbouncer=True, fast=True)
    lab.cmd("load", "start", "--rate", 300, "--clients", 24, "--via", "pgbouncer_ro",
            "--mode", "ro")
    yield lab
    lab.down()


def direct(lab, settings=ro.GOOD):
    return ro.plan(lab, settings, direct=True, router=None, canary=None, steps=None)


def test_direct_is_promoted(servers, start):
    lab = servers
    rc, data, text = start(lab, direct(lab), "--auto").finish(60)
    assert rc == 0 and data["state"] == "done" and data["direct"], text
    assert "> step" not in text and "of the traffic" not in text
    assert lab.value("SHOW work_mem") == "9MB"
    lab.sql("ALTER SYSTEM RESET work_mem")
    lab.sql("SELECT pg_reload_conf()")


def test_direct_harm_goes_back(servers, start):
    lab = servers
    rc, _data, text = start(lab, direct(lab, SLOW), "--auto").finish(60)
    assert rc == 1 and "rolled_back" in text and "slow" in text, text
    for name in SLOW:
        assert lab.value(f"SHOW {name}") == "on"


def copy_plan(lab, where, settings, **over):
    return ro.plan(lab, settings, min_step_s=3, gate={"latency_margin": 1.0},
                   router={"canary": "127.0.0.5"},
                   canary={"kind": "basebackup", "directory": where, "port": lab.port,
                           "listen": "127.0.0.5", "after": "stop", "warm_s": 3,
                           "ready_s": 60}, **over)


@pytest.mark.skipif(not os.environ.get("PG2UNE_LONG"), reason="PG2UNE_LONG=1")
@pytest.mark.parametrize("when", ["copying", "> apply", "50% of the traffic"])
def test_a_lost_console_leaves_no_copy(servers, start, when):
    lab, where = servers, "/tmp/pg2une-canary-%d" % os.getpid()
    r = start(lab, copy_plan(lab, where, ro.GOOD, steps=[50]))
    wait_for(lambda: when in r.text(), 90, when, 0.01)
    r.p.kill()
    wait_for(lambda: not r.guards(), 90, "the guards' end")
    assert not os.path.exists(where)
    with open(lab.env["PGT_ROUTES_FILE"]) as f:
        assert "127.0.0.5" not in f.read()
    assert r.status()["state"] == "rolled_back"
    wait_for(lambda: lab.value("SELECT count(*) FROM pg_replication_slots") == 0, 20,
             "no slot left")


def test_a_copy_is_made_restarted_and_removed(servers, start):
    lab, where = servers, "/tmp/pg2une-canary-%d" % os.getpid()
    plan = copy_plan(lab, where, {"work_mem": "9MB", "max_connections": "120"}, steps=[50])
    r = start(lab, plan)
    try:
        wait_for(lambda: "the gate says go" in r.text() or r.p.poll() is not None, 90, "go")
        got = subprocess.run(["psql", "-h", "127.0.0.5", "-p", str(lab.port), "-U",
                              "postgres", "-AtXc", "SELECT pg_is_in_recovery(), "
                              "current_setting('max_connections')", "bench"],
                             capture_output=True, text=True)
        assert got.stdout == "t|120\n", got.stderr + r.text()
        assert lab.value("SHOW max_connections") == "100"
        r.tell("confirm")
        rc, data, text = r.finish(90)
        assert rc == 0 and data["state"] == "done", text
        # the primary is told, and restarted by nobody
        assert lab.value("SHOW max_connections") == "100"
        assert lab.value("SELECT pending_restart FROM pg_settings "
                         "WHERE name = 'max_connections'")
        wait_for(lambda: lab.value("SELECT count(*) FROM pg_replication_slots") == 0, 10,
                 "no slot left")
        assert not os.path.exists(where)
        assert ro.failures(lab) == 0
    finally:
        r.tell("rollback")
