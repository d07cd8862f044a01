"""Inputs of inner modules: those to which Amaranth gave a number give way to the signals that are made of them.

Where an expression goes into a submodule, Amaranth makes ports like ``port$14$0`` for its parts, and inside joins them
to the signal that was meant. Here that signal becomes the port, and the expression stands where the module is used.
"""

from .rtlil import Bits, Module, Part, join, part, replace, width

__all__ = ["connected", "join_inputs", "plain"]


def plain(name: str) -> bool:
    """Whether a name is that of a signal, and not of a part of one or of a number."""
    return not set("$.[") & set(name)


def join_inputs(module: Module) -> dict[str, Bits]:
    """Make inputs of the signals of a module that are joined of numbered inputs and nothing else, in place.

    Returns
    -------
    dict
        For each new input, what it is made of: bits of inputs that are no longer there, and constants.
    """
    numbered = {name for name, wire in module.wires.items() if wire.port == "input" and "$" in name}
    joined: dict[str, Bits] = {}
    moved: dict[tuple[str, int], Part] = {}
    candidates = [
        (target[0].wire or "", value)
        for target, value in module.connections
        if plain(target[0].wire or "") and _sources(value) <= numbered and _sources(value)
    ]
    for name, value in sorted(candidates, key=lambda found: -len(_sources(found[1]))):
        inputs, bits = _sources(value), _bits(value)
        whole = all(
            (source, k) in bits for source in inputs for k in range(module.wires[source].width)
        )
        if whole and inputs <= numbered and not module.wires[name].port:
            numbered -= inputs
            joined[name] = value
            moved |= {bit: Part(name, place, 1) for bit, place in bits.items()}
    if not joined:
        return {}
    module.connections = [pair for pair in module.connections if pair[0][0].wire not in joined]
    _replace(module, moved)
    for name in joined:
        module.wires[name].port = "input"
    for name in {source for source, _ in moved}:
        del module.wires[name]
    return joined


def _sources(bits: Bits) -> set[str]:
    return {one.wire for one in bits if one.wire is not None}


def _bits(value: Bits) -> dict[tuple[str, int], int]:
    """For each bit of a wire the lowest place that it has in a value."""
    found: dict[tuple[str, int], int] = {}
    for place in range(width(value)):
        (one,) = part(value, place, 1)
        if one.wire is not None:
            found.setdefault((one.wire, one.start), place)
    return found


def _replace(module: Module, moved: dict[tuple[str, int], Part]) -> None:
    gone = {source for source, _ in moved}

    def change(bits: Bits) -> Bits:
        if not _sources(bits) & gone:
            return bits
        ones = [one for k in range(width(bits)) for one in part(bits, k, 1)]
        return join([moved.get((one.wire or "", one.start), one) for one in ones])

    replace(module, change)


def connected(ports: dict[str, Bits], joined: dict[str, Bits]) -> dict[str, Bits]:
    """Connections of an instance of a module whose inputs were joined."""
    found = {}
    for name, value in joined.items():
        parts: list[Part] = []
        for one in value:
            parts += [one] if one.wire is None else part(ports[one.wire], one.start, one.width)
        found[name] = join(parts)
    return ports | found
