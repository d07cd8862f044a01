"""Costs before and after training, against all designs that fit."""

from dataclasses import replace

import pytest
from search_tools import small_data

from tnhw.boards import load_board
from tnhw.exploration.costing import IMAGES, design_of, estimate, untrained
from tnhw.network import fit
from tnhw.train import recipe_for, train

BOARD = load_board("icestick")
FEW = small_data().dataset


def every(network):
    """(cycles a vector, cells) of all designs that should fit."""
    found = fit(network, BOARD, images=IMAGES)
    return [(design.interval / design.images, cost.cells) for design, cost in found]


@pytest.mark.parametrize("kind", ["threshold", "mac"])
def test_estimate(kind):
    network = untrained(recipe_for(FEW, kind, hidden=("4",)), FEW)
    known = every(network)
    fastest, smallest = estimate(network, BOARD), estimate(network, BOARD, "cells")
    assert fastest.cycles == min(cycles for cycles, _ in known)
    assert smallest.cells == min(cells for _, cells in known) < fastest.cells
    speed = 12e6 / (1.01 * fastest.cycles)
    kept = estimate(network, BOARD, "cells", speed)
    assert kept.cells == min(cells for cycles, cells in known if 12e6 / cycles >= speed)
    assert estimate(network, BOARD, "cells", 1e9) is None
    design = design_of(network, fastest)
    assert (
        design.interval / design.images == fastest.cycles
        and fastest.rate(12e6) == 12e6 / fastest.cycles
    )


def test_a_trained_network_costs_no_more():
    """Costs are known before training: no parameters that it may find make the network slower."""
    data = small_data()
    for kind in ("threshold", "gain", "shift", "mac"):
        recipe = recipe_for(FEW, kind, hidden=("8",), epochs=2, spread=0.3)
        before = estimate(untrained(recipe, FEW), BOARD)
        assert estimate(train(recipe, data=data), BOARD).cycles <= before.cycles, kind
        wide = replace(recipe, spread=1.0)
        assert estimate(untrained(wide, FEW), BOARD) == before


def test_too_large():
    assert estimate(untrained(recipe_for(FEW, hidden=("300", "300")), FEW), BOARD) is None
