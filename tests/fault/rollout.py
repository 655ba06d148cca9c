#!/usr/bin/python3
"""make fault: the columns CN and PR of the fault matrix, on real servers.

    tests/fault/rollout.py [--fault Kill ...] [--point cn25 ...] [--major 17]

CN: while the canary carries traffic (at 5, 25, 50 and 100%), and before, as it gets the
change.  PR: while the primary gets it, and while half of the traffic returns.  A cell
passes when all the pool's traffic is on the primary at the end, both nodes hold what they
held before (or, where the fault allows a promotion, the change), no guard is left, and
the pool answers."""
import argparse
import os
import signal
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
sys.dont_write_bytecode = True

import faultlib as fl  # noqa: E402
from harness import rollouts as ro  # noqa: E402

KEY, NEW = "work_mem", "9MB"
POINTS = ("apply", "cn5", "cn25", "cn50", "cn100", "promote", "return")
BACK = {"rolled_back"}
SECONDS = 60            # until the traffic must be back


class Failed(Exception):
    pass


def later(seconds, f, cell):
    t = threading.Timer(seconds, f)
    t.start()
    cell.undo.append(t.join)


class Fault:
    at = POINTS
    plan = {}
    allowed = BACK
    env = None
    within = SECONDS
    goes_on = False         # what is confirmed afterwards goes on to its end

    def prepare(self, cell):
        pass

    def strike(self, cell):
        raise NotImplementedError

    def after(self, cell):
        """When the rollout has ended: put the lab right."""


class Kill(Fault):
    name, sig = "SIGKILL console", signal.SIGKILL

    def strike(self, cell):
        os.kill(cell.r.p.pid, self.sig)


class Hup(Kill):
    name, sig = "SIGHUP console", signal.SIGHUP


class Term(Kill):
    name, sig = "SIGTERM console", signal.SIGTERM


class Frozen(Fault):
    name, within = "console frozen 70 s", 100     # the guard waits 60 s
    at = ("cn25",)

    def strike(self, cell):
        os.kill(cell.r.p.pid, signal.SIGSTOP)
        later(70, lambda: os.kill(cell.r.p.pid, signal.SIGCONT), cell)


class HostLost(Fault):
    name = "console and guards lost"

    def strike(self, cell):
        for pid in [p for p, _ in cell.r.guards()] + [cell.r.p.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        cell.r.p.wait()
        for pid, _ in cell.r.guards():
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.3)
        done = cell.r.tell("rollback")
        if done.returncode != 0:
            raise Failed(f"rollout rollback: {done.stderr}")


class GuardDies(Fault):
    name, goes_on, allowed = "SIGKILL traffic's guard", True, {"done"}
    at = ("cn5", "cn25", "cn50", "cn100", "return")

    def strike(self, cell):
        for pid, kind in cell.r.guards():
            if kind == "rollout-guard":
                os.kill(pid, signal.SIGKILL)
        ro.wait_for(lambda: any(k == "rollout-guard" for _, k in cell.r.guards()), 5,
                    "another guard")


class ChangeGuardDies(GuardDies):
    name = "SIGKILL changes' guards"

    def strike(self, cell):
        for pid, kind in cell.r.guards():
            if kind == "guard":
                os.kill(pid, signal.SIGKILL)


class CanaryKilled(Fault):
    name = "canary killed"

    def strike(self, cell):
        cell.lab.cmd("kill", "standby")
        later(8, lambda: cell.lab.cmd("start", "standby"), cell)


class CanaryFrozen(Fault):
    name = "canary frozen 15 s"

    def strike(self, cell):
        cell.lab.cmd("freeze", "standby")
        later(15, lambda: cell.lab.cmd("thaw", "standby"), cell)


class CanaryLags(Fault):
    name = "canary lags"
    plan = {"gate": {"max_lag_bytes": 1e6}}
    at = ("cn5", "cn25", "cn50", "cn100", "return")

    def strike(self, cell):
        cell.lab.sql("SELECT pg_wal_replay_pause()", role="standby")
        cell.lab.sql("SELECT pg_logical_emit_message(false, 'x', repeat('x', 4000000))")

    def after(self, cell):
        cell.lab.sql("SELECT pg_wal_replay_resume()", role="standby")


class PrimaryKilled(Fault):
    name = "primary killed, back after 3 s"

    def strike(self, cell):
        cell.lab.cmd("kill", "primary")
        later(3, lambda: cell.lab.cmd("start", "primary"), cell)

    allowed = BACK | {"stuck"}


class PrimaryFrozen(Fault):
    name = "primary frozen 8 s"

    def strike(self, cell):
        cell.lab.cmd("freeze", "primary")
        later(8, lambda: cell.lab.cmd("thaw", "primary"), cell)

    allowed, goes_on = BACK | {"done"}, True


class BouncerKilled(Fault):
    name = "PgBouncer killed, back after 4 s"

    def strike(self, cell):
        cell.lab.cmd("kill", "pgbouncer")
        later(4, lambda: cell.lab.cmd("start", "pgbouncer"), cell)

    allowed = BACK


class BouncerStopped(Fault):
    name = "PgBouncer frozen 8 s"

    def strike(self, cell):
        cell.lab.cmd("freeze", "pgbouncer")
        later(8, lambda: cell.lab.cmd("thaw", "pgbouncer"), cell)


class FileBroken(Fault):
    name = "PgBouncer's file broken"
    at = ("cn5", "cn25", "cn50", "cn100", "return")
    goes_on, allowed = True, BACK | {"done"}

    def strike(self, cell):
        with open(cell.lab.env["PGT_ROUTES_FILE"], "w") as f:
            f.write("bench_ro host 127.0.0.1 ==\n[what\n")
        cell.r.tell("rollback")


class FileGone(FileBroken):
    name = "PgBouncer's file gone"

    def strike(self, cell):
        os.unlink(cell.lab.env["PGT_ROUTES_FILE"])
        cell.r.tell("rollback")


class ConsoleRefused(Fault):
    name = "PgBouncer's console refused 8 s"
    at = ("cn5", "cn25", "cn50", "cn100", "return")

    def prepare(self, cell):
        port = int(cell.lab.env["PGT_PGBOUNCER_PORT"])
        cell.wire = fl.Wire("127.0.0.1", port)
        cell.plan["router"]["admin"] = (f"host=127.0.0.1 port={cell.wire.port} "
                                        "user=pgbadmin dbname=pgbouncer")

    def strike(self, cell):
        cell.wire.mode = "refuse"
        cell.wire.cut()

        def mend():
            cell.wire.mode = "pass"
        later(8, mend, cell)


class Cut(Fault):
    name = "console's link to the primary cut 5 s"
    goes_on, allowed = True, BACK | {"done"}

    def prepare(self, cell):
        cell.wire = fl.Wire(cell.lab.host, cell.lab.port)
        cell.args = ["-h", cell.lab.host, "-p", str(cell.wire.port), "-U", "postgres",
                     "-d", "bench"]

    def strike(self, cell):
        cell.wire.mode = "refuse"
        cell.wire.cut()

        def mend():
            cell.wire.mode = "pass"
        later(5, mend, cell)


class HalfOpen(Cut):
    name = "console's link to the primary half open 8 s"

    def strike(self, cell):
        cell.wire.mode = "hold"

        def mend():
            cell.wire.mode = "pass"
        later(8, mend, cell)


class DiskFull(Fault):
    name = "journal disk full"
    goes_on, allowed = True, BACK | {"done", "stuck"}

    def strike(self, cell):
        fl.limit_files(cell.r.p.pid, 1)

    def after(self, cell):
        pass


class Revoked(Fault):
    name, goes_on = "privilege lost", True
    allowed = BACK | {"stuck", "done"}

    def prepare(self, cell):
        lab = cell.lab
        lab.sql("DO $$ BEGIN CREATE ROLE fault_roll LOGIN; EXCEPTION WHEN duplicate_object "
                "THEN NULL; END $$")
        for q in (f"GRANT ALTER SYSTEM ON PARAMETER {KEY} TO fault_roll",
                  "GRANT EXECUTE ON FUNCTION pg_reload_conf() TO fault_roll",
                  "GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO fault_roll",
                  "GRANT SELECT ON pg_file_settings TO fault_roll",
                  "GRANT pg_monitor TO fault_roll"):
            lab.sql(q, dbname="postgres")
        cell.args = ["-h", lab.host, "-p", str(lab.port), "-U", "fault_roll", "-d", "bench"]
        cell.plan["canary"]["conninfo"] = lab.dsn("standby", user="fault_roll")
        time.sleep(0.3)

    def strike(self, cell):
        cell.lab.sql(f"REVOKE ALTER SYSTEM ON PARAMETER {KEY} FROM fault_roll",
                     dbname="postgres")
        if cell.point not in ("promote", "return"):
            cell.r.tell("rollback")

    def after(self, cell):
        cell.tolerate_lines = True      # frozen with instructions: put right here


class Operator(Fault):
    name, goes_on = "operator changes the same on the canary", True
    at = ("cn5", "cn25", "cn50", "cn100", "return")
    allowed = BACK | {"done"}

    def strike(self, cell):
        cell.lab.sql(f"ALTER SYSTEM SET {KEY} = '77MB'", role="standby", dbname="postgres")
        cell.lab.sql("SELECT pg_reload_conf()", role="standby", dbname="postgres")
        cell.tolerate_canary = "77MB"
        cell.r.tell("rollback")


class OperatorMoves(Fault):
    name = "operator moves the traffic himself"
    at = ("cn5", "cn25", "cn50", "cn100")

    def strike(self, cell):
        cell.lab.cmd("route", "75")


class ClockJump(Fault):
    name, goes_on, allowed = "clock jumps a year", True, {"done"}
    at = ("cn25", "return")

    def prepare(self, cell):
        self.file = f"{cell.home}/now"
        with open(self.file, "w") as f:
            f.write("+0")
        cell.env = {"LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
                    "FAKETIME_TIMESTAMP_FILE": self.file, "FAKETIME_NO_CACHE": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def strike(self, cell):
        with open(self.file, "w") as f:
            f.write("+1y")


class Failover(Fault):
    """Last: afterwards the lab's standby is a primary, so the lab is made anew."""
    name, spoils = "the canary is promoted", True
    at = ("cn25", "return")
    allowed = BACK | {"stuck"}

    def strike(self, cell):
        cell.lab.cmd("promote")
        cell.tolerate_canary = True     # no standby any more: fenced, never written


FAULTS = [Kill, Hup, Term, Frozen, HostLost, GuardDies, ChangeGuardDies, CanaryKilled,
          CanaryFrozen, CanaryLags, PrimaryKilled, PrimaryFrozen, BouncerKilled,
          BouncerStopped, FileBroken, FileGone, ConsoleRefused, Cut, HalfOpen, DiskFull,
          Revoked, Operator, OperatorMoves, ClockJump, Failover]


class Cell:
    def __init__(self, lab, fault, point):
        self.lab, self.fault, self.point = lab, fault, point
        self.undo, self.wire, self.args, self.env = [], None, [], None
        self.tolerate_canary = self.tolerate_lines = None
        step = {"cn5": 5, "cn25": 25, "cn50": 50, "cn100": 100}.get(point, 25)
        self.share = step
        self.plan = ro.plan(lab, {KEY: NEW}, steps=[step], min_step_s=3, base_s=1,
                            max_step_s=90, gate={"min_calls": 20, "latency_margin": 1.0,
                                                 **fault.plan.get("gate", {})})

    def value(self, role):
        return self.lab.value(f"SHOW {KEY}", role=role)

    def lines(self, role):
        return dict(self.lab.sql(
            "SELECT name, setting FROM pg_file_settings "
            "WHERE sourcefile LIKE '%%/postgresql.auto.conf'", role=role))

    def reach(self):
        """Up to the point where the fault is to strike."""
        if self.point == "apply":
            ro.wait_for(lambda: "> apply" in self.r.text(), 30, "apply", 0.005)
            return
        ro.wait_for(lambda: ro.share(self.lab) == self.share, 30, f"{self.share}%", 0.02)
        if self.point.startswith("cn"):
            time.sleep(1)
            return
        self.confirm()
        ro.wait_for(lambda: f"> {self.point}" in self.r.text(), 60, self.point, 0.005)
        if self.point == "return":
            time.sleep(1)

    def confirm(self):
        ro.wait_for(lambda: "the gate says go" in self.r.text() or
                    self.r.p.poll() is not None, 60, "a go")
        self.r.tell("confirm")

    def run(self):
        reset(self.lab)
        before = {role: self.lines(role) for role in ("primary", "standby")}
        with fl.Home() as self.home:
            self.fault.prepare(self)
            self.r = ro.Rollout(self.lab, self.home, self.plan, env=self.env,
                                args=self.args)
            try:
                self.reach()
                self.fault.strike(self)
                begin = time.monotonic()
                if self.fault.goes_on:
                    self.go_on()
                return self.judge(before, begin)
            finally:
                for f in self.undo:
                    f()
                self.r.end()
                if self.wire:
                    self.wire.close()

    def go_on(self):
        end = time.monotonic() + 100
        told = self.point in ("promote", "return")
        while self.r.p.poll() is None and time.monotonic() < end:
            if not told and "the gate says go" in self.r.text():
                told = self.r.tell("confirm").returncode == 0
            time.sleep(0.2)

    def judge(self, before, begin):
        ro.wait_for(lambda: ro.share(self.lab) == 0, self.fault.within,
                    "0% in the routes")
        back = time.monotonic() - begin
        for f in self.undo:
            f()
        ro.wait_for(lambda: self.r.p.poll() is not None and not self.r.guards(), 150,
                    "quiet")
        in_force = ro_admin(self.lab)
        if self.lab.env["PGT_STANDBY_HOST"] in in_force.split(","):
            raise Failed(f"PgBouncer's routes: {in_force}")
        self.fault.after(self)
        status = self.r.status() or {}
        state, self.reason = status.get("state"), status.get("reason")
        if state not in self.fault.allowed:
            raise Failed(f"ended as {state}: {self.r.text()[-700:]}")
        self.check_nodes(before, state)
        self.lab.value("SELECT count(*) FROM pgbench_branches", role="pgbouncer")
        return f"{state}, traffic back after {back:.1f} s"

    def check_nodes(self, before, state):
        for role in ("primary", "standby"):
            want = dict(before[role])
            if state == "done" and role == "primary":
                want[KEY] = NEW
            if role == "standby" and self.tolerate_canary:
                if self.tolerate_canary is True:
                    continue
                want[KEY] = self.tolerate_canary
            # frozen, with what to do by hand
            if self.tolerate_lines and (state == "stuck" or role == "standby" and
                                        "By hand" in (self.reason or "")):
                continue

            def same(role=role, want=want):
                return self.lines(role) == want
            try:
                ro.wait_for(same, 20)
            except AssertionError:
                raise Failed(f"{state}: {role} has {self.lines(role)}, wanted {want}: "
                             + self.r.text()[-500:]) from None


def ro_admin(lab):
    """The hosts of the pool that PgBouncer itself has in force."""
    import psycopg2
    conn = psycopg2.connect(lab.env["PGT_PGBOUNCER_ADMIN"])
    conn.autocommit = True
    try:
        cur = conn.cursor()
        cur.execute("SHOW DATABASES")
        names = [d.name for d in cur.description]
        row = next(r for r in cur.fetchall() if r[0] == "bench_ro")
        return row[names.index("host")]
    finally:
        conn.close()


def reset(lab):
    """Both nodes without lines, the load running, all traffic on the primary."""
    for role in ("primary", "standby"):
        for (name,) in lab.sql("SELECT name FROM pg_file_settings WHERE sourcefile "
                               "LIKE '%%/postgresql.auto.conf'", role=role):
            lab.sql(f'ALTER SYSTEM RESET "{name}"', role=role, dbname="postgres")
        lab.sql("SELECT pg_reload_conf()", role=role, dbname="postgres")
    try:
        lab.cmd("load", "stop")
    except RuntimeError:
        pass
    lab.cmd("route", "0")
    lab.cmd("load", "start", "--rate", 300, "--clients", 24, "--via", "pgbouncer_ro",
            "--mode", "ro", "--keep")
    ro.wait_for(lambda: lab.value("SELECT count(*) FROM pg_stat_replication") == 1, 30,
                "replication")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--fault", nargs="*")
    p.add_argument("--point", nargs="*", choices=POINTS)
    p.add_argument("--major", type=int, default=17)
    o = p.parse_args()
    lab, ok, bad = None, 0, 0
    per = {"CN": [0, 0], "PR": [0, 0]}
    try:
        for kind in FAULTS:
            for point in kind.at:
                if o.fault and kind.__name__ not in o.fault or \
                   o.point and point not in o.point:
                    continue
                lab = lab or ro.pool(major=o.major)
                begin = time.monotonic()
                column = per["PR" if point in ("promote", "return") else "CN"]
                column[1] += 1
                try:
                    text = Cell(lab, kind(), point).run()
                    ok += 1
                    column[0] += 1
                    spoilt = getattr(kind, "spoils", False)
                except Exception as e:      # a cell that breaks in any way has failed
                    text, bad, spoilt = f"FAILED {type(e).__name__}: {e}", bad + 1, True
                print(f"{kind.name:45} {point:8} {time.monotonic() - begin:5.1f} s  {text}",
                      flush=True)
                if spoilt:
                    lab.down()
                    lab = None
    finally:
        if lab:
            lab.down()
    print(f"rollout matrix: CN {per['CN'][0]} of {per['CN'][1]} cells, "
          f"PR {per['PR'][0]} of {per['PR'][1]} cells passed; {ok} of {ok + bad}")
    return 0 if bad == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
