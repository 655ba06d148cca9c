"""Turn sql/ and themes/ into one C table: sql/collect/<query>/<major>.sql become
rows of struct pgt_sql, every other file is embedded as text under its path."""
import os
import re
import sys

KEYS = ("columns", "extension", "privilege", "cadence")


def c_string(text):
    out = []
    for line in text.splitlines(keepends=True):
        esc = []
        for byte in line.encode():
            ch = chr(byte)
            if ch == "\n":
                esc.append("\\n")
            elif ch == "\t":
                esc.append("\\t")
            elif ch in '"\\?':  # \? : no trigraphs
                esc.append("\\" + ch)
            elif 32 <= byte < 127:
                esc.append(ch)
            else:
                esc.append("\\%03o" % byte)
        out.append('"%s"' % "".join(esc))
    return "\n\t\t".join(out) or '""'


def parse_query(path):
    head, body = dict.fromkeys(KEYS, ""), []
    last = None
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    while lines and (lines[0].startswith("--") or not lines[0].strip()):
        line = lines.pop(0)
        m = re.match(r"-- (\w+):\s*(.*)$", line)
        if m and m.group(1) in KEYS:
            last = m.group(1)
            head[last] = m.group(2).strip()
        elif last == "columns" and head[last].endswith(",") and line.startswith("--"):
            head[last] += line[2:].strip()  # the list goes on
        else:
            last = None
    body = "\n".join(lines).strip().rstrip(";").rstrip()
    if not body:
        sys.exit(f"{path}: no statement")
    if not head["cadence"]:
        head["cadence"] = "demand"
    if head["cadence"] not in ("tick", "slow", "demand"):
        sys.exit(f"{path}: cadence must be tick, slow or demand")
    head["columns"] = ",".join(c.strip() for c in head["columns"].split(",") if c.strip())
    return head, body


def main(roots):
    queries, files = [], []
    for root in roots:
        for folder, dirs, names in os.walk(root):
            dirs.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                if name.startswith(".") or name.endswith(("~", ".tmp")):
                    continue
                m = re.fullmatch(r"sql/collect/([a-z0-9_]+)/(\d+)\.sql", path)
                if m:
                    queries.append((m.group(1), int(m.group(2)), *parse_query(path)))
                elif path.startswith("sql/collect/"):
                    sys.exit(f"{path}: want sql/collect/<query>/<major>.sql")
                else:
                    with open(path, encoding="utf-8") as f:
                        files.append((path, f.read()))
    queries.sort(key=lambda q: q[:2])
    files.sort()
    print('/* Made by src/pg/sqlgen.py. */\n#include "pg2une/pg/sql.h"\n#include "sql_priv.h"\n')
    print("const struct pgt_sql pgt_sql_rows[] = {")
    for query, major, head, body in queries:
        print("\t{\n\t\t\"%s\", %d,\n\t\t%s,\n\t\t%s, %s, %s, %s\n\t}," % (
            query, major, c_string(body), *(c_string(head[k]) for k in KEYS)))
    print("\t{0}\n};\nconst size_t pgt_sql_n_rows = %d;\n" % len(queries))
    print("const struct pgt_sql_text pgt_sql_texts[] = {")
    for path, text in files:
        print("\t{\n\t\t\"%s\",\n\t\t%s\n\t}," % (path, c_string(text)))
    print("\t{0}\n};\nconst size_t pgt_sql_n_texts = %d;" % len(files))


main(sys.argv[1:])
