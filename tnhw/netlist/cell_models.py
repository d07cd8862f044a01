"""Simulation models of the cells of FPGA families, for netlists in Icarus Verilog.

They come with Yosys, except for the insides of a few ECP5 cells and of the block RAMs of Gowin and Nexus, which are added
here. The added models are valid for netlists that Yosys makes (no output registers, no chip select), not for every use of
these cells.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

from .. import tools
from .pll_models import PLLS
from .synthesis import family_of

__all__ = ["cell_models"]


def _bits(name: str, count: int) -> str:
    """Verilog concatenation of the single-bit ports ``name<count-1>`` to ``name0``."""
    return "{" + ", ".join(f"{name}{n}" for n in reversed(range(count))) + "}"


def _block_ram_port(port: str) -> str:
    return f"""
  wire [17:0] di{port} = {_bits(f"DI{port}", 18)};
  wire [13:0] ad{port} = {_bits(f"AD{port}", 14)};
  wire clk{port} = CLK{port}MUX == "INV" ? ~CLK{port} : CLK{port};
  reg [35:0] do{port} = 0;
  integer at{port};
  always @(posedge clk{port}) begin
    at{port} = offset(ad{port}, DATA_WIDTH_{port});
    if (RST{port}) do{port} <= 0;
    else if (CE{port}) begin
      if (!WE{port} || WRITEMODE_{port} == "READBEFOREWRITE")
        do{port} <= memory[at{port} +: 36] & mask(DATA_WIDTH_{port});
      if (WE{port} && WRITEMODE_{port} == "WRITETHROUGH")
        do{port} <= di{port} & mask(DATA_WIDTH_{port});
    end
    if (CE{port} && WE{port} && !RST{port}) case (DATA_WIDTH_{port})
      1: memory[at{port}] <= di{port}[0];
      2: memory[at{port} +: 2] <= di{port}[1:0];
      4: memory[at{port} +: 4] <= di{port}[3:0];
      9: memory[at{port} +: 9] <= di{port}[8:0];
      36: for (k = 0; k < 4; k = k + 1)
        if (ad{port}[k]) memory[at{port} + 9 * k +: 9] <= wide[9 * k +: 9];
      default: begin
        if (ad{port}[0]) memory[at{port} +: 9] <= di{port}[8:0];
        if (ad{port}[1]) memory[at{port} + 9 +: 9] <= di{port}[17:9];
      end
    endcase
  end
"""


def _block_ram() -> str:
    rows = "\n".join(
        f"      memory[({n} * 16 + k) * 18 +: 18] = INITVAL_{n:02X}[k * 20 +: 18];"
        for n in range(64)
    )
    return f"""
  reg [18431:0] memory;
  integer k;
  initial for (k = 0; k < 16; k = k + 1) begin
{rows}
  end
  function integer offset(input [13:0] address, input integer width);
    offset = width == 36 ? address[13:5] * 36 : address[13:4] * 18 + (width < 18 ? address[3] * 9 : 0)
      + (width < 9 ? address[2:0] / width * width : 0);
  endfunction
  function [35:0] mask(input integer width);
    mask = (37'b1 << width) - 1;
  endfunction
  // Pseudo dual port: A writes 36 bits, B reads up to 36.
  wire [35:0] wide = {{{_bits("DIB", 18)}, {_bits("DIA", 18)}}};
  assign {_bits("DOA", 18)} = DATA_WIDTH_B == 36 ? doB[17:0] : doA[17:0];
  assign {_bits("DOB", 18)} = DATA_WIDTH_B == 36 ? doB[35:18] : doB[17:0];
{_block_ram_port("A")}{_block_ram_port("B")}"""


def _multiplier() -> str:
    return f"""
  wire signed [18:0] a = {{SIGNEDA & A17, {_bits("A", 18)[1:]};
  wire signed [18:0] b = {{SIGNEDB & B17, {_bits("B", 18)[1:]};
  wire signed [37:0] product = a * b;
  assign {_bits("P", 36)} = product[35:0];
"""


# For cells of ECP5 that Yosys only declares: the file with the declaration, and what makes the body.
_ECP5_CELLS: dict[str, tuple[str, Callable[[], str]]] = {
    "DP16KD": ("cells_sim.v", _block_ram),
    "MULT18X18D": ("cells_bb.v", _multiplier),
    "SGSR": ("cells_bb.v", str),
    "GSR": ("cells_bb.v", str),
}
_ECP5_FILES = ("ecp5/common_sim.vh", "ecp5/ccu2c_sim.vh", "ecp5/cells_sim.v")
_MACHXO2_FILES = (
    "lattice/common_sim.vh", "lattice/ccu2d_sim.vh", "lattice/cells_sim_xo2.v", "lattice/cells_ff.vh", "lattice/cells_io.vh"
)  # fmt: skip


def _gowin_ram(ninth: bool, dual: bool) -> str:
    """Body of a block RAM of Gowin, with one port or (`dual`) one for writes and one for reads; `ninth` bits or not.

    The low bits of the address of a wide word are the enables of its bytes.
    """
    byte = 8 + ninth
    write, read = ("A", "B") if dual else ("", "")
    widths = "BIT_WIDTH_0", "BIT_WIDTH_1"
    if not dual:
        widths = "BIT_WIDTH", "BIT_WIDTH"
    rows = "\n".join(
        f"    memory[{n * 32 * byte} +: {32 * byte}] = INIT_RAM_{n:02X};" for n in range(64)
    )
    reading = f"CE{read}" if dual else "CE && (!WRE || WRITE_MODE == 2'b10)"
    through = (
        ""
        if dual
        else f"""
    else if (CE && WRE && WRITE_MODE == 2'b01) data <= DI & ((37'b1 << {widths[1]}) - 1);"""
    )
    return f"""
  reg [{2048 * byte - 1}:0] memory;
  reg [{4 * byte - 1}:0] data = 0;
  integer k;
  initial begin
{rows}
  end
  function integer offset(input [13:0] address, input integer width);
    case (width)
      {4 * byte}: offset = address[13:5] * {4 * byte};
      {2 * byte}: offset = address[13:4] * {2 * byte};
      {byte}: offset = address[13:3] * {byte};
      default: offset = address / width * width;
    endcase
  endfunction
  always @(posedge CLK{read})
    if (RESET{read}) data <= 0;
    else if ({reading}) data <= memory[offset(AD{read}, {widths[1]}) +: {4 * byte}]
      & ((37'b1 << {widths[1]}) - 1);{through}
  always @(posedge CLK{write}) if (CE{write} && WRE{write}) begin
    if ({widths[0]} >= {2 * byte}) begin
      for (k = 0; k < {widths[0]} / {byte}; k = k + 1)
        if (AD{write}[k]) memory[offset(AD{write}, {widths[0]}) + {byte} * k +: {byte}] <= DI[{byte} * k +: {byte}];
    end else for (k = 0; k < {widths[0]}; k = k + 1)
      memory[offset(AD{write}, {widths[0]}) + k] <= DI[k];
  end
  assign DO = data;
"""


_GOWIN_CELLS = {
    "SP": lambda: _gowin_ram(False, False),
    "SPX9": lambda: _gowin_ram(True, False),
    "SDP": lambda: _gowin_ram(False, True),
    "SDPX9": lambda: _gowin_ram(True, True),
}


# The model that comes with Yosys is an `always` block, with which Icarus 11 sometimes crashes.
_GOWIN_ALU = """\
module ALU (output SUM, output COUT, input I0, input I1, input I3, input CIN);
  parameter ALU_MODE = 0;
  wire S = ALU_MODE == 0 ? I0 ^ I1
    : ALU_MODE == 2 ? I0 ^ I1 ^ ~I3
    : ALU_MODE == 6 ? I0
    : ALU_MODE == 7 ? ~I0
    : ALU_MODE == 8 ? I0 ^ ~I3
    : ALU_MODE == 9 ? (I0 & I1) ^ I3
    : I0 ^ ~I1;
  wire C = ALU_MODE == 3 || ALU_MODE == 7 ? 1'b1
    : ALU_MODE == 5 ? I1
    : ALU_MODE == 6 ? 1'b0
    : ALU_MODE == 9 ? I0 & I1
    : I0;
  assign SUM = S ^ CIN;
  assign COUT = S ? CIN : C;
endmodule
"""


def _nexus_ram(write: str, read: str) -> str:
    """Body of a block RAM of Nexus with one port for writes and one for reads, and the names of their clocks.

    The low bits of the address of a wide word are the enables of its bytes.
    """
    rows = "\n".join(
        f"    row = parsed(INITVAL_{n:02X});\n"
        f"    for (k = 0; k < 32; k = k + 1) memory[({n} * 32 + k) * 9 +: 9] = row[k * 10 +: 9];"
        for n in range(64)
    )
    return f"""
  localparam integer WRITE = width(DATA_WIDTH_W), READ = width(DATA_WIDTH_R);
  reg [18431:0] memory;
  reg [319:0] row;
  reg [35:0] data = 0;
  integer k;
  function [319:0] parsed(input [655:0] text);
    integer digit;
    reg [7:0] letter;
    for (digit = 0; digit < 80; digit = digit + 1) begin
      letter = text[digit * 8 +: 8];
      parsed[digit * 4 +: 4] = letter <= "9" ? letter - "0" : (letter | 8'h20) - "a" + 10;
    end
  endfunction
  function integer width(input [23:0] text);
    width = (text[15:8] == "X" ? 0 : (text[15:8] - "0") * 10) + text[7:0] - "0";
  endfunction
  function integer offset(input [13:0] address, input integer width);
    offset = width == 36 ? address[13:5] * 36 : address[13:4] * 18 + (width < 18 ? address[3] * 9 : 0)
      + (width < 9 ? address[2:0] / width * width : 0);
  endfunction
  initial begin
{rows}
  end
  always @(posedge {read}) if (CER)
    data <= RST ? 0 : memory[offset(ADR, READ) +: 36] & ((37'b1 << READ) - 1);
  always @(posedge {write}) if (CEW) begin
    if (WRITE >= 18) begin
      for (k = 0; k < WRITE / 9; k = k + 1)
        if (ADW[k]) memory[offset(ADW, WRITE) + 9 * k +: 9] <= DI[9 * k +: 9];
    end else for (k = 0; k < WRITE; k = k + 1)
      memory[offset(ADW, WRITE) + k] <= DI[k];
  end
  assign DO = data;
"""


def _filled(text: str, cell: str, declaration: str, body: str) -> str:
    """`text` in which the module `cell` is replaced by its declaration with a body."""
    pattern = rf"(?ms)^(\(\* blackbox \*\)\s*)?module {cell}\b.*?^endmodule"
    declared = re.search(rf"(?ms)^module {cell}\b.*?^endmodule", declaration)
    assert declared is not None, cell
    return re.sub(pattern, "", text) + declared[0].removesuffix("endmodule") + body + "endmodule\n"


def cell_models(family: str, folder: str | os.PathLike[str]) -> tuple[list[Path], dict[str, int]]:
    """Simulation models of a family's cells.

    Parameters
    ----------
    family : str
        A key of `tnhw.netlist.synthesis.FAMILIES`.
    folder : path
        Receives a file with the models, if those of Yosys have to be changed.

    Returns
    -------
    list of Path, dict of str to int
        Verilog files, and macros to define. Icarus needs ``-g2012`` for them.

    Raises
    ------
    InputError
        If there is no such family.
    """
    recipe = family_of(family)
    defines = dict.fromkeys(recipe.defines, 1)
    if family not in _CHANGED:
        return [tools.share(name) for name in recipe.models], defines
    path = Path(folder) / f"{family}_cells.v"
    path.write_text(_with_loops(family, _CHANGED[family]()))
    return [path], defines


def _ice40() -> str:
    return _read("ice40/cells_sim.v")


def _gowin() -> str:
    text = declared = _read("gowin/cells_sim.v")
    for cell, body in _GOWIN_CELLS.items():
        text = _filled(text, cell, declared, body())
    return _filled(text, "ALU", _GOWIN_ALU, "")


def _ecp5() -> str:
    text = _joined(_ECP5_FILES)
    for cell, (source, made) in _ECP5_CELLS.items():
        text = _filled(text, cell, _read(f"ecp5/{source}"), made())
    return text


def _machxo2() -> str:
    return _joined(_MACHXO2_FILES)


def _joined(files: tuple[str, ...]) -> str:
    """One text of files that include each other, without what Icarus rejects: `$error` outside of procedures."""
    text = "\n".join(map(_read, files))
    return re.sub(r"\$error\([^;]*\);|(?m:^\s*`include.*$)", "", text)


def _nexus() -> str:
    text = _read("lattice/cells_sim_nexus.v")
    text = text.replace('`include "parse_init.vh"', _read("lattice/parse_init.vh"))
    # In Yosys 0.70 the last word of a distributed RAM has no initial value.
    text = text.replace("i < 15;", "i < 16;")
    declared = _read("lattice/cells_bb_nexus.v")
    text = _filled(text, "PDPSC16K", declared, _nexus_ram("CLK", "CLK"))
    return _filled(text, "PDP16K", declared, _nexus_ram("CLKW", "CLKR"))


#: By family: what makes the text of its models, where those of Yosys have to be changed.
_CHANGED: dict[str, Callable[[], str]] = {
    "ice40": _ice40,
    "gowin": _gowin,
    "ecp5": _ecp5,
    "machxo2": _machxo2,
    "nexus": _nexus,
}


def _with_loops(family: str, text: str) -> str:
    for cell, (source, body) in PLLS.get(family, {}).items():
        text = _filled(text, cell, _read(source), body)
    return text


def _read(name: str) -> str:
    return tools.share(name).read_text()
