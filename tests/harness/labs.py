"""Labs for tests: brought up once for each set of options, taken down at the end."""
import os
import re
import subprocess

from . import ROOT, clean_env

TOOL = f"{ROOT}/tests/lab/lab"
KEPT = 8        # labs that stay up for the next test that asks for the same


def majors():
    """The majors to test: all of tests/lab/majors, or PG2UNE_MAJORS=13,17."""
    want = os.environ.get("PG2UNE_MAJORS")
    if want:
        return [int(m) for m in want.replace(",", " ").split()]
    with open(f"{ROOT}/tests/lab/majors") as f:
        return [int(line.split()[0]) for line in f if line[:1].isdigit()]


def tool(*args, check=True, timeout=180):
    """Run tests/lab/lab; its standard output."""
    p = subprocess.Popen([TOOL, *map(str, args)], stdin=subprocess.DEVNULL, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, errors="replace")
    try:
        out, err = p.communicate(timeout=timeout)
    except BaseException:
        p.terminate()       # and not killed: it takes down what it began
        p.communicate()
        raise
    if check and p.returncode != 0:
        raise RuntimeError(f"lab {' '.join(map(str, args))}: {err.strip()}")
    return out


class Lab:
    """One lab that is up."""

    _count = 0

    def __init__(self, **options):
        Lab._count += 1
        self.name = f"t{os.getpid()}-{Lab._count}"
        self.options = options
        argv = ["up", self.name, "--quiet", "--owner", os.getpid()]
        for key, value in options.items():
            flag = "--" + key.replace("_", "-")
            if isinstance(value, (list, tuple)):
                for item in value:
                    argv.append(f"{flag}={item}")
            elif value is True:
                argv.append(flag)
            elif value is not False and value is not None:
                argv.append(f"{flag}={value}")
        tool(*argv)
        try:
            self.env = self._read_env()
        except BaseException:
            self.down()
            raise
        self.major = int(self.env["PGT_MAJOR"])
        self.host, self.port = self.env["PGHOST"], int(self.env["PGPORT"])

    def _read_env(self):
        return dict(re.findall(r"^export (\w+)='?(.*?)'?$", tool("env", self.name), re.M))

    def cmd(self, verb, *args, **kw):
        """A verb of the lab tool on this lab: lab.cmd("kill", "primary")."""
        return tool(verb, self.name, *args, **kw)

    def dsn(self, role="primary", user="postgres", dbname="bench"):
        """A connection string to primary, standby, pgbouncer or haproxy."""
        host, port = self.host, self.port
        if role != "primary":
            host = self.env[f"PGT_{role.upper()}_HOST"]
            port = self.env[f"PGT_{role.upper()}_PORT"]
        return f"host={host} port={port} user={user} dbname={dbname} connect_timeout=10"

    def connect(self, role="primary", user="postgres", dbname="bench", autocommit=True):
        """A psycopg2 connection; the caller closes it."""
        import psycopg2
        conn = psycopg2.connect(self.dsn(role, user, dbname), application_name="test")
        conn.autocommit = autocommit
        return conn

    def sql(self, query, *args, role="primary", user="postgres", dbname="bench"):
        """Rows of one query on a connection of its own; None when it has no rows."""
        conn = self.connect(role, user, dbname)
        try:
            with conn.cursor() as cur:
                cur.execute(query, args or None)
                return cur.fetchall() if cur.description else None
        finally:
            conn.close()

    def value(self, query, *args, **kw):
        rows = self.sql(query, *args, **kw)
        return rows[0][0] if rows else None

    def down(self):
        tool("down", self.name, check=False)


class Labs:
    """Labs by their options; the longest unused goes when there are too many."""

    def __init__(self):
        self.shared = {}

    def get(self, **options):
        key = repr(sorted(options.items()))
        lab = self.shared.pop(key, None)
        if lab is None:
            # A load that nobody looks at any more only disturbs the next test.
            for other in [k for k in self.shared if "'load', True" in k]:
                self.shared.pop(other).down()
            while len(self.shared) >= KEPT:
                self.shared.pop(next(iter(self.shared))).down()
            lab = Lab(**options)
        self.shared[key] = lab
        return lab

    def down(self):
        while self.shared:
            self.shared.popitem()[1].down()
