"""Training: what the layers compute, their gradients, and the export of every sum."""

import numpy as np
import pytest
from places import ROOT

from tnhw.support.environment import flag

if flag("TNHW_REQUIRE_TOOLS"):
    import torch
else:
    torch = pytest.importorskip("torch")

from torch import nn
from train_models import KINDS, conv, dense, random_data

from tnhw.errors import InputError
from tnhw.network import Network
from tnhw.train import as_input, evaluate, export, fit
from tnhw.train.functions import adder, bank, rounded, through
from tnhw.train.neurons import MacLinear, ThresholdConv2d, ThresholdLinear
from tnhw.train.synapses import Gain, Threshold


def _compare(model, shape, network, rows=1000):
    """Every sum of the exported network against the model's own forward, and the result."""
    x, _ = random_data(shape, rows, seed=1)
    model.eval()
    values = as_input(x, shape)
    sums = iter(network.trace(x))
    with torch.no_grad():
        for layer in model:
            if not isinstance(layer, nn.Flatten):
                own = (layer.accumulate(values) * 2**layer.fraction).double()
                own = own.permute(0, 2, 3, 1) if own.ndim == 4 else own
                assert (own.numpy() == next(sums)).all()
            values = layer(values)
    assert next(sums, None) is None
    assert (values.argmax(1).numpy() == network.classes(x)).all()


@pytest.mark.parametrize("complement", [False, True])
@pytest.mark.parametrize("make", [dense, conv])
@pytest.mark.parametrize("kind", KINDS)
def test_export_every_sum(kind, make, complement, tmp_path):
    torch.manual_seed(0)
    model, shape = make(kind, complement)
    fit(model, *random_data(shape, 200), epochs=4, rate=0.02, batch=64, shape=shape)
    network = export(model, "test", shape)
    _compare(model, shape, network)
    network.save(tmp_path / "test.npz")
    _compare(model, shape, Network.load(tmp_path / "test.npz"), rows=20)


def test_export_mixed_and_pruned():
    torch.manual_seed(0)
    model = nn.Sequential(
        MacLinear(20, 16, output_bits=6),
        ThresholdLinear(16, 12, input_bits=6, output_bits=3),
        ThresholdLinear(12, 10, gain=True, input_bits=3, output_bits=None),
    )
    fit(model, *random_data((20,), 200), epochs=10, prune=0.5)
    network = export(model, "mixed", card={"seed": 0})
    _compare(model, (20,), network)
    assert network.card == {"seed": 0} and network.shape == (20,)
    for layer in network.layers:
        values = layer.arrays.get("sign", layer.arrays.get("weight"))
        assert (values == 0).mean() >= 0.5


def test_export_before_freeze():
    torch.manual_seed(0)
    model, shape = dense("threshold")
    model(as_input(random_data(shape, 100)[0], shape))
    _compare(model, shape, export(model, "early"))


def test_training_forward_is_integers():
    model, shape = dense("gain")
    x = as_input(random_data(shape, 50)[0], shape)
    sums = model[0].accumulate(x) * 2 ** model[0].fraction
    assert (sums == sums.round()).all()
    y = model[0](x) * 16
    assert (y == y.round()).all() and y.min() >= 0 and y.max() <= 15


def test_export_wrong_model():
    with pytest.raises(InputError, match="layer 1 is ReLU; only layers of tnhw.train"):
        export(nn.Sequential(ThresholdLinear(4, 3), nn.ReLU()), "no")
    with pytest.raises(InputError, match="gives logits but is not the last"):
        export(nn.Sequential(MacLinear(4, 3, output_bits=None), MacLinear(3, 2)), "no")
    with pytest.raises(InputError, match="layer 1 takes 4 bits, but layer 0 gives 3"):
        export(nn.Sequential(MacLinear(4, 3, output_bits=3), MacLinear(3, 2)), "no")
    with pytest.raises(InputError, match="takes 4 inputs, but gets"):
        export(nn.Sequential(MacLinear(4, 3)), "no", (5,))
    with pytest.raises(InputError, match=r"needs an input of \(height, width, channels\)"):
        export(nn.Sequential(ThresholdConv2d(2, 3)), "no", (8, 8, 1))
    with pytest.raises(InputError, match="has no layers"):
        export(nn.Sequential(), "no")
    wide = MacLinear(2000, 2, input_bits=8, weight_bits=8)
    with pytest.raises(InputError, match="sums do not fit 24 bits"):
        export(nn.Sequential(wide), "no")


def test_bank_equals_broadcast():
    torch.manual_seed(0)
    x = (torch.randint(0, 16, (7, 5)) / 16.0).requires_grad_()
    level = torch.randint(0, 4, (3, 5))
    thresholds = torch.tensor([0.0, 0.25, 0.5, 0.75])
    c = (torch.randint(-4, 5, (3, 5)) / 4.0).requires_grad_()
    theta = thresholds[level].requires_grad_()
    fast = bank(x, c, theta, level, thresholds)
    slow = (c * torch.relu(x.unsqueeze(1) - theta)).sum(2)
    assert (fast == slow).all()
    g = torch.randint(-8, 9, fast.shape) / 8.0
    for one, other in zip(
        torch.autograd.grad(fast, (x, c, theta), g),
        torch.autograd.grad(slow, (x, c, theta), g),
        strict=True,
    ):
        assert (one == other).all()


def test_bank_with_the_gradient_of_a_product():
    """With w, gradients are the mean of those without it and of those of the product."""
    torch.manual_seed(1)
    x = (torch.randint(0, 16, (7, 5)) / 16.0).requires_grad_()
    level, thresholds = torch.randint(0, 4, (3, 5)), torch.arange(4) / 4
    c, theta = torch.ones(3, 5), thresholds[level].requires_grad_()
    w = (torch.randint(-4, 5, (3, 5)) / 4.0).requires_grad_()
    alone, mixed = bank(x, c, theta, level, thresholds), bank(x, c, theta, level, thresholds, w)
    assert (alone == mixed).all()
    g = torch.randint(-8, 9, alone.shape) / 8.0
    of_bank = torch.autograd.grad(alone, (x, theta), g)
    of_product = torch.autograd.grad(x @ w.T, (x, w), g)
    dx, dtheta, dw = torch.autograd.grad(mixed, (x, theta, w), g)
    assert (dx == (of_bank[0] + of_product[0]) / 2).all()
    assert (dtheta == of_bank[1] / 2).all() and (dw == of_product[1] / 2).all()


def test_rounded_and_through():
    v = torch.tensor([-0.5, 0.49, 0.5, 1.5], requires_grad=True)
    assert rounded(v).tolist() == [0, 0, 1, 2]
    through(v, torch.zeros(4)).sum().backward()
    assert v.grad.tolist() == [1] * 4


def test_adder_gradients():
    x, w = (
        torch.tensor([[0.5, 0.25]], requires_grad=True),
        torch.tensor([[0.0, 1.0]], requires_grad=True),
    )
    z = adder(x, w)
    assert z.item() == -1.25
    z.backward()
    assert w.grad.tolist() == [[0.5, -0.75]]  # x - w
    assert x.grad.tolist() == [[-0.5, 0.75]]  # w - x


def test_threshold_gradient():
    """The mean of [x > theta]^T g and x^T g, and of g * s * [x > theta] and g * s * m."""
    synapse = Threshold(levels=8)
    p = torch.tensor([[0.5, -0.5, 0.02]], requires_grad=True)
    x = torch.tensor([[0.75, 0.25, 0.5]], requires_grad=True)
    z = synapse.total(x, {"p": p})
    assert z.item() == 0.25  # theta = 1/2: max(3/4 - 1/2, 0) - max(1/4 - 1/2, 0)
    z.backward()
    assert p.grad.tolist() == [[(1 + 0.75) / 2, (0 + 0.25) / 2, (0 + 0.5) / 2]]
    assert x.grad.tolist() == [[(1 + 0.5) / 2, (0 - 0.5) / 2, 0]]


def test_threshold_levels():
    p = {"p": torch.tensor([[1.0, -1.0, 0.5, 0.1, 0.0624, 0.0, -0.13]])}
    arrays = Threshold(levels=8).arrays(p, 4)
    assert arrays["theta"].tolist() == [[0, 0, 8, 14, 15, 15, 14]]
    assert arrays["sign"].tolist() == [[1, -1, 1, 1, 0, 0, -1]]
    four = Threshold(levels=8, min_level=2)
    assert four.arrays(p, 4)["sign"].tolist() == [[1, -1, 1, 0, 0, 0, 0]]
    synapses = Threshold(), four, Threshold(levels=1), Gain()
    assert [synapse.stored(4) for synapse in synapses] == [5, 4, 2, 6]


def test_a_threshold_at_the_largest_input_is_no_value_of_its_own():
    """Of 16 levels on 4 bits the lowest has theta = 15, which no input exceeds; on 8 bits it has theta = 240."""
    sixteen = Threshold(levels=16)
    assert sixteen.arrays({"p": torch.tensor([[1 / 16]])}, 4)["theta"].tolist() == [[15]]
    assert (sixteen.stored(4), sixteen.stored(8)) == (5, 6)


def test_one_level_is_ternary():
    p = {"p": torch.tensor([[0.7, -0.51, 0.49, -0.2]])}
    arrays = Threshold(levels=1).arrays(p, 4)
    assert arrays["sign"].tolist() == [[1, -1, 0, 0]]
    assert (arrays["theta"][arrays["sign"] != 0] == 0).all()


def test_gain_levels():
    p = {"p": torch.tensor([[1.0, -0.5, 0.25, 0.1]]), "t": torch.tensor([[0.0, 0.875, 0.3, 0.5]])}
    arrays = {name: array.tolist() for name, array in Gain().arrays(p, 4).items()}
    assert arrays == {"sign": [[1, -1, 1, 0]], "theta": [[0, 14, 4, 15]], "gain": [[2, 1, 0, 0]]}


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: ThresholdLinear(4, 3, levels=6), "`levels` must be a power of two, not 6"),
        (
            lambda: ThresholdLinear(4, 3, gain=True, levels=6),
            "`levels` must be a power of two, not 6",
        ),
        (
            lambda: ThresholdLinear(4, 3, input_bits=2),
            "8 levels needs an input of at least 3 bits, not 2",
        ),
        (
            lambda: ThresholdLinear(4, 3, input_bits=2, gain=True),
            "8 levels needs an input of at least 3 bits",
        ),
        (lambda: ThresholdLinear(4, 3, min_level=9), "`min_level` must be 1 to 8, not 9"),
        (lambda: ThresholdLinear(4, 3, gain=True, min_level=2), "without gain"),
        (lambda: ThresholdLinear(0, 3), "`inputs` must be a positive integer, not 0"),
        (lambda: MacLinear(4, 3, weight_bits=9), "`weight_bits` must be 2 to 8, not 9"),
        (lambda: KINDS["addernet"][1](1, 2, 3, padding=1), "`padding` must be 0"),
    ],
)
def test_init_wrong(make, text):
    with pytest.raises(InputError, match=text):
        make()


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
@pytest.mark.parametrize("kind", ["threshold", "gain", "mac", "ternary", "shift", "addernet"])
def test_export_of_other_input_formats(kind, bits):
    """Thresholds have as many levels as the inputs' bits allow; every sum is that of the integers."""
    linear, _, options = KINDS[kind]
    if kind in ("threshold", "gain"):
        options = options | {"levels": min(8, 2**bits)}
    torch.manual_seed(0)
    last = linear(5, 3, input_bits=4, output_bits=None, **KINDS[kind][2])
    model = nn.Sequential(linear(6, 5, input_bits=bits, **options), last)
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 2**bits, (300, 6)), rng.integers(0, 3, 300)
    fit(model, x, y, epochs=4)
    network = export(model, "narrow")
    assert str(network.input) == f"u{bits}"
    model.eval()
    values = as_input(x, (6,), bits)
    with torch.no_grad():
        for layer, sums in zip(model, network.trace(x), strict=True):
            own = (layer.accumulate(values) * 2**layer.fraction).double()
            assert (own.numpy() == sums).all()
            values = layer(values)


WRONG_DATA = [
    ({"x": np.zeros((4, 20))}, "`x` must be integers in 0 .. 15 .u4., not float64; quantise it"),
    (
        {"x": np.full((4, 20), 255)},
        "`x` must lie in 0 .. 15 .u4., but holds 255 .. 255; scale it, or",
    ),
    ({"x": np.full((4, 20), -1)}, "`x` must lie in 0 .. 15"),
    (
        {"x": np.zeros((4, 2, 10), int)},
        r"`x` must have the shape \[n, features\], not \[4, 2, 10\]",
    ),
    ({"x": np.zeros((4, 20), int), "shape": (21,)}, r"`x` must have the shape \[n, 21\]"),
    ({"y": np.zeros(4)}, r"`y` must be labels, integers \[4\], not float64 \[4\]"),
    ({"y": np.zeros(3, int)}, r"`y` must be labels, integers \[4\], not int64 \[3\]"),
    (
        {"y": np.arange(1, 11)[[0, 1, 2, 9]]},
        "`y` must lie in 0 .. 9 .the outputs .*1 .. 10; number",
    ),
    ({"y": np.full(4, -1)}, "`y` must lie in 0 .. 9"),
    ({"valid": (np.full((4, 20), 16), np.zeros(4, int))}, "`x` of `valid` must lie in 0 .. 15"),
]


@pytest.mark.parametrize("changes, text", WRONG_DATA)
def test_fit_wrong_data(changes, text):
    model, _ = dense("mac")
    given = {"x": np.zeros((4, 20), int), "y": np.zeros(4, int), "epochs": 1} | changes
    before = _state(model)
    with pytest.raises(InputError, match=f"fit: {text}"):
        fit(model, given.pop("x"), given.pop("y"), **given)
    assert (_state(model) == before).all()


@pytest.mark.parametrize(
    "y, text",
    [
        (np.zeros((4, 5)), "must be integers .4, 5. in 0 .. 15, not float64"),
        (np.zeros((4, 4), int), "must be integers .4, 5. in 0 .. 15, not int64"),
        (np.full((4, 5), 16), "must lie in 0 .. 15 .u4., but holds 16 .. 16; scale it"),
    ],
)
def test_fit_wrong_vectors(y, text):
    model = nn.Sequential(MacLinear(3, 5))
    with pytest.raises(InputError, match=f"fit: `y` {text}"):
        fit(model, np.zeros((4, 3), int), y, epochs=1, loss="vector")


def test_fit_wrong():
    model, shape = dense("mac")
    x, y = random_data(shape, 10)
    for options, text in (
        ({"epochs": 0}, "`epochs` must be a positive integer, not 0"),
        ({"epochs": 1, "rate": 0}, "`rate` must be above 0"),
        ({"epochs": 1, "freeze": 1}, "`freeze` must be above 0 and below 1"),
        ({"epochs": 1, "prune": 1}, "`prune` must be 0 or more"),
        ({"epochs": 1, "loss": "vector"}, "needs `output_bits`"),
    ):
        with pytest.raises(InputError, match=text):
            fit(model, x, y, **options)
    with pytest.raises(InputError, match="AdderNet synapse has no absent form"):
        fit(dense("addernet")[0], x, y, epochs=2, prune=0.5)


def _state(model):
    return torch.cat([value.double().flatten() for value in model.state_dict().values()])


def test_fit_learns_and_is_deterministic():
    rng = np.random.default_rng(0)
    centres = rng.integers(0, 16, (10, 20))
    y = rng.integers(0, 10, 600)
    x = np.clip(centres[y] + rng.integers(-2, 3, (600, 20)), 0, 15)
    states = []
    for _ in range(2):
        torch.manual_seed(0)
        model, _ = dense("threshold")
        history = fit(model, x[:500], y[:500], epochs=15, rate=0.03, valid=(x[500:], y[500:]))
        states.append(_state(model))
    assert (states[0] == states[1]).all()
    assert history[-1]["score"] > 80
    assert history[-1]["score"] == evaluate(model, x[500:], y[500:])


def test_resume(tmp_path):
    x, y = random_data((20,), 100)
    path = tmp_path / "fit.checkpoint"

    def run(stop=None):
        torch.manual_seed(0)
        model, _ = dense("gain")

        def report(record):
            if record["epoch"] == stop:
                raise KeyboardInterrupt

        fit(model, x, y, epochs=6, prune=0.2, checkpoint=path, report=report)
        return _state(model)

    whole = run()
    path.unlink()
    with pytest.raises(KeyboardInterrupt):
        run(stop=3)
    assert (run() == whole).all()
    model, _ = dense("gain")
    with pytest.raises(InputError, match="is of a fit with other settings; remove it"):
        fit(model, x, y, epochs=7, checkpoint=path)
    path.write_bytes(b"no checkpoint")
    with pytest.raises(InputError, match="not a checkpoint of this model"):
        fit(model, x, y, epochs=6, checkpoint=path)


@pytest.mark.slow
def test_speed():
    """A step of a threshold layer takes about 8 times one of a MAC layer; 20 leaves room for other load."""
    from time import process_time

    torch.manual_seed(0)
    x, y = torch.randint(0, 16, (128, 784)) / 16, torch.randint(0, 128, (128,))
    torch.set_num_threads(1)

    def best(layer):
        optimiser, times = torch.optim.Adam(layer.parameters(), 0.01), []
        for _ in range(15):
            start = process_time()
            optimiser.zero_grad()
            nn.functional.cross_entropy(layer(x), y).backward()
            optimiser.step()
            layer.clamp_()
            times.append(process_time() - start)
        return min(times)

    mac = best(MacLinear(784, 128, output_bits=None))
    for options in ({}, {"gain": True}):
        assert best(ThresholdLinear(784, 128, output_bits=None, **options)) < 20 * mac


def test_documented_example(tmp_path, monkeypatch):

    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    code = text.partition("## From Python")[2].partition("```python\n")[2].partition("```")[0]
    x, y = random_data((28, 28, 1), 64)
    monkeypatch.chdir(tmp_path)
    exec(code, {"x": x, "y": y})
    assert Network.load("mine.npz").shape == (28, 28, 1)
