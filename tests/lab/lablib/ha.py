"""Two nodes under Patroni, with an etcd of their own."""
import base64
import json
import os
import signal
import urllib.error
import urllib.request

from . import LabError, proc, server, template

USER, PASSWORD = "lab", "lab-secret"
MAJOR = 15              # Debian's Patroni wants clients that only Debian's major has
PROCS = ("patroni-standby", "patroni-primary", "etcd")

CONFIG = """\
scope: {name}
namespace: /lab/
name: {role}
restapi:
  listen: {host}:{rest}
  connect_address: {host}:{rest}
  authentication: {{username: {user}, password: {password}}}
etcd3:
  host: 127.0.0.1:{etcd}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 2
    retry_timeout: 5
    maximum_lag_on_failover: 1048576
    postgresql:
      use_pg_rewind: true
      use_slots: true
      parameters: {{}}
  method: lab
  lab:
    command: {command}
    no_params: true
postgresql:
  listen: {host}:{port}
  connect_address: {host}:{port}
  data_dir: {data}
  bin_dir: {bindir}
  config_dir: {data}
  pgpass: {dir}/run/pgpass-{role}
  remove_data_directory_on_diverged_timelines: true
  authentication:
    superuser: {{username: postgres}}
    replication: {{username: postgres}}
    rewind: {{username: postgres}}
  pg_hba:
    - local all all trust
    - host all all 127.0.0.0/8 trust
    - host replication all 127.0.0.0/8 trust
  parameters:
    unix_socket_directories: {sock}
    shared_preload_libraries: {preload}
    logging_collector: "off"
    log_destination: stderr
    # The replica asks for its slot before the leader made it, and would wait 5 s.
    wal_retrieve_retry_interval: 200ms
"""


def up(st):
    etcd, peer = st.port("etcd"), st.port("etcd-peer")
    user = proc.server_user()
    os.mkdir(f"{st.dir}/etcd", 0o700)
    os.chown(f"{st.dir}/etcd", user.pw_uid, user.pw_gid)
    rec = st.spawn(
        "etcd",
        ["etcd", "--name", st.name, "--data-dir", f"{st.dir}/etcd",
         "--listen-client-urls", f"http://127.0.0.1:{etcd}",
         "--advertise-client-urls", f"http://127.0.0.1:{etcd}",
         "--listen-peer-urls", f"http://127.0.0.1:{peer}",
         "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
         "--initial-cluster", f"{st.name}=http://127.0.0.1:{peer}"],
        st.log("etcd"))
    proc.poll_until("etcd", 30, lambda: get(f"http://127.0.0.1:{etcd}/health")[0] == 200,
                    rec, st.log("etcd"))
    launch(st, "patroni-primary")
    # The first to ask leads: let that be the node on 127.0.0.1.
    lock = f"http://127.0.0.1:{st.port('patroni')}/patroni"
    proc.poll_until("Patroni", 30, lambda: get(lock)[0], st.rec("patroni-primary"),
                    st.log("patroni-primary"))
    proc.poll_until("the leader's claim", 30, lambda: _initializing(st),
                    st.rec("patroni-primary"), st.log("patroni-primary"))
    launch(st, "patroni-standby")
    for role in ("primary", "standby"):
        wait_running(st, role)
    server.wait_streaming(st)


def _initializing(st):
    """True once the first node holds the cluster's initialize key (or more) in etcd."""
    def b64(text):
        return base64.b64encode(text.encode()).decode()
    prefix = f"/lab/{st.name}/"
    body = json.dumps({"key": b64(prefix), "range_end": b64(prefix[:-1] + "0"),
                       "count_only": True}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{st.port('etcd')}/v3/kv/range", body,
                                timeout=5) as r:
        return int(json.loads(r.read().decode()).get("count", 0)) > 0


def url(st, role):
    return f"http://{server.HOSTS[role]}:{st.port('patroni')}"


def start(st, name):
    launch(st, name)
    wait_running(st, name.partition("-")[2])


def launch(st, name):
    if proc.alive(st.rec(name)):
        raise LabError(f"{name} already runs")
    path = f"{st.dir}/conf/{name}.yml"
    if not os.path.exists(path):
        _write_config(st, name.partition("-")[2], path)
    st.spawn(name, ["/usr/bin/patroni", path], st.log(name), cwd=f"{st.dir}/run")


def wait_running(st, role):
    """Until Patroni says that its server runs."""
    def running():
        status, text = get(f"{url(st, role)}/patroni")
        return status in (200, 503) and json.loads(text).get("state") == "running"
    name = f"patroni-{role}"
    proc.poll_until(name, 60, running, st.rec(name), st.log(name))


def _write_config(st, role, path):
    user = proc.server_user()
    data = server.datadir(st, role)
    sock = server.sockdir(st, role)
    os.makedirs(sock, exist_ok=True)
    os.chown(sock, user.pw_uid, user.pw_gid)
    if role == "primary":
        fresh = f"{st.dir}/run/fresh"
        template.copy(MAJOR, fresh)
    os.makedirs(f"{data}", mode=0o700, exist_ok=True)
    os.chown(data, user.pw_uid, user.pw_gid)
    text = CONFIG.format(
        name=st.name, role=role, host=server.HOSTS[role], rest=st.port("patroni"),
        user=USER, password=PASSWORD, etcd=st.port("etcd"), data=data, sock=sock,
        command=f"cp -a {st.dir}/run/fresh/. {data}/", dir=st.dir,
        port=st.port("postgres"), bindir=template.bindir(MAJOR),
        preload="''" if st.d["options"]["no_pgss"] else "pg_stat_statements")
    for item in st.d["options"]["set"]:
        name, _, value = item.partition("=")
        text += f"    {name}: '{value}'\n"
    with open(path, "w") as f:
        f.write(text)


def get(address):
    """(status, text) of a GET; (0, "") when nobody answers."""
    try:
        with urllib.request.urlopen(address, timeout=5) as r:
            return r.status, r.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()
    except OSError:
        return 0, ""


def patch(st, config):
    """Change the dynamic configuration, as an administrator does."""
    token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    req = urllib.request.Request(
        f"{url(st, 'primary')}/config", json.dumps(config).encode(), method="PATCH",
        headers={"Authorization": f"Basic {token}", "Content-Type": "application/json"})
    with urllib.request.urlopen(req, timeout=10) as r:
        return json.loads(r.read().decode())


def live(st, name):
    rec = st.rec(name)
    return rec if proc.alive(rec) else None


def stop(st, name, _mode="fast"):
    rec = live(st, name)
    if rec is None:
        raise LabError(f"{name} does not run")
    if not proc.end(rec, signal.SIGTERM, 30):
        raise LabError(f"{name} did not stop")


def kill(st, name):
    rec = live(st, name)
    if rec is None or not proc.send(rec, signal.SIGKILL):
        raise LabError(f"{name} does not run")
    proc.wait_gone(rec, 5)


def down(st):
    """Patroni is killed before its servers, so that it does not start them anew."""
    for name in PROCS:
        if st.rec(name):
            proc.end(st.rec(name), signal.SIGKILL, 5)
