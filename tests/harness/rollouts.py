"""What the tests of rollouts share: a pool of reads under load, plans, and a rollout that
is driven by `rollout start`."""
import json
import os
import re
import subprocess
import time

from . import binary
from .labs import Lab

GOOD = {"work_mem": "9MB"}
SLOW = {"enable_indexscan": "off", "enable_indexonlyscan": "off", "enable_bitmapscan": "off"}
JIT = {"jit_above_cost": "0", "jit_inline_above_cost": "0", "jit_optimize_above_cost": "0"}


def wait_for(test, deadline=40, what="it", step=0.1):
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        if test():
            return
        time.sleep(step)
    raise AssertionError(f"{what} not within {deadline} s")


def read_caches(lab):
    """So that the standby is as warm as the primary."""
    for role in ("primary", "standby"):
        lab.sql("SELECT count(*), sum(abalance) FROM pgbench_accounts", role=role)
        lab.sql("SELECT count(aid) FROM (SELECT aid FROM pgbench_accounts ORDER BY aid) x",
                role=role)


def pool(rate=300, clients=24, **options):
    """A lab with a pool of reads and persistent clients, both nodes warm."""
    lab = Lab(standby=not options.get("patroni"), pgbouncer=True, fast=True, **options)
    lab.cmd("load", "start", "--rate", rate, "--clients", clients, "--via",
            "pgbouncer_ro", "--mode", "ro")
    lab.cmd("route", "60")
    read_caches(lab)
    time.sleep(4)       # the caches of the pool's own sessions
    lab.cmd("route", "0")
    return lab


def share(lab):
    """Percent of the pool's hosts in the routes file that are the standby; -1 broken."""
    with open(lab.env["PGT_ROUTES_FILE"]) as f:
        m = re.search(r"^bench_ro\s*=.*?host=(\S+)", f.read(), re.M)
    if not m:
        return -1
    hosts = m.group(1).split(",")
    return 100.0 * hosts.count(lab.env["PGT_STANDBY_HOST"]) / len(hosts)


def failures(lab):
    """Client errors of the load so far."""
    with open(f"{lab.env['PGT_LAB_DIR']}/log/load.log") as f:
        text = f.read()
    n = sum(int(n) for n in re.findall(r"(\d+) failed", text)) + text.count("aborted")
    if n:       # what a person would look at first
        print(text[-1500:])
        with open(f"{lab.env['PGT_LAB_DIR']}/log/pgbouncer.log") as f:
            print("".join(line for line in f if re.search("WARN|ERR|FATAL|fail", line))[-3000:])
    return n


def plan(lab, settings=GOOD, **over):
    """A plan of short steps; what is tested is the flow, hence a wide margin."""
    p = {
        "steps": [5, 25, 50, 100], "min_step_s": 4, "max_step_s": 60, "bucket_s": 1,
        "base_s": 2, "gate": {"min_calls": 100, "latency_margin": 0.5},
        "router": {"kind": "pgbouncer", "read_only_pool": True,
                   "admin": lab.env.get("PGT_PGBOUNCER_ADMIN"),
                   "routes_file": lab.env.get("PGT_ROUTES_FILE"), "pool": "bench_ro",
                   "primary": lab.host, "canary": lab.env.get("PGT_STANDBY_HOST")},
        "canary": {"after": "revert"},
        "changeset": {"parameters": [{"name": k, "new_value": v}
                                     for k, v in settings.items()]},
    }
    if "PGT_STANDBY_HOST" in lab.env:
        p["canary"]["conninfo"] = lab.dsn("standby")
    for key, value in over.items():
        both = isinstance(p.get(key), dict) and isinstance(value, dict)
        p[key] = {**p[key], **value} if both else value
    return {k: v for k, v in p.items() if v is not None}


class Rollout:
    """One `rollout start` under way."""

    def __init__(self, lab, home, plan_, *flags, env=None, args=()):
        self.lab, self.home = lab, str(home)
        self.env = binary.environment(lab, home, env)
        path = os.path.join(self.home, "rollout.json")
        with open(path, "w") as f:
            json.dump(plan_, f)
        self.err = open(os.path.join(self.home, "rollout.err"), "w+")
        self.p = subprocess.Popen(
            [binary.path(), "rollout", "start", "--plan", path, "--format", "json", *flags,
             *args],
            env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.err,
            text=True)

    def text(self):
        with open(self.err.name) as f:
            return f.read()

    def status(self):
        """From another process, as anybody on this host may ask."""
        p = subprocess.run([binary.path(), "rollout", "status", "--format", "json"],
                           text=True, env=self.env, capture_output=True, timeout=20)
        return json.loads(p.stdout)["data"] if p.returncode == 0 else None

    def live(self, home):
        """As a console of another host sees it: from the server alone."""
        p = subprocess.run([binary.path(), "rollout", "status", "--live", "--format",
                            "json"], text=True, env=binary.environment(self.lab, home),
                           capture_output=True, timeout=30)
        return json.loads(p.stdout)["data"] if p.returncode == 0 else None

    def tell(self, word):
        return subprocess.run([binary.path(), "rollout", word], env=self.env, timeout=60,
                              capture_output=True, text=True)

    def finish(self, timeout=120):
        """Its exit status, the JSON's data, and what it said."""
        try:
            out, _ = self.p.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError("it does not end: " + self.text()[-1500:]) from None
        data = json.loads(out).get("data") if out.strip() else None
        return self.p.returncode, data, self.text() + out

    def guards(self):
        """Guards of this very home, of the traffic and of changesets."""
        mark, found = f"XDG_STATE_HOME={self.home}/.state".encode(), []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    words = f.read().split(b"\0")
                if words[1:3] not in ([b"guard", b"--fd"], [b"rollout-guard", b"--fd"]):
                    continue
                with open(f"/proc/{pid}/environ", "rb") as f:
                    env = f.read().split(b"\0")
                with open(f"/proc/{pid}/stat") as f:
                    state = f.read().rsplit(")", 1)[1].split()[0]
                if mark in env and state not in "ZX":
                    found.append((int(pid), words[1].decode()))
            except OSError:
                continue
        return found

    def end(self):
        """Kill what is left of it."""
        for pid in [self.p.pid, *(p for p, _ in self.guards())]:
            if pid != self.p.pid or self.p.poll() is None:
                try:
                    os.kill(pid, 18)
                    os.kill(pid, 9)
                except OSError:
                    pass
        self.p.wait()
        self.p.stdout.close()
        self.err.close()
