"""Which of our operations have a row, and why others have none."""

import re

from common import ROOT

WITHOUT = {
    "in the chains from file to file": ["open", "save"],
    "it changes no sample": ["assign_color_space"],
}


def names():
    """All operations, as docs/operations.md lists them."""
    text = (ROOT / "docs/operations.md").read_text()
    return set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))


def coverage(rows):
    """What to tell of the rows; ends the program if an operation is neither here nor there."""
    every = names()
    has_row = {step for row in rows for step in row.names()}
    has_none = {name for listed in WITHOUT.values() for name in listed}
    faults = {"without row or reason": every - has_row - has_none,
              "with row and reason": has_row & has_none,
              "not in docs/operations.md": (has_row | has_none) - every}
    told = [f"{', '.join(sorted(listed))}: {fault}" for fault, listed in faults.items() if listed]
    if told:
        raise SystemExit("\n".join(told))
    reasons = [f"{' and '.join(f'`{name}`' for name in listed)} ({reason})"
               for reason, listed in WITHOUT.items()]
    return f"{len(has_row)} of {len(every)} operations have a row; none: {', '.join(reasons)}"
