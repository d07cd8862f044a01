"""Runs of a network's Verilog for all inputs at once: without stalls until everything repeats, and with random ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .answers import Answers
from .machine import Machine
from .netlist import Netlist
from .renaming import renamed
from .values import UNKNOWN, NotUnderstood

__all__ = ["Differs", "Run"]


class Differs(Exception):
    """A result is not the one of the definition: `image`, `element`, `cycle`, and what it is, in words."""

    def __init__(self, image: int, element: int, cycle: int, what: str) -> None:
        super().__init__(f"image {image}, result {element}, cycle {cycle}: {what}")
        self.image, self.element, self.cycle, self.what = image, element, cycle, what


@dataclass
class Run:
    """A machine between a sender of images and a receiver.

    Parameters
    ----------
    netlist : Netlist
    manifest : dict
    network : Network
    sends, takes : callable
        Whether the sender offers a beat in a cycle, and whether the receiver takes one: functions of the cycle. A beat that
        is offered stays.
    """

    netlist: Netlist
    manifest: dict
    network: Any
    sends: Callable[[int], bool] = lambda cycle: True
    takes: Callable[[int], bool] = lambda cycle: True
    cycle: int = 0
    sent: int = 0  # beats
    results: int = 0  # beats
    before: Run | None = None  # of the same netlist, whose values are used again

    def __post_init__(self):
        self.answers = self.before.answers if self.before else Answers(self.network, self.manifest)
        self.machine = Machine(
            self.netlist, self.answers.space, self.answers.keep, self.before and self.before.machine
        )
        self.input, self.answer = self.answers.input, self.answers.output
        self._offered = False
        self._waiting = False
        self._ends: list[int] = []  # cycles in which the last beat of an image was taken
        self._rises: list[int] = []  # cycles in which the first beat of a result was offered first
        for _ in range(2):
            self._step(reset=1)
        self.cycle = 0

    def _step(self, reset=0):
        self._offered = not reset and (self._offered or self.sends(self.cycle))
        payload = ((self.input["width"], UNKNOWN),)
        if self._offered:
            image, beat = divmod(self.sent, self.input["beats"])
            self.answers.know(image)
            payload = self.answers.beat(image, beat)
        ready = int(not reset and self.takes(self.cycle))
        self.machine.settle(
            {
                self.manifest["reset"]: ((1, reset),),
                self.input["payload"]: payload,
                self.input["valid"]: ((1, int(self._offered)),),
                self.answer["ready"]: ((1, ready),),
            }
        )
        if not reset:
            self._exchange(ready)
        self.machine.clock()
        self.cycle += 1

    def _bit(self, name):
        [(width, value)] = self.machine.output(name)
        if width != 1 or not isinstance(value, int):
            raise NotUnderstood(f"`{name}` depends on data")
        return value

    def _exchange(self, ready):
        if self._offered and self._bit(self.input["ready"]):
            self.sent += 1
            self._offered = False
            if not self.sent % self.input["beats"]:
                self._ends.append(self.cycle)
        valid = self._bit(self.answer["valid"])
        if self._waiting and not valid:
            raise Differs(self._image, 0, self.cycle, "a result was withdrawn")
        if valid:
            self._check(self.machine.output(self.answer["payload"]))
            if not self._waiting and not self.results % self.answer["beats"]:
                self._rises.append(self.cycle)
        self._waiting = bool(valid and not ready)
        self.results += valid and ready

    def _check(self, payload):
        """Compare a beat that is offered with the definition, for all inputs."""
        image, beat = divmod(self.results, self.answer["beats"])
        if (image + 1) * self.input["beats"] > self.sent:
            raise Differs(image, 0, self.cycle, "a result came before its image")
        element = self.answers.wrong(payload, image, beat)
        if element is not None:
            what = "it is another function of the inputs than the definition's"
            raise Differs(image, element, self.cycle, what)

    def _clocks(self, limit: int) -> Iterator[None]:
        """Go on clock by clock; a beat must move within `limit` clocks."""
        quiet = 0
        while True:
            yield
            before = self.sent, self.results
            self._step()
            quiet = quiet + 1 if before == (self.sent, self.results) else 0
            if quiet > limit:
                raise Differs(self._image, 0, self.cycle, f"nothing moved in {limit} cycles")

    @property
    def _image(self):
        """The image whose result is the next one."""
        return self.results // self.answer["beats"]

    def until(self, images: int, limit: int) -> None:
        """Run until so many images are answered; a beat must move within `limit` cycles."""
        for _ in self._clocks(limit):
            if self._image >= images:
                return

    def until_it_repeats(self, limit: int, most: int) -> int:
        """Run until the state at the start of an image is that at the start of an earlier one, with the images renamed.

        Then all further images are answered as those between the two. Returns how many images were sent, at most `most`.
        The first result must come after the latency of the manifest, and after the first few (`warm_up`) one at each interval.
        """
        seen: dict[bytes, tuple[int, int]] = {}
        image = -1
        for _ in self._clocks(limit):
            if self.sent != (image + 1) * self.input["beats"]:
                continue
            image += 1
            if image > most:
                break
            state = self._state(image)
            if state in seen:
                self._check_pace(image, *seen[state])
                return image
            seen[state] = image, self.cycle
        raise NotUnderstood(f"the state did not repeat within {most} images")

    def _check_pace(self, image, before, begin):
        """Compare the cycles of the results with the latency and the interval of the manifest.

        The state that was there in the cycle `begin`, when `before` images had been sent, is there again after `image`
        images, so from then on the results come in a loop. If the loop takes an interval for each of its images, and its
        results are an interval apart, then so is its first result from the last one of the turn before.
        """
        latency, interval = (self.manifest[key] for key in ("latency", "interval"))
        took = self._rises[0] - self._ends[0]
        if took != latency:
            what = f"it came {took} cycles after its image, the manifest says {latency}"
            raise Differs(0, 0, self.cycle, what)
        starts = 1 + self.manifest.get("warm_up", 0)
        for number, (one, other) in enumerate(pairwise(self._rises)):
            if other - one != interval and (number >= starts or one >= begin):
                what = f"it came {other - one} cycles after the one before it, the manifest says {interval}"
                raise Differs(number + 1, 0, other, what)
        if self.cycle - begin != interval * (image - before):
            what = f"{image - before} images take {self.cycle - begin} cycles, the manifest says {interval} each"
            raise Differs(image, 0, self.cycle, what)

    def _state(self, image: int) -> bytes:
        """A digest of the whole state, with images counted from the one that comes next."""
        names: dict = {}
        digest = hashlib.sha256()
        for number, *_ in self.netlist.registers:
            digest.update(repr(renamed(self.machine.values[number], image, names)).encode())
        for memory in self.machine.memories:
            for word in memory:
                digest.update(repr(renamed(word, image, names)).encode())
        ahead = self.results - image * self.answer["beats"]
        digest.update(repr((self._offered, self._waiting, ahead)).encode())
        return digest.digest()
