"""Pictures: what they say is what is built, and the same bytes every time."""

import xml.etree.ElementTree as ET

import pytest

from tnhw.catalogue import load, load_design
from tnhw.cli import main
from tnhw.kernel import Kernel
from tnhw.kernel.diagram import SHOWN, kernel_diagram
from tnhw.network.diagram import network_diagram
from tnhw.pictures import draw
from tnhw.pictures.svg import Box, Column, Diagram


def kernel(**keys):
    values = {"name": "k", "rule": "threshold", "inputs": 4, "input": "s8", "parameter": "s8"}
    return Kernel(**values | keys)


def texts(svg):
    root = ET.fromstring(svg)
    return [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]


def widths(column):
    return sorted(int(box.lines[0]) for box in column.boxes)


def test_tree_by_hand():
    """mac, 4 products of 4 x 4 bits: 8 bits, then 9, then 10; nothing is owed to a bias."""
    diagram = kernel_diagram(kernel(rule="mac", input="u4", parameter="u4"))
    _, lanes, first, second, result = diagram.columns
    assert widths(lanes) == [8] * 4
    assert widths(first) == [9, 9]
    assert widths(second) == [10]
    assert result.boxes[0].lines == ("stream o", "1 × y u10", "10 bits")
    assert [(a, b) for a, b, _ in diagram.edges if a[0] == 2] == [
        ((2, 0), (3, 0)),
        ((2, 1), (3, 0)),
    ]
    assert len([1 for a, b, _ in diagram.edges if b[0] == 2]) == 4


@pytest.mark.parametrize("name", ["threshold16", "threshold_axi", "mac16", "addernet16"])
def test_columns_are_cycles(name):
    """A column of registers a cycle of the latency; every sum has what it adds."""
    design = load(name)
    diagram = kernel_diagram(design)
    registers = [c for c in diagram.columns if c.foot.startswith("cycle") or c.foot == "register"]
    assert len(registers) == design.create("stream").latency
    into = {b for _, b, _ in diagram.edges}
    for number, column in enumerate(diagram.columns[1:], start=1):
        assert all((number, place) in into for place in range(len(column.boxes)))


def test_wide_kernel_is_short():
    diagram = kernel_diagram(kernel(inputs=100, rule="ternary", parameter=None))
    assert max(len(column.boxes) for column in diagram.columns) <= SHOWN
    assert f"⋮ {200 - SHOWN + 1} more" in texts(diagram.svg())


def test_requantise():
    """4 x 255 and the half that rounds are 1024: 12 bits."""
    said = texts(draw(kernel(output="u4", shift=3)))
    assert {"requantise", ">> 3, clamp", "s12 to u4"} <= set(said)


def test_serial():
    said = texts(draw(load("digits_layer_threshold")))
    assert {"ROM", "640 × (theta u4, sign u1)", "accumulator, × 10", "s10", "64 cycles"} <= set(
        said
    )


def test_loads_reach_parameters():
    diagram = kernel_diagram(load("tile_threshold8"))
    first = [box.lines[0] for box in diagram.columns[0].boxes]
    assert first == ["stream i", "stream p", "parameters"]
    assert [(a, b) for a, b, _ in diagram.edges if a == (0, 1)] == [((0, 1), (0, 2))]


def test_unknown_architecture_and_rule(monkeypatch):
    """Those of a plug-in are drawn too."""
    from tnhw.gates.kernels import Tile
    from tnhw.kernel import kernel as module

    monkeypatch.setitem(module.ARCHITECTURES, "mine", Tile)
    monkeypatch.setattr("tnhw.synapse.rules.threshold.Threshold.formula", "")
    assert "threshold" in texts(draw(kernel(architecture="mine")))


def test_network():
    design = load_design("digits_tn")
    diagram = network_diagram(design)
    first = diagram.columns[1].boxes[0]
    assert first.lines[0] == "dense0"
    assert "requantise >> 3 to u4" in first.lines
    assert f"fold {design.folds[0]}: {design.folds[0].lanes} lanes" in first.lines
    assert first.share == design.stages[0].cycles / design.interval
    assert [column.boxes[0].lines[0] for column in diagram.columns[-2:]] == ["argmax", "stream o"]


def test_vector_network_has_no_argmax():
    heads = [
        column.boxes[0].lines[0] for column in network_diagram(load_design("denoise_tn")).columns
    ]
    assert "argmax" not in heads


@pytest.mark.parametrize("name", ["threshold16", "mnist_conv_tn"])
def test_same_bytes(name):
    first = draw(load_design(name))
    assert first == draw(load_design(name))
    assert first.startswith("<svg ") and first.endswith("</svg>\n")


def test_boxes_do_not_overlap():
    """Of a column; and none leaves the picture."""
    root = ET.fromstring(draw(load("threshold16")))
    width, height = float(root.get("width")), float(root.get("height"))
    rects = [r for r in root.iter("{http://www.w3.org/2000/svg}rect")][1:]
    spots = sorted((float(r.get("x")), float(r.get("y")), float(r.get("height"))) for r in rects)
    for (x, y, h), (x2, y2, _) in zip(spots, spots[1:], strict=False):
        assert x != x2 or y + h <= y2
    assert all(float(r.get("x")) + float(r.get("width")) <= width for r in rects)
    assert all(y + h <= height for _, y, h in spots)


def test_text_is_escaped():
    box = Box(("a < b & c",), "stream")
    assert texts(Diagram("<t>", "", (Column("", (box,)),)).svg())[-1] == "a < b & c"


def test_command(capsys, tmp_path):
    assert main(["graph", "mac16", "-o", str(tmp_path)]) == 0
    assert (tmp_path / "mac16" / "mac16.svg").read_text() == draw(load("mac16"))
