"""Pauses of the garbage collector."""

import ast
import gc

import pytest

from tnhw.support import garbage


class Noisy:
    """Lies in a cycle, and runs Python code when it is collected."""

    def __init__(self, seen):
        self.cycle, self.seen = self, seen

    def __del__(self):
        self.seen.append(ast.unparse(ast.parse("a + b")))


def test_no_destructor_runs_in_a_pause():
    seen = []
    gc.collect()
    with garbage.paused():
        for _ in range(20_000):  # more than the collector waits for
            Noisy(seen)
        tree = ast.parse("+".join("x" * 500))
        assert not seen and len(list(ast.walk(tree))) > 1000
    gc.collect()
    assert len(seen) == 20_000


@pytest.mark.parametrize("was", [True, False])
def test_it_is_as_it_was(was):
    (gc.enable if was else gc.disable)()
    try:
        with pytest.raises(KeyError), garbage.paused():
            assert not gc.isenabled()
            raise KeyError
        assert gc.isenabled() is was
    finally:
        gc.enable()
