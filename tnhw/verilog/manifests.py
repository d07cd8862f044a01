"""The manifest: what a person or a test bench must know of emitted hardware."""

from __future__ import annotations

import hashlib
from typing import Any

from amaranth.lib import wiring

from .. import __version__, tools
from ..hardware import Hardware
from ..support.templating import LICENSE

__all__ = ["manifest"]

SCHEMA = 1


def manifest(hardware: Hardware, component: wiring.Component, text: str) -> dict[str, Any]:
    """Manifest of hardware whose component has this Verilog text: a dict for JSON."""
    return {
        "schema": SCHEMA,
        "name": hardware.name,
        "top": hardware.name,
        "license": LICENSE,
        "files": {f"{hardware.name}.v": hashlib.sha256(text.encode()).hexdigest()},
        **hardware.facts(),
        "clock": "clk",
        "reset": "rst",
        "error": "error" if hardware.interface == "axi-stream" else None,
        "latency": hardware.latency,
        "interval": hardware.interval,
        "streams": _streams(hardware, component),
        "tools": tools.versions("amaranth") | {"tnhw": __version__},
    }


def _streams(hardware: Hardware, component: Any) -> list[dict[str, Any]]:
    """The manifest's streams: ports, payload widths, and how elements lie in a payload."""
    signed = {"input": hardware.input, "output": hardware.output_format}
    count = {"input": hardware.inputs, "output": hardware.outputs}
    streams = []
    for port, role, carries in (
        ("i", "sink", "input"),
        ("p", "sink", "parameters"),
        ("o", "source", "output"),
    ):
        if port == "p" and hardware.storage != "memory":
            continue
        if hardware.interface == "axi-stream":
            prefix = {"i": "s_axis_t", "p": "s_axis_param_t", "o": "m_axis_t"}[port]
            names = {"payload": "data", "valid": "valid", "ready": "ready", "last": "last"}
            ports: dict[str, str | None] = {key: prefix + name for key, name in names.items()}
            width = len(getattr(component, prefix + "data"))
            own = {"i": component.sink_beats, "p": hardware.beats_p, "o": component.source_beats}
            beats = own[port]
        else:
            ports = {key: f"{port}_{key}" for key in ("payload", "valid", "ready")}
            ports["last"] = None
            width = {"i": hardware.width_i, "p": hardware.width_p, "o": hardware.width_o}[port]
            beats = {"i": hardware.beats_in, "p": hardware.beats_p, "o": 1}[port]
        stream = {
            "name": port,
            "role": role,
            "carries": carries,
            **ports,
            "width": width,
            "beats": beats,
        }
        if carries in signed:
            number = signed[carries]
            axi = hardware.interface == "axi-stream"
            stream["element"] = str(number)
            stream["elements"] = count[carries]
            stream["element_bits"] = 8 * -(-number.bits // 8) if axi else number.bits
        streams.append(stream)
    return streams
