"""Fenced blocks of README and docs: which are commands, when a test runs them, and what must come out.

A comment before a fence tells what becomes of it:

``<!-- run: ci -->``, ``<!-- run: nightly -->``
    Executed, in the order of the page, in a folder of the page's own.
``<!-- elsewhere: REASON -->``
    Not executed here; the reason says where, or why not.
``<!-- file: NAME -->``
    Written to the folder before the next block runs.

A fence ``text`` right after one that is executed holds lines of its output, in any order; ``…`` stands for anything.
"""

import re
from dataclasses import dataclass

from places import ROOT

__all__ = ["ROOT", "Block", "blocks", "pages", "rows_of_demo"]

SHELL = ("sh", "bash", "shell", "console")
COMMAND = re.compile(r"^\s*(\$ )?(tnhw|make|pip|python|pytest)\b", re.M)
MARK = re.compile(r"<!-- (run|elsewhere|file): (.+?) -->")


@dataclass(frozen=True)
class Block:
    """One fence: where it is, its language and text, its mark, and the output that must come."""

    page: str
    line: int
    language: str
    text: str
    kind: str | None
    value: str | None
    expected: tuple = ()

    @property
    def is_commands(self):
        """Whether a person would type it: a shell block, or a bare one that begins with a command."""
        return self.language in SHELL or (not self.language and bool(COMMAND.search(self.text)))


def pages():
    """README, CONTRIBUTING and every page of docs."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(path):
    """Fences of a page, in order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found, start, mark = [], None, None
    for number, line in enumerate(lines):
        fence = line.strip().startswith("```")
        if start is None and fence:
            start, language = number, line.strip()[3:].split(" ")[0]
        elif fence:
            text = "\n".join(lines[start + 1 : number]) + "\n"
            kind, value = mark or (None, None)
            before = found[-1] if found else None
            if (
                language == "text"
                and mark is None
                and before
                and before.kind == "run"
                and not before.expected
            ):
                shown = tuple(row for row in text.splitlines() if row.strip() not in ("", "…"))
                found[-1] = Block(**{**vars(before), "expected": shown})
            name = str(path.relative_to(ROOT))
            found.append(Block(name, start + 1, language, text, kind, value))
            start, mark = None, None
        elif start is None:
            match = MARK.fullmatch(line.strip())
            mark = (match[1], match[2]) if match else mark if not line.strip() else None
    return [block for block in found]


def rows_of_demo():
    """Rows of the demo's table in `docs/results/digits.md`: (rule, board) to cells."""
    rows = {}
    page = ROOT / "docs" / "results" / "digits.md"
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 10 and cells[3] in ("icebreaker", "ulx3s_25f"):
            rows[cells[0], cells[3]] = cells
    return rows
