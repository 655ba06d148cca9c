"""The history: in a shared PostgreSQL, and where it cannot be written."""
import json
import os
import sqlite3
import subprocess
import threading

import pytest

from harness import binary


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


@pytest.mark.parametrize("store_major", [13, 18])
def test_two_consoles_on_one_postgresql(lab, fresh_lab, run_pg2une, tmp_path, store_major):
    watched = lab(major=17, load=True, fast=True, scale=1)
    kept = fresh_lab(major=store_major, fast=True)
    # The second comes while the first writes; both make what is not there.
    two = [start(watched, tmp_path / name, kept.dsn(), 7) for name in "ab"]
    killer = threading.Timer(3, kept.sql, [
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND application_name LIKE 'pg2une%'"])
    killer.start()
    for p in two:
        finish(p)
    killer.join()

    def count(what):
        return kept.value(f"SELECT count(*) FROM pg2une.{what}")
    assert count("node") == 1 and count("pg2une_schema") == 1
    assert count("system_snapshots WHERE res_s = 1 AND tps > 0") >= 5
    assert kept.value("SELECT count(DISTINCT t_ms / 1000) FROM pg2une.system_snapshots "
                      "WHERE res_s = 1") >= 3
    # settings are told again by each start, and kept once
    settings = count("settings_history")
    assert kept.value("SELECT count(DISTINCT name) FROM pg2une.settings_history") > 3
    finish(start(watched, tmp_path / "again", kept.dsn(), 4))
    assert count("settings_history") == settings
    r = run_pg2une(["alerts", "--store", kept.dsn(), "--format", "json"], lab=watched)
    assert r.rc == 0, r.err
    # a newer program's schema is left alone
    before = count("system_snapshots")
    kept.sql("UPDATE pg2une.pg2une_schema SET version = version + 1")
    _, err = finish(start(watched, tmp_path / "c", kept.dsn(), 4))
    assert "schema version" in err and count("system_snapshots") == before


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 kB; where it cannot be made, no test of a full one."""
    path = tmp_path / "small"
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", path],
                      capture_output=True).returncode:
        pytest.skip("may not mount a small file system")
    yield path
    subprocess.run(["umount", path], check=True)


def test_where_it_cannot_be_written(lab, tmp_path):
    """A locked file, a corrupt one, a server that is not there: the console watches on."""
    one = lab(major=17, load=True, fast=True, scale=1)
    locked, junk = tmp_path / "locked.db", tmp_path / "junk.db"
    holder = sqlite3.connect(locked, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    junk.write_bytes(b"this is no database; " * 500)
    runs = {name: start(one, tmp_path / name, where, 6) for name, where in (
        ("locked", str(locked)), ("corrupt", str(junk)),
        ("unreachable", "host=127.0.0.1 port=1 connect_timeout=1"))}
    words = {"locked": "locked", "corrupt": "not a database", "unreachable": "refused"}
    for name, p in runs.items():
        data, err = finish(p)
        assert err.count("history is not being kept, going on in memory") == 1, err
        assert words[name] in err, (name, err)
        assert words[name] in data["store_message"], (name, data["store_message"])
        # it goes on watching
        assert len(data["charts"]) == 10
    holder.close()
    assert junk.read_bytes() == b"this is no database; " * 500


def test_full_disk(lab, tmp_path, small_disk):
    one = lab(major=17, load=True, fast=True, scale=1)
    store = small_disk / "history.db"
    fill = small_disk / "fill"
    fill.write_bytes(b"\0" * (150 << 10))
    data, err = finish(start(one, tmp_path / "a", str(store), 7))
    assert "going on in memory" in err and "full" in err, err
    assert "full" in data["store_message"] and len(data["charts"]) == 10
    # with room again it is whole, and is written
    fill.unlink()
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    _, err = finish(start(one, tmp_path / "b", str(store), 4))
    assert err == ""
    db = sqlite3.connect(store)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert db.execute("SELECT count(*) FROM system_snapshots").fetchone()[0] >= 1
    db.close()
