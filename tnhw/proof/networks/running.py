"""Runs of a network's Verilog for all inputs at once: without stalls until everything repeats, and with random ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .choices import of_largest
from .machine import Machine
from .meaning import Meaning
from .netlist import Netlist
from .renaming import renamed
from .signals import bits, single, sliced
from .values import (
    UNKNOWN,
    WIDEST,
    Form,
    Largest,
    NotUnderstood,
    Space,
    Table,
    joined,
    linear,
    of_one,
    of_signal,
)

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
        self.space = self.before.space if self.before else Space()
        self.meaning = self.before.meaning if self.before else Meaning(self.network, self.space)
        self.machine = Machine(
            self.netlist, self.space, self._keep, self.before and self.before.machine
        )
        streams = {stream["carries"]: stream for stream in self.manifest["streams"]}
        self.input, self.answer = streams["input"], streams["output"]
        self._offered = False
        self._waiting = False
        for _ in range(2):
            self._step(reset=1)
        self.cycle = 0

    def _keep(self, signal):
        """A signal with each result of a layer, as a function of its sum, replaced by the symbol of the result."""
        if not any(isinstance(value, (Table, Form)) for _, value in signal):
            return signal
        known = joined(((width, self._known(width, value)) for width, value in signal), self.space)
        symbols = {value.symbol for _, value in known if isinstance(value, Table)}
        plain = all(isinstance(value, (int, Table)) for _, value in known)
        if len(known) > 1 and plain and len(symbols) == 1 and bits(known) <= WIDEST:
            whole = single(self.space, known)  # a result some of whose bits are constant
            result = self._known(bits(known), whole)
            return ((bits(known), result),) if result is not whole else known
        return known

    def _known(self, width, value):
        upper = isinstance(value, Form) and not value.terms and value.parts  # bits of a sum
        if upper and not any(isinstance(part, Largest) for part in value.parts):
            value = of_signal(self.space, (width, value))
        if isinstance(value, Table) and (
            found := self.meaning.result_of(value.symbol, value.values)
        ):
            return Table(found, np.arange(found.size, dtype=np.int64))
        return value

    def _payload(self):
        """The beat that is offered: some inputs of one pixel, or of all inputs for a dense layer."""
        image, beat = divmod(self.sent, self.input["beats"])
        symbols, stride = self.meaning.inputs(image), self.input["element_bits"]
        per_beat = self.input["width"] // stride
        pixel = self.meaning.shape[-1] if self.meaning.layers[0][0].kind == "conv" else len(symbols)
        place, group = divmod(beat, -(-pixel // per_beat))
        parts = []
        for k in range(group * per_beat, (group + 1) * per_beat):
            if k < pixel:
                symbol = symbols[place * pixel + k]
                parts.append((stride, Table(symbol, np.arange(symbol.size, dtype=np.int64))))
            else:
                parts.append((stride, 0))
        return tuple(parts)

    def _step(self, reset=0):
        self._offered = not reset and (self._offered or self.sends(self.cycle))
        if self._offered and self.sent % self.input["beats"] == 0:
            image = self.sent // self.input["beats"]
            if image not in self.meaning.last:
                self.meaning.add(image)
        ready = int(not reset and self.takes(self.cycle))
        payload = self._payload() if self._offered else ((self.input["width"], UNKNOWN),)
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
        valid = self._bit(self.answer["valid"])
        if self._waiting and not valid:
            raise Differs(self._image, 0, self.cycle, "a result was withdrawn")
        if valid:
            self._check(self.machine.output(self.answer["payload"]))
        self._waiting = bool(valid and not ready)
        self.results += valid and ready

    def _check(self, payload):
        """Compare a beat that is offered with the definition, for all inputs."""
        image, beat = divmod(self.results, self.answer["beats"])
        if (image + 1) * self.input["beats"] > self.sent:
            raise Differs(image, 0, self.cycle, "a result came before its image")
        stride = self.answer["element_bits"]
        per_beat = self.answer["width"] // stride
        for k in range(per_beat):
            element = beat * per_beat + k
            if element < self.answer["elements"]:
                own = sliced(self.space, payload, k * stride, stride)
                if not self._right(own, image, element, stride):
                    raise Differs(
                        image,
                        element,
                        self.cycle,
                        "it is another function of the inputs than the definition's",
                    )

    def _right(self, signal, image, element, width):
        last = self.meaning.last[image]
        if self.meaning.result == "class":
            return self._is_class(signal, last)
        return self._is_sum(self._keep(signal), last[element], width)

    def _is_sum(self, signal, form, width):
        """Whether a signal is a sum modulo 2^width."""
        if len(signal) == 1 and isinstance(signal[0][1], Table):
            table = signal[0][1]
            if table.symbol.form is not None and of_one(form, table.symbol):
                return of_signal(self.space, (width, form)) is table
        own = linear(self.space, signal, width, False)
        if own is None:
            return False
        rest, size = own.plus(form, -1), 1 << width
        return not rest.parts and rest.constant % size == 0 and all(not (values % size).any() for values in rest.terms.values())  # fmt: skip

    def _is_class(self, signal, last):
        """Whether a signal is the number of the largest sum, the first of several."""
        (_, value), *more = signal
        if any(own != 0 for _, own in more):
            return False
        if isinstance(value, int):
            shown, forms = [value], [last[value]] if value < len(last) else []
        elif isinstance(value, Table) and (value := of_largest(self.space, value)).symbol.forms:
            shown, forms = value.values.tolist(), list(value.symbol.forms)
        else:
            return False
        if not forms or shown != sorted(set(shown)) or shown[-1] >= len(last):
            return False
        pairs = [(form, last[number]) for form, number in zip(forms, shown, strict=True)]
        moved = {form.constant - right.constant for form, right in pairs}
        return (
            len(moved) == 1
            and all(form.key == right.key for form, right in pairs)
            and all(_never(number, shown, last) for number in set(range(len(last))) - set(shown))
        )

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
        """
        seen: dict[bytes, int] = {}
        for _ in self._clocks(limit):
            image, beat = divmod(self.sent, self.input["beats"])
            if beat or image in seen.values():
                continue
            if image > most:
                break
            state = self._state(image)
            if state in seen:
                return image
            seen[state] = image
        raise NotUnderstood(f"the state did not repeat within {most} images")

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


def _never(number, shown, last):
    """Whether a sum is never the first largest, as another one always beats it."""
    _, high = last[number].range
    return any(last[k].range[0] >= high + (k > number) for k in shown)
