"""Progress of a long step on standard error: an animated line on a terminal, plain lines elsewhere."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress"]

QUIET = 2  # seconds before anything is shown
EVERY = 30  # seconds between plain lines


@contextmanager
def progress(text: str, state: Callable[[], str] = lambda: "") -> Iterator[None]:
    """Show that a step is running, if it takes more than two seconds.

    Parameters
    ----------
    text : str
        What the step does.
    state : callable
        Returns a text that says how far it is. It is called from another thread.
    """
    over = threading.Event()
    thread = threading.Thread(target=_show, args=(text, state, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _show(text: str, state: Callable[[], str], over: threading.Event) -> None:
    start = time.monotonic()
    if over.wait(QUIET):
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    def now() -> str:
        return ": ".join(filter(None, (text, state())))

    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    if not console.is_terminal:
        console.print(f"{text} ...")
        while not over.wait(EVERY):
            console.print(f"{now()} ({time.monotonic() - start:.0f} s)")
        return
    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task(text)
        while not over.wait(0.5):
            shown.update(task, description=now())
