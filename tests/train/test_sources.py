"""Data from Datasets and DataLoaders, and images that are changed in training."""

import numpy as np
import pytest

from tnhw.support.environment import flag

if flag("TNHW_REQUIRE_TOOLS"):
    import torch
else:
    torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset
from train_models import conv, dense, random_data

from tnhw.errors import InputError
from tnhw.train import Checkpoint, evaluate, fit, shifts_and_flips
from tnhw.train.distilling import Teacher
from tnhw.train.layers import Layer

X, Y = random_data((20,), 90)


def state(model):
    return torch.cat([value.double().flatten() for value in model.state_dict().values()])


def fitted(x, y=None, make=dense, **options):
    torch.manual_seed(0)
    model, shape = make("mac")
    options = {"epochs": 3, "batch": 32, "shape": shape} | options
    history = fit(model, x, y, **options)
    return state(model), history


class Pairs(Dataset):
    """Rows of arrays, and which of them were asked for."""

    def __init__(self, x, y, random=False):
        self.x, self.y, self.random, self.asked = x, y, random, []

    def __len__(self):
        return len(self.x)

    def __getitem__(self, row):
        self.asked.append(row)
        noise = torch.randint(0, 2, (1,)).item() if self.random else 0
        return np.minimum(self.x[row] + noise, 15), self.y[row]


def test_dataset():
    """The same model as from the arrays, with images too."""
    whole, history = fitted(X, Y, noise=1, valid=(X[:20], Y[:20]))
    data = TensorDataset(torch.as_tensor(X), torch.as_tensor(Y))
    found, records = fitted(data, noise=1, valid=Pairs(X[:20], Y[:20]))
    assert (whole == found).all() and records == history
    images, labels = random_data((6, 7, 2), 50)
    whole, _ = fitted(images, labels, conv)
    assert (fitted(Pairs(images.reshape(-1, 6, 7, 2), labels), make=conv)[0] == whole).all()


def test_loader():
    """Its own batches, in an order that depends on the seed of the fit alone."""
    data = Pairs(X, Y, random=True)

    def once(seed, **options):
        return fitted(DataLoader(data, batch_size=25, shuffle=True, **options), seed=seed)

    first, history = once(1)
    torch.rand(3)
    again, records = once(1)
    assert (first == again).all() and history == records
    assert (once(2)[0] != first).any()
    own = once(1, generator=torch.Generator().manual_seed(9))[0]
    assert (own == once(1, generator=torch.Generator().manual_seed(8))[0]).all()


def test_loader_in_order_of_the_rows():
    """Without shuffling, the first batch is that of the first rows; what is dropped does not count for the loss."""
    data = Pairs(X, Y)
    history = fitted(DataLoader(data, batch_size=40, drop_last=True), epochs=1)[1]
    torch.manual_seed(0)
    model = dense("mac")[0]
    losses = []
    rows = [torch.as_tensor(X[:40]), torch.as_tensor(X[40:80])]
    optimiser = torch.optim.Adam(model.parameters(), 0.03)
    for step, x in enumerate(rows):
        optimiser.param_groups[0]["lr"] = 0.03 * (1 + np.cos(np.pi * step / 2)) / 2
        loss = torch.nn.functional.cross_entropy(model(x.float() / 16), torch.as_tensor(Y[40 * step : 40 * step + 40]))  # fmt: skip
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        for layer in model:
            layer.clamp_()
        losses.append(loss.item())
    assert history[0]["loss"] == pytest.approx(np.mean(losses))


def test_evaluate():
    torch.manual_seed(0)
    model, _ = dense("mac")
    fit(model, X, Y, epochs=2)
    score = evaluate(model, X, Y)
    assert evaluate(model, Pairs(X, Y)) == evaluate(model, DataLoader(Pairs(X, Y), 7)) == score


@pytest.mark.parametrize("loaded", [False, True])
@pytest.mark.parametrize("stop", [1, 2, 3, 5])
def test_resume(stop, loaded, tmp_path, monkeypatch):
    """A Dataset that changes its rows at random, shuffled, with shifts: killed within an epoch, the same model comes out."""
    images, labels = random_data((6, 7, 2), 90)

    def run(**options):
        data = Pairs(images, labels, random=True)
        given = DataLoader(data, batch_size=32, shuffle=True) if loaded else data
        fitted(given, make=conv, augment=shifts_and_flips(2), **options)
        return fitted(given, make=conv, augment=shifts_and_flips(2), **options)[0]

    whole, clamp, count = run(), Layer.clamp_, 0

    def killed(layer):
        nonlocal count
        count += 1
        if count == 3 * stop + 1:  # three layers a step
            raise KeyboardInterrupt
        clamp(layer)

    monkeypatch.setattr(Layer, "clamp_", killed)
    checkpoint = Checkpoint(tmp_path / "fit", minutes=1e-9)
    with pytest.raises(KeyboardInterrupt):
        run(checkpoint=checkpoint)
    monkeypatch.setattr(Layer, "clamp_", clamp)
    assert (run(checkpoint=checkpoint) == whole).all()


def test_a_dataset_reads_no_row_twice_after_an_interruption(tmp_path, monkeypatch):
    clamp, count = Layer.clamp_, 0

    def killed(layer):
        nonlocal count
        count += 1
        if count == 5:  # in the third step
            raise KeyboardInterrupt
        clamp(layer)

    checkpoint = Checkpoint(tmp_path / "fit", minutes=1e-9)
    monkeypatch.setattr(Layer, "clamp_", killed)
    with pytest.raises(KeyboardInterrupt):
        fitted(Pairs(X, Y), checkpoint=checkpoint, epochs=1)
    monkeypatch.setattr(Layer, "clamp_", clamp)
    data = Pairs(X, Y)
    fitted(data, checkpoint=checkpoint, epochs=1)
    assert len(data.asked) == 1 + 90 - 64  # one to see what the rows are


class Endless(IterableDataset):
    def __iter__(self):
        yield X[0], Y[0]


@pytest.mark.parametrize(
    "given, text",
    [
        ({"x": Pairs(X, Y), "y": Y}, "`y` must be left out: a Pairs gives pairs"),
        ({"x": Endless()}, "is an IterableDataset"),
        ({"x": DataLoader(Endless())}, "is an IterableDataset"),
        ({"x": Pairs(X[:0], Y[:0])}, "`x` has no rows"),
        ({"x": Pairs(X + 0.5, Y)}, "`x` must be integers in 0 .. 15"),
        ({"x": Pairs(X, Y + 10)}, "`y` must lie in 0 .. 9"),
        ({"x": Pairs(X[:, :4], Y)}, r"`x` must have the shape \[n, 20\]"),
        ({"x": Pairs(X, Y), "valid": Pairs(X[:, :4], Y)}, r"`x` of `valid` must have the shape"),
        ({"x": Pairs(X, Y), "teacher": Teacher(torch.zeros(90, 10))}, "a teacher needs `x` as an array"),
        ({"x": X, "y": Y, "augment": lambda x, random: x / 2}, "`augment` must give integers .1, 20., as it takes them, not torch.float32"),
        ({"x": X, "y": Y, "augment": lambda x, random: x[:, 1:]}, "must give integers .1, 20., as it takes them, not torch.uint8 .1, 19."),
        ({"x": X, "y": Y, "augment": lambda x, random: None}, "must give integers .*, not None"),
        ({"x": X, "y": Y, "augment": lambda x, random: x + 16}, "must give integers in 0 .. 15, not"),
        ({"x": X, "y": Y, "augment": shifts_and_flips(1)}, "shifts and flips are for images"),
    ],
)  # fmt: skip
def test_wrong(given, text, tmp_path):
    with pytest.raises(InputError, match=text):
        fitted(**given, checkpoint=tmp_path / "fit")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("pad", [-1, 1.5, True])
def test_wrong_pad(pad):
    with pytest.raises(InputError, match="`pad` must be an integer, 0 or more"):
        shifts_and_flips(pad)


def test_shifts_and_flips():
    """Each result is one of those that a plain loop makes, and all of them occur."""
    image = np.arange(1, 25, dtype=np.uint8).reshape(2, 3, 4)
    padded = np.zeros((2, 5, 6), np.uint8)
    padded[:, 1:4, 1:5] = image
    wanted = set()
    for down in range(3):
        for across in range(3):
            part = padded[:, down : down + 3, across : across + 4]
            wanted |= {part.tobytes(), part[:, :, ::-1].tobytes()}
    x = torch.as_tensor(image).repeat(500, 1, 1, 1)
    random = torch.Generator().manual_seed(0)
    found = shifts_and_flips(1)(x, random)
    assert found.dtype == torch.uint8
    assert {one.numpy().tobytes() for one in found} == wanted and len(wanted) == 18
    again = shifts_and_flips(1)(x, torch.Generator().manual_seed(0))
    assert (found == again).all()
    still = shifts_and_flips(0, flips=False)(x, random)
    assert (still == x).all()


def test_augment_is_called_for_each_batch():
    calls = []

    def same(x, random):
        calls.append(len(x))
        return x

    assert (fitted(X, Y, augment=same)[0] == fitted(X, Y)[0]).all()
    assert calls == [1] + [32, 32, 26] * 3
