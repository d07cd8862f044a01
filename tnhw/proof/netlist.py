"""Netlist: what synthesis made of the Verilog is equal to it, register by register.

Yosys pairs the registers and ports of both by name and proves each pair equal, given that all pairs
were equal before (`equiv_simple`, then `equiv_induct`). So two modules whose registers begin equal stay
equal; a reset makes them so where it matters. Cells are the models that Yosys ships.
"""

import re
import tempfile
from pathlib import Path

from .. import synthesis, tools
from ..errors import ToolFailed
from ..process import ToolTimeout
from .solver import Undecided

__all__ = ["MODELS", "NetlistDiffers", "equal", "readable", "synthesised"]

MODELS = {
    "ice40": "+/ice40/cells_sim.v",
    "ecp5": "+/ecp5/cells_sim.v",
    "gowin": "+/gowin/cells_sim.v",
}

# Yosys numbers unnamed wires anew in each file: equal numbers mean nothing.
_HIDE = "rename -hide w:_*_ w:*._*_"
_SCRIPT = f"""\
read_verilog -sv design.v
hierarchy -check -top {{top}}
proc
flatten
memory
opt -full
{_HIDE}
rename {{top}} gold
design -stash gold
read_verilog -sv netlist.v
hierarchy -top {{top}}
techmap -wb -D EQUIV -autoproc -map {{models}}
proc
flatten
memory
opt_clean
{_HIDE}
rename {{top}} gate
design -stash gate
design -copy-from gold -as gold gold
design -copy-from gate -as gate gate
async2sync
equiv_make gold gate equiv
hierarchy -top equiv
equiv_simple -short equiv
equiv_induct equiv
tee -q -o status.txt equiv_status equiv
"""


class NetlistDiffers(Exception):
    """Some pairs were not proven equal."""


def equal(text, top, family, netlist, limit):
    """Prove a netlist equal to the Verilog it was made from.

    Parameters
    ----------
    text, netlist : str
        Verilog.
    family : str
        A key of `MODELS`.
    limit : float
        Seconds.

    Returns
    -------
    int
        Number of pairs.

    Raises
    ------
    NetlistDiffers, Undecided
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "design.v").write_text(text)
        Path(folder, "netlist.v").write_text(netlist)
        script = _SCRIPT.format(top=top, models=MODELS[family])
        try:
            tools.yosys(script, cwd=folder, timeout=limit)
        except ToolTimeout:
            raise Undecided(f"Yosys did not compare the netlist within {limit:g} s") from None
        except ToolFailed as error:
            if "SAT model" in str(error) or "contains memories" in str(error):
                raise Undecided(
                    f"a cell of the netlist has no model for a proof: {error}"
                ) from None
            raise
        status = Path(folder, "status.txt").read_text()
    found = re.search(r"(\d+) are proven and (\d+) are unproven", status)
    if found is None:
        raise ToolFailed(f"Yosys compared nothing: {status[-200:]}")
    if int(found[2]):
        raise NetlistDiffers(
            f"{found[2]} of {int(found[1]) + int(found[2])} pairs were not proven equal"
        )
    return int(found[1])


def synthesised(text, top, family):
    """Verilog of the netlist, without multiplier blocks, whose insides have no proof."""
    with tempfile.TemporaryDirectory() as folder:
        made = synthesis.synthesise(text, top, family, folder, dsp=False)
        return made.path.read_text()


def readable(netlist, top, family):
    """A netlist in plain Verilog, its cells replaced by what they do, for a run in `replay`."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "netlist.v").write_text(netlist)
        tools.yosys(
            f"read_verilog -sv netlist.v\nhierarchy -top {top}\n"
            f"techmap -wb -D EQUIV -autoproc -map {MODELS[family]}\n"
            "proc\nflatten\nopt_clean\nasync2sync\nsetundef -undriven -zero\nopt_clean\nwrite_verilog -noattr plain.v\n",
            cwd=folder,
        )
        return Path(folder, "plain.v").read_text()
