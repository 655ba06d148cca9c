"""Rollouts on a Patroni cluster: the canary alone gets the change by ALTER SYSTEM, every
node by PATCH /config when it is the primary's turn, and the canary's own line goes."""
import os
import signal

import pytest

from harness import labs
from harness import rollouts as ro
from harness.patroni import Cluster, flags
from harness.rollouts import share, wait_for

pytestmark = [
    pytest.mark.quiet,
    pytest.mark.skipif(15 not in labs.majors(), reason="Patroni's lab is of major 15"),
    pytest.mark.skipif(not os.environ.get("PG2UNE_LONG"), reason="PG2UNE_LONG=1")]

SET = {"work_mem": "8MB"}       # what the cluster's configuration says at first


@pytest.fixture
def cluster(pg2une):
    lab = ro.pool(rate=400, patroni=True, major=15)
    c = Cluster(lab)
    c.patch(**SET)
    wait_for(lambda: both(c) == ("8MB", "8MB"), 20, "8MB on both")
    yield c
    lab.down()


@pytest.fixture
def start(cluster, home):
    begun = []

    def go(*args, **over):
        plan = ro.plan(cluster.lab, {"work_mem": "9MB"}, steps=[25, 100], **over)
        begun.append(ro.Rollout(cluster.lab, home, plan, *args, args=flags(cluster, home)))
        return begun[-1]
    yield go
    for r in begun:
        r.end()


def both(c):
    return tuple(c.lab.value("SHOW work_mem", role=r) for r in ("primary", "standby"))


def lines(c):
    return [c.auto_conf(role).get("work_mem") for role in ("primary", "standby")]


@pytest.mark.parametrize("after", ["keep", "revert"])
def test_the_cluster_gets_it_once_the_canary_stood_it(cluster, start, after):
    r = start("--auto", canary={"after": after})
    wait_for(lambda: share(cluster.lab) == 25, 60, "a share of 25%")
    assert both(cluster) == ("8MB", "9MB") and cluster.parameters() == SET
    rc, data, text = r.finish()
    assert rc == 0 and data["state"] == "done", text
    assert cluster.parameters() == {"work_mem": "9MB"}
    assert both(cluster) == ("9MB", "9MB") and lines(cluster) == [None, None]
    assert share(cluster.lab) == 0 and ro.failures(cluster.lab) == 0
    # the canary follows its cluster again
    cluster.patch(work_mem="10MB")
    wait_for(lambda: both(cluster) == ("10MB", "10MB"), 20, "10MB on both")


@pytest.mark.parametrize("blow", ["rollback", "kill"])
def test_from_the_promotion_it_comes_back(cluster, start, blow):
    """Asked to, and by the guard alone, which opens the cluster manager itself."""
    r = start("--auto", min_step_s=8)
    wait_for(lambda: (r.status() or {}).get("state") == "return", 90, "the return")
    assert cluster.parameters() == {"work_mem": "9MB"}
    if blow == "kill":
        r.p.send_signal(signal.SIGKILL)
    else:
        assert r.tell("rollback").returncode == 0
    wait_for(lambda: share(cluster.lab) == 0, 20, "the traffic back")
    wait_for(lambda: both(cluster) == ("8MB", "8MB"), 30, "8MB on both")
    assert cluster.parameters() == SET and lines(cluster) == [None, None]
    wait_for(lambda: not r.guards(), 30, "the guards' end")
    assert ro.failures(cluster.lab) == 0
