"""AXI4-Stream ports around networks: the beats by hand, and faults of the gates, which the bench of a package finds.

That the gates are right is tested with whole packages (tests/export) and with random networks (`network_fuzz`).
"""

import pytest
from faults import mutate
from folded_networks import image, plain, short
from ip_kernels import ICARUS, bench

from tnhw.export import ip
from tnhw.gates.engine.axi import AxiChain

pytestmark = pytest.mark.slow

WAITS = "condemned | void | (inside == core.images)"
UNWANTED = "condemned & ~filling & (inside == 1)"
OFFERED = "filling | (self.s_axis_tvalid & passes)"
LOADED = "filling | (self.s_axis_param_tvalid & passes)"
FAULTS = {
    "parameters that are not all there": ("_vectors", WAITS, "condemned | (inside == core.images)"),
    "a vector after a condemned one": ("_vectors", WAITS, "void | (inside == core.images)"),
    "no tlast": ("_vectors", "self.s_axis_tlast != at_end", "self.s_axis_tlast & ~at_end"),
    "an early tlast": ("_vectors", "self.s_axis_tlast != at_end", "at_end & ~self.s_axis_tlast"),
    "results before the condemned one": ("_vectors", UNWANTED, "condemned & ~filling"),
    "the result before one that comes in": ("_vectors", UNWANTED, "condemned & (inside == 1)"),
    "not filled up": ("_vectors", OFFERED, "self.s_axis_tvalid & passes"),
    "a result that is offered": ("_vectors", "core.o.valid & ~unwanted", "core.o.valid"),
    "a result that stays": ("_vectors", "self.m_axis_tready | unwanted", "self.m_axis_tready"),
    "never forgiven": ("_vectors", "condemned.eq(0)", "condemned.eq(condemned)"),
    "a load that is not filled up": ("_load", LOADED, "self.s_axis_param_tvalid & passes"),
    "a wrong load": ("_load", "void.eq(~(at_end & self.s_axis_param_tlast))", "void.eq(~at_end)"),
    "a load after a reset": (
        "elaborate",
        "errors.append(self._load(m, void))",
        "self._load(m, void)",
    ),
}


@ICARUS
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault, monkeypatch, tmp_path):
    mutate(monkeypatch, AxiChain, *FAULTS[fault])
    found = []
    for make in (plain, short):
        design = make(loadable=True).design(interface="axi-stream")
        ip.package(design, tmp_path / make.__name__ / design.name)
        found.append(bench(tmp_path / make.__name__ / design.name))
    assert any(status != 0 and "FAIL" in said for status, said in found), found


@pytest.mark.parametrize("make", [image, plain])
def test_beats(make):
    """Channels of a position in words, each in a byte of its own, the last word of a position with zeros."""
    design = make().design(interface="axi-stream")
    height, width, channels = design.stages[0].layer.in_shape
    simd = design.folds[0].simd
    x = [(5 * k + 1) % 8 for k in range(2 * design.inputs)]
    wanted, at = [], 0
    for _ in range(2):
        for position in range(height * width):
            for first in range(0, channels, simd):
                beat = 0
                for lane in range(min(simd, channels - first)):
                    beat += x[at] << 8 * lane
                    at += 1
                last = position == height * width - 1 and first + simd >= channels
                wanted.append((beat, int(last)))
    assert design.axi_input([x[: design.inputs], x[design.inputs :]]) == wanted
