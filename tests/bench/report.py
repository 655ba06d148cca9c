"""Tables of the benches: printed, and put into docs/benchmarks.md between markers."""
import datetime
import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOC = os.path.join(TOP, "docs/benchmarks.md")
HEAD = """# Benchmarks

Written by `make bench`; each section by its own bench. Figures are from one small
machine with two cores: trust ratios, not absolutes.
"""


def render(table):
    widths = [max(len(r[i]) for r in table) for i in range(len(table[0]))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(r, widths)) + " |" for r in table]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def write(key, title, how, table):
    """table: a list of rows of text, the heading first."""
    body = render(table)
    print(f"\n{title}\n{how}\n\n{body}", flush=True)
    text = open(DOC).read() if os.path.exists(DOC) else HEAD
    day = datetime.date.today().isoformat()
    section = (f"<!-- {key} -->\n## {title}\n\n{how} Measured {day}.\n\n{body}\n"
               f"<!-- /{key} -->\n")
    marked = re.compile(rf"<!-- {key} -->\n.*?<!-- /{key} -->\n", re.S)
    if marked.search(text):
        text = marked.sub(lambda _: section, text)
    else:
        text = text.rstrip("\n") + "\n\n" + section
    with open(DOC, "w") as f:
        f.write(text)
