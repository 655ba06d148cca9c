"""A canary by a coordinator that speaks mxc's protocol, awkward answers included.

The microVM itself is not there: its address is a standby of the lab, or nobody."""
import json
import subprocess

import pytest

from harness import binary
from harness.mxc import Coordinator


@pytest.fixture(scope="module")
def servers():
    from harness.labs import Lab

    lab = Lab(standby=True, pgbouncer=True, fast=True)
    yield lab
    lab.down()


@pytest.fixture
def rollout(servers, pg2une, home, tmp_path):
    """rollout(coordinator, ready_s=...): rc and messages of one that never gets to judge:
    there is no traffic, so a canary that becomes ready ends as inconclusive."""
    def run(coordinator, ready_s=20, token="tok", **canary):
        lab = servers
        secret = tmp_path / "token"
        secret.write_text(token)
        secret.chmod(0o600)
        plan = {
            "auto": True, "steps": [5], "min_step_s": 1, "max_step_s": 2, "bucket_s": 1,
            "router": {"kind": "pgbouncer", "read_only_pool": True, "pool": "bench_ro",
                       "admin": lab.env["PGT_PGBOUNCER_ADMIN"],
                       "routes_file": lab.env["PGT_ROUTES_FILE"],
                       "primary": lab.host, "canary": lab.env["PGT_STANDBY_HOST"]},
            "canary": {"kind": "mxc", "url": coordinator.url, "token_file": str(secret),
                       "configuration": "pg-replica", "memory_mb": 2304, "cpu": 2,
                       "ready_s": ready_s, "conninfo": lab.dsn("standby"), "after": "stop",
                       **canary},
            "changeset": {"parameters": [{"name": "work_mem", "new_value": "9MB"}]},
        }
        path = tmp_path / "plan.json"
        path.write_text(json.dumps(plan))
        p = subprocess.run([pg2une, "rollout", "start", "--plan", str(path)], text=True,
                           env=binary.environment(lab, home), stdin=subprocess.DEVNULL,
                           capture_output=True, timeout=120)
        return p.returncode, p.stderr
    return run


def test_running_then_stopped(rollout):
    with Coordinator(stop=["refuse", "ok"]) as c:
        rc, err = rollout(c)
        body = json.loads(next(b for b in c.bodies if b))
        # the names that the coordinator reads, not those it answers with
        assert body == {"type": "microvm", "command": "pg-replica", "cpu": 2,
                        "memory_mb": 2304}
        (w,) = c.workloads.values()
        stops = [p for m, p in c.requests if p.endswith("/stop")]
    assert rc == 1 and "inconclusive" in err
    assert "is starting" in err and "is running" in err
    assert len(stops) == 2          # asked again after the refusal
    assert w["status"] == "stopped"


def test_failed_is_not_final(rollout):
    with Coordinator(statuses=("pending", "starting", "failed", "failed", "running")) as c:
        rc, err = rollout(c)
    assert rc == 1 and "is failed" in err and "is running" in err
    assert "> apply" in err


def test_pending_for_ever(rollout):
    with Coordinator(statuses=("pending",)) as c:
        rc, err = rollout(c, ready_s=3)
    assert rc == 1 and "did not become ready in time" in err
    assert "> apply" not in err


@pytest.mark.parametrize("answer,text", [
    ((422, {"error": '"nix is required for microvm workloads but is not installed"'}),
     "nix is required"),
    ((422, {"error": {"command": ["can't be blank"]}}), "can't be blank"),
    ((200, None, b'{"data": {"id": "12'), "/api/workloads"),
    ((201, {"data": {"id": "../../etc", "status": "pending"}}), "without an id"),
    ((200, None, b'{"data": "' + b"x" * (5 << 20) + b'"}'), ""),
], ids=["quoted", "field", "truncated", "evil-id", "huge"])
def test_answers_to_create(rollout, answer, text):
    with Coordinator(create=answer) as c:
        rc, err = rollout(c, ready_s=3)
    assert rc == 1 and text in err
    assert "> apply" not in err


def test_wrong_token(rollout):
    with Coordinator(token="other") as c:
        rc, err = rollout(c)
    assert rc == 1 and "Invalid or missing API token" in err
    assert "tok" not in err.replace("token", "")


def test_slow_coordinator_is_waited_for(rollout):
    with Coordinator(delay=1.0) as c:
        rc, err = rollout(c, ready_s=30)
    assert rc == 1 and "> apply" in err
