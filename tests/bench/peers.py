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
import signal
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


class Run:
    """One tool in a pty: when it drew first, its bytes, CPU and memory."""

    def __init__(self, argv, env, rows_mark):
        self.t0 = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, {**env, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"})
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLS, 0, 0))
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
            if self.first is None:
                self.first = now
            if self.rows is None:
                self.seen += data
                if self.mark in self.seen:
                    self.rows = now

    def end(self):
        os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            r, _, _ = select.select([self.fd], [], [], 0.1)
            try:
                if r and not os.read(self.fd, 65536):
                    break
            except OSError:
                break
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def server_ms(env, role):
    return float(sql(env, f"select coalesce(sum(total_exec_time), 0) from pg_stat_statements s "
                          f"join pg_roles r on r.oid = s.userid where r.rolname = '{role}'"))


def statements(env, role):
    return float(sql(env, f"select coalesce(sum(calls), 0) from pg_stat_statements s "
                          f"join pg_roles r on r.oid = s.userid where r.rolname = '{role}'"))


def measure(name, argv, mark, env, seconds, interval):
    role = f"bench_{name}"
    sql(env, f"drop role if exists {role}")
    sql(env, f"create role {role} login in role pg_monitor")
    run = Run(argv, {**env, "PGUSER": role}, mark)
    run.watch(run.t0 + 5)
    warm = cpu_s(run.pid), run.bytes, server_ms(env, role), statements(env, role)
    t = time.monotonic()
    run.watch(t + seconds)
    span = time.monotonic() - t
    out = {
        "tool": name, "interval_s": interval,
        "cpu_pct": 100 * (cpu_s(run.pid) - warm[0]) / span,
        "rss_mb": rss_mb(run.pid),
        "tty_Bps": (run.bytes - warm[1]) / span,
        "server_ms_tick": (server_ms(env, role) - warm[2]) / span * interval,
        "statements_tick": (statements(env, role) - warm[3]) / span * interval,
        "first_ms": 1000 * run.first if run.first else float("nan"),
        "rows_ms": 1000 * run.rows if run.rows else float("nan"),
    }
    run.end()
    return out


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60
    name = "bench-peers"
    try:
        lab("up", name, "--major", "15", "--load", "--statements", "5000", "--idle", "1000")
        env = lab_env(name)
        host, port, db = env["PGHOST"], env["PGPORT"], env["PGDATABASE"]
        tools = [
            ("pg2une", [os.path.join(TOP, "build/pg2une"), "--store", "none", "-s", "1s"],
             b"pgbench", 1),
            ("pg_activity", ["pg_activity", "-h", host, "-p", port, "-U", "bench_pg_activity",
                             "-d", db, "--refresh", "1"], b"pgbench", 1),
            ("pg_top", ["pg_top", "-h", host, "-p", port, "-U", "bench_pg_top", "-d", db,
                        "-s", "1"], b"postgres", 1),
        ]
        rows = []
        for tool, argv, mark, interval in tools:
            rows.append(measure(tool, argv, mark, env, seconds, interval))
    finally:
        lab("down", name)
    table = [["tool", "client CPU %", "RSS MB", "to the terminal B/s", "server ms a tick",
              "statements a tick", "first frame ms", "first rows ms"]]
    for r in rows:
        table.append([r["tool"], f"{r['cpu_pct']:.2f}", f"{r['rss_mb']:.1f}",
                      f"{r['tty_Bps']:.0f}", f"{r['server_ms_tick']:.2f}",
                      f"{r['statements_tick']:.1f}", f"{r['first_ms']:.0f}",
                      f"{r['rows_ms']:.0f}"])
    report.write("peers", "Cost beside pg_activity and pg_top",
                 f"One PostgreSQL 15 with 5,000 statements, 1,000 idle connections and a "
                 f"pgbench load; refresh 1 s, {COLS} x {ROWS}, {seconds:.0f} s each, one "
                 f"after the other, each as its own role.", table)


if __name__ == "__main__":
    main()
