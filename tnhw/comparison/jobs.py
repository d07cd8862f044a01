"""Run measurements that take a while in parallel, and keep each result under a key of all that it depends on.

A result is stored as soon as it is known. An interrupted run therefore continues where it stopped, and nothing is
measured twice as long as the measuring code, the tools and everything else that a job names stay the same. Each
stored result has a hash; if that does not agree, it is measured again.
"""

import contextlib
import hashlib
import json
import multiprocessing
import os
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field

from ..errors import InputError, TnhwError, ToolFailed
from ..support import caches, kept
from ..tools import logs as tool_logs
from ..tools.watch import end_with_parent
from .code import digest

__all__ = ["Job", "cache_folder", "run"]

KEPT = 20_000  # most results that are kept
TRIES = 3  # attempts at a job whose worker dies


@dataclass(frozen=True)
class Job:
    """A measurement.

    Parameters
    ----------
    title : str
        Name for messages.
    function : callable
        A function of a module, so that another process finds it. Its result must go into JSON.
    arguments : dict
        Arguments of the function, which can be pickled.
    identity : dict
        Everything other than code that the result depends on; must go into JSON.
    modules : tuple of str
        Further modules whose code the result depends on, for example of plug-ins. The module of `function` and
        all that it imports from tnhw always count.
    keeps : callable
        Says of a result whether it should be kept.
    """

    title: str
    function: Callable
    arguments: dict
    identity: dict = field(default_factory=dict)
    modules: tuple = ()
    keeps: Callable = bool

    @property
    def key(self):
        """Hash of everything that the result depends on, in hexadecimal."""
        name = f"{self.function.__module__}.{self.function.__qualname__}"
        code = digest(self.function.__module__, *self.modules, without=(__name__,))
        text = json.dumps([name, code, self.identity], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def cache_folder():
    """The folder of results, with a file for each, named by its key."""
    return caches.cache_folder() / "measurements"


def run(jobs, *, workers=None, scheduler=None, cached=True, say=lambda text: None):
    """Run jobs, and keep their results.

    Parameters
    ----------
    jobs : list of Job
    workers : int, optional
        Number of processes, by default one for each core. With 1, this process does the work.
    scheduler : str, optional
        Address of a Dask scheduler that runs the jobs instead, such as ``tcp://host:8786``.
    cached : bool
        Whether results of earlier runs may be used.
    say : callable
        Called with a sentence for each job that is done.

    Returns
    -------
    list
        For each job, its result, or the TnhwError with which it ended.

    Raises
    ------
    InputError
        If there is no scheduler at that address.
    """
    results, waiting = [None] * len(jobs), []
    for number, job in enumerate(jobs):
        known = kept.read(_file(job)) if cached else None
        if known is None:
            waiting.append(number)
        else:
            results[number] = known
    if len(waiting) < len(jobs):
        say(f"{len(jobs) - len(waiting)} of {len(jobs)} results were measured before")
    start, done = time.monotonic(), len(jobs) - len(waiting)
    for number, result in _results(jobs, waiting, workers, scheduler, say):
        done += 1
        failed = isinstance(result, TnhwError)
        if not failed and jobs[number].keeps(result):
            _store(jobs[number], result)
        results[number] = result
        said = f": {str(result).splitlines()[0]}" if failed else ""
        say(
            f"[{done}/{len(jobs)}, {time.monotonic() - start:.0f} s] {jobs[number].title}"
            f"{' failed' if failed else ''}{said}"
        )
    return results


def _results(jobs, waiting, workers, scheduler, say):
    """Run jobs; yields (index, result) as they end."""
    if scheduler is not None:
        yield from _on_cluster(jobs, waiting, scheduler)
        return
    workers = min(workers or os.cpu_count() or 1, len(waiting))
    if workers <= 1:
        for number in waiting:
            yield number, _attempt(jobs[number].function, jobs[number].arguments)
        return
    tries = dict.fromkeys(waiting, 0)
    while tries:
        for number, result in _in_processes(jobs, list(tries), workers):
            if result is not None:
                del tries[number]
                yield number, result
        for number in list(tries):  # jobs whose worker died
            tries[number] += 1
            if tries[number] == TRIES:
                del tries[number]
                yield (
                    number,
                    ToolFailed(
                        f"{jobs[number].title}: its process was killed {TRIES} times; is there enough memory?"
                    ),
                )
        if tries:
            say(f"a process was killed; {len(tries)} measurements start again")


def _in_processes(jobs, waiting, workers):
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(
        workers, context, initializer=_prepare_worker, initargs=(os.getpid(), tool_logs.folder())
    )
    futures = {}
    try:
        for number in waiting:
            job = jobs[number]
            futures[executor.submit(_attempt, job.function, job.arguments)] = number
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool:
                yield futures[future], None
    except BaseException:
        # `shutdown(wait=False)` would not do: the `shutdown` below would then not wait either.
        for future in futures:
            future.cancel()
        for process in multiprocessing.active_children():
            process.terminate()  # the worker ends its tool before it ends
        raise
    finally:
        executor.shutdown()


def _on_cluster(jobs, waiting, address):
    try:
        import distributed
    except ImportError:
        raise InputError(
            '`--scheduler` needs Dask: pip install "tnhw[cluster]", or leave the option out'
        ) from None
    try:
        client = distributed.Client(address, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(
            f"there is no Dask scheduler at {address} ({error}); start one with `dask scheduler`"
        ) from None
    with client:
        futures = {}
        for number in waiting:
            job = jobs[number]
            future = client.submit(_attempt, job.function, job.arguments, pure=False)
            futures[future.key] = number
            futures[number] = future
        for future in distributed.as_completed([futures[number] for number in waiting]):
            number = futures[future.key]
            if future.status == "error":
                yield number, ToolFailed(f"{jobs[number].title}: {future.exception()}")
            else:
                yield number, future.result()


def _prepare_worker(parent, logs):
    """Set up a worker: it ignores Ctrl-C, as its parent ends it, ends if the parent dies, and logs as it does."""
    warnings.filterwarnings("ignore", message=".* created but never used")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(parent)
    tool_logs.keep_in(logs)


def _attempt(function, arguments):
    """The result of a job, or the TnhwError with which it ended.

    If a worker is terminated, it first ends its tool and removes its temporary folders.
    """
    worker = multiprocessing.parent_process() is not None
    main = threading.current_thread() is threading.main_thread()
    if worker and main:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return function(**arguments)
    except TnhwError as error:
        return error
    except KeyboardInterrupt:
        if not worker:
            raise
        os._exit(130)  # tools have ended and temporary folders are gone by now
    finally:
        if worker and main:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _file(job):
    return cache_folder() / f"{job.key}.json"


def _store(job, result):
    """Keep a result. It is no error if the folder cannot be written."""
    folder = cache_folder()
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as file:
            file.write(kept.text(result))
        os.replace(file.name, _file(job))
        entries = list(folder.iterdir())
        if len(entries) > KEPT:
            for old in sorted(entries, key=lambda path: path.stat().st_mtime)[: KEPT // 10]:
                old.unlink(missing_ok=True)
