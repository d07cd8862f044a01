"""Data sets: values, splits, messages. The files are the user's, so most tests need TNHW_DATA."""

import gzip
import subprocess
import sys

import numpy as np
import pytest

from tnhw.data import datasets
from tnhw.data.files import MNIST_FILES
from tnhw.errors import InputError

FACTS = {  # rows of training, validation and test part; labels of the first test rows
    "digits": (1077, 270, 450),
    "optdigits": (3058, 765, 1797),
    "denoise": (3058, 765, 1797),
    "pendigits": (5995, 1499, 3498),
    "letter": (12800, 3200, 4000),
    "mnist": (50000, 10000, 10000),
}


def _data(name, request):
    return datasets.load(name, None if name == "digits" else request.getfixturevalue("data_dir"))


@pytest.mark.parametrize("name", FACTS)
def test_load(name, request):
    data = _data(name, request)
    width = int(np.prod(data.dataset.shape))
    for x, y, rows in zip(
        (data.x_train, data.x_valid, data.x_test),
        (data.y_train, data.y_valid, data.y_test),
        FACTS[name],
        strict=True,
    ):
        assert x.shape == (rows, width) and x.dtype == y.dtype == np.int64
        assert x.min() >= 0 and x.max() == 15
        if data.dataset.task == "class":
            assert y.shape == (rows,) and set(np.unique(y)) == set(range(data.dataset.outputs))
        else:
            assert y.shape == (rows, width) and y.max() == 15
    assert {*FACTS, "cifar10"} == set(datasets.DATASETS) and data.card == {}


def test_digits_is_the_test_set_of_optdigits(data_dir):
    sklearn = pytest.importorskip("sklearn.datasets")
    rows = np.loadtxt(data_dir / "optdigits.tes", int, delimiter=",")
    x, y = sklearn.load_digits(return_X_y=True)
    assert (rows[:, :-1] == x).all() and (rows[:, -1] == y).all()


def test_splits_are_apart(data_dir):
    data = datasets.load("pendigits", data_dir)
    x, _ = data.fitting
    assert len(x) == 7494
    assert sorted(map(tuple, x)) == sorted(map(tuple, np.concatenate([data.x_train, data.x_valid])))
    again = datasets.load("pendigits", data_dir)
    assert (again.x_valid == data.x_valid).all()


def test_quantisation(data_dir):
    raw = np.loadtxt(data_dir / "optdigits.tes", int, delimiter=",")
    assert (datasets.load("optdigits", data_dir).x_test == np.minimum(raw[:, :-1], 15)).all()
    pixels = np.load(data_dir / "mnist.npz")["Xtest"].reshape(10000, -1)
    assert (datasets.load("mnist", data_dir).x_test == pixels // 16).all()


def test_noisy():
    clean = np.full((400, 64), 7)
    noise = datasets.noisy(clean, 0) - 7
    assert abs(noise.mean()) < 0.2 and 3.7 < noise.std() < 4.1  # clamped, so a little below 4.1
    assert (noise != datasets.noisy(clean, 1) - 7).any()
    # The first raw word of PCG64(0) has the hexadecimal digits that this sum is of.
    digits = [int(digit, 16) for digit in f"{int(np.random.PCG64(0).random_raw()):016x}"]
    assert noise[0, 0] == min(max((4 * (sum(digits) - 120) + 9) // 18, -7), 8)


def test_load_wrong_name():
    with pytest.raises(InputError, match="no data set 'pendigit'; did you mean `pendigits`"):
        datasets.load("pendigit")


def test_load_no_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("TNHW_DATA", raising=False)
    with pytest.raises(InputError, match="mnist: name the folder that holds .* --data DIR"):
        datasets.load("mnist")
    with pytest.raises(InputError, match="there is no such folder"):
        datasets.load("mnist", tmp_path / "none")
    with pytest.raises(InputError, match="optdigits.tra: there is no such file; get .*UCI"):
        datasets.load("optdigits", tmp_path)


def test_load_wrong_content(tmp_path):
    for end in ("tra", "tes"):
        (tmp_path / f"optdigits.{end}").write_text(",".join(["1"] * 65) + "\n" + "2," * 64 + "2\n")
    with pytest.raises(InputError, match="other values than the published data set"):
        datasets.load("optdigits", tmp_path)
    (tmp_path / "optdigits.tra").write_text("a,b\n")
    with pytest.raises(InputError, match="not rows of integers"):
        datasets.load("optdigits", tmp_path)
    (tmp_path / MNIST_FILES[0]).write_bytes(b"\0")
    with pytest.raises(InputError, match="not an IDX file"):
        datasets.load("mnist", tmp_path)


def test_other_packaging(data_dir, tmp_path):
    rows = np.loadtxt(
        data_dir / "pendigits.csv",
        int,
        delimiter=",",
        skiprows=1,
        usecols=range(1, 18),
        quotechar='"',
    )
    np.savetxt(tmp_path / "pendigits.tra", rows[:7494], "%d", delimiter=",")
    np.savetxt(tmp_path / "pendigits.tes", rows[7494:], "%d", delimiter=",")
    assert (
        datasets.load("pendigits", tmp_path).x_test == datasets.load("pendigits", data_dir).x_test
    ).all()


def test_letters_as_uci_packs_them(data_dir, tmp_path):
    """`letter-recognition.data` has the letter first and no header; T, I, D are the first three letters."""
    lines = (data_dir / "letter.csv").read_text().splitlines()[1:]
    rows = [line.replace('"', "").split(",")[1:] for line in lines]
    text = "".join(",".join([row[-1], *row[:-1]]) + "\n" for row in rows)
    (tmp_path / "letter-recognition.data").write_text(text)
    ours, theirs = (datasets.load("letter", folder) for folder in (data_dir, tmp_path))
    assert (ours.x_test == theirs.x_test).all() and (ours.y_train == theirs.y_train).all()
    x, y = ours.fitting
    first = [2, 8, 3, 5, 1, 8, 13, 0, 6, 6, 10, 8, 0, 8, 0, 8]
    assert y[(x == first).all(axis=1)].tolist() == [ord("T") - ord("A")]
    (tmp_path / "letter-recognition.data").write_text("t" + text[1:])
    with pytest.raises(InputError, match="letter-recognition.data: not rows of"):
        datasets.load("letter", tmp_path)


@pytest.mark.slow
def test_idx_files(data_dir, tmp_path):
    arrays = np.load(data_dir / "mnist.npz")
    parts = [arrays[key] for key in ("Xtrain", "ytrain", "Xtest", "ytest")]
    for name, part in zip(MNIST_FILES, parts, strict=True):
        part = part.reshape(-1, 28, 28) if "images" in name else part.reshape(-1)
        head = bytes([0, 0, 8, part.ndim]) + np.array(part.shape, ">u4").tobytes()
        content = head + part.astype(np.uint8).tobytes()
        packed = "t10k" in name
        path = tmp_path / (name + ".gz" if packed else name)
        path.write_bytes(gzip.compress(content, 1) if packed else content)
    assert (
        datasets.load("mnist", tmp_path).x_test == datasets.load("mnist", data_dir).x_test
    ).all()


def test_import_is_light():
    code = (
        "import sys, tnhw.data.datasets; print('sklearn' in sys.modules or 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
