"""Every variant of every query in sql/collect, on every major, as a superuser and as a
role with pg_monitor only: it runs, and its columns are those its comment names."""
import glob
import os
import re

import psycopg2
import pytest

from harness import ROOT

HEAD = re.compile(r"^-- (columns|extension|privilege|cadence|args):\s*(.*)$")


def variants():
    """query -> [(min_major, columns, extension, privilege, text)] in order of major."""
    out = {}
    for path in sorted(glob.glob(f"{ROOT}/sql/collect/*/*.sql")):
        query, major = path.split("/")[-2], int(os.path.basename(path)[:-4])
        head, last, body = dict(columns="", extension="", privilege="", args=""), None, []
        for line in open(path, encoding="utf-8"):
            m = HEAD.match(line)
            if body or not (line.startswith("--") or not line.strip()):
                body.append(line)
            elif m:
                last = m.group(1)
                head[last] = m.group(2).strip()
            elif last == "columns" and head[last].endswith(",") and line.startswith("--"):
                head[last] += line[2:].strip()
            else:
                last = None
        columns = [c.strip() for c in head["columns"].split(",") if c.strip()]
        out.setdefault(query, []).append(
            (major, columns, head["extension"], head["privilege"], "".join(body)))
    for v in out.values():
        v.sort(key=lambda x: x[0])
    return out


def pick(rows, major):
    fit = [r for r in rows if r[0] <= major]
    return fit[-1] if fit else None


def as_prepared(text):
    """$1 becomes NULL: the parameter's type is what the statement's casts say."""
    return re.sub(r"\$\d+", "NULL", text).replace("%", "%%")


def test_every_query_has_a_readable_head():
    for query, rows in variants().items():
        for major, columns, _e, _p, text in rows:
            assert columns, f"{query}/{major}: no columns"
            assert text.strip().rstrip(";").count(";") == 0, f"{query}/{major}: two statements"



@pytest.mark.parametrize("role", ["postgres", "monitor"])
def test_columns(lab, major, role):
    one = lab(major=major, fast=True)
    have = {r[0]: r[1] for r in one.sql(
        "SELECT extname, quote_ident(nspname) FROM pg_extension e "
        "JOIN pg_namespace n ON n.oid = e.extnamespace")}
    bad, ran = [], 0
    conn = one.connect(user=role)
    cur = conn.cursor()
    cur.execute("SET search_path = ''")
    for query, rows in sorted(variants().items()):
        row = pick(rows, major)
        if row is None:
            continue
        _major, columns, ext, privilege, text = row
        if ext and ext not in have:
            continue
        text = as_prepared(text.replace("@ext@", have.get(ext, "public")))
        try:
            cur.execute(text, ())
        except psycopg2.Error as e:
            denied = e.pgcode == "42501" and privilege and role != "postgres"
            wrong_side = e.pgcode == "55000" and "recovery" in str(e)
            if not denied and not wrong_side:
                bad.append(f"{query}/{row[0]}: {e.pgcode} {str(e).splitlines()[0]}")
            continue
        ran += 1
        got = [d.name for d in cur.description]
        if got != columns:
            bad.append(f"{query}/{row[0]}: columns {got}, its comment says {columns}")
    conn.close()
    assert not bad, "\n".join(bad)
    assert ran > 5


def test_columns_on_a_standby(lab):
    one = lab(major=15, standby=True, fast=True)
    conn = one.connect("standby", user="monitor")
    cur = conn.cursor()
    cur.execute("SET search_path = ''")
    bad = []
    for query, rows in sorted(variants().items()):
        row = pick(rows, 15)
        if row is None:
            continue
        major, columns, ext, privilege, text = row
        if ext not in ("", "pg_stat_statements"):
            continue
        try:
            cur.execute(as_prepared(text.replace("@ext@", "public")), ())
        except psycopg2.Error as e:
            if not (e.pgcode == "42501" and privilege):
                bad.append(f"{query}/{major}: {e.pgcode} {str(e).splitlines()[0]}")
            continue
        got = [d.name for d in cur.description]
        if got != columns:
            bad.append(f"{query}/{major}: {got} not {columns}")
    conn.close()
    assert not bad, "\n".join(bad)
