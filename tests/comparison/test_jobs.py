"""Measurements side by side: order, cache, failures, a worker that is killed, an interrupt, a cluster."""

import signal
import subprocess
import sys
import time
from dataclasses import replace
from types import ModuleType

import pytest
from measured import dies, dies_once, double, fails, jobs
from places import SUPPORT

from tnhw.comparison import code, kernels
from tnhw.comparison.jobs import Job, cache_folder, run
from tnhw.errors import InputError, ToolFailed
from tnhw.kernel import Kernel


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TNHW_CACHE_DIR", str(tmp_path / "cache"))


@pytest.mark.parametrize("workers", [1, 2])
def test_results_in_order_and_known_the_second_time(workers, tmp_path):
    log, said = tmp_path / "log", []
    expected = [{"value": 2 * v} for v in range(4)]
    assert run(jobs(log), workers=workers, say=said.append) == expected
    assert "[4/4" in said[-1] and said[-1].split("] ")[1].startswith("double")
    assert sorted(log.read_text().split()) == list("0123")
    assert run(jobs(log), workers=workers, say=said.append) == expected
    assert "4 of 4 results were measured before" in said[-1]
    assert len(log.read_text().split()) == 4
    run(jobs(log, [1]), workers=1, cached=False)
    assert len(log.read_text().split()) == 5


def test_key_tells_what_matters(tmp_path):
    one, other = jobs(tmp_path, [1, 2])
    assert one.key != other.key
    assert one.key == Job("another title", double, {"log": "elsewhere"}, {"value": 1}).key
    assert one.key != Job("", fails, {}, {"value": 1}).key


def test_failure_is_a_result_and_not_kept(tmp_path):
    both = [Job("bad", fails, {"value": 7}, {"value": 7}), *jobs(tmp_path / "log", [3])]
    said = []
    found = run(both, workers=1, say=said.append)
    assert isinstance(found[0], ToolFailed) and found[1] == {"value": 6}
    assert "bad failed: no 7" in said[0]
    assert len(list(cache_folder().iterdir())) == 1


@pytest.mark.parametrize("damage", ["{", "", "3", "[]", '{"value": 2}', None])
def test_damaged_result_is_measured_again(damage, tmp_path):
    log = tmp_path / "log"
    run(jobs(log, [1]), workers=1)
    (path,) = cache_folder().iterdir()
    path.write_text(
        path.read_text().replace('"value": 2', '"value": 3') if damage is None else damage
    )
    for _ in range(2):  # and replaced
        assert run(jobs(log, [1]), workers=1) == [{"value": 2}]
    assert log.read_text() == "1\n1\n"


def test_result_that_is_not_worth_keeping(tmp_path):
    log = tmp_path / "log"
    (job,) = jobs(log, [1])
    for _ in range(2):
        run([replace(job, keeps=lambda result: result["value"] != 2)], workers=1)
    assert log.read_text() == "1\n1\n"


# What a result depends on

MODULES = {
    "plugged/__init__.py": "",
    "plugged/rule.py": '''
"""A rule."""
from tnhw.synapse.rules.ternary import Ternary
from .helper import double
class Mine(Ternary):
    """Mine."""
    name = "mine"
''',
    "plugged/helper.py": "def double(x):\n    return 2 * x\n",
    "plugged/other.py": "x = 1\n",
}


@pytest.fixture
def key(tmp_path, monkeypatch):
    """``key(file, old, new)``: of a job that depends on a plug-in, after a change of one of its files."""
    monkeypatch.syspath_prepend(tmp_path)
    for name, text in MODULES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    def of(file=None, old="", new=""):
        if file:
            text = (tmp_path / file).read_text()
            assert old in text
            (tmp_path / file).write_text(text.replace(old, new))
        code._read.cache_clear()
        return Job("", double, {}, {}, modules=("plugged.rule",)).key

    yield of
    code._read.cache_clear()
    code._path.cache_clear()


def test_key_is_of_code_and_not_of_its_prose(key):
    first = key()
    assert key() == first
    assert (
        key("plugged/rule.py", '"""A rule."""', '"""A rule of mine."""\n# that is my own') == first
    )
    assert key("plugged/rule.py", '"""Mine."""', '"""Nobody else\'s."""') == first
    assert key("plugged/other.py", "1", "2") == first  # nobody imports it
    second = key("plugged/helper.py", "2 * x", "x + x")
    assert second != first
    assert key("plugged/rule.py", '"mine"', '"yours"') not in (first, second)


def test_key_of_a_module_without_a_file_never_comes_again(monkeypatch):
    monkeypatch.setitem(sys.modules, "made_up", ModuleType("made_up"))
    keys = []
    for _ in range(2):
        code._read.cache_clear()
        keys.append(code.digest("made_up"))
    assert keys[0] != keys[1]


def test_what_a_measurement_depends_on():
    """A comment of an architecture matters to nobody, a rule's code to kernels; and what only shows results, not."""
    kernel = Kernel(name="k", rule="ternary", inputs=2, input="u2")
    names = kernels._modules(kernel)
    assert {"tnhw.kernel.kernel", "tnhw.synapse.rules.ternary", "tnhw.gates.kernels.parallel"} <= {
        *names
    }
    read = code.modules("tnhw.comparison.kernels", *names, without=("tnhw.comparison.jobs",))
    assert {
        "tnhw.netlist.synthesis",
        "tnhw.netlist.lut_mapping",
        "tnhw.cells.power",
        "tnhw.gates.summing.tree",
    } <= read
    assert not {"tnhw.comparison.report", "tnhw.comparison.jobs", "tnhw.cli.app"} & read


@pytest.mark.slow
def test_killed_worker_loses_nothing(tmp_path):
    again = [Job("dies once", dies_once, {"mark": str(tmp_path / "mark")}, {"n": 0})]
    said = []
    found = run(again + jobs(tmp_path / "log"), workers=2, say=said.append)
    assert found == [{"alive": True}, *({"value": 2 * v} for v in range(4))]
    assert any("was killed" in text for text in said)
    found = run([Job("dies", dies, {"value": v}, {"dies": v}) for v in range(2)], workers=2)
    assert all("killed 3 times" in str(error) for error in found)


INTERRUPTED = """
import signal, sys
sys.path.insert(0, {support!r})
import measured
from tnhw.comparison.jobs import Job, run

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    slow = Job("sleeps", measured.sleeps, {{"mark": {mark!r}}}, {{"n": 1}})
    try:
        run([*measured.jobs({log!r}, [5]), slow, slow], workers=2, say=print)
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.mark.slow
def test_interrupt_ends_workers_and_keeps_what_is_done(tmp_path):
    mark, log = tmp_path / "mark", tmp_path / "log"
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED.format(support=str(SUPPORT), mark=str(mark), log=str(log)))
    process = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    while not (mark.exists() and list(cache_folder().glob("*.json"))):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130 and time.monotonic() - start < 15
    assert "Traceback" not in err, err
    assert run(jobs(log, [5]), workers=1) == [{"value": 10}]
    assert log.read_text() == "5\n"


@pytest.mark.slow
def test_cluster(tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        found = run(
            [*jobs(tmp_path / "log"), Job("bad", fails, {"value": 1}, {})],
            scheduler=cluster.scheduler_address,
        )
    assert found[:4] == [{"value": 2 * v} for v in range(4)]
    assert isinstance(found[4], ToolFailed)
    assert len(list(cache_folder().iterdir())) == 4


def test_no_cluster():
    pytest.importorskip("distributed")
    with pytest.raises(InputError, match="there is no Dask scheduler at tcp://127.0.0.1:1"):
        run([Job("bad", fails, {"value": 1}, {})], scheduler="tcp://127.0.0.1:1")
