"""A bench in C++ that streams vectors through a model by Verilator, for whole data sets.

It is much faster than the benches that speak to a simulator from Python, and checks less: every result, latency and
interval at full speed, and every result once more with random pauses and stalls. Its tests state their cycles and seconds.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .. import tools
from ..errors import ToolFailed
from ..support.data_files import folder as data_folder
from ..support.progress import progress
from ..synapse import Format
from ..tools.last_words import last_lines
from ..tools.process import execute
from .simulators import Job
from .traffic import Traffic

__all__ = ["run"]

QUIET = 1000  # cycles without any beat, besides those of a vector, after which nothing is expected any more
STREAMS = {"input": "I", "parameters": "P", "output": "O"}


def run(
    job: Job, folder: Path, *, manifest: dict[str, Any], sent: Traffic
) -> tuple[list[dict], float]:
    """Compile the model, and stream all traffic through it, without and with stalls.

    Parameters
    ----------
    job : Job
    folder : path
        Receives ``simulate.log`` and ``received.json``.
    manifest : dict
    sent : Traffic
        Its record has the beats; all segments are sent.

    Returns
    -------
    tests, seconds
        As `tnhw.simulation.simulators.run` returns them.

    Raises
    ------
    ToolMissing, ToolFailed
        If Verilator or the compiler is missing, rejects the sources, or the model breaks off.
    """
    streams = {stream["carries"]: stream for stream in manifest["streams"]}
    began = time.monotonic()
    bench = _compiled(job, manifest, streams, folder)
    _write(streams, sent.record["segments"], folder / "stream.bin")
    tests = []
    for name, stalls in (("full_speed", 0), ("random_stalls", 1)):
        begin = time.monotonic()
        made = _streamed(bench, job, manifest, sent, folder, stalls)
        failure = _failure(manifest, streams, sent, made, stalls)
        tests.append(
            {
                "test": name,
                "passed": failure is None,
                "failure": failure,
                "cycles": made["cycles"],
                "vectors": made["beats"] // streams["output"]["beats"],
                "seconds": round(time.monotonic() - begin, 3),
            }
        )
        if not stalls:
            received = [format(beat, "x") for beat in _integers(made["out"])]
            (folder / "received.json").write_text(json.dumps(received))
    return tests, time.monotonic() - began


def _words(stream: dict[str, Any]) -> int:
    return (stream["width"] + 31) // 32


def _ports(manifest: dict[str, Any], streams: dict[str, dict]) -> str:
    """The header that tells the bench the names and widths of the ports."""
    lines = ['#include "Model.h"', f"#define CLOCK {manifest['clock']}", f"#define RESET {manifest['reset']}"]  # fmt: skip
    for carries, letter in STREAMS.items():
        stream = streams.get(carries)
        words = _words(stream) if stream else 1
        lines.append(f"#define {letter}_WORDS {words}")
        if stream is None:
            continue
        lines.append(f"#define {letter}_BEATS {stream['beats']}")
        lines += [f"#define {letter}_{key.upper()} {stream[key]}" for key in ("payload", "valid", "ready")]  # fmt: skip
        if letter == "O":
            last = f"model->{stream['last']}" if stream["last"] else "0"
            lines.append(f"#define O_LAST(model) ({last})")
        else:
            last = f"model->{stream['last']} = value" if stream["last"] else ""
            lines.append(f"#define {letter}_LAST(model, value) {last}")
    lines.append(
        f"#define ERROR(model) ({f'model->{name}' if (name := manifest.get('error')) else 0})"
    )
    has_load = "__VA_ARGS__" if "parameters" in streams else ""
    return "\n".join([*lines, f"#define HAS_LOAD(...) {has_load}", ""])


def _compiled(job: Job, manifest: dict, streams: dict, folder: Path) -> Path:
    """The bench with the model, compiled in a folder."""
    place = folder / "compiled"
    place.mkdir()
    (place / "ports.h").write_text(_ports(manifest, streams))
    shutil.copyfile(data_folder("sim") / "stream.cpp", place / "stream.cpp")
    command = [
        str(tools.find("verilator")), "--cc", "--exe", "--build", "-j", str(os.cpu_count() or 1), "-O3",
        "-Wno-fatal", "--no-timing", "--output-split", "20000", "--prefix", "Model", "--Mdir", str(place),
        "--top-module", job.top, "-CFLAGS", f"-std=c++17 -O2 -I{place}", "-o", "stream",
        *(str(Path(source).resolve()) for source in job.sources), str(place / "stream.cpp"),
    ]  # fmt: skip
    with progress(f"Compiling {job.top} with Verilator"):
        done = execute(
            "verilator", command, cwd=folder, timeout=job.timeout, env=tools.verilator_environment()
        )
    log = done.stdout + done.stderr
    (folder / "simulate.log").write_text(log, encoding="utf-8")
    if done.returncode or not (place / "stream").exists():
        said = "".join(f"\n  {line}" for line in last_lines(log, 5))
        raise ToolFailed(f"Verilator did not compile {job.top}:{said}\n")
    return place / "stream"


def _write(streams: dict, segments: list[dict], path: Path) -> None:
    """All beats as words of 32 bits, the lowest first, each segment after its three numbers."""
    words = {carries: _words(stream) for carries, stream in streams.items()}
    with path.open("wb") as file:
        for segment in segments:
            counts = [len(segment[letter]) for letter in "pio"]
            file.write(np.array(counts, "<u4").tobytes())
            for letter, carries in (("p", "parameters"), ("i", "input")):
                size = 4 * words.get(carries, 1)
                file.write(b"".join(int(beat, 16).to_bytes(size, "little") for beat in segment[letter]))  # fmt: skip


def _streamed(
    bench: Path, job: Job, manifest: dict, sent: Traffic, folder: Path, stalls: int
) -> dict[str, Any]:
    """What the bench printed, with ``out`` [beats, words + 1] and ``times`` [events, 2]."""
    total, came = len(sent.x), folder / "came"
    beats = max(stream["beats"] for stream in manifest["streams"])
    tail = manifest["latency"] + 2 * manifest["interval"] + beats
    limit = QUIET + 64 * tail

    def state():
        return f"{came.read_text() if came.exists() else 0} beats of {total} vectors"

    how = "with stalls" if stalls else "at full speed"
    with progress(f"Streaming through {job.top}, {how}", state):
        numbers = stalls, sent.record["seed"] + 1, limit, tail
        command = [str(bench), str(folder), *map(str, numbers)]
        done = execute("the bench", command, cwd=folder, timeout=job.timeout)
    if done.returncode:
        said = "".join(f"\n  {line}" for line in last_lines(done.stdout + done.stderr, 5))
        raise ToolFailed(f"the simulation of {job.top} broke off:{said}\n")
    made = json.loads(done.stdout.splitlines()[-1])
    stream = next(s for s in manifest["streams"] if s["carries"] == "output")
    made["out"] = np.fromfile(folder / "out.bin", "<u4").reshape(-1, _words(stream) + 1)
    made["times"] = np.fromfile(folder / "times.bin", "<u8").reshape(-1, 2).astype(np.int64)
    return made


def _integers(out: np.ndarray) -> Iterator[int]:
    """Beats as integers, without the word that holds `last`."""
    for row in out[:, :-1]:
        yield int.from_bytes(row.tobytes(), "little")


def _failure(
    manifest: dict, streams: dict, sent: Traffic, made: dict[str, Any], stalls: int
) -> dict[str, Any] | None:
    """The first check that fails: a dict as benches in Python record it, or None."""
    stream = streams["output"]
    beats, times = stream["beats"], made["times"]
    came = times[times[:, 0] == 1, 1]
    size = 4 * _words(stream)
    wanted = [int(beat, 16).to_bytes(size, "little") for part in sent.record["segments"] for beat in part["o"]]  # fmt: skip
    expected = np.frombuffer(b"".join(wanted), "<u4").reshape(len(wanted), -1)
    out = made["out"][: len(expected)]
    wrong = (out[:, :-1] != expected[: len(out)]).any(axis=1)
    if stream["last"]:
        wrong |= out[:, -1] != (np.arange(len(out)) % beats == beats - 1)
    if wrong.any():
        first = int(wrong.argmax())
        return _wrong(stream, first, out[first], wanted[first], int(came[first]))
    if len(out) < len(expected):
        vector = len(out) // beats
        text = f"The output of vector {vector} did not come within {made['quiet'] - 1} cycles."
        return {"kind": "missing", "text": text, "vector": vector, "cycle": made["cycles"]}
    if made["extra"]:
        text = f"An output came after the last of {len(out) // beats} vectors."
        return {"kind": "extra", "text": text, "cycle": made["cycles"]}
    if made["error"]:
        text = f"`{manifest['error']}` is high, though every vector and load had its beats."
        return {"kind": "error", "text": text, "cycle": made["cycles"]}
    if made["unstable"]:
        text = f"`{stream['valid']}` fell, or `{stream['payload']}` changed, while `{stream['ready']}` was low."
        return {"kind": "unstable", "text": text, "cycle": made["unstable"]}
    return None if stalls else _late(manifest, streams, sent, came, times[times[:, 0] == 0, 1])


def _wrong(stream: dict, beat: int, got: np.ndarray, wanted: bytes, cycle: int) -> dict[str, Any]:
    number, stride = Format.parse(stream["element"]), stream["element_bits"]
    vector, position = divmod(beat, stream["beats"])
    per_beat = stream["width"] // stride
    patterns = (int.from_bytes(got[:-1].tobytes(), "little"), int.from_bytes(wanted, "little"))
    record = {"kind": "value", "vector": vector, "cycle": cycle}
    for k in range(min(per_beat, stream["elements"] - position * per_beat)):
        own, right = (number.decode(pattern >> (k * stride)) for pattern in patterns)
        if own != right:
            place = position * per_beat + k
            text = f"Vector {vector}: output {place} is {own}, expected {right}."
            return record | {"text": text, "output": place, "expected": int(right), "got": int(own)}
    if patterns[0] == patterns[1]:
        text = f"`{stream['last']}` is {got[-1]} on beat {position + 1} of {stream['beats']} of an output vector."
        return record | {"kind": "last", "text": text}
    return record | {"text": f"Vector {vector}: padding bits differ."}


def _late(
    manifest: dict, streams: dict, sent: Traffic, came: np.ndarray, taken: np.ndarray
) -> dict[str, Any] | None:
    """Whether the first vector's latency and every interval are those of the manifest."""
    beats, images = streams["output"]["beats"], manifest.get("images", 1)
    latency = int(came[0] - taken[0]) if len(came) else manifest["latency"]
    if latency != manifest["latency"]:
        text = f"Vector 0 took {latency} cycles from its last input beat to its output; the manifest says {manifest['latency']}."
        return {"kind": "latency", "text": text, "vector": 0, "cycle": int(came[0])}
    start = 0
    for segment in sent.record["segments"]:
        count = len(segment["o"]) // beats
        ends = came[beats - 1 :: beats][start + manifest.get("warm_up", 0) : start + count][1:]
        gaps = ends[images:] - ends[:-images]
        if (odd := gaps != manifest["interval"]).any():
            vector = start + manifest.get("warm_up", 0) + 1 + images + int(odd.argmax())
            text = (
                f"Vector {vector} came {gaps[odd][0]} cycles after the one {images} before it with nobody stalling; the manifest "
                f"says {manifest['interval']}."
            )
            return {"kind": "throughput", "text": text, "vector": vector, "cycle": int(ends[images:][odd][0])}  # fmt: skip
        start += count
    return None
