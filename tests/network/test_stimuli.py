"""Vectors near the border of two classes show what random ones do not."""

import numpy as np
import pytest
import random_networks

from tnhw.catalogue import load_design
from tnhw.network import Network
from tnhw.network.stimuli import undecided_vectors
from tnhw.simulation import traffic
from tnhw.verilog import emitting

MODELS = ("digits_tn", "digits_mac", "optdigits_tn", "letter_tn", "pendigits_ternary")


def pool(network, vectors=2048):
    return network.random_input(np.random.default_rng(0), vectors)


def gaps(network, x):
    """Naively, for each vector: the difference of its two largest outputs, and which they are."""
    for outputs in network.golden(x).tolist():
        order = sorted(range(len(outputs)), key=lambda j: (-outputs[j], j))
        yield outputs[order[0]] - outputs[order[1]], set(order[:2])


@pytest.mark.parametrize("name", MODELS)
def test_near_and_of_all_classes(name):
    network = load_design(name).network
    x = undecided_vectors(network, pool(network), 96)
    assert x.shape == (96, network.inputs) and len(np.unique(x, axis=0)) == 96
    network.check_x(x)
    found = list(gaps(network, x))
    near = [pair for gap, pair in found if gap <= 1]
    assert len(near) >= 90
    assert set.union(*near) == set(range(network.outputs))


def test_the_same_again():
    network = load_design("digits_tn").network
    one, other = (undecided_vectors(network, pool(network), 20) for _ in range(2))
    assert (one == other).all()


def wrong(network, output):
    """The same network, in which the bias of one output is larger by 1."""
    arrays = {name: array.copy() for name, array in network.arrays.items()}
    last = f"{network.layers[-1].name}.bias"
    arrays[last][output] += 1
    return network.with_arrays(arrays)


def test_an_error_of_one():
    """24 of these vectors show an error of 1 of each output but one or two; as many random ones miss most of them."""
    network = load_design("digits_tn").network
    near = undecided_vectors(network, pool(network), 24)
    random = pool(network, 24)
    seen, before = (
        sum((network.classes(x) != wrong(network, j).classes(x)).any() for j in range(10))
        for x in (near, random)
    )
    assert seen >= 8 > before


def test_few_and_none():
    two = Network(**random_networks.TWO)
    assert 1 < len(undecided_vectors(two, pool(two), 8)) <= 8  # it has not more that are near
    network = load_design("digits_tn").network
    assert undecided_vectors(network, pool(network), 0).shape == (0, 64)
    assert undecided_vectors(network, pool(network, 0), 5).shape == (0, 64)
    assert len(undecided_vectors(network, pool(network, 1), 5)) == 5


def test_a_vector_hides_nothing():
    """A network that answers with a vector needs no such vectors, and one with one class has none."""
    design = load_design("denoise_tn")
    x = design.random_input(np.random.default_rng(0), 4)
    assert len(design.edge_vectors(x, None, 3)) == 0


def test_sent_by_the_bench():
    design = load_design("digits_tn")
    _, manifest = emitting.emitted(design)
    for vectors, near in ((10, 20), (100, 90)):
        sent = traffic.make(design, manifest, vectors=vectors)
        assert sum(gap <= 1 for gap, _ in gaps(design.network, sent.x)) >= near
