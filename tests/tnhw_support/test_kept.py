"""Kept results: read as they were written, or not at all."""

import pytest

from tnhw.support import kept


@pytest.mark.parametrize("value", [{"b": [1, 2.5, None], "a": {"x": "é"}}, [], 0, "text"])
def test_read(value, tmp_path):
    (tmp_path / "file").write_text(kept.text(value), encoding="utf-8")
    assert kept.read(tmp_path / "file") == value


@pytest.mark.parametrize(
    "old, new", [("7", "8"), ("}", ""), ("value", "volue"), ("sha256", "sha1")]
)
def test_damaged(old, new, tmp_path):
    text = kept.text({"answer": 7})
    (tmp_path / "file").write_text(text[::-1].replace(old[::-1], new[::-1], 1)[::-1])
    assert kept.read(tmp_path / "file") is None


def test_missing(tmp_path):
    assert kept.read(tmp_path / "file") is None and kept.read(tmp_path) is None
