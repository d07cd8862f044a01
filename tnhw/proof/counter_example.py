"""From a lemma that fails to vectors for which a run of the Verilog goes wrong."""

import time
from dataclasses import dataclass, field
from math import inf

import numpy as np
import z3

from ..errors import ToolFailed
from .replay import Replay, beats_of, expected_of

__all__ = ["Contradiction", "CounterExample", "alone", "expected", "judge", "listed", "search"]

_VECTORS = 24
_SETS = 3
_LOADS = 12


class Contradiction(ToolFailed):
    """The golden model and the reference of the proof disagree, so nothing can be said of the Verilog."""


@dataclass(frozen=True)
class CounterExample:
    """A run that goes wrong.

    Attributes
    ----------
    fault : str
        What goes wrong, as half a sentence.
    x : list of list of int
        The vector and, for a fault of the stream, the vectors before it.
    parameters : dict of lists, or None
    expected, got : int or None
        Payload of the result beat as it should be, and as it was.
    wave : bytes
        Contents of a file with the waves of the run.
    wave_format : str
        ``vcd`` or ``fst``.
    vector : int or None
        Index of the vector among those that were sent.
    test : str
        Test of the bench that failed, and its cycle; empty for a directed run.
    """

    fault: str
    x: list
    parameters: dict | None
    expected: int | None
    got: int | None
    wave: bytes = field(repr=False)
    wave_format: str = "vcd"
    vector: int | None = None
    test: str = ""

    def as_dict(self):
        return {
            "fault": self.fault,
            "vector": self.vector,
            "x": self.x,
            "parameters": self.parameters,
            "expected": self.expected,
            "got": self.got,
            "test": self.test,
        }


def search(kernel, manifest, text, reference, binding, values, seeds, end):
    """Run vectors that are likely to show a fault; return a `CounterExample`, or None if none goes wrong.

    Parameters
    ----------
    values : dict of str to int
        Values of the unrolled circuit's variables for which, by the solver, a lemma is false.
    seeds : iterable
        One run for each: with None nothing stalls, with a number both sides stall at random.
    end : float
        Time of `time.monotonic` after which no further run begins.
    """
    rng = np.random.default_rng(0)
    for number in range(1 if kernel.storage == "constant" else _SETS):
        hint = values if number % 2 == 0 else {}
        p = _parameters(kernel, reference, binding, hint, rng, number)
        x = _vectors(kernel, reference, binding, hint, rng)
        found = _run(kernel, manifest, text, reference, [(x, p)], seeds, end)
        if found is not None:
            return found
    if kernel.storage != "memory":
        return None
    # Loads that follow each other, or that follow the last of one or two vectors at once.
    sets = []
    for number in range(_LOADS):
        p = kernel.random_parameters(rng)
        sets.append((kernel.random_input(rng, number % 3), p))
    return _run(kernel, manifest, text, reference, sets, seeds, end)


def _run(kernel, manifest, text, reference, sets, seeds, end=inf):
    """The first fault in runs of `sets`, (vectors, parameters): each set is loaded, then its vectors are sent."""
    if time.monotonic() > end:
        return None
    script, due, owners = [], [], []
    for number, (x, p) in enumerate(sets):
        y = [expected(kernel, reference, vector, p) for vector in x.tolist()]
        script += beats_of(kernel, x, p)
        beats = expected_of(kernel, y) if y else []
        due += beats
        owners += [(number, k * len(x) // len(beats)) for k in range(len(beats))]
    runs = Replay(text, manifest, script, due)
    for seed in seeds:
        if time.monotonic() > end:
            return None
        run = runs.run(seed)
        if run.fault is None:
            continue
        number, vector = owners[min(run.beat, len(owners) - 1)]
        x, p = sets[number]
        judge(kernel, reference, x[vector], p)
        if seed is None and run.fault == "wrong" and len(x) > 1:  # one vector may show it too
            found = alone(kernel, manifest, text, reference, x[vector], p)
            if found is not None:
                return found
        return CounterExample(
            f"a result is {run.fault}",
            x[: vector + 1].tolist(),
            listed(p),
            due[run.beat][0] if run.beat < len(due) else None,
            run.got,
            run.vcd().encode(),
            vector=vector,
        )
    return None


def alone(kernel, manifest, text, reference, x, p):
    """A `CounterExample` with the single vector `x`, or None if that run does not go wrong."""
    return _run(kernel, manifest, text, reference, [(np.asarray(x)[None], p)], [None])


def judge(kernel, reference, x, p):
    """Check that golden model and reference, which share no code, agree before the Verilog is called wrong.

    Raises
    ------
    Contradiction
        If they give different results.
    """
    golden = kernel.golden(np.asarray(x)[None], p)[0].tolist()
    other = expected(kernel, reference, np.asarray(x).tolist(), p)
    if golden != other:
        raise Contradiction(
            f"THE GOLDEN MODEL AND THE REFERENCE OF THE PROOF DISAGREE: for x = {np.asarray(x).tolist()} and parameters "
            f"{listed(p)} the golden model gives {golden} and the reference {other}. One of them is wrong, so there is "
            "no verdict on the Verilog; please report it with the kernel file"
        )


def listed(p):
    """Parameters as lists, for JSON."""
    return None if p is None else {k: np.asarray(v).tolist() for k, v in p.items()}


def expected(kernel, reference, vector, p):
    """The result that the reference gives for a vector: list of int."""
    arrays = kernel.arrays if p is None else p
    words = [
        [_fields(reference, arrays, j, i) for i in range(kernel.inputs)]
        for j in range(kernel.outputs)
    ]
    biases = np.broadcast_to(arrays.get("bias", 0), (kernel.outputs,)).tolist()
    return reference.result(vector, words, biases)


def _fields(reference, arrays, output, input):
    own = {k: int(np.asarray(a)[output][input]) for k, a in arrays.items() if k != "bias"}
    fields = {"present": int(own.get("sign", 1) != 0)}
    if "sign" in own:
        fields["sign"] = int(own["sign"] < 0)
    for name in ("theta", "weight", "exponent"):
        if name in own:
            fields[name] = own[name] % 2**reference.parameter_bits
    if "gain" in own:
        fields["gain"] = own["gain"]
    return fields


def _value(expression, values):
    """Value of an expression, or None if one of the variables that it reads is not in `values`."""
    from .formulas.walk import support

    pairs = []
    for name, (variable, _) in support(expression).items():
        if name not in values:
            return None
        pairs.append((variable, z3.BitVecVal(values[name], variable.size())))
    return z3.simplify(z3.substitute(expression, *pairs)).as_long()


def _vectors(kernel, reference, binding, hint, rng):
    x = kernel.random_input(rng, _VECTORS)
    ends = rng.integers(0, 2, x.shape)
    x[8:16] = np.where(ends, kernel.input.max, kernel.input.min)[8:16]
    for i in range(kernel.inputs):
        found = _value(binding.x(i), hint) if binding else None
        if found is not None:
            x[: _VECTORS // 2, i] = kernel.input.decode(found)
    x[0] = kernel.input.min
    x[1] = kernel.input.max
    return x


def _parameters(kernel, reference, binding, hint, rng, number):
    if kernel.storage == "constant":
        return None
    p = kernel.random_parameters(rng)
    if number == 2:  # the same value everywhere, so that sums become large
        for array in p.values():
            array[...] = array.flat[0]
    for j in range(kernel.outputs):
        for i in range(kernel.inputs):
            found = _value(binding.word(j, i), hint) if binding else None
            if found is None:
                continue
            values = reference.integers(found)
            for name in ("theta", "weight", "exponent"):
                if name in values:
                    p[name][j, i] = values[name]
            if "sign" in values:
                p["sign"][j, i] = (1 - 2 * values["sign"]) * values.get("present", 1)
            if "gain" in values:
                p["gain"][j, i] = min(values["gain"], 2)
        if binding and kernel.storage == "ports" and kernel.bias_format and not kernel.folded:
            found = _value(binding.bias(j), hint)
            if found is not None:
                p["bias"][j] = kernel.bias_format.decode(found)
    return p
