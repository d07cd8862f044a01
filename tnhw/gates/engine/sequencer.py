"""The order in which an engine reads activations and parameters."""

from amaranth.hdl import Const, Module, Mux, Shape, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

__all__ = ["Sequencer", "select"]

# Loops of a layer, the innermost first.
LOOPS = ("word", "half", "column", "row", "group", "x", "y")


def select(values, index):
    """`values[index]` of integers: a constant, or a multiplexer of constants."""
    low, high = min(values), max(values)
    shape = Shape(max(1, high.bit_length(), (~low).bit_length()) + (low < 0), low < 0)
    if low == high:
        return Const(low, shape)
    value = Const(values[-1], shape)
    for k in reversed(range(len(values) - 1)):
        value = Mux(index == k, Const(values[k], shape), value)
    return value


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

    def _bounds(self, loop):
        """How often a loop runs, for each layer."""
        return [
            {
                "word": stage.words,
                "half": stage.halves,
                "column": stage.layer.taps[1],
                "row": stage.layer.taps[0],
                "group": stage.groups,
                "x": stage.layer.out_shape[1],
                "y": stage.layer.out_shape[0],
            }[loop]
            for stage in self._stages
        ]

    def _moves(self, loop, steps):
        """Change of a position when `loop` advances and all loops inside it start again.

        `steps` gives for a stage what each loop alone changes.
        """
        moves = []
        for k, stage in enumerate(self._stages):
            step = steps(stage)
            move = step.get(loop, 0)
            for inner in LOOPS[: LOOPS.index(loop)]:
                move -= step.get(inner, 0) * (self._bounds(inner)[k] - 1)
            moves.append(move)
        return moves

    def _origins(self):
        """Address at which each layer begins: of its first tap, modulo the address space."""
        space = 1 << ceil_log2(max(2, self._depth))
        return [
            (base - stage.layer.padding * (stage.layer.in_shape[1] + 1) * stage.words) % space
            for base, stage in zip(self._bases, self._stages, strict=True)
        ]

    def elaborate(self, platform):
        m = Module()
        stages, layer = self._stages, self.layer
        single = len(stages) == 1
        last_layer = Const(1, 1) if single else layer == len(stages) - 1
        following = Const(0, 1) if single else Mux(last_layer, 0, layer + 1)

        # An image starts when it is there, a layer when the one before it has been written.
        go = Signal()
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

        # Counters; `at_last` of each is known a cycle ahead.
        loops = [loop for loop in LOOPS if max(self._bounds(loop)) > 1]
        inner = Const(1, 1)  # all loops inside are at their last turn
        wraps, advances, counts = {}, {}, {}
        for loop in LOOPS:
            if loop not in loops:
                wraps[loop] = inner
                continue
            bounds = self._bounds(loop)
            counts[loop] = count = Signal(range(max(bounds)), name=f"{loop}_count")
            at_last = Signal(init=bounds[0] == 1, name=f"{loop}_at_last")
            advances[loop] = advance = Signal(name=f"{loop}_advance")
            wraps[loop] = wrap = Signal(name=f"{loop}_wrap")
            m.d.comb += [advance.eq(inner & ~at_last), wrap.eq(inner & at_last)]
            inner = wrap
            ones = [int(bound == 1) for bound in bounds]
            with m.If(go & advance):
                before = select([max(bound - 2, 0) for bound in bounds], layer)
                m.d.sync += [count.eq(count + 1), at_last.eq(count == before)]
            with m.Elif(go & wrap):
                m.d.sync += [count.eq(0), at_last.eq(select(ones, layer))]
            if not single:
                with m.If(go & self.leave):
                    m.d.sync += at_last.eq(select(ones, following))
        m.d.comb += [
            self.last.eq(wraps["row"]),
            self.closing.eq(wraps["group"]),
            self.leave.eq(wraps["y"]),
            self.release.eq(go & self.leave & (layer == 0)),
        ]
        if "half" in counts:
            m.d.comb += self.invert.eq(counts["half"])

        def walk(position, steps, origins):
            """Let `position` follow the loops."""
            move = Const(0, 1)
            for loop in loops:
                move = Mux(advances[loop], select(self._moves(loop, steps), layer), move)
            with m.If(go):
                m.d.sync += position.eq(position + move)
                with m.If(self.leave):
                    m.d.sync += position.eq(select(origins, following))

        # Activation word, and whether its tap lies in the image.
        def steps(stage):
            line, stride = stage.layer.in_shape[1] * stage.words, stage.layer.stride
            across = {"word": 1, "column": stage.words, "x": stride * stage.words}
            return across | {"row": line, "y": stride * line}

        walk(self.address, steps, self._origins())
        pads = [-stage.layer.padding for stage in stages]
        if any(pads):
            outside_image = []
            for axis, inside, outside in ((0, "row", "y"), (1, "column", "x")):
                sizes = [stage.layer.in_shape[axis] for stage in stages]
                position = Signal(
                    range(min(pads), max(sizes) - min(pads)), init=pads[0], name=f"at_{outside}"
                )
                walk(
                    position,
                    lambda stage, i=inside, o=outside: {i: 1, o: stage.layer.stride},
                    pads,
                )
                beyond = (position < 0) | (position >= select(sizes, layer))
                outside_image.append(beyond)
            m.d.comb += self.idle.eq(outside_image[0] | outside_image[1])

        # Parameters follow each other, and begin again for each position.
        with m.If(go):
            m.d.sync += self.row.eq(self.row + 1)
            if "x" in counts or "y" in counts:
                with m.If(self.closing & ~self.leave):
                    m.d.sync += self.row.eq(select(self._rows[:-1], layer))
            with m.If(self.leave & last_layer):
                m.d.sync += self.row.eq(0)
        if not single:
            with m.If(go & self.leave):
                m.d.sync += layer.eq(following)
        return m
