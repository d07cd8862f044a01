"""Traffic for the test bench: vectors, parameters, and what must come out."""

from dataclasses import dataclass, field

import numpy as np

from ..kernel.packing import axi_beats
from ..synapse import Format

__all__ = ["Traffic", "corner_vectors", "make"]

MAX_ONE_HOT = 64
MAX_ONE_HOT_SERIAL = 16  # a vector takes a cycle an input
MAX_SETS = 1 << 22
QUICK_CYCLES = 1000
QUICK_LOAD = 200
RANDOM_LOADS = 24
LOADS_OF_RANDOM = 600  # cycles for loads of further random parameters
QUICK_SEGMENTS = 12
POOL = 2048  # vectors among which edges are looked for
EDGES, FEW_EDGES = 96, 24  # of each kind, and where vectors are few or take many cycles
EDGE_CYCLES = 1024


@dataclass
class Traffic:
    """What a bench run sends and expects.

    Attributes
    ----------
    x, y : int64 arrays, [n, inputs] and [n, outputs]
        All vectors of the segments in order, and the golden results.
    user : slice
        Where the caller's own vectors lie in them.
    sets : list of (int, dict of arrays or None)
        Parameters that vectors meet: for each segment the number of its first vector, and its parameters.
    record : dict
        The traffic file: ``seed``; ``idle`` (payload while nothing is offered: ``x`` or ``junk``);
        ``segments``, each ``p``, ``i`` and ``o`` with payloads in hexadecimal; ``quick``, for each
        segment the vectors that are used where there are many tests; ``initial``, a segment for
        the contents that a parameter memory starts with, or None.
    """

    x: np.ndarray
    y: np.ndarray
    user: slice
    record: dict = field(repr=False)
    sets: list = field(default_factory=list, repr=False)

    def parameters(self, vector):
        """Parameters that a vector meets: dict of arrays [outputs, inputs] and [outputs], or None."""
        start, p = [pair for pair in self.sets if pair[0] <= vector][-1]
        if p is None:
            return None
        own = {name: np.asarray(array) for name, array in p.items()}
        return {
            name: array[vector - start] if array.ndim > (1 if name == "bias" else 2) else array
            for name, array in own.items()
        }


def corner_vectors(number, inputs, limit=MAX_ONE_HOT):
    """All minimum, all maximum, and each input alone at the other end.

    Of more than `limit` inputs, so many, spread evenly, stand alone.
    """
    alone = _indices(inputs, limit)
    rows = [np.full(inputs, end, np.int64) for end in (number.min, number.max)]
    for background, end in ((number.min, number.max), (number.max, number.min)):
        for k in alone:
            rows.append(np.full(inputs, background, np.int64))
            rows[-1][k] = end
    return np.array(rows)


def make(kernel, manifest, *, vectors=100, seed=0, x=None, params=None, idle="x"):
    """Traffic for a kernel.

    Parameters
    ----------
    kernel : Kernel
    manifest : dict
        Of its Verilog.
    vectors : int
        Random vectors, beside the corners.
    seed : int
    x : array_like of int [n, inputs], optional
        The caller's own vectors, sent as well.
    params : dict of arrays, optional
        Parameters for them, where the kernel has none of its own or others are wanted.
    idle : str
        Payload while nothing is offered: ``x`` or ``junk``.

    Returns
    -------
    Traffic
    """
    rng = np.random.default_rng(seed)
    own = np.empty((0, kernel.inputs), np.int64) if x is None else np.asarray(x)
    if params is None and kernel.storage != "constant":
        params = kernel.arrays or kernel.random_parameters(rng)
    if len(own):
        kernel.golden(own[:1], params)  # refuses a wrong shape with a sentence
    sent, expected, segments, sets = [], [], [], []
    for part, p in _parts(kernel, rng, own, vectors, params, manifest["interval"]):
        sets.append((sum(map(len, sent)), p))
        sent.append(part)
        expected.append(kernel.golden(part, p))
        segments.append(_segment(kernel, manifest, part, p, expected[-1]))
    initial = None
    if kernel.storage == "memory" and kernel.arrays is not None:
        some = sent[0][:10]
        initial = _segment(kernel, manifest, some, None, kernel.golden(some))
    record = {
        "seed": seed,
        "idle": idle,
        "segments": segments,
        "quick": _quick(manifest, segments, [len(part) for part in sent]),
        "initial": initial,
    }
    return Traffic(np.concatenate(sent), np.concatenate(expected), slice(0, len(own)), record, sets)


def _parts(kernel, rng, own, vectors, params, interval):
    """Vectors and the parameters they meet, the caller's vectors first."""
    limit = MAX_ONE_HOT if kernel.beats_in == 1 else MAX_ONE_HOT_SERIAL
    corners = corner_vectors(kernel.input, kernel.inputs, limit)
    random = kernel.random_input(rng, vectors)
    pool = kernel.random_input(rng, POOL if vectors else 0)
    count = min(EDGES, max(FEW_EDGES, min(vectors, EDGE_CYCLES // interval)))
    alone = (
        FEW_EDGES if kernel.storage == "ports" else count
    )  # others come with parameters of their own
    edges = pool[_edges(kernel, pool, params, alone)]
    yield np.concatenate([own, corners, edges, random]), params
    if kernel.storage == "constant":
        return
    extremes, ends = kernel.corner_parameters(), corners[:2]
    if kernel.storage == "memory":
        for p in _farthest(kernel, extremes, ends):
            yield np.concatenate([ends, random[:2]]), p
        loads = min(RANDOM_LOADS, max(1, LOADS_OF_RANDOM // kernel.beats_p)) if vectors else 1
        for _ in range(loads):
            p = kernel.random_parameters(rng)
            some = kernel.random_input(rng, max(8, vectors // loads))
            yield np.concatenate([random[_edges(kernel, random, p, 8)], some]), p
        return
    at_once = max(2, MAX_SETS // (kernel.inputs * kernel.outputs))
    extremes = _spread(extremes, at_once)
    sets = {name: np.repeat([p[name] for p in extremes], 2, axis=0) for name in extremes[0]}
    yield np.tile(ends, (len(extremes), 1)), sets
    if vectors:
        pool = kernel.random_input(rng, min(POOL, at_once))
        sets = kernel.random_parameters(rng, len(pool))
        chosen = _edges(kernel, pool, sets, count)
        yield pool[chosen], {name: p[chosen] for name, p in sets.items()}
    for start in range(0, vectors, at_once):
        part = random[start : start + at_once]
        yield part, kernel.random_parameters(rng, len(part))


def _farthest(kernel, sets, x):
    """Of parameter sets the first, the last, and those with the smallest and the largest results."""
    kept = {0, len(sets) - 1}
    if hasattr(kernel, "sums"):
        results = [kernel.sums(x, p) for p in sets]
        kept |= {int(np.argmin([z.min() for z in results]))}
        kept |= {int(np.argmax([z.max() for z in results]))}
    return [sets[k] for k in sorted(kept)]


def _edges(kernel, pool, p, count):
    """Numbers of vectors of a pool whose results are at a step of the output, between its ends, or at an end.

    At a step an adder that is wrong in its lowest bit shows, at an end one that is wrong in its highest;
    what is clamped hides the rest.
    """
    if not hasattr(kernel, "sums"):  # a network: no step of its result is one input away
        return []
    if kernel.output is None or not len(pool):
        return list(range(min(count, len(pool))))
    z, chosen = kernel.sums(pool, p), []
    y = kernel.requantise(z)
    step = 1 << max(0, kernel.shift)
    steps = [kernel.requantise(z + side) != y for side in (-1, 1)]
    large = np.argsort(-np.abs(pool).sum(axis=1), kind="stable")  # inside: terms that cancel
    inside = kernel.requantise(z - step) != kernel.requantise(z + step)
    ends = [kernel.output.min * step - kernel.half, (kernel.output.max + 1) * step - kernel.half]
    for j in range(kernel.outputs):
        order = np.argsort(z[:, j], kind="stable")
        for at in steps:
            chosen += _spread(order[at[order, j]].tolist(), count // 4)
        chosen += np.flatnonzero(inside[:, j])[: 2 * count].tolist()
        chosen += large[inside[large, j]][:count].tolist()
        for end in ends:
            for near in z[:, j] - end, end - 1 - z[:, j]:
                far = np.where(near < 0, np.iinfo(np.int64).max, near)
                chosen += np.argsort(far, kind="stable")[: max(1, count // 8)].tolist()
    return _spread(list(dict.fromkeys(chosen)), count * min(4, 2 + kernel.outputs))


def _spread(items, count):
    """At most `count` of a list, both ends among them."""
    return [items[k] for k in _indices(len(items), count)]


def _indices(length, count):
    return sorted(set(np.linspace(0, length - 1, min(count, length)).round().astype(int).tolist()))


def _segment(kernel, manifest, x, p, y):
    """One entry of `segments`; `p` is loaded first for storage `memory`, if it is not None."""
    loads = kernel.storage == "memory" and p is not None
    streams = {stream["carries"]: stream for stream in manifest["streams"]}
    return {
        "p": _hex(kernel.pack_parameters(p)) if loads else [],
        "i": _hex(_payloads(streams["input"], x, lambda: kernel.pack_input(x, p))),
        "o": _hex(_payloads(streams["output"], y, lambda: kernel.pack_output(y))),
    }


def _payloads(stream, values, plain):
    if stream["last"] is None:
        return plain()
    beat = stream["width"] // stream["element_bits"]
    number = Format.parse(stream["element"])
    return [data for data, _ in axi_beats(values, number, beat)]


def _hex(payloads):
    return [format(int(payload), "x") for payload in payloads]


def _quick(manifest, segments, sizes):
    """Which vectors of each segment go where there are many tests."""
    count = min(48, max(8, QUICK_CYCLES // manifest["interval"]))
    chosen = [_indices(sizes[0], count)]
    for k, (segment, size) in enumerate(zip(segments[1:], sizes[1:], strict=True)):
        short = k < QUICK_SEGMENTS and len(segment["p"]) <= QUICK_LOAD
        chosen.append(_indices(size, 4) if short else [])
    if len(segments) > 1 and not chosen[-1]:
        chosen[-1] = _indices(sizes[-1], 4)
    return chosen
