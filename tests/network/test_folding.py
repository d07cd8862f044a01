import json

import pytest

from tnhw.boards import boards, load_board
from tnhw.catalogue import load, load_design
from tnhw.errors import InputError
from tnhw.network import Design, Fold, fit, fold, fold_shared
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


def test_fit_is_ordered_and_within_the_device():
    board = load_board("icebreaker")
    found = [
        (d.interval, c) for (d, c), _ in zip(fit(load("digits_tn"), board), range(5), strict=False)
    ]
    assert [interval for interval, _ in found] == sorted(interval for interval, _ in found)
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


@pytest.mark.parametrize("text", ["8x4", "16x8/2", "1x1"])
def test_fold_text(text):
    assert str(Fold.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("8", 'a fold is written inputs x outputs, as "8x4" or "16x8/2", not \'8\''),
        ("8xa", "a fold is written"),
        ("0x4", "`simd` of a fold must be 1 to 1024, not 0"),
        ("8x4/3", "`drain` 3 must divide `units` 4"),
        ("4096x1", "`simd` of a fold must be 1 to 1024, not 4096"),
    ],
)
def test_fold_text_wrong(text, message):
    with pytest.raises(InputError) as error:
        Fold.parse(text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": "8x4"}, "2 layers, but 1 folds"),
        ({"folds": "8x4,8x1", "lanes": 8}, "give either `lanes` or `folds`"),
        ({"lanes": 0}, "`lanes` must be a positive integer, not 0"),
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
