"""Conversion of trained networks: what is folded, traced, refused, kept and learned."""

import copy

import numpy as np
import pytest

from tnhw.support.environment import flag

if flag("TNHW_REQUIRE_TOOLS"):
    import torch
else:
    torch = pytest.importorskip("torch")

from torch import nn
from train_models import random_data

from tnhw import load
from tnhw.data import datasets
from tnhw.data.encoding import Encoder
from tnhw.errors import CheckFailed, InputError
from tnhw.network import Network
from tnhw.train import as_input, convert, export, fit
from tnhw.train.distilling import Teacher
from tnhw.train.neurons import MacLinear, ThresholdLinear
from tnhw.train.originals import of_network, spread
from tnhw.train.recipes import LAYERS
from tnhw.train.students import student
from tnhw.train.tracing import of_module

RULES = sorted(LAYERS)


@pytest.fixture(scope="module")
def digits():
    """Real images 8x8 of digits with labels, and those of the test part."""
    data = datasets.load("digits")
    return data.x_train / 15.0, data.y_train, data.x_test / 15.0, data.y_test


@pytest.fixture(scope="module")
def teacher(digits):
    """A trained model of torch, with a normalisation some of whose scales are negative."""
    torch.set_num_threads(1)  # with another number it is slightly another model
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 24), nn.ReLU(), nn.Linear(24, 10)
    )  # fmt: skip
    with torch.no_grad():
        model[1].weight[::2] *= -1
    x, y = torch.as_tensor(digits[0]).float(), torch.as_tensor(digits[1])
    optimiser = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(100):
        loss = nn.functional.cross_entropy(model(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model.eval()


class Branching(nn.Module):
    """A residual block in a model with a forward of its own."""

    def __init__(self):
        super().__init__()
        self.first, self.block, self.last = nn.Linear(64, 16), nn.Linear(16, 16), nn.Linear(16, 10)

    def forward(self, x):
        x = torch.relu(self.first(x))
        return self.last(torch.relu(self.block(x)) + x)


class Forward(nn.Module):
    """The layers of another model, called by name and by functions."""

    def __init__(self, layers):
        super().__init__()
        self.inner = nn.ModuleDict({"a": nn.Sequential(layers[0], layers[1]), "b": layers[3]})
        self.head = layers[5]

    def forward(self, x):
        x = nn.functional.relu(self.inner["a"](x.view(x.size(0), -1)))
        return nn.functional.log_softmax(self.head(torch.relu(self.inner["b"](x))), dim=1)


# Originals


def test_parts_compute_the_model(teacher, digits):
    """Weights with the normalisation folded in give the sums of the model, up to one constant for each output."""
    x = digits[0].astype(np.float32)
    original = of_module(teacher, x)
    values = torch.as_tensor(x[:1000])
    assert [part.name for part in original.parts] == ["0", "3", "5"]
    for part in original.parts:
        own = values @ part.weights.T
        rest = part.sums - own
        assert torch.allclose(rest, rest[:1].expand_as(rest), atol=1e-4)
        values = part.sums.relu()
    assert np.allclose(original.logits(x), original_logits(teacher, x), atol=1e-5)


def original_logits(model, x):
    with torch.no_grad():
        return model(torch.as_tensor(x)).numpy()


def test_negative_scales_flip_signs(teacher, digits):
    part = of_module(teacher, digits[0]).parts[0]
    flipped = (part.weights.sign() != teacher[0].weight.sign()).all(1)
    assert flipped.tolist() == (teacher[1].weight < 0).tolist() and flipped.any()


def test_norm_behind_relu_scales_the_next_layer():
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.BatchNorm2d(2), nn.Conv2d(2, 3, 3, 2), nn.ReLU(), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(27, 4)
    )  # fmt: skip
    for norm in (model[0], model[3]):
        norm.running_var.uniform_(0.5, 2)
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    x = np.random.default_rng(0).normal(size=(50, 2, 7, 7)).astype(np.float32)
    original = of_module(model, x)
    first, second = original.parts
    values = torch.as_tensor(x)
    for part, own in (
        (first, nn.functional.conv2d(values, first.weights, stride=2)),
        (second, first.sums.relu().flatten(1) @ second.weights.T),
    ):
        rest = part.sums - own
        assert torch.allclose(rest, rest[:1, ..., :1, :1].expand_as(rest) if rest.ndim == 4 else rest[:1].expand_as(rest), atol=1e-4)  # fmt: skip
    assert original.shape == (7, 7, 2)


def test_forward_of_its_own(teacher, digits):
    """The same layers, nested and called by functions, give the same parts."""
    x = digits[0].astype(np.float32).reshape(-1, 8, 8)
    plain, own = of_module(teacher, x.reshape(-1, 64)), of_module(Forward(teacher), x)
    assert [part.name for part in own.parts] == ["inner.a.0", "inner.b", "head"]
    for a, b in zip(plain.parts, own.parts, strict=True):
        assert torch.equal(a.weights, b.weights) and torch.allclose(a.sums, b.sums)
    assert np.allclose(plain.logits(x.reshape(-1, 64)), own.logits(x))


@pytest.mark.parametrize("name", ["digits_mac", "digits_shift", "digits_ternary", "mnist_conv_mac"])
def test_networks_are_understood(name):
    """A network whose terms are products: the parts give its sums exactly, up to scale and constant."""
    network = load(name)
    x = network.random_input(np.random.default_rng(0), 40)
    original, results, codes = of_network(network, x), as_input(x, network.shape, 0), x
    for part, layer in zip(original.parts, network.layers, strict=True):
        if part.dense:
            own = results.flatten(1) @ part.weights.T
        else:
            own = nn.functional.conv2d(
                results, part.weights, stride=part.stride, padding=part.padding
            )
        for a, b in zip(own.transpose(0, 1), part.sums.transpose(0, 1), strict=True):
            a, b = a.flatten() - a.mean(), b.flatten() - b.mean()
            if b.abs().max() > 1e-3:  # else an output that is always clipped, which has no slope
                assert torch.allclose(a * (a @ b / (a @ a)), b, atol=1e-3 * float(b.abs().max()))
                assert a @ b > 0
        codes = layer.golden(codes)
        results = torch.as_tensor(codes).float().movedim(-1, 1)


def test_complements_are_one_weight():
    """An input and its complement: the weights of the two are subtracted."""
    torch.manual_seed(0)
    model = nn.Sequential(MacLinear(6, 4, output_bits=None, complement=True))
    x, _ = random_data((6,), 50)
    model(as_input(x, (6,)))
    network = export(model, "two")
    (part,) = of_network(network, x).parts
    weights = torch.tensor(network.layers[0].arrays["weight"]).float()
    wanted = weights[:, :6] - weights[:, 6:]
    assert torch.allclose(part.weights / part.weights.abs().max(), wanted / wanted.abs().max(), atol=1e-5)  # fmt: skip


def test_falling_staircases_flip_signs():
    """An output whose results fall as its sum rises has weights of the other sign; thresholds give its slope."""
    rng = np.random.default_rng(0)
    weight = rng.integers(-7, 8, (2, 20))
    keys = {"kind": "dense", "rule": "mac", "outputs": 2, "parameter": "s4"}
    layers = [keys | {"output": "u4", "requantise": "staircase"}, keys | {"outputs": 3}]
    bias = {"bias": np.zeros(2, int)}
    first = {
        "weight": weight,
        **bias,
        "steps": np.outer([20, 40], np.arange(-7, 8)),
        "falling": np.array([0, 1]),
    }
    second = {"weight": rng.integers(-7, 8, (3, 2)), "bias": np.zeros(3, int)}
    network = Network("stairs", "u4", [20], layers, [first, second])
    part = of_network(network, network.random_input(rng, 500)).parts[0]
    wanted = torch.tensor(weight).float() * torch.tensor([[1 / 20], [-1 / 40]])
    assert torch.allclose(part.weights, wanted, rtol=0.05)


def test_signed_inputs_begin_at_zero():
    rng = np.random.default_rng(0)
    layers = [{"kind": "dense", "rule": "mac", "outputs": 3, "parameter": "s4"}]
    arrays = [{"weight": rng.integers(-8, 8, (3, 5)), "bias": np.zeros(3, int)}]
    network = Network("with_signs", "s4", [5], layers, arrays)
    x = network.random_input(rng, 300)
    made = convert(network, x, rule="mac", epochs=1).network
    assert str(made.input) == "u4" and made.card["inputs"] == "those of the original, s4, minus -8"
    assert (made.classes(x + 8) == network.classes(x)).mean() > 0.9


# Initial values


@pytest.mark.parametrize("rule", RULES)
def test_students_are_like_their_originals(rule, teacher, digits):
    """Without any training: means and clipped shares are those of the original, and classes mostly."""
    x = digits[0].astype(np.float32)
    original = of_module(teacher, x)
    model = student(original, [rule] * 3)
    values = as_input(original.sample, original.shape)
    with torch.no_grad():
        for part, layer in zip(original.parts[:-1], model[:-1], strict=True):
            before = layer.accumulate(values) * 2.0 ** -layer.scale.item()
            (mean, sigma), (own_mean, own_sigma) = spread(part.sums), spread(before)
            assert torch.allclose(mean / sigma, own_mean / own_sigma, atol=0.05)
            values = layer(values)
        classes = model[-1](values).argmax(1).numpy()
    share = (classes == original.logits(x[:1000]).argmax(1)).mean()
    assert share > (0.6 if rule == "addernet" else 0.8)


@pytest.mark.parametrize(
    "rule, wanted",
    [
        ("threshold", {"sign": [-1, -1, 0, 1, 1], "theta": [0, 8, 15, 8, 0]}),
        ("ternary", {"sign": [-1, -1, 0, 1, 1]}),
        ("shift", {"sign": [-1, -1, 0, 1, 1], "exponent": [3, 2, 0, 2, 3]}),
        ("mac", {"weight": [-8, -4, 0, 4, 7]}),
        ("addernet", {"weight": [0, 4, 8, 12, 15]}),
    ],
)
def test_sizes_become_levels(rule, wanted):
    synapse = LAYERS[rule][0](1, 1).synapse
    p = synapse.starting(torch.tensor([[-1.5, -0.5001, 0.0, 0.5, 1.0]]))
    arrays = synapse.arrays(p, 4)
    assert {name: array[0].tolist() for name, array in arrays.items()} == wanted


def test_mac_students_have_the_weights_of_the_original(teacher, digits):
    """With weights of 8 bits, rows are those of the original times a number each."""
    original = of_module(teacher, digits[0].astype(np.float32))
    layer = student(original, ["mac"] * 3, options={"weight_bits": 8})[0]
    own, wanted = layer.synapse.quantise(layer.p["p"]), original.parts[0].weights
    for a, b in zip(own, wanted, strict=True):
        assert torch.corrcoef(torch.stack([a.detach(), b]))[0, 1] > 0.98


def test_scales_of_channels_do_not_matter(teacher, digits):
    """A channel times a number, and the weights behind it divided by it, is the same network, and gets the same values."""
    x, scales = digits[0].astype(np.float32), 2.0 ** torch.arange(-3, 5).repeat(4)
    scaled = copy.deepcopy(teacher)
    with torch.no_grad():
        scaled[1].weight *= scales
        scaled[1].bias *= scales
        scaled[3].weight /= scales
    assert np.allclose(original_logits(scaled, x), original_logits(teacher, x), atol=1e-4)
    one, two = (export(student(of_module(m, x), ["mac"] * 3), "m") for m in (teacher, scaled))
    for name in one.arrays:
        assert (one.arrays[name] == two.arrays[name]).mean() > 0.99, name


def test_outputs_that_are_hardly_ever_zero_keep_their_range():
    """Positive inputs and weights: every sum of the first layer lies far above 0, and yet few results are at the top."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 4))
    nn.init.uniform_(model[0].weight, 0, 1)
    x = np.random.default_rng(0).uniform(0, 1, (500, 20)).astype(np.float32)
    original = of_module(model, x)
    mean, sigma = spread(original.parts[0].sums)
    assert (mean / sigma).min() > 4
    results = student(original, ["mac"] * 2)[0](as_input(original.sample, original.shape))
    assert (results == 15 / 16).float().mean() < 0.1 and results.std() > 0.2


# Teaching


def test_teacher_loss():
    """By hand, for one row."""
    logits, out = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 0.0]])
    rows, label = torch.tensor([0]), torch.tensor([1])
    p = np.exp(1.0) / (np.exp(1.0) + 1)
    divergence = p * np.log(p / 0.5) + (1 - p) * np.log((1 - p) / 0.5)
    alone = Teacher(logits, temperature=2.0, share=1.0).measure(None)(out, rows)
    assert alone.item() == pytest.approx(4 * divergence, abs=1e-6)
    both = Teacher(logits, temperature=2.0, share=0.25).measure(label)(out, rows)
    assert both.item() == pytest.approx(divergence + 0.75 * np.log(2), abs=1e-6)


def test_teacher_wrong():
    logits = torch.zeros(1, 2)
    for options, text in (
        ({"temperature": 0}, "`temperature` must be above 0"),
        ({"share": 0}, "`share` must be above 0 and at most 1"),
    ):
        with pytest.raises(InputError, match=text):
            Teacher(logits, **options)
    with pytest.raises(InputError, match="there are no labels, so `share` must be 1"):
        Teacher(logits).measure(None)


def test_fit_trains_nested_layers():
    torch.manual_seed(0)
    inner = nn.Sequential(ThresholdLinear(12, 8), nn.Identity())
    model = nn.Sequential(nn.Sequential(ThresholdLinear(20, 12), inner), ThresholdLinear(8, 10, output_bits=None))  # fmt: skip
    before = [p.clone() for p in model.parameters() if p.requires_grad]
    x, y = random_data((20,), 300)
    fit(model, x, y, epochs=4)
    after = [p for p in model.parameters() if p.requires_grad]
    hidden = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert all(hidden)
    assert all(layer.frozen for layer in (model[0][0], model[0][1][0], model[1]))
    network = export(model, "nested")
    model.eval()
    own = model(as_input(x, (20,))).argmax(1).numpy()
    assert (network.classes(x) == own).all()


@pytest.mark.parametrize(
    "model, text",
    [
        (nn.Sequential(MacLinear(4, 3), nn.Sequential(nn.BatchNorm1d(3))), r"module `1.0` \(BatchNorm1d\) has parameters that would not be trained"),
        (nn.Sequential(MacLinear(4, 3), nn.ModuleList([MacLinear(3, 2)])), r"module `1` \(ModuleList\) has modules inside"),
        (Branching(), r"the model \(Branching\) has modules inside and is no torch.nn.Sequential"),
        (nn.Sequential(nn.ReLU()), "the model has no layers"),
    ],
)  # fmt: skip
def test_fit_refuses_what_it_would_not_train(model, text):
    x, y = random_data((4,), 10)
    with pytest.raises(InputError, match=text):
        fit(model, x, y, epochs=1)


# Conversion


@pytest.mark.parametrize("rule", RULES)
def test_convert(rule, teacher, digits, tmp_path):
    x, y, x_test, y_test = digits
    made = convert(teacher, x, y, rule=rule, test=(x_test, y_test), epochs=5, seed=1, name="mine")
    network = made.network
    assert made.rules == {rule: 3} and made.kept == () and made.measured_on == "450 test inputs"
    right = 100 * (original_logits(teacher, x_test.astype(np.float32)).argmax(1) == y_test).mean()
    assert made.teacher == pytest.approx(right)
    network.save(tmp_path / "mine.npz")
    read = Network.load(tmp_path / "mine.npz")
    encoder = Encoder.from_dict(read.card["encoder"], 64, "card")
    own = 100 * (read.classes(encoder.encode(x_test)) == y_test).mean()
    assert made.after == pytest.approx(own)
    assert made.after > right - (6 if rule == "addernet" else 3) and made.before > 50
    assert read.card["original"] == "Sequential of torch" and read.card["recipe"]["rule"] == rule


def test_convolutions_of_several_channels(tmp_path):
    """Channels first become channels last, and back behind a Flatten; the file's integers give the model's classes."""
    torch.manual_seed(3)
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 5, 2), nn.ReLU(), nn.Flatten(), nn.Linear(30, 4)
    )  # fmt: skip
    x = np.random.default_rng(0).uniform(0, 1, (400, 3, 6, 7)).astype(np.float32)
    x[:, 0] *= 3
    with torch.no_grad():  # outputs about 0, so that every class occurs
        model[-1].bias -= model.eval()(torch.as_tensor(x)).mean(0)
    made = convert(model, x, rule="mac", bits=6, input_bits=8, weight_bits=8, epochs=1, rate=1e-6)
    assert made.network.shape == (6, 7, 3) and made.before > 75
    encoder = Encoder.from_dict(made.network.card["encoder"], 126, "card")
    classes = made.network.classes(encoder.encode(x))
    assert (classes == original_logits(model, x).argmax(1)).mean() > 0.75


def test_convert_changes_no_model(teacher, digits):
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    teacher.train()
    convert(teacher, digits[0], digits[1], epochs=1)
    assert teacher.training
    teacher.eval()
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())


def test_fine_tuning_pays(teacher, digits):
    """Ternary layers lose much at first; the original alone teaches them, without labels."""
    made = convert(teacher, digits[0], rule="ternary", valid=0.3, epochs=15)
    assert not made.labelled and made.teacher == 100
    assert made.after > made.before + 1 and made.after > 90
    assert made.to_dict()["score"] == "same class as the original"


def test_kept_layers(teacher, digits):
    made = convert(teacher, digits[0], digits[1], keep=["0", 2], epochs=1, weight_bits=6)
    assert [layer.keys.rule for layer in made.network.layers] == ["mac", "threshold", "mac"]
    assert made.kept == ("0", "5") and str(made.network.layers[0].keys.parameter) == "s6"
    assert "kept as MAC layers" in str(made) and "2 mac, 1 threshold" in str(made)


def test_same_bytes(teacher, digits, tmp_path):
    for name in ("a", "b"):
        convert(teacher, digits[0], digits[1], epochs=1).network.save(tmp_path / f"{name}.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_keep_auto_keeps_as_few_as_are_needed(teacher, digits):
    """None, if a large loss is allowed; those first whose conversion costs most, until the loss is small enough."""
    lines = []
    free = convert(teacher, digits[0], keep="auto", loss=100, epochs=1, report=lines.append)
    assert free.kept == () and free.costs == {} and not any("kept" in line and "layer kept" not in line for line in lines)  # fmt: skip
    options = {"rule": "addernet", "epochs": 1, "bits": 2, "input_bits": 4}
    lost = [
        100 - convert(teacher, digits[0], keep=keep, **options).after
        for keep in ((), ("0", "3", "5"))
    ]
    assert lost[0] > lost[1]
    tight = convert(teacher, digits[0], keep="auto", loss=(lost[0] + lost[1]) / 2, **options)
    assert set(tight.costs) == {"0", "3", "5"} and 0 < len(tight.kept) < 3
    assert max(tight.costs, key=tight.costs.get) in tight.kept
    assert 100 - tight.after <= (lost[0] + lost[1]) / 2
    with pytest.raises(CheckFailed, match="with all layers kept the network loses .* points, more than 0"):  # fmt: skip
        convert(teacher, digits[0], rule="addernet", keep="auto", loss=0, epochs=1, bits=1)


def models():
    """(model, shape of its inputs, what is said of it)."""
    yield (
        Branching(),
        (64,),
        r"the model, operation `add`: joins branches, as a residual connection does",
    )
    inside = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), Inside(), nn.Linear(64, 2))
    yield inside, (64,), r"module `2`, operation `add`: joins branches"
    yield (
        nn.Sequential(nn.Linear(8, 4), nn.GELU(), nn.Linear(4, 2)),
        (8,),
        r"module `1` \(GELU\): it is not converted",
    )
    yield (
        nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 2)),
        (8,),
        r"module `1` \(Linear\): there is no ReLU between `0` and it",
    )
    pool = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 2)
    )
    yield pool, (1, 8, 8), r"module `2` \(MaxPool2d\): .*a stride replaces pooling"
    yield (
        nn.Sequential(nn.Conv2d(2, 2, 3, groups=2), nn.Flatten(), nn.Linear(72, 2)),
        (2, 8, 8),
        r"module `0` \(Conv2d\): groups, dilation",
    )
    yield (
        nn.Sequential(nn.Conv2d(1, 2, (1, 3)), nn.ReLU(), nn.Flatten(), nn.Linear(96, 2)),
        (1, 8, 8),
        "same in both directions",
    )
    yield nn.Sequential(nn.Linear(8, 4), nn.ReLU()), (8,), "a ReLU behind its last layer, `0`"
    yield nn.Sequential(nn.Flatten()), (8,), "no Linear and no Conv2d"
    yield nn.Sequential(nn.Linear(9, 2)), (8,), r"does not run on inputs \[\d+, 8\]"
    yield nn.Sequential(nn.Linear(4, 2)), (8, 4), "put a Flatten before it"
    yield Changing(), (8,), "`forward` cannot be traced by torch.fx"
    yield nn.Sequential(nn.Conv2d(1, 2, 3)), (1, 8, 8), "the last layer must be a Linear"
    yield (
        Shaped(),
        (8,),
        r"the model, operation `reshape`: it makes \[4\] of \[8\]; only flattening",
    )
    yield Twice(), (8,), "gives something else than the result of its last layer"


class Inside(nn.Module):
    def forward(self, x):
        return torch.relu(x) + x


class Shaped(nn.Module):
    """Rows of other inputs."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x):
        return self.layer(x.reshape(-1, 4))


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 2)

    def forward(self, x):
        return self.layer(x), x


class Changing(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 2)

    def forward(self, x):
        return self.layer(x) if x.sum() > 0 else self.layer(-x)


@pytest.mark.parametrize("number", range(len(list(models()))))
def test_refused(number):
    model, shape, text = list(models())[number]
    x = np.random.default_rng(0).normal(size=(40, *shape))
    with pytest.raises(InputError, match=text):
        convert(model, x)


def test_convert_wrong(teacher, digits):
    x, y = digits[:2]
    for options, text in (
        (
            {"rule": "treshold"},
            "there is no rule 'treshold' that is trained; did you mean `threshold`",
        ),
        ({"rule": "shift", "gain": True}, "rule `shift` has no option `gain`; it has weight_bits"),
        ({"bits": 9}, "`bits` must be an integer of 1 to 8, not 9"),
        ({"input_bits": 0}, "`input_bits` must be an integer of 1 to 8, not 0"),
        (
            {"input_bits": 2},
            "layer `0`: a threshold of 8 levels needs an input of at least 3 bits, not 2",
        ),
        (
            {"bits": 2},
            "layer `3`: a threshold of 8 levels needs an input of at least 3 bits, not 2",
        ),
        ({"keep": ["none"]}, "there is no layer 'none'; the layers are 0 to 2, or 0, 3, 5"),
        ({"valid": 1.0}, "`valid` must be a share above 0 and below 1"),
        ({"loss": -1}, "`loss` must be points from 0 to 100"),
        ({"epochs": 0}, "`epochs` must be a positive integer"),
        ({"temperature": -1}, "`temperature` must be above 0"),
        ({"name": "Bad Name"}, "name"),
    ):
        with pytest.raises(InputError, match=text):
            convert(teacher, x, y, **options)
    for own, labels, text in (
        (x, y[:-1], r"`y` must be integers \[1077\], not int64 \[1076\]"),
        (x, y + 5, r"`y` must lie in 0 .. 9, the classes of the original, but holds 5"),
        (x, y / 2, "`y` must be integers"),
        (x * np.nan, y, "`x` must be finite numbers"),
        (x * 0, y, "`x` holds one number only, 0"),
    ):
        with pytest.raises(InputError, match=text):
            convert(teacher, own, labels)
    for options, text in (
        ({"test": (digits[2][:, :9], digits[3])}, r"test: `x` must have inputs of the shape \[64\], not \[9\]"),
        ({"valid": (digits[2], digits[3][:3])}, r"validation: `y` must be integers \[450\], not int64 \[3\]"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=text):
            convert(teacher, *digits[:2], **options)
    with pytest.raises(
        InputError, match="`model` must be a torch model or a network of tnhw, not str"
    ):
        convert("model", digits[0])
    with pytest.raises(InputError, match="its result is a vector; only networks that give a class"):
        convert(load("denoise_mac"), np.zeros((50, 64), int))
