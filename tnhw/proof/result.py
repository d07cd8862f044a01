"""The result of a proof: its parts, a counter-example, and what was tested if a part is undecided."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from .. import __version__, tools
from ..errors import CheckFailed, Undecided
from ..support import results

__all__ = ["ASSUMPTIONS", "Result", "raise_unless_proven"]

SCHEMA = 1

ASSUMPTIONS = [
    "Yosys reads the Verilog as a synthesis tool does, and writes what it read in SMT-LIB",
    "the solver's answers are right",
    "senders keep what the stream contract asks: an offered beat stays until it is taken",
    "a receiver is ready again and again, and a sender goes on with a vector that it has begun, until its end",
    "a gain field is 0, 1 or 2, and digits of a weight are those of a weight in its format",
]


@dataclass(repr=False)
class Result(results.Result):
    """What was proven about a kernel.

    Attributes
    ----------
    name : str
    parts : list of dict
        For each part ``property``, ``part``, ``verdict`` (``proven``, ``disproved`` or
        ``undecided``), ``method``, ``solver``, ``questions`` (to the solver, by kind), ``seconds``
        and ``text``.
    counter_example : dict or None
        The fields of `CounterExample` other than its waves (``fault``, ``vector``, ``x``, ``parameters``,
        ``expected``, ``got``, ``test``), and ``waves``, the path of the file with the waves; ``vcd`` is the same if
        that is a VCD file. Of a network that goes wrong under some pauses and stalls also ``where``, ``offers`` and ``takes``: a
        module that goes wrong, and in which clocks it is offered a beat and its result is taken.
    tested : dict or None
        If a part is undecided, how long the bench ran without finding a fault: ``vectors``, ``cycles``,
        ``seconds``; or why it did not run: ``not_run``.
    seconds : float
        Time of the whole proof.
    retries : list of dict
        What was tried again because a tool died: ``failure`` and ``change``.
    assumptions : list of str
        What is trusted.
    leaves_open : str
        What a proof of this kind does not say, whatever its verdict; empty if there is nothing.
    """

    name: str
    parts: list = field(default_factory=list)
    counter_example: dict | None = None
    tested: dict | None = None
    seconds: float = 0
    retries: list = field(default_factory=list)
    assumptions: list = field(default_factory=lambda: list(ASSUMPTIONS))
    leaves_open: str = ""

    def add(
        self,
        property_: str,
        part: str,
        verdict: str,
        method: str,
        seconds: float,
        text: str,
        solver: str | None = None,
        questions: dict[str, int] | None = None,
    ) -> None:
        """Record a part; `solver` is its version, if it was asked something."""
        self.parts.append(
            {
                "property": property_, "part": part, "verdict": verdict, "method": method, "solver": solver,
                "questions": questions or {}, "seconds": round(seconds, 3), "text": text,
            }
        )  # fmt: skip

    def files(self, name: str, text: str, manifest: dict) -> dict[str, str]:
        """Files by name: the Verilog that was proven, its manifest, and this record."""
        digests = {f"{name}.v": hashlib.sha256(text.encode()).hexdigest()}
        return {
            f"{name}.v": text,
            "manifest.json": json.dumps(manifest | {"files": digests}, indent=2) + "\n",
            "proof.json": json.dumps(self.to_dict(), indent=2) + "\n",
        }

    @property
    def verdict(self) -> str:
        """``disproved`` if any part is disproved, else ``undecided`` if any is undecided, else ``proven``."""
        verdicts = [part["verdict"] for part in self.parts]
        for verdict in ("disproved", "undecided"):
            if verdict in verdicts:
                return verdict
        return "proven"

    @property
    def summary(self) -> str:
        """One line: the verdict, and how long the proof took."""
        return f"{self.name}: {self.verdict}, {len(self.parts)} parts in {self.seconds:.1f} s"

    def to_dict(self) -> dict[str, Any]:
        """What `proof.json` holds."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "verdict": self.verdict,
            "parts": self.parts,
            "counter_example": self.counter_example,
            "tested": self.tested,
            "assumptions": self.assumptions,
            "leaves_open": self.leaves_open,
            "retries": self.retries,
            "seconds": round(self.seconds, 3),
            "tools": tools.versions(tools.yosys_in_use(), "amaranth") | {"tnhw": __version__},
        }

    def tables(self) -> list[Any]:
        """One table: each part with its verdict, a counter-example or what was tested, and the whole verdict."""
        lines: list[tuple[Any, ...]] = [("property", "part", "verdict", "method", "solver", "s")]
        for part in self.parts:
            keys = ("property", "part", "verdict", "method", "solver")
            lines.append((*(part[key] or "" for key in keys), f"{part['seconds']:.1f}"))
        if self.counter_example:
            found = self.counter_example.items()
            lines += [(key, value) for key, value in found if value is not None]
        if self.tested:
            lines += [(f"tested: {key}", value) for key, value in self.tested.items()]
        lines.append(("total", "", self.verdict, "", "", f"{self.seconds:.1f}"))
        lines += [("not said", self.leaves_open)] if self.leaves_open else []
        return [results.Table(self.name, lines, headed=True)]


def raise_unless_proven(result):
    """Raise an error that says what was not proven, if there is anything.

    Raises
    ------
    CheckFailed
        If a part is disproved; its attribute `result` is the result.
    Undecided
        If a part is undecided; with `result` as well.
    """
    if result.verdict == "proven":
        return
    part = next(part for part in result.parts if part["verdict"] == result.verdict)
    text = f"{result.name}: {part['property']}, {part['part']}: {result.verdict}: {part['text']}"
    if result.verdict == "disproved":
        raise CheckFailed(f"{text}; see {result.counter_example['waves']}", result=result)
    raise Undecided(f"{text}. {_rest(result)}", result=result)


def _rest(result):
    """Sentences that say what was proven, and what was only tested."""
    shown = [
        f"{part['property']} ({part['part']})"
        for part in result.parts
        if part["verdict"] == "proven"
    ]
    text = f"Proven: {', '.join(shown) or 'nothing'}. "
    if result.tested and "not_run" not in result.tested:
        count, cycles = result.tested["vectors"], result.tested["cycles"]
        return (
            text
            + f"Only tested: the bench found no fault with {count:,} vectors in {cycles:,} cycles."
        )
    why = f": {result.tested['not_run']}" if result.tested else "."
    return f"{text}Nothing was tested{why}"
