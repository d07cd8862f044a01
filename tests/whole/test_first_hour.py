"""From a wheel to a bitstream in a fresh environment, within three minutes."""

import json
import subprocess
import sys

import pytest
from places import ROOT


@pytest.mark.nightly
@pytest.mark.needs("iverilog")
def test_first_hour():
    command = [sys.executable, str(ROOT / "benchmarks" / "first_hour.py"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seconds = json.loads(done.stdout)["seconds"]
    assert list(seconds) == ["wheel", "install", "init", "generate", "simulate", "build"]
