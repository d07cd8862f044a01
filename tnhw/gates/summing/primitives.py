"""Cells that libraries of standard cells have, but operators cannot express: full and half adders, gated registers.

With the platform :class:`Cells`, with which Verilog is emitted, they are instances of the modules in :data:`MODULES`.
These modules are part of the emitted Verilog as plain behaviour, with names that begin with the kernel's name; a flow
for standard cells replaces them by cells of its library. Without this platform they are the same functions in
Amaranth.
"""

import re

from amaranth.hdl import Cat, Const, Instance, Signal

__all__ = [
    "MODULES",
    "OUTPUTS",
    "Cells",
    "full_adder",
    "half_adder",
    "hold",
    "own_modules",
    "shared_modules",
]


class Cells:
    """The platform with which these cells are instances of modules."""


MODULES = {
    "tnhw_fa": """\
// Full adder: a + b + c = 2 co + s.
module tnhw_fa (
  input  wire a,
  input  wire b,
  input  wire c,
  output wire s,
  output wire co
);

  assign s = a ^ b ^ c;
  assign co = (a & b) | (a & c) | (b & c);

endmodule
""",
    "tnhw_ha": """\
// Half adder: a + b = 2 co + s.
module tnhw_ha (
  input  wire a,
  input  wire b,
  output wire s,
  output wire co
);

  assign s = a ^ b;
  assign co = a & b;

endmodule
""",
    "tnhw_hold": """\
// Registers with one enable. With LATCH, d is stable in the cycle after that with en, too, so that
// latches behind a clock gate may take their place.
module tnhw_hold #(
  parameter WIDTH = 1,
  // verilator lint_off UNUSEDPARAM
  parameter LATCH = 0,
  // verilator lint_on UNUSEDPARAM
  parameter [WIDTH-1:0] INIT = {WIDTH{1'b0}},
  parameter HAS_INIT = 0
) (
  input  wire             clk,
  input  wire             en,
  input  wire [WIDTH-1:0] d,
  output reg  [WIDTH-1:0] q
);

  initial if (HAS_INIT != 0) q = INIT;

  always @(posedge clk)
    if (en) q <= d;

endmodule
""",
}


#: Ports that these modules drive.
OUTPUTS = {
    "tnhw_fa": frozenset({"s", "co"}),
    "tnhw_ha": frozenset({"s", "co"}),
    "tnhw_hold": frozenset({"q"}),
}


def own_modules(text, top):
    """Add the modules of `MODULES` that a Verilog text uses, with names of `top`'s own: ``<top>__tnhw_fa``.

    The files of several kernels can then be used in one design.
    """
    for name, module in MODULES.items():
        if re.search(rf"(?m)^ *{name}\b", text):
            text += "\n" + module
    return re.sub(rf"(?m)^( *|module )({'|'.join(MODULES)})\b", rf"\1{top}__\2", text)


def shared_modules(text):
    """Undo `own_modules`: the text with the names of :data:`MODULES`, and without these modules."""
    text = re.sub(rf"\b\w+__({'|'.join(MODULES)})\b", r"\1", text)
    for module in MODULES.values():
        text = text.replace(module, "")
    return text


def full_adder(m, platform, bits, name):
    """Sum and carry of three bits."""
    a, b, c = bits
    s, carry = Signal(name=f"{name}_s"), Signal(name=f"{name}_co")
    if isinstance(platform, Cells):
        m.submodules[name] = Instance("tnhw_fa", i_a=a, i_b=b, i_c=c, o_s=s, o_co=carry)
    else:
        m.d.comb += [s.eq(a ^ b ^ c), carry.eq((a & b) | (a & c) | (b & c))]
    return s, carry


def half_adder(m, platform, bits, name):
    """Sum and carry of two bits."""
    a, b = bits
    s, carry = Signal(name=f"{name}_s"), Signal(name=f"{name}_co")
    if isinstance(platform, Cells):
        m.submodules[name] = Instance("tnhw_ha", i_a=a, i_b=b, o_s=s, o_co=carry)
    else:
        m.d.comb += [s.eq(a ^ b), carry.eq(a & b)]
    return s, carry


def hold(m, platform, clock, pairs, enable, name, *, latch=False):
    """Registers that take their values when `enable` is high, with one clock gate for all of them.

    Parameters
    ----------
    m, platform
        Module, and the platform with which it is elaborated.
    clock : Value
        ``ClockSignal()`` of the domain ``sync``.
    pairs : list of (Signal, Value)
        Registers and their next values. They have no reset.
    enable : Value
    name : str
        Name of the instance.
    latch : bool
        Whether latches may be used: the values do not change in the cycle after one with `enable`.
    """
    if not pairs:
        return
    if not isinstance(platform, Cells):
        with m.If(enable):
            m.d.sync += [register.eq(value) for register, value in pairs]
        return
    width = sum(len(register) for register, _ in pairs)
    d, q = Signal(width, name=f"{name}_d"), Signal(width, name=f"{name}_q")
    init, at = 0, 0
    for register, value in pairs:
        bits = len(register)
        m.d.comb += [d[at : at + bits].eq(value), register.eq(q[at : at + bits])]
        init |= (register.init & ((1 << bits) - 1)) << at
        at += bits
    m.submodules[name] = Instance(
        "tnhw_hold",
        p_WIDTH=width,
        p_LATCH=int(latch),
        p_INIT=Const(init, width),
        p_HAS_INIT=int(init != 0),
        i_clk=clock,
        i_en=enable,
        i_d=Cat(d),
        o_q=q,
    )
