"""Liveness: whatever happened before, a load that is offered is taken, and an accepted vector is answered.

All states that the control of a module can reach from its start are listed, with any stalls, resets and wrongly
framed packets. Each clock of each state is checked against `contract`. Then all states in which something waits are
followed until nothing waits any more. `docs/proof.md` has the argument.
"""

import numpy as np

from .control import Control
from .pace import prove_pace
from .waiting import LivenessFailure, System

__all__ = ["prove_liveness"]


def prove_liveness(circuit, manifest):
    """Prove liveness, latency and interval; returns what was proven: list of str.

    Raises
    ------
    LivenessFailure
        If a promise of the ports is broken.
    Undecided
        If the control has too many states, or depends on too much data.
    """
    control = Control(circuit, manifest)
    try:  # senders that may withdraw beats have fewer states to follow, and often break no promise
        return _prove(System(control, manifest, persistent=False), manifest)
    except LivenessFailure:
        return _prove(System(control, manifest, persistent=True), manifest)


def _prove(system, manifest):
    system.explore()
    shown = [
        f"all {len(system.states) - system.first:,} control states that can be reached keep every promise"
    ]
    shown += _prove_waits(system)
    shown.append(prove_pace(system, manifest))
    return shown


def _prove_waits(system):
    """Show that nothing waits for ever, and find the longest waits when nothing stalls; returns sentences."""
    contract = system.contract
    _, counters = system.split(system.states[system.first :])
    due, vector = counters["due"] > 0, counters["vector"] > 0
    within = contract.whole(counters, "must") | vector

    def no_result(counters, inputs, outputs, events):
        return (counters["due"] > 0) & ~events["o"]

    def nothing_offered(counters, inputs, outputs, events):
        return no_result(counters, inputs, outputs, events) & (outputs["o valid"] == 0)

    def no_vector(counters, inputs, outputs, events):
        return ~events["i"] & (contract.whole(counters, "must") | (counters["vector"] > 0))

    def no_load(counters, inputs, outputs, events):
        moves = (counters["vector"] == 0) | (inputs["i valid"] == 1)
        if "i" in contract.framed:  # a packet that is too long comes to its end
            moves &= (counters["vector"] < contract.beats["i"]) | (inputs["i last"] == 1)
        return ~events["p"] & moves

    numbers = np.arange(system.first, len(system.states))
    said = "an accepted vector is never answered"
    system.wait(said, numbers[due], nothing_offered)  # whether or not results are taken
    longest = system.wait(said, numbers[due], no_result, **{"o ready": 1})
    shown = [f"an accepted vector is answered, each beat within {longest} clocks"]
    calm = {"i valid": 1} | ({"p valid": 0} if contract.loads else {})
    said = "a vector that is offered is never accepted"
    system.wait(said, numbers[within & ~due], no_vector, **calm)
    longest = system.wait(said, numbers[within], no_vector, **calm, **{"o ready": 1})
    shown.append(f"a vector that is offered is accepted, each beat within {longest} clocks")
    if contract.loads:
        said = "the rest of a vector is never accepted while a load is offered"
        system.wait(said, numbers[vector & ~due], no_vector, **{"i valid": 1})
        said = "a load that is offered is never taken"
        system.wait(said, numbers[~vector & ~due], no_load, **{"p valid": 1})
        longest = system.wait(said, numbers, no_load, **{"p valid": 1, "o ready": 1})
        shown.append(f"a load that is offered is taken, each beat within {longest} clocks")
    return shown
