from itertools import product

import pytest
from tiny_networks import tiny

from tnhw.boards import load_board
from tnhw.catalogue import load, load_design
from tnhw.errors import InputError
from tnhw.network import Design, Fold, fit, fold, fold_shared
from tnhw.network.cost import cost
from tnhw.network.fitting import Room, front, shortage
from tnhw.network.folding import Folds


def every_fold(network, lanes):
    """Fewest cycles of a two-layer network by trying all folds whose inputs divide the channels."""
    best = None
    options = []
    for layer in network.layers:
        inputs, outputs = layer.in_shape[2], layer.keys.outputs
        options.append(
            [
                (simd * units, -(-inputs // simd) * -(-outputs // units))
                for simd in range(1, inputs + 1)
                if inputs % simd == 0
                for units in range(1, outputs + 1)
            ]
        )
    for first_lanes, first in options[0]:
        for second_lanes, second in options[1]:
            if first_lanes + second_lanes <= lanes:
                best = min(best or 1 << 30, max(first, second))
    return best


@pytest.mark.parametrize("lanes", [4, 16, 64])
def test_fold_is_the_fastest(lanes):
    network = load("digits_tn")
    design = fold(network, lanes)
    assert design.lanes <= lanes
    # One result a cycle leaves an engine: results may take longer than the sums.
    assert every_fold(network, lanes) <= design.interval <= 1.3 * every_fold(network, lanes)


def every_design(network, images):
    """All designs of a network with candidates for folds, by brute force: yields (interval, Design)."""
    choices = []
    for layer in network.layers:
        inputs, outputs = layer.in_shape[2], layer.keys.outputs
        choices.append([
            Fold(simd, units, drain, images)
            for simd in range(1, inputs + 1) if inputs % simd == 0
            for units in range(1, outputs + 1) for drain in range(1, units + 1) if units % drain == 0
        ])  # fmt: skip
    for folds in product(*choices):
        try:
            design = Design(network, folds)
        except InputError:
            continue
        yield design.interval, design


@pytest.mark.parametrize("images", [1, 2])
@pytest.mark.parametrize("family", ["ice40", "gowin"])
def test_chains_against_brute_force(family, images):
    """No design of all takes fewer cells, RAM or lanes at an interval than those that the search keeps."""
    network = tiny()
    folds = Folds(network, family, images=images)
    everything = [
        (cycles, [cost(s, family, k == 0) for k, s in enumerate(design.stages)], design.lanes)
        for cycles, design in every_design(network, images)
    ]
    for interval in folds.intervals():
        kept = folds.chains(interval)
        if not kept:
            assert all(cycles > interval for cycles, _, _ in everything)
            continue
        for chain in kept:
            assert Design(network, chain.folds).interval <= interval
        for what, of in (
            ("cells", lambda costs, lanes: sum(c.cells for c in costs)),
            ("ram", lambda costs, lanes: sum(c.ram for c in costs)),
            ("lanes", lambda costs, lanes: lanes),
        ):
            least = min(of(costs, lanes) for cycles, costs, lanes in everything if cycles <= interval)  # fmt: skip
            own = min(chain.lanes if what == "lanes" else getattr(chain.cost, what) for chain in kept)  # fmt: skip
            assert own == pytest.approx(least), (interval, what)


def test_front_is_what_a_board_leaves():
    """Faster designs take more cells; those before them do not fit; the first that fits is what `fit` gives first."""
    network, board = load("digits_tn"), load_board("icebreaker")
    room, found = Room(board), front(network, board, images=3)
    fitting = [one for one in found if room.fits(one[2])]
    faster = found[: len(found) - len(fitting)]
    assert found == faster + fitting and 1 <= len(faster) <= 3
    speeds = [images / interval for interval, images, _ in fitting]
    cells = [chain.cost.cells for _, _, chain in fitting]
    assert speeds == sorted(speeds, reverse=True) and cells == sorted(cells, reverse=True)
    assert len(set(cells)) == len(cells)
    design, _ = next(fit(network, board, images=3))
    interval, images, _ = fitting[0]
    assert design.images / design.interval <= images / interval


def test_shortage_names_what_is_scarce():
    board = load_board("icestick")
    told = shortage(load("mnist_dense_tn"), board)
    assert "138 RAM" in told and "cells" in told and "folds 1x1,1x5" in told
    assert next(fit(load("mnist_dense_tn"), board), None) is None


@pytest.mark.parametrize("name", ["cmod_a7_35", "de0nano"])
def test_boards_of_other_vendors_have_folds(name):
    design, estimate = next(fit(load("digits_tn"), load_board(name)))
    assert design.interval < 40 and 0 < estimate.ram <= load_board(name).capacity.RAM


def test_fold_too_few_lanes():
    with pytest.raises(InputError, match="2 layers need at least as many lanes, not 1"):
        fold(load("digits_tn"), 1)


def test_fold_shared_uses_one_engine():
    design = fold_shared(load("digits_tn"), 16)
    assert design.schedule == "shared" and design.lanes <= 16
    assert len(set(design.folds)) == 1 and len(design.engines) == 1


def test_images_are_for_designs_that_lack_memory():
    """With lanes alone nothing is gained; on a board whose RAM is full, another image takes logic only."""
    network, board = load("digits_tn"), load_board("icebreaker")
    assert fold(network, 64, images=3).images == 1
    assert fold_shared(network, 16, images=2).images == 1
    (one, cost), (several, more) = (next(fit(network, board, images=n)) for n in (1, 3))
    assert several.images > 1
    assert several.interval / several.images <= one.interval / 2
    assert more.ram <= board.capacity.RAM and more.cells > 1.5 * cost.cells
    again = load_design("digits_tn", **several.options())
    assert again.folds == several.folds and again.lanes == several.lanes


@pytest.mark.parametrize("images", [1, 3])
def test_fit_is_ordered_and_within_the_device(images):
    board = load_board("icebreaker")
    fitting = fit(load("digits_tn"), board, images=images)
    found = [(d.interval / d.images, c) for (d, c), _ in zip(fitting, range(5), strict=False)]
    intervals = [interval for interval, _ in found]
    assert intervals[0] == min(intervals)
    for before, after in zip(
        intervals, intervals[1:], strict=False
    ):  # two banks may cost a few cycles more
        assert after >= 0.9 * before
    for _, estimate in found:
        assert estimate.cells <= board.capacity.LUT and estimate.ram <= board.capacity.RAM


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": "8x4"}, "2 layers, but 1 folds"),
        ({"folds": "8x4,8x1", "lanes": 8}, "give either `lanes` or `folds`"),
        ({"lanes": 0}, "`lanes` must be a positive integer, not 0"),
        ({"folds": "8x4,8x1", "images": 2}, "give either `images` or `folds`"),
        (
            {"folds": "8x4x2,8x1"},
            "layer `dense1`: 1 images side by side, but 2 in `dense0`; it must be the same",
        ),
        ({"images": 0}, "`images` must be 1 to 16, not 0"),
        ({"images": 17, "schedule": "shared"}, "`images` must be 1 to 16, not 17"),
        ({"folds": "8x8/4,6x1"}, "must divide the 6 inputs a cycle"),
        ({"folds": "8x8,8x2/2"}, "a class needs one result a cycle"),
        ({"folds": "8x4,8x1", "schedule": "shared"}, "cannot share an engine"),
    ],
)
def test_load_design_wrong(options, message):
    with pytest.raises(InputError) as error:
        load_design("digits_tn", **options)
    assert message in str(error.value)


def test_kernel_has_no_folds():
    with pytest.raises(InputError, match="a kernel has no `lanes`; leave it out"):
        load_design("threshold16", lanes=8)


def test_design_of_its_options():
    design = load_design("digits_tn", lanes=16)
    again = load_design("digits_tn", **design.options())
    assert isinstance(again, Design) and again.folds == design.folds
    assert list(again.identity()) == list(design.identity())
