"""The fault matrix of direct mode: each fault at each stage, several seeds.  A cell
passes when the node is exactly before, or confirmed after, or fenced with instructions,
and when the outcome is one that the fault allows."""
import os
import random
import signal
import threading
import time

import faultlib as fl

BACK = {"nothing", "rolled_back"}


class Cell:
    def __init__(self, lab, stage, seed, standby=None):
        self.lab, self.stage, self.seed, self.standby = lab, stage, seed, standby
        self.written = stage in fl.WRITTEN
        self.operator = None
        self.last = "confirm"
        self.undo = []

    def run(self, fault):
        fl.reset_node(self.lab)
        time.sleep(0.02)
        before = fl.node_state(self.lab)
        with fl.Home() as home:
            self.home = home
            self.wire = None
            self.console = fault.start(self)
            try:
                self.reach()
                outcome = None
                fault.strike(self)
                fault.drive(self)
                for f in self.undo:
                    f()
                fault.after(self)
                outcome = fl.judge(self.lab, self.console, home, before, 90, self.operator)
                if outcome not in fault.allowed(self):
                    raise fl.Verdict(f"ended as {outcome}, allowed: {sorted(fault.allowed(self))}\n"
                                     + self.console.text[-600:])
                return outcome
            finally:
                for f in self.undo:
                    f()
                self.console.end()
                if self.wire:
                    self.wire.close()

    def reach(self):
        stage = fl.STAGES[self.stage]
        if self.stage == "AP":
            stage = f"apply {1 + self.seed % 2} of 2"
        if self.stage == "RB":
            stage = "confirm"
            self.last = "rollback"
        if not self.console.go_to(stage):
            raise fl.Verdict(f"never came to {stage}: {self.console.text[-400:]}")
        if self.seed:
            self.console.answer("rollback" if self.stage == "RB" else "y")
            time.sleep(fl.jitter(self.seed))


class Fault:
    not_at = ()

    def start(self, cell):
        return fl.Console(cell.lab, cell.home)

    def strike(self, cell):
        raise NotImplementedError

    def drive(self, cell):
        cell.console.finish(cell.last)

    def after(self, cell):
        pass

    def allowed(self, cell):
        return BACK if cell.written else {"nothing"}


class Kill(Fault):
    name = "SIGKILL console"
    sig = signal.SIGKILL

    def strike(self, cell):
        os.kill(cell.console.pid, self.sig)

    def allowed(self, cell):
        # a kill within a late stage may come too late
        return BACK if cell.seed or cell.written else {"nothing"}


class Hup(Kill):
    name = "SIGHUP console"
    sig = signal.SIGHUP


class Term(Kill):
    name = "SIGTERM console"
    sig = signal.SIGTERM


class Crash(Fault):
    name = "server crash"

    def strike(self, cell):
        cell.lab.cmd("kill", "primary")
        cell.lab.cmd("start", "primary")

    def allowed(self, cell):
        return BACK | {"confirmed"} if cell.stage in ("ST", "VA") or not cell.written else BACK


class Freeze(Fault):
    name = "server frozen 3 s"

    def strike(self, cell):
        cell.lab.cmd("freeze", "primary")
        t = threading.Timer(3, lambda: cell.lab.cmd("thaw", "primary"))
        t.start()
        cell.undo.append(t.join)

    def allowed(self, cell):
        return BACK | {"confirmed"}


class Cut(Fault):
    name = "link cut, back after 2 s"

    def start(self, cell):
        cell.wire = fl.Wire(cell.lab.host, cell.lab.port)
        return fl.Console(cell.lab, cell.home, port=cell.wire.port)

    def strike(self, cell):
        cell.wire.mode = "refuse"
        cell.wire.cut()
        t = threading.Timer(2, self.mend, (cell,))
        t.start()
        cell.undo.append(t.join)

    def mend(self, cell):
        cell.wire.mode = "pass"

    def allowed(self, cell):
        return BACK | {"confirmed"}


class HalfOpen(Cut):
    name = "link half open 7 s"

    def strike(self, cell):
        cell.wire.mode = "hold"
        t = threading.Timer(7, self.mend, (cell,))
        t.start()
        cell.undo.append(t.join)


class Cancel(Fault):
    name = "statements cancelled"

    def strike(self, cell):
        stop = threading.Event()

        def spam():
            conn = cell.lab.connect(dbname="postgres")
            cur = conn.cursor()
            while not stop.is_set():
                cur.execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
                            "WHERE application_name LIKE 'pg2une/apply%%' AND state = 'active'")
                time.sleep(0.001)
            conn.close()
        t = threading.Thread(target=spam)
        t.start()
        timer = threading.Timer(1.5, stop.set)
        timer.start()
        cell.undo += [stop.set, t.join]

    def allowed(self, cell):
        return BACK | {"confirmed"}


class DiskFull(Fault):
    name = "journal disk full"

    def strike(self, cell):
        fl.limit_files(cell.console.pid, fl.journal_size(cell.home))

    def allowed(self, cell):
        return BACK | ({"confirmed"} if cell.seed and cell.stage in ("ST", "VA") else set())


class Revoked(Fault):
    name = "privilege lost"
    role = "fault_tuner"

    def start(self, cell):
        lab = cell.lab
        lab.sql(f"DO $$ BEGIN CREATE ROLE {self.role} LOGIN; EXCEPTION WHEN duplicate_object "
                "THEN NULL; END $$")
        for q in (f"GRANT ALTER SYSTEM ON PARAMETER {', '.join(fl.KEYS)} TO {self.role}",
                  f"GRANT EXECUTE ON FUNCTION pg_reload_conf() TO {self.role}",
                  f"GRANT EXECUTE ON FUNCTION pg_show_all_file_settings() TO {self.role}",
                  f"GRANT SELECT ON pg_file_settings TO {self.role}",
                  f"GRANT pg_read_all_settings TO {self.role}"):
            lab.sql(q, dbname="postgres")
        return fl.Console(lab, cell.home, user=self.role)

    def strike(self, cell):
        cell.lab.sql(f"REVOKE ALTER SYSTEM ON PARAMETER {', '.join(fl.KEYS)} FROM {self.role}",
                     dbname="postgres")

    def allowed(self, cell):
        if cell.written:
            return BACK | {"fenced", "confirmed"}
        return BACK | {"fenced"} if cell.seed or cell.stage == "JN" else {"nothing"}


class Operator(Fault):
    name = "concurrent operator"
    not_at = ("PF",)        # before the plan was made: that is the state before

    def strike(self, cell):
        cell.lab.sql("ALTER SYSTEM SET work_mem = '77MB'", dbname="postgres")
        cell.lab.sql("SELECT pg_reload_conf()", dbname="postgres")
        cell.operator = {"work_mem": "77MB"}

    def allowed(self, cell):
        return BACK


class ClockJump(Fault):
    name = "clock jumps a year"

    def start(self, cell):
        self.file = f"{cell.home}/now"
        with open(self.file, "w") as f:
            f.write("+0")
        return fl.Console(cell.lab, cell.home, env={
            "LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
            "FAKETIME_TIMESTAMP_FILE": self.file, "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"})

    def strike(self, cell):
        with open(self.file, "w") as f:
            f.write("+1y" if cell.seed % 2 else "-1y")

    def allowed(self, cell):
        return {"rolled_back"} if cell.stage == "RB" else {"confirmed"}


class OtherNode(Cut):
    name = "another node answers"
    not_at = ("PF",)        # no node is known yet: whoever answers is the one

    def strike(self, cell):
        cell.wire.target = (cell.standby, cell.lab.port)
        cell.wire.cut()

    def allowed(self, cell):
        return {"nothing", "fenced", "rolled_back", "confirmed"} if cell.seed else (
            {"fenced", "rolled_back"} if cell.written else {"nothing"})


class GuardDies(Fault):
    name = "SIGKILL guard"

    def strike(self, cell):
        for pid in cell.console.guards():
            os.kill(pid, signal.SIGKILL)

    def allowed(self, cell):
        return BACK if cell.stage == "RB" else {"confirmed", "rolled_back"}


class HostLost(Fault):
    name = "console and guard lost"

    def strike(self, cell):
        for pid in [cell.console.pid, *cell.console.guards()]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for pid in cell.console.guards():       # one that was just being armed
            os.kill(pid, signal.SIGKILL)

    def after(self, cell):
        fl.wait_until(lambda: not cell.console.guards() and cell.console.p.poll() is not None, 10)
        fl.pg2une(cell.home, cell.lab, "recover")


FAULTS = [Kill, Hup, Term, Crash, Freeze, Cut, HalfOpen, Cancel, DiskFull, Revoked, Operator,
          ClockJump, OtherNode, GuardDies, HostLost]


def cells(seeds, faults=None, stages=None):
    for fault in FAULTS:
        if faults and fault.__name__ not in faults:
            continue
        for stage in fl.STAGES:
            if stages and stage not in stages or stage in fault.not_at:
                continue
            for seed in range(seeds):
                yield fault, stage, seed


def shuffled(seq, seed=1):
    out = list(seq)
    random.Random(seed).shuffle(out)
    return out
