"""Whether somebody waits for ever at the streams of a module."""

from __future__ import annotations

import numpy as np

from .states import Fault, States

__all__ = ["nobody_waits_for_ever"]


def nobody_waits_for_ever(states: States) -> None:
    """Follow each wait to its end, and check that an offer of a result, and of room, stays.

    Raises
    ------
    Fault
        If a wait has no end, or an offer is withdrawn.
    """
    contract = states.contract
    if not contract.promises:
        _stays(states, states.valid, ~states.given, "an offer of a result is withdrawn")
    if contract.promised:
        _stays(states, states.room, states.promise == 0, "room is withdrawn")
    silent = ~states.valid
    _ends(
        states,
        (states.owed > 0) & silent & _way_is_free(states),
        "a result that is owed is never offered",
    )
    if contract.promised:
        none = ~states.room & (states.open == 0)
        _ends(states, none & silent & _way_is_free(states), "there is never room for a beat")
    elif contract.early or contract.promises:
        refused = states.offers & ~states.taken
        _ends(
            states,
            refused & silent & _way_is_free(states),
            "a beat is never taken, though no result waits",
        )
    else:
        refused = states.offers & ~states.taken & (states.owed <= 0)
        _ends(states, refused, "a beat is never taken, though no result is owed")


def _way_is_free(states):
    """Whether a result may leave: if it must be promised, there is room for it, or it was promised."""
    if not states.contract.promises:
        return np.ones(len(states.takes), bool)
    return states.takes | (states.due > 0)


def _stays(states, offer, kept, what):
    """Check that what is offered in a clock, and is kept, is offered in the next one."""
    offered = np.zeros(len(states), bool)
    offered[states.before] = offer
    stays = ~offer | ~kept | offered[states.after]
    if not stays.all():
        raise _fault(states, int(np.argmin(stays)), what)


def _fault(states, clock, what):
    return Fault(what, states.before[clock], states.choices([clock])[0])


def _ends(states, waiting, what):
    """Check that no clocks in which somebody waits form a loop."""
    clocks = np.flatnonzero(waiting)
    before, after = states.before[clocks], states.after[clocks]
    # A clock is done if none in which the wait goes on follows it.
    left = np.bincount(before, minlength=len(states))
    order = np.argsort(after, kind="stable")
    begins = np.searchsorted(after[order], np.arange(len(states) + 1))
    ended = np.unique(after[left[after] == 0])
    done = 0
    while len(ended):
        counts = np.diff(begins)[ended]
        ends = np.cumsum(counts)
        into = order[np.repeat(begins[ended] - ends + counts, counts) + np.arange(ends[-1])]
        done += len(into)
        np.subtract.at(left, before[into], 1)
        candidates = np.unique(before[into])
        ended = candidates[left[candidates] == 0]
    if done < len(clocks):
        place = int(np.flatnonzero((left[before] > 0) & (left[after] > 0))[0])
        raise _fault(states, int(clocks[place]), what)
