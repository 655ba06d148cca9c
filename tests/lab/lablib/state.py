"""Where a lab lives, its state file, and the ports it may take."""
import fcntl
import json
import os
import random
import re
import shutil
import socket

from . import LabError
from . import proc

# Below Linux's ephemeral range (32768-60999): an outgoing connection never takes one.
PORTS = range(20100, 31900)


def base_dir():
    """The folder of all labs of this user.  Its state files say which pids to end, so
    nobody else may be able to write there."""
    path = os.environ.get("PG2UNE_LAB_DIR") or f"/tmp/pg2une-lab-{os.getuid()}"
    try:
        os.makedirs(path, mode=0o755)
    except FileExistsError:
        pass
    st = os.lstat(path)
    if os.path.islink(path) or st.st_uid != os.getuid() or st.st_mode & 0o022:
        raise LabError(f"{path} is not a private folder of this user")
    return path


def lab_names():
    return sorted(n for n in os.listdir(base_dir())
                  if os.path.exists(f"{base_dir()}/{n}/state.json"))


class State:
    """state.json of one lab; saved, by rename, after every process that was started."""

    def __init__(self, name):
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,40}", name):
            raise LabError(f"not a usable lab name: {name}")
        self.name = name
        self.dir = f"{base_dir()}/{name}"
        self.path = f"{self.dir}/state.json"
        self.d = {}
        self.lockfd = None

    def lock(self):
        """One command at a time on one lab.  The lock file lies beside the lab's folder,
        which comes and goes, and goes with it: hence the second look at its name."""
        path = f"{base_dir()}/.{self.name}.lock"
        while True:
            fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(fd, fcntl.LOCK_EX)
            try:
                if os.stat(path).st_ino == os.fstat(fd).st_ino:
                    self.lockfd = fd
                    return self
            except FileNotFoundError:
                pass
            os.close(fd)

    def unlock(self):
        """Let go; the lock file goes too when the lab is gone."""
        if self.lockfd is not None:
            if not self.exists():
                os.unlink(f"{base_dir()}/.{self.name}.lock")
            os.close(self.lockfd)
            self.lockfd = None

    def exists(self):
        return os.path.exists(self.path)

    def create(self, options):
        if self.exists():
            raise LabError(f"lab {self.name} is already up (lab down {self.name})")
        shutil.rmtree(self.dir, ignore_errors=True)
        os.mkdir(self.dir, 0o755)
        user = proc.server_user()
        for sub in ("sock", "log", "run"):
            os.mkdir(f"{self.dir}/{sub}", 0o755)
            os.chown(f"{self.dir}/{sub}", user.pw_uid, user.pw_gid)
        os.mkdir(f"{self.dir}/conf", 0o755)
        self.d = {"name": self.name, "options": options, "procs": {}, "ports": {},
                  "ended": []}
        self.save()

    def load(self):
        try:
            with open(self.path) as f:
                self.d = json.load(f)
        except FileNotFoundError:
            raise LabError(f"no lab named {self.name}") from None
        return self

    def save(self):
        tmp = f"{self.path}.tmp"
        with open(tmp, "w") as f:
            json.dump(self.d, f, indent=1, sort_keys=True)
        os.rename(tmp, self.path)

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def spawn(self, role, argv, log, **kw):
        """Start a process as the servers' user and write it down; its record."""
        with proc.Uninterrupted():
            rec = proc.spawn(argv, log, user=proc.server_user(), **kw)
            self.d["procs"][role] = rec
            self.save()
        return rec

    def rec(self, role):
        """The record of a role's process, or None."""
        return self.d["procs"].get(role)

    def forget(self, role):
        if self.d["procs"].pop(role, None):
            self.save()

    def log(self, role):
        return f"{self.dir}/log/{role}.log"

    def port(self, role):
        return self.d["ports"].get(role)

    def take_ports(self, *roles):
        """Choose a port for each role, free on 127.0.0.1 and 127.0.0.2 and in no other
        lab's state."""
        fd = os.open(f"{base_dir()}/.ports.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC,
                     0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            taken = set()
            for name in lab_names():
                try:
                    taken.update(State(name).load().d["ports"].values())
                except LabError:
                    pass        # taken down meanwhile
            for role in roles:
                port = _free_port(taken)
                taken.add(port)
                self.d["ports"][role] = port
            self.save()
        finally:
            os.close(fd)


def _free_port(taken):
    for port in random.sample(PORTS, len(PORTS)):
        if port not in taken and _bindable(port):
            return port
    raise LabError("no free port")


def _bindable(port):
    for host in ("127.0.0.1", "127.0.0.2"):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((host, port))
            except OSError:
                return False
    return True
