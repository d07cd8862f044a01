"""Netlist: the result of synthesis equals the Verilog, register by register.

Yosys pairs the registers and ports of both by name, and proves each pair equal if all pairs were equal one clock
before (`equiv_simple`, then `equiv_induct`). Therefore two modules whose registers start equal stay equal; a reset
makes those equal that matter. Registers that take a product are compared by `products`, and Yosys is given them as
equal. The models of cells are those that come with Yosys.
"""

import json
import re
import tempfile
from pathlib import Path

from ... import tools
from ...errors import ToolFailed
from ...netlist import synthesis
from ...tools.process import ToolTimeout
from ..formulas.circuit import of_verilog
from ..formulas.solver import Undecided
from .products import Differs, compare, with_products

__all__ = ["MODELS", "NetlistDiffers", "equal", "readable", "synthesised"]

MODELS = {
    "ice40": "+/ice40/cells_sim.v",
    "ecp5": "+/ecp5/cells_sim.v",
    "gowin": "+/gowin/cells_sim.v",
    "gatemate": "+/gatemate/cells_sim.v",
    "nexus": "+/lattice/cells_sim_nexus.v",
}

# Yosys numbers unnamed wires in each file from the start, so equal numbers mean nothing.
_HIDE = "rename -hide w:_*_ w:*._*_"
_READ = f"""\
read_verilog -sv design.v
hierarchy -check -top {{top}}
proc
flatten
memory
opt -full
{_HIDE}
rename {{top}} gold
write_rtlil gold.il
design -reset
read_verilog -sv netlist.v
hierarchy -top {{top}}
techmap -wb -D EQUIV -autoproc -map {{models}}
proc
flatten
memory
opt_clean
{_HIDE}
rename {{top}} gate
write_rtlil gate.il
write_json gate.json
"""
_COMPARE = """\
read_rtlil gold.il
read_rtlil gate.il
{hide}
async2sync
equiv_make gold gate equiv
hierarchy -top equiv
{known}
equiv_simple -short equiv
equiv_induct equiv
tee -q -o status.txt equiv_status equiv
"""

# For registers that were compared before: Yosys assumes that their pairs are equal.
_KNOWN = (
    "select -set known equiv/w:{0} %ci1:+$equiv[Y] equiv/t:$equiv %i\nequiv_remove -gold @known"
)


class NetlistDiffers(Exception):
    """Some pairs were not proven equal."""


def equal(text, top, family, netlist, limit):
    """Prove a netlist equal to the Verilog that it was made from.

    Parameters
    ----------
    text, netlist : str
        Verilog.
    top : str
        Name of the module.
    family : str
        A key of `MODELS`.
    limit : float
        Seconds for each run of Yosys.

    Returns
    -------
    int
        Pairs of single bits that Yosys proved equal.
    list of str
        Names of registers that take a product.
    int
        Number of values for which these registers were compared.

    Raises
    ------
    NetlistDiffers
        If a pair was not proven equal.
    Undecided
        If it takes too long, or a cell has no model for a proof.
    """
    registers, known, values = _products(text, top, family, netlist)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "design.v").write_text(text)
        Path(folder, "netlist.v").write_text(netlist)
        try:
            tools.yosys(_READ.format(top=top, models=MODELS[family]), cwd=folder, timeout=limit)
            gate = json.loads(Path(folder, "gate.json").read_text())["modules"]["gate"]
            _check_models(gate, top, family)
            hide = "\n".join(_hide_loose(gate))
            script = _COMPARE.format(hide=hide, known="\n".join(map(_KNOWN.format, known)))
            tools.yosys(script, cwd=folder, timeout=limit)
        except ToolTimeout:
            raise Undecided(
                f"Yosys did not compare the netlist within {limit:g} s (large products are hard): {_instead(top, family)}"
            ) from None
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
    return int(found[1]), registers, values


def _instead(top, family):
    return f"run it instead, with `tnhw simulate {top} --netlist {family} --vectors 100000`"


def _check_models(gate, top, family):
    """Raise Undecided if a cell of a netlist, in Yosys' JSON, was not replaced by what it computes."""
    known = ("$", "\\$")
    if cells := sorted(
        {c["type"] for c in gate["cells"].values() if not c["type"].startswith(known)}
    ):
        raise Undecided(
            f"Yosys has no model for a proof of the netlist's cells {', '.join(cells)}: {_instead(top, family)}"
        )


def _products(text, top, family, netlist):
    """Registers that take a product, all names that they have, and for how many values they were compared."""
    gold = of_verilog(text, top)
    registers = with_products(gold)
    if not registers:
        return [], [], 0
    try:
        gate = of_verilog(readable(netlist, top, family), top)
        return registers, *compare(gold, gate, registers)
    except Differs as error:
        raise NetlistDiffers(str(error)) from None
    except (Undecided, ToolTimeout):
        raise
    except ToolFailed as error:
        raise Undecided(f"the netlist cannot be read for a proof: {error}") from None


def _hide_loose(gate):
    """Commands that hide names of bits that nothing drives: of bits that nothing reads, netlists keep the names."""
    driven = {
        bit
        for port in gate["ports"].values()
        if port["direction"] == "input"
        for bit in port["bits"]
    }
    for cell in gate["cells"].values():
        for port, bits in cell["connections"].items():
            if cell["port_directions"].get(port) != "input":
                driven.update(bits)
    driven |= {"0", "1"}
    for name, net in gate["netnames"].items():
        loose = [k for k, bit in enumerate(net["bits"]) if bit not in driven]
        if not loose or name in gate["ports"] or net["hide_name"]:
            continue
        if len(net["bits"]) > 1:
            yield f"splitnets */w:{name}"
        for k in loose:
            bit = f"{name}[{k}]" if len(net["bits"]) > 1 else name
            yield f"rename -hide gate/w:{bit.replace('[', '?').replace(']', '?')}"


def synthesised(text, top, family):
    """Verilog of the netlist, made without DSP blocks because these have no model for a proof."""
    with tempfile.TemporaryDirectory() as folder:
        made = synthesis.synthesise(text, top, family, folder, dsp=False)
        return made.path.read_text()


def readable(netlist, top, family):
    """A netlist as plain Verilog, with its cells replaced by what they compute, for a run in `replay`."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "netlist.v").write_text(netlist)
        tools.yosys(
            f"read_verilog -sv netlist.v\nhierarchy -top {top}\n"
            f"techmap -wb -D EQUIV -autoproc -map {MODELS[family]}\n"
            "proc\nflatten\nopt_clean\nasync2sync\nsetundef -undriven -zero\nopt_clean\nwrite_verilog -noattr plain.v\n",
            cwd=folder,
        )
        return Path(folder, "plain.v").read_text()
