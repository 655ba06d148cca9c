"""What a shell or a test needs to reach a lab."""
import shlex

from . import server, template


def variables(st):
    o = st.d["options"]
    port = st.port("postgres")
    out = {
        "PGHOST": server.HOSTS["primary"],
        "PGPORT": port,
        "PGUSER": "postgres",
        "PGDATABASE": "bench",
        "PGT_LAB": st.name,
        "PGT_LAB_DIR": st.dir,
        "PGT_MAJOR": o["major"],
        "PGT_BINDIR": template.bindir(o["major"]),
        "PGT_DATADIR": server.datadir(st, "primary"),
        "PGT_SOCKDIR": server.sockdir(st, "primary"),
        "PGT_LOG": st.log("primary"),
    }
    if o["ssl"]:
        out["PGT_SSLROOTCERT"] = f"{st.dir}/conf/root.crt"
    if o["standby"] or o["patroni"]:
        out.update({
            "PGT_STANDBY_HOST": server.HOSTS["standby"],
            "PGT_STANDBY_PORT": port,
            "PGT_STANDBY_DATADIR": server.datadir(st, "standby"),
            "PGT_STANDBY_SOCKDIR": server.sockdir(st, "standby"),
            "PGT_STANDBY_LOG": st.log("standby"),
        })
    if o["pgbouncer"]:
        out.update({
            "PGT_PGBOUNCER_HOST": "127.0.0.1",
            "PGT_PGBOUNCER_PORT": st.port("pgbouncer"),
            "PGT_PGBOUNCER_ADMIN": f"host=127.0.0.1 port={st.port('pgbouncer')} "
                                   "user=pgbadmin dbname=pgbouncer",
            "PGT_ROUTES_FILE": f"{st.dir}/conf/routes.ini",
        })
    if o["haproxy"]:
        out.update({
            "PGT_HAPROXY_HOST": "127.0.0.1",
            "PGT_HAPROXY_PORT": st.port("haproxy"),
            "PGT_HAPROXY_SOCKET": f"{st.dir}/run/haproxy.sock",
        })
    if o["patroni"]:
        port = st.port("patroni")
        out.update({
            "PGT_PATRONI_URL": f"http://127.0.0.1:{port}",
            "PGT_PATRONI_STANDBY_URL": f"http://127.0.0.2:{port}",
            "PGT_PATRONI_USER": "lab",
            "PGT_PATRONI_PASSWORD": "lab-secret",
        })
    return {k: str(v) for k, v in out.items()}


def shell(st):
    return "\n".join(f"export {k}={shlex.quote(v)}" for k, v in variables(st).items())
