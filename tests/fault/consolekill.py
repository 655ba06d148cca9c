"""kill -9 of the full-screen console at random moments of a change, from its dry run to its
confirmation or rollback.  Whatever it was doing, the node ends exactly as before, or
confirmed: the judge is that of the matrix."""
import os
import random
import signal
import time

import faultlib as fl
from harness import binary, tmux

# The windows are as short as something can be measured in them.
CONF = """\
[pg2une]
change-settle = 0s
change-window = 10s
change-deadline = 40s
"""
# When it dies: some time, at most so many seconds, after this was seen or said.
MOMENTS = {"dry run": 1.0, "window before": 10.0, "first write": 0.3, "second write": 0.3,
           "window after": 10.0, "waiting": 3.0, "confirmed": 0.4, "taken back": 0.4,
           "taken back at once": 0.3}


class Console:
    """What judge() wants of one: its process, and its guards."""

    def __init__(self, lab, home):
        self.state = f"{home}/.state"
        env = binary.environment(lab, home)
        os.makedirs(f"{home}/.config/pg2une", mode=0o700, exist_ok=True)
        with open(f"{home}/.config/pg2une/pg2une.conf", "w") as f:
            f.write(CONF)
        self.t = tmux.Tmux([binary.path()], 132, 43, env=env)
        self.p = self

    def poll(self):
        return None if fl.alive(self.t.pid) else 0

    def guards(self):
        return fl.children_of(self.state)

    def draft(self):
        self.t.wait_for("PRIMARY", 30)
        for k, v in fl.KEYS.items():
            self.t.keys(":")
            self.t.type(f"set {k} {v}")
            self.t.keys("Enter")
            self.t.wait_for(f"SET {k}", 20)

    def say(self, key, dialog):
        self.t.keys(key)
        self.t.wait_for(dialog, 20)
        self.t.keys("Right", "Enter")

    def end(self):
        for pid in self.guards():
            os.kill(pid, signal.SIGKILL)
        self.t.close()


def lines(lab):
    return fl.node_state(lab)["lines"]


def come_to(lab, c, moment):
    """Up to where the random time before its death begins."""
    c.draft()
    c.say("A", "Dry run of 2")
    if moment == "dry run":
        return
    c.t.wait_for("A applies it, guarded", 40)
    c.say("A", "Apply 2")
    if moment == "window before":
        return
    assert fl.wait_until(lambda: len(lines(lab)) > (moment == "second write"), 60, 0.01)
    if moment in ("first write", "second write"):
        return
    if moment == "taken back at once":
        c.say("R", "Roll back change")
        return
    if moment == "window after":
        return
    c.t.wait_for("C makes it permanent", 60)
    if moment == "confirmed":
        c.say("C", "Confirm change")
    if moment == "taken back":
        c.say("R", "Roll back change")


def one(lab, seed):
    """Its outcome and the moment, or an exception that says what is wrong."""
    rng = random.Random(seed)
    moment = list(MOMENTS)[seed % len(MOMENTS)]
    fl.reset_node(lab)
    before = fl.node_state(lab)
    with fl.Home() as home:
        c = Console(lab, home)
        try:
            come_to(lab, c, moment)
            time.sleep(rng.uniform(0, MOMENTS[moment]))
            os.kill(c.t.pid, signal.SIGKILL)
            outcome = fl.judge(lab, c, home, before, 60 + 60 * fl.patience())
            return f"{moment}: {outcome}"
        finally:
            c.end()
