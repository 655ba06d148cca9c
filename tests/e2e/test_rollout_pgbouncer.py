"""Rollouts through a real PgBouncer: promoted, stopped, and taken back by the guard."""
import json
import re
import signal
import subprocess
import time

import pytest

from harness import binary

LOAD = dict(standby=True, pgbouncer=True, fast=True)
RATE = 300
SLOW = {"enable_indexscan": "off", "enable_indexonlyscan": "off", "enable_bitmapscan": "off"}


@pytest.fixture(scope="module")
def servers():
    """One lab for this file: a pool of reads with 24 persistent clients, both warm."""
    from harness.labs import Lab

    lab = Lab(**LOAD)
    lab.cmd("load", "start", "--rate", RATE, "--clients", 24, "--via", "pgbouncer_ro",
            "--mode", "ro")
    warm(lab)
    yield lab
    lab.down()


def warm(lab):
    lab.cmd("route", "60")
    for role in ("primary", "standby"):
        lab.sql("SELECT count(*), sum(abalance) FROM pgbench_accounts", role=role)
        lab.sql("SELECT count(aid) FROM (SELECT aid FROM pgbench_accounts ORDER BY aid) x",
                role=role)
    time.sleep(6)       # the caches of the pool's own sessions
    lab.cmd("route", "0")


def shares(lab):
    with open(lab.env["PGT_ROUTES_FILE"]) as f:
        hosts = re.search(r"bench_ro\s*=.*?host=(\S+)", f.read()).group(1).split(",")
    return 100.0 * hosts.count(lab.env["PGT_STANDBY_HOST"]) / len(hosts)


def plan_file(lab, tmp_path, settings, **over):
    plan = {
        "steps": [5, 25, 50, 100], "min_step_s": 4, "max_step_s": 60, "bucket_s": 1,
        # a wide margin and few calls: what is tested here is the flow, in seconds
        "gate": {"min_calls": 100, "latency_margin": 0.5},
        "router": {"kind": "pgbouncer", "read_only_pool": True,
                   "admin": lab.env["PGT_PGBOUNCER_ADMIN"],
                   "routes_file": lab.env["PGT_ROUTES_FILE"], "pool": "bench_ro",
                   "primary": lab.host, "canary": lab.env["PGT_STANDBY_HOST"]},
        "canary": {"conninfo": lab.dsn("standby"), "after": "revert"},
        "changeset": {"parameters": [{"name": k, "new_value": v}
                                     for k, v in settings.items()]},
    }
    for key, value in over.items():
        plan[key] = {**plan[key], **value} if isinstance(plan.get(key), dict) else value
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan))
    return path


def start(pg2une, lab, home, plan, *flags):
    return subprocess.Popen(
        [pg2une, "rollout", "start", "--plan", str(plan), "--format", "json", *flags],
        env=binary.environment(lab, home), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(proc, timeout=120):
    out, err = proc.communicate(timeout=timeout)
    return proc.returncode, out, err


def status(pg2une, lab, home):
    p = subprocess.run([pg2une, "rollout", "status", "--format", "json"], text=True,
                       env=binary.environment(lab, home), capture_output=True, timeout=20)
    return json.loads(p.stdout)["data"] if p.returncode == 0 else None


def wait_for(test, deadline=40, what="it"):
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        if test():
            return
        time.sleep(0.1)
    raise AssertionError(f"{what} not within {deadline} s")


def failed_transactions(lab):
    with open(f"{lab.env['PGT_LAB_DIR']}/log/load.log") as f:
        text = f.read()
    return sum(int(n) for n in re.findall(r"(\d+) failed", text)) + text.count("aborted")


def setting(lab, role, name):
    return lab.value(f"SHOW {name}", role=role)


def test_good_change_is_promoted_in_steps(servers, pg2une, home, tmp_path):
    lab = servers
    # long enough to tell 28% from 25% at 300 calls a second
    plan = plan_file(lab, tmp_path, {"work_mem": "9MB"}, min_step_s=9)
    proc = start(pg2une, lab, home, plan, "--auto")
    seen = set()

    def watch():
        s = status(pg2une, lab, home)       # read-only, from another process
        if s:
            seen.add((s["state"], s["step"]))
        return proc.poll() is not None
    wait_for(watch, 200, "the end")
    rc, out, err = finish(proc)
    assert rc == 0, err
    data = json.loads(out)["data"]
    assert data["state"] == "done"
    for step in data["steps"]:
        assert abs(step["achieved_pct"] - step["pct"]) <= 3, data["steps"]
        assert step["verdict"] == "go"
    assert ("step", 0) in seen and len(seen) > 3
    assert setting(lab, "primary", "work_mem") == "9MB"
    assert setting(lab, "standby", "work_mem") != "9MB"     # after: revert
    assert shares(lab) == 0
    assert failed_transactions(lab) == 0
    import sqlite3
    con = sqlite3.connect(f"{home}/.state/pg2une/history.db")
    rows = con.execute("SELECT id, status, baseline_metrics, body FROM optimization_runs"
                       ).fetchall()
    con.close()
    assert [(r[0], r[1]) for r in rows] == [(data["id"], "promoted")]
    assert json.loads(rows[0][2])["latency_mean"] > 0
    assert len(json.loads(rows[0][3])["steps"]) == 4
    lab.sql("ALTER SYSTEM RESET work_mem")
    lab.sql("SELECT pg_reload_conf()")


def test_harmful_change_is_stopped(servers, pg2une, home, tmp_path):
    lab = servers
    proc = start(pg2une, lab, home, plan_file(lab, tmp_path, SLOW), "--auto")
    rc, _out, err = finish(proc)
    assert rc == 1
    assert "rolled_back" in err, err
    assert "> promote" not in err
    assert "50% of the traffic" not in err      # at the first or second step
    assert shares(lab) == 0
    for role in ("primary", "standby"):
        assert setting(lab, role, "enable_indexscan") == "on"
    assert failed_transactions(lab) == 0


def test_killed_console_brings_the_traffic_back(servers, pg2une, home, tmp_path):
    lab = servers
    proc = start(pg2une, lab, home,
                 plan_file(lab, tmp_path, {"work_mem": "9MB"}, steps=[25, 50, 100]))
    wait_for(lambda: shares(lab) == 25, what="a share of 25%")
    proc.send_signal(signal.SIGKILL)
    finish(proc)
    wait_for(lambda: shares(lab) == 0, 15, "the traffic back")
    wait_for(lambda: setting(lab, "standby", "work_mem") != "9MB", 40, "the change back")
    assert setting(lab, "primary", "work_mem") != "9MB"
    wait_for(lambda: status(pg2une, lab, home)["state"] == "rolled_back", 20,
             "the guard's end in the status")
    assert failed_transactions(lab) == 0


def test_words_from_another_process(servers, pg2une, home, tmp_path):
    lab = servers
    proc = start(pg2une, lab, home,
                 plan_file(lab, tmp_path, {"work_mem": "9MB"}, steps=[25, 50, 100]))
    env = binary.environment(lab, home)

    def awaiting():
        s = status(pg2une, lab, home)
        return s and s["awaiting"]
    wait_for(awaiting, 90, "a go of the gate")
    subprocess.run([pg2une, "rollout", "confirm"], env=env, check=True, timeout=20,
                   capture_output=True)
    wait_for(lambda: shares(lab) == 50, 15, "the next step")
    subprocess.run([pg2une, "rollout", "rollback"], env=env, check=True, timeout=20,
                   capture_output=True)
    rc, _out, err = finish(proc, 60)
    assert rc == 1 and "asked for by" in err, err
    assert shares(lab) == 0


def test_pool_that_nobody_called_read_only_is_refused(servers, pg2une, home, tmp_path):
    lab = servers
    plan = plan_file(lab, tmp_path, {"work_mem": "9MB"}, router={"read_only_pool": False})
    rc, _out, err = finish(start(pg2une, lab, home, plan, "--auto"))
    assert rc == 1 and "reads only" in err
    plan = plan_file(lab, tmp_path, {"work_mem": "9MB"}, router={"pool": "nosuch"})
    rc, _out, err = finish(start(pg2une, lab, home, plan, "--auto"))
    assert rc == 1 and "nosuch" in err


def test_dead_canary(servers, pg2une, home, tmp_path):
    lab = servers
    proc = start(pg2une, lab, home,
                 plan_file(lab, tmp_path, {"work_mem": "9MB"}, steps=[25, 50, 100]))
    wait_for(lambda: shares(lab) == 25, what="a share of 25%")
    lab.cmd("freeze", "standby")
    try:
        wait_for(lambda: shares(lab) == 0, 20, "the traffic back")
    finally:
        lab.cmd("thaw", "standby")
    rc, _out, err = finish(proc, 100)
    assert rc == 1 and re.search("canary is gone|cannot be measured", err), err
    wait_for(lambda: setting(lab, "standby", "work_mem") != "9MB", 40, "the change back")
