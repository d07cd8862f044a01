"""Choose a few of many, evenly spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

__all__ = ["spread"]

T = TypeVar("T")


def spread(items: Sequence[T], count: int) -> list[T]:
    """At most `count` elements of a sequence, in order; with both ends if `count` is more than 1."""
    at = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return [items[k] for k in sorted(set(at.tolist()))]
