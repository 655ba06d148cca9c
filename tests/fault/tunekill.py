"""Killing the console at random moments of a live search: the server must end at its
earlier settings each time.  The quick form is in test_tuning.py; the long one is
`tests/fault/run --only tunekill` (100 kills, half an hour)."""
import concurrent.futures
import os
import random
import signal
import subprocess
import tempfile
import time

from harness import binary, clean_env, labs

GUARD_S = 60        # the guard notices a dead console at once; a loaded machine is slow


def settings(lab):
    """What ALTER SYSTEM has left, and what is in force."""
    return lab.sql("SELECT name, setting FROM pg_settings "
                   "WHERE source <> 'default' AND source NOT IN ('client', 'session') "
                   "AND name NOT LIKE 'application%' ORDER BY 1"), auto_conf(lab)


def auto_conf(lab):
    path = f"{lab.env['PGT_DATADIR']}/postgresql.auto.conf"
    with open(path) as f:
        return sorted(x for x in f.read().splitlines() if x and not x.startswith("#"))


def start(lab, home, seed):
    env = clean_env(dict(lab.env, HOME=home, XDG_STATE_HOME=f"{home}/state",
                         PG2UNE_STORE="none", PGHOST=lab.host, PGPORT=str(lab.port)))
    return subprocess.Popen(
        [binary.path(), "-U", "postgres", "-d", "bench", "optimize", "--mode", "live",
         "--trial", "12s", "--iterations", "30", "--seed", str(seed), "--ram", "4GB",
         "--cpus", "4"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, start_new_session=True)


def in_trial(lab, before):
    return auto_conf(lab) != before[1]


def wait(what, deadline_s):
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.1)
    return False


def once(lab, home, seed, phase, before):
    """One search, killed; returns what it was doing.  Raises when the server differs."""
    rng = random.Random(seed)
    p = start(lab, home, seed)
    try:
        # The first trial that changes anything comes after three baselines.
        if not wait(lambda: p.poll() is not None or in_trial(lab, before), 240):
            raise AssertionError("no trial began")
        if p.poll() is not None:
            raise AssertionError(f"the search ended: {p.stderr.read()[-500:]}")
        time.sleep(rng.uniform(0, phase))
        changed = in_trial(lab, before)
    finally:
        if p.poll() is None:
            os.kill(p.pid, signal.SIGKILL)
        p.wait()
        p.stderr.close()
    began = time.monotonic()
    if not wait(lambda: settings(lab) == before, GUARD_S):
        raise AssertionError(f"seed {seed}: settings are {settings(lab)}, were {before}")
    return f"{'in a trial' if changed else 'between trials'}, back after " \
           f"{time.monotonic() - began:.1f} s"


def some(lab, seeds, home, say):
    """Kills on one lab, one after the other; the seeds that failed."""
    bad = []
    lab.cmd("load", "start", "--rate", "20", "--clients", "2")
    try:
        before = settings(lab)
        for seed in seeds:
            try:
                say(f"tunekill {seed}: {once(lab, home, seed, 18.0, before)}", flush=True)
            except AssertionError as e:
                bad.append(seed)
                say(f"tunekill {seed}: FAILED {e}", flush=True)
    finally:
        lab.cmd("load", "stop")
    return bad


def run(n, workers=4, major=17, say=print):
    """n kills on several labs side by side: a search mostly waits."""
    made = [labs.Lab(major=major, fast=True) for _ in range(workers)]
    try:
        with tempfile.TemporaryDirectory() as top, \
             concurrent.futures.ThreadPoolExecutor(workers) as pool:
            jobs = []
            for i, lab in enumerate(made):
                home = f"{top}/{i}"
                os.mkdir(home)
                jobs.append(pool.submit(some, lab, range(1 + i, 1 + n, workers), home, say))
            bad = [seed for j in jobs for seed in j.result()]
    finally:
        for lab in made:
            lab.down()
    say(f"tunekill: {n - len(bad)} of {n} ended at the earlier settings", flush=True)
    return not bad
