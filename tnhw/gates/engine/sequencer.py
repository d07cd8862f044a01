"""The order in which an engine reads activations and parameters."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .loops import Counter, Loops, bounds, move, select

__all__ = ["Sequencer"]


class Sequencer(wiring.Component):
    """Nested loops over the words of one or more layers, with one word in each cycle.

    For every layer, every position and every group of outputs, it goes through all taps, and for each tap through all
    words of channels. Addresses change by constants, one for each loop that may advance, so nothing is multiplied.

    Parameters
    ----------
    stages : list of Stage
        Layers, in order.
    bases : list of int
        Address of each layer's first input word.
    depth : int
        Words in the address space of the activation memory.
    pace : int
        Fewest cycles between the starts of two images, or 0 for no limit.
    signals_begin : bool
        Whether there is a member `begins`.
    onto : str
        Only of a layer whose input is held in lines, see :class:`~tnhw.gates.engine.lines.Lines`: whether its results
        need room for each ``row`` of them, or for a whole ``image`` at its first row.

    Members
    -------
    enable : In(1)
        The pipeline moves.
    start : In(1)
        A new image may begin in the next cycle.
    written : In(1)
        The results of a layer that is not the last are complete.
    valid : Out(1)
        A word is read in this cycle (if `enable`).
    address, row : Out
        Address of the activation word, and row of the parameter ROM.
    layer : Out
        Index of the layer.
    invert, idle : Out(1)
        The complement of the word is used; the tap is in the padding.
    last : Out(1)
        The word is the last for its group of outputs.
    closing : Out(1)
        The word is the last for its position: its group is the last one there.
    leave : Out(1)
        The word is the last of the layer.
    release : Out(1)
        The input image is not needed any more.
    begins : Out(1)
        An image begins in the next cycle; where the input is held in lines, a row of results.
    room : In(1)
        Only for lines: there is room for the results, see `onto`.
    ends, promise : Out(1)
        Only for lines: the word is the last for its row of results; what needs room begins in the next cycle.
    """

    def __init__(self, stages, bases, depth, pace=0, *, signals_begin=False, onto=""):
        self._stages, self._bases, self._depth = stages, bases, depth
        self._pace, self._signals_begin, self._onto = pace, signals_begin, onto
        self._rows = [0]
        for stage in stages:
            self._rows.append(self._rows[-1] + stage.rows)
        members = {name: In(1) for name in ("enable", "start", "written")} | {
            name: Out(1)
            for name in ("valid", "invert", "idle", "last", "closing", "leave", "release")
        }
        members["address"] = Out(ceil_log2(max(2, depth)), init=self._origins()[0])
        members["row"] = Out(range(max(2, self._rows[-1])))
        members["layer"] = Out(range(max(2, len(stages))))
        members |= {"begins": Out(1)} if signals_begin or onto else {}
        members |= {"room": In(1), "ends": Out(1), "promise": Out(1)} if onto else {}
        super().__init__(members)

    def _origins(self):
        """Address of each layer's first tap, modulo the address space; with padding it is before the image."""
        space = self._depth if self._onto else 1 << ceil_log2(max(2, self._depth))
        return [
            (base - _before(stage) * stage.words) % space
            for base, stage in zip(self._bases, self._stages, strict=True)
        ]

    def elaborate(self, platform):
        m = Module()
        layer, single = self.layer, len(self._stages) == 1
        last_layer = Const(1, 1) if single else layer == len(self._stages) - 1
        following = Const(0, 1) if single else Mux(last_layer, 0, layer + 1)
        go = Signal()
        if not self._onto:
            self._starts(m, go, last_layer)
        counters = self._counters(m, go, following)
        if self._onto:
            self._rows_start(m, go, counters)
        walk = _Walk(m, self._stages, counters, go, layer, self.leave, following)
        self._addresses(m, walk)

        # Rows of parameters are read in order, from the start again for each position.
        with m.If(go):
            m.d.sync += self.row.eq(self.row + 1)
            if counters.x.turns is not None or counters.y.turns is not None:
                with m.If(self.closing & ~self.leave):
                    m.d.sync += self.row.eq(select(self._rows[:-1], layer))
            with m.If(self.leave & last_layer):
                m.d.sync += self.row.eq(0)
        if not single:
            with m.If(go & self.leave):
                m.d.sync += layer.eq(following)
        return m

    def _starts(self, m, go, last_layer):
        """Start an image when it is complete in a bank, and a layer when the one before it is written."""
        layer = self.layer
        begins, due = self._paced(m)
        m.d.comb += go.eq(self.valid & self.enable)
        with m.If(go & self.leave):
            m.d.comb += begins.eq(last_layer & self.start & due)
            m.d.sync += self.valid.eq(begins)
        with m.Elif(~self.valid):
            m.d.comb += begins.eq((layer == 0) & self.start & due)
            m.d.sync += self.valid.eq(begins | ((layer != 0) & self.written))

    def _paced(self, m):
        """A signal that has to say when an image begins, and whether the pace allows it to."""
        begins, due = Signal(), Const(1, 1)
        if self._signals_begin:
            m.d.comb += self.begins.eq(begins)
        if self._pace > 1:
            wait = Signal(range(self._pace))
            due = wait == 0
            with m.If(begins):
                m.d.sync += wait.eq(self._pace - 1)
            with m.Elif(~due):
                m.d.sync += wait.eq(wait - 1)
        return begins, due

    def _rows_start(self, m, go, counters):
        """Start a row of results when its lines are there, and there is room for it."""
        waits_first = Signal(init=1)  # the row for which it waits is the first of an image
        first = Signal()
        image_begins, due = self._paced(m)
        room = self.room | ~first if self._onto == "image" else self.room
        m.d.comb += [
            go.eq(self.valid & self.enable),
            first.eq(Mux(self.valid, self.leave, waits_first)),
            self.ends.eq(go & counters.x.wrap),
            self.begins.eq((self.ends | ~self.valid) & self.start & room & (due | ~first)),
            image_begins.eq(self.begins & first),
            self.promise.eq(image_begins if self._onto == "image" else self.begins),
        ]
        with m.If(self.ends):
            m.d.sync += waits_first.eq(self.leave)
        with m.If(self.ends | ~self.valid):
            m.d.sync += self.valid.eq(self.begins)

    def _counters(self, m, go, following):
        """Make the counters of all loops, and the flags of the word; returns Loops of Counter.

        Whether a loop is at its last turn is a register that is set one turn ahead. The carry from loop to loop then
        takes one gate each, and no comparison.
        """
        layer, counters = self.layer, []
        inner = Const(1, 1)  # whether all loops inside are at their last turn
        for loop, turns in zip(
            Loops._fields, zip(*map(bounds, self._stages), strict=True), strict=True
        ):
            if max(turns) == 1:
                counters.append(Counter(None, None, inner))
                continue
            count = Signal(range(max(turns)), name=f"{loop}_count")
            at_last = Signal(init=turns[0] == 1, name=f"{loop}_at_last")
            advance = Signal(name=f"{loop}_advance")
            wrap = Signal(name=f"{loop}_wrap")
            m.d.comb += [advance.eq(inner & ~at_last), wrap.eq(inner & at_last)]
            inner = wrap
            ones = [int(turn == 1) for turn in turns]
            with m.If(go & advance):
                before = select([max(turn - 2, 0) for turn in turns], layer)
                m.d.sync += [count.eq(count + 1), at_last.eq(count == before)]
            with m.Elif(go & wrap):
                m.d.sync += [count.eq(0), at_last.eq(select(ones, layer))]
            if len(self._stages) > 1:
                with m.If(go & self.leave):
                    m.d.sync += at_last.eq(select(ones, following))
            counters.append(Counter(count, advance, wrap))
        loops = Loops(*counters)
        m.d.comb += [
            self.last.eq(loops.row.wrap),
            self.closing.eq(loops.group.wrap),
            self.leave.eq(loops.y.wrap),
            self.release.eq(go & self.leave & (layer == 0)),
        ]
        if loops.half.turns is not None:
            m.d.comb += self.invert.eq(loops.half.turns)
        return loops

    def _addresses(self, m, walk):
        """Compute the address of the activation word, and whether its tap is in the padding."""
        stages = self._stages
        if self._onto:
            walk.around(self.address, _address_steps(stages[0]), self._depth, stages[0].in_words)
        else:
            walk.follow(self.address, [_address_steps(stage) for stage in stages], self._origins())
        if not any(any(stage.layer.pads) for stage in stages):
            return
        outside_image = []
        for axis, name in enumerate(("at_y", "at_x")):
            if not any(stage.layer.pads[axis] or stage.layer.pads[axis + 2] for stage in stages):
                continue  # no tap leaves the image here, which may have one row only
            sizes = [stage.layer.in_shape[axis] for stage in stages]
            # Positions in the padding above the image or to its left are negative.
            first = [-stage.layer.pads[axis] for stage in stages]
            beyond = [
                n + stage.layer.pads[axis + 2] for n, stage in zip(sizes, stages, strict=True)
            ]
            position = Signal(range(min(first), max(beyond)), init=first[0], name=name)
            walk.follow(position, [_position_steps(stage, axis) for stage in stages], first)
            outside = (position < 0) | (position >= select(sizes, self.layer))
            outside_image.append(outside)
        m.d.comb += self.idle.eq(Cat(outside_image).any())


@dataclass(frozen=True)
class _Walk:
    """Changes positions with the loops: by a constant for each loop that advances."""

    m: Module
    stages: list
    counters: Loops[Counter]
    go: Signal
    layer: Signal
    leave: Signal
    following: Value

    def follow(self, position, steps, origins):
        """Change `position`, which begins at the `origins` of a stage, by its `steps` (Loops of int)."""
        m, moving = self.m, Const(0, 1)
        for number, counter in enumerate(self.counters):
            if counter.advance is not None:
                pairs = zip(self.stages, steps, strict=True)
                moves = [move(stage, number, step) for stage, step in pairs]
                moving = Mux(counter.advance, select(moves, self.layer), moving)
        with m.If(self.go):
            m.d.sync += position.eq(position + moving)
            with m.If(self.leave):
                m.d.sync += position.eq(select(origins, self.following))

    def around(self, position, steps, size, image):
        """Change `position` by the `steps` of the only stage, modulo `size`; with the next image it has moved by `image`."""
        (stage,), moving, less = self.stages, None, None
        turns = bounds(stage)
        back = sum(step * (turn - 1) for step, turn in zip(steps, turns, strict=True))
        choices = [(None, image - back)]
        choices += [
            (counter.advance, move(stage, number, steps))
            for number, counter in enumerate(self.counters)
            if counter.advance is not None
        ]
        for advance, by in choices:
            by %= size
            pair = Const(by, range(size)), Const(by - size, range(-size, 0))
            moving = pair[0] if moving is None else Mux(advance, pair[0], moving)
            less = pair[1] if less is None else Mux(advance, pair[1], less)
        with self.m.If(self.go):
            if size & (size - 1) == 0:
                self.m.d.sync += position.eq(position + moving)
            else:
                before = position + less
                self.m.d.sync += position.eq(Mux(before < 0, position + moving, before))


def _address_steps(stage):
    """By how many words each loop changes the address; the words of a position are stored in order."""
    layer, line = stage.layer, stage.layer.in_shape[1] * stage.words
    return Loops(
        word=1,
        half=0,
        column=layer.dilations[1] * stage.words,
        row=layer.dilations[0] * line,
        group=0,
        x=layer.strides[1] * stage.words,
        y=layer.strides[0] * line,
    )


def _position_steps(stage, axis):
    """By how many rows (`axis` 0) or columns (`axis` 1) each loop moves a tap."""
    own = [stage.layer.dilations[axis], stage.layer.strides[axis]]
    (row, y), (column, x) = (own, [0, 0]) if axis == 0 else ([0, 0], own)
    return Loops(0, 0, column=column, row=row, group=0, x=x, y=y)


def _before(stage):
    """Pixels from the first tap of all, which may be in the padding, to the first pixel of the image."""
    top, left = stage.layer.pads[:2]
    return top * stage.layer.in_shape[1] + left
