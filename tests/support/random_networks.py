"""Random networks with random folds that are valid, and the check of a case."""

import math
from dataclasses import dataclass
from itertools import count

import full_network
import gates
import network_oracle
import numpy as np
import oracle

from tnhw.network import Design, Fold, Network, UnrolledDesign

RULES = ("threshold", "threshold", "ternary", "mac", "addernet", "shift")
MAX_LANES = 16
# Cycles a vector. Layers that share an engine add up, and a window that moves takes many of them.
MAX_CYCLES = {"pipeline": 80, "shared": 160}
MAX_TERMS = 400  # of an unrolled network
# A network by hand: a convolution of two channels, then three sums.
TWO = {
    "name": "two",
    "input": "u4",
    "shape": [2, 2, 1],
    "layers": [
        {"name": "look", "kind": "conv", "rule": "threshold", "parameter": "u4", "outputs": 2,
         "kernel": [1, 2], "output": "u3", "shift": 1},
        {"name": "out", "kind": "dense", "rule": "mac", "parameter": "s4", "outputs": 3},
    ],
    "arrays": [
        {"theta": np.array([[[[2], [4]]], [[[0], [0]]]]), "sign": np.array([[[[1], [-1]]], [[[1], [1]]]]),
         "bias": np.array([0, -3])},
        {"weight": np.array([[1, 0, 0, 0], [0, 1, 0, 1], [1, 0, 0, 3]]), "bias": np.array([1, 0, -20])},
    ],
}  # fmt: skip

ALONE = 2
FULL = 16  # results one by one, until all gaps in the pipeline are closed


@dataclass(frozen=True)
class Case:
    """A network as `Network` takes it, how it is folded, and the seed of everything else."""

    network: dict
    folds: tuple
    schedule: str = "pipeline"
    rom: str = "auto"
    seed: int = 0
    reset: bool = False
    dsp: bool = False
    loadable: bool = False
    images: int = 1
    lines: tuple = ()

    def design(self, **more):
        if self.schedule == "unrolled":
            return UnrolledDesign(Network(**self.network), **more)
        lines = self.lines or (0,) * len(self.folds)
        folds = [
            Fold(*fold, **{"images": self.images, "lines": own})
            for fold, own in zip(self.folds, lines, strict=True)
        ]
        options = {"schedule": self.schedule, "rom": self.rom, "dsp": self.dsp}
        options["loadable"] = self.loadable
        return Design(Network(**self.network), folds, **options, **more)


# ---- Drawing ----


def number(rng, *, signed=None, high=5):
    """A format of 2 to `high` bits."""
    signed = rng.random() < 0.25 if signed is None else signed
    return f"{'s' if signed else 'u'}{rng.integers(2, high + 1)}"


def synapse(rng, padded, input):
    """Keys of a rule for an input format; with padding, one whose term at 0 is 0."""
    rule = rng.choice([r for r in RULES if r != "addernet" or not padded])
    if input == "u1" and not padded and rng.random() < 0.6:
        rule = "binary"
    keys = {"rule": str(rule)}
    if rule == "binary":
        pass
    elif rule == "shift":
        keys["parameter"] = f"u{rng.integers(1, 3)}"
    elif rule == "threshold":
        keys["parameter"] = number(rng, signed=False if padded else None)
        keys["gain"] = bool(rng.random() < 0.4)
    elif rule != "ternary":
        keys["parameter"] = number(rng)
    return keys


def parameters(rng, keys, shape):
    arrays = {}
    for name, (low, high) in oracle.ranges(keys).items():
        array = rng.integers(low, high, shape, np.int64, endpoint=True)
        if name == "theta" and rng.random() < 0.5:  # few levels
            array = array >> 1 << 1
        if rng.random() < 0.3:  # few words
            array = rng.choice(array.reshape(-1)[:2], shape)
        arrays[name] = array
    if rng.random() < 0.7:
        arrays["bias"] = rng.integers(-20, 21, shape[:1])
    return arrays


def requantised(rng, keys, arrays, sums):
    """Replace the shift of a layer by a staircase or a scale for each channel, by the sums that occur."""
    low, high = min(sums) - 2, max(sums) + 2
    outputs, output = keys["outputs"], keys["output"]
    del keys["shift"]
    if rng.random() < 0.6:
        count = 2 ** int(output[1:]) - 1
        keys["requantise"] = "staircase"
        steps = rng.integers(low, high, (outputs, count), endpoint=True)
        arrays["steps"] = np.sort(steps, axis=1)
        if rng.random() < 0.5:
            arrays["falling"] = rng.integers(0, 2, outputs)
        return
    keys["requantise"] = "scale"
    keys["shift"] = shift = int(rng.integers(0, 9))
    span = 2 ** (shift + int(output[1:])) // max(1, high - low) + 1
    arrays["multiplier"] = rng.integers(-span, span, outputs, endpoint=True)
    arrays["offset"] = rng.integers(-(2**shift) * 4, 2**shift * 4, outputs, endpoint=True)
    if rng.random() < 0.2:
        arrays["offset"][:] = 0


def geometry(rng, shape, wish=None):
    """Keys of a convolution on an image."""
    if wish == "window as large as the image":
        return {"kind": "conv", "kernel": shape[:2]}
    kernel = [int(rng.integers(1, 4)) for _ in range(2)]
    if wish == "window of 1x1" or (wish == "stride over window" and rng.random() < 0.5):
        kernel = [1, 1]
    padding = int(rng.integers(0, max(2, min(kernel)))) if rng.random() < 0.6 else 0
    kernel = [min(k, n + 2 * padding) for k, n in zip(kernel, shape, strict=False)]
    keys = {"kind": "conv", "kernel": kernel}
    if padding < max(2, min(kernel)) and padding:
        keys["padding"] = padding
    else:
        keys["kernel"] = [min(k, n) for k, n in zip(kernel, shape, strict=False)]
    if wish == "stride over window":
        keys["stride"] = max(keys["kernel"]) + int(rng.integers(1, 3))
    elif rng.random() < 0.5:
        keys["stride"] = int(rng.integers(1, 3))
    if wish is None and rng.random() < 0.4:
        keys = uneven(rng, keys, shape)
    return keys


def uneven(rng, keys, shape):
    """The same with steps, distances and padding of their own in each direction."""
    kernel = [min(k, n) for k, n in zip(keys["kernel"], shape, strict=False)]
    keys = {"kind": "conv", "kernel": kernel}
    far = [int(rng.integers(1, 3)) for _ in range(2)]
    pads = [0] * 4
    for axis in range(2):
        extent = (keys["kernel"][axis] - 1) * far[axis] + 1
        for side in (axis, axis + 2):
            pads[side] = int(rng.integers(0, max(1, extent)))
        if extent > shape[axis] + pads[axis] + pads[axis + 2]:
            far[axis], pads[axis], pads[axis + 2] = 1, 0, 0
    keys |= {"stride": [int(rng.integers(1, 4)) for _ in range(2)], "dilation": far}
    return keys | ({"padding": pads} if any(pads) else {})


def out_shape(keys, shape):
    each = network_oracle.each
    pads, strides = each(keys.get("padding", 0), 4), each(keys.get("stride", 1), 2)
    far = each(keys.get("dilation", 1), 2)
    size = [
        (shape[a] + pads[a] + pads[a + 2] - (keys["kernel"][a] - 1) * far[a] - 1) // strides[a] + 1
        for a in range(2)
    ]
    return [*size, keys["outputs"]]


def random_network(rng, shared, wish=None):
    """Keys and parameters of a network; a wish of `KINDS` makes it likely, not certain."""
    size = int(rng.integers(2 if shared or wish == "mixed rules" else 1, 4))
    size = 1 if wish == "one neuron" else size
    convs = size if wish == "shared, convolution last" else int(rng.integers(0, size + 1))
    special = int(rng.integers(0, max(1, convs)))  # which convolution has the window that is wished
    dense_only = convs == 0
    shape = [int(rng.integers(1, 17))] if dense_only and rng.random() < 0.7 else \
        [*rng.integers(1, 7, 2).tolist(), int(rng.integers(1, 6))]  # fmt: skip
    network = {"name": "net", "input": number(rng), "shape": shape, "layers": [], "arrays": []}
    x = [rng.integers(*oracle.bounds(network["input"]), int(np.prod(shape)), endpoint=True)
         for _ in range(3)]  # fmt: skip
    if rng.random() < 0.1:
        network["input"] = "u1"
        x = [one % 2 for one in x]
    now, same = network["input"], synapse(rng, True, None)
    for k in range(size):
        wished = wish if k == special else None
        keys = geometry(rng, shape, wished) if k < convs else {"kind": "dense"}
        padded = bool(keys.get("padding"))
        keys |= same if shared else synapse(rng, padded, now)
        keys["outputs"] = 1 if wish == "one neuron" else int(rng.integers(1, 6))
        if rng.random() < 0.35:
            keys["complement"] = True
        taps = keys.get("kernel", [])
        channels = shape[-1] if taps else int(np.prod(shape))
        full = (keys["outputs"], *taps, channels * (1 + keys.get("complement", 0)))
        network["layers"].append(keys)
        network["arrays"].append(parameters(rng, keys, full))
        last = k == size - 1
        if not last or rng.random() < 0.6:
            sums = [value for one in x for value in network_oracle.trace(network, one)[0][-1]]
            output = network["input"] if shared and not last else number(rng)
            output = "u1" if not shared and rng.random() < 0.2 else output
            most = max(abs(value) for value in sums).bit_length()
            keys["output"] = output
            keys["shift"] = max(-3, most - int(output[1:]) + int(rng.integers(-1, 2)))
            if rng.random() < 0.5:
                requantised(rng, keys, network["arrays"][-1], sums)
            now = output
        shape = out_shape(keys, shape) if taps else [keys["outputs"]]
    one_place = convs < size or shape[:2] == [1, 1]
    network["result"] = "class" if one_place and rng.random() < 0.5 else "vector"
    return network


def random_folds(rng, network, shared):
    """Folds that fit, mostly; the generator of cases drops the others."""
    folds, shape, before = [], network["shape"], 1
    for k, keys in enumerate(network["layers"]):
        channels = shape[-1] if keys["kind"] == "conv" else int(np.prod(shape))
        choices = [n for n in range(1, min(channels + 1, 8) + 1) if n % before == 0] or [before]
        if keys["rule"] in ("addernet", "binary"):
            choices = [n for n in choices if channels % n == 0]
        if not choices:
            return None
        simd = int(rng.choice(choices))
        units = int(rng.integers(1, keys["outputs"] + 2))
        drains = [d for d in range(1, units + 1) if units % d == 0]
        last = k == len(network["layers"]) - 1
        if last or (keys["kind"], network["layers"][k + 1]["kind"]) == ("conv", "dense"):
            drains = [d for d in drains if keys["outputs"] % d == 0]
        if last and network["result"] == "class":
            drains = [1]
        drain = int(rng.choice(drains))
        folds.append((simd, units, drain))
        shape = out_shape(keys, shape) if keys["kind"] == "conv" else [keys["outputs"]]
        before = drain
    return tuple([folds[-1]] * len(folds) if shared else folds)


def windows(case):
    """Of each convolution its image, its keys, and whether it has more than one position."""
    shape = case.network["shape"]
    for keys in case.network["layers"]:
        if keys["kind"] == "conv":
            after = out_shape(keys, shape)
            yield shape[:2], keys, after[:2] != [1, 1]
            shape = after


def _conv_last(case):
    return case.schedule == "shared" and case.network["layers"][-1]["kind"] == "conv"


def _requantises(case, kind):
    return any(keys.get("requantise") == kind for keys in case.network["layers"])


#: Kinds of networks that take turns, so that each has its share; a case may be of several.
KINDS = {
    "any": lambda case: True,
    "padding": lambda case: any(keys.get("padding") for _, keys, _ in windows(case)),
    "shared": lambda case: case.schedule == "shared",
    "shared, convolution last": lambda case: _conv_last(case) and [*windows(case)][-1][2],
    "convolution": lambda case: any(windows(case)),
    "uneven window": lambda case: any(
        isinstance(keys.get("stride"), list) and keys.get("padding") for _, keys, _ in windows(case)
    ),
    "window of 1x1": lambda case: any(keys["kernel"] == [1, 1] for _, keys, _ in windows(case)),
    "stride over window": lambda case: any(
        network_oracle.each(keys.get("stride", 1), 2)[0] > max(keys["kernel"]) and moves
        for _, keys, moves in windows(case)
    ),
    "window as large as the image": lambda case: any(
        keys["kernel"] == image and image != [1, 1] for image, keys, _ in windows(case)
    ),
    "one neuron": lambda case: [keys["outputs"] for keys in case.network["layers"]] == [1],
    "mixed rules": lambda case: len({keys["rule"] for keys in case.network["layers"]}) > 1,
    "binary": lambda case: any(keys["rule"] == "binary" for keys in case.network["layers"]),
    "staircase": lambda case: _requantises(case, "staircase"),
    "scale": lambda case: _requantises(case, "scale"),
    "images side by side": lambda case: case.images > 1,
    "unrolled": lambda case: case.schedule == "unrolled",
}


#: How often the layers of a wished kind share an engine.
SHARED = {
    "shared": 1,
    "shared, convolution last": 1,
    "one neuron": 0,
    "mixed rules": 0,
    "unrolled": 0,
}


def case(seed, number):
    """Case `number` of a seed: of the kind whose turn it is."""
    wish, is_wished = list(KINDS.items())[number % len(KINDS)]
    for attempt in count():
        found = draw(np.random.default_rng((seed, number, attempt)), wish)
        if found is not None and is_wished(found):
            return found


def draw(rng, wish):
    """A case, perhaps of the kind that is wished; None where it is invalid, or too slow to simulate."""
    shared = bool(rng.random() < SHARED.get(wish, 0.25))
    network = random_network(rng, shared, wish)
    if wish == "unrolled":
        reset, seed = bool(rng.random() < 0.3), int(rng.integers(2**31))
        small = Network(**network).operations <= MAX_TERMS
        return Case(network, (), wish, seed=seed, reset=reset) if small else None
    schedule = "shared" if shared else "pipeline"
    rom = str(rng.choice(["auto", "block", "logic"]))
    folds = random_folds(rng, network, shared)
    reset = bool(rng.random() < 0.3)
    dsp, loadable = bool(rng.random() < 0.5), bool(rng.random() < 0.3)
    loadable = loadable and all(
        keys.get("requantise", "shift") == "shift" for keys in network["layers"]
    )
    seed = int(rng.integers(2**31))
    likely = 1 if wish == "images side by side" else 0.1
    images = int(rng.integers(2, 5)) if rng.random() < likely else 1
    made = Case(network, folds, schedule, rom, seed, reset, dsp, loadable, images)
    if folds is None or (shared and not fits(made)) or load(made) > MAX_CYCLES[schedule]:
        return None
    return made


def cases(count, seed=0):
    """`count` cases, the same in every run."""
    return (case(seed, number) for number in range(count))


def fits(case):
    """Whether layers with equal folds may follow each other."""
    simd, _, drain = case.folds[0]
    layers, as_class = case.network["layers"], case.network["result"] == "class"
    if layers[0]["rule"] == "addernet":
        return False
    whole = all(keys["outputs"] % drain == 0 for keys in layers)
    return simd % drain == 0 and whole and (drain == 1 or not as_class)


def load(case):
    """Cycles a vector, about: what a simulation takes; too many lanes count as too many cycles."""
    if sum(simd * units for simd, units, _ in case.folds) * case.images > MAX_LANES:
        return math.inf
    shape, each = case.network["shape"], []
    for keys, (simd, units, drain) in zip(case.network["layers"], case.folds, strict=True):
        conv = keys["kind"] == "conv"
        channels = shape[-1] if conv else int(np.prod(shape))
        steps = -(-channels // simd) * (1 + keys.get("complement", 0))
        each.append(int(np.prod(shape)) * case.images if not each else 0)
        shape = out_shape(keys, shape) if conv else [keys["outputs"]]
        places, taps = (shape[0] * shape[1], int(np.prod(keys["kernel"]))) if conv else (1, 1)
        each.append(places * -(-keys["outputs"] // units) * max(steps * taps, units // drain))
    return sum(each) if case.schedule == "shared" else max(each)


# ---- Check ----


def calm(design):
    """Vectors that follow each other without a stall."""
    beyond = 2 * design.latency if design.interval == 1 else 0  # more than fit into it
    return 6 * design.images + warm_up(design) + beyond


def warm_up(design):
    """Vectors after which results come regularly."""
    return design.facts().get("warm_up", 0)


def vectors(case, count):
    """Vectors at random, the ends of the format more often."""
    rng = np.random.default_rng(case.seed)
    low, high = oracle.bounds(case.network["input"])
    x = rng.integers(low, high, (count, int(np.prod(case.network["shape"]))), endpoint=True)
    x[0], x[1] = low, high
    return x


@dataclass
class Seen:
    """What a run of the gates gave: results, latencies one by one and in a stream, spacing."""

    results: list
    alone: list
    first: int
    spacing: list


def simulate(case, design, x):
    """Results for all of `x`: one by one, in a stream, and in a stream with stalls."""
    component, beats = design.create(), design.pack_input(x)
    own, quiet = design.beats_in, design.latency + design.interval + 8
    rng = np.random.default_rng(case.seed + 1)
    pause = rng.choice([0.15, 0.5, 0.85])

    async def calm_down(ctx, o):
        since = 0
        while since < quiet:
            _, _, valid = await ctx.tick().sample(o.valid)
            since = 0 if valid else since + 1

    async def script(ctx, ports):
        i, o = ports["i"], ports["o"]
        if case.reset:
            some = int(rng.integers(1, 3 * own + 1))
            await i.send(ctx, (beats + beats)[:some])
            await ctx.tick().repeat(int(rng.integers(1, quiet)))
            ctx.set(gates.reset, 1)
            await ctx.tick()
            ctx.set(gates.reset, 0)
            await calm_down(ctx, o)
        for k in range(ALONE):
            await i.send(ctx, beats[k * own : (k + 1) * own])
            await calm_down(ctx, o)
        await i.send(ctx, beats[ALONE * own : (ALONE + calm(design)) * own])
        await calm_down(ctx, o)
        await i.send(ctx, beats[(ALONE + calm(design)) * own :], lambda: rng.random() < pause)
        await calm_down(ctx, o)

    count = len(x)
    unstalled = ALONE + calm(design) + (3 if case.reset else 0)
    trace = gates.simulate(component, script, count, seed=case.seed, calm=(0, unstalled))
    results = design.unpack_output(trace.payloads).tolist()
    before = len(results) - count
    assert before == 0 or case.reset, f"{len(results)} results for {count} vectors"
    assert 0 <= before <= 3, f"{before} results before the reset"
    again = np.concatenate([x, x])[:before]
    expected = [network_oracle.result(case.network, vector) for vector in again]
    assert results[:before] == expected, "wrong before the reset"
    appeared = trace.appeared[-count:]
    taken = trace.accepted[-count * own :][own - 1 :: own]
    took = [there - here for here, there in zip(taken, appeared, strict=True)]
    stream = appeared[ALONE : ALONE + calm(design)]
    spacing = [after - here for here, after in zip(stream, stream[design.images :], strict=False)]
    return Seen(results[before:], took[:ALONE], took[ALONE], spacing)


def check(case, timing=True):
    """Golden model against oracle, gates against both; latency and interval; no load into a full network."""
    design = case.design()
    stalled = max(4, 60 // design.interval) * design.images  # so many that all places fill up
    x = vectors(case, ALONE + calm(design) + stalled)
    near = design.edge_vectors(x, None, 4)  # a class hides most errors of other vectors
    x[2 : 2 + len(near)] = near[: len(x) - 2]
    expected = [network_oracle.result(case.network, vector) for vector in x]
    assert design.golden(x).tolist() == expected, "golden model"
    seen = simulate(case, design, x)
    assert seen.results == expected, "gates"
    if timing:
        assert {*seen.alone, seen.first} == {design.latency}, f"latency {seen} {design.latency}"
        settled = seen.spacing[1 + warm_up(design) :]
        assert set(settled) <= {design.interval}, f"interval {seen} {design.interval}"
    if case.loadable:
        full_network.fill(case.design(), results=FULL)
    return design, seen
