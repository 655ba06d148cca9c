"""Which server programs there are, and one initialised cluster a major to copy from.

initdb, the roles and the pgbench tables take a second or two; a copy takes a tenth."""
import fcntl
import hashlib
import os
import shutil
import struct
import time

from . import LabError, proc, wire

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RECIPE = 4      # raise when build() changes what a template holds


def majors():
    """{major: package version or "debian"} of tests/lab/majors."""
    out = {}
    with open(f"{HERE}/majors") as f:
        for line in f:
            words = line.split("#")[0].split()
            if words:
                out[int(words[0])] = words[1]
    return out


def cache_dirs():
    """Where tests/lab/deps unpacks to, the writable one first."""
    if os.environ.get("PG2UNE_LAB_CACHE"):
        return [os.environ["PG2UNE_LAB_CACHE"]]
    if os.getuid() == 0:
        return ["/var/cache/pg2une"]
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return [f"{home}/pg2une", "/var/cache/pg2une"]


def bindir(major):
    version = majors().get(major)
    if version is None:
        raise LabError(f"no such major: {major} (tests/lab/majors)")
    if version == "debian":
        dirs = [f"/usr/lib/postgresql/{major}/bin"]
    else:
        dirs = [f"{c}/postgres/{version}/native/bin" for c in cache_dirs()]
    for d in dirs:
        if os.access(f"{d}/postgres", os.X_OK):
            return d
    raise LabError(f"PostgreSQL {major} is not installed: run tests/lab/deps")


def read_sql(name):
    with open(f"{HERE}/{name}") as f:
        return f.read()


def template(major):
    """The folder of the major's template; built when there is none yet."""
    sql = read_sql("setup.sql") + read_sql("setup_db.sql") + read_sql("setup_15.sql")
    key = hashlib.sha256(f"{RECIPE}{majors()[major]}{sql}".encode()).hexdigest()[:10]
    root = f"{cache_dirs()[0]}/templates"
    os.makedirs(root, exist_ok=True)
    path = f"{root}/{major}-{proc.server_user().pw_name}-{key}"
    if os.path.exists(path):
        return path
    fd = os.open(f"{root}/.{major}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        if not os.path.exists(path):
            _build(major, path)
    finally:
        os.close(fd)
    return path


def _build(major, path):
    user = proc.server_user()
    work = f"{path}.new"
    shutil.rmtree(work, ignore_errors=True)
    os.mkdir(work, 0o755)
    os.chown(work, user.pw_uid, user.pw_gid)
    data, sock, log = f"{work}/data", f"{work}/sock", f"{work}/log"
    proc.run([f"{bindir(major)}/initdb", "-D", data, "-U", "postgres", "-A", "trust",
              "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"], user=user)
    os.mkdir(sock, 0o700)
    os.chown(sock, user.pw_uid, user.pw_gid)
    rec = proc.spawn([f"{bindir(major)}/postgres", "-D", data, "-k", sock, "-p", "5432",
                      "-c", "listen_addresses=", "-c", "fsync=off",
                      "-c", "shared_preload_libraries=pg_stat_statements"], log, user=user)
    try:
        wait_ready(rec, data, log)
        with wire.Conn(sock, 5432) as c:
            c.query(read_sql("setup.sql"))
            c.query("CREATE DATABASE bench OWNER app")
            if major >= 15:
                c.query(read_sql("setup_15.sql"))
            c.query(read_sql("setup_db.sql"))
        with wire.Conn(sock, 5432, dbname="bench") as c:
            c.query(read_sql("setup_db.sql"))
        proc.run(["pgbench", "-h", sock, "-p", "5432", "-U", "app", "-q", "-i", "-s", "1",
                  "bench"])
        with wire.Conn(sock, 5432, dbname="bench") as c:
            c.query("SELECT pg_stat_statements_reset(); CHECKPOINT")
    finally:
        stopped = proc.end(rec, proc.signal.SIGINT, 20)
    if not stopped:
        raise LabError(f"the template server of {major} did not stop")
    os.rename(data, path)
    shutil.rmtree(work, ignore_errors=True)


def pidfile(data):
    """(pid, status) of postmaster.pid, or None."""
    try:
        with open(f"{data}/postmaster.pid") as f:
            lines = f.read().split("\n")
        return int(lines[0]), lines[7].strip() if len(lines) > 7 else ""
    except (FileNotFoundError, ValueError, IndexError):
        return None


def wait_ready(rec, data, log, seconds=60):
    proc.poll_until(f"server in {data}", seconds,
                    lambda: pidfile(data) == (rec["pid"], "ready"), rec, log)


def copy(major, data):
    """A new cluster from the template, with a system identifier of its own."""
    shutil.rmtree(data, ignore_errors=True)
    proc.run(["cp", "-a", "--reflink=auto", template(major), data])
    renumber(data)


def renumber(data):
    """Give a cleanly stopped cluster a new system identifier: copies of one template
    must not look like the same cluster to a client that tells clusters apart by it.

    It is the first field of pg_control, which ends in a CRC-32C whose place differs by
    major (found by trying), and stands in the first page header of each WAL file at
    offset 24 (XLogLongPageHeaderData.xlp_sysid), which no CRC covers."""
    with open(f"{data}/global/pg_control", "r+b") as f:
        raw = bytearray(f.read(1024))
        at = _crc_offset(raw)
        old = bytes(raw[:8])
        # As BootStrapXLOG() makes it: seconds, then microseconds and pid bits.
        now = time.time()
        new = struct.pack("=Q", (int(now) << 32) | int.from_bytes(os.urandom(4), "little"))
        raw[:8] = new
        raw[at:at + 4] = struct.pack("=I", crc32c(raw[:at]))
        f.seek(0)
        f.write(raw)
    for name in os.listdir(f"{data}/pg_wal"):
        if len(name) == 24:
            with open(f"{data}/pg_wal/{name}", "r+b") as f:
                f.seek(24)
                if f.read(8) == old:
                    f.seek(24)
                    f.write(new)


def _crc_offset(raw):
    crc = 0xFFFFFFFF
    for at in range(0, len(raw) - 4):
        if at >= 64 and at % 4 == 0 and \
                raw[at:at + 4] == struct.pack("=I", crc ^ 0xFFFFFFFF):
            return at
        crc = _TABLE[(crc ^ raw[at]) & 0xFF] ^ (crc >> 8)
    raise LabError("pg_control: no checksum found")


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _table():
    out = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ (0x82F63B78 if n & 1 else 0)
        out.append(n)
    return out


_TABLE = _table()
