"""The rule by which trials are stopped early."""

import numpy as np
import pytest
from search_tools import optuna  # noqa: F401  (without it there is nothing to test)

from tnhw.exploration.stopping import (
    FACTORS,
    Rival,
    losses,
    out_of_reach,
    overtaken,
    short_trainings,
)

PERCENT, DECIBEL = "% correct", "dB PSNR"


def test_short_trainings():
    assert short_trainings(80) == [(0, 5), (1, 20)]
    assert short_trainings(40) == [(1, 10)]  # two epochs say nothing
    assert short_trainings(8) == []


@pytest.mark.parametrize(
    "rival, stops",
    [
        (Rival(7, 10.0, {5: 90.0}), True),
        (Rival(7, 10.1, {5: 99.0}), False),  # costs more
        (Rival(7, 5.0, {20: 99.0}), False),  # after more epochs
        (Rival(7, 5.0, {5: 85.6}), False),  # 1.4 times as many errors are allowed
        (Rival(7, 5.0), False),
    ],
)
def test_overtaken(rival, stops):
    assert (overtaken(0, 5, 80.0, 10.0, [rival], PERCENT, 10**6) is rival) == stops


def test_few_rows_say_less():
    rival = Rival(0, 1.0, {5: 90.0})
    assert overtaken(0, 5, 84.0, 1.0, [rival], PERCENT, 10**6) is rival
    assert overtaken(0, 5, 84.0, 1.0, [rival], PERCENT, 100) is None


def test_decibels():
    rival = Rival(0, 1.0, {20: 17.0})
    assert overtaken(1, 20, 16.5, 1.0, [rival], DECIBEL, 100) is None  # 1.12 times the error
    assert overtaken(1, 20, 16.3, 1.0, [rival], DECIBEL, 100) is rival  # 1.17 times
    assert losses(10.0, DECIBEL) == pytest.approx(0.1)


def test_no_trial_stops_that_would_be_on_the_front_of_short_trainings():
    """What no cheaper trial beats after as many epochs is never stopped, whatever the numbers."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        rivals = [
            Rival(n, float(rng.integers(1, 9)), {5: float(rng.uniform(50, 99))}) for n in range(8)
        ]
        cost = float(rng.integers(1, 9))
        best = max([rival.scores[5] for rival in rivals if rival.cost <= cost], default=0.0)
        assert overtaken(0, 5, best, cost, rivals, PERCENT, 1000) is None
        worse = 100 - FACTORS[0] * (100 - best) - 10
        assert (overtaken(0, 5, worse, cost, rivals, PERCENT, 1000) is None) == (best == 0.0)


def test_out_of_reach():
    assert not out_of_reach(0, 50.0, None, PERCENT)
    assert out_of_reach(0, 74.0, 95.0, PERCENT) and not out_of_reach(0, 76.0, 95.0, PERCENT)
    assert out_of_reach(1, 89.0, 95.0, PERCENT) and not out_of_reach(1, 91.0, 95.0, PERCENT)
