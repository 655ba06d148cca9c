"""The program under test."""
import collections
import os
import subprocess

from . import ROOT, clean_env

Result = collections.namedtuple("Result", "rc out err")


def path():
    """build/pg2une, or what PG2UNE_BIN says (a sanitizer build)."""
    return os.environ.get("PG2UNE_BIN") or f"{ROOT}/build/pg2une"


def environment(lab=None, home=None, extra=None):
    """The environment the program gets: a lab's, and folders of its own to write to."""
    env = clean_env(lab.env if lab else None)
    env.setdefault("TERM", "dumb")
    if home:
        env["HOME"] = str(home)
        for name, sub in (("XDG_CONFIG_HOME", ".config"), ("XDG_STATE_HOME", ".state"),
                          ("XDG_DATA_HOME", ".data"), ("XDG_CACHE_HOME", ".cache"),
                          ("XDG_RUNTIME_DIR", ".run")):
            env[name] = f"{home}/{sub}"
            os.makedirs(env[name], mode=0o700, exist_ok=True)
    env.update({k: str(v) for k, v in (extra or {}).items()})
    return env


def run(args, env, timeout=30, stdin=None):
    """Run to the end without a terminal; bytes that are no UTF-8 survive as surrogates."""
    p = subprocess.run([path(), *map(str, args)], env=env, timeout=timeout,
                       input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                       capture_output=True, text=True, errors="surrogateescape")
    return Result(p.returncode, p.stdout, p.stderr)
