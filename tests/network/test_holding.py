"""How many rows of their images layers hold: as few as keep the design as fast, and none where whole images are as small."""

from dataclasses import replace

import line_networks
import numpy as np
import pytest
import random_networks
from folded_networks import DENSE, TN, case
from line_networks import even

from tnhw.boards import load_board
from tnhw.catalogue import load
from tnhw.errors import InputError
from tnhw.network import Design, Fold, Network, fit, fit_smallest, fold, holding
from tnhw.network.cost import CELLS_OF_LUT_RAM, LINES, activation_blocks, cost, ram_blocks
from tnhw.network.fitting import front
from tnhw.network.holding import held, in_lines, usual
from tnhw.network.timetable import evenly, interval_of

WINDOW = {"kind": "conv", "rule": "threshold", "parameter": "u4", "kernel": [3, 3], "padding": 1, "output": "u4", "shift": 5}  # fmt: skip


def pictures(*outputs):
    """Four convolutions on pictures of 32 x 32 x 3, of which two have a stride of 2, and ten sums."""
    layers, arrays, rng, channels = [], [], np.random.default_rng(0), 3
    for count, stride in zip(outputs, (1, 2, 1, 2), strict=True):
        layers.append(WINDOW | {"outputs": count, "stride": stride})
        shape = count, 3, 3, channels
        arrays.append({"theta": 2 * rng.integers(0, 7, shape), "sign": rng.integers(-1, 2, shape)})
        channels = count
    shape = 10, 64 * channels
    layers.append({"kind": "dense", "rule": "threshold", "parameter": "u4", "outputs": 10})
    arrays.append({"theta": 2 * rng.integers(0, 7, shape), "sign": rng.integers(-1, 2, shape)})
    return Network("pictures", "u4", [32, 32, 3], layers, arrays, "class")


def ram(stages, family):
    return sum(cost(stage, family, number == 0).ram for number, stage in enumerate(stages))


def whole(design):
    """The same design with whole images."""
    return Design(design.network, [replace(own, lines=0) for own in design.folds])


@pytest.mark.parametrize("name", ["mnist_conv_tn", "mnist_conv_mac"])
def test_shipped_convolutions_hold_lines(name):
    design = fold(load(name), 64)
    before = whole(design)
    assert [own.lines for own in design.folds] == [5, 6, 2]
    assert design.interval == before.interval == 1764 and design.latency < before.latency / 3
    assert ram(design.stages, "ecp5") < ram(before.stages, "ecp5")
    assert fold(load(name), 64).folds == design.folds


def test_as_few_as_keep_the_interval():
    """With a line fewer in any layer results are farther apart, or the layer cannot be computed."""
    design = fold(load("mnist_conv_tn"), 64)
    for number, stage in enumerate(design.stages):
        fewer = list(design.stages)
        fewer[number] = held(stage, stage.fold.lines - 1)
        if stage.fold.lines > stage.layer.least_lines:
            assert interval_of(fewer) > design.interval


def test_pictures_fit_where_whole_images_do_not():
    """217 of the 208 block RAMs of the largest ECP5 with whole images."""
    network = pictures(64, 64, 128, 128)
    design = fold(network, 1024)
    before, limit = whole(design), load_board("ulx3s_85f").capacity.RAM
    assert ram(before.stages, "ecp5") > limit > ram(design.stages, "ecp5")
    assert design.interval == before.interval and design.latency < before.latency / 3


def test_dense_networks_hold_whole_images():
    for name in ("digits_tn", "mnist_dense_tn"):
        assert not any(own.lines for own in fold(load(name), 64).folds)


def test_not_where_whole_images_are_as_small():
    """Small images take one block RAM, or look-up tables, in both forms."""
    keys = TN | {"kind": "conv", "kernel": [2, 2], "outputs": 2, "output": "u3", "shift": 1}
    design = case([4, 4, 1], [keys, DENSE | {"outputs": 2}], [(2, 2, 2, 1), (2, 18)], ((1, 2), (2, 2))).design()  # fmt: skip
    assert in_lines(design.stages, "ice40") is None and in_lines(design.stages, "ecp5") is None


def test_not_where_results_leave_slowly():
    network = load("mnist_conv_tn")
    slow = Design(network, [Fold(1, 8), Fold(8, 16), Fold(8, 1)])
    assert in_lines(slow.stages, "ice40") is None
    with pytest.raises(InputError, match="its results leave in more cycles"):
        Design(network, [replace(own, lines=9) for own in slow.folds])


def test_not_with_images_side_by_side():
    design = fold(load("mnist_conv_tn"), 64)
    several = Design(design.network, [replace(own, lines=0, images=2) for own in design.folds])
    assert in_lines(several.stages, "ice40") is None


def test_never_slower(monkeypatch):
    """Random networks, where every bit counts as a block: most hold lines, and results come as often as with whole images."""

    def bits(stage, family, entry):
        return stage.word_bits * (stage.fold.lines * stage.line_words or 2 * stage.in_words)

    monkeypatch.setattr(holding, "activation_blocks", bits)
    found = 0
    for number in range(40):
        drawn = line_networks.case(6, number)
        stages = in_lines(replace(drawn, lines=()).design().stages, "ice40")
        if stages:
            found += 1
            lines = replace(drawn, lines=tuple(stage.fold.lines for stage in stages))
            assert lines.design().interval <= replace(drawn, lines=()).design().interval
            if number < 4:
                random_networks.check(lines)
    assert found > 20


def test_interval_with_a_pace():
    assert interval_of(even().design().stages) == evenly(even().design().stages).interval


# ---- Block RAMs ----


def test_blocks_by_hand():
    """28 lines of 28 words in two banks of 1,024; 5 lines are 140 words, which ECP5 has in look-up tables."""
    stage = whole(fold(load("mnist_conv_tn"), 64)).stages[0]
    assert activation_blocks(stage, "ice40", True) == ram_blocks("ice40", 2048, 4) == 2
    assert activation_blocks(stage, "ecp5", True) == 1
    assert activation_blocks(held(stage, 5), "ice40", True) == 1
    assert activation_blocks(held(stage, 5), "ecp5", True) == 0
    assert usual(stage).fold.lines == stage.layer.least_lines + 3
    more = {family: cost(held(stage, 5), family).cells - cost(stage, family).cells for family in ("ice40", "ecp5")}  # fmt: skip
    assert more["ice40"] == pytest.approx(LINES)
    assert more["ecp5"] == pytest.approx(LINES + 9 * CELLS_OF_LUT_RAM)


@pytest.mark.parametrize("board", ["icebreaker", "ulx3s_25f"])
def test_fit(board):
    """What fits is counted exactly, and the table has the same designs."""
    network, board = load("mnist_conv_tn"), load_board(board)
    design, estimate = next(fit(network, board))
    assert any(own.lines for own in design.folds)
    assert estimate.ram == ram(design.stages, board.family) + 1 <= board.capacity.RAM
    interval, _, chain = next(one for one in front(network, board) if one[0] >= design.interval)
    assert chain.folds and interval == Design(network, chain.folds).interval
    small, least = fit_smallest(network, board)
    assert least.cells <= estimate.cells and least.ram == ram(small.stages, board.family) + 1
