"""A password that is typed once reaches every session of a change, the guard's too, and
nothing that could be read: neither arguments nor journal."""
import json
import os
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fault"))

import faultlib as fl  # noqa: E402
from harness import binary, labs  # noqa: E402

SECRET = "tell-nobody-4711"


@pytest.fixture(scope="module")
def node(pg2une):
    one = labs.Lab(major=17, fast=True)
    one.sql(f"CREATE ROLE typed LOGIN SUPERUSER PASSWORD '{SECRET}'")
    path = f"{one.env['PGT_DATADIR']}/pg_hba.conf"
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write("host all typed 127.0.0.0/8 scram-sha-256\n" + text)
    one.sql("SELECT pg_reload_conf()")
    yield one
    one.down()


def plan(home):
    path = f"{home}/plan.json"
    with open(path, "w") as f:
        json.dump({"parameters": [{"name": "work_mem", "new_value": "24MB"}]}, f)
    return path


ARGS = ["-U", "typed", "-d", "bench"]


def arguments_and_files(home):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                yield f.read()
        except OSError:
            continue
    for root, _, names in os.walk(home):
        for n in names:
            with open(os.path.join(root, n), "rb") as f:
                yield f.read()


def test_typed_once_and_the_guard_has_it(node, home, console):
    t = console(["config", "apply", "--file", plan(home), "--stabilise", "0s", "--window", "1s",
                 "--deadline", "4s", "-h", node.host, "-p", node.port, *ARGS], lab=node)
    t.wait_for("Password:")
    t.type(SECRET)
    t.keys("Enter")
    t.wait_for("confirm, rollback or later?", 60)
    assert SECRET not in t.screen()
    assert not any(SECRET.encode() in text for text in arguments_and_files(home))
    state = f"{home}/.state"
    assert len(fl.children_of(state)) == 1
    console_pid = None
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
        except OSError:
            continue
        if b"apply" in words and plan(home).encode() in words and b"typed" in words:
            console_pid = int(pid)
    os.kill(console_pid, signal.SIGKILL)
    assert fl.wait_until(lambda: not fl.children_of(state), 40)
    (row,) = fl.changes(home, node)
    assert row["outcome"] == "rolled_back", row
    assert node.value("SHOW work_mem") == "4MB"


def test_without_a_terminal_it_says_so(node, home):
    r = subprocess.run([binary.path(), "config", "apply", "--file", plan(home), "-W", "-h",
                        node.host, "-p", str(node.port), *ARGS], capture_output=True, text=True,
                       stdin=subprocess.DEVNULL, start_new_session=True, timeout=30,
                       env=binary.environment(node, home))
    assert r.returncode != 0 and "no terminal to ask on" in r.stderr


def test_the_password_file_serves_recover(node, home):
    with open(f"{home}/.pgpass", "w") as f:
        f.write(f"*:*:*:typed:{SECRET}\n")
    os.chmod(f"{home}/.pgpass", 0o600)
    c = fl.Console(node, home, plan={"parameters": [{"name": "work_mem", "new_value": "24MB"}]},
                   user="typed", deadline=600)
    try:
        assert c.go_to("confirm"), c.text
        for pid in [c.pid, *c.guards()]:
            os.kill(pid, signal.SIGKILL)
        c.p.wait()
        r = fl.pg2une(home, node, "recover")
        assert r.returncode == 0, r.stderr
        assert node.value("SHOW work_mem") == "4MB"
    finally:
        c.end()
