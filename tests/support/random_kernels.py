"""Random kernels that are valid, vectors that drive them to their ends, and the check of a case."""

from dataclasses import dataclass
from itertools import product

import gates
import numpy as np
import oracle
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tnhw.hardware.payloads import axi_beats
from tnhw.kernel import ARCHITECTURES, Kernel
from tnhw.synapse import RULES

STORAGES = ("ports", "memory", "constant")
KINDS = list(product(sorted(RULES), sorted(ARCHITECTURES), STORAGES))
MAX_SYNAPSES = 96


@dataclass
class Case:
    """A kernel's keys, its own parameters or None, and the seed of everything else."""

    keys: dict
    arrays: dict | None
    seed: int

    @property
    def kernel(self):
        return Kernel(**self.keys, arrays=self.arrays)


# ---- Strategies ----


@st.composite
def formats(draw, low=2, high=16):
    return draw(st.sampled_from("us")) + str(draw(st.integers(low, high)))


@st.composite
def cases(draw, rule, architecture, storage):
    """Cases of one kind: everything else is drawn."""
    keys = {"name": "random_kernel", "rule": rule, "architecture": architecture, "storage": storage}
    keys["inputs"] = draw(st.one_of(st.integers(1, 12), st.integers(13, 64)))
    keys["outputs"] = draw(st.integers(1, max(1, min(5, MAX_SYNAPSES // keys["inputs"]))))
    keys["input"] = draw(formats())
    if RULES[rule].only_input:
        keys["input"] = str(RULES[rule].only_input)
    if rule == "shift":
        keys["parameter"] = f"u{draw(st.integers(1, 3))}"
    elif RULES[rule].has_parameter:
        keys["parameter"] = draw(formats())
    if rule == "threshold":
        keys["gain"] = draw(st.booleans())
    if RULES[rule].forms:
        keys["form"] = draw(st.sampled_from(["auto", *RULES[rule].forms]))
        if keys["form"] == "sign_magnitude":  # is for signed weights
            keys["parameter"] = f"s{max(2, int(keys['parameter'][1:]))}"
    # A heap is thousands of gates in Amaranth's simulator: fewer of them are enough.
    styles = ["operators", "operators", "heap"] if architecture != "tile" else ["operators", "heap"]
    keys["arithmetic"] = draw(st.sampled_from(styles))
    if keys["arithmetic"] == "heap":
        keys["adder"] = draw(st.sampled_from(["ripple", "prefix"]))
    if architecture == "tile" and storage == "memory":
        keys["registers"] = draw(st.sampled_from(["flip-flop", "latch"]))
    bias = draw(st.sampled_from(["", "", "folded "] if storage == "ports" else ["", ""]))
    if draw(st.booleans()) or bias:
        keys["bias"] = bias + draw(formats(2, 18))
    if draw(st.sampled_from([True, True, True, False])):
        keys["output"] = draw(formats())
        keys["shift"] = draw(st.integers(-3, 12))
    plain = storage == "ports" or (architecture, storage) == ("tile", "memory")
    if not plain and draw(st.booleans()):
        keys["interface"] = "axi-stream"
        keys["beat"] = draw(st.integers(1, max(keys["inputs"], keys["outputs"])))
    if (architecture, storage, keys["arithmetic"]) == ("serial", "ports", "heap") and not bias:
        keys["gating"] = draw(st.sampled_from(["none", "predicate"]))
    if storage != "constant" and architecture != "serial" and draw(st.booleans()):
        keys["excitatory"] = draw(st.integers(0, keys["inputs"]))
    number = draw(st.integers(0, 2**32 - 1))
    arrays = None
    if storage == "constant" or (storage == "memory" and draw(st.booleans())):
        arrays = parameters(keys, np.random.default_rng(number), few=draw(st.booleans()))
    return Case(keys, arrays, number)


def with_cases(kind, count, action):
    """Call `action` with `count` cases of a kind, the same in every run."""

    @seed(KINDS.index(kind))
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(*kind))
    def run(case):
        action(case)

    run()


def cases_of(kind, count):
    """The cases that :func:`with_cases` uses, as a list."""
    found = []
    with_cases(kind, count, found.append)
    return found


# ---- Parameters and vectors ----


def parameters(keys, rng, *, few=False):
    """Random arrays over all that is allowed; with `few`, of few different values."""
    size = (keys["outputs"], keys["inputs"])
    arrays = {}
    for name, (low, high) in oracle.ranges(keys).items():
        arrays[name] = rng.integers(low, high, size, np.int64, endpoint=True)
        if few:
            arrays[name] = rng.choice(arrays[name].reshape(-1)[:3], size)
    if "bias" in keys or keys["storage"] == "constant":
        low, high = oracle.bounds(keys["bias"].split()[-1] if "bias" in keys else "s9")
        arrays["bias"] = rng.integers(low, high, size[:1], np.int64, endpoint=True)
    return arrays


def steepest(keys, sign):
    """Vector and parameters with the highest (sign 1) or lowest (-1) z of all."""
    ends = {own: oracle.best_synapse(keys, own) for own in (1, -1)}
    best = [ends[own] for own in polarities(keys, sign)]
    arrays = {
        name: np.full((keys["outputs"], keys["inputs"]), [values[name] for _, values in best])
        for name in best[0][1]
    }
    if "bias" in keys:
        highest = oracle.bounds(keys["bias"].split()[-1])[sign > 0]
        arrays["bias"] = np.full(keys["outputs"], highest)
    return np.array([[x for x, _ in best]]), arrays


def polarities(keys, sign):
    """For each input which end of its term, 1 or -1, moves z towards `sign`."""
    adding = keys.get("excitatory", keys["inputs"])
    return [sign if i < adding else -sign for i in range(keys["inputs"])]


def summits(keys, p):
    """For each output the vectors with its highest and lowest z."""
    names = oracle.ranges(keys)
    rows = []
    for j, sign in product(range(keys["outputs"]), (1, -1)):
        synapses = [{name: int(p[name][j][i]) for name in names} for i in range(keys["inputs"])]
        ends = polarities(keys, sign)
        rows.append([oracle.best_x(keys, s, end) for s, end in zip(synapses, ends, strict=True)])
    return np.array(rows)


def random_x(keys, rng, count):
    low, high = oracle.bounds(keys["input"])
    return rng.integers(low, high, (count, keys["inputs"]), np.int64, endpoint=True)


def segments(case):
    """What is sent: list of (parameters or None for the kernel's own, vectors).

    Both ends of the range of z occur. For storage `ports` each entry is one set of parameters.
    """
    keys, rng = case.keys, np.random.default_rng(case.seed + 1)
    parts = []
    if case.arrays is not None:
        x = np.concatenate([random_x(keys, rng, 4), summits(keys, case.arrays)])
        parts.append((None, x))
    if keys["storage"] != "constant":
        for p in (parameters(keys, rng), parameters(keys, rng, few=True)):
            parts.append((p, np.concatenate([random_x(keys, rng, 2), summits(keys, p)[:4]])))
        parts += [(p, x) for x, p in (steepest(keys, 1), steepest(keys, -1))]
    return parts


def ends(case):
    """Exact lowest and highest z of a kernel."""
    keys = case.keys
    if keys["storage"] == "constant":
        z = oracle.sums(keys["rule"], summits(keys, case.arrays), case.arrays)
        return min(map(min, z)), max(map(max, z))
    split = keys.get("excitatory")
    both = [oracle.sums(keys["rule"], *steepest(keys, sign), split)[0][0] for sign in (-1, 1)]
    return both[0], both[1]


# ---- Check ----


def script_of(kernel, parts):
    """Beats for :func:`gates.simulate`."""
    axi = kernel.interface == "axi-stream"
    script = []
    for p, x in parts:
        if kernel.storage == "memory" and p is not None:
            beats = kernel.pack_parameters(p)
            last = len(beats) - 1
            script.append(
                ("p", [(b, int(k == last)) for k, b in enumerate(beats)] if axi else beats)
            )
        if axi:
            beat = min(kernel.beat or kernel.inputs, kernel.inputs)
            script.append(("i", axi_beats(x, kernel.input, beat)))
        else:
            script.append(("i", kernel.pack_input(x, p)))
    return script


def unpack(kernel, results):
    """Vectors [n, outputs] of result beats; checks `last`."""
    if kernel.interface != "axi-stream":
        return kernel.unpack_output([payload for payload, _ in results]).tolist()
    beat = min(kernel.beat or kernel.outputs, kernel.outputs)
    bits = 8 * -(-kernel.output_format.bits // 8)
    low, _ = oracle.bounds(str(kernel.output_format))
    vectors, vector = [], []
    for payload, last in results:
        for k in range(beat):
            pattern = payload >> (k * bits) & (2**bits - 1)
            vector.append(pattern - 2**bits if low < 0 and pattern >> (bits - 1) else pattern)
        assert last == (len(vector) >= kernel.outputs), "last is on another beat"
        if last:
            assert not any(vector[kernel.outputs :]), "padding is not zero"
            vectors.append(vector[: kernel.outputs])
            vector = []
    assert not vector
    return vectors


def check(case):
    """Golden model against oracle, gates against both, under stalls, and latency and interval.

    Returns
    -------
    list of [outputs]
        Results of the gates.
    """
    kernel, parts = case.kernel, segments(case)
    expected = []
    for p, x in parts:
        golden = kernel.golden(x, p).tolist()
        assert golden == oracle.results(case.keys, x, case.arrays if p is None else p)
        expected += golden

    # The first segment runs without stalls, the others with.
    component, script = kernel.create(), script_of(kernel, parts)
    beats_in = getattr(component, "sink_beats", kernel.beats_in)
    beats_out = getattr(component, "source_beats", 1)
    first = len(parts[0][1])
    calm = 1 + (script[0][0] == "p")
    if len(parts) == 1:
        x = parts[0][1]
        script += script_of(kernel, [(None, x)])
        expected += expected
    trace = gates.simulate(
        component, script, len(expected) * beats_out, seed=case.seed, calm=(calm, first * beats_out)
    )
    assert unpack(kernel, trace.results) == expected

    starts = trace.appeared[: first * beats_out : beats_out]
    lasts = trace.accepted[beats_in - 1 : first * beats_in : beats_in]
    assert starts[0] - lasts[0] == kernel.latency
    spacing = {after - before for before, after in zip(starts, starts[1:], strict=False)}
    assert spacing <= {kernel.interval}
    return expected
