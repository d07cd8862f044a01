from itertools import product

import oracle
import pytest
from amaranth.sim import Simulator

from tnhw.gates.summing.requantise import Requantise
from tnhw.kernel import Kernel
from tnhw.synapse import Format


def identity(shift, output, input="s8"):
    """A kernel whose z is x."""
    return Kernel(name="k", rule="mac", inputs=1, input=input, parameter="u1", output=output,
                  shift=shift, storage="constant", arrays={"weight": [[1]]})  # fmt: skip


@pytest.mark.parametrize(
    ("shift", "output", "z", "y"),
    [
        # ties towards +inf
        (1, "s8", 1, 1), (1, "s8", -1, 0), (1, "s8", 3, 2), (1, "s8", -3, -1),
        (2, "s8", 2, 1), (2, "s8", -2, 0), (2, "s8", -6, -1), (2, "s8", 6, 2),
        # nearest
        (2, "s8", 1, 0), (2, "s8", 3, 1), (2, "s8", -3, -1), (2, "s8", -5, -1), (2, "s8", -7, -2),
        # clamps at both ends
        (0, "s4", 7, 7), (0, "s4", 8, 7), (0, "s4", -8, -8), (0, "s4", -9, -8),
        (0, "u4", 15, 15), (0, "u4", 16, 15), (0, "u4", -1, 0), (0, "u4", 0, 0),
        (1, "u4", 30, 15), (1, "u4", 29, 15), (1, "u4", 28, 14),
        # to the left, widened first
        (-1, "s8", 63, 126), (-1, "s8", 64, 127), (-1, "s8", -65, -128), (-3, "s12", -128, -1024),
        # all bits shifted out
        (12, "s4", 127, 0), (8, "s4", 127, 0), (8, "s4", -128, 0), (7, "s4", 64, 1), (7, "s4", 63, 0),
    ],
)  # fmt: skip
def test_hand_values(shift, output, z, y):
    assert identity(shift, output).golden([[z]]).tolist() == [[y]]
    assert oracle.requantise(z, shift, output) == y


@pytest.mark.parametrize("output", ["u1", "u4", "s1", "s4", "s8", "u9", "s12"])
@pytest.mark.parametrize("shift", [-3, -1, 0, 1, 2, 5, 9])
@pytest.mark.parametrize("input", ["s6", "u6"])
def test_golden_equals_oracle(input, shift, output):
    low, high = oracle.bounds(input)
    y = identity(shift, output, input).golden([[z] for z in range(low, high + 1)])
    assert y[:, 0].tolist() == [oracle.requantise(z, shift, output) for z in range(low, high + 1)]


FORMATS = ["u1", "s1", "u3", "s3", "u6", "s6", "s9"]


@pytest.mark.parametrize(("sums", "output"), list(product(["u5", "s5", "u1", "s1"], FORMATS)))
def test_gates(sums, output):
    """All z; the rounding half is in z already."""
    for shift in (-4, -1, 0, 1, 4, 5, 8):
        dut = Requantise(Format.parse(sums), shift, Format.parse(output))

        async def bench(ctx, dut=dut, shift=shift):
            low, high = oracle.bounds(sums)
            for z in range(low, high + 1):
                ctx.set(dut.z, z)
                half = 2 ** (shift - 1) if shift > 0 else 0
                assert ctx.get(dut.y) == oracle.requantise(z - half, shift, output), (z, shift)

        simulator = Simulator(dut)
        simulator.add_testbench(bench)
        simulator.run()


def test_attributes():
    dut = Requantise(Format(5), 2, Format(3, True))
    assert (dut.sum_format, dut.shift, dut.output) == (Format(5), 2, Format(3, True))
