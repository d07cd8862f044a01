"""Memories of the simulated copy watch their addresses; what a person receives does not change."""

import re

import numpy as np
import pytest
from faults import mutate
from random_networks import Case

from tnhw.errors import CheckFailed, ToolFailed
from tnhw.gates.engine import drain
from tnhw.gates.kernels import serial
from tnhw.kernel import Kernel
from tnhw.simulation import simulate, simulators
from tnhw.simulation.address_check import watched
from tnhw.verilog import emitting

SERIAL = {"name": "tiny", "rule": "mac", "inputs": 3, "outputs": 2, "input": "u4", "parameter": "s4",
          "architecture": "serial", "storage": "memory"}  # fmt: skip
LAYER = {"kind": "conv", "kernel": [1, 1], "rule": "ternary"}
#: Three rows of biases; the last layer has one of them, and two positions.
ROWS = {
    "name": "rows",
    "input": "s4",
    "shape": [1, 2, 1],
    "layers": [LAYER | {"outputs": 2, "output": "s4"}, LAYER | {"outputs": 1}],
    "arrays": [
        {"sign": np.array([[[[1]]], [[[0]]]]), "bias": np.array([5, 7])},
        {"sign": np.array([[[[1, 0]]]]), "bias": np.array([1])},
    ],
    "result": "vector",
}
MEMORY = """\
module small (
  input  wire       clk,
  input  wire [1:0] a
);

  reg address_fault;
  (* ram_style = "block" *) reg [3:0] words [0:2];
  initial begin
    words[0] = 4'h1;
    words[1] = 4'h2;
    words[2] = 4'h3;
  end
  reg [3:0] word;

  always @(posedge clk) begin
    if (address_fault & (a != 2'd3)) words[{a[1], a[0]}][1:0] <= word[1:0];
    word <= words[a];
  end

endmodule
"""


def network(**options):
    return Case(ROWS, ((1, 1), (1, 1)), "shared", **options).design()


def test_watched():
    text, record = watched(MEMORY, "small")
    assert record["memories"] == [{"name": "small.words", "depth": 3}]
    assert record["fault"] == "address_fault_"  # the other name is taken
    assert (
        text.count("!== 1'b1") == 2
        and "if (address_fault & (a != 2'd3)) begin if (({{a[1], a[0]}} < 3) !== 1'b1" in text
    )
    assert "words[2] = 4'h3;" in text
    untouched = [line for line in MEMORY.splitlines() if "<= " not in line]
    assert set(untouched) <= set(text.splitlines())


def test_watched_without_memory():
    text = MEMORY.replace(" [0:2];", ";")
    assert watched(text, "small") == (text, None)


def test_watched_unknown_form():
    with pytest.raises(ToolFailed, match="has an access that cannot be checked: "):
        watched(MEMORY.replace("word <= words[a];", "word <= words[a"), "small")


def test_a_read_without_a_clock_is_not_watched():
    """Nothing says when its result counts."""
    read = "assign b = words[a];"
    text, _ = watched(MEMORY + "\n", "small")
    without, _ = watched(MEMORY.replace("word <= words[a];", read), "small")
    assert f" {read}\n" in without and without.count("!== 1'b1") == text.count("!== 1'b1") - 1


@pytest.mark.parametrize("loadable", [False, True])
def test_every_access_is_watched(loadable):
    """As many as there are ports of memories: a read port, and a write port where something is written."""
    design = network(loadable=loadable)
    text, record = watched(emitting.emit(design.create(), design.name), design.name)
    names = [memory["name"].split(".")[1] for memory in record["memories"]]
    parameters = "parameters_0" if loadable else "parameters"
    assert sorted(names) == ["activations", "biases", "hidden", parameters]
    assert text.count("!== 1'b1") == 2 + 2 + 1 + 1 + 2 * loadable


def test_every_access_of_a_kernel_is_watched():
    made = Kernel(**SERIAL)
    text, record = watched(emitting.emit(made.create(), made.name), made.name)
    assert [memory["depth"] for memory in record["memories"]] == [3]
    assert text.count("!== 1'b1") == 1 + made.outputs  # a write for each part of a row


# ---- In a simulator ----


def fails(design, folder, simulator="icarus"):
    with pytest.raises(CheckFailed) as caught:
        simulate(design, folder, vectors=4, simulator=simulator)
    assert caught.value.result.mismatch["kind"] == "address", caught.value
    return str(caught.value)


@pytest.mark.needs("iverilog")
def test_simulate_leaves_the_text_alone(tmp_path):
    design = network()
    assert simulate(design, tmp_path, vectors=4).passed
    assert (tmp_path / "rows.v").read_text() == emitting.emitted(design)[0]
    assert not (tmp_path / "memories.json").exists()


@pytest.mark.needs("iverilog")
def test_row_of_biases_beyond_depth(tmp_path, monkeypatch):
    mutate(monkeypatch, drain.Drain, "_biases", "(base + 1) % len(rows)", "base + 1")
    said = fails(network(), tmp_path)
    assert "An address of memory `rows__engine_0__drain.biases` is 3; it has 3 words." in said


@pytest.mark.nightly
@pytest.mark.needs("verilator", "g++", "make", "perl")
def test_row_of_biases_beyond_depth_in_verilator(tmp_path, monkeypatch):
    mutate(monkeypatch, drain.Drain, "_biases", "(base + 1) % len(rows)", "base + 1")
    fails(network(), tmp_path, "verilator")


@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("port", ["read", "write"])
def test_kernel_address_beyond_depth(port, tmp_path, monkeypatch):
    """A read goes one too far; a write of the last column goes one too far."""
    old, new = {"read": ("read.addr.eq(index)", "read.addr.eq(index + (index == 2))"),
                "write": ("write.addr.eq(loader.column)",
                          "write.addr.eq(loader.column + (loader.column == 2))")}[port]  # fmt: skip
    mutate(monkeypatch, serial.Serial, "_stored", old, new)
    assert "An address of memory `tiny.parameters` is 3; it has 3 words." in fails(
        Kernel(**SERIAL), tmp_path
    )


@pytest.mark.needs("iverilog")
def test_unknown_address(tmp_path, monkeypatch):
    real = simulators.watched

    def unknown(text, top):
        text, count = re.subn(r"<= biases\[(\w+)\];", r"<= biases[\1 | 2'bx];", text)
        assert count == 1
        return real(text, top)

    monkeypatch.setattr(simulators, "watched", unknown)
    assert "An address of memory `rows__engine_0__drain.biases` is unknown;" in fails(
        network(), tmp_path
    )
