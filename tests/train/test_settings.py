"""Settings of a fit: each does what it says, and bad ones are refused before anything changes."""

import math

import numpy as np
import pytest

from tnhw.support.environment import flag

if flag("TNHW_REQUIRE_TOOLS"):
    import torch
else:
    torch = pytest.importorskip("torch")

from torch import nn
from train_models import dense, random_data

from tnhw.errors import InputError
from tnhw.train import Checkpoint, Settings, evaluate, export, fit
from tnhw.train.averages import Average
from tnhw.train.layers import Layer
from tnhw.train.neurons import MacLinear

SHAPE = (20,)


def state(model):
    return torch.cat([value.double().flatten() for value in model.state_dict().values()])


def made(kind="gain", seed=0):
    torch.manual_seed(seed)
    return dense(kind)[0]


def fitted(kind="gain", rows=100, **options):
    """A model after a fit, and the records of its epochs."""
    model = made(kind)
    data = random_data(SHAPE, rows)
    return model, fit(model, *data, **{"epochs": 4, "batch": 32} | options)


@pytest.mark.parametrize(
    "options, text",
    [
        ({"epochs": 0}, "`epochs` must be a positive integer, not 0"),
        ({"batch": True}, "`batch` must be a positive integer, not True"),
        ({"patience": 0}, "`patience` must be a positive integer, not 0"),
        ({"rate": 0}, "`rate` must be above 0"),
        ({"freeze": 1}, "`freeze` must be above 0 and below 1"),
        ({"warm_up": 0}, "`warm_up` must be above 0 and below 1, not 0"),
        ({"average": 1}, "`average` must be 0 or more and below 1, not 1"),
        ({"schedule": "linear"}, "`schedule` must be cosine or one-cycle, not 'linear'"),
        ({"loss": "hinge"}, "`loss` must be class or vector, not 'hinge'"),
        ({"decay": -1}, "`decay` must be 0 or more, and below 1 / `rate`, which is 33.3333, not -1"),
        ({"decay": 40}, "`decay` must be 0 or more, and below 1 / `rate`"),
        ({"noise": 0.5}, "`noise` must be an integer"),
        ({"threads": 0}, "`threads` must be a positive integer, not 0"),
        ({"patience": 2}, "`patience` needs `valid`"),
        ({"optimiser": lambda groups: 7}, "`optimiser` must be a function of .*, not 7"),
        ({"optimiser": lambda groups: torch.optim.SGD(groups[0]["params"])}, "must give its optimiser the groups as"),
    ],
)  # fmt: skip
def test_wrong(options, text, tmp_path):
    model = made()
    before = state(model)
    with pytest.raises(InputError, match=text):
        fit(
            model,
            *random_data(SHAPE, 10),
            **{"epochs": 2} | options,
            checkpoint=tmp_path / "c" / "fit",
        )
    assert (state(model) == before).all() and not list(tmp_path.iterdir())


def test_wrong_minutes():
    with pytest.raises(InputError, match="`minutes` must be above 0, not 0"):
        Checkpoint("fit", minutes=0)


def test_missing_targets():
    with pytest.raises(InputError, match="`y` is missing; give labels or vectors, or a teacher"):
        fit(made(), random_data(SHAPE, 10)[0], None, epochs=1)


def test_settings_and_their_attributes():
    settings = Settings(epochs=9, rate=0.02, batch=32)
    one, two = made(), made()
    fit(one, *random_data(SHAPE, 60), settings=settings, epochs=3)
    fit(two, *random_data(SHAPE, 60), epochs=3, rate=0.02, batch=32)
    assert (state(one) == state(two)).all()
    with pytest.raises(TypeError, match="epoch"):
        fit(one, *random_data(SHAPE, 60), epoch=3)


def test_schedules():
    """By hand; the rates that the optimiser has at each step are these."""
    cosine, cycle = (
        Settings(epochs=2, rate=0.1),
        Settings(epochs=2, rate=0.1, schedule="one-cycle", warm_up=0.25),
    )
    assert cosine.rate_at(0) == 0.1 and cosine.rate_at(0.5) == pytest.approx(0.05)
    rates = [cycle.rate_at(done) for done in (0, 0.125, 0.25, 0.625, 1)]
    assert rates == pytest.approx([0, 0.05, 0.1, 0.05, 0])
    seen = []

    class Watched(torch.optim.SGD):
        def step(self, closure=None):
            seen.append([group["lr"] for group in self.param_groups])
            return super().step(closure)

    fitted(epochs=2, batch=25, optimiser=Watched, schedule="one-cycle", warm_up=0.25, rate=0.1)
    steps = [cycle.rate_at(step / 8) for step in range(8)]
    assert np.allclose(seen, [[rate, 0.3 * rate] for rate in steps])  # thresholds are slower


def test_weight_decay():
    """Where no gradient comes, p shrinks by the factors of the schedule, and nothing else does."""
    model = nn.Sequential(MacLinear(4, 3), MacLinear(3, 2, output_bits=None))
    before = {name: p.clone() for name, p in model.named_parameters()}
    x, y = np.zeros((8, 4), int), np.arange(8) % 2  # the first layer's weights have no gradient
    fit(model, x, y, epochs=3, batch=8, rate=0.1, decay=0.5, freeze=0.99)
    rates = [0.1 * (1 + math.cos(math.pi * step / 3)) / 2 for step in range(3)]
    factor = math.prod(1 - rate * 0.5 for rate in rates)
    assert torch.allclose(model[0].p["p"], before["0.p.p"] * factor)
    plain = nn.Sequential(MacLinear(4, 3), MacLinear(3, 2, output_bits=None))
    before = plain[0].p["p"].clone()
    fit(plain, x, y, epochs=3, batch=8, rate=0.1)
    assert torch.equal(plain[0].p["p"], before)


def test_own_optimiser():
    model, _ = fitted(optimiser=lambda groups: torch.optim.Adam(groups))
    assert (state(model) == state(fitted()[0])).all()
    other, _ = fitted(optimiser=lambda groups: torch.optim.SGD(groups, momentum=0.9))
    assert (state(model) != state(other)).any()


def test_average_by_hand():
    model = nn.Sequential(MacLinear(1, 1, output_bits=None))
    p, values = model[0].p["p"], [0.5, -0.25, 1.0, 0.0]
    average = Average(model, 0.2)
    expected = p.item()
    for step, value in enumerate(values, 1):
        p.data.fill_(value)
        average.update()
        kept = min(0.2, step / (10 + step))
        expected = kept * expected + (1 - kept) * value
    with average.applied():
        assert p.item() == pytest.approx(expected)
    assert p.item() == 0.0
    average.apply()
    assert p.item() == pytest.approx(expected)


def test_average_is_validated_and_exported(monkeypatch):
    """The last score is that of the model as it is after the fit, and of the integers that it becomes."""
    x, y = random_data(SHAPE, 120)
    rows = x[:50], y[:50]
    plain, _ = fitted(rows=120)
    model, history = fitted(rows=120, average=0.9, valid=rows)
    assert (state(plain) != state(model)).any()
    assert history[-1]["score"] == evaluate(model, *rows)
    assert history[-1]["score"] == pytest.approx(100 * np.mean(export(model, "net").classes(x[:50]) == y[:50]))  # fmt: skip
    last = model[1].bias.detach().clone()
    monkeypatch.setattr(Average, "apply", lambda self: None)
    assert (fitted(rows=120, average=0.9)[0][1].bias != last).any()  # the model without averages


def scores(monkeypatch, *values):
    """Let validation give these scores, one for each epoch."""
    left = iter(values)
    monkeypatch.setattr("tnhw.train.passes.score_of", lambda *_, together: next(left))


def test_patience(monkeypatch):
    """The fit ends two epochs after the best, whose parameters the model then has."""
    data = random_data(SHAPE, 10)
    after = []
    scores(monkeypatch, 1, 5, 5, 3)
    known = made()
    history = fit(
        known, *random_data(SHAPE, 100), epochs=9, batch=32, patience=2, valid=data,
        report=lambda record: after.append(state(known)),
    )  # fmt: skip
    assert [record["score"] for record in history] == [1, 5, 5, 3]
    assert (state(known) == after[1]).all() and (state(known) != after[3]).any()


def test_patience_waits_for_pruning(monkeypatch):
    scores(monkeypatch, 9, 8, 7, 6, 5, 4, 4, 4)
    model, history = fitted("mac", epochs=10, patience=2, prune=0.5, valid=random_data(SHAPE, 10))
    assert len(history) == 8  # the best of those that count is the sixth
    assert all((layer.keep == 0).float().mean() == 0.5 for layer in model)


@pytest.mark.parametrize("stop", [1, 3, 4, 6, 10])
def test_resume_within_an_epoch(stop, tmp_path, monkeypatch):
    """Killed after any step, a fit goes on there: with noise, averages, pruning and patience, and to the same records."""
    options = {
        "epochs": 3, "noise": 2, "average": 0.9, "prune": 0.2, "decay": 0.1, "valid": random_data(SHAPE, 30),
        "patience": 3, "schedule": "one-cycle", "seed": 5,
    }  # fmt: skip
    whole, history = fitted(**options)
    path = tmp_path / "fit"
    count, clamp = 0, Layer.clamp_

    def killed(layer):
        nonlocal count
        count += 1
        if count == 2 * stop + 1:  # two layers a step
            raise KeyboardInterrupt
        clamp(layer)

    monkeypatch.setattr(Layer, "clamp_", killed)
    with pytest.raises(KeyboardInterrupt):
        fitted(**options, checkpoint=Checkpoint(path, minutes=1e-9))
    monkeypatch.setattr(Layer, "clamp_", clamp)
    kept = torch.load(path, weights_only=True)
    assert len(kept["history"]) == stop // 4 and len(kept["losses"]) == stop % 4
    again, records = fitted(**options, checkpoint=Checkpoint(path, minutes=1e-9))
    assert (state(again) == state(whole)).all() and records == history


def test_resume_after_the_end(tmp_path, monkeypatch):
    """A fit that patience ended stays ended, and gives the best model again."""
    options = {"epochs": 9, "patience": 1, "valid": random_data(SHAPE, 10), "checkpoint": tmp_path / "fit"}  # fmt: skip
    scores(monkeypatch, 1, 2, 1)
    first, history = fitted(**options)
    again, records = fitted(**options)
    assert (state(first) == state(again)).all() and records == history and len(history) == 3


def test_resume_with_another_optimiser(tmp_path):
    fitted(checkpoint=tmp_path / "fit")
    with pytest.raises(InputError, match="other settings"):
        fitted(checkpoint=tmp_path / "fit", optimiser=torch.optim.SGD)
