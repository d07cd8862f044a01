import pytest

from tnhw.errors import InputError
from tnhw.support import data_files
from tnhw.support.data_files import FOLDERS, folder


@pytest.mark.parametrize("name", FOLDERS)
def test_folder(name):
    assert folder(name).is_dir()
    assert any(folder(name).iterdir())


def test_folder_wrong_name():
    with pytest.raises(KeyError, match="kernel"):
        folder("kernel")


def test_wheel_comes_first(tmp_path, monkeypatch):
    package = tmp_path / "tnhw"
    (package / "share" / "kernels").mkdir(parents=True)
    (tmp_path / "kernels").mkdir()
    (tmp_path / "boards").mkdir()
    monkeypatch.setattr(data_files, "_PACKAGE", package)
    assert folder("kernels") == package / "share" / "kernels"
    assert folder("boards") == tmp_path / "boards"
    with pytest.raises(InputError, match=r"lacks its folder `sim`; install it again with `pip "):
        folder("sim")
