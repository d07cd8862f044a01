"""Training on another device, seen on the one that only knows shapes; scores in bounded memory."""

import numpy as np
import pytest

from tnhw.support.environment import flag

if flag("TNHW_REQUIRE_TOOLS"):
    import torch
else:
    torch = pytest.importorskip("torch")

from torch import nn
from train_models import KINDS, conv, dense, random_data

from tnhw.errors import InputError
from tnhw.train import evaluate, evaluating, export, fit, functions
from tnhw.train.batches import Rows
from tnhw.train.distilling import Teacher
from tnhw.train.modules import layers_of
from tnhw.train.neurons import MacLinear, ThresholdConv2d
from tnhw.train.optimisers import make
from tnhw.train.passes import Fit
from tnhw.train.settings import Settings


def fit_on(device, model, shape, measure=None, **options):
    """A fit of random rows, with everything in it that a step may do."""
    layers = layers_of(model.to(device))
    settings = Settings(epochs=2, batch=8, noise=1, average=0.9, decay=0.1, **options)
    source = Rows(*random_data(shape, 10), layers[0], layers[-1], shape, "class")
    loss = nn.CrossEntropyLoss()
    measure = measure or (lambda outputs, y, rows: loss(outputs, y))
    return Fit(model, settings, source, measure, make(None, layers, settings)), source


def steps_on(device, model, shape, **options):
    """One step with statistics of the batch, and one after they are frozen."""
    run, source = fit_on(device, model, shape, **options)
    for batch in source.in_order(8):
        loss = run.step(batch)
        for layer in run.layers:
            layer.freeze()
    return loss


@pytest.mark.parametrize("complement", [False, True])
@pytest.mark.parametrize("make_model", [dense, conv])
@pytest.mark.parametrize("kind", KINDS)
def test_steps_on_another_device(kind, make_model, complement):
    """Forward, loss, backward, optimiser, clamp, average and freeze: no tensor is made on the CPU, no value is waited for."""
    model, shape = make_model(kind, complement)
    loss = steps_on("meta", model, shape)
    assert loss.device.type == "meta" and loss.shape == ()
    held = [*model.parameters(), *model.buffers()]
    assert all(one.device.type == "meta" for one in held)


def test_teacher_on_another_device():
    model, shape = dense("mac")
    y = torch.zeros(10, dtype=torch.long)
    taught = Teacher(torch.randn(10, 10)).measure(y)
    assert steps_on("meta", model, shape, measure=lambda out, y, rows: taught(out, rows)).is_meta


def test_a_tensor_on_the_wrong_device_is_found(monkeypatch):
    """The same test with a fault: a table that is made on the CPU."""

    def wrong(c, level, count):
        return torch.zeros(len(c), count, c.shape[1]).scatter_(1, level.unsqueeze(1), c.unsqueeze(1))  # fmt: skip

    monkeypatch.setattr(functions, "by_level", wrong)
    model, shape = dense("threshold")
    with pytest.raises(RuntimeError):
        steps_on("meta", model, shape)


@pytest.mark.parametrize("device", ["meta", "cuda:77", "no such device", 1.5])
def test_wrong_device(device, tmp_path):
    model, shape = dense("mac")
    with pytest.raises(InputError, match="`device`: cannot train on .*; name a device that this"):
        fit(model, *random_data(shape, 10), epochs=1, device=device, checkpoint=tmp_path / "c")
    assert not list(tmp_path.iterdir()) and model[0].mean.device.type == "cpu"


def test_a_device_that_is_named():
    model, shape = dense("mac")
    data = random_data(shape, 10)
    assert len(fit(model, *data, epochs=1, device=torch.device("cpu"))) == 1


def test_power():
    k = torch.arange(-126.0, 128.0)
    assert functions.power(k).tolist() == [2.0**n for n in range(-126, 128)]


def test_frozen_is_in_the_state():
    model, _ = dense("mac")
    model[0].freeze()
    other, _ = dense("mac")
    other.load_state_dict(model.state_dict())
    assert [layer.frozen for layer in other] == [True, False]


def test_evaluate_in_batches(monkeypatch):
    """The score does not depend on the sizes of the batches; no layer gets more numbers than allowed."""
    torch.manual_seed(0)
    model = nn.Sequential(
        ThresholdConv2d(2, 3, padding=1), nn.Flatten(), MacLinear(126, 10, output_bits=None)
    )
    x, y = random_data((6, 7, 2), 200)
    fit(model, x, y, epochs=4, shape=(6, 7, 2))
    seen = []
    model[0].register_forward_hook(lambda module, x, out: seen.append(out.numel()))
    whole = evaluate(model, x, y, shape=(6, 7, 2))
    assert len(seen) == 2  # one row, then all
    monkeypatch.setattr(evaluating, "NUMBERS", 1000)
    seen.clear()
    assert evaluate(model, x, y, shape=(6, 7, 2)) == whole
    assert len(seen) > 20 and max(seen) <= 1000
    classes = export(model, "net", (6, 7, 2)).classes(x)
    assert whole == pytest.approx(100 * np.mean(classes == y))


def test_evaluate_vectors(monkeypatch):
    torch.manual_seed(0)
    model = nn.Sequential(MacLinear(5, 3))
    x = np.random.default_rng(0).integers(0, 16, (100, 5))
    fit(model, x, x[:, :3], epochs=2, loss="vector")
    whole = evaluate(model, x, x[:, :3], loss="vector")
    error = export(model, "net").golden(x) - x[:, :3]
    assert whole == pytest.approx(10 * np.log10(15**2 / np.mean(error**2)))
    monkeypatch.setattr(evaluating, "NUMBERS", 35)
    assert evaluate(model, x, x[:, :3], loss="vector") == pytest.approx(whole)
