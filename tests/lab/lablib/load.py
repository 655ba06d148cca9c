"""What keeps a server busy: pgbench, blocked sessions, statements, idle connections."""
import os

from . import LabError, proc, server, template, wire

HOLDER = f"{template.HERE}/lablib/holder.py"
VIA = ("primary", "standby", "pgbouncer", "pgbouncer_ro", "haproxy")


def address(st, via):
    """(host, port, database) of a way into the lab."""
    if via in server.HOSTS:
        return server.HOSTS[via], st.port("postgres"), "bench"
    port = st.port("pgbouncer" if via.startswith("pgbouncer") else via)
    if port is None:
        raise LabError(f"lab {st.name} has no {via}")
    return "127.0.0.1", port, "bench_ro" if via == "pgbouncer_ro" else "bench"


def load_role(tag):
    return "load" if tag == "main" else f"load-{tag}"


def script(item):
    """NAME[@WEIGHT] or PATH[@WEIGHT] as pgbench -f wants it; names are of tests/lab/load."""
    path, at, weight = item.partition("@")
    if "/" not in path and not os.path.exists(path):
        path = f"{template.HERE}/load/{path}.sql"
    if not os.path.exists(path):
        raise LabError(f"no such load: {item}")
    return os.path.abspath(path) + at + weight


def start(st, o):
    """Start a pgbench.  o: rate, clients, mode, via, log, time, keep, tag, protocol."""
    role = load_role(o["tag"])
    if proc.alive(st.rec(role)):
        raise LabError(f"load {o['tag']} already runs")
    host, port, db = address(st, o["via"])
    argv = ["pgbench", "-h", host, "-p", str(port), "-U", "app", "-n",
            "-c", str(o["clients"]), "-j", "2" if o["clients"] > 1 else "1",
            "-T", str(o["time"] or 10_000_000), "-P", "5", "--protocol", o["protocol"]]
    if o["rate"] > 0:
        argv += ["-R", str(o["rate"])]
    if o["mode"] == "ro":
        argv += ["-S"]
    elif o["mode"] != "rw":
        for item in o["mode"].split(","):
            argv += ["-f", script(item)]
    if o["log"]:
        for old in logs(st, o["tag"]):
            os.unlink(old)
        argv += ["-l", "--log-prefix", f"{st.dir}/log/pgbench_{o['tag']}"]
    argv.append(db)
    if o["keep"]:
        argv = ["/usr/bin/python3", HOLDER, "keep"] + argv
    log = st.log(role)
    if os.path.exists(log):
        os.unlink(log)
    st.spawn(role, argv, log, env={"PGAPPNAME": f"pgbench-{o['tag']}"})
    role = o["via"] if o["via"] in server.HOSTS else "primary"
    proc.poll_until("load to begin", 20, lambda: _begun(st, role, o["tag"]),
                    st.rec(load_role(o["tag"])), log)


def _begun(st, role, tag):
    """True once a session of this very load is on the server it goes to."""
    with server.connect(st, role) as c:
        return c.value("SELECT 1 FROM pg_stat_activity WHERE "
                       f"application_name = 'pgbench-{tag}' LIMIT 1")


def stop(st, tag, seconds=10):
    role = load_role(tag)
    rec = st.rec(role)
    if rec is None:
        raise LabError(f"no load {tag}")
    below = proc.descendants(rec["pid"]) if proc.alive(rec) else []
    proc.end(rec, proc.signal.SIGTERM, seconds)
    for child in below:
        proc.end(child, proc.signal.SIGTERM, 2)
    st.forget(role)


def logs(st, tag):
    """The per-transaction logs that pgbench wrote, one a thread."""
    prefix = f"pgbench_{tag}."
    return sorted(f"{st.dir}/log/{n}" for n in os.listdir(f"{st.dir}/log")
                  if n.startswith(prefix))


def scale(st, n):
    host, port, db = address(st, "primary")
    proc.run(["pgbench", "-h", host, "-p", str(port), "-U", "app", "-q", "-i",
              "-I", "dtGvp", "-s", str(n), db])


def statements(st, n):
    """n statements that pg_stat_statements tells apart.  A different constant or name of
    a column would not do: what counts is the shape, so each bit of a number chooses one
    of two columns to compare."""
    with wire.Conn("127.0.0.1", st.port("postgres"), "app", "bench", "lab-statements",
                   60) as c:
        c.query("CREATE TABLE IF NOT EXISTS lab_wide (customer_reference int, "
                "delivery_address_id int); SET plan_cache_mode = force_generic_plan")
        batch = []
        for i in range(n):
            tests = [f"{'customer_reference' if i >> b & 1 else 'delivery_address_id'} "
                     f"<> {b}" for b in range(max(1, (n - 1).bit_length()))]
            batch.append(f"SELECT count(*) FROM lab_wide WHERE {' AND '.join(tests)}")
            if len(batch) == 200 or i == n - 1:
                c.query(";".join(batch))
                batch = []


def hold(st, role, *words):
    """A process that holds connections open until it is ended."""
    if proc.alive(st.rec(role)):
        raise LabError(f"{role} already runs")
    log = st.log(role)
    if os.path.exists(log):
        os.unlink(log)
    rec = st.spawn(role, ["/usr/bin/python3", HOLDER, role, "127.0.0.1",
                          str(st.port("postgres")), *map(str, words)], log)
    proc.poll_until(role, 120, lambda: "ready" in proc.tail(log), rec, log)


def release(st, role):
    rec = st.rec(role)
    if rec is None:
        raise LabError(f"no {role}")
    proc.end(rec)
    st.forget(role)


def recipes():
    return sorted(n[:-4] for n in os.listdir(f"{template.HERE}/regress")
                  if n.endswith(".sql"))


def regress(st, recipe, action, role):
    """Run the on or off part of a recipe, each statement by itself: ALTER SYSTEM may not
    be in a transaction, and several in one message would be one."""
    on, _, off = template.read_sql(f"regress/{recipe}.sql").partition("-- off\n")
    lines = (on if action == "start" else off).split("\n")
    with server.connect(st, role, "bench") as c:
        for line in lines:
            if line and not line.startswith("--"):
                c.query(line)
