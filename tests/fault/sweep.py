"""Kill the console, or fail the call, at each of its system calls of a whole changeset."""
import os
import signal
import subprocess

import faultlib as fl
from harness import binary

CALLS = ("sendto", "write", "fdatasync", "fallocate", "ftruncate", "fsync", "flock")
KINDS = {"KILL": "signal=KILL", "EIO": "error=EIO", "ENOSPC": "error=ENOSPC"}


def argv(lab, plan, inject, out):
    return ["strace", "-f", "-qq", "-o", out, "-e", f"trace={','.join(CALLS)}", *inject,
            binary.path(), "config", "apply", "--file", plan, "--stabilise", "0s", "--window", "1s",
            "--deadline", "4s", "--confirm", "ask", "-h", lab.host, "-p", str(lab.port), "-U",
            "postgres", "-d", "bench"]


class Run:
    """A console under strace; what judge() wants of one."""

    def __init__(self, lab, home, inject=()):
        self.home, self.state = home, f"{home}/.state"
        plan = f"{home}/plan.json"
        with open(plan, "w") as f:
            f.write('{"parameters": [%s]}' % ", ".join(
                '{"name": "%s", "new_value": "%s"}' % kv for kv in fl.KEYS.items()))
        self.trace = f"{home}/trace"
        self.p = subprocess.Popen(argv(lab, plan, inject, self.trace),
                                  env=binary.environment(lab, home), stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, bufsize=0)
        try:
            self.p.stdin.write(b"confirm\n")
        except OSError:
            pass

    def guards(self):
        return fl.children_of(self.state)

    def wait(self, seconds=60):
        try:
            self.p.wait(seconds)
        except subprocess.TimeoutExpired:
            os.kill(self.p.pid, signal.SIGKILL)

    def end(self):
        for pid in self.guards():
            os.kill(pid, signal.SIGKILL)
        if self.p.poll() is None:
            os.kill(self.p.pid, signal.SIGKILL)
        self.p.wait()
        self.p.stdin.close()


def counts(lab):
    """How often the console makes each call in a run without faults."""
    with fl.Home() as home:
        r = Run(lab, home)
        r.wait()
        r.end()
        n = dict.fromkeys(CALLS, 0)
        with open(r.trace) as f:
            first = None
            for line in f:
                pid, call = line.split(None, 1)
                first = first or pid
                name = call.split("(")[0]
                if pid == first and name in n:
                    n[name] += 1
        return n


def points(n):
    for call in CALLS:
        for k in range(1, n[call] + 1):
            for kind in KINDS:
                if kind == "ENOSPC" and call in ("sendto", "flock", "ftruncate"):
                    continue
                yield call, k, kind


def run(lab, most=0):
    fl.reset_node(lab)
    n = counts(lab)
    todo = list(points(n))
    step = max(1, len(todo) // most) if most else 1
    todo = todo[::step]
    outcomes, bad = {}, []
    for call, k, kind in todo:
        fl.reset_node(lab)
        before = fl.node_state(lab)
        with fl.Home() as home:
            r = Run(lab, home, ["-e", f"inject={call}:{KINDS[kind]}:when={k}"])
            try:
                r.wait()
                out = fl.judge(lab, r, home, before, 60)
                outcomes[out] = outcomes.get(out, 0) + 1
            except Exception as e:
                bad.append((call, k, kind, str(e)))
                print(f"sweep: {call} {k} {kind}: {e}", flush=True)
            finally:
                r.end()
    print(f"sweep: calls {n}; {len(todo)} faults, {len(bad)} violations; outcomes {outcomes}")
    return not bad
