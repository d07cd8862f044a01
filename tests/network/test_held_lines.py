"""Layers that hold a few rows of their images: which rows they need, when they compute, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import random_networks
from line_networks import HELD, even, level, strided

from tnhw.errors import InputError
from tnhw.gates.engine.depth import depth_of
from tnhw.network import Design, Fold
from tnhw.network.timetable import Timetable, evenly


def layers(made):
    return [stage.layer for stage in made().design().stages]


def test_lines_by_hand():
    """Of 7 lines a window of 3 sees lines 0 and 1, then 1 to 3, then 3 to 5, and nobody sees the last one."""
    first, second, dense = layers(strided)
    assert first.lines_needed == (2, 4, 7) and first.lines_freed == (1, 3, 7)
    assert second.lines_needed == (2, 3) and second.lines_freed == (1, 3)
    assert (first.least_lines, second.least_lines, dense.least_lines) == (4, 2, 1)
    assert dense.lines_needed == dense.lines_freed == (1,)


def test_lines_with_padding():
    """The last of 5 rows needs no line more than the one before it, as it sees a line of padding."""
    _, padded = layers(level)
    assert padded.lines_needed == (3, 4, 5, 5)[: padded.out_shape[0] - 1] + (5,)
    assert padded.least_lines == 3


def test_latency_is_shorter():
    """Most of an image is computed when its last line arrives."""
    made = replace(strided(), lines=(7, 6, 2))
    whole = replace(made, lines=()).design()
    assert made.design().latency < whole.latency and made.design().interval == whole.interval


def test_times_by_hand():
    """One window of one line: 3 words arrive, and are read for 3 cycles; then 3 to the sums, 3 to the result, and the answer."""
    keys = {"kind": "conv", "rule": "ternary", "kernel": [1, 1], "outputs": 1, "output": "u3"}
    made = random_networks.Case(
        {"name": "net", "input": "u3", "shape": [2, 3, 1], "layers": [keys],
         "arrays": [{"sign": np.ones((1, 1, 1, 1), int)}], "result": "vector"}, ((1, 1),), lines=(3,),
    )  # fmt: skip
    design = made.design()
    assert design.latency == 1 + 3 + 3 + 3 + 1 and design.interval == 6
    random_networks.check(made)


def test_pace_where_results_would_be_uneven():
    stages = even().design().stages
    assert Timetable(stages).settled() is None
    times = evenly(stages)
    assert times.pace == times.interval > max(stage.cycles for stage in stages)
    assert evenly(strided().design().stages).pace == 0


@pytest.mark.parametrize("number", range(8))
def test_depth_is_that_of_the_engine(number):
    case = random_networks.case(9, 16 * number + 3)
    design = case.design()
    for engine, (stage, *others) in zip(design.create().engines, design.engines, strict=True):
        assert others or engine.depth == depth_of(stage)


def test_fold_text():
    for text in ("8x4:5", "16x8/2:12"):
        assert str(Fold.parse(text)) == text
    assert Fold.parse("8x4/2:5") == Fold(8, 4, 2, lines=5)
    assert repr(Fold(8, 4, lines=5)) == "Fold(simd=8, units=4, drain=1, lines=5)"
    assert repr(Fold(8, 4)) == "Fold(simd=8, units=4, drain=1)"


def test_facts():
    design = strided().design()
    assert [layer["lines"] for layer in design.facts()["network"]["layers"]] == [4, 3, 1]
    assert design.options()["folds"] == "2x3:4,3x2:3,2x2:1"
    whole = replace(strided(), lines=()).design()
    assert "lines" not in whole.facts()["network"]["layers"][0]
    assert list(whole.identity()) != list(design.identity())


@pytest.mark.parametrize(
    ("folds", "options", "said"),
    [
        ("2x3:3,3x2:3,2x2:1", {}, "layer `conv0`: `lines` must be 4 to 14, not 3: it is given for all layers or for none"),
        ("2x3:4,3x2,2x2:1", {}, "layer `conv1`: `lines` must be 2 to 6, not 0"),
        ("2x3:4,3x2:3,2x2:3", {}, "layer `dense2`: `lines` must be 1 to 2, not 3"),
        ("2x3x2:4,3x2x2:3,2x2x2:1", {}, "images side by side are held whole: leave `images` or `lines` out"),
        ("1x3:4,1x3:3,1x3:1", {"schedule": "shared"}, "layers that share an engine hold whole images"),
        ("2x3:-1,3x2:3,2x2:1", {}, "`lines` of a fold must be 0 to 1024, not -1"),
    ],
)  # fmt: skip
def test_wrong(folds, options, said):
    with pytest.raises(InputError) as caught:
        Design(strided().design().network, map(Fold.parse, folds.split(",")), **options)
    assert said in str(caught.value)


def test_results_that_leave_slowly():
    """A window of one tap and two results: one cycle, or two if a cycle takes one of its channels."""
    network = replace(level(), lines=()).design().network
    Design(network, [Fold(1, 2, lines=2), Fold(2, 2, lines=3)])
    with pytest.raises(InputError, match="its results leave in more cycles than it computes them"):
        Design(network, [Fold(2, 2, lines=2), Fold(2, 2, lines=3)])


@pytest.mark.parametrize("made", HELD)
def test_results_come_after_their_images(made):
    design = made().design()
    assert design.latency > 0 and design.facts()["idle_cycles"] >= 0
