"""The packages of all kernels of `ip_kernels`."""

import pytest
from ip_kernels import KERNELS

from tnhw.export import ip


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """Folder with the package of every kernel, written once; tests copy what they change."""
    folder = tmp_path_factory.mktemp("packages")
    for name, made in KERNELS.items():
        ip.package(made, folder / name)
    return folder
