"""What the sampler says is so, on real servers of each major."""
import re
import subprocess
import threading

import psycopg2
import pytest

from harness import clean_env
from harness.observe import Observer, build

GAP_RESET, GAP_RESTART, GAP_FAILOVER, GAP_PGSS = 2, 4, 8, 64


@pytest.fixture(scope="session")
def driver():
    return build()


@pytest.fixture
def observe(driver):
    made = []

    def start(dsn, *argv, **kw):
        made.append(Observer(dsn, *argv, **kw))
        return made[-1]

    yield start
    for one in made:
        one.close()


def mended(s):
    return "seq" in s and s["gap"] == 0 and s["tps"] is not None


def check_numbers(s, limit):
    """No false number: nothing negative, nothing beyond what the load can do."""
    if "seq" not in s:
        return
    assert s["tps"] is None or 0 <= s["tps"] < limit, s["tps"]
    assert s["hit_ratio"] is None or 0 <= s["hit_ratio"] <= 1
    if s["gap"] & ~GAP_PGSS:
        assert s["tps"] is None and s["wal_bytes"] is None
    for q in s["queries"]:
        assert q["calls"] > 0 and q["total_ms"] >= 0
        assert q["calls_ps"] < limit * 10, q


def test_sections_on_each_major(lab, observe, major):
    one = lab(major=major, scale=1, load=True, fast=True)
    o = observe(one.dsn(), "-i", 500, "-w", 0x3fff)
    want = ["basic", "activity", "locks", "statements", "wal", "replication", "progress",
            "databases", "tables", "indexes", "settings", "horizon", "host"]
    s = o.until(lambda x: "seq" in x and x["queries"] and
                all(x["sections"][w]["available"] for w in want), 60)
    bad = {k: v["why"] for k, v in s["sections"].items() if not v["available"]}
    assert bad == {} if major >= 16 else list(bad) == ["io"]
    assert s["n_settings"] > 300 and s["n_databases"] >= 2 and s["n_indexes"] >= 3
    assert (s["n_io"] > 0) == (major >= 16)
    assert s["node"]["version"].startswith(f"{major}.")
    assert {t["name"] for t in s["tables"]} >= {"pgbench_accounts", "pgbench_tellers"}
    assert s["mem_total"] > 0
    s = o.until(lambda x: "seq" in x and
                any("pgbench_accounts" in (q["text"] or "") for q in x["queries"]))
    names = {q["user"] for q in s["queries"]}
    assert "app" in names
    # the statements of the load, and nothing counted since the server began
    for q in s["queries"]:
        if q["text"] and q["text"].startswith("UPDATE pgbench_branches"):
            assert q["calls_ps"] < 400


@pytest.mark.quiet
def test_tps_is_pgbenchs(lab, observe, major):
    seconds = 26
    one = lab(major=major, scale=10, fast=True)
    o = observe(one.dsn())
    o.until(mended)
    bench = subprocess.Popen(
        ["pgbench", "-h", one.host, "-p", str(one.port), "-U", "app", "-n", "-c", "4", "-R",
         "150", "-T", str(seconds), "bench"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env=clean_env())
    done = weight = 0.0
    count = 0
    o.until(lambda x: "seq" in x and (x["tps"] or 0) > 20)
    base = len(o.seen)
    while bench.poll() is None:
        o.next()
    out = bench.stdout.read()
    o.snapshots(3)      # what the last second left, flushed when the sessions ended
    for _, s in o.seen[base - 1:]:
        if "seq" in s and not s["held"]:
            assert s["gap"] & ~GAP_PGSS == 0, s["gap"]
            done += s["tps"] * s["interval_s"]
            weight += s["interval_s"]
            count += 1
    real = int(re.search(r"transactions actually processed: (\d+)", out).group(1))
    assert count > seconds / 3, "the machine is too slow to tell"
    assert abs(done - real) <= 0.02 * real + 3, f"{done:.0f} of {real} in {weight:.1f} s"


def test_statistics_reset(fresh_lab, observe):
    one = fresh_lab(major=17, load=True, fast=True)
    o = observe(one.dsn())
    o.until(lambda x: mended(x) and x["queries"])
    one.sql("SELECT pg_stat_reset()")
    s = o.until(lambda x: "seq" in x and x["gap"] & GAP_RESET,
                each=lambda x: check_numbers(x, 2000))
    assert s["tps"] is None
    o.until(mended, each=lambda x: check_numbers(x, 2000))
    one.sql("SELECT pg_stat_statements_reset()")
    o.until(lambda x: "seq" in x and x["gap"] & GAP_PGSS, each=lambda x: check_numbers(x, 2000))
    o.until(lambda x: mended(x) and x["queries"], each=lambda x: check_numbers(x, 2000))


@pytest.mark.parametrize("how", ["restart", "kill", "freeze"])
def test_server_goes_and_comes(fresh_lab, observe, how):
    one = fresh_lab(major=16, load=True, load_keep=True, fast=True)
    o = observe(one.dsn())
    o.until(mended)

    def check(x):
        check_numbers(x, 3000)

    if how == "restart":
        one.cmd("restart", "primary")
    elif how == "kill":
        one.cmd("kill", "primary")
    else:
        one.cmd("freeze", "primary")
    lost = o.until(lambda x: x.get("link") == "lost", 40, check)
    assert lost["error"]
    if how == "kill":
        one.cmd("start", "primary")
    elif how == "freeze":
        one.cmd("thaw", "primary")
    o.until(lambda x: x.get("link") == "up", 60, check)
    first = o.until(lambda x: "seq" in x, 40, check)
    assert first["gap"] != 0 and first["tps"] is None
    o.until(mended, 60, check)
    o.until(lambda x: mended(x) and x["tps"] > 20, 60, check)


def test_promotion(fresh_lab, observe):
    one = fresh_lab(major=17, standby=True, load=True, fast=True)
    o = observe(one.dsn("standby"))
    s = o.until(lambda x: mended(x) and x["receiver"]["present"])
    assert s["node"]["in_recovery"] and s["wal_bytes"] is None
    assert s["receiver"]["replay_lag_bytes"] >= 0
    p = observe(one.dsn())
    p.until(lambda x: "seq" in x and x["replicas"] and x["replicas"][0]["state"] == "streaming")
    one.cmd("promote")
    s = o.until(lambda x: "seq" in x and not x["node"]["in_recovery"], 60,
                lambda x: check_numbers(x, 3000))
    assert s["gap"] & GAP_FAILOVER and s["tps"] is None and not s["receiver"]["present"]
    o.until(mended, each=lambda x: check_numbers(x, 3000))


def test_privilege_lost_and_regained(fresh_lab, observe):
    one = fresh_lab(major=17, load=True, fast=True, idle=20)
    o = observe(one.dsn(user="monitor"))
    s = o.until(lambda x: mended(x) and any(q["user"] == "app" for q in x["queries"]), 60)
    assert s["sessions"]["idle"] >= 20 and s["sessions"]["hidden"] == 0
    one.sql("REVOKE pg_monitor FROM monitor")
    s = o.until(lambda x: "seq" in x and x["sessions"]["hidden"] > 20, 30,
                lambda x: check_numbers(x, 3000))
    assert s["sections"]["activity"]["partial"] and "pg_monitor" in s["sections"]["activity"]["fix"]
    assert s["tps"] is not None         # what is public goes on
    one.sql("GRANT pg_monitor TO monitor")
    # noticed on the same line, within a quarter of a minute
    s = o.until(lambda x: mended(x) and any(q["user"] == "app" for q in x["queries"]), 60,
                lambda x: check_numbers(x, 3000))
    assert s["sessions"]["hidden"] == 0 and not s["sections"]["activity"]["partial"]


def test_role_with_nothing(lab, observe, major):
    one = lab(major=major, scale=1, load=True, fast=True)
    o = observe(one.dsn(user="nobody_role"))
    s = o.until(lambda x: mended(x) and x["tps"] > 20 and x["n_settings"] > 0, 60)
    assert s["sessions"]["hidden"] > 0 and s["sessions"]["total"] > 0
    assert s["sections"]["activity"]["partial"]
    assert s["sections"]["activity"]["fix"].startswith("GRANT pg_monitor")


def test_blocking_forest(lab, observe, major):
    one = lab(major=major, blocker=True, fast=True)
    o = observe(one.dsn(user="monitor"))
    s = o.until(lambda x: "seq" in x and len(x["locks"]) == 4 and
                any(lock["object"] for lock in x["locks"]))
    root = s["locks"][0]
    assert root["depth"] == 0 and root["victims"] == 3 and root["activity"] >= 0
    assert max(lock["depth"] for lock in s["locks"]) == 2
    assert s["sessions"]["blocked"] == 3


def test_blocker_without_transaction(lab, observe):
    one = lab(major=17, fast=True)
    holder, waiter = one.connect(), one.connect()
    with holder.cursor() as cur:
        cur.execute("SELECT pg_advisory_lock(42)")
    waiter_pid = waiter.info.backend_pid
    t = threading.Thread(target=lambda: waiter.cursor().execute("SELECT pg_advisory_lock(42)"))
    t.start()
    try:
        o = observe(one.dsn())
        s = o.until(lambda x: "seq" in x and x["locks"] and x["locks"][0]["activity"] >= 0)
        assert s["locks"][0]["pid"] == holder.info.backend_pid
        assert s["locks"][1]["pid"] == waiter_pid
        assert s["activity"][s["locks"][0]["activity"]]["state"] == "idle"
    finally:
        with holder.cursor() as cur:
            cur.execute("SELECT pg_advisory_unlock(42)")
        t.join()
        holder.close()
        waiter.close()


def test_hostile_text(lab, observe):
    one = lab(major=17, fast=True, set="track_activity_query_size=1000000")
    c = one.connect()
    c.autocommit = False
    evil = "\x1b]0;pwned\x07\u202e\u200b\x9b31m"
    with c.cursor() as cur:
        cur.execute("SET application_name = %s", (evil,))
        cur.execute(f'CREATE TABLE "t{evil}" (x int)')
        cur.execute("SELECT 1 /* " + evil + " " + "x" * 900000 + " */")
    c.commit()
    with c.cursor() as cur:
        cur.execute("SELECT 1 /* " + evil + " " + "x" * 900000 + " */")
    o = observe(one.dsn(), "-w", 0x3fff)
    s = o.until(lambda x: "seq" in x and x["tables"] and
                any("x" * 100 in (a["query"] or "") for a in x["activity"]))
    raw = o.seen[-1][0]
    c.close()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u200b]", raw)
    for code in ("\\u001b", "\\u0007", "\\u202e", "\\u200b", "\\u009b"):
        assert code not in raw.lower()
    assert all(len(a["query"] or "") <= 2048 for a in s["activity"])


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "EUC_JP"])
def test_other_encodings(lab, observe, encoding):
    one = lab(major=17, fast=True)
    db = f"enc_{encoding.lower()}"
    if not one.value("SELECT count(*) FROM pg_database WHERE datname = %s", db):
        one.sql(f"CREATE DATABASE {db} ENCODING '{encoding}' TEMPLATE template0 "
                "LC_COLLATE 'C' LC_CTYPE 'C'")
    ascii_ = one.connect(dbname="postgres" if encoding != "SQL_ASCII" else db)
    ascii_.autocommit = False
    with ascii_.cursor() as cur:
        cur.execute("SELECT 1 /* \u4e2d\u6587 \u00e9 */".encode()
                    if encoding != "EUC_JP" else "SELECT 1 /* \u1e9e \u20ac */".encode())
    o = observe(one.dsn(dbname=db))
    pid = ascii_.info.backend_pid
    s = o.until(lambda x: "seq" in x and any(a["pid"] == pid for a in x["activity"]), 30)
    assert s["sections"]["activity"]["available"], s["sections"]["activity"]
    ascii_.close()


def test_pooler_says_so(lab, observe):
    one = lab(major=17, fast=True, pgbouncer=True)
    o = observe(one.dsn("pgbouncer", user="app"))
    s = o.until(lambda x: mended(x))
    assert "pooler" in s["sections"]["basic"]["why"]
    o = observe(one.env["PGT_PGBOUNCER_ADMIN"])
    got = o.until(lambda x: x.get("link") in ("denied", "up"))
    assert got["link"] == "denied" and got["error"]


def test_too_many_and_denied(fresh_lab, observe):
    one = fresh_lab(major=17, fast=True, set="max_connections=12")
    held = []
    with pytest.raises(psycopg2.OperationalError):
        while len(held) < 20:
            held.append(one.connect(user="app"))
    o = observe(one.dsn(user="app"))
    up = o.until(lambda x: x.get("link") in ("up", "lost"))
    assert up["link"] == "lost" and up["sqlstate"] == "53300"
    for c in held:
        c.close()
    o.until(lambda x: x.get("link") == "up", 60)
    o = observe(one.dsn(user="no_such_role"))
    got = o.until(lambda x: x.get("link") not in ("connecting", None))
    assert got["link"] == "denied"


def test_replay_is_the_same(lab, observe, tmp_path):
    one = lab(major=17, load=True, blocker=True, fast=True)
    trace = tmp_path / "trace"
    o = observe(one.dsn(), "-n", 8, "-i", 500, "-t", trace)
    while o.next() is not None:
        pass
    played = observe(None, "-r", trace)
    while played.next() is not None:
        pass
    live = [line for line, x in o.seen if "seq" in x]
    assert len(live) == 8
    assert [line for line, _ in played.seen] == live
