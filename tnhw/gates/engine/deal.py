"""Results of images that were computed side by side leave one after the other."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

__all__ = ["Deal"]


class Deal(wiring.Component):
    """Takes the results of images that began together, and gives them in the order in which the images arrived.

    Images go to the places side by side in turn, also from one group to the next; so the place of the next result
    follows from the results before. A group may have fewer images than there are places; what the other places give
    is dropped.

    Parameters
    ----------
    result : ShapeLike
        Shape of one result.
    images : int
        Places side by side, 2 or more.
    groups : int
        Groups that may be on their way at the same time.

    Attributes
    ----------
    latency : int
        Cycles from the results of a group to the first of them.

    Members
    -------
    begins : In(1), together : In(range(images))
        A group begins; and with how many images, less one.
    i : In(stream.Signature)
        The results of all places in one beat.
    o : Out(stream.Signature)
        One result in a beat.
    """

    latency = 1

    def __init__(self, result, images, groups):
        self._images, self._groups = images, groups
        super().__init__(
            {
                "begins": In(1),
                "together": In(range(images)),
                "i": In(stream.Signature(ArrayLayout(result, images))),
                "o": Out(stream.Signature(result)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        images = self._images
        m.submodules.sizes = sizes = fifo.SyncFIFO(width=len(self.together), depth=self._groups)
        held = Signal(self.i.payload.shape(), reset_less=True)
        place = Signal(range(images))
        left = Signal(range(images))  # results that follow the one at `o`
        leaves = Signal()
        m.d.comb += [
            sizes.w_en.eq(self.begins),
            sizes.w_data.eq(self.together),
            sizes.r_en.eq(self.i.valid & self.i.ready),
            leaves.eq(self.o.valid & self.o.ready),
            self.i.ready.eq(~self.o.valid | (self.o.ready & (left == 0))),
        ]
        parts = [Value.cast(held[k]) for k in range(images)]
        value = parts[-1]
        for k in reversed(range(images - 1)):
            value = Mux(place == k, parts[k], value)
        m.d.comb += Value.cast(self.o.payload).eq(value)
        with m.If(leaves):
            m.d.sync += [
                place.eq(Mux(place == images - 1, 0, place + 1)),
                left.eq(left - 1),
            ]
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid)
            with m.If(self.i.valid):
                m.d.sync += [held.eq(self.i.payload), left.eq(sizes.r_data)]
        return m
