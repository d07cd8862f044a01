"""Codes of parameter words: round trip through the gates."""

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator
from faults import mutate

from tnhw.gates.engine.codes import MAX_TABLE, Codes


def decoded(codes, words):
    """Words after their codes went through the gates."""
    m, code, word = Module(), Signal(codes.bits), Signal(codes._width)
    m.d.comb += word.eq(codes.decode(code))
    got = []

    async def bench(ctx):
        for one in words:
            assert 0 <= codes.encode(one) < 1 << codes.bits
            ctx.set(code, codes.encode(one))
            got.append(ctx.get(word))

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    return got


def word_sets():
    rng = np.random.default_rng(0)
    for number in range(60):
        bits = int(rng.integers(1, 11))
        few = int(rng.integers(1, min(1 << bits, 40) + 1))
        words = rng.choice(1 << bits, few, replace=False).tolist()
        if number % 3 == 0:  # every word also with one other bit
            words += [word ^ (1 << int(rng.integers(bits))) for word in words]
        if number % 3 == 1:
            apart = 1 << int(rng.integers(bits))
            words += [word ^ apart for word in words]
        yield bits, words


def test_round_trip():
    kinds = set()
    for bits, words in word_sets():
        codes = Codes(words + words, bits)
        used = sorted(set(words))
        assert decoded(codes, used) == used, (bits, used)
        assert max(1, (len(used) - 1).bit_length()) <= codes.bits <= bits
        kinds.add((codes._coded, codes._apart is None))
    assert kinds == {(0, False), (1, True), (1, False)}, "not all kinds of codes were drawn"


@pytest.mark.parametrize(
    ("bits", "words", "size"),
    [
        (6, [9], 1),  # one word: a bit that nobody reads
        (6, [], 1),
        (6, [9, 33], 1),
        (6, [0, 1, 2], 2),
        (6, [0b000011, 0b100011, 0b000101, 0b100101], 2),  # two magnitudes with two signs
        (3, range(8), 3),
        (8, range(0, 256, 8), 5),
        (8, range(MAX_TABLE + 1), 6),  # the highest bit of the numbers apart
        (8, [k * 3 for k in range(2 * MAX_TABLE + 1)], 8),  # too many: as they are
    ],
)
def test_bits(bits, words, size):
    codes = Codes(words, bits)
    assert codes.bits == size
    assert decoded(codes, words) == list(words)


def test_order_and_number_of_words_do_not_matter():
    one, other = Codes([5, 1, 9, 9, 1], 4), Codes([9, 5, 1], 4)
    assert [one.encode(w) for w in (1, 5, 9)] == [other.encode(w) for w in (1, 5, 9)]


FAULTS = {
    "bit at the wrong place": ("decode", "bits.insert(self._apart, code[-1])", "bits.insert(0, code[-1])"),
    "bit taken from the wrong place": ("encode", "word >> self._apart", "word >> 0"),
    "table reversed": ("decode", "enumerate(table)", "enumerate(table[::-1])"),
    "table shifted": ("decode", "enumerate(table)", "enumerate(table[1:] + table[:1])"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault, monkeypatch):
    mutate(monkeypatch, Codes, *FAULTS[fault])
    with pytest.raises(AssertionError):
        test_round_trip()
