"""The optimizer on real servers, as short as it goes: one baseline, then stopped by time.
Whole searches are measured by tests/bench/gains."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "fault"))

import tunekill  # noqa: E402
from harness.labs import TOOL  # noqa: E402

BIN = "/usr/lib/postgresql/15/bin"
HAVE_COPY = os.path.exists(f"{BIN}/pg_basebackup")
long = pytest.mark.skipif(not os.environ.get("PG2UNE_LONG"), reason="PG2UNE_LONG: minutes")


def optimize(run_pg2une, lab, *args, timeout=150, ok=True, env=None):
    r = run_pg2une(["optimize", "--format", "json", "--ram", "4GB", "--cpus", "2", *args], lab=lab,
                   timeout=timeout, env=env)
    answer = json.loads(r.out or r.err.splitlines()[-1])    # a failure goes to stderr
    assert answer["success"] is ok, answer
    return answer["data"] if ok else answer["error"]


@pytest.fixture
def where():
    """A folder that the user who runs the servers may reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as path:
        os.chmod(path, 0o711)
        yield path


@pytest.fixture
def works(where):
    """Server programs whose pgbench also keeps what work it was asked for and what it said
    of it: the variables that name them, and a function that tells them so far."""
    folder, log = f"{where}/bin", f"{where}/works"
    os.mkdir(folder)
    os.mkdir(log)
    os.chmod(log, 0o1777)
    for name in os.listdir(BIN):
        os.symlink(f"{BIN}/{name}", f"{folder}/{name}")
    os.unlink(f"{folder}/pgbench")
    with open(f"{folder}/pgbench", "w") as f:
        f.write(f"""#!/bin/sh
case "$*" in *--time=1000000*) exec {BIN}/pgbench "$@";; esac
out={log}/$(date +%s%N)
{BIN}/pgbench "$@" > $out 2>&1
rc=$?
cat $out
echo "$@" >> $out
exit $rc
""")
    os.chmod(folder, 0o755)
    os.chmod(f"{folder}/pgbench", 0o755)
    return {"PG2UNE_PGBIN": folder}, lambda: [open(p).read() for p in
                                              sorted(glob.glob(f"{log}/*"))]


def transactions(works, clients):
    """Of each client in each trial, which must have done them all; and the throughputs."""
    first, *trials = works
    assert "--time=12 " in first and "--transactions" not in first
    share = {re.search(r"--transactions=(\d+) ", w).group(1) for w in trials}
    assert len(share) == 1, share
    n = int(share.pop())
    for w in trials:
        assert f"actually processed: {n * clients}/{n * clients}\n" in w, w
    return n, [float(re.findall(r"^tps = ([0-9.]+)", w, re.M)[-1]) for w in trials]


# orders.code = orders.billed always: two rows are expected of a shop, 300 come, and for each
# of them 200 lines of its region are read.  No index that the advisor knows would help.
MISJUDGED = """SELECT count(*) FROM orders o JOIN lines l ON l.region = o.region AND
abs(l.code) = o.code WHERE o.code = o.billed AND o.shop = %s"""


def misjudge(lab, calls):
    lab.sql("CREATE TABLE orders AS SELECT g AS id, g % 20 AS region, g % 3 AS shop, "
            "g AS code, g AS billed FROM generate_series(1, 900) g")
    lab.sql("CREATE TABLE lines AS SELECT g AS id, g % 20 AS region, g AS code, "
            "repeat('x', 40) AS body FROM generate_series(1, 4000) g")
    lab.sql("CREATE INDEX ON lines (region)")
    lab.sql("ANALYZE orders, lines")
    for i in range(calls):
        lab.sql(MISJUDGED, i % 3)


# The same mistake, and yet a nested loop is right: a few look-ups where all else reads and
# sorts or hashes the whole of a large table.
RIGHT_AFTER_ALL = """SELECT count(*) FROM orders o JOIN bodies b ON b.id = o.far
WHERE o.code = o.billed AND o.shop = %s"""


def misjudge_harmlessly(lab, calls):
    lab.sql("ALTER TABLE orders ADD far int")
    lab.sql("UPDATE orders SET far = id * 150")
    lab.sql("CREATE TABLE bodies AS SELECT g AS id, repeat('x', 40) AS body "
            "FROM generate_series(1, 150000) g")
    lab.sql("ALTER TABLE bodies ADD PRIMARY KEY (id)")
    lab.sql("VACUUM ANALYZE orders, bodies")
    for i in range(calls):
        lab.sql(RIGHT_AFTER_ALL, i % 3)


def check_hint(hint):
    """What the answer says of the hint for MISJUDGED."""
    assert hint["query"].startswith("SELECT count(*) FROM orders o JOIN lines l"), hint
    assert "o.shop = $1" in hint["query"]
    assert hint["pg_hint_plan"] == "/*+ Set(enable_nestloop off) */"
    assert hint["statement"] == "SET LOCAL enable_nestloop = off"
    assert re.search(r"a nested loop expected \d rows of its outer side \(Seq Scan on orders\) "
                     r"and 300 came", hint["why"]), hint
    assert hint["plan_cost_pct"] > 0 and hint["who"] == "application"


@pytest.mark.skipif(not HAVE_COPY, reason="the server programs of major 15 are not installed")
def test_rehearsal_leaves_nothing(run_pg2une, fresh_lab, where, works):
    """A copy is made and loaded with what was captured, in the frame of a hint that is to be
    tried; a trial is so many transactions; at the end all of it is gone."""
    env, done = works
    lab = fresh_lab(major=15, fast=True)
    before = tunekill.settings(lab)
    for i in range(30):
        lab.sql("SELECT abalance FROM pgbench_accounts WHERE aid = %s", i)
    lab.sql("SELECT count(*) FROM pgbench_accounts WHERE aid > 10")
    misjudge(lab, 3)
    d = optimize(run_pg2une, lab, "--mode", "rehearsal", "--action", "holistic",
                 "--copy-to", where, "--trial", "12s", "--time", "1s", env=env)
    assert [(t["what"], t["status"]) for t in d["trials"]] == [("baseline", "ok")]
    n, tps = transactions(done(), clients=4)
    # Done again where it took less than half of the first look: then all of it counts.
    assert d["trials"][0]["tps"] == pytest.approx(len(tps) / sum(1 / x for x in tps), rel=1e-5)
    assert min(tps) > 5
    assert d["proposal"]["verdict"] == "keep what is there"
    note = " ".join(d["notes"])
    assert re.search(r"on a copy.*[1-9]\d* captured SELECT statements", note), note
    assert f"each trial the same {n} transactions of every client" in note
    assert "no row was written" in note     # so WAL and checkpoints are not searched
    # It is in the search, would change the plan, and is not proposed unmeasured.
    assert re.search(r"hints from plans on the copy: 1 tried", note), note
    assert [h["proposed"] for h in d["hints"]] == [False] and d["settings"] == []
    check_hint(d["hints"][0])
    assert glob.glob(f"{where}/*rehearsal*") == []
    assert where not in subprocess.run(["ps", "-eo", "args"], text=True,
                                               capture_output=True).stdout
    assert tunekill.settings(lab) == before
    r = run_pg2une(["change", "history", "--format", "json"], lab=lab)
    run = json.loads(r.out)["data"]["runs"][0]      # and a row of what it did
    assert (run["kind"], run["mode"], run["status"]) == ("search", "rehearsal", "done")
    assert run["before"].startswith("tps") and run["after"].startswith("tps"), run
    assert [(x["what"], x["status"]) for x in run["steps"]] == [
        (t["what"], t["status"]) for t in d["trials"]], run


@pytest.mark.skipif(not HAVE_COPY, reason="the server programs of major 15 are not installed")
def test_a_hint_that_changes_no_plan_is_dropped(run_pg2une, fresh_lab, where):
    """A scan that finds nothing of the third that it expected gives a candidate, but there is
    no other way to read that table: nothing is left to search, and the copy is gone."""
    lab = fresh_lab(major=15, fast=True)
    lab.sql("CREATE TABLE lines AS SELECT g AS id, g AS code FROM generate_series(1, 4000) g")
    lab.sql("ANALYZE lines")
    for _ in range(5):
        lab.sql("SELECT count(*) FROM lines WHERE abs(id) < abs(code)")
    error = optimize(run_pg2une, lab, "--mode", "rehearsal", "--action", "queries", "--copy-to",
                     where, ok=False)
    assert "and the plans of the captured statements give no hint" in error
    assert "1 would change no plan" in error
    assert glob.glob(f"{where}/*rehearsal*") == []


def test_indexes_by_plan(run_pg2une, lab):
    """--action queries asks the planner only, and is labelled so."""
    one = lab(major=17)
    out = run_pg2une(["optimize", "--mode", "model", "--action", "queries", "--format", "json"],
                     lab=one, timeout=60)
    answer = json.loads(out.out or out.err.splitlines()[-1])
    if answer["success"]:
        assert "nothing was measured" in " ".join(answer["data"]["notes"])
        for s in answer["data"]["settings"]:
            assert s["statement"].startswith("CREATE INDEX")
    else:
        assert "no index to propose" in answer["error"]


def test_wal_fits_the_disk(run_pg2une, lab):
    """Rules of thumb give max_wal_size several GB: an eighth of what is free at most."""
    one = lab(major=17)
    data = one.value("SHOW data_directory")
    fs = os.statvfs(f"{data}/pg_wal" if os.access(f"{data}/pg_wal", os.X_OK) else data)
    most = fs.f_bavail * fs.f_frsize / 8
    d = optimize(run_pg2une, one, "--mode", "model")
    sizes = {s["name"]: int(one.value("SELECT pg_size_bytes(%s)", s["proposed"]))
             for s in d["settings"] if s["name"] in ("max_wal_size", "min_wal_size")}
    assert ("max_wal_size" in sizes) == (most > 1.05 * 2**30), (sizes, most)
    assert all(size < 1.05 * most for size in sizes.values()), (sizes, most)


@pytest.mark.parametrize("args, why", [
    (["--mode", "live", "--action", "queries"], "indexes are built on a copy"),
    (["--mode", "canary"], "--primary"),
    (["--mode", "canary", "--primary", "host=/nowhere"], "nowhere"),
    (["--mode", "live", "--restart-command", "/bin/true"], "for --mode canary"),
    (["--mode", "live", "--script", "builtin:tpcb-like"], "for --mode rehearsal"),
    (["--objective", "speed"], "--objective"),
    (["--mode", "rehearsal", "--copy-to", "/nonexistent"], "nonexistent|on this machine"),
    (["--mode", "rehearsal", "--in-place", "--action", "queries"], "without --in-place"),
    (["--mode", "rehearsal", "--in-place", "--copy-to", "/tmp"], "leave out --copy-to"),
    (["--mode", "live", "--clients", "3"], "for --mode rehearsal"),
    (["--mode", "live", "--primary", "host=x"], "for --mode canary"),
    (["--iterations", "0"], "--iterations: 1 to 200"),
    (["--iterations", "-3"], "--iterations: 1 to 200"),
    (["--iterations", "10000"], "--iterations: 1 to 200"),
    (["--mode", "rehearsal", "--clients", "0"], "--clients: 1 to 1000"),
    (["--time", "0"], "leave it out for no limit"),
])
def test_refused(run_pg2une, lab, args, why):
    assert re.search(why, optimize(run_pg2une, lab(major=17), *args, ok=False))


def test_an_index_from_the_model_to_the_dry_run(console, fresh_lab):
    """Accepted at 80 columns: what needs a restart stays out, the index is told by its table
    and columns, the dry run says how it is built; what is refused is a draft again."""
    lab = fresh_lab(major=17, fast=True)
    lab.sql("CREATE TABLE customer_shipment_events AS SELECT g AS id, g % 5000 AS "
            "customer_number, repeat('x', 60) AS body FROM generate_series(1, 100000) g")
    lab.sql("ANALYZE customer_shipment_events")
    for i in range(20):
        lab.sql("SELECT count(*) FROM customer_shipment_events WHERE customer_number = %s", i)
    t = console(["--ram", "4GB", "--cpus", "2"], lab=lab, cols=80, rows=24)
    t.wait_for("PRIMARY")
    t.keys("o")
    t.wait_for("A start")
    until(lambda: t.keys("A") or "Start a search" in t.screen(), 20, "the form")
    t.keys("Enter", "Enter", "Enter", "Down", "Enter")
    t.wait_for("how +model")
    t.wait_for("what +indexes and hints")
    t.keys("Enter", "End", "Enter")
    t.wait_for("Search for better settings of")
    t.keys("Right", "Enter")
    t.wait_for("A accept", 30)
    t.keys("A")
    t.wait_for(r"settings and 1 index, gain not measured")
    t.wait_for(r"without \d that need")
    t.keys("Right", "Enter")
    t.wait_for(r"without 1 setting that needs a restart")
    t.keys(":set shared_buffers=1GB", "Enter")      # by hand, and so refused
    t.keys("A")
    t.wait_for("Dry run of")
    t.keys("Right", "Enter")
    t.wait_for("refused", 20)
    t.wait_for("d takes an item out and makes the rest a draft")
    t.keys("End")
    t.wait_for("SET shared_buffers")
    t.keys("d")
    t.wait_for("A runs the dry run")
    t.wait_for("CREATE INDEX …custom…_events.custom…_number.")
    t.keys("A")
    t.wait_for("Dry run of")
    t.keys("Right", "Enter")
    t.wait_for("A applies it", 20)
    t.wait_for("1 index is built CONCURRENTLY")
    t.keys("R")
    t.wait_for("Roll back")
    t.keys("Right", "Enter")
    assert lab.value("SELECT count(*) FROM pg_indexes WHERE tablename LIKE 'customer%%'") == 0


def test_latency_wants_pg_stat_statements(run_pg2une, lab):
    """Said at once, with what mends it; not after six looks that tell nothing."""
    error = optimize(run_pg2une, lab(major=17, no_pgss=True), "--mode", "live", ok=False)
    assert "CREATE EXTENSION pg_stat_statements" in error and "--objective tps" in error


def test_nobody_listens(run_pg2une):
    """The last word is why, not that no sample came."""
    r = run_pg2une(["-h", "127.0.0.1", "-p", "1", "optimize", "--mode", "live"], timeout=60)
    assert r.rc == 1 and "refused" in r.err, r.err


@long
def test_a_role_that_may_not_set(run_pg2une, fresh_lab):
    """The first trial says what is to be granted; it is not one more bad configuration."""
    lab = fresh_lab(major=17, fast=True, load=True)
    error = optimize(run_pg2une, lab, "--mode", "live", "--trial", "12s", "--iterations", "5",
                     "-U", "monitor", ok=False, timeout=400)
    assert "no trial can begin here" in error and "GRANT" in error


def test_canary_wants_a_standby(run_pg2une, lab):
    one = lab(major=17)
    error = optimize(run_pg2une, one, "--mode", "canary", "--primary", one.dsn(), ok=False)
    assert "is no standby" in error


def test_three_kills():
    """The quick form of tests/fault/run --only tunekill."""
    assert tunekill.run(3, workers=3)


# ---- whole paths on real servers: PG2UNE_LONG, some minutes each ----


def in_file(lab):
    return lab.value("SELECT count(*) FROM pg_file_settings WHERE sourcefile LIKE '%%auto.conf'")


def until(test, deadline, what):
    end = time.monotonic() + deadline
    while not test():
        assert time.monotonic() < end, f"{what} not within {deadline} s"
        time.sleep(0.1)


@long
def test_canary_search(run_pg2une, fresh_lab):
    """Settings go on the standby, never on the primary, and are gone at the end."""
    lab = fresh_lab(major=17, fast=True, standby=True, pgbouncer=True)
    lab.cmd("route", "50")
    lab.cmd("load", "start", "--via", "pgbouncer_ro", "--mode", "ro", "--rate", "60",
            "--clients", "2")
    before = tunekill.settings(lab)
    r = run_pg2une(["-h", lab.env["PGT_STANDBY_HOST"], "-p", lab.env["PGT_STANDBY_PORT"],
                    "optimize", "--format", "json", "--ram", "4GB", "--cpus", "2",
                    "--mode", "canary", "--primary", lab.dsn(), "--trial", "12s",
                    "--iterations", "5", "--time", "60s"], lab=lab, timeout=500)
    d = json.loads(r.out)["data"]
    assert [t["what"] for t in d["trials"][:3]] == ["baseline"] * 3
    assert any(t["config"] != "as it is" for t in d["trials"])
    assert "on the standby, against the primary" in " ".join(d["notes"])
    assert tunekill.settings(lab) == before
    assert lab.value("SHOW work_mem", role="standby") == "4MB"


@long
def test_canary_is_restarted_for_what_needs_it(run_pg2une, fresh_lab, tmp_path):
    """By the operator's program, and is as it was at the end; the primary never is."""
    lab = fresh_lab(major=17, fast=True, standby=True, pgbouncer=True)
    lab.cmd("route", "50")
    lab.cmd("load", "start", "--via", "pgbouncer_ro", "--mode", "ro", "--rate", "200",
            "--clients", "4", "--keep")
    program, log = tmp_path / "restart", tmp_path / "log"
    program.write_text(f"""#!/bin/sh
psql -h {lab.env["PGT_STANDBY_HOST"]} -p {lab.env["PGT_STANDBY_PORT"]} -U postgres bench \
    -Atc "SELECT name, setting FROM pg_file_settings WHERE name = 'shared_buffers'" >> {log}
{TOOL} route {lab.name} 0 && {TOOL} restart {lab.name} standby && {TOOL} route {lab.name} 50
""")
    program.chmod(0o755)
    before, buffers = tunekill.settings(lab), lab.value("SHOW shared_buffers", role="standby")
    began = {r: lab.value("SELECT pg_postmaster_start_time()", role=r)
             for r in ("primary", "standby")}
    r = run_pg2une(["-h", lab.env["PGT_STANDBY_HOST"], "-p", lab.env["PGT_STANDBY_PORT"],
                    "optimize", "--format", "json", "--ram", "4GB", "--cpus", "2",
                    "--mode", "canary", "--primary", lab.dsn(), "--trial", "12s",
                    "--restart-command", str(program), "--iterations", "6"], lab=lab,
                   timeout=900)
    assert r.out, r.err
    d = json.loads(r.out)["data"]
    tried = [t for t in d["trials"] if "shared_buffers=" in t["config"]]
    assert any(t["status"] == "ok" for t in tried), d["trials"]
    assert "shared_buffers" in log.read_text()
    assert tunekill.settings(lab) == before
    assert lab.value("SHOW shared_buffers", role="standby") == buffers
    now = {r: lab.value("SELECT pg_postmaster_start_time()", role=r) for r in began}
    assert now["primary"] == began["primary"] and now["standby"] > began["standby"]


@long
@pytest.mark.skipif(not HAVE_COPY, reason="the server programs of major 15 are not installed")
def test_the_same_work_takes_the_same_time(run_pg2une, fresh_lab, where, works, tmp_path):
    """Statements of very different length that are no work for the machine: present
    settings differ by the transactions that a trial holds, or not at all."""
    env, done = works
    script = tmp_path / "unequal.sql"
    script.write_text("\\set ms random(20, 1500)\nSELECT pg_sleep(:ms / 1000.0);\n")
    lab = fresh_lab(major=15, fast=True)
    d = optimize(run_pg2une, lab, "--mode", "rehearsal", "--copy-to", where, "--clients", "2",
                 "--script", str(script), "--trial", "12s", "--iterations", "3",
                 timeout=600, env=env)
    assert [(t["what"], t["status"]) for t in d["trials"]] == [("baseline", "ok")] * 3
    n, tps = transactions(done(), clients=2)
    assert n >= 5 and len(tps) == 3 and max(tps) < 1.05 * min(tps), tps
    means = [t["mean_ms"] for t in d["trials"]]         # of the very same statements
    assert max(means) < 1.05 * min(means), means


@long
@pytest.mark.skipif(not HAVE_COPY, reason="the server programs of major 15 are not installed")
@pytest.mark.parametrize("bad, status, note", [
    ("pg_sleep(5)", "abandoned", "given up after .* s: its work takes over 4 times as long"),
    ("1 / (random() * 0)::int", "failed", "the load ended: .*division by zero"),
])
def test_bad_settings_on_a_copy(run_pg2une, fresh_lab, where, tmp_path, bad, status, note):
    """Whatever is tried is far slower, or fails: both count as bad, and nothing is proposed."""
    script = tmp_path / "bad.sql"
    script.write_text("SELECT pg_sleep(0.1), CASE WHEN EXISTS (SELECT FROM pg_file_settings "
                      f"WHERE sourcefile LIKE '%trial.conf') THEN ({bad})::text END;\n")
    lab = fresh_lab(major=15, fast=True)
    d = optimize(run_pg2une, lab, "--mode", "rehearsal", "--copy-to", where, "--clients", "2",
                 "--script", str(script), "--trial", "12s", "--iterations", "4",
                 timeout=600)
    assert [t["status"] for t in d["trials"][:4]] == ["ok"] * 3 + [status], d["trials"]
    assert re.search(note, d["trials"][3]["note"]), d["trials"][3]
    assert d["proposal"]["verdict"] == "keep what is there"


@long
@pytest.mark.skipif(not HAVE_COPY, reason="the server programs of major 15 are not installed")
@pytest.mark.parametrize("action", ["queries", "holistic"])
def test_indexes_are_rehearsed(run_pg2une, fresh_lab, where, action):
    """An index that the load cries for is built on the copy, measured and proposed; the
    server itself gets none."""
    lab = fresh_lab(major=15, fast=True)
    lab.sql("CREATE TABLE items AS SELECT g AS id, g % 5000 AS tag, repeat('x', 60) AS body "
            "FROM generate_series(1, 300000) g")
    lab.sql("ANALYZE items")
    for i in range(60):
        lab.sql("SELECT count(*) FROM items WHERE tag = %s", i)
    d = optimize(run_pg2une, lab, "--mode", "rehearsal", "--action", action, "--clients", "2",
                 "--copy-to", where, "--trial", "12s", "--iterations", "7", "--time", "120s",
                 timeout=900)
    assert d["proposal"]["verdict"] == "change" and d["proposal"]["gain_low_pct"] > 100
    assert any(s.get("statement", "").startswith("CREATE INDEX") for s in d["settings"])
    assert lab.value("SELECT count(*) FROM pg_indexes WHERE tablename = 'items'") == 0


@long
@pytest.mark.skipif(not HAVE_COPY, reason="the server programs of major 15 are not installed")
def test_hints_are_rehearsed(run_pg2une, fresh_lab, where):
    """A hint that avoids a misjudged nested loop is confirmed by measuring and handed to the
    application; nothing of it is an item of a change."""
    lab = fresh_lab(major=15, fast=True)
    before = tunekill.settings(lab)
    misjudge(lab, 12)
    d = optimize(run_pg2une, lab, "--mode", "rehearsal", "--action", "queries", "--clients", "2",
                 "--copy-to", where, "--trial", "12s", "--iterations", "4", "--time", "120s",
                 timeout=900)
    assert d["proposal"]["verdict"] == "change" and d["proposal"]["gain_low_pct"] > 50, d
    assert [h["proposed"] for h in d["hints"]] == [True] and d["settings"] == []
    check_hint(d["hints"][0])
    assert tunekill.settings(lab) == before


@long
@pytest.mark.skipif(not HAVE_COPY, reason="the server programs of major 15 are not installed")
def test_hints_among_settings(run_pg2une, fresh_lab, where):
    """Searched with the settings too, the hint that helps is confirmed, and the one that
    hurts, with which all at once is hardly better, is not proposed."""
    lab = fresh_lab(major=15, fast=True)
    before = tunekill.settings(lab)
    misjudge(lab, 12)
    misjudge_harmlessly(lab, 12)
    d = optimize(run_pg2une, lab, "--mode", "rehearsal", "--action", "holistic", "--clients",
                 "2", "--copy-to", where, "--trial", "12s", "--iterations", "10", timeout=1500)
    assert d["proposal"]["verdict"] == "change" and d["proposal"]["gain_low_pct"] > 50, d
    hints = {h["query"].split(" ON ")[0]: h for h in d["hints"]}
    assert len(hints) == 2, d["hints"]
    check_hint(hints["SELECT count(*) FROM orders o JOIN lines l"])
    proposed = {q.split()[-2]: h["proposed"] for q, h in hints.items()}
    assert proposed == {"lines": True, "bodies": False}, d
    assert any("one index or hint" in t["why"] for t in d["trials"])
    assert tunekill.settings(lab) == before


@long
def test_in_place(run_pg2une, fresh_lab):
    lab = fresh_lab(major=17, fast=True)
    before = tunekill.settings(lab)
    d = optimize(run_pg2une, lab, "--mode", "rehearsal", "--in-place", "--script",
                 "builtin:tpcb-like", "--clients", "2", "--trial", "12s", "--iterations", "5",
                 "--time", "70s", timeout=600)
    assert "in place, under a load of our own" in " ".join(d["notes"])
    assert "no row was written" not in " ".join(d["notes"])
    assert any(t["config"] != "as it is" for t in d["trials"])
    assert tunekill.settings(lab) == before


@long
def test_a_second_search_begins_where_the_first_ended(run_pg2une, fresh_lab):
    lab = fresh_lab(major=17, fast=True)
    lab.cmd("load", "start", "--rate", "30", "--clients", "2")
    args = ["--mode", "live", "--trial", "12s", "--iterations", "7", "--time", "110s"]
    first = optimize(run_pg2une, lab, *args, timeout=600)
    assert sum(t["status"] == "ok" for t in first["trials"]) >= 5
    second = optimize(run_pg2une, lab, *args, timeout=600)
    assert any("earlier search" in t["why"] for t in second["trials"]), second["trials"]


@long
def test_steered_from_the_console(console, fresh_lab):
    """Progress, pause, resume, stop and restore: the server is as before each time."""
    lab = fresh_lab(major=17, fast=True, load=True)
    before = tunekill.settings(lab)
    t = console(["--ram", "4GB", "--cpus", "2"], lab=lab, cols=120, rows=40)
    t.wait_for("PRIMARY")
    t.keys("o")
    t.wait_for("No search is under way")

    def form():
        t.keys("A")
        time.sleep(0.3)
        return re.search("START +takes", t.screen())
    until(form, 20, "the form")
    t.keys("Down", "Down", "Down", "Down", "Enter", "Enter", "Enter")
    t.wait_for("window +12")
    t.keys("End", "Enter")
    t.wait_for("Search for better settings of")
    t.keys("Right", "Enter")
    t.wait_for("baseline", 30)
    t.keys("1")                                 # the console stays live
    t.wait_for("Throughput")
    t.keys("o", "H")
    t.wait_for("paused", 60)
    assert tunekill.settings(lab) == before
    t.keys("H")
    until(lambda: in_file(lab) > 0, 150, "a trial in force")
    t.keys("R")
    t.wait_for("Stop the search and restore")
    t.keys("Right", "Enter")
    until(lambda: tunekill.settings(lab) == before, 20, "the way back")
    t.wait_for("stopped", 20)
    t.keys("q")
    assert t.wait_exit() == 0
