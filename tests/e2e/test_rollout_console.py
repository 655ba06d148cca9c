"""A rollout driven from the console, and watched by one that has no file of the driver's."""
import json

import pytest

from harness import rollouts as ro

pytestmark = pytest.mark.quiet


def test_console_drives_and_another_host_watches(console, home, tmp_path):
    lab = ro.pool(rate=200, clients=12)
    try:
        plan = ro.plan(lab, steps=[50], min_step_s=5)
        del plan["changeset"]
        (tmp_path / "plan.json").write_text(json.dumps(plan))
        conf = tmp_path / "pg2une.conf"
        conf.write_text(f"[pg2une]\nrollout = {tmp_path}/plan.json\n"
                        "change-settle = 0s\nchange-window = 10s\n")
        t = console(["--config", conf], lab=lab)
        other = console(["--read-only"], lab=lab, env={"XDG_STATE_HOME": tmp_path / "b"})
        t.wait_for("PRIMARY")
        t.keys(":")
        t.type("set work_mem 9MB")
        t.keys("Enter")
        t.keys("c")
        t.wait_for("work_mem = '9MB'")
        t.keys("A")
        t.wait_for("Roll out by a canary")
        t.keys("Right")
        t.keys("Right")
        t.keys("Enter")
        t.wait_for(r"ROLLOUT 50%", 20)
        other.wait_for("PRIMARY")
        other.keys("t")
        other.wait_for("as the primary tells", 20)
        t.wait_for("waits for C", 60)
        other.wait_for("waits for C", 10)
        other.keys("C")
        other.wait_for("read-only|drives it", 5)
        assert lab.value("SHOW work_mem") != "9MB"
        t.keys("C")
        t.wait_for("Promote the change to the primary")
        t.keys("Right")
        t.keys("Enter")
        t.wait_for("done: promoted", 60)
        assert ro.share(lab) == 0
        assert lab.value("SHOW work_mem") == "9MB"
        assert ro.failures(lab) == 0
    finally:
        lab.down()
