"""Fuzzing of networks: cases come again, a fault is found and kept, and the table adds up."""

import network_fuzz
import numpy as np
import pytest
import random_networks

from tnhw.network import Network


def test_cases_come_again():
    for number in (0, 3, 47):
        one, other = random_networks.case(3, number), random_networks.case(3, number)
        assert (one.folds, one.schedule, one.seed) == (other.folds, other.schedule, other.seed)
        assert one.network["layers"] == other.network["layers"]
        assert list(random_networks.KINDS.values())[number % len(random_networks.KINDS)](one)
    assert random_networks.case(3, 1).seed != random_networks.case(4, 1).seed


@pytest.mark.needs("iverilog")
def test_on_verilog(monkeypatch):
    """A case goes through; with another oracle it does not."""
    case = random_networks.case(1, 30)
    network_fuzz.on_verilog(case)
    monkeypatch.setattr(network_fuzz.network_oracle, "result", lambda network, x: [1 << 40])
    with pytest.raises(AssertionError, match="golden model"):
        network_fuzz.on_verilog(case)


def test_a_fault_is_kept(tmp_path):
    def dislikes(case):
        assert case.schedule == "pipeline", "shared"

    record = network_fuzz.run(0, range(10), dislikes, tmp_path)
    failed = [failure["number"] for failure in record["failures"]]
    shared = [n for n in range(10) if random_networks.case(0, n).schedule == "shared"]
    assert failed == shared and len(failed) >= 2
    for failure in record["failures"]:
        assert "shared" in failure["text"]
        name = failure["kept"].split()[2]
        assert "--schedule shared" in failure["kept"]
        again = Network.load(tmp_path / name)
        drawn = Network(**random_networks.case(0, failure["number"]).network)
        x = again.random_input(np.random.default_rng(0), 3)
        assert again.results(x).tolist() == drawn.results(x).tolist()


def test_table():
    records = [
        {"level": "networks", "count": 30, "failures": [], "cells": {"any": 30, "padding": 3, "reset": 9}},
        {"level": "networks", "count": 10, "failures": [{}], "cells": {"any": 10, "padding": 1}},
        {"level": "networks-verilog", "count": 2, "failures": [], "cells": {"padding": 1}},
    ]  # fmt: skip
    assert network_fuzz.table(records).splitlines()[2:] == [
        "| checked | 40 | 0 | 2 |",
        "| mismatches | 1 | 0 | 0 |",
        "| padding | 4 (10.0 %) | 0 (0.0 %) | 1 (50.0 %) |",
        "| reset | 9 (22.5 %) | 0 (0.0 %) | 0 (0.0 %) |",
    ]
