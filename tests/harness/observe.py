"""The sampler without a face (tests/pg/observe_driver.c): its lines as dicts."""
import json
import os
import queue
import subprocess
import threading
import time

from . import ROOT, clean_env

BUILT = f"{ROOT}/build/tests/observe_driver"
LIBS = [f"build/lib{x}.a" for x in ("observe", "pg", "num", "base")]


def build():
    subprocess.run(["make", "-s", *LIBS], cwd=ROOT, check=True)
    os.makedirs(os.path.dirname(BUILT), exist_ok=True)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libpq", "libcjson",
                            "libpcre2-8", "libcrypto", "lapacke"],
                           check=True, capture_output=True, text=True).stdout.split()
    out = f"{BUILT}.{os.getpid()}"
    subprocess.run(["gcc", "-std=gnu17", "-g", "-D_GNU_SOURCE", "-Iinclude",
                    "tests/pg/observe_driver.c", "-Wl,--start-group", *LIBS,
                    "-Wl,--end-group", *flags, "-lm", "-pthread", "-o", out],
                   cwd=ROOT, check=True)
    os.replace(out, BUILT)
    return BUILT


class Observer:
    def __init__(self, dsn=None, *argv, env=None):
        args = [BUILT, *map(str, argv)] + ([dsn] if dsn else [])
        self.p = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, errors="surrogateescape", env=clean_env(env))
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.seen = []

    def _read(self):
        for line in self.p.stdout:
            self.lines.put((line, json.loads(line)))
        self.lines.put(None)

    def next(self, seconds=30):
        """The next line; None at the end."""
        got = self.lines.get(timeout=seconds)
        if got is None:
            return None
        self.seen.append(got)
        return got[1]

    def until(self, found, seconds=40, each=None):
        """Lines up to the first for which found() is true; that one."""
        end = time.monotonic() + seconds
        while True:
            got = self.next(max(0.1, end - time.monotonic()))
            assert got is not None, f"ended: {self.p.stderr.read()}"
            if each:
                each(got)
            if found(got):
                return got
            assert time.monotonic() < end, f"not within {seconds} s: {got}"

    def snapshots(self, n, seconds=60):
        out = []
        while len(out) < n:
            got = self.until(lambda x: "seq" in x, seconds)
            out.append(got)
        return out

    def close(self):
        self.p.terminate()
        self.p.wait(10)
        self.p.stdout.close()
        self.p.stderr.close()
