"""Short codes for parameter words, where only a few different words are in use."""

from amaranth.hdl import Cat, Const

__all__ = ["Codes"]

MAX_TABLE = 32  # with more words, the gates in each lane cost more than the bits that are saved


class Codes:
    """A code for each word that a ROM holds, and the gates that decode it.

    A code is the index of the word among those in use. One bit of the word may be kept as it is, next to the index of
    the rest: if every magnitude occurs with both signs, the code is as short and needs fewer gates.

    Parameters
    ----------
    words : iterable of int
        Words that must have a code.
    bits : int
        Width of a word.

    Attributes
    ----------
    bits : int
        Width of a code.
    """

    def __init__(self, words, bits):
        self._width = bits
        used = sorted(set(words)) or [0]
        best = bits, bits, 0, used
        for apart in (None, *range(bits)):
            rest = sorted({_without(word, apart) for word in used})
            size = max(len(rest) - 1, 0).bit_length() + (apart is not None)
            if size < best[0] and len(rest) <= MAX_TABLE:
                best = size, apart, 1, rest
        self.bits, self._apart, self._coded, self._rest = best
        self.bits = max(1, self.bits)

    def encode(self, word):
        """The code of a word, an integer."""
        if not self._coded:
            return word
        number = self._rest.index(_without(word, self._apart))
        if self._apart is None:
            return number
        return number | ((word >> self._apart) & 1) << (self.bits - 1)

    def decode(self, code):
        """The word of a code, as gates."""
        if not self._coded:
            return code
        number = code if self._apart is None else code[:-1]
        table = self._rest + [self._rest[-1]] * ((1 << len(number)) - len(self._rest))
        bits = []
        for position in range(self._width - (self._apart is not None)):
            column = sum(((word >> position) & 1) << k for k, word in enumerate(table))
            bits.append(_lookup(column, number))
        if self._apart is not None:
            bits.insert(self._apart, code[-1])
        return Cat(bits)


def _without(word, position):
    """`word` without the bit at `position`."""
    if position is None:
        return word
    return word & ((1 << position) - 1) | word >> (position + 1) << position


def _lookup(column, number):
    """Bit `number` of the constant `column`, as a tree of multiplexers."""
    size = 1 << len(number)
    if column == 0 or column == (1 << size) - 1:
        return Const(column & 1, 1)
    half = size // 2
    low, high = column & ((1 << half) - 1), column >> half
    if size == 2:
        return number[0] if high else ~number[0]
    if low == high:
        return _lookup(low, number[:-1])
    top = number[-1]
    return (~top & _lookup(low, number[:-1])) | (top & _lookup(high, number[:-1]))
