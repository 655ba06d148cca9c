"""The primary and its streaming standby."""
import os
import shutil
import signal

from . import LabError, proc, template, wire

HOSTS = {"primary": "127.0.0.1", "standby": "127.0.0.2"}
SLOT = "lab_standby"
STOP = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}


def datadir(st, role):
    return f"{st.dir}/{role}"


def sockdir(st, role):
    """Primary and standby share one port, so their sockets need two folders."""
    return f"{st.dir}/sock/{role}"


def connect(st, role="primary", dbname="postgres", user="postgres"):
    return wire.Conn(HOSTS[role], st.port("postgres"), user, dbname)


def configure(st, role):
    """Write the lab's own settings of a node.  They stand in conf.d and not on the
    command line: there they would beat ALTER SYSTEM."""
    o = st.d["options"]
    data = datadir(st, role)
    lines = [
        f"listen_addresses = '{HOSTS[role]}'",
        f"port = {st.port('postgres')}",
        f"unix_socket_directories = '{sockdir(st, role)}'",
        f"cluster_name = '{st.name}'",
        f"max_connections = {max(100, o['idle'] + 100)}",
        "log_line_prefix = '%m [%p] %q%u@%d/%a '",
    ]
    if not o["no_pgss"]:
        lines.append("shared_preload_libraries = 'pg_stat_statements'")
        if o["statements"]:
            lines.append(f"pg_stat_statements.max = {2 * o['statements'] + 5000}")
    if o["fast"]:
        lines += ["fsync = off", "full_page_writes = off"]
    if o["ssl"]:
        _certificate(st, data)
        lines.append("ssl = on")
    settings = o["set"] + (o["standby_set"] if role == "standby" else [])
    for item in settings:
        name, eq, value = item.partition("=")
        if not eq:
            raise LabError(f"--set wants name=value, not {item}")
        lines.append("{} = '{}'".format(name.strip(), value.replace("'", "''")))
    os.makedirs(f"{data}/conf.d", exist_ok=True)
    _write(f"{data}/conf.d/lab.conf", "\n".join(lines) + "\n")
    hba = o["hba"] + ["local all all trust", "host all all 127.0.0.0/8 trust",
                      "host all all ::1/128 trust",
                      "local replication all trust",
                      "host replication all 127.0.0.0/8 trust"]
    _write(f"{data}/pg_hba.conf", "\n".join(hba) + "\n")
    user = proc.server_user()
    for path in (f"{data}/conf.d", f"{data}/conf.d/lab.conf", f"{data}/pg_hba.conf"):
        os.chown(path, user.pw_uid, user.pw_gid)
    os.makedirs(sockdir(st, role), exist_ok=True)
    os.chown(sockdir(st, role), user.pw_uid, user.pw_gid)


def _certificate(st, data):
    """A self-signed one for localhost, which is its own root: PGT_SSLROOTCERT."""
    proc.run(["openssl", "req", "-new", "-x509", "-nodes", "-days", "30", "-batch",
              "-newkey", "rsa:2048", "-subj", "/CN=localhost",
              "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:127.0.0.2",
              "-keyout", f"{data}/server.key", "-out", f"{data}/server.crt"])
    user = proc.server_user()
    for name in ("server.key", "server.crt"):
        os.chown(f"{data}/{name}", user.pw_uid, user.pw_gid)
    os.chmod(f"{data}/server.key", 0o600)
    if data == datadir(st, "primary"):
        shutil.copyfile(f"{data}/server.crt", f"{st.dir}/conf/root.crt")


def _write(path, text):
    with open(path, "w") as f:
        f.write(text)


def make_primary(st):
    major = st.d["options"]["major"]
    data = datadir(st, "primary")
    template.copy(major, data)
    with open(f"{data}/postgresql.conf", "a") as f:
        f.write("\ninclude_dir = 'conf.d'\n")
    configure(st, "primary")
    start(st, "primary")
    if st.d["options"]["no_pgss"]:
        for db in ("postgres", "bench"):
            with connect(st, dbname=db) as c:
                c.query("DROP EXTENSION pg_stat_statements")


def make_standby(st):
    """A base backup by the low-level interface: the same on each major, where Debian's
    pg_basebackup 15 refuses 16 and later."""
    major = st.d["options"]["major"]
    data = datadir(st, "standby")
    start_fn, stop_fn = (
        ("pg_backup_start('lab', true)", "labelfile FROM pg_backup_stop(false)")
        if major >= 15 else
        ("pg_start_backup('lab', true, false)", "labelfile FROM pg_stop_backup(false, false)"))
    with connect(st) as c:
        # Keeps the WAL since now, so that the copy needs none of its own.
        c.query(f"SELECT pg_create_physical_replication_slot('{SLOT}', true)")
        c.query(f"SELECT {start_fn}")
        shutil.rmtree(data, ignore_errors=True)
        proc.run(["cp", "-a", "--reflink=auto", datadir(st, "primary"), data])
        label = c.value(f"SELECT {stop_fn}")
    for name in ("postmaster.pid", "postmaster.opts"):
        if os.path.exists(f"{data}/{name}"):
            os.unlink(f"{data}/{name}")
    for sub in ("pg_replslot", "pg_wal", "pg_stat_tmp"):
        for name in os.listdir(f"{data}/{sub}"):
            path = f"{data}/{sub}/{name}"
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    user = proc.server_user()
    for sub in ("pg_wal/archive_status", "pg_wal/summaries"):
        os.mkdir(f"{data}/{sub}", 0o700)
        os.chown(f"{data}/{sub}", user.pw_uid, user.pw_gid)
    _write(f"{data}/backup_label", label)
    _write(f"{data}/standby.signal", "")
    for name in ("backup_label", "standby.signal"):
        os.chown(f"{data}/{name}", user.pw_uid, user.pw_gid)
    configure(st, "standby")
    with open(f"{data}/conf.d/lab.conf", "a") as f:
        f.write(f"primary_conninfo = 'host={HOSTS['primary']} port={st.port('postgres')} "
                f"user=postgres application_name=standby'\n"
                f"primary_slot_name = '{SLOT}'\n")
    start(st, "standby")
    wait_streaming(st)


def wait_streaming(st):
    def streaming():
        with connect(st) as c:
            return c.value("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'")
    proc.poll_until("streaming replication", 30, streaming, log=st.log("standby"))


def start(st, role):
    data = datadir(st, role)
    if not os.path.isdir(data):
        raise LabError(f"lab {st.name} has no {role}")
    if st.d["options"]["patroni"]:
        raise LabError(f"Patroni starts the servers here: start patroni-{role}")
    if proc.alive(live(st, role)):
        raise LabError(f"{role} already runs")
    # After a kill -9 the old backends still hold the shared memory for a moment.
    proc.poll_until(f"old {role} processes to end", 20,
                    lambda: not _processes_in(data), log=st.log(role))
    for stale in (f"{data}/postmaster.pid",
                  f"{sockdir(st, role)}/.s.PGSQL.{st.port('postgres')}.lock"):
        # Left by a crash.  A server takes the zombie of its predecessor, that nobody has
        # collected yet, for a running one; no process works here any more (above).
        if os.path.exists(stale):
            os.unlink(stale)
    binary = f"{template.bindir(st.d['options']['major'])}/postgres"
    rec = st.spawn(role, [binary, "-D", data], st.log(role))
    template.wait_ready(rec, data, st.log(role))
    return rec


def _processes_in(data):
    """Processes of this cluster: a server's processes all work in its data folder."""
    found = []
    real = os.path.realpath(data)
    for pid in os.listdir("/proc"):
        if not pid.isdigit():
            continue
        try:
            # The program too: a shell that stands in the folder is not ours to end.
            if os.readlink(f"/proc/{pid}/cwd") == real and \
                    os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "postgres":
                rec = proc.identify(int(pid))
                if proc.alive(rec):
                    found.append(rec)
        except (OSError, LabError):
            pass
    return found


def live(st, role):
    """The running postmaster of a node, or None.  Under Patroni it is not our child, and
    may have been restarted since: then it is the process in postmaster.pid, if that works
    in this very data folder."""
    rec = st.rec(role)
    if proc.alive(rec):
        return rec
    data = datadir(st, role)
    entry = template.pidfile(data)
    for rec in _processes_in(data) if entry else []:
        if rec["pid"] == entry[0]:
            return rec
    return None


def stop(st, role, mode="fast"):
    rec = live(st, role)
    if rec is None:
        raise LabError(f"{role} does not run")
    if not proc.end(rec, STOP[mode], 30):
        raise LabError(f"{role} did not stop")


def kill(st, role):
    """What a crash looks like: SIGKILL to the postmaster.  Its children notice."""
    rec = live(st, role)
    if rec is None or not proc.send(rec, signal.SIGKILL):
        raise LabError(f"{role} does not run")
    proc.wait_gone(rec, 5)


def sweep(st, role):
    """End what is left of a node that is about to be deleted."""
    rec = live(st, role)
    if rec is not None:
        for child in proc.descendants(rec["pid"]):
            proc.send(child, signal.SIGCONT)
        proc.end(rec, signal.SIGQUIT, 5)
    if os.path.isdir(datadir(st, role)):
        for rec in _processes_in(datadir(st, role)):
            proc.end(rec, signal.SIGKILL, 5)


def promote(st):
    with connect(st, "standby") as c:
        if c.value("SELECT pg_promote(true, 30)") != "t":
            raise LabError("the standby was not promoted")
