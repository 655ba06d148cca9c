"""What the suites on real servers share: labs, the program, a terminal to run it in."""
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def clean_env(extra=None):
    """The environment without PG* and PGT_*, in a UTF-8 locale: whoever runs the tests
    must not leak settings of their own into them."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith("PG") or k.startswith("PG2UNE_LAB")}
    env["LC_ALL"] = "C.UTF-8"
    env.update({k: str(v) for k, v in (extra or {}).items()})
    return env
