"""The checklist of inspection, settings, queries and baselines, row by row; each test is
named after its row."""
import csv
import glob
import io
import json
import os
import re
import subprocess
import time

import pytest
import yaml

from harness import binary


def data(r):
    assert r.rc == 0, r.err
    doc = json.loads(r.out)
    assert doc["success"] is True and doc["error"] is None
    return doc["data"]


@pytest.fixture
def ask(lab, run_pg2une):
    """ask("query top ...", major=15): the data of a command's JSON."""
    def run(line, major=15, one=None, env=None, timeout=60, **options):
        one = one or lab(major=major, fast=True, **options)
        args = line.split() if isinstance(line, str) else line
        return data(run_pg2une([*args, "--format", "json"], lab=one, env=env, timeout=timeout))
    return run


def failure(r, rc):
    """A failure: this exit code, nothing on stdout, one parseable envelope on stderr."""
    assert r.rc == rc, (r.rc, r.out, r.err)
    assert r.out == ""
    doc = json.loads(r.err)
    assert doc["success"] is False and doc["data"] is None and isinstance(doc["error"], str)
    assert "\n" not in doc["error"]
    return doc["error"]


# ---- general ----

def test_g1_envelope(run_pg2une, lab):
    doc = json.loads(run_pg2une(["doctor", "--format", "json"], lab=lab(fast=True)).out)
    assert list(doc) == ["success", "timestamp", "command", "data", "error"]
    assert doc["command"] == "doctor" and doc["error"] is None
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$", doc["timestamp"])


def test_g2_failure(run_pg2une):
    err = failure(run_pg2une(["inspect", "-h", "127.0.0.1", "-p", "1", "--format", "json"]), 1)
    assert "refused" in err
    r = run_pg2une(["inspect", "-h", "127.0.0.1", "-p", "1"])
    assert r.rc == 1 and r.out == "" and r.err.startswith("pg2une inspect: ")
    assert r.err.count("\n") == 1


def test_g2_usage_is_2(run_pg2une):
    for args in (["inspect", "--sections", "nosuch"], ["inspect", "--interval", "soon"],
                 ["inspect", "--nosuch"], ["query", "top", "--limit", "0"],
                 ["query", "top", "--limit", "ten"], ["query", "analyze"],
                 ["query", "slow-log", "--threshold", "x"], ["baseline", "diff"],
                 ["baseline", "diff", "--before", "a"], ["config", "diff", "--workload", "web"],
                 ["inspect", "--delta=1"], ["inspect", "a", "b"], ["query", "top", "--sort"],
                 ["doctor", "--role-sql", "../identity"]):
        failure(run_pg2une([*args, "--format", "json", "-h", "127.0.0.1", "-p", "1"]), 2)


def test_g3_formats(run_pg2une, lab):
    one = lab(fast=True)
    args = ["config", "show", "--match", "^work_mem$"]
    doc = data(run_pg2une([*args, "--format", "json"], lab=one))
    as_yaml = yaml.safe_load(run_pg2une([*args, "--format", "yaml"], lab=one).out)
    assert as_yaml["data"] == doc and as_yaml["success"] is True
    rows = list(csv.DictReader(io.StringIO(run_pg2une([*args, "--format", "csv"], lab=one).out)))
    assert rows[0]["name"] == "work_mem" and rows[0]["value"] == doc["settings"][0]["value"]
    table = run_pg2une(args, lab=one).out
    assert re.search(r"^work_mem +4MB", table, re.M)


def test_g3_bad_format_before_connecting(run_pg2une):
    r = run_pg2une(["inspect", "-h", "127.0.0.1", "-p", "1", "--format", "xml"])
    assert r.rc == 2 and "xml" in r.err and "refused" not in r.err


def test_g3_config_file(run_pg2une, lab, tmp_path):
    one = lab(fast=True)
    conf = tmp_path / "my.conf"
    conf.write_text(f"[pg2une]\nhost = {one.host}\nport = {one.port}\nusername = monitor\n"
                    "dbname = bench\n")
    r = run_pg2une(["doctor", "--config", conf, "--format", "json"])
    assert data(r)["identity"]["resolved_port"] == one.port


def test_g4_password_only_from_environment(fresh_lab, run_pg2une, home):
    one = fresh_lab(major=15, fast=True, hba="host all secretive 127.0.0.1/32 scram-sha-256")
    one.sql("CREATE ROLE secretive LOGIN PASSWORD 'hunter3'")
    args = ["inspect", "-U", "secretive", "--format", "json"]
    err = failure(run_pg2une(args, lab=one), 1)
    assert "password" in err
    r = run_pg2une([*args, "--log", home / "log"], lab=one, env={"PGPASSWORD": "hunter3"})
    data(r)
    b = run_pg2une(["baseline", "-U", "secretive"], lab=one, env={"PGPASSWORD": "hunter3"})
    assert b.rc == 0
    o = run_pg2une(["options", "-d", "host=x password=hunter3"])
    wrong = run_pg2une([*args, "-d", "dbname=bench password=hunter4"], lab=one)
    everything = [r.out, r.err, b.out, b.err, o.out, o.err, wrong.out, wrong.err]
    for path in glob.glob(f"{home}/**", recursive=True) + glob.glob(f"{home}/.*/**", recursive=True):
        if os.path.isfile(path):
            everything.append(open(path, errors="replace").read())
    assert not [t for t in everything if "hunter" in t]


def test_g4_secrets_in_statements_are_hidden(fresh_lab, run_pg2une):
    one = fresh_lab(major=15, fast=True)
    one.sql("ALTER ROLE app PASSWORD 'hunter3'")
    for args in (["query", "top", "--limit", "1000"], ["inspect"], ["baseline"]):
        for fmt in ("json", "csv", "table", "yaml"):
            r = run_pg2une([*args, "--format", fmt], lab=one)
            assert r.rc == 0 and "hunter" not in r.out, (args, fmt)


def test_g5_name_resolves_the_registry(run_pg2une, lab, home):
    one = lab(fast=True)
    os.makedirs(f"{home}/.config/pg2une")
    with open(f"{home}/.config/pg2une/pg2une.conf", "w") as f:
        f.write(f"[cluster shop]\nhost = {one.host}\nport = {one.port}\nusername = monitor\n"
                "dbname = bench\n[cluster other]\nhost = 127.0.0.1\nport = 1\n")
    r = run_pg2une(["inspect", "--name", "shop", "--format", "json"], env={"PGHOST": "/nowhere"})
    assert data(r)["identity"]["resolved_port"] == one.port
    err = failure(run_pg2une(["inspect", "--name", "nosuch", "--format", "json"]), 2)
    assert "nosuch" in err and "refused" not in err
    r = run_pg2une(["options", "--name", "shop", "--format", "json"])
    rows = {o["name"]: o for o in data(r)["options"]}
    assert rows["host"]["value"] == one.host and rows["name"]["origin"] == "flag"


def test_g6_standalone(ask):
    assert ask("inspect --sections system")["identity"]["role"] == "primary"


def test_g6_patroni(fresh_lab, run_pg2une):
    one = fresh_lab(major=15, patroni=True, fast=True)
    doc = data(run_pg2une(["inspect", "--format", "json"], lab=one, timeout=60))
    assert all(s["available"] for n, s in doc["sections"].items() if n != "io")
    shown = data(run_pg2une(["config", "show", "--format", "json"], lab=one))
    # what Patroni puts on the command line is told as such
    sources = {s["name"]: s["source"] for s in shown["settings"]}
    assert sources["max_connections"] == "command line"


# ---- inspect ----

def test_t1_identity(ask, lab):
    one = lab(major=15, fast=True)
    i = ask("inspect --sections system", one=one)["identity"]
    assert i["tier"] == 0 and len(i["fingerprint"]) == 64
    assert i["system_identifier"] == str(one.value(
        "select system_identifier from pg_control_system()"))
    import hashlib
    assert i["fingerprint"] == hashlib.sha256(i["system_identifier"].encode()).hexdigest()
    assert i["datid"] == one.value("select oid from pg_database where datname = 'bench'")
    assert i["config_port"] == str(one.port) == str(i["resolved_port"])


def test_h1_told_host_changes_nothing(ask, lab):
    one = lab(major=15, fast=True)
    a = ask("inspect --sections system", one=one)["identity"]
    b = ask("inspect --sections system", one=one, env={"PGHOST": one.env["PGT_SOCKDIR"]})["identity"]
    assert a["config_host"] != b["config_host"] and a["fingerprint"] == b["fingerprint"]
    assert a["node"] == b["node"]


def test_h2_no_control_function_is_a_warning(fresh_lab, run_pg2une):
    one = fresh_lab(major=15, fast=True)
    for f in ("pg_control_system()", "pg_control_checkpoint()"):
        one.sql(f"REVOKE EXECUTE ON FUNCTION {f} FROM PUBLIC")
    doc = data(run_pg2une(["inspect", "-U", "monitor", "--format", "json"], lab=one))
    i = doc["identity"]
    assert i["tier"] == 1 and i["system_identifier"] == "" and "permission" in i["warning"]
    assert doc["sections"]["control"]["available"] is False
    pre = {p["name"]: p for p in doc["prerequisites"]}
    assert pre["pg_control_system"]["available"] is False
    assert "GRANT EXECUTE" in pre["pg_control_system"]["fix"]


def test_1_and_2_each_section_fails_by_itself(fresh_lab, run_pg2une):
    one = fresh_lab(major=15, no_pgss=True, fast=True)
    doc = data(run_pg2une(["inspect", "--format", "json"], lab=one))
    q = doc["sections"]["queries"]
    assert q["available"] is False and "pg_stat_statements" in q["error"] and q["data"] is None
    assert doc["sections"]["system"]["available"] and doc["sections"]["config"]["data"]


def test_s1_to_s9_by_version(ask, major):
    s = ask("inspect", major=major)["sections"]
    have = {n for n, v in s.items() if v["available"]}
    always = {"config", "activity", "tables", "queries", "bgwriter", "control", "system", "waits",
              "databases", "replication", "locks"}
    assert always <= have
    assert ("wal" in have) == (major >= 14) and ("io" in have) == (major >= 16)
    assert len(s["config"]["data"]) > 300
    system = s["system"]["data"][0]
    assert system["start_time"] and system["data_directory"]
    assert "checkpoints_timed" in s["bgwriter"]["data"][0]


def test_i3_sections(ask, run_pg2une):
    assert list(ask("inspect --sections system,wal")["sections"]) == ["wal", "system"]
    err = failure(run_pg2une(["inspect", "--sections", "system,nosuch", "--format", "json"]), 2)
    assert "nosuch" in err and "config, activity" in err


def test_i2_delta_rates(fresh_lab, run_pg2une, major):
    """A known amount of work between the samples gives that number of calls."""
    one = fresh_lab(major=major, fast=True)
    one.sql("SELECT 'warm', count(*) FROM pgbench_branches", user="app")
    p = subprocess.Popen([binary.path(), "inspect", "--delta", "--interval", "2s", "--sections",
                          "queries,system,bgwriter", "--format", "json"],
                         env=binary.environment(one), stdout=subprocess.PIPE, text=True)
    time.sleep(0.8)
    c = one.connect(user="app")
    for _ in range(25):
        c.cursor().execute("SELECT 'warm', count(*) FROM pgbench_branches")
    c.close()
    doc = json.loads(p.communicate(timeout=30)[0])["data"]
    q = doc["sections"]["queries"]
    assert q["mode"] == "delta" and q["computed"]["valid"]
    text = {r["queryid"]: r["query"] for r in q["data"]}
    rows = [r for r in q["computed"]["rows"]
            if "count(*) FROM pgbench_branches" in (text.get(r["queryid"]) or "")]
    assert len(rows) == 1 and rows[0]["delta"]["calls"] == 25
    seconds = q["computed"]["interval_s"]
    assert 1.9 < seconds < 6
    assert rows[0]["per_s"]["calls"] == pytest.approx(25 / seconds, rel=0.01)
    assert rows[0]["mean_exec_ms"] == pytest.approx(rows[0]["delta"]["total_exec_ms"] / 25)


# ---- settings ----

def test_c1_config_show(fresh_lab, run_pg2une):
    one = fresh_lab(major=15, fast=True)
    one.sql("ALTER SYSTEM SET work_mem = '7MB'")
    one.sql("ALTER SYSTEM SET max_connections = 93")
    one.sql("ALTER ROLE app SET work_mem = '9MB'")
    one.sql("ALTER ROLE app IN DATABASE bench SET geqo = off")
    one.sql("SELECT pg_reload_conf()")
    deadline = time.monotonic() + 5
    while one.value("SHOW work_mem") != "7MB":
        assert time.monotonic() < deadline
    d = data(run_pg2une(["config", "show", "--format", "json"], lab=one))
    s = {r["name"]: r for r in d["settings"]}
    assert s["work_mem"]["value"] == "7MB" and s["work_mem"]["setting"] == "7168"
    assert s["work_mem"]["boot_value"] == "4MB" and s["work_mem"]["differs_from_boot"]
    assert s["work_mem"]["where"].split(":")[0].endswith("postgresql.auto.conf")
    assert d["pending_restart"] == ["max_connections"]
    assert {(o["role"], o["database"], o["name"], o["value"]) for o in d["overrides"]} >= {
        ("app", None, "work_mem", "9MB"), ("app", "bench", "geqo", "off")}
    assert all(r["source"] != "default" or r["pending_restart"] for r in d["settings"])
    everything = data(run_pg2une(["config", "show", "--all", "--format", "json"], lab=one))
    assert len(everything["settings"]) > 300


def test_c1_errors_in_files(fresh_lab, run_pg2une):
    one = fresh_lab(major=15, fast=True)
    with open(f"{one.env['PGT_DATADIR']}/conf.d/zz.conf", "w") as f:
        f.write("work_mem = 'banana'\n")
    os.chmod(f.name, 0o644)
    d = data(run_pg2une(["config", "show", "--format", "json"], lab=one))
    assert [e["name"] for e in d["file_errors"]] == ["work_mem"]
    d = data(run_pg2une(["config", "show", "-U", "nobody_role", "--format", "json"], lab=one))
    assert d["file_errors"] is None and d["notes"]


def test_c2_p1_profiles(ask):
    def recommended(line):
        d = ask("config diff " + line)
        return {r["parameter"]: r for r in d["recommendations"]}, d
    small, _ = recommended("--workload oltp --ram 4GB --cpus 2")
    large, _ = recommended("--workload oltp --ram 64GB --cpus 16")
    assert large["shared_buffers"]["recommended_value"] > small["shared_buffers"]["recommended_value"]
    olap, _ = recommended("--workload olap --ram 64GB --cpus 16")
    assert olap["work_mem"]["recommended_value"] > large["work_mem"]["recommended_value"]
    mixed, d = recommended("--ram 64GB --cpus 16")
    assert d["workload"] == "mixed" and mixed
    for r in [*small.values(), *olap.values()]:
        assert r["rationale"] and r["source"] and r["confidence"] in ("medium", "low")
    remote, _ = recommended("--profile remote-conservative --ram 64GB --cpus 16")
    assert "shared_buffers" not in remote and not [r for r in remote.values() if r["needs_restart"]]


def test_c2_unknown_machine_is_said(ask):
    d = ask("config diff --workload oltp")
    names = {r["parameter"] for r in d["recommendations"]}
    assert d["ram_bytes"] is None and "shared_buffers" not in names and "work_mem" not in names
    assert "--ram" in d["notes"][0]


# ---- queries ----

def test_q1_top(fresh_lab, run_pg2une):
    one = fresh_lab(major=15, fast=True)
    for i in range(30):
        one.sql("SELECT count(*) FROM pgbench_accounts WHERE abalance = %s", i, user="app")

    def top(*args):
        return data(run_pg2une(["query", "top", *args, "--format", "json"], lab=one))["queries"]
    rows = top("--limit", "5")
    assert len(rows) == 5
    assert [r["total_exec_ms"] for r in rows] == sorted((r["total_exec_ms"] for r in rows),
                                                        reverse=True)
    for sort, key in (("mean_time", "mean_exec_ms"), ("calls", "calls"), ("rows", "rows")):
        values = [r[key] for r in top("--sort", sort, "--limit", "50")]
        assert values == sorted(values, reverse=True), sort
    mine = [r for r in top("--limit", "100") if "abalance" in (r["query"] or "")]
    assert mine[0]["calls"] == 30 and mine[0]["username"] == "app"
    failure(run_pg2une(["query", "top", "--sort", "colour", "--format", "json"], lab=one), 2)


LOG_SET = ["logging_collector=on", "log_min_duration_statement=0",
           "log_line_prefix=%m [%p] %q%u@%d "]


@pytest.mark.parametrize("dest,least", [("stderr", 13), ("csvlog", 13), ("jsonlog", 15)])
def test_q2_slow_log(lab, run_pg2une, major, dest, least):
    if major < least:
        pytest.skip("no jsonlog")
    one = lab(major=major, fast=True,
              set=[*LOG_SET, f"log_destination={dest}", "shared_preload_libraries="
                   "pg_stat_statements,auto_explain", "auto_explain.log_min_duration=250"])
    one.sql("SELECT 'needle,\"quoted\"\n-- and a line', pg_sleep(0.3)", user="app")
    d = data(run_pg2une(["query", "slow-log", "--threshold", "200ms", "--format", "json"], lab=one))
    assert d["source"] == dest
    hit = [e for e in d["entries"] if "needle" in (e["query"] or "")]
    plain = [e for e in hit if not e["plan"]]
    plans = [e for e in hit if e["plan"]]
    assert plain and plans, d["entries"]
    assert plain[0]["username"] == "app" and plain[0]["database"] == "bench" and plain[0]["pid"]
    assert 300 <= plain[0]["duration_ms"] < 5000 and plain[0]["time"]
    assert '"quoted"' in plain[0]["query"] and "and a line" in plain[0]["query"]
    assert "Result" in plans[0]["plan"]
    none = data(run_pg2une(["query", "slow-log", "--threshold", "1h", "--format", "json"], lab=one))
    assert none["entries"] == []


def test_q2_without_permission_falls_back_and_says_so(lab, run_pg2une):
    one = lab(major=15, fast=True)
    d = data(run_pg2une(["query", "slow-log", "-U", "monitor", "--threshold", "1ms",
                         "--format", "json"], lab=one))
    assert d["source"] == "pg_stat_statements" and "cannot be read" in d["notes"][0]


def test_q2_local_file(run_pg2une, tmp_path):
    log = tmp_path / "log"
    log.write_bytes(
        b"rn line\n2026-01-31 12:00:00.000 UTC [42] bob@shop LOG:  duration: 1500.5 ms  statement: "
        b"SELECT\n\tpg_sleep(1) \xff\x1b[31m\n"
        b"2026-01-31 12:00:01.000 UTC [42] bob@shop LOG:  duration: 10.5 ms  statement: SELECT 1\n"
        b"2026-01-31 12:00:02.000 UTC [43] LOG:  duration: nonsense\n")
    r = run_pg2une(["query", "slow-log", "--file", log, "--format", "json"])
    (e,) = data(r)["entries"]
    assert (e["duration_ms"], e["username"], e["database"], e["pid"]) == (1500.5, "bob", "shop", "42")
    assert e["query"].startswith("SELECT pg_sleep(1)") and "\x1b" not in r.out
    r = run_pg2une(["query", "slow-log", "--file", log, "--since", "1h", "--format", "json"])
    assert data(r)["entries"] == []
    failure(run_pg2une(["query", "slow-log", "--file", "/no/such", "--format", "json"]), 1)


def test_q3_missing_extension_names_the_fix(fresh_lab, run_pg2une):
    one = fresh_lab(major=15, no_pgss=True, fast=True)
    err = failure(run_pg2une(["query", "top", "--format", "json"], lab=one), 1)
    assert "shared_preload_libraries" in err or "CREATE EXTENSION" in err


def test_q4_analyze(ask, run_pg2une, lab):
    d = ask(["query", "analyze", "--sql", "SELECT count(*) FROM pgbench_accounts"])
    assert d["executed"] and d["summary"]["execution_ms"] > 0
    assert d["plan"][0]["Plan"]["Actual Rows"] == 1 and d["nodes"][-1]["rows"] == 100000
    assert "Shared Hit Blocks" in d["plan"][0]["Plan"]
    d = ask(["query", "analyze", "--plan-only", "--sql", "DELETE FROM pgbench_accounts"])
    assert not d["executed"] and "Actual Rows" not in d["plan"][0]["Plan"]


def tables_for_advice(one):
    one.sql("""
        CREATE TABLE parent (id int PRIMARY KEY, a int, b int, UNIQUE (a, b));
        INSERT INTO parent SELECT g, g, g FROM generate_series(1, 20000) g;
        CREATE TABLE "Big Child" (id int PRIMARY KEY, "Parent" int REFERENCES parent, x int);
        INSERT INTO "Big Child" SELECT g, g, g FROM generate_series(1, 20000) g;
        CREATE TABLE small_child (id int PRIMARY KEY, parent_id int REFERENCES parent);
        INSERT INTO small_child SELECT g, g FROM generate_series(1, 500) g;
        CREATE TABLE covered (id int PRIMARY KEY, b int, a int,
                              FOREIGN KEY (a, b) REFERENCES parent (a, b));
        INSERT INTO covered SELECT g, g, g FROM generate_series(1, 20000) g;
        CREATE INDEX ON covered (b, a, id);
        CREATE TABLE partly (id int PRIMARY KEY, parent_id int REFERENCES parent);
        INSERT INTO partly SELECT g, g FROM generate_series(1, 20000) g;
        CREATE INDEX ON partly (parent_id) WHERE id > 5;
        ANALYZE""")


def test_q5_index_suggest_and_9_ten_thousand_rows(fresh_lab, run_pg2une):
    one = fresh_lab(major=15, fast=True)
    tables_for_advice(one)

    def suggest(*args):
        return data(run_pg2une(["query", "index-suggest", *args, "--format", "json"],
                               lab=one))["suggestions"]
    fk = {s["table"]: s for s in suggest() if s["kind"] == "foreign key"}
    assert set(fk) == {"Big Child", "partly"}       # neither the small nor the covered one
    assert fk["Big Child"]["statement"] == \
        'CREATE INDEX CONCURRENTLY pg2une_big_child_parent_idx ON public."Big Child" ' \
        'USING btree ("Parent")'
    for s in fk.values():
        one.sql(s["statement"])                     # each statement runs as it stands
    assert [s for s in suggest() if s["kind"] == "foreign key"] == []
    for _ in range(12):
        one.sql('SELECT * FROM "Big Child" WHERE x = 5')
        one.sql("SELECT * FROM small_child WHERE parent_id = 5")
    end = time.monotonic() + 10
    while not [s for s in suggest() if s["kind"] == "statements"]:
        assert time.monotonic() < end
        time.sleep(0.2)
    assert {s["table"] for s in suggest()} == {"Big Child"}
    assert {s["table"] for s in suggest("--table", 'public."Big Child"')} == {"Big Child"}
    assert suggest("--table", "public.partly") == []


def test_q5_no_such_table_and_no_injection(fresh_lab, run_pg2une):
    one = fresh_lab(major=15, fast=True)
    one.sql("CREATE TABLE victim (a int)")
    for table in ("public.nosuch", "x'; DROP TABLE public.victim; --", "public.victim'); --",
                  "a\x1b[31mb"):
        err = failure(run_pg2une(["query", "index-suggest", "--table", table, "--format", "json"],
                                 lab=one), 1)
        assert "\x1b" not in err
    assert one.value("SELECT to_regclass('public.victim') IS NOT NULL")


def wait_blocked(one, n):
    end = time.monotonic() + 10
    while one.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") < n:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_10_locks_chain(lab, run_pg2une, major):
    """Two waiters behind one holder block on it, not on each other (trap 15)."""
    one = lab(major=major, fast=True)
    holder, first, second = (one.connect(user="app", autocommit=False) for _ in range(3))
    h = holder.cursor()
    h.execute("UPDATE pgbench_branches SET bbalance = 1 WHERE bid = 1; SELECT pg_backend_pid()")
    root = h.fetchone()[0]
    waiters = []
    import threading
    for c in (first, second):
        waiters.append(c.info.backend_pid)

        def update(conn=c):
            try:
                conn.cursor().execute("UPDATE pgbench_branches SET bbalance = 2 WHERE bid = 1")
            except Exception:
                pass
        threading.Thread(target=update, daemon=True).start()
        wait_blocked(one, len(waiters))
    d = data(run_pg2une(["query", "locks", "--format", "json"], lab=one))
    rows = {r["pid"]: r for r in d["locks"]}
    assert set(rows) == {root, *waiters} and d["roots"] == 1 and d["blocked"] == 2
    assert rows[root]["depth"] == 0 and rows[root]["state"] == "idle in transaction"
    assert rows[waiters[0]]["blocked_by"] == [root]
    assert waiters[0] not in rows[waiters[0]]["path"][:-1]
    assert rows[waiters[0]]["depth"] == 1 and "UPDATE" in rows[waiters[0]]["query"]
    assert rows[waiters[1]]["depth"] >= 1 and rows[waiters[1]]["root"] == root
    # the second waits behind the first, never the first behind the second
    assert waiters[1] not in rows[waiters[0]]["path"]
    holder.rollback()
    for c in (holder, first, second):
        c.close()


def test_11_bloat_estimate(fresh_lab, run_pg2une):
    """A freshly vacuumed table whose data is in TOAST has no bloat (trap 12); one that has
    lost half its rows does."""
    one = fresh_lab(major=15, fast=True)
    one.sql("""
        CREATE TABLE toasted (id int, v text);
        ALTER TABLE toasted ALTER v SET STORAGE EXTERNAL;
        INSERT INTO toasted SELECT g, repeat(md5(g::text), 100) FROM generate_series(1, 3000) g;
        CREATE TABLE tight (id int, a text, b timestamptz);
        INSERT INTO tight SELECT g, md5(g::text), now() FROM generate_series(1, 50000) g;
        CREATE TABLE holes (id int, a text) WITH (autovacuum_enabled = off);
        INSERT INTO holes SELECT g, md5(g::text) FROM generate_series(1, 50000) g;
        DELETE FROM holes WHERE id % 2 = 0""")
    for t in ("toasted", "tight", "holes"):
        one.sql(f"VACUUM (ANALYZE) {t}")
    d = data(run_pg2une(["query", "bloat", "--limit", "50", "--format", "json"], lab=one))
    ratio = {t["table"]: t["bloat_ratio"] for t in d["tables"]}
    assert ratio["toasted"] < 0.15 and ratio["tight"] < 0.15, ratio
    assert 0.4 < ratio["holes"] < 0.6, ratio
    d = data(run_pg2une(["query", "bloat", "-U", "monitor", "--format", "json"], lab=one))
    assert all(t["bloat_ratio"] is None for t in d["tables"]) and d["notes"]


def test_q6_vacuum_health(fresh_lab, run_pg2une):
    one = fresh_lab(major=15, fast=True)
    one.sql("CREATE TABLE churn (id int) WITH (autovacuum_enabled = off, "
            "autovacuum_vacuum_threshold = 100, autovacuum_vacuum_scale_factor = 0)")
    one.sql("INSERT INTO churn SELECT generate_series(1, 1000)")
    one.sql("DELETE FROM churn WHERE id <= 500")
    end = time.monotonic() + 10
    while True:
        d = data(run_pg2une(["query", "vacuum-health", "--format", "json"], lab=one))
        t = {r["table"]: r for r in d["tables"]}["churn"]
        if t["dead_rows"] == 500:
            break
        assert time.monotonic() < end
    assert t["threshold"] == 100 and t["due_ratio"] == 5 and not t["autovacuum_enabled"]
    assert t["last_autovacuum"] is None and d["autovacuum"]["autovacuum"] is True
    one.sql("VACUUM churn")
    end = time.monotonic() + 10
    while not t["last_vacuum"]:
        d = data(run_pg2une(["query", "vacuum-health", "--format", "json"], lab=one))
        t = {r["table"]: r for r in d["tables"]}["churn"]
        assert time.monotonic() < end
    assert t["dead_rows"] == 0


# ---- baselines ----

def test_b1_b3_baseline_is_kept_under_the_fingerprint(lab, run_pg2une, home):
    one = lab(major=15, fast=True)
    d = data(run_pg2une(["baseline", "--format", "json"], lab=one))
    path = d["saved_to"]
    assert path.startswith(f"{home}/.state/pg2une/clusters/{d['identity']['fingerprint']}/")
    with open(path) as f:
        kept = json.load(f)
    assert kept["sections"] == d["sections"] and os.stat(path).st_mode & 0o777 == 0o600
    assert set(d["sections"]) >= {"config", "queries", "tables", "replication", "system",
                                  "locks", "io"}


def test_t5_8_baseline_sections(ask, tmp_path):
    s = ask(f"baseline --output {tmp_path}/a.json")["sections"]
    assert s["queries"]["mode"] == "instant" and s["queries"]["sample2"] is None
    assert s["queries"]["stats_reset"] and s["wal"]["stats_reset"]
    s = ask(f"baseline --delta --interval 300ms --output {tmp_path}/b.json")["sections"]
    assert s["queries"]["mode"] == "delta" and s["queries"]["sample2"] is not None
    assert s["queries"]["computed"]["valid"] and s["config"]["mode"] == "instant"
    assert s["queries"]["stats_reset"] == s["queries"]["stats_reset_before"]


def test_12_baseline_sections_subset(ask, run_pg2une, tmp_path):
    s = ask(f"baseline --sections config,queries --output {tmp_path}/a.json")["sections"]
    assert set(s) == {"config", "queries"}
    failure(run_pg2une(["baseline", "--sections", "config,colour", "--format", "json"]), 2)


def test_b2_diff_finds_real_changes(fresh_lab, run_pg2une, tmp_path):
    one = fresh_lab(major=15, fast=True)
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    for _ in range(3):
        one.sql("SELECT 'same', 1 FROM pgbench_branches", user="app")
    assert run_pg2une(["baseline", "--output", a], lab=one).rc == 0
    one.sql("ALTER SYSTEM SET work_mem = '8192kB'")
    one.sql("ALTER SYSTEM SET maintenance_work_mem = '65536kB'")    # as it was: no change
    one.sql("SELECT pg_reload_conf()")
    for _ in range(7):
        one.sql("SELECT 'same', 1 FROM pgbench_branches", user="app")
    one.sql("SELECT 'new', 2, pg_sleep(0.2)", user="app")
    one.sql("CREATE TABLE fresh AS SELECT generate_series(1, 5000) AS i")
    end = time.monotonic() + 10
    while True:
        assert run_pg2une(["baseline", "--output", b], lab=one).rc == 0
        d = data(run_pg2une(["baseline", "diff", "--before", a, "--after", b, "--format", "json"]))
        if d["settings"] and any(t["name"] == "fresh" for t in d["tables"]):
            break
        assert time.monotonic() < end
    assert [(s["name"], s["before"], s["after"]) for s in d["settings"]
            if s["name"] != "pg_stat_statements.track"] == [("work_mem", "4MB", "8MB")]
    q = {x["query"]: x for x in d["queries"]}
    same = q["SELECT $1, $2 FROM pgbench_branches"]
    assert (same["calls_before"], same["calls_after"], same["calls_change"]) == (3, 10, 7)
    assert same["mean_between_ms"] > 0 and same["change"] == "changed"
    new = q["SELECT $1, $2, pg_sleep($3)"]
    assert new["change"] == "new" and new["mean_ms_after"] > 190 and new["mean_ms_before"] is None
    assert d["queries"][0]["query"] == "SELECT $1, $2, pg_sleep($3)" or \
        d["queries"][0]["total_ms_after"] >= new["total_ms_after"]
    assert [t["change"] for t in d["tables"] if t["name"] == "fresh"] == ["new"]
    same_file = data(run_pg2une(["baseline", "diff", "--before", a, "--after", a,
                                 "--format", "json"]))
    assert same_file["settings"] == [] and same_file["queries"] == [] and same_file["tables"] == []


def test_b2_bad_files(run_pg2une, tmp_path):
    good = tmp_path / "good.json"
    good.write_text('{"sections": {}}')
    bad = tmp_path / "bad.json"
    for text, word in (("{", "offset"), ("[1]", "not a baseline"), ("", ""), ('{"a":1}', "baseline")):
        bad.write_text(text)
        err = failure(run_pg2une(["baseline", "diff", "--before", good, "--after", bad,
                                  "--format", "json"]), 1)
        assert "bad.json" in err and (word in err or word == "offset")
    failure(run_pg2une(["baseline", "diff", "--before", good, "--after", "/no/such",
                        "--format", "json"]), 1)
    err = failure(run_pg2une(["baseline", "diff", "--after", good, "--format", "json"]), 2)
    assert "--before" in err
