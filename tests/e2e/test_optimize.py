"""The optimizer on real servers, as short as it goes: one baseline, then stopped by time.
Whole searches are measured by tests/bench/gains."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "fault"))

import tunekill  # noqa: E402

HAVE_COPY = os.path.exists("/usr/lib/postgresql/15/bin/pg_basebackup")


def optimize(run_pg2une, lab, *args, timeout=150, ok=True):
    r = run_pg2une(["optimize", "--format", "json", "--ram", "4GB", "--cpus", "2", *args], lab=lab,
                   timeout=timeout)
    answer = json.loads(r.out or r.err.splitlines()[-1])    # a failure goes to stderr
    assert answer["success"] is ok, answer
    return answer["data"] if ok else answer["error"]


@pytest.fixture
def where():
    """A folder that the user who runs the servers may reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as path:
        os.chmod(path, 0o711)
        yield path


@pytest.mark.skipif(not HAVE_COPY, reason="the server programs of major 15 are not installed")
def test_rehearsal_leaves_nothing(run_pg2une, fresh_lab, where):
    """A copy is made and loaded with what was captured; at the end all of it is gone."""
    lab = fresh_lab(major=15, fast=True)
    before = tunekill.settings(lab)
    for i in range(30):
        lab.sql("SELECT abalance FROM pgbench_accounts WHERE aid = %s", i)
    lab.sql("SELECT count(*) FROM pgbench_accounts WHERE aid > 10")
    d = optimize(run_pg2une, lab, "--mode", "rehearsal", "--copy-to", where,
                 "--trial", "12s", "--time", "1s")
    assert [t["what"] for t in d["trials"]] == ["baseline"]
    # On a busy machine samples may be missing, and it says so; the load ran anyway.
    assert d["trials"][0]["status"] in ("ok", "void") and d["trials"][0]["tps"] > 5
    assert d["proposal"]["verdict"] == {
        "ok": "keep what is there", "void": "none"}[d["trials"][0]["status"]]
    note = " ".join(d["notes"])
    assert re.search(r"on a copy.*[1-9]\d* captured SELECT statements", note), note
    assert glob.glob(f"{where}/*rehearsal*") == []
    assert where not in subprocess.run(["ps", "-eo", "args"], text=True,
                                               capture_output=True).stdout
    assert tunekill.settings(lab) == before


def test_indexes_by_plan(run_pg2une, lab):
    """--action queries asks the planner only, and is labelled so."""
    one = lab(major=17)
    out = run_pg2une(["optimize", "--mode", "model", "--action", "queries", "--format", "json"],
                     lab=one, timeout=60)
    answer = json.loads(out.out or out.err.splitlines()[-1])
    if answer["success"]:
        assert "nothing was measured" in " ".join(answer["data"]["notes"])
        for s in answer["data"]["settings"]:
            assert s["statement"].startswith("CREATE INDEX")
    else:
        assert "no index to propose" in answer["error"]


@pytest.mark.parametrize("args, why", [
    (["--mode", "live", "--action", "queries"], "indexes are built on a copy"),
    (["--mode", "canary"], "--primary"),
    (["--mode", "canary", "--primary", "host=/nowhere"], "nowhere"),
    (["--mode", "live", "--script", "builtin:tpcb-like"], "for --mode rehearsal"),
    (["--objective", "speed"], "--objective"),
    (["--mode", "rehearsal", "--copy-to", "/nonexistent"], "nonexistent|on this machine"),
])
def test_refused(run_pg2une, lab, args, why):
    assert re.search(why, optimize(run_pg2une, lab(major=17), *args, ok=False))


def test_canary_wants_a_standby(run_pg2une, lab):
    one = lab(major=17)
    error = optimize(run_pg2une, one, "--mode", "canary", "--primary", one.dsn(), ok=False)
    assert "is no standby" in error


def test_three_kills():
    """The quick form of tests/fault/run --only tunekill."""
    assert tunekill.run(3, workers=3)
