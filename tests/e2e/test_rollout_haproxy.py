"""A rollout through HAProxy, whose clients reconnect for each transaction."""
import json
import os
import re
import subprocess
import time

import pytest

from harness import binary, clean_env

BACKEND = "nodes"      # in the lab's configuration
PGBENCH = "/usr/lib/postgresql/15/bin/pgbench"


@pytest.fixture
def clients(fresh_lab, tmp_path):
    """A lab and eight clients that connect anew each time, about 100 times a second."""
    lab = fresh_lab(standby=True, haproxy=True, fast=True)
    log = open(tmp_path / "pgbench.log", "w")
    p = subprocess.Popen(
        [PGBENCH, "-n", "-S", "-C", "-c", "8", "-T", "120", "-R", "100", "-P", "5",
         "-h", lab.env["PGT_HAPROXY_HOST"], "-p", lab.env["PGT_HAPROXY_PORT"],
         "-U", "app", "bench"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        env=clean_env())
    yield lab, tmp_path / "pgbench.log"
    p.terminate()
    p.wait(10)
    log.close()


def test_shares_and_no_errors(clients, pg2une, home, tmp_path):
    lab, log = clients
    for role in ("primary", "standby"):
        lab.sql("SELECT count(*), sum(abalance) FROM pgbench_accounts", role=role)
        lab.sql("SELECT count(aid) FROM (SELECT aid FROM pgbench_accounts ORDER BY aid) x",
                role=role)
    time.sleep(2)
    plan = {
        "auto": True, "steps": [25, 50], "min_step_s": 6, "max_step_s": 60, "bucket_s": 2,
        # each call runs in a session of its own: the times scatter widely
        "gate": {"min_calls": 50, "latency_margin": 1.0},
        "router": {"kind": "haproxy", "read_only_pool": True, "pool": BACKEND,
                   "socket": lab.env["PGT_HAPROXY_SOCKET"], "primary": "primary",
                   "canary": "canary"},
        "canary": {"conninfo": lab.dsn("standby"), "after": "revert"},
        "changeset": {"parameters": [{"name": "work_mem", "new_value": "9MB"}]},
    }
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan))
    p = subprocess.run([pg2une, "rollout", "start", "--plan", str(path), "--format", "json"],
                       env=binary.environment(lab, home), stdin=subprocess.DEVNULL,
                       capture_output=True, text=True, timeout=150)
    text = log.read_text()
    assert "error" not in text and "aborted" not in text, text[-2000:]
    assert sum(int(n) for n in re.findall(r"(\d+) failed", text)) == 0
    assert p.returncode == 0, p.stderr
    steps = json.loads(p.stdout)["data"]["steps"]
    for step in steps:
        assert abs(step["achieved_pct"] - step["pct"]) <= 3, steps
    assert os.path.exists(lab.env["PGT_HAPROXY_SOCKET"])
    assert lab.value("SHOW work_mem") == "9MB"
    assert lab.value("SHOW work_mem", role="standby") != "9MB"
