"""CIFAR-10: both packagings of the files, and a recipe with changed images."""

import hashlib
import json

import numpy as np
import pytest
from cifar_jpeg import write

from tnhw.cli import main
from tnhw.data import datasets
from tnhw.errors import InputError
from tnhw.network import Network

NAMES = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]


def images(rows, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (rows, 32, 32, 3), np.uint8), np.arange(rows, dtype=np.uint8) % 10


def binary(folder, rows=4):
    """The six files, with random images, whose records are written byte by byte."""
    folder.mkdir(exist_ok=True)
    kept = []
    for number, name in enumerate(NAMES):
        x, y = images(rows, number)
        with open(folder / name, "wb") as file:
            for image, label in zip(x, y, strict=True):
                file.write(bytes([label]))
                for colour in range(3):
                    for line in range(32):
                        file.write(bytes(image[line, :, colour]))
        kept.append((x, y))
    return kept


@pytest.mark.parametrize("inside", [False, True])
def test_binary(inside, tmp_path):
    kept = binary(tmp_path / "cifar-10-batches-bin" if inside else tmp_path)
    data = datasets.load("cifar10", tmp_path)
    x, y = (np.concatenate(arrays) for arrays in zip(*kept[:5], strict=True))
    x = x.reshape(20, -1) // 16
    assert sorted(map(tuple, data.fitting[0])) == sorted(map(tuple, x)) and len(data.x_valid) == 4
    assert (data.x_test == kept[5][0].reshape(4, -1) // 16).all()
    assert (data.y_test == kept[5][1]).all() and data.dataset.shape == (32, 32, 3)
    assert sorted(data.fitting[1]) == sorted(y)


def test_npz(tmp_path):
    """It is the same as the binary files; the card says which values they were."""
    kept = binary(tmp_path)
    first = datasets.load("cifar10", tmp_path)
    x, y = (np.concatenate(arrays) for arrays in zip(*kept[:5], strict=True))
    np.savez(tmp_path / "cifar10.npz", x=x, y=y[:, None], x_test=kept[5][0], y_test=kept[5][1])
    data = datasets.load("cifar10", tmp_path)
    assert (data.x_train == first.x_train).all() and (data.y_train == first.y_train).all()
    arrays = (x, y.astype(np.uint8), *kept[5])
    published = hashlib.sha256(b"".join(array.tobytes() for array in arrays))
    assert data.card == first.card == {"sha256": published.hexdigest()}


def test_wrong(tmp_path):
    with pytest.raises(
        InputError, match=r"data_batch_1.bin: there is no such file; get .* CIFAR-10"
    ):
        datasets.load("cifar10", tmp_path)
    binary(tmp_path)
    content = (tmp_path / NAMES[5]).read_bytes()
    (tmp_path / NAMES[5]).write_bytes(content[:-1])
    with pytest.raises(InputError, match="12,291 bytes are not a whole number of records"):
        datasets.load("cifar10", tmp_path)
    (tmp_path / NAMES[5]).write_bytes(bytes([10]) + content[1:])
    with pytest.raises(
        InputError, match="test_batch.bin: labels must lie in 0 .. 9, but are 1 .. 10"
    ):
        datasets.load("cifar10", tmp_path)
    x, y = images(10)
    np.savez(tmp_path / "cifar10.npz", x=x, y=y)
    with pytest.raises(InputError, match="the array 'x_test' is missing"):
        datasets.load("cifar10", tmp_path)
    np.savez(tmp_path / "cifar10.npz", x=x[:, :, :, 0], y=y, x_test=x, y_test=y)
    with pytest.raises(
        InputError, match=r"`x` must be uint8 .n, 32, 32, 3., not uint8 .10, 32, 32."
    ):
        datasets.load("cifar10", tmp_path)


def test_wrong_labels(tmp_path):
    x, y = images(10)
    for labels, text in ((y[:9], "must be integers .10., not uint8 .9."), (y / 2, "not float64"), (y * 2, "0 .. 18")):  # fmt: skip
        np.savez(tmp_path / "cifar10.npz", x=x, y=y, x_test=x, y_test=labels)
        with pytest.raises(InputError, match=f"cifar10.npz: labels .*{text}"):
            datasets.load("cifar10", tmp_path)


def test_train(data_dir, tmp_path, capsys):
    """A few real images through the command: shifts and flips are the recipe's, and can be left out."""
    pytest.importorskip("torch")
    pytest.importorskip("PIL")
    if not (data_dir / "cifar10_jpeg.npz").is_file():
        pytest.skip("there is no cifar10_jpeg.npz in TNHW_DATA")
    write(data_dir / "cifar10_jpeg.npz", tmp_path, 60)
    words = [
        "train",
        "cifar10",
        "--data",
        str(tmp_path),
        "--epochs",
        "1",
        "--rule",
        "mac",
        "--json",
    ]
    words += ["--hidden", "4c3s2p1,4c3s2p1", "-o", str(tmp_path / "net.npz")]
    assert main(words) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["recipe"]["shifts"], record["recipe"]["flips"]) == (4, True)
    network = Network.load(tmp_path / "net.npz")
    assert network.shape == (32, 32, 3) and network.layers[-1].keys.outputs == 10
    first = {name: array.copy() for name, array in network.arrays.items()}
    assert main([*words, "--shifts", "0", "--no-flips"]) == 0
    plain = Network.load(tmp_path / "net.npz")
    assert "flips" not in plain.card["recipe"]
    assert any((first[name] != array).any() for name, array in plain.arrays.items())
