"""Pace: the latency and the interval that a manifest states are those of the module.

Latency counts from a vector's last beat, interval from vector to vector, both if nothing stalls. From every state
without a vector, vectors are sent one after the other: at the stated interval, and as fast as they are taken. After
some intervals the control of the module is in a state in which it was before, and from then on it repeats itself.
"""

import numpy as np

from ..formulas.solver import Undecided

__all__ = ["prove_pace"]


def prove_pace(system, manifest):
    """Show that latency and interval are right; returns a sentence that says so.

    Raises
    ------
    LivenessFailure
        If one of them is wrong.
    Undecided
        If they depend on data, or the control does not repeat itself in time.
    """
    latency, interval = manifest["latency"], manifest["interval"]
    if system.control.data:
        raise Undecided("latency and interval depend on data")
    _, counters = system.split(system.states[system.first :])
    idle = (counters["due"] == 0) & (counters["vector"] == 0)
    idle &= system.contract.whole(counters, "must")
    for name in {"waits_p"} & set(counters):
        idle &= counters[name] == 0
    starts = system.first + np.flatnonzero(idle)
    run = _Run(system, starts, interval, rounds=latency + 4 * interval + 12)
    accepted, first = run.vectors(paced=True, beyond=latency)
    for clock in range(len(first)):
        wanted = accepted[clock - latency] if clock >= latency else False
        what = f"a result is not offered {latency} clocks after its vector, as the manifest states"
        run.demand(first[clock] == wanted, what, clock)
    run.vectors(paced=False)
    return (
        f"where nobody stalls, a result is offered exactly {latency} clocks after the last beat of its vector, and "
        f"a vector is taken each {interval} clocks, as the manifest states"
    )


class _Run:
    """Vectors sent one after the other, from many states at once; nothing stalls and no load is offered."""

    def __init__(self, system, starts, interval, *, rounds):
        self._system, self._starts = system, starts
        self._interval, self._rounds = interval, rounds

    def vectors(self, *, paced, beyond=0):
        """Send vectors until the control repeats itself, at the interval if `paced`, else as fast as possible.

        Returns
        -------
        list of array of bool
            For each clock, the states in which a vector is complete.
        list of array of bool
            For each clock, the states in which the first beat of a result is offered.
        """
        self._rows, self._inputs = self._system.states[self._starts], []
        self._credit = np.zeros(len(self._rows), np.int64)
        accepted, first, counts, before = [], [], [], [self._rows.tobytes()]
        while before.count(before[-1]) == 1:
            if len(before) > self._rounds:
                raise Undecided(
                    f"after {len(before)} intervals no state of the control has repeated"
                )
            counts.append(self._round(paced, accepted, first))
            before.append(self._rows.tobytes())
        rounds = len(before) - 1 - before.index(before[-1])
        what = f"a vector is not taken each {self._interval} clocks, as the manifest states"
        self.demand(sum(counts[-rounds:]) == rounds, what, len(accepted) - 1)
        for _ in range(-(-beyond // self._interval) + rounds):
            self._round(paced, accepted, first)
        return accepted, first

    def _round(self, paced, accepted, first):
        """Run one interval; returns how many vectors were taken in each state."""
        contract = self._system.contract
        counts = np.zeros(len(self._rows), np.int64)
        self._credit = self._credit + paced
        for _ in range(self._interval):
            _, counters = self._system.split(self._rows)
            inputs = dict.fromkeys(self._system.ranges, counts * 0)
            inputs["i valid"] = counts * 0 + 1 if not paced else (self._credit > 0) * 1
            inputs["o ready"] = counts * 0 + 1
            if "i last" in inputs:
                inputs["i last"] = (counters["vector"] == contract.beats["i"] - 1) * 1
            self._rows, _, outputs, _, events = self._system.clock(self._rows, inputs)
            self._inputs.append(inputs)
            accepted.append(events["done"])
            first.append((outputs["o valid"] == 1) & (counters["sent"] == 0))
            counts = counts + events["done"]
            self._credit = self._credit - events["done"] * paced
        return counts

    def demand(self, fine, what, clock):
        if np.all(fine):
            return
        at = int(np.flatnonzero(~fine)[0])
        inputs = self._system.path(self._starts[at])
        inputs += [{n: int(v[at]) for n, v in given.items()} for given in self._inputs[: clock + 1]]
        self._system.fail(what, inputs)
