"""Behaviour of the phase-locked loops of FPGA families, of which Yosys only has the ports, for simulation.

A loop measures four periods of its input, then locks, and from then on runs by itself at the frequency to which its
parameters set it. Phases, jitter and the time that a real loop takes to lock are not modelled.
"""

__all__ = ["PLLS"]


def _loop(clock: str, output: str, divide: str, multiply: str) -> str:
    """The body of a module: `output` has `multiply` / `divide` times the frequency of `clock`."""
    return f"""
  reg made = 0, locked = 0;
  integer seen = 0;
  real last = 0, half = 1;
  assign {output} = made;
  assign LOCK = locked;
  always @(posedge {clock}) if (!locked) begin
    half = ($realtime - last) * ({divide}) / ({multiply}) / 2.0;
    last = $realtime;
    seen = seen + 1;
    if (seen == 4) locked = 1;
  end
  always @(posedge locked) forever #(half) made = ~made;
"""


def _ice40(clock: str) -> str:
    return _loop(clock, "PLLOUTGLOBAL", "(DIVR + 1) * (1 << DIVQ)", "DIVF + 1")


#: By family and cell: the file of Yosys with its ports, and the body.
PLLS = {
    "ice40": {
        "SB_PLL40_PAD": ("ice40/cells_sim.v", _ice40("PACKAGEPIN")),
        "SB_PLL40_CORE": ("ice40/cells_sim.v", _ice40("REFERENCECLK")),
    },
    "ecp5": {"EHXPLLL": ("ecp5/cells_bb.v", _loop("CLKI", "CLKOP", "CLKI_DIV", "CLKFB_DIV"))},
    "gowin": {
        "rPLL": ("gowin/cells_sim.v", _loop("CLKIN", "CLKOUT", "IDIV_SEL + 1", "FBDIV_SEL + 1"))
    },
}
