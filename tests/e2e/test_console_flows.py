"""What is changed from the console, on real servers: from the key to the server and back."""
import contextlib
import json
import os
import re
import subprocess
import time

import pytest


def until(test, deadline=15, what="condition"):
    """Poll until test() is true; what it returned."""
    end = time.monotonic() + deadline
    while True:
        got = test()
        if got:
            return got
        assert time.monotonic() < end, f"{what} not within {deadline} s"
        time.sleep(0.05)


@pytest.fixture
def quiet(lab):
    return lab(major=17, fast=True)


def test_optimizer_by_model_to_a_draft(console, quiet):
    """The form, the proposal by rules of thumb, and from it to a draft: nothing on the
    server changes by that."""
    t = console(["--ram", "8GB", "--cpus", "4"], lab=quiet, cols=120, rows=40)
    t.wait_for("PRIMARY")
    t.keys("o")
    t.wait_for("No search is under way")

    def form():                         # once the settings have been read
        t.keys("A")
        time.sleep(0.2)
        return re.search("START +takes", t.screen())
    until(form)
    t.keys("Enter", "Enter", "Enter")
    t.wait_for("START +at once")
    t.keys("End", "Enter")
    t.wait_for("Search for better settings of")
    t.keys("Right", "Enter")
    t.wait_for(r"(?s)by rules of thumb, not measured.*work_mem +- +\w+ +\d+\wB", 15)
    t.keys("A")
    t.wait_for("The proposal: [1-9]")
    t.keys("Right", "Enter")
    t.wait_all("ALTER SYSTEM SET work_mem", "draft", "A runs the dry run")
    assert quiet.value("SELECT count(*) FROM pg_file_settings "
                       "WHERE sourcefile LIKE '%%auto.conf'") == 0


def test_optimizer_read_only_has_no_way_in(console, quiet):
    t = console(["--read-only"], lab=quiet)
    t.wait_for("READ-ONLY")
    t.keys("o")
    t.wait_for("nothing is tried from here")
    t.keys("A")
    t.wait_for("read-only: nothing is tried here")


def test_incident_bundle(console, quiet, home):
    t = console(lab=quiet)
    t.wait_for("PRIMARY")
    t.keys("i")
    t.wait_for(r"written: \S+", 10)     # cut where the folder's name is long
    files = list(home.glob("**/incidents/*.json"))
    assert len(files) == 1 and files[0].stat().st_mode & 0o777 == 0o600
    bundle = json.loads(files[0].read_text())
    assert any("PRIMARY" in line for line in bundle["screen"])
    assert bundle["snapshot"] and len(bundle["history"]["tps"]) == 300
    assert "127.0.0.1" in bundle["server"]


def row_of(screen, name):
    return next((line for line in screen.splitlines() if name in line), "")


def test_recommendations_are_dismissed_accepted_and_snoozed(console, quiet):
    def advice(t, wanted):
        t.wait_for("PRIMARY")
        t.keys("r")
        return t.wait_for(wanted, 60)

    t = console(lab=quiet, cols=110)
    advice(t, "effective_cache_size.*new")
    t.wait_for("data checksums.*new")
    t.keys("/")
    t.type("checksums")
    t.keys("Enter")
    t.keys("d")
    t.wait_for("data checksums.*dismissed")
    t.keys("/")
    t.type("effective_cache")
    t.keys("Enter")
    t.keys("S")
    t.wait_for("effective_cache_size.*snoozed")
    t.keys("Space")
    t.wait_for("effective_cache_size.*accepted")
    t.keys("A")         # what was accepted becomes the draft
    t.wait_for("SYSTEM SET effective_cache_size", 10)
    assert "checksums" not in t.screen()
    t.keys("q")
    again = console(lab=quiet, cols=110)
    text = advice(again, "data checksums.*dismissed")
    assert "accepted" in row_of(text, "effective_cache_size"), text


# ---- a change, from the draft to its end ----

CONF = """\
[pg2une]
change-settle = 0s
change-window = 10s
change-deadline = 5min
"""


@pytest.fixture
def fast_judging(home):
    folder = home / ".config" / "pg2une"
    folder.mkdir(parents=True)
    (folder / "pg2une.conf").write_text(CONF)
    return home


def draft(t, name, value):
    """A typed setting, through its dry run: the page then waits for "apply"."""
    t.wait_for("PRIMARY")
    t.keys(":")
    t.type(f"set {name} {value}")
    t.keys("Enter")
    t.wait_for("A runs the dry run")
    t.keys("A")
    t.wait_for("Dry run of 1 item")
    t.keys("Right", "Enter")
    return t.wait_all("A applies it, guarded", f"ALTER SYSTEM SET {name}", deadline=20)


def apply(t):
    t.keys("A")
    t.wait_for("Apply 1 item")
    t.keys("Right", "Enter")


@contextlib.contextmanager
def slow_disk(pid):
    """Every flush of the program takes as long as on a bad day."""
    p = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(pid), "-e",
                          "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=700000"])
    try:
        yield
    finally:
        p.terminate()
        p.wait(10)


@contextlib.contextmanager
def lock_taken_away(lab):
    """The session that holds the lock of the change is ended, and another one has it."""
    other = lab.connect(dbname="postgres")
    try:
        cur = other.cursor()
        cur.execute("SELECT pid, (classid::bigint << 32) | objid::bigint FROM pg_locks "
                    "WHERE locktype = 'advisory' AND granted")
        ((pid, key),) = cur.fetchall()
        cur.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        cur.execute("SELECT pg_advisory_lock(%s)", (key,))
        yield
    finally:
        other.close()


def say_confirm(t):
    t.keys("C")
    t.wait_for("Confirm change")
    t.keys("Right", "Enter")


def in_file(lab, name):
    return lab.value("SELECT setting FROM pg_file_settings WHERE name = %s "
                     "AND sourcefile LIKE '%%auto.conf'", name)


def test_change_is_confirmed_and_another_taken_back(console, fresh_lab, fast_judging):
    one = fresh_lab(major=17, fast=True, load=True)
    t = console(lab=one, cols=132, rows=43)
    draft(t, "work_mem", "7MB")
    assert in_file(one, "work_mem") is None             # a dry run writes nothing
    apply(t)
    t.wait_for("CHANGE: validate|CHANGE: apply", 10)    # said in the header
    t.keys("1")                                         # the console stays live
    t.wait_for("Throughput")
    t.keys("c")
    t.wait_for("C makes it permanent", 60)
    assert in_file(one, "work_mem") == "7MB"
    with lock_taken_away(one):      # it cannot be kept now: the word can be said again
        say_confirm(t)
        t.wait_for("terminating connection|closed|lost", 15)
    t.wait_for("C makes it permanent")
    say_confirm(t)
    t.wait_gone("makes it permanent|Confirm change", 15)
    t.wait_for("permanent")
    assert one.value("SHOW work_mem") == "7MB"

    # The next one is taken back, from another screen, at once: on a slow disk the word
    # arrives in the middle of a step, between two looks at whether to stop.
    draft(t, "random_page_cost", "1.3")
    with slow_disk(t.pid):
        apply(t)
        until(lambda: in_file(one, "random_page_cost") == "1.3", 40, "the write")
        t.keys("4", "R")
        t.wait_for("Roll back change")
        t.keys("Right", "Enter")
        t.keys("c")
        t.wait_for("everything is as it was|rolled back", 60)
    assert in_file(one, "random_page_cost") is None
    assert one.value("SHOW random_page_cost") == "4"
    assert one.value("SHOW work_mem") == "7MB"          # what was confirmed stays
    t.keys("q")
    assert t.wait_exit() == 0


@pytest.mark.skipif(not os.environ.get("PG2UNE_LONG"), reason="PG2UNE_LONG: a minute")
def test_killed_console_leaves_a_page_for_the_next(console, fresh_lab, fast_judging):
    """The console dies when a change waits for its word: the next one opens on it, says
    what is in force, and takes it back."""
    one = fresh_lab(major=17, fast=True, load=True)
    t = console(lab=one, cols=120, rows=35)
    draft(t, "work_mem", "7MB")
    apply(t)
    t.wait_for("C makes it permanent", 60)
    t.signal(9)
    t.wait_exit()
    assert in_file(one, "work_mem") == "7MB"

    watcher = console(["--read-only"], lab=one, cols=120, rows=35)
    text = watcher.wait_for("An unfinished change was found", 20)
    watcher.wait_for(r"work_mem +\S+ +in force, ours", 10)
    watcher.wait_for("Read-only: another console")
    watcher.keys("R")
    watcher.wait_for("read-only")
    assert in_file(one, "work_mem") == "7MB"
    watcher.keys("q")

    t = console(lab=one, cols=120, rows=35)
    t.wait_all("An unfinished change was found", r"begun 20\S+Z by", deadline=20)
    t.wait_for(r"work_mem +\S+ +in force, ours", 10)
    t.keys("R")
    t.wait_for("Roll back change")
    t.keys("Right", "Enter")
    until(lambda: in_file(one, "work_mem") is None, 20, "the way back")
    t.wait_gone("An unfinished change", 20)
    assert one.value("SHOW work_mem") == "4MB"
