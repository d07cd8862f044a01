"""What workers of other processes do: measurements that succeed, fail, die, or go on for ever."""

import os
import signal
import time
from pathlib import Path

from tnhw.comparison.jobs import Job
from tnhw.errors import ToolFailed


def double(value, log):
    with Path(log).open("a") as file:
        file.write(f"{value}\n")
    return {"value": 2 * value}


def fails(value):
    raise ToolFailed(f"no {value}")


def dies_once(mark):
    if not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"alive": True}


def dies(value):
    os.kill(os.getpid(), signal.SIGKILL)


def sleeps(mark):
    Path(mark).touch()
    time.sleep(60)


def jobs(log, values=range(4)):
    return [Job(f"double {v}", double, {"value": v, "log": str(log)}, {"value": v}) for v in values]


def works(mark):
    from tnhw.tools.process import execute

    execute("sh", ["sh", "-c", f"sleep 600 & touch {mark}; wait"], timeout=600)
