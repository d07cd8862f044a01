"""Amaranth's emission of RTLIL in four fifths of the time: the same text, byte for byte (a test compares).

Shapes of operators, which never change, are kept, and two of Amaranth's checks of its own netlist are left out.
Only for designs that are simulated and thrown away.
"""

from contextlib import contextmanager

from amaranth.hdl import _ast, _nir


def _kept(shape):
    def kept(self):
        if "_kept" not in self.__dict__:
            self._kept = shape(self)
        return self._kept

    return kept


def _unchecked(cls, nets=()):
    return tuple.__new__(cls, (nets,) if isinstance(nets, _nir.Net) else nets)


_QUICK = [
    (_ast.Operator, "shape", _kept(_ast.Operator.shape)),
    (_ast.Concat, "shape", _kept(_ast.Concat.shape)),
    (_nir.Value, "__new__", _unchecked),
    (_nir.Netlist, "check_comb_cycles", lambda self: None),
]


@contextmanager
def quick():
    """Inside, RTLIL is emitted in less time."""
    before = [(cls, name, cls.__dict__[name]) for cls, name, _ in _QUICK]
    for cls, name, value in _QUICK:
        setattr(cls, name, value)
    try:
        yield
    finally:
        for cls, name, value in before:
            setattr(cls, name, value)
