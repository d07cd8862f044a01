"""Lines of images in a circular memory: which of them are there, and which the engine needs no more."""

from collections import Counter

from amaranth.hdl import Const, Module, Mux, Shape, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Lines"]


class Lines(wiring.Component):
    """Decides when a line may arrive and when a row of results may begin; the memory itself is elsewhere.

    A line is a row of the input image. Lines of all images follow each other in the memory, which begins again behind its
    last word. `Banks` does the same for whole images.

    Parameters
    ----------
    lines, words : int
        Lines that the memory holds, and words of a line.
    needs : sequence of int
        For each row of results, how many lines of the image must be there. For the last row it is all of them.
    frees : sequence of int
        For each row of results, how many lines of the image are not needed after it. After the last row it is all of them.
    beats : int
        Beats of a line that arrives whenever there is room; 0 if lines are announced.

    Members
    -------
    arrives : In(1)
        A beat is taken in this cycle, or a line is announced, whose words come later.
    room : Out(1)
        There is room for the line to which the next beat belongs, or for another line that is announced.
    write : In(1)
        A word is written in this cycle.
    address : Out(range(lines * words))
        Where that word is written.
    start : Out(1)
        The lines for the next row of results are there from the next cycle on.
    begins : In(1)
        This row begins in the next cycle; only after `start`.
    ends : In(1)
        This cycle is the last one of a row.
    """

    def __init__(self, lines, words, needs, frees, beats=0):
        self._lines, self._words, self._beats = lines, words, beats
        self._needs, self._frees = list(needs), list(frees)
        members = {name: In(1) for name in ("arrives", "write", "begins", "ends")}
        members |= {name: Out(1) for name in ("room", "start")}
        super().__init__(members | {"address": Out(range(max(2, lines * words)))})

    def elaborate(self, platform):
        m = Module()
        needs, frees, most = self._needs, self._frees, self._lines
        further = [after - now for now, after in zip(needs, needs[1:], strict=False)] + needs[:1]
        done = [now - before for before, now in zip([0, *frees], frees, strict=False)]

        # A line takes its place from its last beat or its announcement on. Lines that are not needed any more count for two
        # cycles more, which keeps the path from `ends` short.
        taken, freed = Signal(range(most + 1)), Signal(range(max(done) + 1))
        line_taken, line_written = Signal(), Signal()
        row = Signal(range(len(needs)))  # of results: the next one
        beyond = Signal(range(-max(further), most + 1), init=-needs[0])
        m.d.comb += [
            self.room.eq(taken != most),
            line_taken.eq(self._last(m, self.arrives, max(1, self._beats), "beat")),
            line_written.eq(self._last(m, self.write, self._words, "word")),
            self.start.eq(beyond >= 0),
        ]
        # The row that ends is the one before the next one.
        m.d.sync += [
            freed.eq(Mux(self.ends, _mostly([done[-1], *done[:-1]], row), 0)),
            taken.eq(taken + line_taken - freed),
            beyond.eq(beyond + line_written - Mux(self.begins, _mostly(further, row), 0)),
        ]
        with m.If(self.begins):
            m.d.sync += row.eq(Mux(row == len(needs) - 1, 0, row + 1))
        with m.If(self.write):
            at_end = self.address == self._lines * self._words - 1
            m.d.sync += self.address.eq(Mux(at_end, 0, self.address + 1))
        return m

    def _last(self, m, event, number, name):
        """Whether an event is the last one of each `number` events."""
        if number == 1:
            return event
        count, at_last = Signal(range(number), name=f"{name}_count"), Signal(name=f"last_{name}")
        m.d.comb += at_last.eq(event & (count == number - 1))
        with m.If(event):
            m.d.sync += count.eq(Mux(at_last, 0, count + 1))
        return at_last


def _mostly(values, index):
    """`values[index]` for integers of which most are equal."""
    (common, _), *_ = Counter(values).most_common(1)
    shape = Shape.cast(range(max(values) + 1))
    found = Const(common, shape)
    for place, value in enumerate(values):
        if value != common:
            found = Mux(index == place, Const(value, shape), found)
    return found
