"""Folded engines in Amaranth's simulator: random networks, timing, and faults that must be found."""

import sys

import network_fuzz
import numpy as np
import pytest
import random_networks
from faults import mutate
from folded_networks import (
    CONV,
    DENSE,
    GOOD,
    TN,
    case,
    deep,
    few,
    image,
    ladders,
    long,
    padded,
    pairs,
    plain,
    quick,
    shared,
    slow,
    stairs,
    ties,
    triples,
    turns,
    wide,
)
from places import NIGHTLY
from random_networks import check

from tnhw.gates.engine import (
    argmax,
    arrivals,
    banks,
    codes,
    drain,
    engine,
    packer,
    results,
    sequencer,
    skid,
)
from tnhw.gates.engine.deal import Deal
from tnhw.gates.engine.places import Places
from tnhw.network import stage
from tnhw.synapse.rules import threshold

#: A part is 20 networks, in which each kind has its share.
EACH, PARTS = 20, 4 if NIGHTLY else 2


# ---- Random networks ----


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_random(part, tmp_path, capsys):
    """Results in order under stalls and after a reset, latency, interval, and addresses.

    ``benchmarks/fuzz.py --level networks`` runs thousands of them.
    """
    record = network_fuzz.run(part, range(EACH), check, tmp_path)
    seen = record["cells"]
    with capsys.disabled():
        told = ", ".join(f"{name} {count}" for name, count in sorted(seen.items()))
        print(f"\nnetworks {record['count']}: {told}", file=sys.stderr)
    assert not record["failures"], record["failures"]
    assert min(seen[kind] for kind in random_networks.KINDS) >= network_fuzz.SHARE * record["count"]


# ---- Networks by hand ----


@pytest.mark.parametrize("made", GOOD)
def test_no_fault(made):
    check(made())
    check(made(rom="logic", reset=True, seed=3))


@pytest.mark.nightly
@pytest.mark.parametrize("made", [deep, long])
def test_large(made):
    check(made())


def test_first_of_equal_outputs_wins():
    design, seen = check(ties())
    y = design.network.golden(np.arange(4)[None] % 8)
    assert y.shape == (1, 5)
    assert len({result[0] for result in seen.results}) > 1


# ---- Faults ----

Engine, Sequencer, Drain = engine.Engine, sequencer.Sequencer, drain.Drain
READS = "enable & sequencer.valid & (sequencer.layer != 0) & ~sequencer.idle"
BEYOND = "(position < 0) | (position >= select(sizes, self.layer))"
FAULTS = {
    # Order.
    "a move is one word short": (sequencer, "move", "(turns[inner] - 1)", "(turns[inner] - 2)", image),
    "a layer begins at the wrong word": (sequencer, "_before", "top * stage.layer.in_shape[1] + left",
                                         "top * stage.layer.in_shape[1]", image),
    "the stride of a line": (sequencer, "_address_steps", "y=layer.strides[0] * line", "y=layer.strides[0]", image),
    "parameters not from the beginning": (Sequencer, "elaborate",
                                          "self.row.eq(select(self._rows[:-1], layer))",
                                          "self.row.eq(self.row + 1)", shared),
    "a loop ends early": (Sequencer, "_counters", "max(turn - 2, 0)", "max(turn - 3, 0)", plain),
    "the last layer's parameters again": (Sequencer, "elaborate", "self.row.eq(0)",
                                          "self.row.eq(self.row)", plain),
    "a layer begins before it is written": (Sequencer, "_starts",
                                            "(layer != 0) & self.written", "layer != 0", shared),
    # Padding, complements.
    "no padding above": (Sequencer, "_addresses", BEYOND, "position >= select(sizes, self.layer)", image),
    "no padding below": (Sequencer, "_addresses", BEYOND, "position < 0", image),
    "padding of one axis": (Sequencer, "_addresses", "Cat(outside_image).any()", "Cat(outside_image).all()", image),
    "padding not masked": (Engine, "_activations", "data & ~token.idle.replicate(len(data))",
                           "data", image),
    "complement not inverted": (Engine, "_activations",
                                "data ^ token.invert.replicate(len(data))", "data", image),
    # Parameters.
    "parameters a word late": (Engine, "_parameters", "self._memories(m, row, enable, style)",
                               "self._memories(m, sequencer.row, enable, style)", plain),
    "wrong code": (codes.Codes, "encode", "self._rest.index(_without(word, self._apart))",
                   "self._rest.index(_without(word, self._apart)) ^ 1", few),
    "wrong table": (codes, "_lookup", "number[0] if high else ~number[0]",
                    "~number[0] if high else number[0]", few),
    "largest level yields": (threshold.Threshold, "_scale", "~p.gain.all()", "Const(1, 1)", few),
    # Sums and results.
    "sums run on": (Engine, "_sums", "Mux(load, 0, total + tree.total)", "total + tree.total", plain),
    "sums forget": (Engine, "_sums", "Mux(load, 0, total + tree.total)", "tree.total", plain),
    "biases shifted by one": (Drain, "_biases", "init=min(1, len(rows) - 1)", "init=0", plain),
    "biases not again": (Drain, "_biases", "held.closing & held.one & ~held.leave",
                         "held.closing & ~held.closing", shared),
    "biases modulo less": (stage.Stage, "biases", "modulo(exact, bits)", "modulo(exact, bits - 1)", wide),
    "floor": (stage.Stage, "biases", "self.kernel.half", "0", wide),
    "results in the wrong order": (Drain, "_group", "held.sums[k + step] if k + step < len(held.sums) else register",
                                   "register", plain),
    "a beat too few": (Drain, "_group", "Mux(self.closing, select(rests, self.layer), beats)",
                       "Mux(self.closing, select(rests, self.layer), beats) - (beats > 1)", plain),
    "the last of equal outputs": (argmax.Argmax, "elaborate", "(leader - value)[-1]",
                                  "~(value - leader)[-1]", ties),
    "the leader of the vector before": (argmax.Argmax, "elaborate", "Mux(fresh, 1, (leader - value)[-1])", "(leader - value)[-1]", ties),
    "collected from the wrong end": (argmax.Collect, "elaborate",
                                     "Cat(data[step:], Value.cast(self.i.payload))",
                                     "Cat(Value.cast(self.i.payload), data)", plain),
    "words run into each other": (packer.Packer, "elaborate", "at_end | position_ends", "at_end", shared),
    # Thresholds and multipliers of output channels.
    "a threshold is not reached where it is equal": (results.Bisection, "elaborate", "later_z >= threshold", "later_z > threshold", stairs),
    "the middle of the wrong half": (results.Bisection, "_words", "(found << bits - level)", "(found << bits - level - 1)", stairs),
    "a channel does not fall": (results.Bisection, "_words", "falling << step", "0", stairs),
    "thresholds of another row": (results.Bisection, "elaborate", "Cat(found[lane], row)", "Cat(found[lane], self.row)", stairs),
    "a sign bit is not set": (results.Bisection, "elaborate", "flips ^ Const(1 << bits - 1, bits)", "flips", stairs),
    "an offset of another result": (results.Scaled, "elaborate", "total.eq(product + added)", "total.eq(product + data[factor.bits:])", stairs),
    "a multiplier without its sign": (results.Scaled, "elaborate", "z * multiplier", "z * multiplier.as_unsigned()", stairs),
    "results a beat too early": (Drain, "_totals", "later(m, valid, moves, 'valid', depth, reset_less=False)",
                                 "later(m, valid, moves, 'valid', depth - 1, reset_less=False)", stairs),
    # Flow.
    "bank released a word early": (Sequencer, "_counters", "go & self.leave & (layer == 0)",
                                   "go & (self.row == self._stages[0].rows - 2) & (layer == 0)", plain),
    "three images in two banks": (banks.Banks, "elaborate", "self.space.eq(~taken[1])",
                                  "self.space.eq(1)", plain),
    "image read before it is whole": (banks.Banks, "elaborate", "self.address == self._words - 1",
                                      "self.address == self._words - 2", plain),
    "read bank written": (banks.Banks, "elaborate", "self.read_bank ^ (self.reading | one)",
                          "self.read_bank", plain),
    "spare dropped": (skid.Skid, "elaborate", "Mux(occupied, spare, held)", "held", slow),
    "spare not counted": (skid.Skid, "elaborate", "occupied | self.i.valid", "self.i.valid", quick),
    "drain always ready": (Drain, "_group", "~some_next | (one_next & skid.ready_next)", "1", slow),
    "drain too soon": (Drain, "_group", "one_next & skid.ready_next", "skid.ready_next", slow),
    "two places always free": (skid.Skid, "elaborate", "self.ready_next.eq(self.o.ready | ~self.o.valid)",
                               "self.ready_next.eq(1)", slow),
    "train does not wait": (Engine, "elaborate", "enable.eq(~ends_next | drain.ready_next)",
                            "enable.eq(1)", slow),
    "answer dropped": (argmax.Argmax, "elaborate", "~self.o.valid | self.o.ready", "1", ties),
    # Images side by side.
    "more images than places": (Places, "elaborate", "Mux(waiting > images, images, waiting)", "waiting", turns),
    "places are never full": (Places, "elaborate", "self.space.eq(taken != places)", "self.space.eq(1)", turns),
    "one place is free too early": (Places, "elaborate", "Mux(self.release, now, 0)", "Mux(self.release, now + 1, 0)", triples),
    "a group frees one place": (Places, "elaborate", "Mux(self.release, now, 0)", "Mux(self.release, 1, 0)", pairs),
    "an image is computed twice": (Places, "elaborate", "Mux(self.begins, following, 0)",
                                   "Mux(self.begins & (waiting != 1), following, 0)", pairs),
    "an image begins before it is whole": (Places, "elaborate", "self.address == self._words - 1",
                                           "self.address == self._words - 2", pairs),
    "images in one bank only": (Places, "elaborate", "self.write_bank ^ self.write_memory[-1]", "self.write_bank", pairs),
    "always the first bank": (Places, "_reads", "self.read_bank ^ reads", "self.read_bank", turns),
    "each group begins at the first memory": (Places, "_reads", "oldest.eq(after)", "oldest.eq(1)", triples),
    "a memory too few is read": (Places, "_reads", "_memories(oldest, number)", "_memories(oldest, max(1, number - 1))", pairs),
    "words of the wrong memory": (arrivals, "_side_by_side", "range(simd)", "reversed(range(simd))", ladders),
    "lanes of the other image": (Engine, "_lanes", "enumerate(zip(self._x[k], tags, strict=True))",
                                 "enumerate(zip(self._x[k][::-1], tags, strict=True))", triples),
    "sums of the other image": (Drain, "_group", "fold.drain * fold.images", "fold.drain", triples),
    "the bias of the next result": (Drain, "_totals", "k // images", "k % d", triples),
    "results of the other image": (Drain, "_totals", "z.eq(totals[k * images + image])", "z.eq(totals[image * d + k])", triples),
    "answers in the order of places": (Deal, "elaborate", "Mux(place == images - 1, 0, place + 1)", "0", pairs),
    "answers of places without an image": (Deal, "elaborate", "left.eq(sizes.r_data)", "left.eq(images - 1)", pairs),
    "an answer is overwritten": (Deal, "elaborate", "~self.o.valid | self.o.ready & (left == 0)", "~self.o.valid | self.o.ready", triples),
    "vector dropped": (argmax.Collect, "elaborate", "~self.o.valid | self.o.ready", "1", quick),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault, monkeypatch):
    owner, method, old, new, made = FAULTS[fault]
    if owner is codes:
        monkeypatch.setattr(codes, "__module__", codes.__name__, raising=False)
    mutate(monkeypatch, owner, method, old, new)
    with pytest.raises(AssertionError):
        for seed in range(4):  # other stalls
            check(made(seed=seed))


# ---- Addresses ----


def rows(positions=2, outputs=(2, 1), drain=1, **options):
    """Windows of 1x1 on one engine, whose rows of biases are no power of two; the last layer has one or more."""
    keys = TN | {"kind": "conv", "kernel": [1, 1], "output": "u3", "shift": 1}
    layers = [keys | {"outputs": outputs[0]}, keys | {"outputs": outputs[1]}]
    sizes = [(outputs[0], 1, 1, 1), (outputs[1], 1, 1, outputs[0])]
    return case(
        [1, positions, 1], layers, sizes, ((drain, drain, drain),) * 2, schedule="shared", **options
    )


@pytest.mark.parametrize(("outputs", "drain"), [((2, 1), 1), ((4, 1), 1), ((3, 3), 1), ((4, 2), 2)])
@pytest.mark.parametrize("positions", [1, 3])
def test_rows_of_biases(positions, outputs, drain):
    """The rows begin again at each position, and with the next image."""
    check(rows(positions, outputs, drain, loadable=positions == 1))


@pytest.mark.parametrize(
    ("owner", "method", "old", "new", "memory", "made"),
    [
        (Drain, "_biases", "(base + 1) % len(rows)", "base + 1", "engine_0.drain.biases", rows),
        (
            Engine,
            "_activations",
            "enable & sequencer.valid & (sequencer.layer != 0)",
            "enable & sequencer.valid",
            "engine_0.hidden",
            padded,
        ),
        (
            Engine,
            "_activations",
            READS,
            READS.removesuffix(" & ~sequencer.idle"),
            "engine_0.hidden",
            padded,
        ),
    ],
)
def test_address_beyond_depth(owner, method, old, new, memory, made, monkeypatch):
    mutate(monkeypatch, owner, method, old, new)
    with pytest.raises(AssertionError, match=f"address . of memory `{memory}`, which has . words"):
        check(made())


# ---- Interval ----


@pytest.mark.parametrize(
    ("made", "interval", "spacing"),
    [
        (plain, 6, {6}),  # 2 groups of 3 steps
        (image, 72, {72}),  # 9 positions of 4 taps, each twice
    ],
)
def test_interval(made, interval, spacing):
    design, seen = check(made())
    assert design.interval == interval
    assert set(seen.spacing[1:]) == spacing


@pytest.mark.parametrize("made", [quick, wide])
def test_interval_of_equal_times(made):
    """3 beats in and 3 steps: two banks allow an image every 4 cycles, and the pace keeps it so."""
    design, seen = check(made())
    assert set(seen.spacing[1:]) == {design.interval}


def test_interval_of_a_long_drain():
    """5 beats of results, 2 steps: the first vectors find an empty train."""
    keys = DENSE | {"outputs": 5}
    design, seen = check(case([2], [keys], [(5, 2)], ((2, 4),)))
    assert design.warm_up and seen.spacing[1 + design.warm_up :]


@pytest.mark.parametrize("units", [1, 2, 3, 5])
def test_shared_products(units):
    """Pairs of outputs at one product, and one output that is left over."""
    keys = DENSE | {"outputs": 5, "output": "s5", "shift": 2}
    design, _ = check(case([4], [keys], [(5, 4)], ((2, units),), dsp=True))
    assert design.products == 2 * ((units + 1) // 2)


def test_interval_of_engines_equally_slow():
    """4 positions of 9 steps in both: a bank fills for 35 cycles, is read for 36, and there are two."""
    keys = CONV | {"kernel": [3, 3], "stride": 2, "complement": False, "outputs": 8}
    layers = [keys, keys | {"stride": 1}]
    made = case([4, 4, 1], layers, [(8, 3, 3, 1), (8, 3, 3, 8)], ((1, 8), (8, 8)))
    design, seen = check(made)
    assert [stage.cycles for stage in design.stages] == [36, 36] and design.interval == 37
    assert set(seen.spacing[1:]) == {37}
