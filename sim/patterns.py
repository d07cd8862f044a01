"""When a sender pauses and when a receiver takes: idle and back-pressure patterns.

An idle pattern gives, cycle by cycle, whether the sender pauses instead of offering its next beat.
A back-pressure pattern gives `ready` of the next cycle; it is sent `valid` of the cycle that ends.
"""


def _run(value, cycles):
    for _ in range(cycles):
        yield value


def never_idle(rng):
    """Never pause."""
    while True:
        yield False


def random_idle(rng):
    """Pause in four of ten cycles."""
    while True:
        yield rng.random() < 0.4


def burst_idle(rng):
    """Pauses and runs of 1 to 12 cycles."""
    while True:
        yield from _run(False, rng.randint(1, 12))
        yield from _run(True, rng.randint(1, 12))


def always_ready(rng):
    """Never stall."""
    while True:
        yield True


def random_ready(rng):
    """Stall in four of ten cycles."""
    while True:
        yield rng.random() >= 0.4


def burst_ready(rng):
    """Stalls and runs of 1 to 12 cycles."""
    while True:
        yield from _run(True, rng.randint(1, 12))
        yield from _run(False, rng.randint(1, 12))


def early_ready(rng):
    """Ready before valid, until a beat is taken; then a stall of 1 to 4 cycles."""
    while True:
        taken = False
        while not taken:
            taken = yield True
        yield from _run(False, rng.randint(1, 4))


def late_ready(rng):
    """Ready only after valid was seen, 1 to 4 cycles later, for one beat."""
    seen = False
    while True:
        while not seen:
            seen = yield False
        yield from _run(False, rng.randint(0, 3))
        yield True
        seen = yield False


IDLE = {"never": never_idle, "random": random_idle, "bursts": burst_idle}

BACK_PRESSURE = {
    "never": always_ready,
    "random": random_ready,
    "bursts": burst_ready,
    "early": early_ready,
    "late": late_ready,
}
