"""The history: in a shared PostgreSQL, and where it cannot be written."""
import json
import os
import sqlite3
import subprocess
import threading
import time

import pytest

from harness import ROOT, binary


def start(lab, home, store, seconds, *more):
    os.makedirs(home, exist_ok=True)
    return subprocess.Popen([binary.path(), "analysis", "--for", f"{seconds}s", "--format",
                             "json", "--store", store, *more, lab.dsn()],
                            env=binary.environment(lab, home), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(p):
    out, err = p.communicate(timeout=60)
    assert p.returncode == 0, err
    return json.loads(out).get("data", json.loads(out)), err


def until(p, words, seconds=40):
    """What it said on stderr, once it said this; then it is ended."""
    said = ""
    timer = threading.Timer(seconds, p.kill)
    timer.start()
    try:
        while words not in said:
            line = p.stderr.readline()
            assert line, said
            said += line
    finally:
        timer.cancel()
        p.kill()
        p.communicate()
    return said


def make_version_1(kept):
    """The schema as the first release made it, with one point in it."""
    with open(f"{ROOT}/sql/store/schema/postgres_1.sql") as f:
        schema = f.read()
    kept.sql("CREATE SCHEMA pg2une; SET search_path = pg2une; "
             "CREATE TABLE pg2une_schema (version integer NOT NULL); "
             "INSERT INTO pg2une_schema VALUES (1);" + schema + ";"
             "INSERT INTO node VALUES (1000, 'fp', 'old', 'x');"
             "INSERT INTO system_snapshots (node, res_s, t_ms, tps) "
             "VALUES (1000, 60, 60000, 7)")


def tell_of_one_alert_twice(kept):
    """Two consoles noticed one thing and went; a third noticed something else."""
    now = int(time.time() * 1000)
    for n, onset, state, metric in ((7, 20000, "open", "tps"), (8, 12000, "open", "tps"),
                                    (9, 90000, "cleared", "tps")):
        body = json.dumps({"id": n, "state": state, "causes": []})
        kept.sql("INSERT INTO pg2une.alerts (id, node, onset_ms, detected_ms, cleared_ms, "
                 "metric, direction, severity, state, body) SELECT %s, id, %s, %s, %s, %s, "
                 "'down', 'critical', %s, %s FROM pg2une.node", f"a-{n}", now - onset,
                 now - onset + 9000, now if state == "cleared" else None, metric, state,
                 body)


def test_two_consoles_on_one_postgresql(lab, fresh_lab, run_pg2une, tmp_path):
    """On the oldest major, from the first schema, and on the newest, from nothing."""
    watched = lab(major=17, load=True, fast=True, scale=1)
    stores = [fresh_lab(major=major, fast=True) for major in (13, 18)]
    make_version_1(stores[0])
    # The second comes while the first writes; both make or migrate what they find.
    runs = [start(watched, tmp_path / f"{kept.major}{name}", kept.dsn(), 7)
            for kept in stores for name in "ab"]

    def cut():
        for kept in stores:
            kept.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                     "pid <> pg_backend_pid() AND application_name LIKE 'pg2une%'")
    killer = threading.Timer(3.5, cut)
    killer.start()
    for p in runs:
        finish(p)
    killer.join()
    settings = {}
    assert stores[0].sql("DELETE FROM pg2une.system_snapshots WHERE node = 1000 "
                         "RETURNING res_s, t_ms, tps") == [(60, 60000, 7)]
    stores[0].sql("DELETE FROM pg2une.node WHERE id = 1000")
    for kept in stores:
        assert kept.value("SELECT count(*) FROM pg2une.node") == 1
        assert kept.value("SELECT count(*) FROM pg2une.pg2une_schema") == 1
        assert kept.value("SELECT count(*) FROM pg2une.system_snapshots "
                          "WHERE res_s = 1 AND tps > 0") >= 3
        # told again by each start, and kept once
        settings[kept] = kept.value("SELECT count(*) FROM pg2une.settings_history")
        assert settings[kept] > 3
        r = run_pg2une(["alerts", "--store", kept.dsn(), "--format", "json"], lab=watched)
        assert r.rc == 0, r.err
    tell_of_one_alert_twice(stores[1])
    for p in [start(watched, tmp_path / f"{kept.major}c", kept.dsn(), 4)
              for kept in stores]:
        finish(p)
    r = run_pg2une(["alerts", "--store", stores[1].dsn(), "--format", "json"], lab=watched)
    assert r.rc == 0, r.err
    told = json.loads(r.out)["data"]["alerts"]
    assert [(a["id"], a["state"]) for a in told] == [(8, "left open"), (9, "cleared")]
    points = {}
    for kept in stores:
        assert kept.value("SELECT count(*) FROM pg2une.settings_history") == settings[kept]
        # a newer program's schema is left alone
        points[kept] = kept.value("SELECT count(*) FROM pg2une.system_snapshots")
        kept.sql("UPDATE pg2une.pg2une_schema SET version = version + 1")
    for p in [start(watched, tmp_path / f"{kept.major}d", kept.dsn(), 60)
              for kept in stores]:
        until(p, "history has schema version")
    for kept in stores:
        assert kept.value("SELECT count(*) FROM pg2une.system_snapshots") == points[kept]
        # a role without a right to the schema: told which right
        r = run_pg2une(["alerts", "--store", kept.dsn(user="nobody_role")], lab=watched)
        assert r.rc == 1 and "may not make or use the schema pg2une" in r.err, r.err


def test_changes_are_kept(lab, run_pg2une, home):
    """What was changed, by whom, and each turn that it took."""
    one = lab(major=17, load=True, fast=True, scale=1)
    plan = home / "plan.json"
    plan.write_text('{"parameters": [{"name": "work_mem", "new_value": "13MB"}]}')

    def pg2une(*args):
        r = run_pg2une([*args, "--format", "json"], lab=one, timeout=60)
        assert r.rc == 0, r.err
        return json.loads(r.out)["data"]

    def kept():
        rows = pg2une("change", "history")["changes"]
        assert len(rows) == 1
        return rows[0]

    cid = pg2une("config", "apply", "--file", plan, "--confirm", "later", "--stabilise",
                 "0s", "--window", "1s")["id"]
    row = kept()
    assert row["id"] == cid and row["what"] == "work_mem unset -> 13MB"
    assert "@" in row["who"] and "confirm" in row["outcome"], row
    assert row["result"].startswith("unknown"), row  # too short a window to tell
    pg2une("change", "confirm", cid)
    assert kept()["outcome"] == "confirmed"
    deadline = time.monotonic() + 20    # the guard that still holds it lets it go first
    while run_pg2une(["change", "rollback", cid], lab=one).rc:
        assert time.monotonic() < deadline
    row = kept()
    assert row["outcome"] == "rolled_back" and "operator" in row["result"], row


@pytest.fixture
def small_disk(tmp_path):
    """A full file system of 256 kB; None where none may be made."""
    path = tmp_path / "small"
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", path],
                      capture_output=True).returncode:
        yield None
        return
    (path / "fill").write_bytes(b"\0" * (150 << 10))
    yield path
    subprocess.run(["umount", path], check=True)


def test_where_it_cannot_be_written(lab, tmp_path, small_disk):
    """A locked file, a corrupt one, a server that is away, a full disk: it watches on."""
    one = lab(major=17, load=True, fast=True, scale=1)
    locked, junk = tmp_path / "locked.db", tmp_path / "junk.db"
    holder = sqlite3.connect(locked, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    junk.write_bytes(b"this is no database; " * 500)
    cases = {"locked": (str(locked), "locked"), "corrupt": (str(junk), "not a database"),
             "away": ("host=127.0.0.1 port=1 connect_timeout=1", "refused")}
    if small_disk:
        cases["full"] = (f"{small_disk}/history.db", "full")
    runs = {name: start(one, tmp_path / name, where, 6)
            for name, (where, _) in cases.items()}
    for name, p in runs.items():
        data, err = finish(p)
        assert err.count("history is not being kept, going on in memory") == 1, err
        assert cases[name][1] in err, (name, err)
        assert cases[name][1] in data["store_message"], (name, data["store_message"])
        assert len(data["charts"]) == 10
    holder.close()
    assert junk.read_bytes() == b"this is no database; " * 500
    if not small_disk:
        return
    # with room again it is whole, and is written
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    _, err = finish(start(one, tmp_path / "room", cases["full"][0], 5))
    assert err == ""
    db = sqlite3.connect(cases["full"][0])
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert db.execute("SELECT count(*) FROM system_snapshots").fetchone()[0] >= 1
    db.close()
