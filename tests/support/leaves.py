"""Random leaves of an adder tree, and their sum against the gates."""

from amaranth.sim import Simulator

from tnhw.gates.summing.tree import Leaf


def weight(leaf):
    return (-1 if leaf.negative else 1) * leaf.odd << leaf.shift


def check(tree, leaves, rows, constant=0):
    """Total (and what it owes) of rows of leaf values, one row a cycle if registered."""
    expected = [
        (sum(weight(leaf) * value for leaf, value in zip(leaves, row, strict=True)) + constant)
        % (1 << tree.width)
        for row in rows
    ]
    got = []

    async def bench(ctx):
        ctx.set(tree.enable, 1)
        for row in [*rows, *[rows[-1]] * tree.levels]:
            for k, value in enumerate(row):
                ctx.set(getattr(tree, f"leaf_{k}"), int(value))
            if not (tree.registered and tree.levels):
                got.append(ctx.get(tree.total))
                continue
            await ctx.tick()
            got.append(ctx.get(tree.total))

    simulator = Simulator(tree)
    if tree.registered and tree.levels:
        simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    start = max(0, tree.levels - 1) if tree.registered else 0
    got = [(total + tree.owed) % (1 << tree.width) for total in got[start:]][: len(rows)]
    assert got == expected


def random_leaves(rng, count):
    return [
        Leaf(
            high=int(rng.integers(1, 1 << rng.integers(1, 7))),
            shift=int(rng.integers(0, 4)),
            odd=int(rng.choice([1, 1, 1, 3, 5, 7, 11])),
            negative=bool(rng.integers(2)),
        )
        for _ in range(count)
    ]
