"""Changes that cannot be lost: the quick subset of `make fault`, on real servers."""
import json
import os
import signal
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import faultlib as fl  # noqa: E402
import matrix  # noqa: E402
import races  # noqa: E402
import sweep  # noqa: E402
from harness import binary  # noqa: E402


@pytest.fixture(scope="module")
def node(pg2une):
    from harness import labs
    one = labs.Lab(major=17, standby=True, fast=True)
    yield one
    one.down()


@pytest.fixture
def clean(node):
    fl.reset_node(node)
    yield node
    fl.reset_node(node)


QUICK = [("Kill", "JN"), ("Kill", "AP"), ("Kill", "RL"), ("Kill", "VF"), ("Hup", "RL"),
         ("Term", "VA"), ("Crash", "VF"), ("Freeze", "RL"), ("Cut", "AP"), ("DiskFull", "JN"),
         ("DiskFull", "RL"), ("Revoked", "AP"), ("Operator", "AP"), ("Operator", "VA"),
         ("OtherNode", "RL"), ("GuardDies", "RL"), ("HostLost", "VF"), ("HostLost", "VA")]


@pytest.mark.parametrize("fault, stage", QUICK)
@pytest.mark.parametrize("seed", [0, 1])
def test_matrix(clean, fault, stage, seed):
    cell = matrix.Cell(clean, stage, 1 if fault == "Kill" and stage == "AP" else seed,
                       clean.env.get("PGT_STANDBY_HOST"))
    cell.run(getattr(matrix, fault)())


def start(lab, home, *args, plan=None, **kw):
    c = fl.Console(lab, home, plan=plan, args=args, **kw)
    return c


@pytest.fixture
def console(clean, home):
    made = []

    def make(*args, lab=None, **kw):
        made.append(start(lab or clean, home, *args, **kw))
        return made[-1]
    yield make
    for c in made:
        c.end()


def finish(lab, c, home, before, want, seconds=60):
    assert fl.judge(lab, c, home, before, seconds) == want


def test_confirmed_is_durable(clean, console, home):
    before = fl.node_state(clean)
    c = console()
    assert c.finish("confirm") == 0
    finish(clean, c, home, before, "confirmed")
    (row,) = fl.changes(home, clean)
    assert row["outcome"] == "confirmed" and row["applied_at"]
    r = fl.pg2une(home, clean, "config", "rollback", "--changeset-id", row["id"])
    assert r.returncode == 0, r.stderr
    assert fl.node_state(clean)["lines"] == before["lines"]


def test_earlier_value_comes_back_exactly(clean, console, home):
    clean.sql("ALTER SYSTEM SET work_mem = '5120kB'", dbname="postgres")
    clean.sql("SELECT pg_reload_conf()", dbname="postgres")
    before = fl.node_state(clean)
    assert before["lines"]["work_mem"] == "5120kB"
    c = console()
    c.finish("rollback")
    finish(clean, c, home, before, "rolled_back")


def test_goes_back_by_itself_after_sigkill(clean, console, home):
    before = fl.node_state(clean)
    c = console(deadline=6)
    assert c.go_to("confirm")
    at = time.monotonic()
    os.kill(c.pid, signal.SIGKILL)
    finish(clean, c, home, before, "rolled_back")
    assert time.monotonic() - at > 3
    # the deadline runs from the end of the validation
    assert fl.span(home, clean, "VALIDATED", "CLOSED") < 6 + 5 * fl.patience()


def test_half_applied_goes_back_at_once(clean, console, home):
    before = fl.node_state(clean)
    c = console(deadline=600)
    assert c.go_to("reload")
    os.kill(c.pid, signal.SIGKILL)
    at = time.monotonic()
    assert fl.wait_until(lambda: fl.node_state(clean)["lines"] == before["lines"], 10)
    assert time.monotonic() - at < 5
    finish(clean, c, home, before, "rolled_back")


def test_stopped_console_loses_its_session(clean, console, home):
    before = fl.node_state(clean)
    c = console(deadline=5)
    assert c.go_to("confirm")
    os.kill(c.pid, signal.SIGSTOP)
    assert fl.wait_until(lambda: fl.node_state(clean)["lines"] == before["lines"], 20)
    os.kill(c.pid, signal.SIGCONT)
    c.finish("confirm")
    finish(clean, c, home, before, "rolled_back")


def test_confirm_from_another_process(clean, console, home):
    before = fl.node_state(clean)
    c = console(deadline=30)
    assert c.go_to("confirm")
    os.kill(c.pid, signal.SIGKILL)
    c.p.wait()
    (row,) = fl.changes(home, clean)
    assert row["state"] == "held"
    r = fl.pg2une(home, clean, "change", "confirm", row["id"][:8])
    assert r.returncode == 0, r.stderr
    finish(clean, c, home, before, "confirmed")


def test_confirm_from_another_process_ends_the_wait(clean, console, home):
    before = fl.node_state(clean)
    c = console(deadline=60)
    assert c.go_to("confirm")
    r = fl.pg2une(home, clean, "change", "confirm", fl.changes(home, clean)[0]["id"])
    assert r.returncode == 0, r.stderr
    assert fl.wait_until(lambda: c.p.poll() is not None, 10), "it still waits for its user"
    assert c.p.returncode == 0
    finish(clean, c, home, before, "confirmed")


def test_rollback_from_another_process_is_quick(clean, console, home):
    before = fl.node_state(clean)
    c = console(deadline=60)
    assert c.go_to("confirm")
    os.kill(c.pid, signal.SIGKILL)
    c.p.wait()
    at = time.monotonic()
    r = fl.pg2une(home, clean, "change", "rollback", fl.changes(home, clean)[0]["id"])
    assert r.returncode == 0, r.stderr
    assert time.monotonic() - at < 4 * fl.patience()
    finish(clean, c, home, before, "rolled_back")
    assert fl.span(home, clean, "RB_BEGIN", "CLOSED") < 2 * fl.patience()


def test_rollback_of_a_healthy_server_within_two_seconds(clean, console, home):
    c = console(deadline=60)
    assert c.go_to("confirm")
    at = time.monotonic()
    c.answer("rollback")
    assert fl.wait_until(lambda: c.p.poll() is not None, 20)
    assert time.monotonic() - at < 2 * fl.patience()
    assert fl.span(home, clean, "RB_BEGIN", "CLOSED") < 2 * fl.patience()


@pytest.mark.parametrize("stage", ["confirm", pytest.param("reload", marks=pytest.mark.skipif(
    not os.environ.get("PG2UNE_LONG"), reason="PG2UNE_LONG=1"))])
def test_host_and_server_lost_at_once(clean, console, home, stage):
    """Power loss: console, guard and server are killed in one moment.  At the next boot
    `recover` (docs/systemd) may run before the server is up."""
    before = fl.node_state(clean)
    c = console(deadline=600)
    assert c.go_to(stage)
    for pid in [c.pid, *c.guards()]:
        os.kill(pid, signal.SIGKILL)
    clean.cmd("kill", "primary")
    c.p.wait()
    (row,) = fl.changes(home, clean)
    assert row["state"] == "half_applied" and row["outcome"] == "open"
    recover = subprocess.Popen([binary.path(), "recover"], stdin=subprocess.DEVNULL,
                               env=binary.environment(clean, home), stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    try:
        time.sleep(1)
        assert recover.poll() is None, recover.stderr.read()
        clean.cmd("start", "primary")
        assert recover.wait(60) == 0, recover.stderr.read()
    finally:
        recover.kill()
        recover.wait()
        recover.stderr.close()
    finish(clean, c, home, before, "rolled_back")
    r = fl.pg2une(home, clean, "recover", "--format", "json")
    assert r.returncode == 0 and json.loads(r.stdout)["data"]["changes"] == []


def test_the_unit_for_boot_names_a_command_that_exists():
    path = os.path.join(binary.ROOT, "docs", "systemd", "pg2une-recover.service")
    with open(path) as f:
        (line,) = [x for x in f if x.startswith("ExecStart=")]
    argv = line.strip().partition("=")[2].split()
    assert argv[0].endswith("/pg2une")
    r = subprocess.run([binary.path(), *argv[1:], "--help"], capture_output=True, text=True)
    assert r.returncode == 0 and "for boot" in r.stdout


def test_nothing_goes_on_over_an_unfinished_change(clean, console, home):
    before = fl.node_state(clean)
    c = console(deadline=600)
    assert c.go_to("reload")
    for pid in [c.pid, *c.guards()]:
        os.kill(pid, signal.SIGKILL)
    c.p.wait()
    d = start(clean, home)
    try:
        d.finish()
        assert "was left half_applied" in d.text
    finally:
        d.end()
    r = fl.pg2une(home, clean, "recover", "--dry-run", "--format", "json")
    assert json.loads(r.stdout)["data"]["changes"][0]["state"] == "half_applied"
    assert fl.pg2une(home, clean, "recover").returncode == 0
    finish(clean, c, home, before, "rolled_back")


def test_somebody_elses_value_is_left(clean, console, home):
    before = fl.node_state(clean)
    c = console()
    assert c.go_to("confirm")
    clean.sql("ALTER SYSTEM SET work_mem = '77MB'", dbname="postgres")
    c.finish("rollback")
    assert fl.judge(clean, c, home, before, 30, {"work_mem": "77MB"}) == "rolled_back"
    assert "changed by somebody else" in fl.changes(home, clean)[0]["result"]


def test_a_file_that_somebody_wrote_meanwhile_rules_again(clean, console, home):
    """It hid below our line; once that is gone nobody waits for the value of before."""
    before = fl.node_state(clean)
    path = f"{clean.value('SHOW data_directory')}/postgresql.conf"
    with open(path) as f:
        text = f.read()
    c = console()
    assert c.go_to("confirm")
    try:
        with open(path, "a") as f:
            f.write("\nwork_mem = 77MB\n")
        c.finish("rollback")
        before["seen"]["work_mem"] = str(77 * 1024)
        assert fl.judge(clean, c, home, before, 30) == "rolled_back"
    finally:
        with open(path, "w") as f:
            f.write(text)


def refused(c, home, lab, text):
    before = fl.node_state(lab)
    c.finish()
    assert text in c.text, c.text
    assert fl.judge(lab, c, home, before, 20) == "nothing"


def plan(**settings):
    return {"parameters": [{"name": k, "new_value": v} for k, v in settings.items()]}


@pytest.mark.parametrize("settings, text", [
    ({"max_connections": 200}, "needs a restart"),
    ({"work_mem": "12 parsecs"}, "work_mem"),
    ({"work_mem": "1kB"}, "outside the valid range"),
    ({"enable_seqscan": "perhaps"}, "not on or off"),
    ({"no_such_setting": 1}, "no such setting"),
    ({"server_version": "18"}, "cannot be changed"),
    ({"session_preload_libraries": "nosuchlib"}, "nosuchlib"),
    ({"fsync": "off"}, "loss of data"),
    ({"log_directory": "/nowhere"}, "by hand"),
])
def test_refused_before_anything_is_written(clean, console, home, settings, text):
    refused(console(plan=plan(**settings)), home, clean, text)


def test_broken_file_refuses(clean, console, home):
    path = os.path.join(clean.value("SHOW data_directory"), "postgresql.auto.conf")
    with open(path) as f:
        text = f.read()
    owner = os.stat(path)
    try:
        with open(path, "a") as f:
            f.write("work_memm = 1\n")
        c = console()
        c.finish()
        assert "the configuration has an error already" in c.text
    finally:
        with open(path, "w") as f:
            f.write(text)
        os.chown(path, owner.st_uid, owner.st_gid)


def test_a_missing_main_file_refuses(clean, console, home):
    """That is told without a file's name, as a removed setting of the restart kind is."""
    path = clean.value("SHOW config_file")
    os.rename(path, path + ".away")
    try:
        refused(console(), home, clean, "could not open")
    finally:
        os.rename(path + ".away", path)


def test_file_broken_before_the_reload(clean, console, home):
    before = fl.node_state(clean)
    data = clean.value("SHOW data_directory")
    c = console()
    assert c.go_to("reload")
    with open(f"{data}/postgresql.conf", "a") as f:
        f.write("\nnonsense = = 1\n")
    try:
        c.answer("y")
        assert fl.wait_until(lambda: c.read() or "a reload would be void" in c.text, 20), c.text
        assert fl.wait_until(lambda: c.read() or "files cannot be read" in c.text, 20), c.text
    finally:
        with open(f"{data}/postgresql.conf") as f:
            text = f.read().replace("\nnonsense = = 1\n", "")
        with open(f"{data}/postgresql.conf", "w") as f:
            f.write(text)
    c.finish()
    finish(clean, c, home, before, "rolled_back")


def test_pending_line_of_others_is_not_activated(clean, console, home):
    before = fl.node_state(clean)
    c = console()
    assert c.go_to("reload")
    clean.sql("ALTER SYSTEM SET deadlock_timeout = '3s'", dbname="postgres")
    c.finish()
    assert "somebody else wrote: deadlock_timeout" in c.text
    assert fl.judge(clean, c, home, before, 20, {"deadlock_timeout": "3s"}) == "rolled_back"
    assert clean.value("SHOW deadlock_timeout") == "1s"


def test_role_override_is_told(clean, console, home):
    clean.sql("ALTER ROLE postgres SET work_mem = '9MB'")
    try:
        refused(console(), home, clean, "outranks ALTER SYSTEM")
    finally:
        clean.sql("ALTER ROLE postgres RESET work_mem")


def test_list_setting_keeps_its_elements(clean, console, home):
    before = fl.node_state(clean)
    c = console(plan=plan(temp_tablespaces="pg_default, \"odd name\""))
    c.go_to("confirm")
    assert fl.node_state(clean)["lines"]["temp_tablespaces"] == 'pg_default, "odd name"'
    c.finish("rollback")
    finish(clean, c, home, before, "rolled_back")


OBJECTS = {"items": [
    {"kind": "index_create", "database": "bench", "schema": "public", "table": "pgbench_accounts",
     "name": "fault_bid_idx", "definition": "USING btree (bid)"},
    {"kind": "table_option", "database": "bench", "schema": "public", "table": "pgbench_accounts",
     "name": "autovacuum_vacuum_scale_factor", "value": "0.05"},
    {"kind": "statistics_create", "database": "bench", "schema": "public",
     "table": "pgbench_accounts", "name": "fault_stat", "definition": "(ndistinct) ON aid, bid"},
    {"kind": "database_setting", "database": "bench", "name": "work_mem", "value": "32MB"},
    {"kind": "role_setting", "role": "postgres", "name": "statement_timeout", "value": "1h"},
    {"kind": "index_reindex", "database": "bench", "schema": "public",
     "name": "pgbench_branches_pkey"}]}


def objects(lab):
    return lab.sql("SELECT reloptions::text, (SELECT count(*) FROM pg_statistic_ext), "
                   "(SELECT string_agg(setconfig::text, ',') FROM pg_db_role_setting) "
                   "FROM pg_class WHERE relname = 'pgbench_accounts'")


def test_objects_of_every_kind_and_back(lab, console, home, major):
    one = lab(major=major, fast=True)
    before, objs = fl.node_state(one), objects(one)
    c = console(lab=one, plan=OBJECTS)
    assert c.go_to("confirm"), c.text
    assert fl.node_state(one)["indexes"]["fault_bid_idx"] is True
    assert objects(one) != objs
    c.finish("rollback")
    finish(one, c, home, before, "rolled_back")
    assert objects(one) == objs


def test_dropped_index_comes_back(clean, console, home):
    clean.sql("CREATE INDEX fault_drop_idx ON pgbench_accounts (abalance) WHERE abalance > 0")
    try:
        before = fl.node_state(clean)
        c = console(plan={"items": [{"kind": "index_drop", "database": "bench",
                                     "schema": "public", "name": "fault_drop_idx"}]})
        assert c.go_to("confirm"), c.text
        assert "fault_drop_idx" not in fl.node_state(clean)["indexes"]
        c.finish("rollback")
        finish(clean, c, home, before, "rolled_back")
    finally:
        clean.sql("DROP INDEX IF EXISTS fault_drop_idx")


def test_killed_in_the_middle_of_an_index_build(clean, console, home):
    before = fl.node_state(clean)
    blocker = clean.connect(autocommit=False)
    blocker.cursor().execute("UPDATE pgbench_accounts SET abalance = 1 WHERE aid = 1")
    c = console(plan={"items": [OBJECTS["items"][0]]}, deadline=600)
    try:
        assert c.go_to("apply 1 of 1")
        c.answer("y")
        assert fl.wait_until(lambda: "fault_bid_idx" in fl.node_state(clean)["indexes"], 10)
        os.kill(c.pid, signal.SIGKILL)
        time.sleep(0.5)
    finally:
        blocker.rollback()
        blocker.close()
    finish(clean, c, home, before, "rolled_back")


def test_a_pooler_is_refused(lab, console, home):
    one = lab(major=17, pgbouncer=True, fast=True)
    port = one.env["PGT_PGBOUNCER_PORT"]
    c = fl.Console(one, home, port=port)
    try:
        c.finish()
        assert "pooler" in c.text or "database postgres" in c.text, c.text
        assert not fl.changes(home, one) or fl.changes(home, one)[0]["outcome"] == "nothing"
    finally:
        c.end()


def exported(one, home, user):
    """The plan comes out as a script, with its way back; nothing is written."""
    before = fl.node_state(one)
    path = f"{home}/export.json"
    with open(path, "w") as f:
        json.dump(plan(work_mem="24MB"), f)
    target = ["-h", one.host, "-p", str(one.port), "-U", user, "-d", "bench"]
    r = fl.pg2une(home, one, "config", "apply", "--file", path, "--dry-run", "--format", "json",
                  *target)
    doc = json.loads(r.stdout)["data"]
    assert doc["dry_run_result"]["export_only"] and doc["dry_run_result"]["refused"]
    assert "ALTER SYSTEM SET work_mem = '24MB';" in doc["script"]
    assert "-- ALTER SYSTEM RESET work_mem;" in doc["script"]
    r = fl.pg2une(home, one, "config", "apply", "--file", path, *target)
    assert r.returncode != 0 and "ALTER SYSTEM SET work_mem = '24MB';" in r.stdout + r.stderr
    assert fl.node_state(one) == before
    return doc["dry_run_result"]["checks"]


def test_allow_alter_system_off_exports_the_plan(lab, home):
    one = lab(major=17, fast=True, set="allow_alter_system=off")
    assert any("allow_alter_system is off" in c["text"] for c in exported(one, home, "postgres"))


def test_managed_service_exports_the_plan(clean, home):
    clean.sql("CREATE ROLE rds_superuser")
    try:
        clean.sql("CREATE ROLE fault_master LOGIN IN ROLE rds_superuser, pg_read_all_settings")
        for q in ("GRANT SELECT ON pg_file_settings TO fault_master",
                  "GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO fault_master"):
            clean.sql(q, dbname="postgres")
        found = exported(clean, home, "fault_master")
        assert any("a managed service (role rds_superuser)" in c["text"] for c in found)
    finally:
        clean.sql("DROP OWNED BY fault_master", dbname="postgres")
        clean.sql("DROP ROLE IF EXISTS fault_master")
        clean.sql("DROP ROLE rds_superuser")


@pytest.mark.parametrize("flags, ruled", [
    ([], None),                                 # the server is here: its memory is looked up
    (["--ram", "1GB"], "more than 60 %"),       # what the operator says wins
])
def test_shared_buffers_by_the_hosts_memory(clean, home, flags, ruled):
    """Beyond four times the present value only where the memory is not known."""
    with open("/proc/meminfo") as f:
        total = int(f.readline().split()[1]) // 1024
    present = int(clean.value("SELECT setting::int / 128 FROM pg_settings "
                              "WHERE name = 'shared_buffers'"))
    wanted = 5 * present if not ruled else 700
    assert wanted < 0.6 * total
    path = f"{home}/buffers.json"
    with open(path, "w") as f:
        json.dump(plan(shared_buffers=f"{wanted}MB"), f)
    r = fl.pg2une(home, clean, "config", "apply", "--file", path, "--dry-run", "--format",
                  "json", "-h", clean.host, "-p", str(clean.port), "-U", "postgres", "-d",
                  "bench", *flags)
    checks = [c["text"] for c in json.loads(r.stdout)["data"]["dry_run_result"]["checks"]]
    assert any("needs a restart" in c for c in checks)
    assert [ruled in c for c in checks if "host's" in c] == ([True] if ruled else []), checks


@pytest.mark.parametrize("extra", [[], ["--apply", "--dry-run"]])
def test_tune_without_apply_writes_nothing(clean, home, extra):
    before = fl.node_state(clean)
    r = fl.pg2une(home, clean, "config", "tune", "--workload", "oltp", "--ram", "8GB", "--cpus",
                  "4", "--storage", "ssd", "--format", "json", "-h", clean.host, "-p",
                  str(clean.port), "-U", "postgres", "-d", "bench", *extra)
    assert r.returncode == 0, r.stderr
    doc = json.loads(r.stdout)["data"]
    assert doc["items"] and all("ALTER SYSTEM SET" in i["sql"] and i["inverse"]
                                for i in doc["items"])
    assert "shared_buffers" in [x["parameter"] for x in doc["needs_restart"]]
    assert fl.node_state(clean) == before and not fl.changes(home, clean)


def test_tune_applies_and_goes_back(clean, home):
    before = fl.node_state(clean)
    target = ["-h", clean.host, "-p", str(clean.port), "-U", "postgres", "-d", "bench"]
    r = fl.pg2une(home, clean, "config", "tune", "--workload", "oltp", "--ram", "8GB", "--cpus",
                  "4", "--storage", "ssd", "--apply", "--confirm", "later", "--stabilise", "0s",
                  "--window", "1s", *target)
    assert r.returncode == 0, r.stderr
    (row,) = fl.changes(home, clean)
    assert fl.node_state(clean)["lines"] != before["lines"]
    r = fl.pg2une(home, clean, "config", "rollback", "--changeset-id", row["id"])
    assert r.returncode == 0, r.stderr
    assert fl.node_state(clean)["lines"] == before["lines"]


def test_two_consoles_race(clean, tmp_path):
    for i in range(50):
        held, locks, texts = races.one(clean, str(tmp_path), 1 + i % 2)
        assert sum(held) <= 1 and locks <= 1, texts


@pytest.mark.parametrize("call, k, kind", [
    ("fdatasync", 3, "EIO"), ("fdatasync", 7, "EIO"), ("fdatasync", 8, "KILL"),
    ("write", 20, "ENOSPC"), ("write", 30, "ENOSPC"), ("sendto", 40, "KILL"),
    ("sendto", 60, "KILL"), ("sendto", 60, "EIO"), ("fallocate", 1, "ENOSPC")])
def test_system_call_fails(clean, home, call, k, kind):
    before = fl.node_state(clean)
    r = sweep.Run(clean, str(home), sweep.fault(call, k, kind))
    try:
        r.wait()
        fl.judge(clean, r, home, before, 60)
        assert sweep.struck(r.trace), "nothing was injected"
    finally:
        r.end()


ROLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "sql", "roles")


def psql(lab, file, dbname, **variables):
    argv = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", lab.host, "-p", str(lab.port), "-U",
            "postgres", "-d", dbname, "-f", os.path.join(ROLES, file)]
    for k, v in variables.items():
        argv += ["-v", f"{k}={v}"]
    r = subprocess.run(argv, capture_output=True, text=True, timeout=30)
    assert r.returncode == 0, r.stderr


def test_roles_are_the_least_that_works(lab, console, home, major):
    one = lab(major=major, fast=True)
    psql(one, "apply.sql", "postgres", role="pg2une_apply", settings="work_mem, random_page_cost")
    psql(one, "apply.sql", "postgres", role="pg2une_apply", settings="work_mem, random_page_cost")
    psql(one, "monitor.sql", "bench", role="pg2une_monitor")
    psql(one, "signal.sql", "bench", role="pg2une_monitor")
    assert one.value("SELECT pg_has_role('pg2une_monitor', 'pg_monitor', 'USAGE') AND "
                     "pg_has_role('pg2une_monitor', 'pg_signal_backend', 'USAGE')")
    before = fl.node_state(one)
    c = console(lab=one, user="pg2une_apply")
    if major < 15:
        c.finish()
        assert "before 15 nothing less" in c.text or "may not ALTER SYSTEM" in c.text
        return
    c.finish("confirm")
    finish(one, c, home, before, "confirmed")
    r = fl.pg2une(home, one, "change", "rollback", fl.changes(home, one)[0]["id"])
    assert r.returncode == 0, r.stderr
    d = start(one, home, plan=plan(max_wal_size="2GB"), user="pg2une_apply")
    try:
        d.finish()
        assert "may not ALTER SYSTEM SET max_wal_size" in d.text
    finally:
        d.end()


def test_every_record_is_durable_before_the_act(clean, home):
    """Each write to the journal is followed by its fdatasync before anything else is sent
    to the server, and each ALTER SYSTEM and reload has its INTENT before it."""
    before = fl.node_state(clean)
    r = sweep.Run(clean, str(home), ["-y", "-s", "400", "-e",
                                      "trace=sendto,write,fdatasync,fsync,openat"])
    try:
        r.wait()
        assert fl.judge(clean, r, home, before, 60) == "confirmed"
        with open(r.trace) as f:
            lines = f.read().splitlines()
    finally:
        r.end()
    console = lines[0].split()[0]
    pending, intents, acts, fenced, named = False, 0, 0, False, False
    for line in lines:
        pid, call = line.split(None, 1)
        if pid != console:
            continue
        journal = ".jnl>" in call.split(",")[0]
        if call.startswith("write(") and journal:
            assert not pending, f"two records without fdatasync: {call[:80]}"
            pending = True
            intents += "PGJR" in call and '{\\"i\\":' in call and "prev" not in call
        elif call.startswith("fdatasync(") and journal:
            pending = False
        elif call.startswith("fsync("):
            named = named or "/clusters/" in call
        elif call.startswith("sendto("):
            fenced = fenced or "pg_control_system" in call
            assert not pending, f"sent before the record was durable: {call[:120]}"
            if "ALTER SYSTEM SET" in call or "pg_reload_conf()" in call and "has_function" not in call:
                acts += 1
                assert intents >= acts, "an act without its intent"
                assert fenced, "a write to a node that was not asked who it is"
                assert named, "the journal's name is not durable"
                fenced = False
    assert acts == 3 and intents >= 6, (acts, intents)
