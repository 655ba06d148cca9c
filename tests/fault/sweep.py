"""Kill the console, or fail the call, at every system call of a whole changeset: from
the first of the program to its end confirmed, and from the answer "rollback" to its end."""
import json
import os
import signal
import subprocess

import faultlib as fl
from harness import binary

KINDS = {"KILL": "signal=KILL", "EIO": "error=EIO", "ENOSPC": "error=ENOSPC"}
# What cannot fail, or whose failure the C library turns into an abort before main().
NEVER_FAIL = {"execve", "exit_group", "arch_prctl", "set_tid_address", "set_robust_list", "rseq",
              "restart_syscall", "getpid", "getuid", "geteuid"}
WRITES = {"write", "pwrite64", "openat", "mkdir", "fallocate", "fdatasync", "fsync", "ftruncate",
          "rename", "unlink"}
ANSWERS = ("confirm", "rollback")
NOT_STRUCK = "not struck"
LOADER = ("from here on", "the dynamic loader", 0, "")      # nothing of ours has run yet


def argv(lab, plan, inject, out):
    return ["strace", "-f", "-qq", "-o", out, *inject, binary.path(), "config", "apply", "--file",
            plan, "--stabilise", "0s", "--window", "1s", "--deadline", "4s", "--confirm", "ask",
            "-h", lab.host, "-p", str(lab.port), "-U", "postgres", "-d", "bench"]


def fault(call, k, kind):
    """Not with --seccomp-bpf: strace 6.1 then leaves out most injections."""
    return ["-e", f"trace={call}", "-e", f"inject={call}:{KINDS[kind]}:when={k}"]


def struck(trace):
    """Did it happen at all?  How often a call is made depends on time."""
    with open(trace, errors="replace") as f:
        text = f.read()
    return "(INJECTED)" in text or "+++ killed by SIGKILL +++" in text


def guard_killed(lab, home, trace):
    """The k-th call of the guard is struck as well: its own calls are counted anew."""
    found = fl.changes(home, lab)
    if not found or "id" not in found[0] or found[0].get("outcome") != "open":
        return False
    r = fl.pg2une(home, lab, "change", "show", found[0]["id"], "--format", "json")
    pids = [e["body"]["pid"] for e in json.loads(r.stdout)["data"].get("events", [])
            if e["type"] == "ARMED"]
    with open(trace, errors="replace") as f:
        text = f.read()
    return bool(pids) and f"{pids[-1]} " in "".join(
        line.split(None, 1)[0] + " " for line in text.splitlines() if "killed by SIGKILL" in line)


class Run:
    """A console under strace; what judge() wants of one."""

    def __init__(self, lab, home, inject=(), answer="confirm"):
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
            self.p.stdin.write(answer.encode() + b"\n")
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


def counts(lab, answer):
    """How often the console makes each call in a run without faults: in the dynamic loader
    (which gives its cache back when it is done), up to the answer, and in all.  It traces
    everything, so it is slow, and the order of threads is not fixed."""
    with fl.Home() as home:
        r = Run(lab, home, answer=answer)
        r.wait()
        fl.wait_until(lambda: not r.guards(), 10)
        r.end()
        first, total, before, loader = None, {}, None, None
        with open(r.trace, errors="replace") as f:
            for line in f:
                pid, call = line.split(None, 1)
                first = first or pid
                name = call.split("(")[0]
                if pid != first or not name.isidentifier():
                    continue
                # it reads its answer byte by byte
                if before is None and call.startswith(f'read(0, "{answer[0]}"'):
                    before = dict(total)
                total[name] = total.get(name, 0) + 1
                if loader is None and name == "munmap":
                    loader = dict(total)
        return loader or {}, before or {}, total


def points(lab):
    """(answer, call, k, kind), those in the dynamic loader last; the way to the answer is walked once, but for the last call of
    each kind: how many there are depends on time."""
    late = []
    for answer in ANSWERS:
        loader, before, total = counts(lab, answer)
        for call in sorted(total):
            begin = 1 if answer == "confirm" else max(1, before.get(call, 0))
            for k in range(begin, total[call] + 1):
                kinds = ["KILL"] + ["EIO"] * (call not in NEVER_FAIL) + ["ENOSPC"] * (call in WRITES)
                if k <= loader.get(call, 0):
                    late += [(answer, call, k, kind) for kind in kinds]
                else:
                    yield from ((answer, call, k, kind) for kind in kinds)
    yield LOADER
    yield from late


def one(lab, answer, call, k, kind):
    """Its outcome, or an exception that says what is wrong."""
    fl.reset_node(lab)
    before = fl.node_state(lab)
    with fl.Home() as home:
        r = Run(lab, home, fault(call, k, kind), answer)
        try:
            r.wait()
            fl.wait_until(lambda: not r.guards(), 60)
            if guard_killed(lab, home, r.trace):    # both lost: that is recover's part
                fl.pg2une(home, lab, "recover")
            outcome = fl.judge(lab, r, home, before, 60)
            return outcome if struck(r.trace) else NOT_STRUCK
        finally:
            r.end()
