"""The cost model: what it counts, what its coefficients come from, and how far it is from synthesis."""

import json
from pathlib import Path

import calibrate
import numpy as np
import pytest
from tiny_networks import tiny

from tnhw.boards import boards, load_board
from tnhw.network import Design, Fold
from tnhw.network.cost import (
    BLOCKS,
    FEATURES,
    OF_RULE,
    STAND_INS,
    cost,
    features,
    largest_error,
    ram_blocks,
)
from tnhw.support.data_files import folder

KEPT = json.loads(calibrate.KEPT.read_text())
TABLE = json.loads((folder("boards") / "cost.json").read_text())


@pytest.mark.parametrize(
    ("family", "depth", "bits", "blocks"),
    [("ice40", 256, 16, 1), ("ice40", 257, 16, 2), ("ice40", 64, 256, 16), ("ice40", 2048, 4, 2),
     ("ecp5", 512, 36, 1), ("ecp5", 32, 256, 8), ("gowin", 1024, 18, 1), ("xilinx", 512, 72, 1),
     ("gatemate", 512, 40, 1), ("gatemate", 513, 40, 2), ("machxo2", 512, 18, 1), ("nexus", 512, 36, 1)],
)  # fmt: skip
def test_ram_blocks(family, depth, bits, blocks):
    assert ram_blocks(family, depth, bits) == blocks


def test_features_by_hand():
    """Two lanes of two outputs for two images: what is counted is what the engine has."""
    design = Design(tiny(), [Fold(2, 2, images=2), Fold(2, 1, images=2)])
    stage = design.stages[0]
    of_rule, shared = features(stage, "ice40", entry=True)
    named = dict(zip(OF_RULE + FEATURES, [*of_rule, *shared], strict=True))
    sums = stage.sum_format.bits
    assert (
        named["lanes"] == 2 * 2 * 2 * 4
    )  # the register of a lane has the 4 bits of max(x - theta, 0) with its sign
    assert named["words"] == 2 * 2 * stage.synapse.word_bits
    assert named["sums"] == named["accumulators"] == 2 * 2 * sums
    assert named["results"] == 2 * sums and named["images"] == 2
    assert named["activations"] == named["entry"] == 2 * 2 * 4
    assert named["logic_rom"] == stage.rows * named["words"] and named["lut_ram"] == 0
    assert named["counters"] == 1 + 2  # two words of inputs, four rows of parameters
    _, later = features(stage, "gowin", entry=False)
    named = dict(zip(FEATURES, later, strict=True))
    assert named["entry"] == 0 and named["lut_ram"] == 16


def test_every_family_has_a_model():
    families = {load_board(name).family for name in boards()}
    assert families == set(BLOCKS) == set(TABLE) | set(STAND_INS)
    stage = Design(tiny(), [Fold(2, 2), Fold(2, 1)]).stages[0]
    for family in families:
        assert 0 < cost(stage, family).cells < 1000
    assert largest_error("intel") is None and largest_error("ice40") == TABLE["ice40"]["largest_error_percent"]  # fmt: skip


@pytest.mark.parametrize("family", sorted(TABLE))
def test_coefficients_are_those_of_the_kept_cells(family):
    """The table is the fit of what was synthesised; its errors are those of designs that the fit did not see."""
    assert calibrate.fit(KEPT, family) == TABLE[family]
    assert TABLE[family]["designs"] >= 25
    assert TABLE[family]["root_mean_square_error_percent"] < 6


def test_estimates_are_near_the_cells():
    """The model itself, not the matrix that it was fitted with: each design of iCE40 within the stated error."""
    for row in KEPT:
        if "ice40" not in row["cells"]:  # it needs more block RAM than there is
            continue
        stages = calibrate.design_of(row).stages
        estimate = sum(cost(s, "ice40", k == 0).cells for k, s in enumerate(stages))
        error = 100 * (estimate / row["cells"]["ice40"] - 1)
        assert abs(error) <= TABLE["ice40"]["largest_error_percent"], row


def test_a_wrong_coefficient_is_seen():
    """A fit to cells of which one in three is wrong has an error that the test above does not let pass."""
    wrong = json.loads(json.dumps(KEPT))
    for row in wrong[::3]:
        row["cells"]["ice40"] = int(1.5 * row["cells"]["ice40"])
    assert calibrate.fit(wrong, "ice40")["root_mean_square_error_percent"] > 10
    assert Path(calibrate.KEPT).name == "cost.json" and np.array(wrong).ndim == 1
