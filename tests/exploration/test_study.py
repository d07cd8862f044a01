"""Searches whose trainings are made up: how they end, go on, stop early, and share a folder."""

import json
from collections import Counter

import pytest
from search_tools import (
    SPACE,
    Trainer,
    cost_of,
    naive_front,
    optuna,
    run_search,
    score_of,
    small_data,
)

from tnhw.errors import InputError
from tnhw.exploration.claims import claim
from tnhw.train.recipes import Recipe


def stored(folder):
    """The trials of a folder as Optuna reads them."""
    backend = optuna.storages.journal.JournalFileBackend(str(folder / "study.journal"))
    storage = optuna.storages.JournalStorage(backend)
    return optuna.load_study(study_name="tnhw", storage=storage).get_trials()


def facts(result):
    """What a search found, without the time that it took."""
    return [(one.trial, one.label, one.score, one.cost) for one in result.points], [
        (one["trial"], one["label"], one["why"]) for one in result.stopped
    ]


def test_a_search(tmp_path):
    said, trainer = [], Trainer()
    result = run_search(tmp_path / "s", trainer, say=said.append)
    trials = stored(tmp_path / "s")
    assert len(result.points) + len(result.stopped) == 12
    assert {point.trial for point in result.front} == naive_front(result.points)
    for point in result.points:
        recipe = Recipe(**point.recipe | {"hidden": tuple(point.recipe["hidden"])})
        assert (point.score, point.cost) == (score_of(recipe, point.trial), cost_of(recipe))
        assert trials[point.trial].values == [point.score, point.cost]
    assert {one["why"] for one in result.stopped} >= {"no design fits icebreaker"}
    assert [one.what for one in result.built] == ["most accurate", "cheapest"]
    asked = {name for name, _ in trainer.asked}
    assert asked == {f"few_trial{t.number}" for t in trials if "cost" in t.user_attrs}
    assert any("(front)" in line for line in said) and said[-1].startswith("front, % at cycles")
    assert not list((tmp_path / "s" / "trials").glob("*.checkpoint"))


def test_the_report(tmp_path):
    result = run_search(tmp_path / "s", pictures=True)
    folder = tmp_path / "s"
    record = json.loads((folder / "front.json").read_text())
    assert record == json.loads(json.dumps(result.to_dict()))
    assert [one["trial"] for one in record["front"]] == [one.trial for one in result.front]
    lines = (folder / "trials.csv").read_text().splitlines()
    assert [int(line.split(",")[0]) for line in lines[1:]] == sorted(
        [one.trial for one in result.points] + [one["trial"] for one in result.stopped]
    )
    page = (folder / "report.html").read_text()
    assert page.endswith("</html>\n") and page.count("<svg") == 1
    assert "<h3>mac</h3>" in page and "<h3>threshold</h3>" in page
    assert result.table().startswith("few on icebreaker: front of validation %")
    assert "networks trained" in result.summary


def test_names_in_the_report_are_text(tmp_path):
    from dataclasses import replace

    from tnhw.exploration.report import html

    result = replace(run_search(tmp_path / "s", trials=2), data="<script>")
    assert "<script>" not in html(result, {}) and "&lt;script&gt;" in html(result, {})


def test_the_same_seed_tries_the_same(tmp_path):
    first, second, other = (
        facts(run_search(tmp_path / name, seed=seed))
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first == second != other


def test_an_interrupted_search_goes_on(tmp_path):
    """A Ctrl-C in several trials, in short and in long trainings, changes nothing of the result."""
    whole = facts(run_search(tmp_path / "whole"))
    shown, asked, cut = [], [], []
    for call in (1, 2, 6):
        trainer = Trainer(interrupt=call)
        with pytest.raises(KeyboardInterrupt):
            run_search(tmp_path / "s", trainer, stopped=shown.append)
        asked += trainer.asked
        cut.append(trainer.asked[-1])
    assert [one.waiting for one in shown] == [1, 1, 1]
    assert json.loads((tmp_path / "s" / "front.json").read_text())["trials"]["waiting"] == 1
    before = [one.trial for one in shown[-1].points]
    trainer = Trainer()
    assert facts(run_search(tmp_path / "s", trainer)) == whole
    again = {name for name, _ in trainer.asked}
    assert before and not again & {f"few_trial{number}" for number in before}
    twice = Counter(asked + trainer.asked) - Counter(set(asked + trainer.asked))
    assert twice == Counter(cut)  # only what was cut off is asked for again


def test_more_trials_later(tmp_path):
    few = run_search(tmp_path / "s", trials=5)
    trainer = Trainer()
    assert facts(run_search(tmp_path / "s", trainer, trials=5)) == facts(few) and not trainer.asked
    more = run_search(tmp_path / "s", trials=8)
    assert len(more.points) + len(more.stopped) == 8
    assert facts(more)[0][: len(few.points)] == facts(few)[0]


def test_out_of_time(tmp_path):
    said = []
    result = run_search(
        tmp_path / "s", Trainer(wait=20), trials=None, budget=0.002, say=said.append
    )
    assert not result.points and result.waiting == 1
    assert "trial 0: not finished in time; the next search goes on with it" in said
    assert said[-1].startswith("no network was trained to its end")
    assert len(run_search(tmp_path / "s", trials=3).points) >= 2


def test_every_network_once(tmp_path):
    space = SPACE | {"widths": (4, 6), "hidden_layers": (1,), "bits": (4,), "levels": (8,), "weight_bits": (4,), "inject": (0,)}  # fmt: skip
    result = run_search(tmp_path / "s", space=space, trials=50)
    labels = [one[1] for part in facts(result) for one in part]
    assert len(labels) == len(set(labels)) == 4


def test_trials_that_are_beaten_stop(tmp_path):
    """The first trial of each kind is trained to its end; others that are beaten after a short training are not."""
    result = run_search(tmp_path / "s", trials=20)
    trials = stored(tmp_path / "s")
    beaten = [one for one in result.stopped if "more accurate and costs no more" in one["why"]]
    assert beaten and {point.trial for point in result.points} >= {0, 1}
    for one in beaten:
        own = trials[one["trial"]]
        epochs = int(one["why"].split()[1])
        rival = trials[int(one["why"].split()[4])]
        assert rival.user_attrs["cost"] <= own.user_attrs["cost"]
        assert rival.user_attrs["scores"][str(epochs)] > own.user_attrs["scores"][str(epochs)]


def test_wanted_accuracy(tmp_path):
    result = run_search(tmp_path / "s", trials=16, accuracy=88.2)
    chosen = next(one for one in result.built if one.what == "chosen")
    good = [one for one in result.points if one.score >= 88.2]
    assert chosen.trial in {one.trial for one in good if one.cost == min(p.cost for p in good)}
    said = []
    run_search(tmp_path / "t", trials=4, accuracy=99.9, say=said.append)
    assert "no network has the wanted 99.9" in said


@pytest.mark.parametrize(
    "options, text",
    [
        (
            {"board": "ulx3s_25f"},
            "holds a search with other settings: board icebreaker, not ulx3s_25f",
        ),
        ({"seed": 3}, "seed 0, not 3"),
        ({"space": SPACE | {"bits": (4,)}}, r"bits \[3, 4\], not \[4\]"),
        (
            {"objective": "cells"},
            "objective speed, not cells; give the same, or choose another folder with -o",
        ),
        ({"data": small_data(1)}, None),
    ],
)
def test_another_search_in_the_folder(tmp_path, options, text):
    run_search(tmp_path / "s", trials=1)
    if text is None:  # the card of these data has no hash: nothing tells them apart
        run_search(tmp_path / "s", trials=1, **options)
        return
    with pytest.raises(InputError, match=text):
        run_search(tmp_path / "s", trials=1, **options)


@pytest.mark.parametrize(
    "options, text",
    [
        ({"objective": "beauty"}, "the objective must be speed or cells, not 'beauty'"),
        ({"speed": 5.0}, "for the objective `cells`"),
        (
            {"objective": "cells", "speed": float("nan")},
            "`speed` must be vectors a second, 0 or more",
        ),
        ({"budget": 0.0}, "`budget` must be minutes, more than 0, not 0.0"),
        ({"trials": 0}, "`trials` must be 1 or more, not 0"),
        ({"trials": None}, "give a budget in minutes, or a number of trials"),
        ({"board": "arty_a7_35"}, "only .* builds for it"),
    ],
)
def test_wrong_settings(tmp_path, options, text):
    with pytest.raises(InputError, match=text):
        run_search(tmp_path / "s", **options)
    assert not (tmp_path / "s").exists()


def test_damaged_files(tmp_path):
    run_search(tmp_path / "s", trials=2)
    journal = tmp_path / "s" / "study.journal"
    good = journal.read_bytes()
    journal.write_bytes(good + b'{"op_code": 4, "wor')  # as a full disk leaves it
    assert len(stored(tmp_path / "s")) == 2
    run_search(tmp_path / "s", trials=3)
    assert len(stored(tmp_path / "s")) == 3
    journal.write_bytes(good[:50] + b"\n" + good)
    with pytest.raises(InputError, match="study.journal: is damaged"):
        run_search(tmp_path / "s", trials=3)
    (tmp_path / "s" / "search.json").write_text("[")
    with pytest.raises(InputError, match="search.json: is damaged"):
        run_search(tmp_path / "s", trials=3)


def test_a_trial_that_another_works_on_is_left_alone(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run_search(tmp_path / "s", Trainer(interrupt=1))
    lock = claim(tmp_path / "s" / "trials" / "0.lock")
    assert lock is not None and claim(tmp_path / "s" / "trials" / "0.lock") is None
    trainer = Trainer()
    result = run_search(tmp_path / "s", trainer, trials=3)
    assert result.waiting == 1 and "few_trial0" not in {name for name, _ in trainer.asked}
    assert len(result.points) + len(result.stopped) == 2
