"""Configurations of profiles start real servers.  A few here; all machines, profiles and
majors with PG2UNE_BOOT_ALL=1.  Memory is scaled to what a test may take."""
import os
import re
import subprocess

import pytest

from harness import ROOT

PROGRAM = f"{ROOT}/build/tests/unit/advise/test_profile"
SIZES = {"shared_buffers": "48MB", "huge_pages": "try", "min_wal_size": "80MB"}
SOME = [(0, 1, 15), (11, 2, 17)]
ALL = [(s, p, m) for s in range(12) for p in range(1, 5) for m in range(13, 19)]


def lines(shape, profile, major):
    out = subprocess.run([PROGRAM], env={**os.environ, "PG2UNE_PRINT": f"{shape} {profile} {major}"},
                         cwd=ROOT, capture_output=True, text=True, check=True).stdout
    conf = dict(re.findall(r"^(\w+) = '(.*)'$", out, re.M))
    assert conf
    return {name: SIZES.get(name, value) for name, value in conf.items()}


@pytest.mark.parametrize("shape,profile,version", ALL if os.environ.get("PG2UNE_BOOT_ALL") else SOME)
def test_boots(fresh_lab, shape, profile, version):
    if not os.access(PROGRAM, os.X_OK):
        pytest.skip("build/tests/unit/advise/test_profile is not built")
    conf = lines(shape, profile, version)
    one = fresh_lab(major=version, fast=True, set=[f"{k}={v}" for k, v in conf.items()])
    bad = one.sql("SELECT name, error FROM pg_file_settings WHERE error IS NOT NULL")
    assert bad == []
    for name in ("max_wal_size", "checkpoint_timeout"):
        if name in conf:
            assert one.value("SELECT source FROM pg_settings WHERE name = %s",
                             name) == "configuration file"
