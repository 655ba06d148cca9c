"""What a lab is made of, and in which order it comes up and goes down."""
import signal
import sys

from . import LabError, ha, load, pooler, proc, server, template

UNITS = {"primary": server, "standby": server, "pgbouncer": pooler, "haproxy": pooler,
         "patroni-primary": ha, "patroni-standby": ha}
ROLES = tuple(UNITS)


def up(st, o):
    if o["patroni"]:
        o["major"], o["standby"] = ha.MAJOR, False
    template.bindir(o["major"])     # before anything is made: is it there at all?
    owner = proc.identify(o["owner"]) if o["owner"] else None
    st.create(o)
    try:
        st.d["owner"] = owner
        st.take_ports("postgres", *[r for r in ("pgbouncer", "haproxy") if o[r]],
                      *(("patroni", "etcd", "etcd-peer") if o["patroni"] else ()))
        _up(st, o)
    except BaseException:
        down(st)
        raise


def _up(st, o):
    if o["patroni"]:
        ha.up(st)
    else:
        server.make_primary(st)
    if o["scale"] > 1:
        load.scale(st, o["scale"])
    if o["standby"]:
        server.make_standby(st)
    for role in ("pgbouncer", "haproxy"):
        if o[role]:
            pooler.start(st, role)
    if o["statements"]:
        load.statements(st, o["statements"])
    if o["idle"]:
        load.hold(st, "idle", o["idle"])
    if o["blocker"]:
        load.hold(st, "block")
    if o["load"]:
        load.start(st, {k[5:]: v for k, v in o.items() if k.startswith("load_")})


def down(st):
    """End every process that this lab recorded, clients before servers, and delete it."""
    for sig in proc.ENDING:     # half of it would be worse than a late exit
        signal.signal(sig, signal.SIG_IGN)
    procs = st.d["procs"]
    clients = [r for r in procs if r.startswith(("load", "idle", "block"))]
    for role in clients + ["haproxy", "pgbouncer"]:
        if role.startswith("load") and role in procs:
            load.stop(st, role[5:] or "main", 2)
        elif role in procs:
            proc.end(procs[role], signal.SIGTERM, 3)
    ha.down(st)
    for role in ("standby", "primary"):
        server.sweep(st, role)
    left = [r for r in procs if proc.alive(procs[r])]
    if left:
        raise LabError(f"lab {st.name}: still running: {' '.join(left)}")
    st.remove()


def summary(st):
    extra = [r for r in sorted(st.d["procs"]) if r != "primary"]
    return f" with {', '.join(extra)}" if extra else ""


def act(st, verb, role, mode):
    """start, stop, restart, kill, freeze or thaw one process of a lab."""
    unit = UNITS[role]
    rec = unit.live(st, role)
    if verb in ("freeze", "thaw"):
        if rec is None:
            raise LabError(f"{role} does not run")
        getattr(proc, verb)(rec)
    elif verb == "restart":
        if rec is not None:
            unit.stop(st, role, mode)
        unit.start(st, role)
    elif verb == "stop":
        unit.stop(st, role, mode)
    else:
        getattr(unit, verb)(st, role)


def load_options(v, prefix="--"):
    v.add_argument(f"{prefix}rate", type=int, default=200, metavar="TPS",
                   help="transactions a second, 0 = unlimited (200)")
    v.add_argument(f"{prefix}clients", type=int, default=8)
    v.add_argument(f"{prefix}mode", default="rw", metavar="rw|ro|NAME[@W],...",
                   help="TPC-B, look-ups, or scripts: paths or names of tests/lab/load")
    v.add_argument(f"{prefix}via", choices=load.VIA, default="primary")
    v.add_argument(f"{prefix}log", action="store_true",
                   help="write one line a transaction (lab pgbench-log)")
    v.add_argument(f"{prefix}time", type=int, default=0, metavar="S",
                   help="end by itself after S seconds")
    v.add_argument(f"{prefix}keep", action="store_true",
                   help="start again when the server comes back")
    v.add_argument(f"{prefix}tag", default="main", help="name, for several loads at once")
    v.add_argument(f"{prefix}protocol", default="simple",
                   choices=("simple", "extended", "prepared"))


def add_verbs(verb, opened):
    def cmd_load(args):
        with opened(args) as st:
            if args.action == "start":
                load.start(st, vars(args))
            else:
                load.stop(st, args.tag)

    def cmd_log(args):
        with opened(args) as st:
            for path in load.logs(st, args.tag):
                with open(path) as f:
                    sys.stdout.write(f.read() if args.cat else f"{path}\n")

    def cmd_hold(args):
        with opened(args) as st:
            if args.action == "stop":
                load.release(st, args.verb)
            elif args.verb == "block":
                load.hold(st, "block", args.what or "")
            else:
                load.hold(st, "idle", int(args.what or 100))

    def cmd_route(args):
        with opened(args) as st:
            pooler.route(st, args.percent)

    def cmd_regress(args):
        with opened(args) as st:
            load.regress(st, args.recipe, args.action, args.role)

    v = verb("regress", cmd_regress, "make a node worse in a known way, or well again")
    v.add_argument("action", choices=("start", "stop"))
    v.add_argument("recipe", metavar="|".join(load.recipes()), choices=load.recipes())
    v.add_argument("--role", choices=("primary", "standby"), default="primary")
    v = verb("load", cmd_load, "start or stop a pgbench load")
    v.add_argument("action", choices=("start", "stop"))
    load_options(v)
    v = verb("pgbench-log", cmd_log, "the per-transaction logs of a load")
    v.add_argument("--tag", default="main")
    v.add_argument("--cat", action="store_true", help="the lines, not the paths")
    v = verb("route", cmd_route, "send a share of bench_ro to the standby")
    v.add_argument("percent", type=float)
    for name, what in (("block", "SQL of the holder"), ("idle", "how many")):
        v = verb(name, cmd_hold, f"start or stop the {name} sessions")
        v.add_argument("action", choices=("start", "stop"))
        v.add_argument("what", nargs="?", help=what)
