"""Places for images that arrive one after the other and are read side by side."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Places"]


class Places(wiring.Component):
    """Decides where images are written, and which of them are read together; the memories themselves are elsewhere.

    `Banks` does the same for images that are read one by one. Here there are `images` memories with two banks each. The
    images go to the memories in turn, and in each memory to its banks in turn, so the oldest images always lie in
    different memories. Whenever the engine can begin, it takes all images that are complete, at most one from each memory.
    It never waits for more, so the last images of all are computed too.

    Parameters
    ----------
    images : int
        Images that are read side by side, 2 or more.
    beats, words : int
        Beats and words of an image.

    Members
    -------
    beat : In(1)
        A beat is taken in this cycle.
    space : Out(1)
        A beat may be taken.
    write : In(1)
        A word is written in this cycle.
    address, write_bank, write_memory : Out
        Where that word is written; `write_memory` has a bit for each memory.
    start : Out(1)
        There is at least one whole image to begin with in the next cycle.
    begins : In(1)
        The engine begins in the next cycle with the images that are complete now.
    together : Out(range(images))
        How many images it then begins with, less one.
    read_bank : Out(images)
        For each memory the bank that is read.
    release : In(1)
        The images that are read are not needed after this cycle.
    """

    def __init__(self, images, beats, words):
        self._images, self._beats, self._words = images, beats, words
        members = {name: In(1) for name in ("beat", "write", "begins", "release")}
        members |= {"space": Out(1), "write_bank": Out(1), "start": Out(1)}
        members["read_bank"] = Out(images, init=-1 % (1 << images))
        members |= {"write_memory": Out(images, init=1), "together": Out(range(images))}
        super().__init__(members | {"address": Out(range(max(2, words)))})

    def elaborate(self, platform):
        m = Module()
        images, places = self._images, 2 * self._images
        count = Signal(range(max(2, self._beats)))
        image_taken, image_written = Signal(), Signal()
        # A place counts as taken from the last beat of its image until its release, which counts a cycle late: that
        # keeps the path from `release` short. Complete images wait until the engine begins with them.
        taken, waiting = Signal(range(places + 1)), Signal(range(places + 1))
        now, released = Signal(range(images + 1)), Signal(range(images + 1))
        following = Signal(range(images + 1))
        m.d.comb += [
            self.space.eq(taken != places),
            image_taken.eq(self.beat & (count == self._beats - 1)),
            image_written.eq(self.write & (self.address == self._words - 1)),
            self.start.eq(waiting != 0),
            following.eq(Mux(waiting > images, images, waiting)),
            self.together.eq(following - 1),
        ]
        with m.If(self.beat):
            m.d.sync += count.eq(Mux(image_taken, 0, count + 1))
        with m.If(self.write):
            m.d.sync += self.address.eq(Mux(image_written, 0, self.address + 1))
        with m.If(image_written):
            m.d.sync += [
                self.write_memory.eq(self.write_memory.rotate_left(1)),
                self.write_bank.eq(self.write_bank ^ self.write_memory[-1]),
            ]
        m.d.sync += [
            released.eq(Mux(self.release, now, 0)),
            taken.eq(taken + image_taken - released),
            waiting.eq(waiting + image_written - Mux(self.begins, following, 0)),
        ]
        self._reads(m, now, following)
        return m

    def _reads(self, m, now, following):
        """Keep which memories are read, from the one with the oldest image on."""
        images = self._images
        oldest = Signal(images, init=1)  # a bit for each memory
        reads, after = Signal(images), Signal(images)
        for number in range(1, images + 1):
            with m.If(following == number):
                m.d.comb += [
                    reads.eq(_memories(oldest, number)),
                    after.eq(oldest.rotate_left(number % images)),
                ]
        with m.If(self.begins):
            m.d.sync += [
                now.eq(following),
                oldest.eq(after),
                self.read_bank.eq(self.read_bank ^ reads),
            ]


def _memories(oldest, number):
    """The memories of `number` images, of which the first is in the memory `oldest`."""
    found = oldest
    for k in range(1, number):
        found = found | oldest.rotate_left(k)
    return found
