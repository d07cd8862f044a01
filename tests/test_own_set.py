"""A data set of the user's own for training: what a file may hold, its validation part, and its encoder."""

import hashlib

import numpy as np
import pytest

from tnhw.data import own_set
from tnhw.errors import InputError

RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 16, (50, 6)), RNG.permutation(np.arange(50) % 3)
REAL = RNG.normal(0, 1, (50, 6))


@pytest.fixture
def file(tmp_path):
    def write(**arrays):
        np.savez(tmp_path / "my data.npz", **arrays)
        return tmp_path / "my data.npz"

    return write


def test_load(file):
    path = file(x=X, y=Y, x_test=X[:7], y_test=Y[:7] % 2, names=np.arange(3))
    data = own_set.load(path)
    facts = {"shape": [6], "task": "class", "outputs": 3, "input": "u4"}
    assert data.dataset.facts() == facts and data.dataset.name == "my data.npz"
    assert data.card == {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    assert (len(data.x_train), len(data.x_valid), len(data.x_test)) == (40, 10, 7)
    assert (data.x_test == X[:7]).all() and (data.y_test == Y[:7] % 2).all()
    assert {array.dtype for array in (data.x_train, data.y_train, data.x_valid)} == {np.dtype(int)}


def test_validation_part(file):
    """The rows whose raw random numbers are the lowest fifth, worked out again here."""
    x = np.arange(50)[:, None] % 16
    data = own_set.load(file(x=np.arange(50)[:, None], y=Y), bits=6)
    raw = np.random.PCG64(0).random_raw(50)
    kept = raw < np.sort(raw)[10]
    assert (data.x_valid[:, 0] == np.flatnonzero(kept)).all()
    assert (data.x_train[:, 0] == np.flatnonzero(~kept)).all()
    assert (data.y_valid == Y[kept]).all() and (
        own_set.load(file(x=x, y=Y)).y_valid == Y[kept]
    ).all()


@pytest.mark.parametrize(
    "inner, shape", [((4,), (4,)), ((2, 3), (2, 3, 1)), ((2, 3, 2), (2, 3, 2))]
)
def test_shapes(inner, shape, file):
    x = RNG.integers(0, 16, (50, *inner))
    data = own_set.load(file(x=x, y=Y))
    assert data.dataset.shape == shape and len(data.x_test) == 0
    raw = np.random.PCG64(0).random_raw(50)
    assert (data.x_valid == x.reshape(50, -1)[raw < np.sort(raw)[10]]).all()
    assert data.x_test.shape == (0, x[0].size)


def test_vectors(file):
    y = RNG.integers(0, 16, (50, 2), np.uint8)
    data = own_set.load(file(x=X.astype(np.int8), y=y))
    assert (data.dataset.task, data.dataset.outputs) == ("vector", 2)
    assert data.y_valid.shape == (10, 2)


@pytest.mark.parametrize("bits, top", [(1, 1), (8, 255)])
def test_other_formats(bits, top, file):
    data = own_set.load(file(x=X % 2 * top, y=Y), bits)
    assert data.dataset.input == f"u{bits}" and data.x_train.max() == top
    with pytest.raises(InputError, match=rf"must lie in 0 .. {top} \(u{bits}\), but holds 0 .. "):
        own_set.load(file(x=X % 2 * (top + 1), y=Y), bits)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"x": None}, "has no array `x`, the vectors; it has y"),
        ({"y": None}, "has no array `y`, the labels or target vectors of `x`; add it"),
        ({"x": REAL}, "`x` must be integers in 0 .. 15 .u4., not float64; .* --quantise all .*--quantise each"),
        ({"x": X + 1}, "`x` must lie in 0 .. 15 .u4., but holds 1 .. 16; .*--input-bits"),
        ({"x": X - 1}, "`x` must lie in 0 .. 15 .u4., but holds -1 .. 14"),
        ({"x": X > 3}, "`x` must be numbers"),
        ({"x": X[:, 0]}, r"`x` must be \[n, features\], .*not \[50\]"),
        ({"x": X[:, :0]}, r"`x` must be \[n, features\], .*not \[50, 0\]"),
        ({"x": X.reshape(50, 1, 1, 1, 6)}, r"`x` must be \[n, features\], "),
        ({"y": Y[1:]}, r"`y` must be labels \[50\] or vectors \[50, outputs\], as many as `x` has, not \[49\]"),
        ({"y": Y + 0.0}, "`y` must be integers, not float64; number the classes"),
        ({"y": Y.astype(str)}, "`y` must be integers, not <U"),
        ({"y": Y + 1}, "labels in `y` must be 0 to the number of classes minus 1.* 3 different ones in 1 .. 3"),
        ({"y": Y - 1}, "labels in `y` must be 0 to .* 3 different ones in -1 .. 1"),
        ({"y": Y * 2}, "labels in `y` must be 0 to .* 3 different ones in 0 .. 4"),
        ({"y": Y * 0}, "the labels in `y` must name 2 to 9999 classes, not 1"),
        ({"y": np.full(50, 2**64 - 1, np.uint64)}, "`y` holds 18446744073709551615, which is too large"),
        ({"y": X + 1}, "`y` must lie in 0 .. 15 .in u4., but holds 1 .. 16"),
        ({"y": X[:, :0]}, "vectors in `y` must have 1 to 9999 elements, not 0"),
        ({"x": X[:4], "y": Y[:4] % 2}, "4 rows are too few to keep 1 of them for validation; give at least 5"),
        ({"x_test": X}, "has no array `y_test`"),
        ({"y_test": Y}, "has no array `x_test`"),
        ({"x_test": X[:, 1:], "y_test": Y}, r"`x_test` must be \[n, ...\] as `x` is, \[50, 6\], not \[50, 5\]"),
        ({"x_test": X + 1, "y_test": Y}, "`x_test` must lie in 0 .. 15"),
        ({"x_test": X, "y_test": Y + 1}, "`y_test` must lie in 0 .. 2 .a class of `y`., but holds 1 .. 3"),
        ({"x_test": X, "y_test": X}, r"`y_test` must be \[50\], as `y` is, not \[50, 6\]"),
    ],
)  # fmt: skip
def test_refused(changes, words, file):
    arrays = {"x": X, "y": Y} | changes
    path = file(**{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(InputError, match=f"my data.npz: {words}"):
        own_set.load(path)


def test_not_a_file(tmp_path):
    with pytest.raises(InputError, match=r"none.npz: cannot be read"):
        own_set.load(tmp_path / "none.npz")


# Real inputs


def rows_of_training():
    raw = np.random.PCG64(0).random_raw(50)
    return raw >= np.sort(raw)[10]


@pytest.mark.parametrize("bits", [1, 4, 8])
@pytest.mark.parametrize("quantise", ["all", "each"])
def test_quantise(quantise, bits, file):
    """Codes are floor((x - low) * 2^b / (high - low)) within the format, with the ends of the training rows."""
    real = REAL * 10.0 ** np.arange(6)
    data = own_set.load(file(x=real, y=Y, x_test=3 * real, y_test=Y), bits, quantise)
    fit = rows_of_training()
    axis = None if quantise == "all" else 0
    low, high = real[fit].min(axis=axis), real[fit].max(axis=axis)

    def wanted(x):
        return np.clip(np.floor((x - low) / (high - low) * 2**bits), 0, 2**bits - 1)

    for codes, x in (
        (data.x_train, real[fit]),
        (data.x_valid, real[~fit]),
        (data.x_test, 3 * real),
    ):
        assert np.mean(codes != wanted(x)) < 0.01  # steps are float32
        assert np.abs(codes - wanted(x)).max() <= 1
    assert data.x_train.min() == 0 and data.x_train.max() == 2**bits - 1
    assert set(data.card) == {"sha256", "encoder"} and data.card["encoder"]["low"] == 0


def test_the_ends_are_of_the_training_rows(file):
    """What validation and test rows hold does not move a step."""
    fit = rows_of_training()
    real = np.where(fit[:, None], REAL, 100 * REAL)
    cards = [own_set.load(file(x=x, y=Y), quantise="each").card["encoder"] for x in (REAL, real)]
    assert cards[0] == cards[1]


def test_an_input_that_is_constant(file):
    real = REAL.copy()
    real[:, 2] = 0.1
    data = own_set.load(file(x=real, y=Y), quantise="each")
    assert (data.x_train[:, 2] == 0).all() and data.x_train[:, 1].max() == 15


@pytest.mark.parametrize(
    "arrays, words",
    [
        ({"x": X}, "`x` holds integers already, and --quantise is for real numbers"),
        ({"x": REAL, "x_test": X, "y_test": Y}, "`x_test` holds integers already"),
        ({"x": np.full((50, 6), 0.5)}, "`x` cannot be quantised: it is the same in all rows"),
        ({"x": REAL * 1e300}, "`x` cannot be quantised: it holds a number that float32 does not hold"),
        ({"x": np.where(X == 3, np.nan, REAL)}, "`x` holds values that are not numbers"),
    ],
)  # fmt: skip
def test_cannot_be_quantised(arrays, words, file):
    with pytest.raises(InputError, match=words):
        own_set.load(file(y=Y, **arrays), quantise="all")
