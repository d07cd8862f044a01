"""Results that are kept as JSON with their hash, so that a damaged or changed file is not used."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

__all__ = ["read", "text"]


def text(value: Any) -> str:
    """The text of a file that keeps a value."""
    value = json.loads(json.dumps(value))  # in the form in which it will be read
    return json.dumps({"sha256": _hash(value), "value": value}, indent=1) + "\n"


def read(path: str | os.PathLike[str]) -> Any:
    """The value that a file keeps; None if there is no file, or its hash does not agree."""
    try:
        kept = json.loads(Path(path).read_text(encoding="utf-8"))
        return kept["value"] if kept["sha256"] == _hash(kept["value"]) else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
