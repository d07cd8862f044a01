"""A loadable network that holds as many images as it can, while a load waits."""

import gates
import numpy as np

__all__ = ["fill"]


def fill(design, results=60):
    """As many images as a network holds, then a load, then their results; gives the images that were inside.

    A result is taken only when no further image is: so gaps in the pipeline close, and it fills up.
    """
    rng = np.random.default_rng(5)
    x = design.random_input(rng, results + 80)
    beats, taken, left = design.pack_input(x), 0, []
    component = design.create()
    ports = gates.ports(component)
    i, o, load = ports["i"], ports["o"], ports["p"]

    async def cycle(ctx):
        nonlocal taken
        moved, result = ctx.get(i.valid & i.ready), ctx.get(o.valid & o.ready)
        payload = ctx.get(o.payload)
        assert not ctx.get(load.valid & load.ready) or len(left) == images(), "load overtakes"
        await ctx.tick()
        taken += moved
        left.extend([payload] * result)
        ctx.set(i.payload, beats[taken])
        return moved or result

    def images():
        return taken // design.beats_in

    inside = 0

    async def bench(ctx):
        nonlocal inside
        ctx.set(i.payload, beats[0])
        ctx.set(i.valid, 1)
        while len(left) < results:
            quiet = 0
            while quiet < 12:
                quiet = 0 if await cycle(ctx) else quiet + 1
            inside = images() - len(left)
            ctx.set(o.ready, 1)
            while not await cycle(ctx):
                pass
            ctx.set(o.ready, 0)
        while taken % design.beats_in:
            await cycle(ctx)
        ctx.set(i.valid, 0)
        ctx.set(load.valid, 1)
        for _ in range(50):
            await cycle(ctx)
        ctx.set(o.ready, 1)
        while len(left) < images():
            await cycle(ctx)
        for _ in range(50):
            if ctx.get(load.ready):
                return
            await ctx.tick()
        raise AssertionError("a load is not taken though the network is at rest")

    gates.run(component, bench)
    assert design.unpack_output(left).tolist() == design.golden(x[: len(left)]).tolist()
    return inside
