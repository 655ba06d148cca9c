"""What the fault tests share: a console that is driven stage by stage, a wire that can
be cut, and the judgement whether a node was left as it must be."""
import datetime
import json
import os
import random
import re
import resource
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from harness import binary  # noqa: E402

KEYS = {"work_mem": "24MB", "random_page_cost": "1.3"}
STAGES = {"PF": "dry-run", "LK": "lock", "SN": "snapshot", "JN": "journal", "AP": "apply",
          "RL": "reload", "VF": "verify", "ST": "stabilise", "VA": "validate", "RB": None}
WRITTEN = ("AP", "RL", "VF", "ST", "VA", "RB")      # something may have been written
DEADLINE = 12


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def children_of(state_dir):
    """Guards whose environment has our state folder: only what this test started."""
    found = []
    mark = f"XDG_STATE_HOME={state_dir}".encode()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
            if words[1:3] != [b"guard", b"--fd"]:
                continue
            with open(f"/proc/{pid}/environ", "rb") as f:
                if mark in f.read().split(b"\0") and alive(int(pid)):
                    found.append(int(pid))
        except OSError:
            continue
    return found


class Wire:
    """A TCP relay to a server: passes, holds everything (half-open) or refuses."""

    def __init__(self, host, port):
        self.target = (host, port)
        self.mode = "pass"
        self.pairs = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.over = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.over:
            try:
                a, _ = self.listener.accept()
            except OSError:
                return
            if self.mode == "refuse":
                a.close()
                continue
            threading.Thread(target=self._serve, args=(a,), daemon=True).start()

    def _serve(self, a):
        while self.mode == "hold" and not self.over:
            time.sleep(0.02)
        try:
            b = socket.create_connection(self.target, timeout=5)
        except OSError:
            a.close()
            return
        with self.lock:
            self.pairs.append((a, b))
        sel = selectors.DefaultSelector()
        sel.register(a, selectors.EVENT_READ, b)
        sel.register(b, selectors.EVENT_READ, a)
        try:
            while not self.over:
                for key, _ in sel.select(0.2):
                    while self.mode == "hold" and not self.over:
                        time.sleep(0.01)
                    data = key.fileobj.recv(65536)
                    if not data:
                        return
                    key.data.sendall(data)
        except OSError:
            pass
        finally:
            a.close()
            b.close()

    def cut(self):
        with self.lock:
            for pair in self.pairs:
                for s in pair:
                    try:
                        s.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass
            self.pairs = []

    def close(self):
        self.over = True
        self.listener.close()
        self.cut()


class Console:
    """`config apply --step`, answered by the test."""

    def __init__(self, lab, home, plan=None, port=None, user="postgres", deadline=DEADLINE,
                 env=None, args=(), prefix=()):
        self.home = str(home)
        self.state = f"{self.home}/.state"
        self.plan = os.path.join(self.home, "plan.json")
        with open(self.plan, "w") as f:
            json.dump(plan or {"parameters": [{"name": k, "new_value": v}
                                              for k, v in KEYS.items()]}, f)
        e = binary.environment(lab, home, env)
        self.text = ""
        self.p = subprocess.Popen(
            [*prefix, binary.path(), "config", "apply", "--file", self.plan, "--step", "--stabilise",
             "0.2s", "--window", "1s", "--deadline", f"{deadline}s", "-h", lab.host, "-p",
             str(port or lab.port), "-U", user, "-d", "bench", *args],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=e, bufsize=0)
        os.set_blocking(self.p.stderr.fileno(), False)
        self.pid = self.p.pid

    def read(self):
        try:
            data = self.p.stderr.read()
        except ValueError:
            return
        if data:
            self.text += data.decode(errors="replace")

    def prompt(self, seconds=60):
        """The stage it asks for ("apply 1 of 2", "confirm"), None when it has ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read()
            tail = self.text[self.answered:] if hasattr(self, "answered") else self.text
            m = re.search(r"next: (\S+(?: \d+ of \d+)?).*\n\[y, rollback, later\] $", tail)
            if m:
                return m.group(1).rstrip(":")
            if re.search(r"confirm, rollback or later\? $", tail):
                return "confirm"
            if self.p.poll() is not None:
                self.read()
                return None
            select_wait(self.p.stderr, 0.02)
        return "silent"

    def answer(self, word="y"):
        self.read()
        self.answered = len(self.text)
        try:
            self.p.stdin.write(word.encode() + b"\n")
        except (OSError, ValueError):
            pass

    def go_to(self, stage):
        """Answer until it asks for the stage; True when it does."""
        while True:
            at = self.prompt()
            if at is None or at == "silent":
                return False
            if at == stage or at.startswith(stage + " ") or \
               (stage.startswith("apply ") and at == stage):
                return True
            self.answer("y" if at != "confirm" else "later")

    def finish(self, last="confirm", seconds=40):
        """Answer everything to the end; the exit code, None when it hangs."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            at = self.prompt(max(0.1, end - time.monotonic()))
            if at is None:
                return self.p.wait()
            if at == "silent":
                return None
            self.answer(last if at == "confirm" else "y")
        return None

    def guards(self):
        return children_of(self.state)

    def end(self):
        for pid in [self.pid, *self.guards()]:
            try:
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        self.p.stdin.close()
        self.p.wait()
        self.p.stderr.close()


def select_wait(f, seconds):
    sel = selectors.DefaultSelector()
    sel.register(f, selectors.EVENT_READ)
    sel.select(seconds)
    sel.close()


def pg2une(home, lab, *args, env=None, timeout=150):
    e = binary.environment(lab, home, env)
    return subprocess.run([binary.path(), *args], env=e, capture_output=True, text=True,
                          timeout=timeout, stdin=subprocess.DEVNULL)


def changes(home, lab):
    r = pg2une(home, lab, "change", "list", "--format", "json")
    return json.loads(r.stdout)["data"]["changes"]


def node_state(lab, keys=KEYS):
    """What must be exactly as before: lines of postgresql.auto.conf, what new sessions
    see, indexes and their validity."""
    conn = lab.connect(dbname="bench")
    try:
        cur = conn.cursor()
        cur.execute("SELECT lower(name), setting FROM pg_file_settings "
                    "WHERE sourcefile LIKE '%/postgresql.auto.conf' ORDER BY seqno")
        lines = dict(cur.fetchall())
        cur.execute("SELECT name, reset_val FROM pg_settings WHERE name = ANY(%s)", (list(keys),))
        seen = dict(cur.fetchall())
        cur.execute("SELECT c.oid::regclass::text, i.indisvalid AND i.indisready FROM pg_index i "
                    "JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n "
                    "ON n.oid = c.relnamespace WHERE n.nspname = 'public'")
        return {"lines": lines, "seen": seen, "indexes": dict(cur.fetchall())}
    finally:
        conn.close()


def events(home, lab, change_id):
    """(type, seconds since the epoch) of each record of a journal."""
    r = pg2une(home, lab, "change", "show", change_id, "--format", "json")
    return [(e["type"], datetime.datetime.fromisoformat(e["at"].replace("Z", "+00:00")).timestamp())
            for e in json.loads(r.stdout)["data"]["events"]]


def span(home, lab, begin, end):
    """Seconds from the last record of one type to the last of another."""
    at = dict(events(home, lab, changes(home, lab)[0]["id"]))
    return at[end] - at[begin]


def patience():
    """How much slower than usual this machine is: 1 unless others use it as well."""
    return max(1.0, os.getloadavg()[0] / os.cpu_count())


def wait_until(test, seconds, step=0.05):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = test()
        if value:
            return value
        time.sleep(step)
    return test()


def sessions_left(lab):
    return lab.value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pg2une/%%'"
                     " AND application_name NOT LIKE 'pg2une/monitor%%'", dbname="postgres")


def locks_left(lab):
    return lab.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", dbname="postgres")


def reset_node(lab):
    """Back to no lines at all, between two cells."""
    conn = lab.connect(dbname="postgres")
    try:
        cur = conn.cursor()
        cur.execute("SELECT name FROM pg_file_settings WHERE sourcefile LIKE '%/postgresql.auto.conf'")
        for (name,) in cur.fetchall():
            cur.execute(f'ALTER SYSTEM RESET "{name}"')
        cur.execute("SELECT pg_reload_conf()")
    finally:
        conn.close()


class Verdict(Exception):
    """The node was not left as it must be."""


def judge(lab, console, home, before, seconds=60, operator=None):
    """Wait until nobody acts any more, then hold the node against its journal.  operator:
    settings that somebody else set meanwhile.  Returns the outcome."""
    def quiet():
        return not console.guards() and console.p.poll() is not None
    if not wait_until(quiet, seconds):
        raise Verdict(f"still busy: console {console.p.poll()}, guards {console.guards()}")
    left = wait_until(lambda: sessions_left(lab) == 0 and locks_left(lab) == 0, 15)
    if not left:
        raise Verdict(f"{sessions_left(lab)} sessions and {locks_left(lab)} locks are left")
    found = changes(home, lab)
    now = node_state(lab)
    if not found:
        outcome, row = "nothing", {}
    else:
        row = found[0]
        outcome = row["outcome"] if row["state"] == "closed" else "open:" + row["state"]
    want = json.loads(json.dumps(before))
    if outcome == "confirmed":
        want["lines"].update(KEYS)
    want["lines"].update(operator or {})
    if outcome.startswith("open"):
        if outcome == "open:untouched" and now == before:
            return "nothing"
        raise Verdict(f"left open: {row.get('state')} {row.get('phase')} {row.get('why')}")
    if outcome == "fenced":
        if "By hand" not in (row.get("result") or ""):
            raise Verdict(f"fenced without instructions: {row.get('result')}")
        return outcome
    if now["lines"] != want["lines"]:
        raise Verdict(f"{outcome}: lines {now['lines']}, wanted {want['lines']}")
    if outcome != "confirmed" and not operator and now["seen"] != before["seen"]:
        raise Verdict(f"{outcome}: sessions see {now['seen']}, not {before['seen']}")
    if now["indexes"] != before["indexes"]:
        raise Verdict(f"{outcome}: indexes {now['indexes']}")
    return outcome


class Home:
    """A home folder for one cell."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="pg2une-fault-")
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def limit_files(pid, size):
    """From now on no file of the process may grow beyond size: a full disk."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def journal_size(home):
    size = 0
    for root, _, names in os.walk(f"{home}/.state"):
        for n in names:
            if n.endswith(".jnl"):
                size = os.stat(os.path.join(root, n)).st_size
    return size


def jitter(seed):
    """Seed 0: between two stages.  Others: somewhere within one."""
    return 0 if seed == 0 else random.Random(seed).uniform(0, 0.004 if seed == 1 else 0.05)
