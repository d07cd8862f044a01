"""Ends of a stream: a driver that offers beats, a receiver that takes them, a monitor that looks on.

Each has `sample`, called at a rising edge with the values before it, and some have `drive`, called
after all have sampled. Nobody awaits, so that one loop moves all of them in a known order.
"""

import random

from cocotb.handle import LogicObject
from cocotb.types import Logic, LogicArray


class Failure(AssertionError):
    """A check that failed: `record` has `kind` and `text`, and what belongs to the kind."""

    def __init__(self, kind, text, **more):
        self.record = {"kind": kind, "text": text, **more}
        super().__init__(text)


class Port:
    """Signals of one stream, by the names in the manifest."""

    def __init__(self, dut, stream):
        self.names = stream
        self.width = stream["width"]
        self.beats = stream["beats"]
        self.payload = getattr(dut, stream["payload"])
        self.valid = getattr(dut, stream["valid"])
        self.ready = getattr(dut, stream["ready"])
        self.last = getattr(dut, stream["last"]) if stream["last"] else None

    def bit(self, which):
        """`valid`, `ready` or `last` as a bool."""
        value = str(getattr(self, which).value)
        if value == "1":
            return True
        if value == "0":
            return False
        raise Failure("unknown", f"`{self.names[which]}` is {value}, neither 0 nor 1.")


class Framing:
    """Tells which beats of a sink show a wrong `tlast`.

    One that is early shows it where it stands. One that is late shows it on the beat that should have
    had it; what follows, up to and including the next `tlast`, belongs to no vector.

    Parameters
    ----------
    beats : int
        Beats of a vector or a load.
    """

    def __init__(self, beats):
        self.beats = beats
        self.position, self.dropping = 0, False

    def is_wrong(self, last):
        """Whether the next beat, with this `tlast`, shows that it or an earlier one is wrong."""
        if self.dropping:
            self.dropping = not last
            return False
        at_end = self.position == self.beats - 1
        self.dropping = at_end and not last
        self.position = 0 if at_end or last else self.position + 1
        return at_end != bool(last)


class Driver:
    """Offers beats (payload, last) to a sink of the kernel, and holds each until it is taken.

    Parameters
    ----------
    port : Port
    idle : iterator of bool
        Whether to pause.
    filler : str
        Payload while nothing is offered: ``x``, or ``junk``, random bits.

    Attributes
    ----------
    taken : list of int
        Cycles in which beats were taken.
    faulty : bool
        Whether the beat that was taken in this cycle shows a wrong `tlast`.
    """

    def __init__(self, port, idle, filler):
        self.port = port
        self.idle = idle
        self.beats = []
        self.taken = []
        self.offering = False
        self.faulty, self._framing = False, Framing(port.beats)
        self._filler = _filler(port.payload, port.width, filler)
        self._last_filler = _filler(port.last, 1, filler) if port.last is not None else None
        self._put_filler()

    @property
    def done(self):
        """Whether every beat was taken."""
        return len(self.taken) == len(self.beats)

    def sample(self, cycle):
        """Note whether the offered beat was taken; true if so."""
        taken = self.offering and self.port.bit("ready")
        if taken:
            _, last = self.beats[len(self.taken)]
            self.taken.append(cycle)
        self.faulty = taken and self._framing.is_wrong(last)
        return taken

    def drive(self, taken):
        """Offer the next beat, or pause."""
        if self.offering and not taken:
            return
        if len(self.taken) < len(self.beats) and not next(self.idle):
            payload, last = self.beats[len(self.taken)]
            self.port.payload.value = payload
            if self.port.last is not None:
                self.port.last.value = last
            if not self.offering:
                self.port.valid.value = 1
                self.offering = True
        elif self.offering:
            self.stop()

    def clear(self):
        """Forget all beats, offered and to come."""
        self.beats, self.taken = [], []
        self.faulty, self._framing = False, Framing(self.port.beats)
        self.stop()

    def stop(self):
        """Put the filler on the stream."""
        self.offering = False
        self._put_filler()

    def _put_filler(self):
        self.port.valid.value = 0
        self.port.payload.value = next(self._filler)
        if self.port.last is not None:
            self.port.last.value = next(self._last_filler)


class Receiver:
    """Drives `ready` of a source of the kernel: by a pattern, or low while `hold` is true."""

    def __init__(self, port, back_pressure):
        self.port = port
        self.pattern = back_pressure
        self.hold = False
        self.ready = next(back_pressure)
        port.ready.value = int(self.ready)

    def drive(self, valid):
        """`ready` of the next cycle, after a cycle with this `valid`."""
        ready = self.pattern.send(valid) and not self.hold
        if ready != self.ready:
            self.port.ready.value = int(ready)
            self.ready = ready


class Monitor:
    """Watches a source of the kernel: stable under stall, and never unknown where it counts.

    Parameters
    ----------
    port : Port
    take : callable (payload bits, last, cycle)
        Called with each beat that is transferred.
    """

    def __init__(self, port, take):
        self.port = port
        self.take = take
        self.rises = []
        self._held = None

    def sample(self, cycle, ready):
        """Check this cycle; returns `valid`."""
        if not self.port.bit("valid"):
            if self._held is not None:
                raise Failure(
                    "stability",
                    f"`{self.port.names['valid']}` fell before `{self.port.names['ready']}` rose: "
                    "a beat must stay until it is taken.",
                )
            return False
        now = (
            str(self.port.payload.value),
            None if self.port.last is None else self.port.bit("last"),
        )
        if now[0].strip("01"):
            raise Failure(
                "unknown",
                f"`{self.port.names['payload']}` has unknown bits while "
                f"`{self.port.names['valid']}` is high: {now[0]}.",
            )
        if self._held is not None and now != self._held:
            raise Failure(
                "stability",
                f"`{self.port.names['payload']}` changed before `{self.port.names['ready']}` rose: "
                "a beat must stay as it is until it is taken.",
            )
        if self._held is None:
            self.rises.append(cycle)
        self._held = None if ready else now
        if ready:
            self.take(*now, cycle)
        return True

    def forget(self):
        """Forget the beat that is held, as a reset does."""
        self._held = None


def _filler(handle, width, kind):
    """Values, one after the other."""
    rng = random.Random(width)
    unknown = None
    if kind == "x":
        unknown = Logic("X") if isinstance(handle, LogicObject) else LogicArray("X" * width)
    while True:
        yield rng.getrandbits(width) if unknown is None else unknown
