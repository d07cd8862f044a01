"""Several processes: workers that are killed, and two that share a folder."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from places import ROOT, SUPPORT
from search_tools import naive_front, optuna, run_search

from tnhw.support.environment import for_child

LIMIT = 300  # seconds for a worker


def worker(folder, trials, seconds):
    """Start a process that searches in a folder."""
    command = [sys.executable, SUPPORT / "search_tools.py", folder, str(trials), str(seconds)]
    return subprocess.Popen(
        command, env=for_child({"PYTHONPATH": str(ROOT)}), stderr=subprocess.PIPE, text=True
    )


def finished(folder):
    """Finished trials by number: state and values; empty before there is a journal."""
    if not (folder / "study.journal").exists():
        return {}
    backend = optuna.storages.journal.JournalFileBackend(str(folder / "study.journal"))
    try:
        study = optuna.load_study(
            study_name="tnhw", storage=optuna.storages.JournalStorage(backend)
        )
    except KeyError:
        return {}
    return {t.number: (t.state, t.values) for t in study.get_trials() if t.state.is_finished()}


def wait_for(folder, count, *processes):
    """Wait until so many trials are finished, and return them; no process may end before."""
    end = time.monotonic() + LIMIT
    while len(found := finished(folder)) < count:
        assert time.monotonic() < end, "the worker is too slow"
        for process in processes:
            assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    return found


def overlap(folder):
    """Whether at some time two trials were worked on."""
    backend = optuna.storages.journal.JournalFileBackend(str(folder / "study.journal"))
    storage = optuna.storages.JournalStorage(backend)
    trials = optuna.load_study(study_name="tnhw", storage=storage).get_trials()
    spans = sorted((one.datetime_start, one.datetime_complete) for one in trials)
    return any(after[0] < before[1] for before, after in zip(spans, spans[1:], strict=False))


def trainings(folder):
    """How often each training has ended: Counter of (network, epochs)."""
    return Counter(folder.with_name("log").read_text().splitlines())


@pytest.mark.slow
def test_killed_twice(tmp_path):
    folder = tmp_path / "s"
    for count in (3, 6):
        process = worker(folder, 12, 0.3)
        before = wait_for(folder, count, process)
        time.sleep(0.1)  # into the next trial
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
    result = run_search(folder, trials=12)  # in this process
    after = finished(folder)
    assert {number: after[number] for number in before} == before
    assert len(result.points) + len(result.stopped) == 12 and result.waiting == 0
    assert max(trainings(folder).values()) == 1  # what has ended is not done again
    assert result.points == run_search(folder, trials=12).points
    whole = run_search(tmp_path / "whole", trials=12)
    assert [(one.trial, one.label, one.score) for one in result.points] == [
        (one.trial, one.label, one.score) for one in whole.points
    ]


@pytest.mark.slow
def test_two_workers(tmp_path):
    """Both work at the same time, no trial is done twice, and whoever reads the report finds a whole one."""
    folder = tmp_path / "s"
    both = [worker(folder, 16, 0.4) for _ in range(2)]
    seen = 0
    while any(process.poll() is None for process in both):
        if (folder / "front.json").exists():
            record = json.loads((folder / "front.json").read_text())
            page = (folder / "report.html").read_text()
            assert page.endswith("</html>\n") and record["trials"]["waiting"] <= 2
            seen = max(seen, record["trials"]["waiting"])
        time.sleep(0.02)
    for process in both:
        assert process.returncode == 0, process.communicate()[1]
        process.stderr.close()
    assert seen and overlap(folder)
    assert max(trainings(folder).values()) == 1
    result = run_search(folder, trials=16)
    assert len(result.points) + len(result.stopped) == 16 and result.waiting == 0
    assert {point.trial for point in result.front} == naive_front(result.points)
    labels = [one.label for one in result.points] + [one["label"] for one in result.stopped]
    assert len(labels) == len(set(labels))


@pytest.mark.nightly
def test_killed_often(tmp_path):
    """Kills at times that fall anywhere, in two workers at once."""
    folder = tmp_path / "s"
    before = {}
    for number in range(8):
        both = [worker(folder, 60, 0.2) for _ in range(2)]
        wait_for(folder, len(before) + 2, *both)
        time.sleep(0.07 * number)
        for process in both:
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stderr.close()
        now = finished(folder)
        assert {key: now[key] for key in before} == before
        before = now
    result = run_search(folder, trials=60)
    assert len(result.points) + len(result.stopped) == 60 and result.waiting == 0
    assert max(trainings(folder).values()) == 1
