"""The lab itself: what it says is up is up, and what it ends is only its own."""
import json
import os
import signal
import subprocess
import time

import psycopg2
import pytest

from harness import ROOT, labs
from harness.tmux import Tmux


def procs(lab):
    with open(f"{lab.env['PGT_LAB_DIR']}/state.json") as f:
        return json.load(f)["procs"]


def runs(pid):
    """True for a live process; a zombie waits for its parent and does not count."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def until(test, seconds=10):
    end = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)


def test_each_major_comes_up_and_goes(fresh_lab, major):
    lab = fresh_lab(major=major, fast=True)
    assert lab.value("SELECT current_setting('server_version_num')::int / 10000") == major
    assert lab.value("SELECT count(*) FROM pgbench_accounts") == 100000
    assert lab.value("SELECT count(*) FROM pg_stat_statements") > 0
    assert lab.value("SELECT pg_has_role('monitor', 'pg_monitor', 'member')")
    for role in ("monitor", "tuner", "nobody_role", "app"):
        assert lab.value("SELECT current_user", user=role) == role
        assert not lab.value("SELECT rolsuper FROM pg_roles WHERE rolname = %s", role)
    pids = [p["pid"] for p in procs(lab).values()] + \
        [r[0] for r in lab.sql("SELECT pid FROM pg_stat_activity WHERE pid IS NOT NULL")]
    assert len(pids) > 4 and any(map(runs, pids))
    lab.down()
    assert not [p for p in pids if runs(p)]
    assert not os.path.exists(lab.env["PGT_LAB_DIR"])
    with pytest.raises(psycopg2.OperationalError):
        lab.connect()


@pytest.mark.skipif(min(labs.majors()) > 17 or max(labs.majors()) < 15, reason="majors")
def test_tuner_may_alter_system_and_no_more(fresh_lab):
    lab = fresh_lab(major=17, fast=True)
    lab.sql("ALTER SYSTEM SET work_mem = '9MB'", user="tuner")
    assert lab.value("SELECT pg_reload_conf()", user="tuner")
    until(lambda: lab.value("SHOW work_mem") == "9MB")
    assert lab.sql("SELECT setting FROM pg_file_settings WHERE name = 'work_mem' "
                   "AND sourcefile LIKE '%%auto.conf'", user="tuner") == [("9MB",)]
    for name in ("shared_preload_libraries", "archive_command", "data_directory"):
        with pytest.raises(psycopg2.Error) as e:
            lab.sql(f"ALTER SYSTEM SET {name} = 'x'", user="tuner")
        assert e.value.pgcode in ("42501", "55P02")


def test_standby_streams(lab, major):
    one = lab(major=major, standby=True, fast=True)
    assert one.value("SELECT pg_is_in_recovery()", role="standby")
    assert not one.value("SELECT pg_is_in_recovery()")
    assert one.env["PGPORT"] == one.env["PGT_STANDBY_PORT"]
    mark = str(time.time())
    one.sql("COMMENT ON TABLE pgbench_history IS %s", mark)
    until(lambda: one.value("SELECT obj_description('pgbench_history'::regclass)",
                            role="standby") == mark)
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        one.sql("CREATE TABLE t ()", role="standby")


def test_promote(fresh_lab):
    lab = fresh_lab(standby=True, fast=True)
    lab.cmd("promote")
    assert not lab.value("SELECT pg_is_in_recovery()", role="standby")
    lab.sql("CREATE TABLE t ()", role="standby")


def reads(lab, role):
    return int(lab.value("SELECT coalesce(sum(calls), 0) FROM pg_stat_statements "
                         "WHERE query LIKE 'SELECT abalance%%'", role=role))


def test_pgbouncer_routes_reads(fresh_lab):
    lab = fresh_lab(standby=True, pgbouncer=True, load=True, load_mode="ro", fast=True,
                    load_via="pgbouncer_ro", load_clients=20, load_rate=4000)
    assert lab.value("SELECT inet_server_addr()", role="pgbouncer") == "127.0.0.1"
    assert reads(lab, "standby") == 0
    begin = reads(lab, "primary")
    until(lambda: reads(lab, "primary") > begin + 100)
    lab.cmd("route", 50)
    until(lambda: reads(lab, "standby") > 0)
    before = reads(lab, "primary"), reads(lab, "standby")
    until(lambda: reads(lab, "standby") - before[1] > 3000, 30)
    share = (reads(lab, "standby") - before[1]) / sum(
        reads(lab, r) - b for r, b in zip(("primary", "standby"), before))
    assert 0.35 < share < 0.65
    # Writes stay on the primary, whatever the routes say.
    assert lab.value("SELECT pg_is_in_recovery()", role="pgbouncer") is False
    lab.cmd("route", 0)

    def quiet():
        was = reads(lab, "standby")
        end = time.monotonic() + 0.5
        until(lambda: time.monotonic() > end)
        return reads(lab, "standby") == was
    until(quiet)
    assert os.access(lab.env["PGT_ROUTES_FILE"], os.W_OK)


def test_haproxy_runtime_socket(lab):
    import socket
    one = lab(standby=True, haproxy=True, fast=True)
    assert one.value("SELECT pg_is_in_recovery()", role="haproxy") is False

    def ask(line):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(one.env["PGT_HAPROXY_SOCKET"])
            s.sendall(line.encode() + b"\n")
            return s.makefile().read()
    assert ask("get weight nodes/canary").startswith("0 ")
    assert ask("set weight nodes/canary 100").strip() == ""
    assert ask("set weight nodes/primary 0").strip() == ""
    assert one.value("SELECT pg_is_in_recovery()", role="haproxy") is True
    ask("set weight nodes/primary 100")
    ask("set weight nodes/canary 0")


def test_load_is_counted_and_limited(fresh_lab):
    lab = fresh_lab(load=True, load_rate=100, load_log=True, load_time=4, fast=True)
    pid = procs(lab)["load"]["pid"]
    until(lambda: not runs(pid), 30)
    paths = lab.cmd("pgbench-log").split()
    done = sum(len(open(p).readlines()) for p in paths)
    assert 250 < done < 550             # 4 s at 100 a second, as Poisson has it
    assert lab.value("SELECT count(*) FROM pgbench_history") == done
    text = open(f"{lab.env['PGT_LAB_DIR']}/log/load.log").read()
    assert f"number of transactions actually processed: {done}" in text


def test_kept_load_survives_a_crash(fresh_lab):
    lab = fresh_lab(load=True, load_keep=True, fast=True)

    def done():
        return lab.value("SELECT count(*) FROM pgbench_history")
    lab.cmd("kill", "primary")
    with pytest.raises(psycopg2.OperationalError):
        lab.connect()
    lab.cmd("start", "primary")
    before = done()
    until(lambda: done() > before, 20)
    lab.cmd("load", "stop")
    before = done()
    assert lab.value("SELECT count(*) FROM pg_stat_activity "
                     "WHERE application_name LIKE 'pgbench%%'") == 0
    assert done() == before


def test_blocker_idle_and_statements(fresh_lab):
    lab = fresh_lab(blocker=True, idle=300, statements=5000, fast=True)
    chain = dict(lab.sql(
        "SELECT application_name, ARRAY(SELECT b.application_name FROM pg_stat_activity b "
        "WHERE b.pid = ANY(pg_blocking_pids(a.pid))) FROM pg_stat_activity a "
        "WHERE application_name LIKE 'lab-waiter%%'"))
    assert chain == {"lab-waiter-1": ["lab-blocker"], "lab-waiter-2": ["lab-waiter-1"],
                     "lab-waiter-3": ["lab-waiter-1"]} or \
        chain["lab-waiter-1"] == ["lab-blocker"] and len(chain) == 3
    assert lab.value("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle' "
                     "AND application_name LIKE 'lab-idle%%'") == 300
    assert lab.value("SELECT count(DISTINCT queryid) FROM pg_stat_statements "
                     "WHERE query LIKE '%%lab_wide%%'") >= 5000
    lab.cmd("block", "stop")
    assert lab.value("SELECT count(*) FROM pg_locks WHERE NOT granted") == 0


def test_freeze_hangs_and_thaw_heals(fresh_lab):
    lab = fresh_lab(fast=True)
    conn = lab.connect()
    try:
        cur = conn.cursor()
        cur.execute("SELECT pg_backend_pid()")
        pid = cur.fetchone()[0]
        lab.cmd("freeze", "primary")
        with open(f"/proc/{pid}/stat") as f:
            assert f.read().rpartition(")")[2].split()[0] == "T"
        lab.cmd("thaw", "primary")
        cur.execute("SELECT 1")
        assert cur.fetchone() == (1,)
    finally:
        conn.close()


RECIPES = sorted(n[:-4] for n in os.listdir(f"{ROOT}/tests/lab/regress"))


@pytest.mark.parametrize("recipe", RECIPES)
def test_regressions_come_and_go(fresh_lab, recipe):
    lab = fresh_lab(fast=True)

    def facts():
        return (lab.sql("SELECT name, setting FROM pg_settings "
                        "WHERE sourcefile LIKE '%%auto.conf' ORDER BY name"),
                lab.value("SELECT count(*) FROM pg_index i "
                          "WHERE indrelid = 'pgbench_accounts'::regclass"))
    healthy = facts()
    assert healthy == ([], 1)
    lab.cmd("regress", "start", recipe)
    until(lambda: facts() != healthy)
    if recipe in ("no_index_scans", "drop_pkey"):
        plan = "".join(r[0] for r in lab.sql(
            "EXPLAIN SELECT * FROM pgbench_accounts WHERE aid = 7"))
        assert "Seq Scan" in plan
    lab.cmd("regress", "stop", recipe)
    until(lambda: facts() == healthy)


def test_two_labs_side_by_side(fresh_lab):
    a, b = fresh_lab(fast=True), fresh_lab(fast=True)
    assert a.port != b.port
    ids = [x.value("SELECT system_identifier FROM pg_control_system()") for x in (a, b)]
    assert ids[0] != ids[1]
    a.sql("CREATE TABLE only_in_a ()")
    assert b.value("SELECT to_regclass('only_in_a')") is None
    a.down()
    assert b.value("SELECT 1") == 1


def test_only_recorded_processes_are_ended(fresh_lab):
    """A stranger that took over a recorded pid is left alone, whatever its program."""
    lab = fresh_lab(fast=True)
    stranger = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE)
    try:
        path = f"{lab.env['PGT_LAB_DIR']}/state.json"
        with open(path) as f:
            d = json.load(f)
        with open(f"/proc/{stranger.pid}/stat") as f:
            start = int(f.read().rpartition(")")[2].split()[19])
        d["procs"]["load"] = {"pid": stranger.pid, "start": start - 1}
        with open(path, "w") as f:
            json.dump(d, f)
        lab.down()
        assert stranger.poll() is None
        assert lab.name not in labs.tool("list")
    finally:
        stranger.kill()
        stranger.wait()


def test_ssl_and_password(fresh_lab):
    lab = fresh_lab(ssl=True, fast=True,
                    hba=["hostssl all monitor 127.0.0.0/8 scram-sha-256"])
    lab.sql("ALTER ROLE monitor PASSWORD 'lab-pw'")
    dsn = lab.dsn(user="monitor") + " sslmode=verify-full sslrootcert=" + \
        lab.env["PGT_SSLROOTCERT"]
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(dsn)
    conn = psycopg2.connect(dsn, password="lab-pw")
    assert conn.info.ssl_in_use
    conn.close()


def test_failed_up_leaves_nothing(fresh_lab):
    with pytest.raises(RuntimeError, match="shared_buffers"):
        fresh_lab(fast=True, set=["shared_buffers=banana"])
    assert f"t{os.getpid()}-{labs.Lab._count} " not in labs.tool("list")


@pytest.mark.parametrize("begun", [[], ["primary"], ["primary", "standby", "pgbouncer"]])
def test_interrupted_up_leaves_nothing(begun):
    """Whenever it comes, and though a second signal follows."""
    name = f"cut{os.getpid()}"
    up = subprocess.Popen([labs.TOOL, "up", name, "--fast", "--standby", "--pgbouncer",
                           "--blocker", "--load", "--statements=20000"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    folder = os.environ.get("PG2UNE_LAB_DIR") or f"/tmp/pg2une-lab-{os.getuid()}"

    def there():
        try:
            with open(f"{folder}/{name}/state.json") as f:
                return set(begun) <= set(json.load(f)["procs"])
        except FileNotFoundError:
            return False
    until(there, 60)
    up.send_signal(signal.SIGINT)
    up.send_signal(signal.SIGTERM)
    assert "interrupted" in up.communicate()[1]
    assert up.returncode == 130
    assert name not in labs.tool("list")
    mine = f"/{name}/".encode()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                assert mine not in f.read()
        except (FileNotFoundError, ProcessLookupError):
            pass


def test_reap_takes_down_orphans_only(fresh_lab):
    mine = fresh_lab(fast=True)
    owner = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE)
    name = f"orphan{os.getpid()}"
    try:
        labs.tool("up", name, "--fast", "--owner", owner.pid)
        labs.tool("reap")
        assert name in labs.tool("list")
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        labs.tool("reap")
        assert name not in labs.tool("list")
        assert mine.value("SELECT 1") == 1
    finally:
        owner.kill()
        owner.wait()
        labs.tool("down", name, check=False)


@pytest.mark.skipif(15 not in labs.majors(), reason="majors")
def test_patroni(fresh_lab):
    from urllib.request import urlopen
    lab = fresh_lab(patroni=True, fast=True)
    with urlopen(f"{lab.env['PGT_PATRONI_URL']}/cluster", timeout=10) as r:
        members = {m["name"]: m["role"] for m in json.load(r)["members"]}
    assert members == {"primary": "leader", "standby": "replica"}
    assert lab.value("SELECT count(*) FROM pgbench_accounts", role="standby") == 100000
    pids = [p["pid"] for p in procs(lab).values()]
    for data in (lab.env["PGT_DATADIR"], lab.env["PGT_STANDBY_DATADIR"]):
        with open(f"{data}/postmaster.pid") as f:
            pids.append(int(f.readline()))
    assert all(map(runs, pids))
    lab.down()
    assert not [p for p in pids if runs(p)]


def test_terminal_harness():
    """The terminal the console is tested in: keys, size, exit status."""
    with Tmux(["/bin/sh", "-c", "stty size; read x; echo got=$x; stty size; exit 3"],
              cols=60, rows=10) as t:
        t.wait_for("10 60")
        t.resize(50, 12)
        t.type("Enter")
        t.keys("Enter")
        t.wait_for("got=Enter\n12 50")
        assert t.wait_exit() == 3
    with Tmux(["/bin/sh", "-c", "kill -SEGV $$"]) as t:
        assert t.wait_exit() == -signal.SIGSEGV
