import json

import pytest

from tnhw.boards import boards, load_board
from tnhw.catalogue import load, load_design
from tnhw.errors import InputError
from tnhw.network import Design, fit, fold, fold_shared
from tnhw.network.folding import BLOCKS, ram_blocks
from tnhw.support.data_files import folder


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
    for _, cost in found:
        assert cost.cells <= board.capacity.LUT and cost.ram <= board.capacity.RAM


@pytest.mark.parametrize(
    ("family", "depth", "bits", "blocks"),
    [("ice40", 256, 16, 1), ("ice40", 257, 16, 2), ("ice40", 64, 256, 16), ("ice40", 2048, 4, 2),
     ("ecp5", 512, 36, 1), ("ecp5", 32, 256, 8), ("gowin", 1024, 18, 1),
     ("gatemate", 512, 40, 1), ("gatemate", 513, 40, 2), ("machxo2", 512, 18, 1), ("nexus", 512, 36, 1)],
)  # fmt: skip
def test_ram_blocks(family, depth, bits, blocks):
    assert ram_blocks(family, depth, bits) == blocks


def test_cost_states_its_errors():
    table = json.loads((folder("boards") / "cost.json").read_text())
    families = {load_board(name).family for name in boards() if not load_board(name).vendor_tool}
    assert set(table) == set(BLOCKS) == families
    for family in families:
        for rule in ("threshold", "ternary", "shift", "mac"):
            assert len(table[family][rule]["cells"]) == 4
            assert 0 <= table[family][rule]["largest_error_percent"] < 25


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
