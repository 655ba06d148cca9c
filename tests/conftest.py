"""Fixtures of tests/pg, tests/e2e and tests/fault (see docs/lab.md)."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import binary, labs, tmux  # noqa: E402

_labs = labs.Labs()


def pytest_generate_tests(metafunc):
    """A test with an argument `major` runs once on each major."""
    if "major" in metafunc.fixturenames:
        metafunc.parametrize("major", labs.majors())


def pytest_sessionstart(session):
    labs.tool("reap", check=False)      # what a killed run left behind


def pytest_sessionfinish(session):
    _labs.down()


@pytest.fixture
def lab():
    """lab(major=17, standby=True, ...): a lab shared by all tests that ask for the same
    options (those of `lab up`, - as _).  A test that changes it takes fresh_lab."""
    return _labs.get


@pytest.fixture
def fresh_lab():
    """The same, but this test's own; taken down after it."""
    made = []

    def make(**options):
        made.append(labs.Lab(**options))
        return made[-1]

    yield make
    for one in made:
        one.down()


@pytest.fixture(scope="session")
def pg2une():
    """The path of the program; skips when it is not built."""
    if not os.access(binary.path(), os.X_OK):
        pytest.skip(f"{binary.path()} is not built")
    return binary.path()


@pytest.fixture
def home(tmp_path):
    """An empty home folder for the program."""
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def run_pg2une(pg2une, home):
    """run_pg2une(["--batch", "1"], lab=lab, env={...}): its rc, out and err."""
    def run(args=(), lab=None, env=None, timeout=30, stdin=None):
        return binary.run(args, binary.environment(lab, home, env), timeout, stdin)
    return run


@pytest.fixture
def console(pg2une, home):
    """console(["-d", "x"], lab=lab, cols=80, rows=24): the program in a terminal, a
    harness.tmux.Tmux.  Ended after the test."""
    opened = []

    def start(args=(), lab=None, env=None, cols=100, rows=30, term="tmux-256color"):
        environment = binary.environment(lab, home, env)
        opened.append(tmux.Tmux([pg2une, *map(str, args)], cols, rows, term, environment))
        return opened[-1]

    yield start
    for t in opened:
        t.close()
