"""What is changed from the console, on real servers: from the key to the server and back."""
import re
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
    text = t.wait_for("by rules of thumb, not measured", 15)
    assert re.search(r"work_mem +- +\w+ +\d+\wB", text) or "work_mem" in text
    t.keys("A")
    t.wait_for("The proposal: [1-9]")
    t.keys("Right", "Enter")
    text = t.wait_for("ALTER SYSTEM SET work_mem", 10)
    assert "draft" in text and "A runs the dry run" in text
    assert quiet.value("SELECT count(*) FROM pg_file_settings "
                       "WHERE sourcefile LIKE '%%auto.conf'") == 0


def test_optimizer_read_only_has_no_way_in(console, quiet):
    t = console(["--read-only"], lab=quiet)
    t.wait_for("READ-ONLY")
    t.keys("o")
    t.wait_for("nothing is tried from here")
    t.keys("A")
    t.wait_for("read-only: nothing is tried here")
