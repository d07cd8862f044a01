"""The bench of `sim/`, as it is, on compiled models: ``python bench_on_model.py FOLDER [OUT]``.

A stand-in for the few names of cocotb that the bench uses lets it run without a simulator, some 30,000
cycles a second, one fault after the other, each until the first test that fails. FOLDER has what
`gate_model.make` left, ``manifest.json``, ``traffic.json`` and ``job.json`` (numbers of the faults). The
result, on stdout, is a list of [number, name of the test or null, kind of failure or null].
"""

import itertools
import json
import sys
import types
from pathlib import Path

from tnhw.support.environment import temporarily


class Edge:
    """Awaited for the next rising edge of the only clock."""

    def __init__(self, _=None):
        pass

    def __await__(self):
        yield


class Clock:
    """The model has no other clock than the bench's own steps."""

    def __init__(self, *_, **__):
        pass

    def start(self, **_):
        pass


class Handle:
    """A port of the model: reads are of before the edge, writes count after it."""

    def __init__(self, device, name):
        self._device, self._name = device, name
        self._width = len(device.model.ports[name])

    @property
    def value(self):
        return self._device.model.get(self._name)

    @value.setter
    def value(self, number):
        self._device.pending.append((self._name, format(int(number), f"0{self._width}b")))


class Device:
    """What the bench calls `dut`."""

    def __init__(self, model):
        self.model, self.pending = model, []
        for name in model.ports:
            setattr(self, name, Handle(self, name))

    def settle(self):
        for name, bits in self.pending:
            self.model.put(name, bits)
        self.pending.clear()
        self.model.eval()


TESTS = []


def test(skip=False):
    def register(function):
        options = getattr(function, "options", [{}])
        if not skip:
            TESTS.extend((getattr(function, "inner", function), own) for own in options)
        return function

    return register


def parametrize(**choices):
    def mark(function):
        rows = itertools.product(*choices.values())
        function.options = [dict(zip(choices, row, strict=True)) for row in rows]
        return function

    return mark


def stand_in():
    """Put the names that the bench imports where it looks for them."""
    parts = {
        "cocotb": {"test": test, "parametrize": parametrize},
        "cocotb.clock": {"Clock": Clock},
        "cocotb.triggers": {"RisingEdge": Edge},
        "cocotb.handle": {"LogicObject": type("LogicObject", (), {})},
        "cocotb.types": {"Logic": None, "LogicArray": None},
    }
    for name, contents in parts.items():
        module = types.ModuleType(name)
        module.__dict__.update(contents)
        sys.modules[name] = module


def first_failure(model, number):
    """(name, kind) of the first test that fails, or (None, None)."""
    model.start(number)
    device = Device(model)
    for function, options in TESTS:
        running = function(device, **options)
        device.pending.clear()
        try:
            running.send(None)
            device.settle()
            while True:
                running.send(None)
                model.tick()
                device.settle()
        except StopIteration:
            device.settle()
        except AssertionError as failure:
            return "-".join([function.__name__, *options.values()]), failure.record["kind"]
    return None, None


def main(folder):
    from gate_model import Model

    stand_in()
    job = json.loads((folder / "job.json").read_text())
    sys.path.insert(0, job["sim"])
    with temporarily("TNHW_BENCH", str(folder)):
        import bench  # noqa: F401  (its tests register themselves)

    model = Model(folder)
    print(json.dumps([[n, *first_failure(model, n)] for n in job["mutants"]]))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
