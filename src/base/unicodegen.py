#!/usr/bin/python3
"""Writes src/base/unicode_table_priv.h: how each code point is shown in a cell.

Source: the Unicode Character Database as Debian 12's python3 carries it
(unicodedata), plus Default_Ignorable_Code_Point from UAX 44, which unicodedata
does not export.  Run it by hand when the database moves; the table is checked
in so that a build needs no generator.
"""
import sys
import unicodedata

NARROW, WIDE, MARK, REFUSE = range(4)
NAMES = {WIDE: "W", MARK: "M", REFUSE: "R"}

# DerivedCoreProperties.txt, Default_Ignorable_Code_Point, less what is Cf or Cn
# already: grapheme joiner, Hangul fillers, Khmer inherent vowels, Mongolian and
# general variation selectors.
IGNORABLE = [(0x34F, 0x34F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
             (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0000, 0xE0FFF)]


def show(cp):
    cat = unicodedata.category(chr(cp))
    if cat in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return REFUSE
    if any(lo <= cp <= hi for lo, hi in IGNORABLE):
        return REFUSE
    # Medial vowels and final consonants join the leading consonant's cell.
    if cat in ("Mn", "Me") or 0x1160 <= cp <= 0x11FF or 0xD7B0 <= cp <= 0xD7FB:
        return MARK
    # glibc, whose wcwidth() ncurses asks, also widens circled numbers on black
    # squares and hexagrams (glibc's utf8_gen.py).
    if (unicodedata.east_asian_width(chr(cp)) in "WF" or 0x3248 <= cp <= 0x324F
            or 0x4DC0 <= cp <= 0x4DFF):
        return WIDE
    return NARROW


def main():
    rows, lo, what = [], 0x80, show(0x80)
    for cp in range(0x81, 0x110001):
        now = show(cp) if cp < 0x110000 else None
        if now != what:
            if what != NARROW:
                rows.append((lo, cp - 1, what))
            lo, what = cp, now
    print(f"""/* Made by src/base/unicodegen.py from the Unicode Character Database
 * {unicodedata.unidata_version}: W takes two cells, M (a mark) none, R is not
 * shown at all.  What is not listed takes one cell. */
static const struct range ranges[] = {{""")
    line = "   "
    for lo, hi, what in rows:
        item = f" {{0x{lo:x}, 0x{hi:x}, {NAMES[what]}}},"
        if len(line) + len(item) > 86:
            print(line)
            line = "   "
        line += item
    print(line)
    print("};")


sys.exit(main())
