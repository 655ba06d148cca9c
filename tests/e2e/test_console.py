"""The console in a real terminal, on real servers."""
import os
import re
import signal
import subprocess
import time

import pytest

from harness import binary, clean_env
from harness.tmux import Tmux

HEADER = r"PRIMARY|STANDBY"


def argv_of(lab, *args):
    return [binary.path(), "-h", lab.env["PGHOST"], "-p", lab.env["PGPORT"], "-U", "postgres",
            "-d", "bench", *args]


@pytest.fixture
def loaded(lab):
    return lab(major=17, fast=True, load=True)


def test_first_frame_then_rows(console, loaded):
    t = console(lab=loaded)
    t.wait_for(r"q quit", 5)
    t.wait_all(HEADER, "tps", "Sessions")
    # lines, not lqqk
    t.wait_all("┌ Throughput", r"│ *[1-9][\d,]* tps", deadline=15)
    t.wait_for(r"UPDATE pgbench_branches", 15)
    t.keys("q")
    assert t.wait_exit() == 0


def test_every_screen_shows_rows(console, lab):
    # Statements of a millisecond may be missed by every look of 20 s; who is blocked is not.
    t = console(lab=lab(major=17, fast=True, load=True, blocker=True), cols=132, rows=43)
    t.wait_for(HEADER)
    for key, sign in (("2", "pgbench"), ("4", "pgbench_branches"), ("5", "transactionid"),
                      ("6", "client backend|checkpointer"), ("7", "standby"),
                      ("8", "pgbench_accounts"), ("9", "bench"), ("a", "What is watched")):
        t.keys(key)
        t.wait_for(sign, 20)
    t.keys("q")
    assert t.wait_exit() == 0


@pytest.mark.parametrize("how", ["q", "C-c", "TERM", "HUP", "SEGV", "ABRT"])
def test_terminal_is_given_back(loaded, tmp_path, how):
    one = loaded
    env = clean_env({"XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)})
    line = " ".join(argv_of(one))
    with Tmux(["bash", "--norc", "-c",
               f"cd {tmp_path}; stty -a > before; ulimit -c 0; {line}; echo AFTER rc=$?; "
               "stty -a > after; cmp before after && echo SAME; exec cat"], env=env) as t:
        t.wait_for(HEADER)
        assert t.show("alternate_on") == "1"
        if how in ("q", "C-c"):
            t.keys(how)
        else:
            pid = int(subprocess.run(["pgrep", "-P", str(t.pid), "-x", "pg2une"],
                                     capture_output=True, text=True, check=True).stdout)
            os.kill(pid, getattr(signal, "SIG" + how))
        text = t.wait_for("SAME", 10)
        assert t.show("alternate_on") == "0"
        assert t.show("cursor_flag") == "1"
        rc = int(re.search(r"AFTER rc=(\d+)", text).group(1))
        assert rc == {"q": 0, "C-c": 0, "TERM": 143, "HUP": 129, "SEGV": 139, "ABRT": 134}[how]


def test_end_of_the_terminal_ends_it(lab, tmp_path):
    """As when ssh is lost: the terminal goes, no signal comes."""
    import pty
    one = lab(major=17, fast=True, load=True)
    pid, fd = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.execve(binary.path(), argv_of(one), clean_env({"TERM": "xterm-256color", "LINES": "24",
                                                "COLUMNS": "80"}))
    seen = b""
    while b"PRIMARY" not in seen:
        seen += os.read(fd, 65536)
    os.close(fd)
    end = time.monotonic() + 10
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        assert time.monotonic() < end, "it goes on without a terminal"
        time.sleep(0.02)
    # a signal (SIGHUP to the session's leader) or an ordinary end, never a crash
    assert os.WIFEXITED(status), status
    assert os.WEXITSTATUS(status) in (0, 129)


def test_resize_is_immediate(console, loaded):
    t = console(lab=loaded, cols=80, rows=24)
    t.wait_for(HEADER)
    for cols, rows in ((40, 10), (132, 43), (20, 5), (200, 50), (80, 24)):
        t.resize(cols, rows)
        t.wait(lambda s, c=cols: max(map(len, s.split("\n"))) <= c, 5, "the new width")
        if cols >= 80:
            t.wait(lambda s, c=cols: any(len(line.rstrip()) > c - 12
                                         for line in s.split("\n")), 5, "the width in use")
    t.keys("q")
    assert t.wait_exit() == 0


def test_what_is_no_key_ends_nothing(console, loaded):
    """Keys without a meaning, and the resizes before the next key, are no end of input."""
    t = console(lab=loaded, cols=80, rows=24)
    t.wait_for(HEADER)
    for cols in (90, 100, 110, 120, 132):
        t.resize(cols, 24)
        t.wait(lambda s, c=cols: any(len(line.rstrip()) > c - 8
                                     for line in s.split("\n")), 5, "the width in use")
    t.keys("4")
    t.wait_for("pgbench_branches", 20)
    for _ in range(2):
        t.keys("F12", "IC", "F11", "S-Left", "F12")
        time.sleep(0.2)
    t.keys("2")
    t.wait_for("K cancel")
    t.keys("q")
    assert t.wait_exit() == 0


def test_suspend_and_go_on(lab, tmp_path):
    one = lab(major=17, fast=True, load=True)
    with Tmux(["bash", "--norc", "-i"], env=clean_env({"PS1": "prompt> "})) as t:
        t.wait_for(r"prompt>|\$")
        t.type(" ".join(argv_of(one)))
        t.keys("Enter")
        t.wait_for(HEADER)
        t.keys("C-z")
        t.wait_for("Stopped", 10)
        t.type("fg")
        t.keys("Enter")
        t.wait_for(HEADER, 10)
        t.keys("q")
        t.wait(lambda s: t.show("alternate_on") == "0", 10, "the shell's screen")


def test_server_killed_and_back(fresh_lab, console):
    one = fresh_lab(major=17, fast=True)
    t = console(lab=one)
    t.wait_for(HEADER)
    one.cmd("kill", "primary")
    t.wait_all("no connection for", "refused|closed|terminat", deadline=15)
    t.wait_for(r"STALE \d+s old", 20)
    one.cmd("start", "primary")
    t.wait_gone("no connection for", 40)
    t.wait_gone("STALE", 10)
    t.keys("q")
    assert t.wait_exit() == 0


def test_frozen_server_is_stale(fresh_lab, console):
    one = fresh_lab(major=17, fast=True)
    t = console(lab=one)
    t.wait_for(HEADER)
    one.cmd("freeze", "primary")
    try:
        t.wait_for(r"STALE|no connection for", 20)
    finally:
        one.cmd("thaw", "primary")
    t.wait_gone("STALE", 40)


def test_cannot_connect_says_so(console):
    t = console(["-h", "127.0.0.1", "-p", "1", "-U", "x", "-d", "x"])
    t.wait_all("refused", r"127\.0\.0\.1")
    t.keys("q")
    assert t.wait_exit() == 0


def test_terminate_asks_and_does(fresh_lab, console):
    one = fresh_lab(major=17, fast=True, blocker=True)
    t = console(lab=one)
    t.wait_for(HEADER)
    t.keys("3")
    t.wait_for(r"blocker / victims")
    text = t.wait_for(r"▌\d+ +3 ", 15)
    pid = int(re.search(r"▌(\d+)", text).group(1))
    t.keys("x")
    t.wait_for(r"3 sessions that wait|sessions? that waits?")
    t.keys("Escape")
    t.keys("T")
    t.wait_for(f"Terminate session {pid}")
    t.keys("Enter")                     # the harmless answer is the first
    t.wait_for("nothing was done")
    assert one.value("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", pid) == 1
    t.keys("T")
    t.wait_for(f"Terminate session {pid}")
    t.keys("Right", "Enter")
    end = time.monotonic() + 10
    while one.value("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", pid):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_read_only_signals_nobody(fresh_lab, console):
    one = fresh_lab(major=17, fast=True, blocker=True)
    t = console(["--read-only"], lab=one)
    t.wait_for("READ-ONLY")
    t.keys("3")
    t.wait_for(r"▌\d+ +3 ", 15)
    t.keys("T")
    t.wait_for("read-only: sessions are not signalled")


def test_no_color_asks_for_none(lab, tmp_path):
    one = lab(major=17, fast=True, load=True)
    with Tmux(argv_of(one, "--ascii"), env=clean_env({"NO_COLOR": "1"})) as t:
        t.wait_for(HEADER)
        t.wait_for("UPDATE pgbench", 15)
        painted = t.screen(colours=True)
        assert not re.search(r"\x1b\[[0-9;]*(3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]", painted)
        assert all(ord(c) < 128 for c in t.screen())


def test_script_plays_keys(lab, tmp_path):
    one = lab(major=17, fast=True, load=True)
    (tmp_path / "s").write_text(
        f"wait PRIMARY\n2\nwait pid\n4\nwait pgbench_branches\n<Enter>e\nwait Plan\n"
        f"<Esc>resize 60x20\n1\ndump {tmp_path}/shot\nq\n")
    with Tmux(argv_of(one, "--script", str(tmp_path / "s")), env=clean_env()) as t:
        assert t.wait_exit(40) == 0
    shot = (tmp_path / "shot").read_text().split("\n")
    assert len(shot) == 21 and max(map(len, shot)) <= 60


def test_idle_costs_few_bytes(fresh_lab, tmp_path):
    """At most 1 kB/s to the terminal of an idle server."""
    import pty
    one = fresh_lab(major=17, fast=True)
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(binary.path(), argv_of(one), clean_env({"TERM": "xterm-256color", "LINES": "24",
                                                "COLUMNS": "80"}))
    try:
        n, begin = 0, None
        start = time.monotonic()
        while time.monotonic() < start + 15:
            data = os.read(fd, 65536)
            if time.monotonic() > start + 5:
                begin = begin or time.monotonic()
                n += len(data)
        rate = n / (time.monotonic() - begin)
        print(f"{rate:.0f} bytes/s")
        assert rate <= 1000
    finally:
        os.kill(pid, signal.SIGTERM)
        os.close(fd)
        os.waitpid(pid, 0)
