"""Processes: start as an ordinary user, record by (pid, start time), end only those.

A pid alone may have been reused by a stranger; a pid with its start time (field 22 of
/proc/PID/stat) names one process for the life of the machine.  Signals go through a
pidfd taken before the start time is compared, so nothing can slip in between."""
import os
import pwd
import select
import signal
import subprocess
import time

from . import LabError

SERVER_USERS = ("postgres", "pg2unelab")


def server_user():
    """The ordinary user that servers run as: PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid())
    for name in SERVER_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    subprocess.run(["useradd", "--system", "--user-group", "--no-create-home",
                    "--shell", "/usr/sbin/nologin", SERVER_USERS[-1]], check=True)
    return pwd.getpwnam(SERVER_USERS[-1])


def as_user(user):
    """Popen arguments that drop root's rights for user's; nothing when not root."""
    if os.getuid() != 0 or user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def clean_env(extra=None):
    """The environment without PG*: a developer's own settings must not leak in."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    env["LC_ALL"] = "C.UTF-8"
    env["TZ"] = "UTC"
    env.update(extra or {})
    return env


def stat_fields(pid):
    """(state, ppid, start time) of a process, or None when there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            rest = f.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return rest[0].decode(), int(rest[1]), int(rest[19])


def identify(pid):
    """The record of a running process."""
    fields = stat_fields(pid)
    if fields is None:
        raise LabError(f"process {pid} is gone")
    return {"pid": pid, "start": fields[2]}


def alive(rec):
    """True while exactly the recorded process runs; a zombie is dead."""
    if not rec:
        return False
    fields = stat_fields(rec["pid"])
    return fields is not None and fields[2] == rec["start"] and fields[0] not in "ZX"


def send(rec, sig):
    """Signal the recorded process and no other.  False when it is gone."""
    try:
        fd = os.pidfd_open(rec["pid"])
    except (ProcessLookupError, OSError):
        return False
    try:
        if not alive(rec):
            return False
        signal.pidfd_send_signal(fd, sig)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(fd)


def wait_gone(rec, seconds):
    """Wait until the recorded process is gone; False when it still runs."""
    try:
        fd = os.pidfd_open(rec["pid"])
    except (ProcessLookupError, OSError):
        return True
    try:
        if not alive(rec):
            return True
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        poll.poll(int(seconds * 1000))
        reap(rec["pid"])
        return not alive(rec)
    finally:
        os.close(fd)


def reap(pid):
    """Collect pid when it is our own child: a zombie would keep its entry."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def end(rec, sig=signal.SIGTERM, seconds=10):
    """End the recorded process: politely, then surely.  False when it did not end."""
    if not send(rec, sig):
        return True
    send(rec, signal.SIGCONT)       # a frozen process would never see the first one
    if wait_gone(rec, seconds):
        return True
    send(rec, signal.SIGKILL)
    return wait_gone(rec, 5)


def descendants(pid):
    """Records of every process below pid, parents first."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = stat_fields(name)
            if fields is not None:
                children.setdefault(fields[1], []).append(
                    {"pid": int(name), "start": fields[2]})
    found, todo = [], [pid]
    while todo:
        for rec in children.get(todo.pop(), []):
            found.append(rec)
            todo.append(rec["pid"])
    return found


def freeze(rec):
    """SIGSTOP a process and all below it: what a cut network looks like to a client."""
    send(rec, signal.SIGSTOP)       # first the parent, so that it starts no more
    for child in descendants(rec["pid"]):
        send(child, signal.SIGSTOP)


def thaw(rec):
    for child in descendants(rec["pid"]):
        send(child, signal.SIGCONT)
    send(rec, signal.SIGCONT)


class Uninterrupted:
    """While inside, a signal that ends us waits: between starting a process and writing
    it down, an interrupt would leave it running and unknown.  (Blocking the signal would
    not do: the process would inherit that.)"""

    depth = 0
    pending = False
    told = False

    def __enter__(self):
        Uninterrupted.depth += 1

    def __exit__(self, *_):
        Uninterrupted.depth -= 1
        if Uninterrupted.pending and not Uninterrupted.depth:
            Uninterrupted.pending = False
            raise KeyboardInterrupt


def interrupted(_sig, _frame):
    """The handler of what would end us: raise, so that `up` takes down what it began.
    Once: a second one (Ctrl-C, then the parent's) must not stop the taking down.  (To
    ignore it from here would do worse: when it has come already, Python reports that
    in place of the exception.)"""
    if Uninterrupted.told:
        return
    Uninterrupted.told = True
    if Uninterrupted.depth:
        Uninterrupted.pending = True
    else:
        raise KeyboardInterrupt


ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def spawn(argv, log, user=None, env=None, cwd="/"):
    """Start argv in a session of its own, output to log; returns its record."""
    with open(log, "ab", buffering=0) as out:
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                             start_new_session=True, cwd=cwd, env=clean_env(env),
                             **as_user(user))
    p.returncode = 0        # it outlives us: no destructor warning, no wait
    return identify(p.pid)


def run(argv, user=None, env=None, cwd="/", **kw):
    """Run a helper program to its end; LabError with its output when it fails.  A Ctrl-C
    is for us, not for it: it may be what takes things down."""
    p = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, cwd=cwd, env=clean_env(env), text=True,
                       errors="replace", start_new_session=True, **as_user(user), **kw)
    if p.returncode != 0:
        raise LabError(f"{' '.join(argv[:3])}: exit {p.returncode}: {p.stdout[-800:]}")
    return p.stdout


def poll_until(what, seconds, test, rec=None, log=None):
    """Call test until it is true; its value.  LabError at the deadline, or as soon as
    the process that it waits for is dead."""
    deadline = time.monotonic() + seconds
    pause = 0.002
    while True:
        value = test()
        if value:
            return value
        dead = rec is not None and not alive(rec)
        if dead or time.monotonic() > deadline:
            why = "its process ended" if dead else f"not within {seconds} s"
            raise LabError(f"{what}: {why}{tail(log)}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def tail(log):
    if not log or not os.path.exists(log):
        return ""
    with open(log, "rb") as f:
        f.seek(max(0, os.path.getsize(log) - 1500))
        return "\n" + f.read().decode("utf-8", "replace")
