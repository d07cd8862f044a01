"""What a type checker must accept, and refuse: `make lint` reads this file. What packages export has annotations."""

import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from amaranth.lib.wiring import Component

import tnhw
from tnhw.hardware import Hardware, PlainHardware
from tnhw.kernel import Kernel
from tnhw.network import Design
from tnhw.synapse import Format


class Own(PlainHardware):
    """The least that hardware of a plug-in's says of itself."""

    name, title = "own", "hardware of one's own"
    input = output_format = Format(4)
    inputs = outputs = latency = interval = 1

    def golden(self, x: Any, p: Any = None) -> np.ndarray:
        return np.asarray(x)

    def create(self, interface: str | None = None) -> Component:
        raise NotImplementedError

    def identity(self) -> Iterable[str]:
        return ["own"]


def these_are_hardware(kernel: Kernel, design: Design, own: Own) -> list[Hardware]:
    """For the checker alone: each has all that the interface asks for, with its types."""
    first: Hardware = kernel
    second: Hardware = design
    third: Hardware = own
    return [first, second, third]


def this_is_none(number: Format) -> Hardware:
    """For the checker alone: it names an unused comment here if it takes anything for hardware."""
    return number  # type: ignore[return-value]


def packages() -> list[str]:
    """Every package of tnhw that has public names, and tnhw itself."""
    names = (name for _, name, is_package in pkgutil.iter_modules(tnhw.__path__) if is_package)
    return [*sorted(names), "catalogue"]


def functions(exported: object) -> Iterator[tuple[str, Any]]:
    """(name, function) of a function, or of each public method and property of a class of tnhw."""
    if inspect.isfunction(exported):
        yield exported.__name__, exported
    if not inspect.isclass(exported) or not exported.__module__.startswith("tnhw"):
        return
    for name, member in vars(exported).items():
        member = member.fget if isinstance(member, property) else member
        member = getattr(member, "func", getattr(member, "__func__", member))  # cached, of a class
        if inspect.isfunction(member) and (name == "__init__" or not name.startswith("_")):
            yield f"{exported.__name__}.{name}", member


def unannotated(function: Any) -> list[str]:
    """Parameters without an annotation, and ``return``."""
    signature = inspect.signature(function)
    parameters = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
    found = [p.name for p in parameters if p.annotation is p.empty]
    return [*found, "return"] if signature.return_annotation is signature.empty else found


@pytest.mark.parametrize("package", packages())
def test_what_a_package_exports_has_annotations(package: str) -> None:
    if package == "train":
        pytest.importorskip("torch")
    module = import_module(f"tnhw.{package}")
    found = [
        f"{name}: {', '.join(missing)}"
        for exported in map(module.__dict__.get, getattr(module, "__all__", ()))
        for name, function in functions(exported)
        if function.__module__.startswith("tnhw") and (missing := unannotated(function))
    ]
    assert not found, f"tnhw.{package} exports what has no types: {found}"


def test_a_missing_annotation_is_seen() -> None:
    def typed(x: int, *rest: int, **options: int) -> None: ...

    def untyped(x, *rest: int, **options): ...

    assert unannotated(typed) == []
    assert unannotated(untyped) == ["x", "options", "return"]
