"""Run by the lab as a process of its own: holds connections open until it is ended.

    idle HOST PORT N             N idle connections
    block HOST PORT [SQL]        an idle transaction, and three sessions it blocks
    keep COMMAND...              runs COMMAND again whenever it ends: a load that
                                 survives a restart of its server
"""
import ctypes
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True

from lablib import LabError, wire  # noqa: E402


def idle(host, port, n):
    held = []
    # The server forks for one while we ask for the next; fewer than its accept queue.
    for first in range(0, int(n), 50):
        some = [wire.Conn(host, port, "app", "bench", f"lab-idle-{i % 20}", 60, False)
                for i in range(first, min(first + 50, int(n)))]
        for conn in some:
            conn.wait_ready()
        held += some
    print("ready", flush=True)
    signal.pause()
    return held


def until_it_waits(watch, pid):
    wait = f"SELECT wait_event_type FROM pg_stat_activity WHERE pid = {pid}"
    for _ in range(500):
        if watch.value(wait) == "Lock":
            return
        time.sleep(0.01)
    raise LabError("the waiters do not wait")


def block(host, port, sql=""):
    """A chain two deep: the holder blocks 1, which blocks 2 (behind it) and 3 (its row)."""
    held = []

    def session(app):
        c = wire.Conn(host, port, "app", "bench", app, 60)
        held.append(c)
        return c

    holder = session("lab-blocker")
    if sql:
        holder.query("BEGIN")
        holder.query(sql)
        print("ready", flush=True)
        signal.pause()
    holder.query("CREATE TABLE IF NOT EXISTS lab_lock (id int PRIMARY KEY, v int)")
    holder.query("INSERT INTO lab_lock SELECT g, 0 FROM generate_series(1, 3) g "
                 "ON CONFLICT DO NOTHING")
    holder.query("BEGIN")
    holder.query("UPDATE lab_lock SET v = v + 1 WHERE id = 1")
    watch = wire.Conn(host, port, "postgres", "bench", "lab", 60)
    for n, row in ((1, 2), (2, None), (3, None)):
        c = session(f"lab-waiter-{n}")
        pid = c.value("SELECT pg_backend_pid()")
        c.query("BEGIN")
        if row:
            c.query(f"UPDATE lab_lock SET v = v + 1 WHERE id = {row}")
        c.send(f"UPDATE lab_lock SET v = v + 1 WHERE id = {2 if n == 3 else 1}")
        # One by one: the second of a row's waiters waits behind the first.
        until_it_waits(watch, pid)
    watch.close()
    print("ready", flush=True)
    signal.pause()


def keep(*argv):
    def die_with_parent():
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)      # PR_SET_PDEATHSIG

    def stop(_sig, _frame):
        raise SystemExit(0)     # not here: the wait below holds Popen's lock

    signal.signal(signal.SIGTERM, stop)
    child = None
    try:
        while True:
            child = subprocess.Popen(argv, preexec_fn=die_with_parent)
            child.wait()
            time.sleep(0.5)
    finally:
        if child:
            child.terminate()
            child.wait()


if __name__ == "__main__":
    try:
        {"idle": idle, "block": block, "keep": keep}[sys.argv[1]](*sys.argv[2:])
    except LabError as e:
        sys.exit(f"holder: {e}")
