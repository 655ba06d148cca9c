"""Connections on real servers, through a small driver over the pg layer."""
import queue
import socket
import subprocess
import threading
import time

import pytest

from harness import ROOT, clean_env


@pytest.fixture(scope="session")
def driver_path(tmp_path_factory):
    subprocess.run(["make", "-s", "build/libpg.a", "build/libbase.a"], cwd=ROOT, check=True)
    out = tmp_path_factory.mktemp("driver") / "conn_driver"
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libpq", "libcjson",
                            "libpcre2-8", "libcrypto"],
                           check=True, capture_output=True, text=True).stdout.split()
    subprocess.run(["gcc", "-std=gnu17", "-g", "-D_GNU_SOURCE", "-Iinclude",
                    "tests/pg/conn_driver.c", "build/libpg.a", "build/libbase.a", *flags,
                    "-lm", "-pthread", "-o", out], cwd=ROOT, check=True)
    return out


class Driver:
    def __init__(self, path, env=None):
        self.p = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, env=clean_env(env))
        self.answers = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.p.stdout:
            self.answers.put(line.rstrip("\n").split("\t"))

    def put(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()

    def get(self, seconds=20):
        return self.answers.get(timeout=seconds)

    def ask(self, line):
        self.put(line)
        return self.get()

    def lines(self, line):
        self.put(line)
        out = []
        while True:
            out.append(self.get())
            if out[-1][0] == "end":
                return out


@pytest.fixture
def driver(driver_path):
    made = []

    def start(env=None):
        made.append(Driver(driver_path, env))
        return made[-1]
    yield start
    for d in made:
        d.p.stdin.close()
        d.p.wait(10)
        assert d.p.stderr.read() == ""


SETTINGS = ("select current_setting('application_name'), current_setting('search_path'),"
            " current_setting('statement_timeout'), current_setting('lock_timeout'),"
            " current_setting('idle_in_transaction_session_timeout'),"
            " current_setting('client_encoding'), current_setting('DateStyle'),"
            " current_setting('default_transaction_read_only')")


def test_session_is_ours_on_every_major(lab, driver, major):
    one = lab(major=major, fast=True)
    d = driver()
    ready = d.ask("monitor " + one.dsn() + " application_name=users_own")
    assert ready[0] == "ready" and int(ready[1]) // 10000 == major
    assert d.ask("run " + SETTINGS)[11:] == [
        "pg2une/monitor", "", "2s", "100ms", "5s", "UTF8", "ISO, MDY", "off"]
    d.ask("readonly " + one.dsn() + " options='-c statement_timeout=1s -c geqo=off'")
    row = d.ask("run " + SETTINGS)[11:]
    assert row[0] == "pg2une/query" and row[2] == "30s" and row[7] == "on"
    assert d.ask("run show geqo")[-1] == "off"      # the user's other options stay
    assert d.ask("run create table nope(a int)")[:3] == ["error", "sql", "25006"]


def test_options_from_environment(lab, driver):
    one = lab(fast=True)
    d = driver({"PGHOST": one.host, "PGPORT": one.port, "PGUSER": "monitor",
                "PGDATABASE": "bench", "PGAPPNAME": "mine", "PGOPTIONS": "-c geqo=off"})
    assert d.ask("monitor")[4] == "bench"
    assert d.ask("run show geqo")[-1] == "off"
    assert d.ask("run show application_name")[-1] == "pg2une/monitor"


def test_one_failure_does_not_void_the_batch(lab, driver):
    d = driver()
    d.ask("monitor " + lab(fast=True).dsn())
    got = d.lines("batch select 1 ;; select 1/0 ;; select 'three' ;; select nosuch ;; select 5")
    assert [g[0] for g in got] == ["rows", "error", "rows", "error", "rows", "end"]
    assert got[1][2] == "22012" and got[3][2] == "42703"
    assert got[2][-1] == "three" and got[5][1] == "2"


def test_large_batch_does_not_stall(lab, driver):
    """Sends and receives more than the socket buffers hold at the same time."""
    d = driver()
    d.ask("apply " + lab(fast=True).dsn())
    text = "x" * 20000
    got = d.lines("batch " + " ;; ".join(
        f"select repeat('{text}', 10), {i}" for i in range(100)))
    assert len(got) == 101 and got[-1] == ["end", "2"]
    assert [g[-1] for g in got[:-1]] == [str(i) for i in range(100)]


def test_notice_goes_nowhere(lab, driver):
    d = driver()
    d.ask("monitor " + lab(fast=True).dsn())
    assert d.ask("run drop table if exists pg_temp.nosuch")[0] == "rows"


def test_server_text_is_made_safe(lab, driver):
    d = driver()
    d.ask("monitor " + lab(fast=True).dsn())
    err = d.ask(r"run do $$ begin raise exception E'a\x1b[31mred\u202e\nline'; end $$")
    assert err[0] == "error" and "\x1b" not in err[3] and "\u202e" not in err[3]
    assert "red" in err[3] and "line" in err[3]


def test_timeouts(lab, driver):
    d = driver()
    d.ask("monitor " + lab(fast=True).dsn())
    assert d.ask("run select pg_sleep(9)")[2] == "57014"        # the server's, 2 s
    assert d.ask("run select 1")[0] == "rows"
    d.ask("timeout_ms 300")
    start = time.monotonic()
    assert d.ask("run select pg_sleep(1.5)")[1] == "timeout"    # ours
    assert time.monotonic() - start < 1
    assert d.ask("run select 1")[1] == "state"


def test_lock_timeout_never_queues_behind_others(lab, driver):
    one = lab(fast=True)
    holder = one.connect(autocommit=False)
    holder.cursor().execute("LOCK pgbench_tellers IN ACCESS EXCLUSIVE MODE")
    d = driver()
    d.ask("monitor " + one.dsn())
    start = time.monotonic()
    assert d.ask("run select count(*) from public.pgbench_tellers")[2] == "55P03"
    assert time.monotonic() - start < 1
    holder.close()


def test_cancel(lab, driver):
    d = driver()
    d.ask("apply " + lab(fast=True).dsn())
    start = time.monotonic()
    assert d.ask("cancel select pg_sleep(20)")[2] == "57014"
    assert time.monotonic() - start < 3


def test_terminated_while_running_and_while_idle(lab, driver):
    one = lab(fast=True)
    d = driver()
    pid = d.ask("apply " + one.dsn())[6]
    d.put("run select pg_sleep(20)")
    time.sleep(0.3)
    one.sql("select pg_terminate_backend(%s)", int(pid))
    err = d.get()
    assert err[:3] == ["error", "connection", "57P01"] and "administrator" in err[3]
    pid = d.ask("monitor " + one.dsn())[6]
    d.put("idle 10000")
    time.sleep(0.2)
    one.sql("select pg_terminate_backend(%s)", int(pid))
    err = d.get()
    assert err[0] == "error" and "administrator command" in err[3]


def test_refusals(lab, fresh_lab, driver):
    one = fresh_lab(major=16, fast=True, hba="host all secretive 127.0.0.1/32 scram-sha-256",
                    set=["max_connections=8", "superuser_reserved_connections=3"])
    one.sql("CREATE ROLE secretive LOGIN PASSWORD 'hunter3'")
    d = driver()

    def closed(conninfo):
        got = d.ask("monitor " + conninfo)
        assert got[0] == "closed", got
        assert "hunter3" not in got[4] and "LOCATION" not in got[4]
        return got[1:4]
    assert closed(one.dsn(user="nosuch")) == ["connection", "28000", "010"]
    assert closed(one.dsn(user="secretive")) == ["connection", "", "011"]
    assert closed(one.dsn(user="secretive") + " password=bad") == ["connection", "28P01", "010"]
    assert d.ask("monitor " + one.dsn(user="secretive") + " password=hunter3")[0] == "ready"
    assert closed(one.dsn(dbname="nosuch")) == ["connection", "3D000", "000"]
    assert closed("host=127.0.0.1 port=1") == ["connection", "", "000"]
    taken = []
    try:
        while len(taken) < 8:
            taken.append(one.connect(user="app"))
    except Exception:
        pass
    assert closed(one.dsn(user="app")) == ["connection", "53300", "100"]
    for c in taken:
        c.close()


def test_silent_server_meets_the_deadline(driver):
    """Accepts and says nothing, as a stopped postmaster does."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(8)
        d = driver()
        d.ask("timeout_ms 700")
        start = time.monotonic()
        got = d.ask(f"monitor host=127.0.0.1 port={s.getsockname()[1]} sslmode=disable")
        assert got[:2] == ["closed", "timeout"] and 0.5 < time.monotonic() - start < 2


def test_hostile_server(driver):
    """Garbage, an endless error and a hang-up: an error each, never a crash."""
    answers = [b"\x00" * 64, b"E\xff\xff\xff\xff", b"E\x00\x00\x00\x08XX\x00\x00", b"",
               b"R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05X" + b"\xff" * 99,
               b"E\x00\x00\x00\x22SFATAL\x00C53300\x00M\x1b]0;x\x07bad\x00\x00" + b"\x00" * 9]
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(8)

        def serve():
            for a in answers:
                c, _ = s.accept()
                c.recv(8192)
                c.sendall(a)
                c.close()
        t = threading.Thread(target=serve, daemon=True)
        t.start()
        d = driver()
        for _ in answers:
            got = d.ask(f"monitor host=127.0.0.1 port={s.getsockname()[1]} sslmode=disable "
                        "gssencmode=disable")
            assert got[0] == "closed" and "\x1b" not in "".join(got)


def test_several_hosts(lab, driver):
    one = lab(major=15, standby=True, fast=True)
    hosts = f"host={one.env['PGT_STANDBY_HOST']},{one.host} " \
            f"port={one.env['PGT_STANDBY_PORT']},{one.port} user=postgres dbname=bench"
    d = driver()
    assert d.ask("monitor " + hosts)[2] == one.env["PGT_STANDBY_HOST"]
    assert d.ask("monitor " + hosts + " target_session_attrs=read-write")[2] == one.host
    dead = f"host=127.0.0.1,{one.host} port=1,{one.port} user=postgres dbname=bench"
    assert d.ask("monitor " + dead)[3] == str(one.port)


def test_unix_socket(lab, driver):
    one = lab(major=15, fast=True)
    d = driver()
    got = d.ask(f"monitor host={one.env['PGT_SOCKDIR']} port={one.port} user=postgres "
                "dbname=bench")
    assert got[0] == "ready" and got[5] == "1"
    assert d.ask("identity")[5] == ""


def test_frozen_server(fresh_lab, driver):
    one = fresh_lab(fast=True)
    d = driver()
    d.ask("monitor " + one.dsn())
    d.ask("timeout_ms 800")
    one.cmd("freeze", "primary")
    try:
        start = time.monotonic()
        assert d.ask("run select 1")[1] == "timeout"
        assert time.monotonic() - start < 2
    finally:
        one.cmd("thaw", "primary")


def test_pgbouncer_traffic_and_console(lab, driver):
    one = lab(major=15, standby=True, pgbouncer=True, fast=True)
    d = driver()
    assert d.ask("monitor " + one.dsn("pgbouncer"))[0] == "ready"
    assert d.ask("run show statement_timeout")[-1] == "2s"
    console = one.env["PGT_PGBOUNCER_ADMIN"]
    assert d.ask("monitor " + console)[0] == "ready"
    assert d.ask("run SHOW POOLS")[1] == "unsupported"
    assert d.ask("simple SHOW POOLS")[0] == "rows"
    assert d.ask("simple SHOW NOSUCH")[0] == "error"
    assert d.ask("simple SHOW VERSION")[0] == "rows"


def identity(d):
    got = d.ask("identity")
    assert got[0] == "identity", got
    keys = "tier sysid fingerprint node addr port in_recovery timeline version datadir warning"
    return dict(zip(keys.split(), got[1:]))


def test_identity_on_every_major(lab, driver, major):
    one = lab(major=major, fast=True)
    d = driver()
    d.ask("monitor " + one.dsn())
    a = identity(d)
    want = one.value("select system_identifier from pg_control_system()")
    assert a["tier"] == "0" and a["sysid"] == str(want) and len(a["fingerprint"]) == 64
    assert a["datadir"] == one.env["PGT_DATADIR"] and a["timeline"] == "1"
    assert a["version"].split(".")[0] == str(major)
    d.ask("monitor " + one.dsn(user="nobody_role", dbname="postgres"))
    b = identity(d)
    assert b["fingerprint"] == a["fingerprint"] and b["datadir"] == ""


def test_a_standby_shares_the_cluster_not_the_node(lab, driver):
    one = lab(major=15, standby=True, fast=True)
    d = driver()
    d.ask("monitor " + one.dsn())
    a = identity(d)
    d.ask("monitor " + one.dsn("standby"))
    b = identity(d)
    assert a["fingerprint"] == b["fingerprint"] and a["node"] != b["node"]
    assert (a["in_recovery"], b["in_recovery"]) == ("0", "1")


def test_identity_tiers(fresh_lab, driver):
    one = fresh_lab(major=15, fast=True)
    for f in ("pg_control_system()", "pg_control_checkpoint()"):
        one.sql(f"REVOKE EXECUTE ON FUNCTION {f} FROM PUBLIC")
    d = driver()
    d.ask("monitor " + one.dsn(user="monitor"))
    a = identity(d)
    assert a["tier"] == "1" and a["sysid"] == "" and "permission denied" in a["warning"]
    # another name for the same server: the cluster stays the same
    d.ask(f"monitor host=localhost port={one.port} user=monitor dbname=bench")
    assert identity(d)["fingerprint"] in (a["fingerprint"], identity(d)["fingerprint"])
    d.ask(f"monitor host={one.env['PGT_SOCKDIR']} port={one.port} user=monitor dbname=bench")
    c = identity(d)
    assert c["tier"] == "2" and c["addr"] == "" and c["fingerprint"] != a["fingerprint"]


def caps(d):
    out = d.lines("caps")
    assert out[-1][0] == "end"
    return {c[1]: dict(zip("available version schema why fix".split(), c[2:])) for c in out[:-1]}


def test_capabilities_by_role(lab, driver, major):
    one = lab(major=major, fast=True)
    d = driver()
    d.ask("monitor " + one.dsn())
    root = caps(d)
    assert root["superuser"]["available"] == "1" and root["ALTER SYSTEM"]["available"] == "1"
    assert root["pg_stat_statements"]["available"] == "1"
    assert root["pg_stat_wal"]["available"] == str(int(major >= 14))
    assert root["pg_stat_io"]["available"] == str(int(major >= 16))
    assert root["pg_stat_statements"]["version"].startswith("1.")
    d.ask("monitor " + one.dsn(user="monitor"))
    mon = caps(d)
    assert mon["pg_stat_statements of others"]["available"] == "1"
    assert mon["ALTER SYSTEM"]["available"] == "0" and mon["superuser"]["available"] == "0"
    d.ask("monitor " + one.dsn(user="nobody_role"))
    none = caps(d)
    for name in ("pg_read_all_stats", "pg_stat_statements of others", "pg_signal_backend"):
        assert none[name]["available"] == "0"
        assert "nobody_role" in none[name]["fix"], none[name]
    if major >= 15:
        d.ask("monitor " + one.dsn(user="tuner"))
        tuner = caps(d)
        assert tuner["ALTER SYSTEM"]["available"] == "1" and tuner["superuser"]["available"] == "0"


def test_extension_without_its_preload_does_not_count(fresh_lab, driver):
    one = fresh_lab(major=15, no_pgss=True, fast=True)
    one.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    assert one.value("select count(*) from pg_extension where extname = 'pg_stat_statements'")
    d = driver()
    d.ask("monitor " + one.dsn())
    c = caps(d)["pg_stat_statements"]
    assert c["available"] == "0" and "shared_preload_libraries" in c["why"] + c["fix"]


def test_extension_in_another_schema(fresh_lab, driver):
    one = fresh_lab(major=15, fast=True)
    one.sql('DROP EXTENSION pg_stat_statements')
    one.sql('CREATE SCHEMA "My ""S"')
    one.sql('CREATE EXTENSION pg_stat_statements SCHEMA "My ""S"')
    d = driver()
    d.ask("monitor " + one.dsn())
    c = caps(d)["pg_stat_statements"]
    assert c["available"] == "1" and c["schema"] == '"My ""S"'
