#!/usr/bin/python3
"""pg2une beside pg_activity and pg_top: the same server, load, terminal and time.

    peers.py [SECONDS]      a table, also written into docs/benchmarks.md

The server holds 5,000 statements in pg_stat_statements, 1,000 idle connections and a
pgbench load.  Each tool runs in its own pty as its own role, so that what it costs the
server can be told apart.
"""
import fcntl
import os
import pty
import re
import select
import statistics
import struct
import subprocess
import sys
import termios
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAB = os.path.join(TOP, "tests/lab/lab")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import report  # noqa: E402

COLS, ROWS = 120, 40
WARM_S = 40
HZ = os.sysconf("SC_CLK_TCK")


def lab(*args):
    return subprocess.run([LAB, *args], check=True, stdout=subprocess.PIPE,
                          text=True).stdout


def lab_env(name):
    env = dict(os.environ)
    for line in lab("env", name).splitlines():
        m = re.match(r"export (\w+)=(.*)$", line)
        if m:
            env[m.group(1)] = m.group(2).strip("'\"")
    return env


def sql(env, text):
    out = subprocess.run(["psql", "-XAtqc", text], env={**env, "PGUSER": "postgres"},
                         check=True, stdout=subprocess.PIPE, text=True)
    return out.stdout.strip()


def cpu_s(pid):
    with open(f"/proc/{pid}/stat") as f:
        v = f.read().rsplit(")", 1)[1].split()
    return (int(v[11]) + int(v[12])) / HZ


def rss_mb(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) / 1024


def private_mb(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return int(re.search(r"Private_Dirty:\s+(\d+)", f.read()).group(1)) / 1024


def strip(data):
    return re.sub(rb"\x1b(\[[0-9;?]*[A-Za-z]|[()].|[=>])", b"", data)


class Run:
    """One tool in a pty: when it drew first, its bytes, CPU and memory."""

    def __init__(self, argv, env, rows_mark):
        self.fd, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLS, 0, 0))
        self.t0 = time.monotonic()
        self.p = subprocess.Popen(
            argv, stdin=side, stdout=side, stderr=side, start_new_session=True,
            env={**env, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.pid = self.p.pid
        os.close(side)
        self.first = self.rows = None
        self.bytes, self.seen, self.mark = 0, b"", rows_mark

    def watch(self, until):
        while time.monotonic() < until:
            r, _, _ = select.select([self.fd], [], [], max(0, until - time.monotonic()))
            if not r:
                return
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                raise SystemExit(f"the tool ended: {self.seen[-400:]!r}")
            now = time.monotonic() - self.t0
            self.bytes += len(data)
            self.seen = (self.seen + data)[-65536:]
            # the first frame: something to read, not only the terminal being set up
            if self.first is None and re.search(rb"[A-Za-z ]{6}", strip(self.seen)):
                self.first = now
            if self.rows is None and self.mark.search(strip(self.seen)):
                self.rows = now

    def end(self):
        self.p.terminate()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            r, _, _ = select.select([self.fd], [], [], 0.1)
            try:
                if r and not os.read(self.fd, 65536):
                    break
            except OSError:
                break
        self.p.kill()
        self.p.wait()
        os.close(self.fd)


def statements(env, role):
    return float(sql(env, f"select coalesce(sum(calls), 0) from pg_stat_statements s "
                          f"join pg_roles r on r.oid = s.userid where r.rolname = '{role}'"))


def backends(env, role):
    """CPU seconds of the role's server processes, by the kernel."""
    return sum(cpu_s(pid) for pid in sql(
        env, f"select pid from pg_stat_activity where usename = '{role}'").split())


def first_times(argv, mark, env, times=3):
    """Medians over several starts: one alone meets the scheduler's mood."""
    first, rows = [], []
    for _ in range(times):
        run = Run(argv, env, mark)
        while not run.rows and time.monotonic() < run.t0 + 5:
            run.watch(time.monotonic() + 0.2)
        first.append(run.first or float("nan"))
        rows.append(run.rows or float("nan"))
        run.end()
    return 1000 * statistics.median(first), 1000 * statistics.median(rows)


def measure(name, argv, mark, env, seconds):
    role = f"bench_{name}"
    sql(env, f"drop role if exists {role}")
    sql(env, f"create role {role} login in role pg_monitor")
    env = {**env, "PGUSER": role}
    first, rows = first_times(argv, mark, env)
    run = Run(argv, env, mark)
    # past the first readings, and past the advisor's first look at what is built
    run.watch(run.t0 + WARM_S)
    warm = cpu_s(run.pid), run.bytes, backends(env, role), statements(env, role)
    t = time.monotonic()
    run.watch(t + seconds)
    span = time.monotonic() - t
    out = {
        "tool": name,
        "cpu_pct": 100 * (cpu_s(run.pid) - warm[0]) / span,
        "rss_mb": rss_mb(run.pid),
        "private_mb": private_mb(run.pid),
        "tty_Bps": (run.bytes - warm[1]) / span,
        "server_ms_s": 1000 * (backends(env, role) - warm[2]) / span,
        "statements_s": (statements(env, role) - warm[3]) / span,
        "first_ms": first,
        "rows_ms": rows,
    }
    run.end()
    return out


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60
    name = "bench-peers"
    try:
        lab("up", name, "--major", "17", "--load", "--statements", "5000", "--idle", "1000")
        env = lab_env(name)
        host, port, db = env["PGHOST"], env["PGPORT"], env["PGDATABASE"]
        at = ["-h", host, "-p", port, "-d", db]
        rows = [measure(tool, argv, re.compile(mark), env, seconds) for tool, argv, mark in (
            ("pg2une", [os.path.join(TOP, "build/pg2une"), "--store", "none", "-s", "1s"],
             rb"10\d\d/1\d\d\d|idle +9\d\d|idle +10\d\d|1,0\d\d"),
            ("pg_activity", ["pg_activity", *at, "-U", "bench_pg_activity",
                             "--refresh", "1"], rb"pgbench"),
            ("pg_top", ["pg_top", *at, "-U", "bench_pg_top", "-s", "1"], rb"postgres"))]
        psql = subprocess.Popen(["psql", "-XAtq"], env={**env, "PGUSER": "postgres"},
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        psql.stdin.write("select 1;\n")
        psql.stdin.flush()
        psql.stdout.readline()
        floor = rss_mb(psql.pid)
        psql.communicate("\\q\n")
    finally:
        lab("down", name)
    table = [["tool", "client CPU %", "RSS MB", "to the terminal B/s", "server CPU ms/s",
              "statements/s", "first frame ms", "first rows ms"]]
    for r in rows:
        table.append([r["tool"], f"{r['cpu_pct']:.2f}", f"{r['rss_mb']:.1f}",
                      f"{r['tty_Bps']:.0f}",
                      f"{r['server_ms_s']:.2f}" if r["server_ms_s"] > 0 else "-",
                      f"{r['statements_s']:.1f}", f"{r['first_ms']:.0f}",
                      f"{r['rows_ms']:.0f}"])
    report.write("peers", "Cost beside pg_activity and pg_top",
                 f"One PostgreSQL 17 with 5,000 statements in pg_stat_statements, 1,000 idle "
                 f"connections and a pgbench load; refresh 1 s, {COLS} x {ROWS}, {seconds:.0f} s "
                 f"each after {WARM_S} s, one after the other, each as its own role. Server time "
                 "is CPU time of each one's server process, by the kernel; pg_top connects anew for "
                 "each refresh, so its process cannot be followed; rows are the first "
                 "figures of sessions on the screen. psql with one idle connection has "
                 f"{floor:.1f} MB here: libpq with TLS, LDAP and Kerberos behind it is most of "
                 "every libpq client. Program text that only the start needed is given back "
                 "after ten samples and each minute: what is shared with other programs "
                 f"anyway. Private to the console are {rows[0]['private_mb']:.1f} MB. Goals: CPU "
                 "0.3%, 12 MB, 1,000 B/s, 4 ms, 30 ms, 150 ms. The machine's load average was "
                 f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.", table)


if __name__ == "__main__":
    main()
