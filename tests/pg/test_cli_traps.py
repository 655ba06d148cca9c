"""What a naive command line gets wrong: each trap with a server that sets it."""
import json
import os
import signal
import socket
import subprocess
import threading
import time

import pytest

from harness import binary

from test_cli_checklist import data, failure


def start(one, *args):
    return subprocess.Popen([binary.path(), *args], env=binary.environment(one),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_2_a_standby_is_another_node_of_the_same_cluster(lab, run_pg2une):
    one = lab(major=15, standby=True, fast=True)
    args = ["inspect", "--sections", "system", "--format", "json"]
    a = data(run_pg2une(args, lab=one))["identity"]
    b = data(run_pg2une(args, lab=one, env={"PGHOST": one.env["PGT_STANDBY_HOST"],
                                            "PGPORT": one.env["PGT_STANDBY_PORT"]}))["identity"]
    assert a["fingerprint"] == b["fingerprint"] and a["node"] != b["node"]
    assert (a["role"], b["role"]) == ("primary", "standby")


def test_3_identity_needs_no_superuser_and_survives_a_unix_socket(lab, run_pg2une, major):
    one = lab(major=major, fast=True)
    r = run_pg2une(["inspect", "-U", "nobody_role", "--sections", "control", "--format", "json"],
                   lab=one, env={"PGHOST": one.env["PGT_SOCKDIR"]})
    i = data(r)["identity"]
    assert i["tier"] == 0 and i["resolved_addr"] == "" and i["warning"] is None


def test_6_units_are_normalised(fresh_lab, run_pg2une, tmp_path):
    one = fresh_lab(major=15, fast=True, set=["shared_buffers=64MB", "work_mem=8MB"])
    conf = tmp_path / "f.conf"
    conf.write_text("shared_buffers = 8192\nwork_mem = '8192kB'\ncheckpoint_timeout = 300s\n"
                    "autovacuum = true\nrandom_page_cost = 4.00\nwal_level = REPLICA\n"
                    "max_wal_size = 2GB # changed\n")
    d = data(run_pg2une(["config", "diff", "--file", conf, "--format", "json"], lab=one))
    assert [x["name"] for x in d["differences"]] == ["max_wal_size"]
    assert (d["differences"][0]["before"], d["differences"][0]["after"]) == ("1GB", "2GB")


def reset_during(one, sql, sections="queries,wal,bgwriter,databases,tables", **kw):
    p = start(one, "inspect", "--delta", "--interval", "2s", "--sections", sections,
              "--format", "json")
    time.sleep(1.0)
    for s in sql:
        one.sql(s)
    out, err = p.communicate(timeout=40)
    assert p.returncode == 0, err
    return json.loads(out)["data"]["sections"]


def numbers(section):
    return [v for r in section["computed"]["rows"] if r["valid"] for v in r["per_s"].values()]


def test_10_a_reset_between_the_samples_gives_no_rate(fresh_lab, major):
    one = fresh_lab(major=major, fast=True)
    for i in range(40):
        one.sql("SELECT count(*) FROM pgbench_accounts WHERE aid < 100", user="app")
    s = reset_during(one, ["SELECT pg_stat_statements_reset()", "SELECT pg_stat_reset_shared('bgwriter')",
                           "SELECT pg_stat_reset()"]
                     + (["SELECT pg_stat_reset_shared('wal')"] if major >= 14 else [])
                     + (["SELECT pg_stat_reset_shared('checkpointer')"] if major >= 17 else []))
    q = s["queries"]["computed"]
    if major >= 14:
        assert q["valid"] is False and "reset" in q["reason"] and q["rows"] == []
        assert s["wal"]["computed"]["valid"] is False
    else:           # 13 has no reset time: what ran backwards gives no number
        old = [r for r in q["rows"] if not r["valid"]]
        assert all(r["delta"] == {} for r in old)
    assert s["bgwriter"]["computed"]["valid"] is False
    assert s["bgwriter"]["stats_reset"] != s["bgwriter"]["stats_reset_before"]
    assert not [v for name in ("queries", "tables", "databases") if s[name]["computed"]["valid"]
                for v in numbers(s[name]) if v is not None and v < 0]


def test_10_one_statement_reset_is_seen_by_its_own_age(fresh_lab):
    """40 calls, a reset of just this entry, 90 calls: 50 more, says the naive way."""
    one = fresh_lab(major=17, fast=True)
    sql = "SELECT 'a', count(*) FROM pgbench_branches"
    c = one.connect(user="app")
    for _ in range(40):
        c.cursor().execute(sql)
    p = start(one, "inspect", "--delta", "--interval", "3s", "--sections", "queries",
              "--format", "json")
    time.sleep(1.0)
    one.sql("SELECT pg_stat_statements_reset(0, 0, queryid) FROM pg_stat_statements "
            "WHERE query LIKE '%FROM pgbench_branches'")
    for _ in range(90):
        c.cursor().execute(sql)
    out, err = p.communicate(timeout=40)
    c.close()
    q = json.loads(out)["data"]["sections"]["queries"]
    assert q["computed"]["valid"] is True       # only one entry was reset, not all
    ids = {r["queryid"] for r in q["data"] if r["username"] == "app"
           and r["query"] == "SELECT $1, count(*) FROM pgbench_branches"}
    (row,) = [r for r in q["computed"]["rows"] if r["queryid"] in ids]
    assert row["valid"] is False and row["delta"] == {} and "reset" in row["reason"]


def test_10_a_restart_between_the_samples_is_one_clear_line(fresh_lab):
    one = fresh_lab(major=15, fast=True)
    p = start(one, "inspect", "--delta", "--interval", "3s", "--format", "json")
    time.sleep(1.0)
    one.cmd("restart", "primary")
    out, err = p.communicate(timeout=40)
    assert p.returncode == 1 and out == ""
    assert "administrator" in json.loads(err)["error"] and err.count("\n") == 1


def test_11_every_major_has_its_columns(lab, run_pg2une, major):
    """The checkpoint columns left pg_stat_bgwriter in 17, wal_write left pg_stat_wal in 18."""
    s = data(run_pg2une(["inspect", "--sections", "bgwriter,wal,io", "--format", "json"],
                        lab=lab(major=major, fast=True)))["sections"]
    assert s["bgwriter"]["available"] and s["bgwriter"]["data"][0]["checkpoints_timed"] is not None
    if major >= 14:
        assert s["wal"]["data"][0]["wal_records"] > 0
        assert (s["wal"]["data"][0]["wal_write"] is None) == (major >= 18)
    else:
        assert not s["wal"]["available"] and "PostgreSQL 13" in s["wal"]["error"]


def test_11_extension_without_preload_is_not_there(fresh_lab, run_pg2une):
    one = fresh_lab(major=15, no_pgss=True, fast=True)
    one.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    d = data(run_pg2une(["doctor", "--format", "json"], lab=one))
    (p,) = [x for x in d["prerequisites"] if x["name"] == "pg_stat_statements"]
    assert p["available"] is False and "shared_preload_libraries" in p["error"] + p["fix"]


def test_11_an_old_extension_on_a_new_server(fresh_lab, run_pg2une):
    """After pg_upgrade the view has the columns of its own version."""
    one = fresh_lab(major=18, fast=True)
    one.sql("DROP EXTENSION pg_stat_statements")
    for version in ("1.8", "1.9", "1.10", "1.11"):
        one.sql(f"CREATE EXTENSION pg_stat_statements VERSION '{version}'")
        assert data(run_pg2une(["query", "top", "--format", "json"], lab=one))["queries"]
        one.sql("DROP EXTENSION pg_stat_statements")


@pytest.mark.parametrize("sql,word", [
    ("DELETE FROM pgbench_history", "read-only"),
    ("INSERT INTO pgbench_branches VALUES (99, 0)", "read-only"),
    ("SELECT 1; COMMIT; DELETE FROM pgbench_branches", "multiple commands"),
    ("COMMIT", "syntax"),
    ("SELECT set_config('transaction_read_only', 'off', true)", "read-write"),
    ("SELECT nextval('s')", "read-only"),
    ("SELECT pg_sleep(30)", "timeout"),
])
def test_13_analyze_changes_nothing(lab, run_pg2une, sql, word):
    one = lab(major=15, fast=True)
    one.sql("CREATE SEQUENCE IF NOT EXISTS s")
    before = one.value("SELECT count(*) FROM pgbench_branches")
    err = failure(run_pg2une(["query", "analyze", "--sql", sql, "--timeout", "500ms",
                              "--format", "json"], lab=one), 1)
    assert word in err
    assert one.value("SELECT count(*) FROM pgbench_branches") == before
    assert one.value("SELECT to_regclass('evil') IS NULL AND NOT is_called FROM s")


@pytest.mark.parametrize("sql", ["CREATE TABLE evil AS SELECT 1", "SELECT 1 AS a INTO evil"])
def test_13_what_read_only_lets_through_is_rolled_back(lab, run_pg2une, major, sql):
    """The server runs these two under EXPLAIN ANALYZE even in a READ ONLY transaction."""
    one = lab(major=major, fast=True)
    r = run_pg2une(["query", "analyze", "--sql", sql, "--format", "json"], lab=one)
    assert r.rc in (0, 1)
    assert one.value("SELECT count(*) FROM pg_class WHERE relname = 'evil'") == 0


def test_14_nothing_is_sized_for_a_machine_nobody_told(lab, run_pg2une):
    one = lab(major=15, fast=True)
    d = data(run_pg2une(["config", "diff", "--workload", "olap", "--format", "json"], lab=one))
    assert not [r for r in d["recommendations"] if r["confidence"] == "high"]
    assert not {"shared_buffers", "effective_cache_size", "work_mem", "maintenance_work_mem",
                "max_connections"} & {r["parameter"] for r in d["recommendations"]}
    small = data(run_pg2une(["config", "diff", "--workload", "oltp", "--ram", "512MB", "--cpus",
                             "1", "--format", "json"], lab=one))
    sb = [r for r in small["recommendations"] if r["parameter"] == "shared_buffers"]
    assert all(r["recommended_value"] <= 256 << 20 for r in sb)


HOSTILE = "evil\x1b[31m\u202e\u200d\U000e0041 \x9b x"


def test_hostile_names_reach_no_sink(fresh_lab, run_pg2une):
    one = fresh_lab(major=15, fast=True)
    one.sql(f'CREATE TABLE "{HOSTILE}" (id int PRIMARY KEY, "{HOSTILE}" int)')
    one.sql(f'INSERT INTO "{HOSTILE}" SELECT g, g FROM generate_series(1, 20000) g')
    one.sql(f'SELECT 1 AS "{HOSTILE}"')
    one.sql("SELECT set_config('cluster_name', '', false) WHERE false")
    one.sql(f"ALTER ROLE app SET search_path = '{HOSTILE}'")
    c = one.connect()
    c.cursor().execute(f"SET application_name = 'x'; SELECT 2 AS \"{HOSTILE}\"")
    for args in (["inspect"], ["query", "top", "--limit", "1000"], ["query", "bloat"],
                 ["query", "vacuum-health"], ["query", "index-suggest"], ["config", "show"],
                 ["baseline"], ["query", "analyze", "--sql", f"SELECT '{HOSTILE}'"]):
        for fmt in ("table", "json", "csv", "yaml"):
            r = run_pg2une([*args, "--format", fmt], lab=one)
            assert r.rc == 0, (args, r.err)
            for bad in ("\x1b", "\u202e", "\u200d", "\U000e0041", "\x9b"):
                assert bad not in r.out + r.err, (args, fmt, bad)
    c.close()


def test_server_gone_in_the_middle(fresh_lab):
    one = fresh_lab(major=15, fast=True)
    for args in (["inspect", "--delta", "--interval", "5s"],
                 ["baseline", "--delta", "--interval", "5s"]):
        p = start(one, *args, "--format", "json")
        time.sleep(1.2)
        pid = one.value("SELECT pid FROM pg_stat_activity WHERE application_name = 'pg2une/query'")
        one.sql("SELECT pg_terminate_backend(%s)", pid)
        began = time.monotonic()
        out, err = p.communicate(timeout=20)
        assert time.monotonic() - began < 3         # at once, not at the end of the interval
        assert p.returncode == 1 and out == "" and json.loads(err)["data"] is None


def test_silent_server_ends_in_time(run_pg2une):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(4)
        began = time.monotonic()
        err = failure(run_pg2une(["inspect", "-h", "127.0.0.1", "-p", s.getsockname()[1],
                                  "-d", "sslmode=disable", "--format", "json"]), 1)
        assert time.monotonic() - began < 15 and "time" in err


def test_full_disk_on_stdout_is_an_error(lab):
    with open("/dev/full", "w") as full:
        p = subprocess.run([binary.path(), "config", "show", "--all"], stdout=full,
                           env=binary.environment(lab(fast=True)), stderr=subprocess.PIPE,
                           text=True, timeout=30)
    assert p.returncode == 1 and "standard output" in p.stderr


def test_unwritable_state_folder(lab, run_pg2une, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    err = failure(run_pg2une(["baseline", "--format", "json"], lab=lab(fast=True),
                             env={"XDG_STATE_HOME": blocked}), 1)
    assert str(blocked) in err
    err = failure(run_pg2une(["baseline", "--output", "/no/such/dir/a.json", "--format", "json"],
                             lab=lab(fast=True)), 1)
    assert "/no/such" in err


def test_roles_scripts_are_enough(fresh_lab, run_pg2une, major):
    """The scripts of doctor --role-sql run as they are, and give what doctor asks for."""
    one = fresh_lab(major=major, fast=True)
    for role in ("monitor", "apply", "signal"):
        text = run_pg2une(["doctor", "--role-sql", role]).out
        for _ in range(2):          # twice: they may be run again
            p = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-v",
                                f"role=pg2une_{role}", "-v", "settings=work_mem, max_wal_size",
                                one.dsn()], input=text, capture_output=True, text=True)
            assert p.returncode == 0, p.stderr

    def there(user):
        d = data(run_pg2une(["doctor", "-U", user, "--format", "json"], lab=one))
        return {p["name"] for p in d["prerequisites"] if p["available"]}
    assert {"pg_read_all_stats", "pg_read_all_settings", "pg_file_settings",
            "pg_stat_statements of others"} <= there("pg2une_monitor")
    assert not {"superuser", "ALTER SYSTEM", "pg_signal_backend"} & there("pg2une_monitor")
    assert "pg_signal_backend" in there("pg2une_signal")
    apply = there("pg2une_apply")
    assert "pg_reload_conf" in apply and "superuser" not in apply
    assert ("ALTER SYSTEM" in apply) == (major >= 15)


def test_locks_taken_do_not_make_others_wait(fresh_lab):
    """inspect runs beside an exclusive lock: it neither waits for it nor is waited for."""
    one = fresh_lab(major=15, fast=True)
    c = one.connect(autocommit=False)
    c.cursor().execute("LOCK pgbench_accounts IN ACCESS EXCLUSIVE MODE")
    began = time.monotonic()
    for args in (["inspect"], ["query", "bloat"], ["query", "vacuum-health"],
                 ["query", "index-suggest"], ["baseline"]):
        p = start(one, *args, "--format", "json")
        out, err = p.communicate(timeout=20)
        assert p.returncode == 0, err
    assert time.monotonic() - began < 10
    c.close()


@pytest.mark.quiet
def test_100000_tables_and_12000_statements_within_5_s(fresh_lab):
    one = fresh_lab(major=15, fast=True, statements=12000,
                    set=["pg_stat_statements.max=15000", "max_locks_per_transaction=512",
                         "autovacuum=off"])
    for part in range(20):
        one.sql("DO $$ BEGIN FOR i IN 1..5000 LOOP EXECUTE format("
                f"'CREATE TABLE t_{part}_%s (a int)', i); END LOOP; END $$")
    assert one.value("SELECT count(*) FROM pg_stat_user_tables") >= 100000
    assert one.value("SELECT count(*) FROM pg_stat_statements") >= 12000
    slow = []

    def watch(stop):
        """While it runs, somebody creates and drops tables, and must not wait."""
        while not stop.is_set():
            began = time.monotonic()
            one.sql("CREATE TABLE w (a int); DROP TABLE w")
            slow.append(time.monotonic() - began)
    stop = threading.Event()
    t = threading.Thread(target=watch, args=(stop,))
    t.start()
    began = time.monotonic()
    p = start(one, "inspect", "--format", "json")
    out, err = p.communicate(timeout=60)
    took = time.monotonic() - began
    stop.set()
    t.join()
    assert p.returncode == 0, err
    s = json.loads(out)["data"]["sections"]
    assert s["tables"]["available"] and s["queries"]["available"]
    print(f"inspect took {took:.2f} s, slowest DDL beside it {max(slow):.3f} s")
    assert took < 5 and max(slow) < 2
