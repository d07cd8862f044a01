"""Synthesis that continues when ABC9, which maps logic to LUTs inside Yosys, dies.

At the end, ABC9 compares its result with its input (``&verify``). It goes through boxes, such as carry cells, in
order, but its own step ``&mfs`` may have made a box depend on a later one. An assertion then ends ABC9, and Yosys
with it. The order of boxes comes from hashes of names, so synthesis of a design may die with one name and not with
another. Other steps of ABC9 have assertions of their own, and so has the pass of Yosys that puts the mapped logic back
into the design: it does not find one of its wires, if the design has certain names beside those that are used.

After such a death, the mapping is done again without the step in question, or without these names, and this module
compares: the logic before and after ABC9, cut at every cell that is neither a LUT nor a carry cell, must be equal for all
inputs. A mapping that is not proven equal is not used.
"""

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .. import tools
from ..errors import ToolDied, ToolFailed
from ..tools import ladder
from ..tools.process import ToolTimeout

if TYPE_CHECKING:
    from .synthesis import Family

__all__ = ["Unequal", "compare", "run"]

LIMIT = 300  # seconds for one comparison
BEFORE, AFTER = "before_abc9.il", "after_abc9.il"

# Ways to run ABC9 again: in words, and the Yosys command for it.
_CHANGES = (
    ("without ABC9's own comparison", "scratchpad -set abc9.verify 0"),
    ("without ABC9's step `&mfs`", "scratchpad -set abc9.verify 0\nscratchpad -set abc9.nomfs 1"),
    (
        "with ABC9's mapping alone",
        "scratchpad -set abc9.verify 0\nscratchpad -set abc9.script +&if,{W},{D},{R}",
    ),
    ("without names that nothing needs", "opt_clean -purge"),
)
_COMPARED = ", and a comparison by tnhw"

_LINE = re.compile(r"^ *synth_\w+ .*-top \S+.*$", re.MULTILINE)

_HALF = """\
read_rtlil {file}
hierarchy -top {top}
{unwrap}
techmap -wb -D EQUIV -autoproc -map {models} {cells}
delete t:$scopeinfo
expose -evert {top}/t:*
setundef -undriven -zero
rename {top} {name}
design -stash {name}
"""
# ABC runs inside a pass of Yosys, which needs a design that it can map: `any` is one.
_COMPARE = """\
design -copy-from gold -as gold gold
design -copy-from gate -as gate gate
miter -equiv -flatten gold gate miter
hierarchy -top miter
scc -expect 0
opt_clean
techmap
aigmap
opt_clean
write_aiger miter.aig
design -reset
read_verilog any.v
prep
techmap
abc -script compare.abc
"""
_ANY = "module any(input a, b, output y); assign y = a & b; endmodule\n"
_ABC = """\
backup
read_aiger miter.aig
strash
dprove -T {limit}
write_status status.txt
restore
"""


class Unequal(ToolFailed):
    """A mapping was not proven equal to the logic before it."""


def run(script: str, family: "Family", folder: Path, yosys: Callable[[str], object]) -> None:
    """Run a script that synthesises for an FPGA, and run it again in other ways if Yosys dies.

    Parameters
    ----------
    script
        Yosys script, with one line that begins with the family's synthesis command.
    family
        A `tnhw.netlist.synthesis.Family`; for one without a `lut_step` there are no other ways.
    folder
        Folder in which the script runs; receives its files.
    yosys
        Function that runs a script there.

    Raises
    ------
    ToolFailed
        If Yosys rejects the script, or dies in every way.
    """
    rungs: list[tuple[str, str | None]] = [("", None)]
    if family.lut_step and _LINE.search(script):
        rungs += [(change + _COMPARED, command) for change, command in _CHANGES]

    def attempt(command: str | None) -> None:
        if command is None:
            yosys(script)
            return
        yosys(_cut(script, family, command))
        compare(folder, family, _top(script))

    ladder.climb(rungs, attempt, failures=(ToolDied, Unequal))


def _cut(script: str, family: "Family", command: str) -> str:
    """The script with `command` before its synthesis, which writes the design before and after the mapping to LUTs."""
    line = _line(script)
    assert family.lut_step is not None  # otherwise there are no other ways
    first, last = family.lut_step
    parts = [
        command,
        f"{line} -run :{first}",
        f"write_rtlil {BEFORE}",
        f"{line} -run {first}:{last}",
        f"write_rtlil {AFTER}",
        f"{line} -run {last}:",
    ]
    return script.replace(line, "\n".join(parts), 1)


def _line(script: str) -> str:
    found = _LINE.search(script)
    assert found is not None, script
    return found[0]


def _top(script: str) -> str:
    found = re.search(r" -top (\S+)", _line(script))
    assert found is not None, script
    return found[1]


def compare(folder: Path, family: "Family", top: str) -> None:
    """Prove that the designs in the files `BEFORE` and `AFTER`, which a script of `run` wrote, are equal.

    Raises
    ------
    Unequal
        If they are not equal, or ABC cannot prove it.
    """
    with tempfile.TemporaryDirectory(prefix=".compare-", dir=folder) as name:
        place = Path(name)
        halves = []
        for file, half in ((BEFORE, "gold"), (AFTER, "gate")):
            # `expose` ignores cells with hidden names, so they are given public ones.
            text = (folder / file).read_text()
            text = re.sub(r"(?m)^  cell (\\\S+) (\$\S+)$", r"  cell \1 \\cut\2", text)
            (place / file).write_text(text)
            halves.append(
                _HALF.format(
                    file=file,
                    top=top,
                    name=half,
                    unwrap=family.unwrap,
                    models=f"+/{family.models[0]}",
                    cells=" ".join(f"{top}/t:{c}" for c in family.logic),
                )  # fmt: skip
            )
        (place / "any.v").write_text(_ANY)
        (place / "compare.abc").write_text(_ABC.format(limit=LIMIT))
        try:
            tools.yosys("".join([*halves, _COMPARE]), cwd=place, timeout=2 * LIMIT)
        except (ToolDied, ToolTimeout) as error:
            raise Unequal(f"the mapped netlist could not be compared: {error}") from None
        words = (place / "status.txt").read_text().split()
    if words[:1] != ["snl_UNSAT"]:
        raise Unequal(f"the mapped netlist is not proven equal to the design: ABC says {words[:1]}")
