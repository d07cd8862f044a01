"""The order in which an engine reads activations and parameters."""

from dataclasses import dataclass

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .loops import Counter, Loops, bounds, move, select

__all__ = ["Sequencer"]


class Sequencer(wiring.Component):
    """Nested loops over the words of one or more layers, a word a cycle.

    For every layer, for every position, for every group of outputs: all taps, and for each of them
    all words of channels. Addresses move by constants, one for each loop that may advance, so
    there is no multiplication.

    Parameters
    ----------
    stages : list of Stage
        Layers, one after the other.
    bases : list of int
        Address of each layer's first input word.
    depth : int
        Words of the activation memory's address space that the layers see.
    pace : int
        Images begin no closer than so many cycles; 0: as close as they can.

    Members
    -------
    enable : In(1)
        Move on.
    start : In(1)
        A new image may begin in the next cycle.
    written : In(1)
        The results of a layer that is not the last are complete.
    valid : Out(1)
        A word is read in this cycle (if `enable`).
    address, row : Out
        Of the activation word and of the parameter ROM.
    layer : Out
        Number of the layer.
    invert, idle : Out(1)
        The word counts as its complement; the tap is in the padding.
    last : Out(1)
        Last word of a group of outputs.
    closing : Out(1)
        The group is the last one at its position.
    leave : Out(1)
        Last group of the layer.
    release : Out(1)
        The input image is not needed any more.
    """

    def __init__(self, stages, bases, depth, pace=0):
        self._stages, self._bases, self._depth = stages, bases, depth
        self._pace = pace
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
        super().__init__(members)

    def _origins(self):
        """Address at which each layer begins: of its first tap, modulo the address space."""
        space = 1 << ceil_log2(max(2, self._depth))
        return [
            (base - stage.layer.padding * (stage.layer.in_shape[1] + 1) * stage.words) % space
            for base, stage in zip(self._bases, self._stages, strict=True)
        ]

    def elaborate(self, platform):
        m = Module()
        layer, single = self.layer, len(self._stages) == 1
        last_layer = Const(1, 1) if single else layer == len(self._stages) - 1
        following = Const(0, 1) if single else Mux(last_layer, 0, layer + 1)
        go = Signal()
        self._starts(m, go, last_layer)
        counters = self._counters(m, go, following)
        walk = _Walk(m, self._stages, counters, go, layer, self.leave, following)
        self._addresses(m, walk)

        # Parameters follow each other, and begin again for each position.
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
        """An image starts when it is there, a layer when the one before it has been written."""
        layer = self.layer
        begins, due = Signal(), Const(1, 1)
        if self._pace > 1:
            wait = Signal(range(self._pace))
            due = wait == 0
            with m.If(begins):
                m.d.sync += wait.eq(self._pace - 1)
            with m.Elif(~due):
                m.d.sync += wait.eq(wait - 1)
        m.d.comb += go.eq(self.valid & self.enable)
        with m.If(go & self.leave):
            m.d.comb += begins.eq(last_layer & self.start & due)
            m.d.sync += self.valid.eq(begins)
        with m.Elif(~self.valid):
            m.d.comb += begins.eq((layer == 0) & self.start & due)
            m.d.sync += self.valid.eq(begins | ((layer != 0) & self.written))

    def _counters(self, m, go, following):
        """Counters of all loops, and what they say of the word: Loops of Counter.

        Whether a loop is at its last turn is a register, set a turn ahead: each carry to the next
        loop then passes one gate, and no comparison.
        """
        layer, counters = self.layer, []
        inner = Const(1, 1)  # all loops inside are at their last turn
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
        """Activation word, and whether its tap lies in the image."""
        stages = self._stages
        walk.follow(self.address, [_address_steps(stage) for stage in stages], self._origins())
        pads = [-stage.layer.padding for stage in stages]
        if not any(pads):
            return
        outside_image = []
        for axis, name in enumerate(("at_y", "at_x")):
            sizes = [stage.layer.in_shape[axis] for stage in stages]
            # Positions in the padding above or to the left are negative.
            position = Signal(range(min(pads), max(sizes) - min(pads)), init=pads[0], name=name)
            walk.follow(position, [_position_steps(stage, axis) for stage in stages], pads)
            beyond = (position < 0) | (position >= select(sizes, self.layer))
            outside_image.append(beyond)
        m.d.comb += self.idle.eq(outside_image[0] | outside_image[1])


@dataclass(frozen=True)
class _Walk:
    """Lets positions follow the loops: by a constant, whichever loop advances."""

    m: Module
    stages: list
    counters: Loops[Counter]
    go: Signal
    layer: Signal
    leave: Signal
    following: Value

    def follow(self, position, steps, origins):
        """Move `position` by `steps` of each stage (Loops of int), from its `origins` on."""
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


def _address_steps(stage):
    """By how many words each loop moves the address: words of channels follow each other."""
    line, stride = stage.layer.in_shape[1] * stage.words, stage.layer.stride
    return Loops(
        word=1,
        half=0,
        column=stage.words,
        row=line,
        group=0,
        x=stride * stage.words,
        y=stride * line,
    )


def _position_steps(stage, axis):
    """By how many rows (`axis` 0) or columns (1) each loop moves a tap."""
    down, across = (1, 0) if axis == 0 else (0, 1)
    stride = stage.layer.stride
    return Loops(0, 0, column=across, row=down, group=0, x=across * stride, y=down * stride)
