"""Files of networks: round trips, and files that are wrong in every way."""

import contextlib
import io
import json
import random
import zipfile

import numpy as np
import pytest
from network_members import header, members, write
from places import NIGHTLY
from random_networks import TWO, cases

from tnhw.errors import InputError
from tnhw.network import Network


def saved(network, folder, name="n.npz"):
    network.save(folder / name)
    return (folder / name).read_bytes()


def test_round_trip(tmp_path):
    """The same golden results, and the same bytes."""
    for case in cases(15, 3):
        card = {"accuracy": 0.5, "data": "none", "seeds": [0, 1]}
        network = Network(**case.network, card=card)
        data = saved(network, tmp_path)
        again = Network.load(tmp_path / "n.npz")
        assert saved(again, tmp_path, "m.npz") == data
        assert (
            again.card == card and again.shape == network.shape and again.result == network.result
        )
        x = np.random.default_rng(0).integers(
            network.input.min, network.input.max, (9, network.inputs), endpoint=True
        )
        assert (again.golden(x) == network.golden(x)).all()


def test_save_is_whole_or_not_at_all(tmp_path):
    (tmp_path / "n.npz").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        Network(**TWO).save(tmp_path / "n.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["n.npz"]


def refused(path, text):
    with pytest.raises(InputError, match=text) as caught:
        Network.load(path)
    message = str(caught.value)
    assert "\n" not in message and "pydantic" not in message and len(message) < 600
    assert str(path) in message, "the message does not say where"
    return message


def test_good(tmp_path):
    assert Network.load(write(tmp_path / "n.npz", header(), members())).outputs == 3


def change(**keys):
    return lambda head, arrays: head.update(keys)


def layer(number, **keys):
    def apply(head, arrays):
        for key, value in keys.items():
            head["layers"][number][key] = value
            if value is None:
                del head["layers"][number][key]

    return apply


def array(name, value):
    def apply(head, arrays):
        arrays[name] = value
        if value is None:
            del arrays[name]

    return apply


def without(key):
    return lambda head, arrays: head.pop(key)


def renamed(old, new):
    """Layer of a new name, with its arrays."""

    def apply(head, arrays):
        for keys in head["layers"]:
            keys["name"] = new if keys["name"] == old else keys["name"]
        for member in [member for member in arrays if member.startswith(f"{old}.")]:
            arrays[f"{new}.{member.partition('.')[2]}"] = arrays.pop(member)

    return apply


def swapped(head, arrays):
    head["layers"].reverse()


FLOATS = np.zeros((3, 4))
NAME = "must be letters, digits and underscores"
WRONG = {
    # Header.
    "kind": (change(kind="tnhw-kernel"), "`kind` must be 'tnhw-network', not 'tnhw-kernel'"),
    "no kind": (without("kind"), "the key `kind` is missing"),
    "version": (change(version=2), "`version` must be 1, not 2"),
    "no version": (without("version"), "the key `version` is missing"),
    "unknown key": (change(shapes=[4]), "unknown key `shapes`: did you mean `shape`"),
    "input": (change(input="f16"), "`input`: a format is written .*, not 'f16'"),
    "input number": (change(input=4), "`input`: a format is written .*, not 4"),
    "no shape": (change(shape=[]), "`shape` .*at least 1"),
    "shape of two": (change(shape=[2, 2]),
                     r"`shape` must be \[inputs\] or \[height, width, channels\], .*not \[2, 2\]"),
    "shape of four": (change(shape=[1, 2, 2, 1]), "`shape` .*at most 3"),
    "shape zero": (change(shape=[2, 0, 1]), "`shape.1` must be greater than or equal to 1, not 0"),
    "shape negative": (change(shape=[-4]), "`shape.0` must be greater than or equal to 1, not -4"),
    "shape huge": (change(shape=[60000, 60000, 60000]), "`shape` must be .*, at most 65536 elements"),
    "shape text": (change(shape="4"), "`shape` must be a valid list, not '4'"),
    "shape float": (change(shape=[2.0, 2.0, 1.0]), "`shape.0` must be a valid integer, not 2.0"),
    "result": (change(result="classes"), "`result` must be 'class' or 'vector', not 'classes'"),
    "no layers": (change(layers=[]), "`layers` .*at least 1"),
    "too many layers": (change(layers=[{}] * 129), "`layers` .*at most 128"),
    "layers text": (change(layers="conv"), "`layers` must be a valid list, not 'conv'"),
    "layer text": (change(layers=["conv"]), "`layers.0` must be a valid dict.*, not 'conv'"),
    "card text": (change(card="good"), "`card` must be a valid dict.*, not 'good'"),
    "name path": (change(name="../two"), f"`name` {NAME}.*not '../two'"),
    "name keyword": (change(name="module"), "`name` must not be the Verilog keyword `module`"),
    "name empty": (change(name=""), f"`name` {NAME}"),
    "name long": (change(name="n" * 65), "`name` must have at most 64 characters, not 65"),
    "name number": (change(name=3), "`name` must be a valid string, not 3"),
    # Layers.
    "unknown layer key": (layer(0, paddings=1), "layer `look`: unknown key `paddings`: did you mean `padding`"),
    "no layer kind": (layer(0, kind=None), "layer `look`: the key `kind` is missing"),
    "layer kind": (layer(0, kind="pool"), "layer `look`: `kind` must be 'dense' or 'conv', not 'pool'"),
    "no rule": (layer(1, rule=None), "layer `out`: the key `rule` is missing"),
    "rule": (layer(1, rule="macc"), "layer `out`: `rule` must be .*, not 'macc'; did you mean `mac`"),
    "outputs zero": (layer(1, outputs=0), "layer `out`: `outputs` must be greater than or equal to 1, not 0"),
    "outputs huge": (layer(1, outputs=5000), "layer `out`: `outputs` must be less than or equal to 1024"),
    "kernel": (layer(0, kernel=[2]), "layer `look`: `kernel` .*at least 2"),
    "kernel zero": (layer(0, kernel=[0, 2]), "layer `look`: `kernel.0` must be greater than or equal to 1"),
    "window": (layer(0, kernel=[3, 2]), r"layer `look`: a window of \[3, 2\] does not fit into \[2, 2\]"),
    "stride": (layer(0, stride=0), "layer `look`: `stride` must be greater than or equal to 1, not 0"),
    "padding": (layer(0, padding=-1), "layer `look`: `padding` must be greater than or equal to 0, not -1"),
    "shift": (layer(0, shift=33), "layer `look`: `shift` must be less than or equal to 32, not 33"),
    "shift alone": (layer(1, shift=2), "layer `out`: `shift` needs `output`"),
    "no output in the middle": (layer(0, output=None, shift=None),
                                "layer `look`: only the last layer may lack `output`"),
    "dense before conv": (swapped, "layer `look`: a convolution needs an image .* before it, not |layer `out`: "),
    "conv of a vector": (change(shape=[4]),
                         r"layer `look`: a convolution needs an image \[height, width, channels\] before it, not \[4\]"),
    "conv gives a class": (lambda head, arrays: (head["layers"].pop(), arrays.pop("out.weight"), arrays.pop("out.bias")),
                           'layer `look`: a convolution cannot be the last layer with `result = "class"`'),
    "same names": (layer(1, name="look"), "layer `look`: another layer has the same name|belongs to no layer"),
    "layer name path": (renamed("out", "../out"), f"`name` {NAME}.*not '../out'"),
    "layer name dot": (renamed("out", "o.ut"), f"`name` {NAME}.*not 'o.ut'"),
    "layer name keyword": (renamed("out", "wire"), "`name` must not be the Verilog keyword `wire`"),
    "layer name number": (layer(1, name=3), "`name` must be a valid string, not 3|belongs to no layer"),
    "layer name list": (layer(1, name=[3]), "`name` must be a valid string, not|belongs to no layer"),
    "padding of a term at 0": (lambda head, arrays: (layer(0, padding=1, rule="addernet", parameter="s4")(head, arrays),
                                                     arrays.pop("look.sign"),
                                                     arrays.update({"look.weight": arrays.pop("look.theta")})),
                               "layer `look`: `padding` contributes no term, but rule `addernet`"),
    # Arrays.
    "array missing": (array("look.theta", None), "layer `look`: the array `theta` is missing"),
    "all arrays missing": (lambda head, arrays: arrays.clear(), "layer `look`: the array `theta` is missing"),
    "array of no layer": (array("looks.theta", FLOATS), "the array `looks.theta` belongs to no layer"),
    "array without a layer": (array("theta", FLOATS), "the array `theta` belongs to no layer"),
    "array unknown": (array("out.weigth", members()["out.weight"]),
                      "layer `out`: unexpected array `weigth`; did you mean `weight`"),
    "gain unwanted": (array("look.gain", members()["look.sign"]), "layer `look`: unexpected array `gain`"),
    "shape of a window": (array("look.theta", np.zeros((2, 2), int)),
                          r"layer `look`: `theta` must have the shape \(2, 1, 2, 1\) = \[outputs, height, width, channels\]"),
    "shape of a matrix": (array("out.weight", np.zeros((4, 3), int)),
                          r"layer `out`: `weight` must have the shape \(3, 4\) = \[outputs, inputs\], not \(4, 3\)"),
    "shape of a bias": (array("out.bias", np.zeros(4, int)), r"layer `out`: `bias` must have the shape \(3,\)"),
    "a number": (array("out.weight", np.array(3)), r"layer `out`: `weight` must have the shape"),
    "floats": (array("out.weight", FLOATS), "layer `out`: `weight` must be integers, not float64"),
    "not a number": (array("out.weight", FLOATS * np.nan), "layer `out`: `weight` must be integers, not float64"),
    "booleans": (array("out.weight", FLOATS > 0), "layer `out`: `weight` must be integers, not bool"),
    "texts": (array("out.weight", FLOATS.astype(str)), "layer `out`: `weight` must be integers, not <U"),
    "objects": (array("out.weight", np.array([[{}]])), "holds pickled objects, which are never loaded"),
    "theta too high": (array("look.theta", np.full((2, 1, 2, 1), 16)),
                       r"layer `look`: `theta` must lie in 0 \.\. 15, but holds 16"),
    "theta too low": (array("look.theta", np.full((2, 1, 2, 1), -1)),
                      r"layer `look`: `theta` must lie in 0 \.\. 15, but holds -1"),
    "sign": (array("look.sign", np.full((2, 1, 2, 1), 2)), r"layer `look`: `sign` must lie in -1 \.\. 1, but holds 2"),
    "bias beyond": (array("out.bias", np.full(3, 2**62)), "layer `out`: .*`bias`|layer `out`: .*bits"),
    "bias unsigned": (array("out.bias", np.full(3, 2**64 - 1, np.uint64)), "layer `out`: .*`bias`|layer `out`: .*bits"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_wrong(what, tmp_path):
    spoil, text = WRONG[what]
    head, arrays = header(), members()
    spoil(head, arrays)
    refused(write(tmp_path / "n.npz", head, arrays), text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "not a network: it has no member `header`; export one with `tnhw train`"),
        ("", "`header` is not JSON"),
        ("{", "`header` is not JSON"),
        ("[" * 100_000, "`header` is not JSON"),
        ('{"a":' * 100_000, "`header` is not JSON"),
        ("[]", "`header` must be a JSON object"),
        ("3", "`header` must be a JSON object"),
        ("null", "`header` must be a JSON object"),
        ("NaN", "`header` must be a JSON object"),
        ("{}", "the key `kind` is missing"),
    ],
)
def test_wrong_header(text, said, tmp_path):
    refused(write(tmp_path / "n.npz", text, members()), said)


@pytest.mark.parametrize(
    "value", [np.zeros(3), np.array([["a", "b"]]), np.array(b"{}"), np.arange(2000)]
)
def test_header_of_another_type(value, tmp_path):
    np.savez(tmp_path / "n.npz", header=value, **members())
    refused(tmp_path / "n.npz", "header")


def test_deep_nesting_in_a_good_header(tmp_path):
    """Deeper than Python's stack in places that are kept as they are."""
    for key in ("card", "layers"):
        text = json.dumps(header() | {key: "HERE"})
        for depth in (500, 900, 5000):
            deep = '{"a":' * depth + "1" + "}" * depth
            path = write(
                tmp_path / "n.npz",
                text.replace('"HERE"', deep if key == "card" else f"[{deep}]"),
                members(),
            )
            with contextlib.suppress(InputError):
                Network.load(path).save(tmp_path / "m.npz")


def archive(*files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, data in files:
            made.writestr(name, data)
    return buffer.getvalue()


def bomb():
    """A small file that says that it unpacks to 4 GiB."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("header.npy", b"0" * 64)
        made.filelist[0].file_size = 0xFFFFFFF0
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "not an npz file"),
        (b"not a zip file", "not an npz file"),
        (bomb(), "4095 MiB of arrays; at most 256"),
        (archive(), "it has no member `header`"),
        (archive(("header.npy", b"{}")), "`header` is not JSON"),
        (archive(("header.txt", b"{}")), "header"),
        (archive(("header", b"{}")), "header|not an npz file"),
    ],
)
def test_archives(data, text, tmp_path):
    (tmp_path / "n.npz").write_bytes(data)
    refused(tmp_path / "n.npz", text)


def test_missing_file_and_folder(tmp_path):
    refused(tmp_path / "none.npz", "cannot be read .No such file or directory.")
    refused(tmp_path, "not a file")


VALUES = [None, True, False, 0, 1, -1, 2**40, -(2**70), 1.5, float("nan"), "", "u4", "s0", "conv", "dense",
          "mac", "threshold", "look", "a.b", "\x00", "é", [], [1], [[1]], {}, {"a": 1}, [None], "x" * 300,
          1e308, [2, 2, 1], [65536, 65536, 1], "u64", "s32"]  # fmt: skip


def mutated(rng, value):
    """A JSON value with one change somewhere inside."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key, made = rng.choice(list(value)), dict(value)
        kind = rng.random()
        if kind < 0.12:
            del made[key]
        elif kind < 0.2:
            made[rng.choice([key + "x", "", "name", "kernel", "gain"])] = made[key]
        else:
            made[key] = mutated(rng, made[key])
        return made
    if isinstance(value, list) and value and rng.random() < 0.8:
        k, made = rng.randrange(len(value)), list(value)
        kind = rng.random()
        if kind < 0.1:
            del made[k]
        elif kind < 0.2:
            made.insert(k, made[k])
        else:
            made[k] = mutated(rng, made[k])
        return made
    return rng.choice(VALUES)


def test_no_other_error_than_input_error(tmp_path):
    """Random changes of the header, of names of arrays and of arrays."""
    rng, good = random.Random(1), 0
    for number in range(20_000 if NIGHTLY else 1500):
        head, arrays = header(), members()
        for _ in range(rng.choice([1, 1, 2, 3])):
            head = mutated(rng, head)
        if rng.random() < 0.2:
            name = rng.choice(list(arrays))
            arrays[rng.choice([name, name + "x", "." + name, "header.x"])] = np.array(
                rng.choice([0, [1, 2], [[1]], 1.5, "a", 2**63, [[[[1], [1]]], [[[1], [1]]]]])
            )
        path = write(tmp_path / "n.npz", json.dumps(head), arrays)
        try:
            Network.load(path).golden(np.zeros((1, 4), int))
            good += 1
        except InputError as error:
            assert "\n" not in str(error) and len(str(error)) < 2000, number
    assert good < number


def test_no_other_error_than_input_error_for_damaged_files(tmp_path):
    data = bytearray(saved(Network(**TWO), tmp_path))
    rng = random.Random(2)
    for _ in range(20_000 if NIGHTLY else 400):
        damaged = bytearray(data)
        for _ in range(rng.choice([1, 1, 4])):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        if rng.random() < 0.2:
            del damaged[rng.randrange(len(damaged)) :]
        (tmp_path / "d.npz").write_bytes(damaged)
        with contextlib.suppress(InputError):
            Network.load(tmp_path / "d.npz")
