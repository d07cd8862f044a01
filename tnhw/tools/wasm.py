"""The one-time compilation of YoWASP's WebAssembly tools to machine code."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ..support import caches

__all__ = ["announce", "compiled_file", "discard", "intact", "lock"]


def compiled_file(module: str, file: str) -> Path | None:
    """Where YoWASP keeps a tool's machine code: named by the SHA-1 of its WebAssembly file."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return None
    if not (source := Path(spec.origin).parent / file).exists():
        return None
    compiled = Path(module, file, _digest(source))
    folder = caches.folder("YOWASP_CACHE_DIR", "YoWASP", wanted=str(compiled), appauthor=False)
    return folder / compiled


@cache
def _digest(source: Path) -> str:
    import hashlib

    return hashlib.sha1(source.read_bytes(), usedforsecurity=False).hexdigest()


def intact(compiled: Path) -> bool:
    """Whether there is machine code, as it was when tnhw first saw it; its hash is kept beside it.

    The runtime would run it as it is, with any damage that leaves its head alone.
    """
    try:
        state = compiled.stat()
    except OSError:
        return False
    return _unchanged(compiled, state.st_size, state.st_mtime_ns)


@cache
def _unchanged(compiled: Path, size: int, time: int) -> bool:
    import hashlib

    kept = compiled.with_name(f"{compiled.name}.sha256")
    try:
        with compiled.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if kept.exists():
            return kept.read_text().strip() == found
        kept.write_text(f"{found}\n")
    except OSError:  # it cannot be kept
        pass
    return True


def discard(compiled: Path) -> None:
    """Remove machine code and its hash."""
    for path in (compiled, compiled.with_name(f"{compiled.name}.sha256")):
        path.unlink(missing_ok=True)


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Keep other tnhw processes out while the body runs; does nothing where it cannot."""
    try:
        import fcntl

        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except (ImportError, OSError):
        yield
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def announce(text: str) -> AbstractContextManager[object]:
    """Progress display on standard error: moving on a terminal, one line elsewhere."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    if not console.is_terminal:
        console.print(f"{text} ...")
        return nullcontext()
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    progress = Progress(*columns, console=console, transient=True)
    progress.add_task(text, total=None)
    return progress
