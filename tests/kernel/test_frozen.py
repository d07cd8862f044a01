"""What is frozen stays as it was checked: arrays, equality, and every way to make a copy."""

import copy
import pickle
import sys

import numpy as np
import pytest

from tnhw.boards import Board, load_board
from tnhw.errors import InputError
from tnhw.kernel import Kernel
from tnhw.network import Design, Fold, Network
from tnhw.network.layer import LayerKeys
from tnhw.support.config import Record
from tnhw.synapse import Format

KEYS = {
    "name": "k",
    "rule": "threshold",
    "inputs": 3,
    "outputs": 2,
    "input": "u4",
    "parameter": "u4",
}
LAYERS = [
    {"kind": "conv", "rule": "threshold", "outputs": 2, "parameter": "u4", "output": "u4", "shift": 1,
     "kernel": [2, 2]},
    {"kind": "dense", "rule": "mac", "outputs": 3, "parameter": "s4"},
]  # fmt: skip


def arrays():
    return {
        "theta": np.arange(6).reshape(2, 3),
        "sign": np.ones((2, 3), int),
        "bias": np.array([5, 6]),
    }


def kernel(own=None, **keys):
    own = arrays() if own is None else own
    return Kernel(arrays=own, **(KEYS | {"storage": "constant"} | keys))


def layers():
    rng = np.random.default_rng(0)
    conv = {"theta": rng.integers(0, 15, (2, 2, 2, 1)), "sign": rng.integers(-1, 2, (2, 2, 2, 1))}
    return [conv, {"weight": rng.integers(-8, 8, (3, 8)), "bias": np.array([1, 2, 3])}]


def network(own=None, card=None, **changes):
    own = layers() if own is None else own
    keys = [dict(layer) for layer in LAYERS]
    keys[0] |= changes
    return Network("n", "u4", [3, 3, 1], keys, own, card={"a": {"b": 1}} if card is None else card)


def design(**options):
    return Design(network(), [Fold(1, 2), Fold(2, 1)], **options)


# ---- Arrays ----


def every_array(made):
    """Each array that an object hands out, by where it is from."""
    seen, found = set(), {}

    def walk(value, where):
        if id(value) in seen or where.count(".") > 6:
            return
        seen.add(id(value))
        if isinstance(value, np.ndarray):
            found[where] = value
        elif isinstance(value, dict):
            for key, one in value.items():
                walk(one, f"{where}.{key}")
        elif isinstance(value, (list, tuple)):
            for number, one in enumerate(value):
                walk(one, f"{where}.{number}")
        elif type(value).__module__ in (
            "tnhw.kernel.kernel",
            "tnhw.network.layer",
            "tnhw.network.network",
            "tnhw.network.design",
        ):
            for name in dir(type(value)):
                if not name.startswith(("_", "model_")) and not callable(
                    getattr(type(value), name)
                ):
                    walk(getattr(value, name), f"{where}.{name}")
            walk(
                [getattr(value, name) for name in ("layers", "kernel") if hasattr(value, name)],
                where,
            )

    walk(made, type(made).__name__)
    return found


@pytest.mark.parametrize("make", [kernel, network, lambda: design(loadable=True)])
def test_no_array_can_be_written_to(make):
    made = make()
    found = every_array(made)
    assert len(found) >= 3
    for where, array in found.items():
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.setflags(write=True)
        assert where


@pytest.mark.parametrize("make, own", [(kernel, arrays()), (network, layers())])
def test_arrays_of_the_caller_are_copied(make, own):
    made = make(own)
    x = made.random_input(np.random.default_rng(1), 20)
    before = made.golden(x)
    for one in own if isinstance(own, list) else [own]:
        for array in one.values():
            array[:] = 0
        one.clear()
    assert (made.golden(x) == before).all()
    made.arrays.clear()
    assert (made.golden(x) == before).all()


def test_a_card_is_copied():
    card = {"a": {"b": [1]}}
    made = network(card=card)
    for given in (card, made.card, made.header["card"]):
        given["a"]["b"].append(2)
    assert made.card == {"a": {"b": [1]}}
    made.header["layers"][0]["kernel"].append(3)
    assert made.header["layers"][0]["kernel"] == [2, 2]


# ---- Equality ----


def other_array():
    own = arrays()
    own["theta"][1, 2] ^= 1
    return own


def other_layer():
    own = layers()
    own[1]["weight"][0, 0] ^= 1
    return own


EQUAL = {
    "kernel": (kernel, [lambda: kernel(other_array()), lambda: kernel(name="l"), lambda: kernel(input="u5")]),
    "kernel without arrays": (lambda: Kernel(**KEYS), [kernel, lambda: Kernel(**KEYS, storage="memory")]),
    "network": (network, [lambda: network(other_layer()), lambda: network(card={}), lambda: network(shift=2)]),
    "layer": (lambda: network().layers[0], [lambda: network(shift=2).layers[0], lambda: network().layers[1]]),
    "design": (design, [lambda: design(loadable=True), lambda: design(dsp=True),
                        lambda: Design(network(), [Fold(1, 1), Fold(2, 1)]),
                        lambda: Design(network(other_layer()), [Fold(1, 2), Fold(2, 1)])]),
    "keys of a layer": (lambda: LayerKeys(name="a", **LAYERS[0]), [lambda: LayerKeys(name="a", **LAYERS[1])]),
    "board": (lambda: load_board("icebreaker"), [lambda: load_board("ulx3s_85f")]),
}  # fmt: skip


@pytest.mark.parametrize("make, others", EQUAL.values(), ids=EQUAL)
def test_equality(make, others):
    one, same = make(), make()
    assert one == same and hash(one) == hash(same) and one is not same and len({one, same}) == 1
    for other in others:
        assert one != other() and len({one, other()}) == 2
    assert one != 3 and (one == None) is False  # noqa: E711


def test_equality_is_of_what_counts():
    """Not of which keys were written out, of where arrays are from, or of their type in the file."""
    assert kernel(shift=0) == kernel() == kernel(parameters="p.npz")
    narrow = {name: array.astype(np.int8) for name, array in arrays().items()}
    assert kernel(narrow) == kernel()
    assert network(complement=False) == network()


# ---- Copies ----

WRONG = {
    "kernel": (kernel, {"inputs": 0}, "`inputs` must be greater"),
    "kernel whose arrays do not fit": (kernel, {"inputs": 4}, r"`theta` must have the shape \(2, 4\)"),
    "kernel with an unknown key": (kernel, {"colour": 1}, "unknown key `colour`"),
    "kernel with keys that contradict": (kernel, {"excitatory": 2}, "leave `excitatory` out"),
    "layer": (lambda: LayerKeys(name="a", **LAYERS[0]), {"outputs": 0}, "`outputs` must be greater"),
    "board": (lambda: load_board("icebreaker"), {"platform": "no"}, "`platform`"),
    "board's clock": (lambda: load_board("icebreaker").clock, {"frequency": -1}, "frequency"),
}  # fmt: skip


@pytest.mark.parametrize("make, update, said", WRONG.values(), ids=WRONG)
def test_copies_are_checked(make, update, said):
    one = make()
    ways = [lambda: one.model_copy(update=update), lambda: one.copy(update=update),
            lambda: one.model_copy(update=update, deep=True), lambda: one.with_keys(**update)]  # fmt: skip
    if sys.version_info >= (3, 13):
        ways.append(lambda: copy.replace(one, **update))
    for way in ways:
        with pytest.raises(InputError, match=said):
            way()


@pytest.mark.parametrize("make, update, said", WRONG.values(), ids=WRONG)
def test_nothing_is_made_without_checks(make, update, said):
    """model_construct, and a pickle whose keys were changed."""
    one = make()
    keys = {key: getattr(one, key) for key in type(one).model_fields} | update
    with pytest.raises((InputError, ValueError)):
        type(one).model_construct(**keys)
    again, (cls, _, *rest) = one.__reduce__()
    with pytest.raises((InputError, ValueError)):
        again(cls, keys, *rest)


@pytest.mark.parametrize("make", [make for make, _ in EQUAL.values()], ids=EQUAL)
def test_copies_are_equal(make):
    one = make()
    copies = [copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))]
    if isinstance(one, Record):
        copies += [one.model_copy(), one.model_copy(deep=True), one.with_keys()]
    for made in copies:
        assert made == one and hash(made) == hash(one)


def test_a_copy_has_nothing_worked_out_for_another():
    """pydantic would copy what was computed for the old keys with the new ones."""
    one = kernel()
    assert one.sum_format != one.model_copy(update={"input": Format(8)}).sum_format
    assert one.synapse.input == Format(4)
    assert one.model_copy(update={"input": Format(8)}).synapse.input == Format(8)


def test_records_are_all_closed():
    """Every record of the project has the checks of the base: none brings its own way around them."""

    def below(cls):
        return {cls} | {one for child in cls.__subclasses__() for one in below(child)}

    assert {Kernel, Board, LayerKeys} < below(Record)
    for cls in below(Record) - {Record}:
        own = {"model_copy", "copy", "model_construct", "__setstate__"} & set(vars(cls))
        assert not own, f"{cls}: {own}"
        assert cls.model_config["frozen"] and cls.model_config["extra"] == "forbid"


# ---- Numbers of NumPy ----


def test_numpy_numbers():
    keys = {"inputs": np.int64(3), "outputs": np.uint8(2), "gain": np.bool_(False)}
    made = Kernel(**(KEYS | keys))
    assert made == Kernel(**KEYS) and type(made.inputs) is int and type(made.gain) is bool
    assert Format(np.int32(4), True) == Format(4, True) and type(Format(np.int32(4)).bits) is int
    assert Fold(np.int64(2), 1) == Fold(2, 1)
    keys = LayerKeys(name="a", **(LAYERS[0] | {"kernel": [np.int64(2), 2], "outputs": np.int64(2)}))
    assert keys == LayerKeys(name="a", **LAYERS[0]) and repr(keys) == repr(
        LayerKeys(name="a", **LAYERS[0])
    )
    for wrong in (np.float64(3), np.True_, 3.0):
        with pytest.raises(InputError, match="`inputs` must be a valid integer"):
            Kernel(**(KEYS | {"inputs": wrong}))
    with pytest.raises(InputError, match="must be an integer"):
        Format(np.bool_(True))


def test_a_card_is_not_nested_too_deeply():
    card = {}
    card["a"] = card
    for deep in (card, {"a": [[[{}]]] * 2}):
        for _ in range(60):
            deep = {"a": [deep]}
        with pytest.raises(InputError, match="network n: `card` is nested deeper than 64 levels"):
            network(card=deep)
