"""Two consoles at once: never two holders of the server's lock or of the file's."""
import os
import re
import subprocess

import faultlib as fl
from harness import binary


def one(lab, home, n_homes):
    """Both go to the stage after the lock; how many got there, and what they said."""
    homes = [f"{home}/{k}" for k in range(n_homes)]
    for h in homes:
        os.makedirs(h, mode=0o700, exist_ok=True)
    procs = []
    for k in range(2):
        h = homes[k % n_homes]
        plan = f"{h}/plan{k}.json"
        with open(plan, "w") as f:
            f.write('{"parameters": [{"name": "work_mem", "new_value": "%dMB"}]}' % (20 + k))
        procs.append(subprocess.Popen(
            [binary.path(), "config", "apply", "--file", plan, "--step", "-h", lab.host, "-p",
             str(lab.port), "-U", "postgres", "-d", "bench"], env=binary.environment(lab, h),
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, bufsize=0))
    for p in procs:
        p.stdin.write(b"y\ny\ny\n")     # plan, dry-run, lock
    texts = ["", ""]
    held = [False, False]
    for k, p in enumerate(procs):
        buf = b""
        while True:
            c = os.read(p.stderr.fileno(), 4096)
            buf += c
            if not c or b"next: snapshot" in buf:
                break
        texts[k] = buf.decode(errors="replace")
        held[k] = "next: snapshot" in texts[k]
    locks = fl.locks_left(lab)
    for p in procs:
        p.stdin.close()
        p.wait()
        p.stderr.close()
    return held, locks, texts


def judged(lab, home, n_homes):
    """On one host or on two: never two holders; whether the loser named the holder."""
    held, locks, texts = one(lab, home, n_homes)
    if sum(held) > 1 or locks > 1:
        raise fl.Verdict(f"two holders, {locks} locks: {texts}")
    if not any(held):
        return "nobody held it"
    return "one held it" + (
        ", named to the other" if any(not h and re.search(r"another change is under way.* by \S+", t)
                                      for h, t in zip(held, texts)) else "")
