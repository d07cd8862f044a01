"""What all tests share: tools that may be missing, data that we may not ship, a folder."""

import tempfile
from pathlib import Path

import pytest

from tnhw import tools
from tnhw.support import environment

OSU018 = "/usr/share/qflow/tech/osu018/osu018_stdcells.lib"


def pytest_collection_modifyitems(items):
    """Files with slow tests come first, so that no worker is left with one when the others are done."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_runtest_setup(item):
    for marker in item.iter_markers("needs"):
        _need(*marker.args)


def _need(*names: str) -> None:
    for status in tools.doctor(names):
        if status.status != "ok":
            if environment.flag("TNHW_REQUIRE_TOOLS"):
                pytest.fail(status.detail, pytrace=False)
            pytest.skip(status.detail)


@pytest.fixture(scope="session")
def needs():
    """``needs("iverilog")`` inside a test does what the marker of that name does."""
    return _need


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the data sets that the user names with TNHW_DATA."""
    path = environment.path("TNHW_DATA")
    if path is None:
        pytest.skip("TNHW_DATA does not name a folder of data sets")
    assert path.is_dir(), f"TNHW_DATA: there is no folder {path}"
    return path.resolve()


@pytest.fixture(scope="session")
def osu018() -> Path:
    """The cell library osu018 of Debian's qflow-tech-osu018, or of TNHW_OSU018."""
    path = environment.path("TNHW_OSU018") or Path(OSU018)
    if not path.is_file():
        text = (
            f"there is no {path}: `apt install qflow-tech-osu018`, or name the file in TNHW_OSU018"
        )
        if environment.flag("TNHW_REQUIRE_TOOLS"):
            pytest.fail(text, pytrace=False)
        pytest.skip(text)
    return path


@pytest.fixture(scope="session", autouse=True)
def _own_folder(tmp_path_factory):
    """Tests run in a temporary folder, so that none writes to the checkout."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as fonts:
        for variable in (
            "TNHW_DATA",
            "TNHW_LIBERTY",
            "TNHW_MODELS",
            "TNHW_OSU018",
            "YOWASP_CACHE_DIR",
        ):
            if path := environment.path(variable):
                patch.setenv(variable, str(path.resolve()))
        folder = tmp_path_factory.mktemp("run")
        patch.setenv("MPLBACKEND", "Agg")
        patch.setenv("MPLCONFIGDIR", fonts)  # written whenever the first picture is drawn
        patch.chdir(folder)
        yield
