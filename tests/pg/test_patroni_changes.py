"""Changes on a real Patroni cluster with etcd: what Patroni sets goes through its REST API
to every node and comes back exactly; everything else is this node's."""
import http.server
import json
import os
import signal
import sys
import threading
import time
import urllib.request

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fault"))

import faultlib as fl  # noqa: E402
from harness import labs  # noqa: E402
from harness.patroni import Cluster, flags  # noqa: E402

pytestmark = pytest.mark.skipif(15 not in labs.majors(), reason="Patroni's lab is of major 15")
long_one = pytest.mark.skipif(not os.environ.get("PG2UNE_LONG"),
                              reason="failovers and longer waits: PG2UNE_LONG=1")

# One as text, one as a number: each must come back as what it was.
SET = {"work_mem": "8MB", "random_page_cost": 2}
PLAN = {"parameters": [{"name": "work_mem", "new_value": "24MB"},
                       {"name": "random_page_cost", "new_value": "1.3"}]}
MIXED = {"parameters": [{"name": "work_mem", "new_value": "24MB"},
                        {"name": "jit_above_cost", "new_value": "70000"}]}


BEFORE = {"work_mem": "8192", "random_page_cost": "2", "jit_above_cost": "100000"}
AFTER = {"work_mem": "24576", "random_page_cost": "1.3", "jit_above_cost": "100000"}


def both_see(cluster, want):
    return fl.wait_until(lambda: cluster.seen() == want and cluster.seen("standby") == want, 15)


@pytest.fixture(scope="module")
def one(pg2une):
    made = labs.Lab(patroni=True, fast=True)
    yield made
    made.down()


def put_in_order(cluster):
    """A healthy cluster with SET at its manager and nothing else."""
    now = cluster.parameters()
    cluster.patch(**{**{k: None for k in now}, **SET})
    assert both_see(cluster, BEFORE), (cluster.seen(), cluster.seen("standby"))
    # a plan is made of what the member remembers, which may be a round older than that
    assert fl.wait_until(lambda: all(cluster.remembered(u) == SET
                                     for u in cluster.urls.split(",")), 15)


@pytest.fixture
def cluster(one):
    c = Cluster(one)
    put_in_order(c)
    yield c
    one.sql("ALTER SYSTEM RESET ALL", dbname="postgres")
    one.sql("SELECT pg_reload_conf()", dbname="postgres")


@pytest.fixture
def console(cluster, home):
    made = []

    def start(url=None, plan=PLAN, **kw):
        made.append(fl.Console(cluster.lab, home, plan=plan, args=flags(cluster, home, url), **kw))
        return made[-1]
    yield start
    for c in made:
        c.end()


def dry_run(lab, home, plan, *args):
    path = f"{home}/plan.json"
    with open(path, "w") as f:
        json.dump(plan, f)
    r = fl.pg2une(home, lab, "config", "apply", "--file", path, "--dry-run", "--format", "json",
                  "-h", lab.host, "-p", str(lab.port), "-U", "postgres", "-d", "bench", *args)
    assert r.returncode == 0, r.stderr
    return json.loads(r.stdout)["data"]


def checks(doc, code):
    return [c for c in doc["dry_run_result"]["checks"] if c["code"] == code]


def left_over(cluster):
    return not fl.sessions_left(cluster.lab) and not fl.locks_left(cluster.lab)


def outcome(cluster, home):
    (row,) = fl.changes(home, cluster.lab)
    return row["outcome"], row.get("result") or ""


def quiet(c, seconds=40):
    assert fl.wait_until(lambda: not c.guards() and c.p.poll() is not None, seconds), c.text


# ---- what it says of each setting ----

def test_overridden_and_ephemeral_are_told_with_their_exact_inverse(cluster, home):
    plan = {"parameters": PLAN["parameters"] + [{"name": "jit_above_cost", "new_value": "70000"},
                                               {"name": "max_connections", "new_value": "90"}]}
    doc = dry_run(cluster.lab, home, plan, *flags(cluster, home))
    by = {p["name"]: p for p in doc["parameters"]}
    assert {n: p["patroni_override"] for n, p in by.items()} == {
        "work_mem": "overridden", "random_page_cost": "overridden",
        "jit_above_cost": "not_set_but_ephemeral", "max_connections": "overridden"}
    assert by["work_mem"]["through"] == "manager" and by["jit_above_cost"]["through"] == "server"
    items = {i["name"]: i for i in doc["items"]}

    def body(text):
        assert text.startswith(f"PATCH {cluster.url}/config "), text
        return json.loads(text.split(" ", 2)[2])["postgresql"]["parameters"]
    assert body(items["work_mem"]["sql"]) == {"work_mem": "24MB"}
    assert [body(t) for t in items["work_mem"]["inverse"]] == [{"work_mem": "8MB"}]
    assert [body(t) for t in items["random_page_cost"]["inverse"]] == [{"random_page_cost": 2}]
    assert items["jit_above_cost"]["sql"].startswith("ALTER SYSTEM SET jit_above_cost")
    texts = [c["text"] for c in checks(doc, "manager")]
    assert any("work_mem: set by the cluster manager (\"8MB\"): goes through its API" in t
               for t in texts), texts
    assert any("jit_above_cost: this node only" in t for t in texts), texts
    assert any("max_connections needs a restart" in c["text"] for c in checks(doc, "restart"))
    r = fl.pg2une(home, cluster.lab, "config", "apply", "--file", f"{home}/plan.json", "--dry-run",
                  *flags(cluster, home))
    assert f'PATCH {cluster.url}/config {{"postgresql"' in r.stdout, r.stdout


def test_a_plan_may_ask_for_the_manager(cluster, home, console):
    plan = {"items": [{"kind": "setting", "name": "jit_above_cost", "value": "70000",
                       "managed": True}]}
    doc = dry_run(cluster.lab, home, plan, *flags(cluster, home))
    assert doc["items"][0]["inverse"] == [
        f'PATCH {cluster.url}/config {{"postgresql":{{"parameters":{{"jit_above_cost":null}}}}}}']
    c = console(plan=plan)
    assert c.go_to("confirm"), c.text
    assert cluster.parameters()["jit_above_cost"] == "70000"
    assert both_see(cluster, {**BEFORE, "jit_above_cost": "70000"})
    c.finish("rollback")
    assert cluster.parameters() == SET and both_see(cluster, BEFORE)


class Other(http.server.BaseHTTPRequestHandler):
    """A Patroni, but of another cluster."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        data = json.dumps({"state": "running", "role": "master",
                           "database_system_identifier": "6900000000000000001"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Lagging(http.server.BaseHTTPRequestHandler):
    """A member whose last round is long ago: it tells the configuration of then."""

    def log_message(self, *_):
        pass

    def answer(self, body=None):
        if self.path == "/config" and self.command == "GET":
            return 200, self.server.then
        req = urllib.request.Request(self.server.behind + self.path, body, method=self.command,
                                     headers={k: v for k, v in self.headers.items()
                                              if k in ("Authorization", "Content-Type")})
        with urllib.request.urlopen(req, timeout=30) as r:
            return r.status, r.read()

    def do_GET(self):
        self.send(*self.answer())

    def do_PATCH(self):
        self.send(*self.answer(self.rfile.read(int(self.headers["Content-Length"]))))

    def send(self, status, data):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def test_a_lagging_member_is_not_believed(cluster, home, console):
    """Else what was just written would pass for "not written", and stay."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lagging)
    server.behind = cluster.url
    server.then = json.dumps(cluster.rest("/config")).encode()
    assert json.loads(server.then)["postgresql"]["parameters"] == SET
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        c = console(url=f"http://127.0.0.1:{server.server_port}")
        assert c.go_to("confirm"), c.text
        assert cluster.parameters()["work_mem"] == "24MB" and both_see(cluster, AFTER)
        c.finish("rollback")
    finally:
        server.shutdown()
        server.server_close()
    assert outcome(cluster, home)[0] == "rolled_back", c.text
    assert cluster.parameters() == SET and both_see(cluster, BEFORE)


def test_unknown_is_never_taken_for_no(cluster, home):
    doc = dry_run(cluster.lab, home, PLAN)
    (first, *_) = checks(doc, "manager")
    assert doc["dry_run_result"]["refused"] and first["severity"] == "refuse"
    assert "Patroni seems to run this server" in first["text"] and first["fix"] == "--patroni URL"
    assert doc["parameters"][0]["patroni_override"] == "unknown"
    doc = dry_run(cluster.lab, home, PLAN, *flags(cluster, home, "http://127.0.0.1:1"))
    assert doc["dry_run_result"]["refused"]
    assert doc["parameters"][0]["patroni_override"] == "unknown"
    assert "cannot be asked" in checks(doc, "manager")[0]["text"]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        doc = dry_run(cluster.lab, home, PLAN,
                      *flags(cluster, home, f"http://127.0.0.1:{server.server_port}"))
    finally:
        server.shutdown()
        server.server_close()
    assert doc["dry_run_result"]["refused"]
    assert "manages another cluster" in checks(doc, "manager")[0]["text"]


def test_not_managed(lab, home):
    plain = lab(major=15, fast=True)
    doc = dry_run(plain, home, PLAN)
    assert [p["patroni_override"] for p in doc["parameters"]] == ["not_managed"] * 2
    assert not doc["dry_run_result"]["refused"]


def test_a_local_line_that_outranks_the_manager_is_refused(cluster, home):
    cluster.lab.sql("ALTER SYSTEM SET work_mem = '5MB'", dbname="postgres")
    doc = dry_run(cluster.lab, home, PLAN, *flags(cluster, home))
    assert doc["dry_run_result"]["refused"]
    assert any("outranks the cluster manager" in c["text"] for c in checks(doc, "source"))


# ---- doing it ----

def test_there_and_exactly_back_on_every_node(cluster, home, console):
    c = console()
    assert c.go_to("confirm"), c.text
    assert cluster.parameters() == {"work_mem": "24MB", "random_page_cost": "1.3"}
    assert both_see(cluster, AFTER) and cluster.auto_conf() == {}
    at = time.monotonic()
    c.finish("rollback")
    assert outcome(cluster, home)[0] == "rolled_back", c.text
    assert time.monotonic() - at < 10
    assert cluster.parameters() == SET, "numbers come back as numbers"
    assert both_see(cluster, BEFORE) and left_over(cluster)


def test_confirmed_stays_and_can_be_taken_back_without_flags(cluster, home, console):
    c = console()
    assert c.finish("confirm") == 0, c.text
    (row,) = fl.changes(home, cluster.lab)
    assert row["outcome"] == "confirmed" and both_see(cluster, AFTER)
    # the journal knows where the manager is
    r = fl.pg2une(home, cluster.lab, "change", "rollback", row["id"])
    assert r.returncode == 0, r.stderr
    assert cluster.parameters() == SET and both_see(cluster, BEFORE)


def test_changed_before_we_write_is_refused(cluster, home, console):
    c = console()
    assert c.go_to("apply 1 of 2"), c.text
    cluster.patch(work_mem="9MB")
    c.finish()
    assert "somebody changed it since" in c.text, c.text
    assert cluster.parameters() == {**SET, "work_mem": "9MB"}
    assert outcome(cluster, home)[0] in ("nothing", "rolled_back")


def test_changed_after_we_wrote_is_left(cluster, home, console):
    c = console()
    assert c.go_to("confirm"), c.text
    cluster.patch(work_mem="77MB")
    c.finish("rollback")
    state, text = outcome(cluster, home)
    assert state == "rolled_back" and "work_mem was changed by somebody else" in text
    assert cluster.parameters() == {**SET, "work_mem": "77MB"}


def test_garbage_goes_back(cluster, home, console):
    """Patroni takes any value and drops what the server refuses: only the read-back tells."""
    c = console(plan={"parameters": [{"name": "log_line_prefix", "new_value": "%m "},
                                     {"name": "work_mem", "new_value": "banana"}]})
    c.finish()
    assert "work_mem" in c.text and cluster.parameters() == SET
    # what preflight cannot know: the node's own file outranks the manager
    cluster.patch(unix_socket_group="")
    assert both_see(cluster, BEFORE)


def test_guard_goes_back_through_the_manager(cluster, home, console):
    c = console(deadline=3)
    assert c.go_to("confirm"), c.text
    os.kill(c.pid, signal.SIGKILL)
    quiet(c)
    assert fl.span(home, cluster.lab, "VALIDATED", "CLOSED") < 3 + 5 * fl.patience()
    assert outcome(cluster, home)[0] == "rolled_back"
    assert cluster.parameters() == SET and both_see(cluster, BEFORE) and left_over(cluster)


def test_half_applied_goes_back_at_once(cluster, home, console):
    c = console(plan=MIXED, deadline=600)
    assert c.go_to("apply 2 of 2"), c.text
    assert cluster.parameters()["work_mem"] == "24MB"
    os.kill(c.pid, signal.SIGKILL)
    quiet(c)
    assert outcome(cluster, home)[0] == "rolled_back"
    assert cluster.parameters() == SET and both_see(cluster, BEFORE)


@pytest.mark.parametrize("stage, mode", [
    ("confirm", "refuse"), pytest.param("confirm", "hold", marks=long_one),
    pytest.param("apply 2 of 2", "refuse", marks=long_one),
    pytest.param("apply 2 of 2", "hold", marks=long_one)])
def test_rest_is_down_in_the_middle(cluster, home, console, mode, stage):
    wire = fl.Wire("127.0.0.1", int(cluster.url.rsplit(":", 1)[1]))
    try:
        c = console(url=f"http://127.0.0.1:{wire.port}", deadline=60)
        assert c.go_to(stage), c.text
        wire.mode = mode
        wire.cut()
        timer = threading.Timer(3, lambda: setattr(wire, "mode", "pass"))
        timer.start()
        c.finish("rollback", 60)
        timer.join()
        quiet(c)
    finally:
        wire.close()
    assert outcome(cluster, home)[0] == "rolled_back", c.text
    assert cluster.parameters() == SET and both_see(cluster, BEFORE) and left_over(cluster)


def test_lost_host_is_recovered_without_flags(cluster, home, console):
    c = console(deadline=600)
    assert c.go_to("confirm"), c.text
    for pid in [c.pid, *c.guards()]:
        os.kill(pid, signal.SIGKILL)
    c.p.wait()
    assert cluster.parameters()["work_mem"] == "24MB"
    r = fl.pg2une(home, cluster.lab, "recover")
    assert r.returncode == 0, r.stderr
    assert cluster.parameters() == SET and both_see(cluster, BEFORE)


# ---- a failover in the middle ----

def switch(cluster, back=False):
    a, b = ("standby", "primary") if back else ("primary", "standby")
    cluster.rest("/switchover", {"leader": a, "candidate": b}, "POST", cluster.any())
    assert fl.wait_until(lambda: members(cluster).get(b) in ("leader", "master") and
                         members(cluster).get(a) == "replica", 60), members(cluster)


def members(cluster):
    found = cluster.rest("/cluster", url=cluster.any())["members"]
    return {m["name"]: m["role"] for m in found if m["state"] in ("running", "streaming")}


@long_one
def test_failover_of_what_the_manager_sets(cluster, home, console):
    c = console(url=cluster.urls, deadline=30)
    assert c.go_to("confirm"), c.text
    switch(cluster)
    try:
        c.finish("confirm", 60)
        quiet(c, 90)
        assert outcome(cluster, home)[0] == "rolled_back", c.text
        assert cluster.parameters() == SET and both_see(cluster, BEFORE)
    finally:
        switch(cluster, back=True)


@long_one
@pytest.mark.parametrize("stage", ["apply 2 of 2", "reload", "confirm"])
def test_failover_fences_what_is_the_nodes(cluster, home, console, stage):
    c = console(url=cluster.urls, plan=MIXED, deadline=30)
    assert c.go_to(stage), c.text
    local = stage != "apply 2 of 2"
    before = (cluster.auto_conf(), cluster.auto_conf("standby"))
    assert before == ({"jit_above_cost": "70000"} if local else {}, {})
    switch(cluster)
    try:
        c.finish("confirm", 60)
        quiet(c, 90)
        state, text = outcome(cluster, home)
        # what is the cluster's went back; the node's own line is left, and said
        assert cluster.parameters() == SET
        assert (cluster.auto_conf(), cluster.auto_conf("standby")) == before
        if local:
            assert state == "fenced", c.text
            assert "ALTER SYSTEM RESET jit_above_cost;" in text and "By hand" in text, text
            assert "curl" not in text, text
        else:
            assert state in ("rolled_back", "fenced"), c.text
            assert cluster.seen() == BEFORE and cluster.seen("standby") == BEFORE
    finally:
        switch(cluster, back=True)


@long_one
def test_primary_lost_goes_back_through_another_member(cluster, home, console):
    """The primary's host is gone; its Patroni too.  The other member has the configuration."""
    c = console(url=cluster.urls, deadline=8)
    assert c.go_to("confirm"), c.text
    with open(f"{cluster.lab.env['PGT_DATADIR']}/postmaster.pid") as f:
        postmaster = int(f.readline())
    cluster.lab.cmd("kill", "patroni-primary")
    os.kill(postmaster, signal.SIGKILL)
    try:
        c.finish("confirm", 60)
        quiet(c, 90)
        assert outcome(cluster, home)[0] == "rolled_back", c.text
        assert cluster.parameters() == SET
        assert fl.wait_until(lambda: members(cluster).get("standby") in ("leader", "master"), 60)
        assert fl.wait_until(lambda: cluster.seen("standby") == BEFORE, 20)
    finally:
        cluster.lab.cmd("start", "patroni-primary")
        fl.wait_until(lambda: members(cluster).get("primary") == "replica", 60)
        switch(cluster, back=True)


# ---- rollouts: tests/e2e/test_rollout_patroni.py has them whole ----

def test_a_rollout_asks_the_manager_too(cluster, home):
    plan = {"changeset": PLAN, "direct": True, "base_s": 1}
    with open(f"{home}/rollout.json", "w") as f:
        json.dump(plan, f)

    def ask(*args):
        return fl.pg2une(home, cluster.lab, "rollout", "plan", "--plan", f"{home}/rollout.json",
                         *args)
    r = ask()
    assert r.returncode == 1 and "--patroni URL" in r.stderr, r.stderr
    r = ask(*flags(cluster, home))
    assert r.returncode == 0, r.stderr
    assert cluster.parameters() == SET and cluster.auto_conf() == {}
