"""Convolutions without a matrix of their windows: against one."""

import pytest

from tnhw.support.environment import flag

if flag("TNHW_REQUIRE_TOOLS"):
    import torch
else:
    torch = pytest.importorskip("torch")

import training
from train_models import KINDS

from tnhw.train import windows
from tnhw.train.functions import bank
from tnhw.train.windows import FLAT, Window

SHAPES = [
    # kernel, stride, padding, channels, height, width
    (1, 1, 0, 3, 4, 5), (3, 1, 1, 2, 5, 6), (3, 1, 0, 2, 3, 3), (3, 2, 1, 3, 7, 6), (2, 2, 0, 2, 6, 5),
    (2, 3, 1, 2, 7, 8), (1, 3, 0, 2, 7, 7), (4, 1, 3, 1, 3, 2), (5, 3, 2, 2, 9, 8), (3, 2, 2, 1, 1, 1),
]  # fmt: skip


def numbers(*shape, low=-8, high=9):
    """Random eighths, whose sums are exact in any order."""
    return torch.randint(low, high, shape) / 8.0


def draw(shape, outputs=4, images=3):
    kernel, stride, padding, channels, height, width = shape
    torch.manual_seed(sum(shape))
    x = numbers(images, channels, height, width, low=0).requires_grad_()
    w = numbers(outputs, channels * kernel**2).requires_grad_()
    return Window(kernel, stride, padding), x, w


def same(fast, slow, inputs):
    """Sums and all gradients are equal."""
    assert (fast == slow).all() and fast.shape == slow.shape
    g = numbers(*fast.shape)
    pairs = (torch.autograd.grad(sums, inputs, g, retain_graph=True) for sums in (fast, slow))
    for one, other in zip(*pairs, strict=True):
        assert (one == other).all()


@pytest.mark.parametrize("rows", [1, 1024])
@pytest.mark.parametrize("shape", SHAPES)
def test_product(shape, rows, monkeypatch):
    monkeypatch.setattr(windows, "ROWS", rows)
    window, x, w = draw(shape)
    same(window.product(x, w), window.columns(x) @ w.T, (x, w))


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("rows", [1, 1024])
@pytest.mark.parametrize("shape", SHAPES)
def test_bank(shape, rows, mixed, monkeypatch):
    monkeypatch.setattr(windows, "ROWS", rows)
    window, x, w = draw(shape)
    thresholds = torch.tensor([0.0, 0.25, 0.5, 0.75])
    level = torch.randint(0, 4, w.shape)
    c, theta = numbers(*w.shape).requires_grad_(), thresholds[level].requires_grad_()
    options = (c, theta, level, thresholds, w if mixed else None)
    fast, slow = window.bank(x, *options), bank(window.columns(x), *options)
    same(fast, slow, (x, c, theta, *([w] if mixed else [])))


def test_one_gradient_alone():
    """A first layer needs none of its input, and a frozen one only that."""
    window, x, w = draw(SHAPES[1])
    thresholds, level = torch.tensor([0.0, 0.5]), torch.randint(0, 2, w.shape)
    slow = bank(window.columns(x), w, thresholds[level], level, thresholds)
    for sums in (window.bank(x.detach(), w, thresholds[level], level, thresholds),
                 window.bank(x, w.detach(), thresholds[level], level, thresholds)):  # fmt: skip
        leaf = x if sums.grad_fn.next_functions[0][0] is not None else w
        expected, found = (torch.autograd.grad(z.sum(), leaf, retain_graph=True)[0] for z in (slow, sums))  # fmt: skip
        assert (expected == found).all()


def test_a_wrong_tap_is_seen(monkeypatch):
    """A product that is added one place too far gives other sums."""
    window, x, w = draw((3, 1, 1, 2, 5, 6))
    right = window.product(x, w)
    pairs = windows._Phase._pairs

    def wrong(self, size):
        first, *others = pairs(self, size)
        yield (others[-1][0], *first[1:])
        yield from others[:-1]
        yield (first[0], *others[-1][1:])

    monkeypatch.setattr(windows._Phase, "_pairs", wrong)
    assert (window.product(x, w) != right).any()


@pytest.mark.parametrize("kind", KINDS)
def test_synapses_on_another_device(kind):
    """Nothing is made on the CPU: forward and backward on the device that only knows shapes."""
    linear, _, options = KINDS[kind]
    synapse = linear(8, 5, **options).synapse
    with torch.device("meta"):
        dense = {name: p.requires_grad_() for name, p in synapse.initial(5, 8).items()}
        conv = {name: p.requires_grad_() for name, p in synapse.initial(5, 18).items()}
    x = torch.rand(7, 8, device="meta", requires_grad=True)
    images = torch.rand(3, 2, 6, 6, device="meta", requires_grad=True)
    for sums, rows in (
        (synapse.total(x, dense, FLAT), 7),
        (synapse.total(images, conv, Window(3, 2, 1)), 27),
    ):
        assert sums.device.type == "meta" and sums.shape == (rows, 5)
        sums.sum().backward()
    assert x.grad.shape == x.shape and images.grad.shape == images.shape


def test_benchmark():
    """What `benchmarks/training.py` prints, with one image."""
    ratios = training.measure(images=1, repeats=1)
    assert list(ratios) == list(training.LAYERS) and min(ratios.values()) > 0
