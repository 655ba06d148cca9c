"""The command line of tests/lab/lab."""
import argparse
import contextlib
import os
import signal
import sys
import time

from . import LabError, env, proc, server, state, topology


def main(argv):
    args = parser().parse_args(argv)
    os.umask(0o022)     # the servers' user reads what we write
    for sig in proc.ENDING:
        signal.signal(sig, proc.interrupted)
    try:
        return args.run(args) or 0
    except (LabError, OSError) as e:
        print(f"lab: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted", file=sys.stderr)
        return 130


@contextlib.contextmanager
def held(name):
    """A lab's state, locked against other commands; it need not exist."""
    st = state.State(name).lock()
    try:
        yield st
    finally:
        st.unlock()


@contextlib.contextmanager
def opened(args):
    """The state of a lab that must exist, locked."""
    with held(args.name) as st:
        yield st.load()


def cmd_up(args):
    begin = time.monotonic()
    options = {k: v for k, v in vars(args).items() if k not in ("run", "name", "verb")}
    with held(args.name) as st:
        topology.up(st, options)
    if not args.quiet:
        print(f"lab {args.name}: PostgreSQL {options['major']} on "
              f"{server.HOSTS['primary']}:{st.port('postgres')}"
              f"{topology.summary(st)} up in {time.monotonic() - begin:.2f} s")


def cmd_down(args):
    for name in state.lab_names() if args.all else args.names:
        with held(name) as st:
            if st.exists():
                topology.down(st.load())
            elif not args.all:
                raise LabError(f"no lab named {name}")


def cmd_reap(_args):
    """Labs whose owner is dead: what a killed test run leaves behind."""
    for name in state.lab_names():
        if _orphan(name):
            with held(name) as st:
                if st.exists():
                    topology.down(st.load())
                    print(f"lab {name}: its owner is gone, taken down")


def _orphan(name):
    """Without the lock: a lab that is coming up now would keep us waiting for it."""
    try:
        owner = state.State(name).load().d.get("owner")
    except LabError:
        return False
    return owner is not None and not proc.alive(owner)


def cmd_env(args):
    print(env.shell(state.State(args.name).load()))


def cmd_list(_args):
    for name in state.lab_names():
        try:
            st = state.State(name).load()
        except LabError:
            continue        # taken down meanwhile
        roles = " ".join(f"{r}{'' if proc.alive(p) else '(dead)'}"
                         for r, p in sorted(st.d["procs"].items()))
        print(f"{name}  PostgreSQL {st.d['options']['major']}  "
              f"port {st.port('postgres')}  {roles}")


def cmd_exec(args):
    st = state.State(args.name).load()
    words = args.cmd[1:] if args.cmd[:1] == ["--"] else args.cmd
    if not words:
        raise LabError("exec: no command")
    os.execvpe(words[0], words, {**proc.clean_env(), **env.variables(st)})


def cmd_node(args):
    with opened(args) as st:
        topology.act(st, args.verb, args.role, args.mode)


def cmd_promote(args):
    with opened(args) as st:
        server.promote(st)


def parser():
    p = argparse.ArgumentParser(prog="lab", description=__doc__)
    sub = p.add_subparsers(required=True, metavar="COMMAND")

    def verb(name, run, text, named=True):
        v = sub.add_parser(name, help=text, description=text)
        v.set_defaults(run=run, verb=name)
        if named:
            v.add_argument("name", metavar="NAME")
        return v

    up_options(verb("up", cmd_up, "bring up a lab"))
    v = verb("down", cmd_down, "take labs down", named=False)
    v.add_argument("names", nargs="*", metavar="NAME")
    v.add_argument("--all", action="store_true", help="every lab of this user")
    verb("reap", cmd_reap, "take down labs whose owner is dead", named=False)
    verb("env", cmd_env, "print what to eval in a shell")
    verb("list", cmd_list, "labs and their processes", named=False)
    v = verb("exec", cmd_exec, "run a command with the lab's environment")
    v.add_argument("cmd", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    for name in ("start", "stop", "restart", "kill", "freeze", "thaw"):
        v = verb(name, cmd_node, f"{name} one process of a lab")
        v.add_argument("role", choices=topology.ROLES)
        v.add_argument("--mode", choices=sorted(server.STOP), default="fast",
                       help="how a server is stopped")
    verb("promote", cmd_promote, "make the standby a primary")
    topology.add_verbs(verb, opened)
    return p


def up_options(v):
    v.add_argument("--major", type=int, default=17)
    for name, text in (("standby", "a streaming standby on 127.0.0.2, same port"),
                       ("pgbouncer", "PgBouncer in front: bench, and bench_ro by routes"),
                       ("haproxy", "HAProxy in front, canary weight 0"),
                       ("patroni", "two nodes under Patroni and etcd (major 15)"),
                       ("load", "a pgbench load"),
                       ("blocker", "an idle transaction that blocks three sessions"),
                       ("no-pgss", "without pg_stat_statements"),
                       ("ssl", "TLS, with a self-signed certificate"),
                       ("fast", "fsync=off: for tests that do not measure"),
                       ("quiet", "print nothing")):
        v.add_argument(f"--{name}", action="store_true", help=text)
    topology.load_options(v, "--load-")
    v.add_argument("--scale", type=int, default=1, help="pgbench scale")
    v.add_argument("--statements", type=int, default=0, metavar="N",
                   help="distinct statements in pg_stat_statements")
    v.add_argument("--idle", type=int, default=0, metavar="N", help="idle connections")
    v.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                   help="a setting of every node")
    v.add_argument("--standby-set", action="append", default=[], metavar="NAME=VALUE")
    v.add_argument("--hba", action="append", default=[], metavar="LINE",
                   help="a pg_hba.conf line before the trusting ones")
    v.add_argument("--owner", type=int, metavar="PID",
                   help="`lab reap` takes the lab down when this process is dead")
