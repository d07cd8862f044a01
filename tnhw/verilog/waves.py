"""Lists of signals beside recorded waves, for GTKWave and Surfer: grouped by stream, numbers in decimal."""

from __future__ import annotations

from typing import Any

from ..synapse import Format

__all__ = ["wave_lists"]

MAX_SHOWN = 16  # elements of a payload that get a line of their own

# Flags of GTKWave's save file: how the lines below are shown.
_PLAIN, _HEX, _UNSIGNED, _SIGNED = "@28", "@22", "@24", "@420"
_OPEN, _CLOSE = "@800200", "@1000200"


def wave_lists(manifest: dict[str, Any], waves: str) -> dict[str, str]:
    """Files that open the ports of a simulated module.

    Parameters
    ----------
    manifest : dict
        Of the module, see `tnhw.verilog.manifest`.
    waves : str
        Name of the file of the waves, in the same folder.

    Returns
    -------
    dict of str to str
        ``<top>.gtkw`` for ``gtkwave <waves> <top>.gtkw``, and ``<top>.sucl`` for
        ``surfer --command-file <top>.sucl <waves>``.
    """
    top = manifest["top"]
    groups = list(_groups(manifest))
    return {f"{top}.gtkw": _gtkwave(top, groups, waves), f"{top}.sucl": _surfer(top, groups)}


def _groups(manifest):
    """For each group: title, one-bit signals, and payload as (name, width, number formats of its parts)."""
    yield "control", [manifest[k] for k in ("clock", "reset", "error") if manifest[k]], None
    for stream in manifest["streams"]:
        bits = [stream[key] for key in ("valid", "ready", "last") if stream[key]]
        parts = []
        if "element" in stream:
            number, size = Format.parse(stream["element"]), stream["element_bits"]
            count = min(stream["width"] // size, stream["elements"], MAX_SHOWN)
            parts = [(k * size, size, number.signed) for k in range(count)]
        yield (
            f"{stream['name']}: {stream['carries']}",
            bits,
            (stream["payload"], stream["width"], parts),
        )


def _gtkwave(top, groups, waves):
    lines = [f'[dumpfile] "{waves}"', "[timestart] 0"]
    for title, bits, payload in groups:
        lines += [_OPEN, f"-{title}", _PLAIN, *(f"{top}.{name}" for name in bits)]
        if payload:
            name, width, parts = payload
            vector = f"{top}.{name}" + (f"[{width - 1}:0]" if width > 1 else "")
            if len(parts) == 1 and parts[0][1] == width:
                lines += [_SIGNED if parts[0][2] else _UNSIGNED, vector]
            else:
                lines += [_HEX if width > 1 else _PLAIN, vector]
                for k, (low, size, signed) in enumerate(parts):
                    # Bits are counted from the left.
                    places = range(width - low - size, width - low)
                    chosen = " ".join(f"({place}){vector}" for place in places)
                    lines += [_SIGNED if signed else _UNSIGNED, f"#{{{name}[{k}]}} {chosen}"]
        lines += [_CLOSE, f"-{title}"]
    return "\n".join(lines) + "\n"


def _surfer(top, groups):
    """Surfer shows a vector as a whole: in decimal where it is one number."""
    lines = []
    for title, bits, payload in groups:
        lines.append(f"divider_add {title.split(':')[0]}")
        lines += [f"variable_add {top}.{name}" for name in bits]
        if payload:
            name, width, parts = payload
            one = len(parts) == 1 and parts[0][1] == width
            shown = ("Signed" if parts[0][2] else "Unsigned") if one else "Hexadecimal"
            lines += [f"variable_add {top}.{name}", f"item_set_format {shown}"]
    return "\n".join([*lines, "zoom_fit"]) + "\n"
