"""A rollout through HAProxy, whose clients reconnect for each transaction."""
import re
import subprocess
import time

import pytest

from harness import clean_env, rollouts as ro

pytestmark = pytest.mark.quiet

BACKEND = "nodes"      # in the lab's configuration
PGBENCH = "/usr/lib/postgresql/15/bin/pgbench"


@pytest.fixture
def clients(fresh_lab, tmp_path):
    """A lab and eight clients that connect anew for each 20 look-ups, 40 times a second."""
    lab = fresh_lab(standby=True, haproxy=True, fast=True)
    log = open(tmp_path / "pgbench.log", "w")
    script = tmp_path / "look.sql"
    script.write_text("\\set aid random(1, 100000)\n"
                      "SELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n" * 20)
    p = subprocess.Popen(
        [PGBENCH, "-n", "-f", script, "-C", "-c", "8", "-T", "120", "-R", "40", "-P", "5",
         "-h", lab.env["PGT_HAPROXY_HOST"], "-p", lab.env["PGT_HAPROXY_PORT"],
         "-U", "app", "bench"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        env=clean_env())
    yield lab, tmp_path / "pgbench.log"
    p.terminate()
    p.wait(10)
    log.close()


def test_all_steps_and_no_errors(clients, pg2une, home, tmp_path):
    lab, log = clients
    ro.read_caches(lab)
    time.sleep(2)
    plan = ro.plan(lab, min_step_s=5, router={
        "kind": "haproxy", "pool": BACKEND, "socket": lab.env["PGT_HAPROXY_SOCKET"],
        "primary": "primary", "canary": "canary"},
        # each call runs in a session of its own: the times scatter widely
        gate={"min_calls": 50, "latency_margin": 1.0})
    for unused in ("admin", "routes_file"):
        del plan["router"][unused]
    r = ro.Rollout(lab, home, plan, "--auto")
    try:
        rc, data, said = r.finish(150)
    finally:
        r.end()
    text = log.read_text()
    assert "error" not in text and "aborted" not in text, text[-2000:]
    assert sum(int(n) for n in re.findall(r"(\d+) failed", text)) == 0
    assert rc == 0, said
    assert [s["pct"] for s in data["steps"]] == [5, 25, 50, 100]
    for step in data["steps"]:
        assert abs(step["achieved_pct"] - step["pct"]) <= 3, data["steps"]
    assert lab.value("SHOW work_mem") == "9MB"
    assert lab.value("SHOW work_mem", role="standby") != "9MB"
