import importlib.util

import numpy as np
import pytest
from places import ROOT

pytest.importorskip("sklearn", reason="the demo's data comes with scikit-learn")
SCRIPT = ROOT / "examples" / "fit_digits.py"
spec = importlib.util.spec_from_file_location("fit_digits", SCRIPT)
demo = importlib.util.module_from_spec(spec)
spec.loader.exec_module(demo)

TINY = {  # one output, two inputs, by hand: x = (7, 15) and (0, 4), bias -3
    "threshold": ({"theta": [[4, 14]], "sign": [[1, -1]]}, [7 - 4 - 1 - 3, -3]),
    "ternary": ({"sign": [[-1, 1]]}, [-7 + 15 - 3, 4 - 3]),
    "shift": ({"sign": [[1, -1]], "exponent": [[3, 0]]}, [56 - 15 - 3, -4 - 3]),
    "mac": ({"weight": [[-8, 7]]}, [-56 + 105 - 3, 28 - 3]),
}


@pytest.fixture(scope="module", params=demo.RULES)
def fitted(request):
    return request.param, demo.fit(request.param)


def test_load():
    x_train, y_train, x_test, y_test = demo.load()
    assert (x_train.shape, x_test.shape) == ((1347, 64), (450, 64))
    for pixels in (x_train, x_test):
        assert pixels.dtype == np.int64 and pixels.min() == 0 and pixels.max() == 15
    # Stratified: the share of each class in the test part is that of all 1797 images.
    both = np.bincount(y_train) + np.bincount(y_test)
    assert np.all(np.abs(np.bincount(y_test) - both * 450 / 1797) < 1)


@pytest.mark.parametrize("rule", TINY)
def test_results(rule):
    arrays, expected = TINY[rule]
    arrays = {name: np.array(a) for name, a in arrays.items()} | {"bias": np.array([-3])}
    assert demo.results(rule, arrays, [[7, 15], [0, 4]]).tolist() == [[z] for z in expected]


def test_accuracy_takes_first_maximum():
    arrays = {"weight": np.array([[1], [1], [0]]), "bias": np.array([0, 0, 2])}
    x = np.array([[5], [1], [2]])  # z = (5, 5, 2), (1, 1, 2), (2, 2, 2)
    assert demo.accuracy("mac", arrays, x, np.array([0, 2, 0])) == 1.0
    assert demo.accuracy("mac", arrays, x, np.array([1, 2, 2])) == pytest.approx(1 / 3)


def test_quantise_rounds_half_up_and_reaches_both_ends():
    p = np.array([-1, -0.5, -1 / 16, 0, 0.06, 1 / 16, 3 / 16, 0.49, 0.75, 1])
    assert demo.quantise("threshold", p).tolist() == [-8, -4, -1, 0, 0, 1, 2, 4, 6, 8]
    assert demo.quantise("ternary", p).tolist() == [-1, -1, 0, 0, 0, 0, 0, 0, 1, 1]
    assert demo.quantise("shift", p).tolist() == [-8, -4, -1, 0, 0, 1, 2, 4, 8, 8]
    assert demo.quantise("mac", p).tolist() == [-8, -4, 0, 0, 0, 1, 2, 4, 6, 7]
    assert demo.quantise("mac-s8", p)[[0, -1]].tolist() == [-128, 127]


@pytest.mark.parametrize("rule", demo.RULES)
def test_training_form_equals_integer_form(rule):
    rng = np.random.default_rng(0)
    q = demo.quantise(rule, rng.uniform(-1, 1, (64, 10)))
    x = rng.integers(0, 16, (50, 64))
    arrays = demo.integers(rule, q) | {"bias": np.zeros(10, int)}
    assert np.array_equal(
        demo.features(rule, x) @ demo.matrix(rule, q), demo.results(rule, arrays, x)
    )


def test_exact_gradient_is_the_slope():
    rng = np.random.default_rng(1)
    q, g = rng.integers(-8, 9, (64, 10)), rng.normal(size=(30, 10))
    x = 2 * rng.integers(0, 8, (30, 64)) + 1  # odd, so that no x stands on a kink
    f = demo.features("threshold", x)
    found = demo.exact_gradient((f > 0).T.astype(float) @ g, demo.matrix("threshold", q))

    def loss(p):
        terms = np.sign(p) * np.maximum(x[:, :, None] / 16 - (1 - np.abs(p)), 0)
        return np.einsum("bio,bo->io", terms, g)

    p, h = q / 8, 1e-4
    assert np.allclose(found, (loss(p + h) - loss(p - h)) / (2 * h), atol=1e-6)


def test_fit_ranges(fitted):
    rule, arrays = fitted
    names, limits = {
        "threshold": (("theta", "sign"), {"theta": (0, 15)}),
        "ternary": (("sign",), {}),
        "shift": (("sign", "exponent"), {"exponent": (0, 3)}),
        "mac": (("weight",), {"weight": (-8, 7)}),
        "mac-s8": (("weight",), {"weight": (-128, 127)}),
    }[rule]
    assert set(arrays) == {*names, "bias"} and arrays["bias"].shape == (10,)
    for name, array in arrays.items():
        assert array.dtype == np.int64 and (name == "bias" or array.shape == (10, 64))
    for name, (low, high) in limits.items():
        assert low <= arrays[name].min() and arrays[name].max() <= high
    if "sign" in arrays:
        assert set(np.unique(arrays["sign"])) == {-1, 0, 1}
    if rule == "threshold":
        assert set(np.unique(arrays["theta"][arrays["sign"] != 0])) <= set(range(0, 16, 2))
        assert np.all(arrays["theta"][arrays["sign"] == 0] == 15)


def test_fit_accuracy(fitted):
    rule, arrays = fitted
    assert demo.accuracy(rule, arrays, *demo.load()[2:]) >= 0.92


def test_fit_wrong_rule():
    with pytest.raises(ValueError, match="`rule` must be one of threshold, .*, not 'treshold'"):
        demo.fit("treshold")


def test_main_writes_the_same_bytes(tmp_path, capsys, fitted):
    rule, arrays = fitted
    for name in ("a.npz", "b.npz"):
        demo.main(["--rule", rule, "-o", str(tmp_path / name)])
    assert "of 450 test images" in capsys.readouterr().out
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "b.npz"]
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert set(file) == set(arrays) and all(np.array_equal(file[k], arrays[k]) for k in arrays)


def test_main_output_missing_folder(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        demo.main(["--rule", "ternary", "-o", str(tmp_path / "none" / "a.npz")])
    assert stop.value.code == 2
    assert (
        "No such file or directory; name a file in a folder you can write to"
        in capsys.readouterr().err
    )
