"""PgBouncer and HAProxy in front of the nodes."""
import os
import signal
import time

from . import LabError, proc, server, wire

ADMIN = "pgbadmin"
ROUTES = 20         # host entries of bench_ro: one is 5 % of the connections
USERS = ("postgres", "app", "monitor", "tuner", "nobody_role", ADMIN, "pgbstats")

PGBOUNCER = """\
[databases]
; Writes: the primary, always.
bench = host={primary} port={port} dbname=bench
; Reads: the host list in the file that a router rewrites.
%include {dir}/conf/routes.ini

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir = {dir}/sock
auth_type = trust
auth_file = {dir}/conf/users.txt
admin_users = {admin}
stats_users = pgbstats
pool_mode = transaction
server_round_robin = 1
default_pool_size = 20
min_pool_size = 20
max_client_conn = 2000
ignore_startup_parameters = extra_float_digits,search_path,options
logfile = {dir}/log/pgbouncer.log
pidfile = {dir}/run/pgbouncer.pid
"""

HAPROXY = """\
global
    stats socket {dir}/run/haproxy.sock mode 600 level admin
    stats timeout 1h
    maxconn 2000

defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h

frontend bench
    bind 127.0.0.1:{listen}
    default_backend nodes

backend nodes
    balance roundrobin
    default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
    server primary {primary}:{port} check weight 100
    server canary {standby}:{port} {check} weight 0
"""


def routes_line(st, percent):
    """bench_ro's 20 hosts, the standby's evenly among the primary's."""
    count = round(percent * ROUTES / 100)
    hosts = [server.HOSTS["standby" if (i + 1) * count // ROUTES > i * count // ROUTES
                          else "primary"] for i in range(ROUTES)]
    return f"bench_ro = host={','.join(hosts)} port={st.port('postgres')} dbname=bench\n"


def write_routes(st, percent):
    """By rename: PgBouncer must never read half a file."""
    path = f"{st.dir}/conf/routes.ini"
    with open(f"{path}.tmp", "w") as f:
        f.write(routes_line(st, percent))
    os.rename(f"{path}.tmp", path)


def admin(st):
    return wire.Conn("127.0.0.1", st.port("pgbouncer"), ADMIN, "pgbouncer")


def route(st, percent):
    """Send percent of bench_ro's new transactions to the standby.  RELOAD only, and only
    while no server connection is at its login: anything else can stall all clients for
    server_login_retry."""
    if st.port("pgbouncer") is None:
        raise LabError(f"lab {st.name} has no pgbouncer")
    write_routes(st, percent)
    looks, begun = [], time.monotonic()

    def logged_in():
        """A pool that is being filled logs in one after the other, up to 333 ms apart
        (its housekeeping, for min_pool_size): calm is when all its connections have
        stayed the same for longer, if they ever do."""
        with admin(st) as c:
            names, rows = c.table("SHOW POOLS")
        count = {n: sum(int(r[i] or 0) for r in rows) for i, n in enumerate(names)
                 if n.startswith("sv_")}
        looks.append((count.pop("sv_login"), sum(count.values())))
        time.sleep(0.05)
        return all(login == 0 for login, _ in looks[-2:]) and (
            len(looks) > 9 and len(set(looks[-10:])) == 1 or time.monotonic() - begun > 10)
    proc.poll_until("PgBouncer's logins", 20, logged_in)
    with admin(st) as c:
        c.query("RELOAD")


def start(st, role):
    if proc.alive(st.rec(role)):
        raise LabError(f"{role} already runs")
    values = {"dir": st.dir, "port": st.port("postgres"), "listen": st.port(role),
              "primary": server.HOSTS["primary"], "standby": server.HOSTS["standby"],
              "admin": ADMIN,
              "check": "check" if os.path.isdir(server.datadir(st, "standby"))
                       else "disabled"}
    if values["listen"] is None:
        raise LabError(f"lab {st.name} has no {role}")
    argv = (_pgbouncer if role == "pgbouncer" else _haproxy)(st, values)
    log = f"{st.dir}/log/{role}.out"
    rec = st.spawn(role, argv, log)
    proc.poll_until(role, 20, lambda: _answers(st, role), rec, log)


def _pgbouncer(st, values):
    ini = f"{st.dir}/conf/pgbouncer.ini"
    with open(ini, "w") as f:
        f.write(PGBOUNCER.format(**values))
    with open(f"{st.dir}/conf/users.txt", "w") as f:
        f.write("".join(f'"{u}" ""\n' for u in USERS))
    if not os.path.exists(f"{st.dir}/conf/routes.ini"):
        write_routes(st, 0)
    if os.path.exists(f"{st.dir}/run/pgbouncer.pid"):
        os.unlink(f"{st.dir}/run/pgbouncer.pid")    # left by a kill
    return ["/usr/sbin/pgbouncer", ini]


def _haproxy(st, values):
    cfg = f"{st.dir}/conf/haproxy.cfg"
    with open(cfg, "w") as f:
        f.write(HAPROXY.format(**values))
    return ["/usr/sbin/haproxy", "-db", "-f", cfg]


def _answers(st, role):
    try:
        with wire.Conn("127.0.0.1", st.port(role), "postgres", "bench") as c:
            return c.value("SELECT 1") == "1"
    except (OSError, LabError):
        return False


def live(st, role):
    rec = st.rec(role)
    return rec if proc.alive(rec) else None


def stop(st, role, _mode="fast"):
    # PgBouncer: SIGINT waits for its clients, SIGTERM does not; HAProxy: likewise SIGUSR1.
    rec = live(st, role)
    if rec is None:
        raise LabError(f"{role} does not run")
    if not proc.end(rec, signal.SIGTERM, 10):
        raise LabError(f"{role} did not stop")


def kill(st, role):
    rec = live(st, role)
    if rec is None or not proc.send(rec, signal.SIGKILL):
        raise LabError(f"{role} does not run")
    proc.wait_gone(rec, 5)
