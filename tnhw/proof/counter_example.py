"""From a lemma that fails to vectors that really go wrong."""

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
    """The golden model and the reference of the proof disagree."""


@dataclass(frozen=True)
class CounterExample:
    """What goes wrong.

    Attributes
    ----------
    fault : str
        Half a sentence.
    x : list of list of int
        The vector and, for a fault of the stream, the vectors before it.
    parameters : dict of lists, or None
    expected, got : int or None
        Payload of the result beat.
    wave : bytes
        Contents of a file of waves.
    wave_format : str
        ``vcd`` or ``fst``.
    vector : int or None
        Number of the vector among those that were sent.
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
    """Vectors for which the emitted Verilog differs from the reference, or None.

    Parameters
    ----------
    values : dict of str to int
        Values of the unrolled circuit's variables that a solver found.
    seeds : iterable
        None: nobody stalls; a number: random stalls.
    end : float
        When no further run begins, by `time.monotonic`.
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
    # Loads one after the other, and right behind the last of a few vectors.
    sets = []
    for number in range(_LOADS):
        p = kernel.random_parameters(rng)
        sets.append((kernel.random_input(rng, number % 3), p))
    return _run(kernel, manifest, text, reference, sets, seeds, end)


def _run(kernel, manifest, text, reference, sets, seeds, end=inf):
    """The first fault of runs in which each of some parameter sets is loaded, and its vectors follow."""
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
        if seed is None and run.fault == "wrong" and len(x) > 1:  # one vector may be enough
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
    """A run with one vector that goes wrong, or None."""
    return _run(kernel, manifest, text, reference, [(np.asarray(x)[None], p)], [None])


def judge(kernel, reference, x, p):
    """Two definitions that share no code must give the same result before the Verilog is called wrong.

    Raises
    ------
    Contradiction
    """
    golden = kernel.golden(np.asarray(x)[None], p)[0].tolist()
    other = expected(kernel, reference, np.asarray(x).tolist(), p)
    if golden != other:
        raise Contradiction(
            f"THE GOLDEN MODEL AND THE REFERENCE OF THE PROOF DISAGREE: for x = {np.asarray(x).tolist()} and parameters "
            f"{listed(p)} the golden model gives {golden} and the reference {other}. One of them is wrong, so nothing is "
            "said of the Verilog; please report it with the kernel file"
        )


def listed(p):
    """Parameters as lists, for JSON."""
    return None if p is None else {k: np.asarray(v).tolist() for k, v in p.items()}


def expected(kernel, reference, vector, p):
    """Result of a vector by the reference: list of int."""
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
            fields[name] = own[name] % 2**reference.magnitude.bits
    if "gain" in own:
        fields["gain"] = own["gain"]
    return fields


def _value(expression, values):
    """Value of an expression of variables, where all that it reads are known; else None."""
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
    if number == 2:  # one extreme everywhere, so that sums reach their ends
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
