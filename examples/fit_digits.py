"""Fit a single-layer kernel, 64 pixels to 10 classes, on scikit-learn's digits.

    python examples/fit_digits.py --rule threshold --seed 0 -o threshold.npz
    python examples/fit_digits.py --table      # accuracy of every rule, seeds 0 to 4
    python examples/fit_digits.py --tune       # remake TUNED, on validation data only

Every synapse has one real p in [-1, 1], and training sees p only through its integer form (the
straight-through trick). Each rule has the same initial p, steps, centring and number of tuning
trials. The file uses nothing of tnhw, so that its integer accuracy is a second opinion on the golden
model; it needs numpy and scikit-learn.

The fit does not depend on the order of sums, hence neither on the BLAS nor on the number of threads:
every product of matrices is exact in float64, because features and weights are integers and the
gradient of the loss is rounded to multiples of 2^-20. What remains is the last bit of `exp` and `cos`,
which reaches an integer only in the rare case that it crosses a rounding step.
"""

import argparse
import functools
import os
import sys
import time

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

INPUT_BITS = 4
K = 8  # levels of `threshold`
EPOCHS, BATCHES, SPREAD = 200, 11, 0.1  # passes, steps a pass (of about 122 images), initial |p|
GRAIN = 2.0**20

SYNAPSE = {  # what is stored, and its bits; `present` tells an absent synapse where nothing else does
    "threshold": ("theta u4, sign", 5), "ternary": ("sign, present", 2),
    "shift": ("exponent u2, sign, present", 4), "mac": ("weight s4", 4), "mac-s8": ("weight s8", 8),
}  # fmt: skip
RULES = tuple(SYNAPSE)
ONE = {"threshold": 1, "ternary": 1, "shift": 8, "mac": 8, "mac-s8": 128}  # integer weight of p = 1

# Learning rate and scale of the logits, best of RATES x SCALES in `tune`.
RATES, SCALES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3), (2.0, 4.0, 8.0)
TUNED = {
    "threshold": (0.03, 4.0), "ternary": (0.1, 2.0), "shift": (0.01, 4.0), "mac": (0.003, 4.0),
    "mac-s8": (0.003, 4.0),
}  # fmt: skip


@functools.cache
def load():
    """The demo's data: pixels min(v, 15) as u4, 1347 training and 450 test images.

    Returns
    -------
    x_train, y_train, x_test, y_test : int64 arrays, [n, 64] of 0..15 and [n] of 0..9
    """
    x, y = load_digits(return_X_y=True)
    x = np.minimum(x, 15).astype(np.int64)
    x_train, x_test, y_train, y_test = train_test_split(
        x, y, test_size=450, random_state=0, stratify=y
    )
    return x_train, y_train.astype(np.int64), x_test, y_test.astype(np.int64)


def quantise(rule, p):
    """Integer form of p: signed level -K..K for `threshold`, else the weight that x is multiplied by."""
    sign, size = np.sign(p), np.abs(p)
    if rule == "threshold":
        return sign * np.floor(K * size + 0.5)
    if rule == "ternary":
        return sign * np.floor(size + 0.5)
    if rule == "shift":  # nearest of 0, 1, 2, 4, 8 eighths; a tie goes up
        return sign * np.array([0, 1, 2, 4, 8])[np.digitize(size, [1 / 16, 3 / 16, 3 / 8, 3 / 4])]
    return np.clip(np.floor(ONE[rule] * p + 0.5), -ONE[rule], ONE[rule] - 1)


def features(rule, x):
    """What the weights multiply: x, or for `threshold` the bank max(x - theta_k, 0), k = 1..K, [n, K*64]."""
    if rule != "threshold":
        return x.astype(float)
    theta = 2**INPUT_BITS * (K - np.arange(1, K + 1)) // K
    return np.maximum(x[:, None, :] - theta[:, None], 0).reshape(len(x), -1).astype(float)


def matrix(rule, q):
    """Weights of `features`, for quantised q [64, outputs]: q, or the one-hot signs of each level."""
    if rule != "threshold":
        return q
    return np.concatenate([np.sign(q) * (np.abs(q) == k) for k in range(1, K + 1)])


def exact_gradient(above, weights):
    """Straight-through gradient of `threshold` to p, in units of 2^INPUT_BITS.

    The slope of s * max(x - theta, 0) with theta = (1 - |p|) * 2^b is 2^b where x > theta, whatever s.

    Parameters
    ----------
    above : [K*64, outputs], sum over images of (x > theta_k) times the gradient to z
    weights : [K*64, outputs], from `matrix`
    """
    return (above * np.abs(weights)).reshape(K, -1, weights.shape[1]).sum(axis=0)


def fit(rule, seed=0, *, data=None, rate=None, scale=None, epochs=EPOCHS):
    """Fit one kernel: softmax loss, Adam with a cosine schedule, integers at the end.

    Parameters
    ----------
    rule : one of RULES
    seed : of the initial p and the order of the images
    data : (x, y), default the training part of `load`
    rate, scale : learning rate and scale of the logits, default TUNED

    Returns
    -------
    dict of int64 arrays, [10, 64] but for `bias` [10]: of theta, sign, weight, exponent those that the
    rule has. An absent synapse has sign 0, and theta 15 or exponent 0.
    """
    if rule not in RULES:
        raise ValueError(f"`rule` must be one of {', '.join(RULES)}, not {rule!r}")
    x, y = load()[:2] if data is None else data
    rate, scale = (t if v is None else v for v, t in zip((rate, scale), TUNED[rule], strict=True))
    rng, n, unit = np.random.default_rng(seed), len(x), 2**INPUT_BITS * ONE[rule] / scale
    f, target = features(rule, x), np.eye(10)[y]
    f_sum, x_mean, d_mean = f.sum(axis=0), x.mean(axis=0), (f > 0).mean(axis=0)

    p, b = rng.uniform(-SPREAD, SPREAD, (x.shape[1], 10)), np.zeros(10)
    state = [(a, np.zeros_like(a), np.zeros_like(a)) for a in (p, b)]
    for step in range(1, epochs * BATCHES + 1):
        if step % BATCHES == 1:
            order = rng.permutation(n)
        rows = order[step % BATCHES :: BATCHES]
        w = matrix(rule, quantise(rule, p))

        # Results are centred by their mean over the training images, which `bias` takes in at the end.
        z = (f[rows] @ w - f_sum @ w / n) / unit + b
        g = np.exp(z - z.max(axis=1, keepdims=True))
        g = np.round((g / g.sum(axis=1, keepdims=True) - target[rows]) * GRAIN) / GRAIN
        g_sum = g.sum(axis=0)

        # The product's gradient, for `threshold` the mean of it (as a surrogate) and the exact one.
        dp = (x[rows].T.astype(float) @ g - np.outer(x_mean, g_sum)) / 2**INPUT_BITS
        if rule == "threshold":
            dp = (
                dp + exact_gradient((f[rows] > 0).T.astype(float) @ g - np.outer(d_mean, g_sum), w)
            ) / 2

        now = rate * 0.5 * (1 + np.cos(np.pi * step / (epochs * BATCHES)))
        for (a, mean, square), d in zip(
            state, (dp * scale / len(rows), g_sum / len(rows)), strict=True
        ):
            mean += 0.1 * (d - mean)
            square += 0.001 * (d * d - square)
            a -= now * mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        np.clip(p, -1, 1, out=p)

    q = quantise(rule, p)
    bias = b * unit - f_sum @ matrix(rule, q) / n
    return integers(rule, q) | {"bias": np.round(bias - bias.mean()).astype(np.int64)}


def integers(rule, q):
    """Parameter arrays [outputs, inputs] of quantised q [inputs, outputs]."""
    q = q.T.astype(np.int64)
    sign, size = np.sign(q), np.abs(q)
    if rule == "threshold":
        return {
            "theta": np.where(sign == 0, 2**INPUT_BITS - 1, 2**INPUT_BITS * (K - size) // K),
            "sign": sign,
        }
    if rule == "ternary":
        return {"sign": sign}
    if rule == "shift":
        return {"sign": sign, "exponent": np.log2(np.maximum(size, 1)).astype(np.int64)}
    return {"weight": q}


def results(rule, arrays, x):
    """z = bias + sum of terms, in integers, term by term: [n, outputs]."""
    x = np.asarray(x, np.int64)[:, None, :]
    if rule == "threshold":
        terms = arrays["sign"] * np.maximum(x - arrays["theta"], 0)
    elif rule == "ternary":
        terms = arrays["sign"] * x
    elif rule == "shift":
        terms = arrays["sign"] * (x << arrays["exponent"])
    else:
        terms = arrays["weight"] * x
    return arrays["bias"] + terms.sum(axis=2)


def accuracy(rule, arrays, x, y):
    """Fraction of images whose first argmax of z is the class."""
    return float(np.mean(results(rule, arrays, x).argmax(axis=1) == y))


def tune(rule, splits=8):
    """Mean validation accuracy of every (rate, scale), over `splits` splits of the training part."""
    x, y, *_ = load()
    scores = {}
    for rate in RATES:
        for scale in SCALES:
            total = 0.0
            for seed in range(splits):
                xt, xv, yt, yv = train_test_split(
                    x, y, test_size=337, random_state=seed, stratify=y
                )
                total += accuracy(
                    rule, fit(rule, seed, data=(xt, yt), rate=rate, scale=scale), xv, yv
                )
            scores[rate, scale] = total / splits
            say(
                f"{rule}: rate {rate}, scale {scale}: {100 * total / splits:.2f} % of validation images"
            )
    return scores


def table(seeds=range(5)):
    """Test accuracy of every rule as text lines: mean and standard error over `seeds`."""
    yield f"{'rule':10} {'a stored synapse':27} {'bits':>4}  {'test %':>6} {'+-':>5}  {'seed 0':>6}  rate, scale"
    for rule in RULES:
        score = []
        for seed in seeds:
            start = time.perf_counter()
            score.append(100 * accuracy(rule, fit(rule, seed), *load()[2:]))
            say(f"{rule}, seed {seed}: fitted in {time.perf_counter() - start:.1f} s")
        error = np.std(score, ddof=1) / len(score) ** 0.5
        yield (f"{rule:10} {SYNAPSE[rule][0]:27} {SYNAPSE[rule][1]:4}  {np.mean(score):6.2f} {error:5.2f}  "
               f"{score[0]:6.2f}  {TUNED[rule][0]}, {TUNED[rule][1]:.0f}")  # fmt: skip
    yield f"+- is the standard error over {len(seeds)} seeds; that of 450 test images is about 1 point more."


def say(line):
    print(line, file=sys.stderr, flush=True)


def main(argv=None):
    parser = argparse.ArgumentParser(
        description="Fit a 64-input, 10-output kernel on scikit-learn's digits."
    )
    parser.add_argument("--rule", choices=RULES, default="threshold")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "-o", "--output", metavar="FILE.npz", help="write the parameter arrays here"
    )
    parser.add_argument("--table", action="store_true", help="accuracy of every rule, seeds 0 to 4")
    parser.add_argument(
        "--tune", action="store_true", help="search rate and scale on validation data"
    )
    args = parser.parse_args(argv)
    if args.tune:
        for rule in RULES:
            scores = tune(rule)
            best = max(scores, key=scores.get)
            print(
                f'"{rule}": {best},  # {100 * scores[best]:.2f} % of validation images', flush=True
            )
    elif args.table:
        for line in table():
            print(line, flush=True)
    else:
        arrays = fit(args.rule, args.seed)
        if args.output:
            try:
                with open(f"{args.output}.part", "wb") as file:
                    np.savez(file, **arrays)
                os.replace(f"{args.output}.part", args.output)
            except OSError as error:
                parser.error(
                    f"cannot write {args.output}: {error.strerror}; name a file in a folder you can write to"
                )
        print(
            f"{args.rule}, seed {args.seed}: {100 * accuracy(args.rule, arrays, *load()[2:]):.2f} % of 450 test images"
        )


if __name__ == "__main__":
    main()
