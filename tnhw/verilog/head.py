"""The first lines of emitted Verilog: what the hardware computes, when, and how numbers lie in its payloads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["head"]


def head(title: str, manifest: Mapping[str, Any]) -> list[str]:
    """Lines without a comment sign, in ASCII.

    Parameters
    ----------
    title
        One line that says what the hardware is.
    manifest
        What `manifests.manifest` says of it.
    """
    return [line.translate(_ASCII) for line in _lines(title, manifest)]


_ASCII = str.maketrans({"−": "-", "·": "*", "θ": "theta"})


def _lines(title: str, manifest: Mapping[str, Any]) -> Iterator[str]:
    yield f"{title}."
    if "formula" in manifest:
        yield f"{manifest['formula']}."
    every = "each clock" if manifest["interval"] == 1 else f"every {manifest['interval']} clocks"
    yield f"A result {manifest['latency']} clocks after its vector; a vector {every}."
    for stream in manifest["streams"]:
        yield f"{stream['payload']}: {_payload(stream, manifest)}."
    sent = any(stream["carries"] == "parameters" for stream in manifest["streams"])
    if "word" in manifest and (sent or "payload" in manifest):
        fields = ", ".join(f"{name} ({format_})" for name, format_ in manifest["word"].items())
        yield f"A parameter word, its lowest bits first: {fields}."


def _payload(stream: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    beats = "" if stream["beats"] == 1 else f" in {stream['beats']} beats"
    if "element" not in stream:
        return f"a load{beats}: {manifest.get('load', 'parameters')}"
    count, bits = stream["elements"], stream["element_bits"]
    padded = "" if stream["element"][1:] == str(bits) else f", each in {bits} bits"
    noun = stream["carries"] if count == 1 else f"{stream['carries']}s"
    many = count > 1 and count > stream["beats"]
    order = ", the first in the lowest bits" if many else ""
    more = f"; {manifest['payload']}" if stream["name"] == "i" and "payload" in manifest else ""
    return f"{count} {noun} ({stream['element']}){padded}{beats}{order}{more}"
