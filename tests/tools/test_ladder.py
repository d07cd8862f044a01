"""The ladder of retries: what moves on, what ends it, what is said and recorded."""

import pytest

from tnhw.errors import DoesNotFit, ToolDied, ToolFailed
from tnhw.tools import ToolTimeout
from tnhw.tools.ladder import climb, recorded

RUNGS = [("with seed 1", 1), ("with seed 2", 2), ("with seed 3", 3)]


def test_first_rung(capfd):
    with recorded() as retries:
        assert climb(RUNGS, str) == (1, "1")
    assert retries == [] and capfd.readouterr() == ("", "")


@pytest.mark.parametrize("error", [ToolTimeout, ToolDied])
def test_climb(error, capfd):
    def attempt(seed):
        if seed < 3:
            raise error(f"seed {seed} hangs.\nIts log is /somewhere")
        return "routed"

    with recorded() as all_:
        with recorded() as retries:
            assert climb(RUNGS, attempt) == (3, "routed")
        with recorded() as others:
            climb(RUNGS[2:], attempt)
    assert retries == [
        {"failure": "seed 1 hangs.", "change": "with seed 2"},
        {"failure": "seed 2 hangs.", "change": "with seed 3"},
    ]
    assert all_ == retries and others == []
    said = capfd.readouterr().err
    assert "tnhw: seed 1 hangs.\nIts log is /somewhere\ntnhw: trying again with seed 2\n" in said


def test_last_rung_fails():
    def attempt(seed):
        raise ToolDied(f"seed {seed} died.")

    text = "seed 3 died.\nIt was also tried with seed 2; with seed 3."
    with pytest.raises(ToolDied) as info:
        climb(RUNGS, attempt)
    assert str(info.value) == text


@pytest.mark.parametrize("error", [ToolFailed("no such part"), DoesNotFit("too big")])
def test_refusal_ends_the_climb(error):
    tried = []

    def attempt(seed):
        tried.append(seed)
        raise error

    with pytest.raises(type(error), match=f"^{error}$"):
        climb(RUNGS, attempt)
    assert tried == [1]
