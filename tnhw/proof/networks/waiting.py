"""Whether somebody waits for ever at the streams of a module."""

from __future__ import annotations

import numpy as np

from .states import CHOICES, Fault, States

__all__ = ["nobody_waits_for_ever"]


def nobody_waits_for_ever(states: States) -> tuple[int, int]:
    """Follow each wait to its end, and check that an offer of a result stays.

    Returns
    -------
    results, beats : int
        The most clocks until a result is offered that is owed, and until a beat is taken where none is owed.

    Raises
    ------
    Fault
        If a wait has no end, or an offer is withdrawn.
    """
    offered = states.valid[::CHOICES]
    stays = ~states.valid | states.given | offered[states.after]
    if not stays.all():
        place = int(np.argmin(stays))
        raise Fault("an offer of a result is withdrawn", *divmod(place, CHOICES))
    owed = states.owed > 0
    waits = _longest(states, owed & ~states.valid, "a result that is owed is never offered")
    beats = _longest(states, ~owed & states.offers & ~states.taken, "a beat is never taken, though no result is owed")  # fmt: skip
    return waits, beats


def _longest(states, waiting, what):
    """The most clocks in a row in which somebody waits."""
    count = 0
    left = waiting
    while left.any():
        # A clock remains if one follows it in which the wait goes on.
        goes_on = left.reshape(-1, CHOICES).any(1)
        after = left & goes_on[states.after]
        count += 1
        if (after == left).all():
            raise Fault(what, *divmod(int(np.argmax(left)), CHOICES))
        left = after
    return count
