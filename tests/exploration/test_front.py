"""The front against its definition, and against Optuna's."""

import numpy as np
from search_tools import naive_front, optuna

from tnhw.exploration.costing import Estimate
from tnhw.exploration.front import Point, cheapest, ends, front


def points(rng, count):
    """Random points, many of which are equal in one coordinate or in both."""
    one = Estimate("1x1", 1, 1, 1.0, 1)
    return [
        Point(n, "mac", "", float(rng.integers(90, 100)), float(rng.integers(1, 12)), one, {})
        for n in rng.permutation(count).tolist()
    ]


def test_front_is_by_its_definition():
    rng = np.random.default_rng(0)
    for count in [*range(12), *rng.integers(12, 60, 60)]:
        some = points(rng, int(count))
        found = front(some)
        assert {point.trial for point in found} == naive_front(some)
        assert found == sorted(found, key=lambda one: one.cost)


def test_front_is_that_of_optuna():
    study = optuna.create_study(directions=["maximize", "minimize"])
    some = points(np.random.default_rng(1), 40)
    for point in some:
        study.add_trial(optuna.trial.create_trial(values=[point.score, point.cost]))
    own = {(point.score, point.cost) for point in front(some)}
    assert {tuple(trial.values) for trial in study.best_trials} == own


def test_a_wrong_front_is_seen():
    some = points(np.random.default_rng(2), 30)
    right = {point.trial for point in front(some)}
    beaten = min({point.trial for point in some} - right)
    assert naive_front(some) not in (right | {beaten}, right - {min(right)})


def test_ends():
    one = Estimate("1x1", 1, 1, 1.0, 1)
    some = [Point(n, "mac", "", score, cost, one, {}) for n, (score, cost) in enumerate([(90, 1), (95, 5), (93, 3), (92, 4)])]  # fmt: skip
    assert {name: point.trial for name, point in ends(some).items()} == {
        "most accurate": 1,
        "cheapest": 0,
    }
    assert ends(some, 92)["chosen"].trial == 2
    assert set(ends(some, 94)) == {"chosen", "cheapest"}  # the chosen one is the most accurate
    assert set(ends(some, 99)) == {"most accurate", "cheapest"} and not ends([])
    assert cheapest(some, 99) is None
