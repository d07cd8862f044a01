"""Traffic for the test bench: vectors, parameters, and expected results."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..hardware.interface import Arrays, Hardware
from ..hardware.payloads import axi_beats
from ..support.sampling import spread
from ..synapse import Format

__all__ = ["Traffic", "corner_vectors", "make"]

MAX_ONE_HOT = 64
MAX_ONE_HOT_SERIAL = 16  # fewer, as a vector takes a cycle for each input
MAX_SETS = 1 << 22
QUICK_CYCLES = 1000
QUICK_LOAD = 200
RANDOM_LOADS = 24
LOADS_OF_RANDOM = 600  # cycles for loads of further random parameters
QUICK_SEGMENTS = 12
POOL = 2048  # random vectors of which those at edges are chosen
EDGES, FEW_EDGES = 96, 24  # most of these, and the number if vectors are few or take many cycles
EDGE_CYCLES = 4096


@dataclass
class Traffic:
    """What a bench sends and expects.

    Attributes
    ----------
    x, y : int64 arrays, [n, inputs] and [n, outputs]
        The vectors of all segments in order, and the results of the golden model.
    user : slice
        Which of them are the caller's own.
    sets : list of (int, dict of arrays or None)
        For each segment, the index of its first vector, and its parameters.
    record : dict
        Contents of the traffic file: ``seed``; ``idle`` (payload while nothing is offered: ``x`` or ``junk``);
        ``segments``, dicts of ``p``, ``i`` and ``o`` with payloads in hexadecimal; ``quick``: for each segment,
        the vectors to use in tests that run often; ``initial``: a segment for the initial contents of a parameter
        memory, or None.
    """

    x: np.ndarray
    y: np.ndarray
    user: slice
    record: dict = field(repr=False)
    sets: list = field(default_factory=list, repr=False)

    def parameters(self, vector: int) -> dict[str, np.ndarray] | None:
        """The parameters for a vector: dict of arrays [outputs, inputs] and [outputs], or None if constant."""
        start, p = [pair for pair in self.sets if pair[0] <= vector][-1]
        if p is None:
            return None
        own = {name: np.asarray(array) for name, array in p.items()}
        return {
            name: array[vector - start] if array.ndim > (1 if name == "bias" else 2) else array
            for name, array in own.items()
        }


def corner_vectors(number: Format, inputs: int, limit: int = MAX_ONE_HOT) -> np.ndarray:
    """Vectors with all inputs at the minimum, all at the maximum, and one input alone at the other end.

    If there are more than `limit` inputs, only so many of them, evenly spread, are alone at the other end.
    """
    alone = spread(range(inputs), limit)
    rows = [np.full(inputs, end, np.int64) for end in (number.min, number.max)]
    for background, end in ((number.min, number.max), (number.max, number.min)):
        for k in alone:
            rows.append(np.full(inputs, background, np.int64))
            rows[-1][k] = end
    return np.array(rows)


def make(
    hardware: Hardware,
    manifest: dict[str, Any],
    *,
    vectors: int = 100,
    seed: int = 0,
    x: Any = None,
    params: Arrays | None = None,
    idle: str = "x",
) -> Traffic:
    """Make traffic for the bench of a piece of hardware.

    Parameters
    ----------
    hardware : Hardware
    manifest : dict
        The manifest of its Verilog.
    vectors : int
        Number of random vectors, in addition to corner vectors.
    seed : int
    x : array_like of int [n, inputs], optional
        The caller's own vectors, which are sent as well.
    params : dict of arrays, optional
        Parameters for these; by default the hardware's own, or random ones if it has none.
    idle : str
        Payload while nothing is offered: ``x`` or ``junk``.

    Returns
    -------
    Traffic

    Raises
    ------
    InputError
        If `x` or `params` do not fit the hardware.
    """
    rng = np.random.default_rng(seed)
    own = np.empty((0, hardware.inputs), np.int64) if x is None else np.asarray(x)
    if params is None and hardware.storage != "constant":
        params = hardware.arrays or hardware.random_parameters(rng)
    if len(own):
        hardware.golden(own[:1], params)  # raises InputError if a shape is wrong
    sent: list[np.ndarray] = []
    expected, segments, sets = [], [], []
    for part, p in _parts(hardware, rng, own, vectors, params, manifest["interval"]):
        sets.append((sum(len(one) for one in sent), p))
        sent.append(part)
        expected.append(hardware.golden(part, p))
        segments.append(_segment(hardware, manifest, part, p, expected[-1]))
    initial = None
    if hardware.storage == "memory" and hardware.arrays is not None:
        some = sent[0][:10]
        initial = _segment(hardware, manifest, some, None, hardware.golden(some))
    record = {
        "seed": seed,
        "idle": idle,
        "segments": segments,
        "quick": _quick(manifest, segments, [len(part) for part in sent]),
        "initial": initial,
    }
    return Traffic(np.concatenate(sent), np.concatenate(expected), slice(0, len(own)), record, sets)


def _parts(hardware, rng, own, vectors, params, interval):
    """Segments: yields vectors and the parameters for them, the caller's vectors first."""
    limit = MAX_ONE_HOT if hardware.beats_in == 1 else MAX_ONE_HOT_SERIAL
    corners = corner_vectors(hardware.input, hardware.inputs, limit)
    random = hardware.random_input(rng, vectors)
    pool = hardware.random_input(rng, POOL if vectors else 0)
    count = min(EDGES, max(FEW_EDGES, min(vectors, EDGE_CYCLES // interval)))
    alone = (
        FEW_EDGES if hardware.storage == "ports" else count
    )  # more follow below, with other parameters
    edges = hardware.edge_vectors(pool, params, alone)
    yield np.concatenate([own, corners, edges, random]), params
    if hardware.storage == "constant":
        return
    ends = corners[:2]
    if hardware.storage == "memory":
        for p in hardware.extreme_parameters(ends):
            yield np.concatenate([ends, random[:2]]), p
        loads = min(RANDOM_LOADS, max(1, LOADS_OF_RANDOM // hardware.beats_p)) if vectors else 1
        for _ in range(loads):
            p = hardware.random_parameters(rng)
            some = hardware.random_input(rng, max(8, vectors // loads))
            yield np.concatenate([hardware.edge_vectors(random, p, 8), some]), p
        return
    at_once = max(2, MAX_SETS // (hardware.inputs * hardware.outputs))
    if extremes := spread(hardware.corner_parameters(), at_once):
        sets = {name: np.repeat([p[name] for p in extremes], 2, axis=0) for name in extremes[0]}
        yield np.tile(ends, (len(extremes), 1)), sets
    if vectors:
        pool = hardware.random_input(rng, min(POOL, at_once))
        sets = hardware.random_parameters(rng, len(pool))
        chosen = hardware.edges(pool, sets, count)
        yield pool[chosen], {name: p[chosen] for name, p in sets.items()}
    for start in range(0, vectors, at_once):
        part = random[start : start + at_once]
        yield part, hardware.random_parameters(rng, len(part))


def _segment(hardware, manifest, x, p, y):
    """An entry of ``segments``. For storage `memory`, `p` is loaded first, unless it is None."""
    loads = hardware.storage == "memory" and p is not None
    streams = {stream["carries"]: stream for stream in manifest["streams"]}
    return {
        "p": _hex(hardware.pack_parameters(p)) if loads else [],
        "i": _hex(_inputs(hardware, streams["input"], x, p)),
        "o": _hex(_outputs(hardware, streams["output"], y)),
    }


def _inputs(hardware, stream, x, p):
    if stream["last"] is None:
        return hardware.pack_input(x, p)
    return [data for data, _ in hardware.axi_input(x)]


def _outputs(hardware, stream, y):
    if stream["last"] is None:
        return hardware.pack_output(y)
    beat = stream["width"] // stream["element_bits"]
    return [data for data, _ in axi_beats(y, Format.parse(stream["element"]), beat)]


def _hex(payloads):
    return [format(int(payload), "x") for payload in payloads]


def _quick(manifest, segments, sizes):
    """The vectors of each segment that are used in tests that run often: a list of indices for each."""
    count = min(48, max(8, QUICK_CYCLES // manifest["interval"]))
    chosen = [spread(range(sizes[0]), count)]
    for k, (segment, size) in enumerate(zip(segments[1:], sizes[1:], strict=True)):
        short = k < QUICK_SEGMENTS and len(segment["p"]) <= QUICK_LOAD
        chosen.append(spread(range(size), 4) if short else [])
    if len(segments) > 1 and not chosen[-1]:
        chosen[-1] = spread(range(sizes[-1]), 4)
    return chosen
