"""A good kernel file with keys that a test changes, and files of arrays that nobody should read."""

import io
import zipfile

import numpy as np

GOOD = {
    "name": '"k"', "rule": '"threshold"', "inputs": "3", "outputs": "2", "input": '"u4"',
    "parameter": '"u4"',
}  # fmt: skip


def toml(**changes):
    keys = GOOD | changes
    return "".join(f"{key} = {value}\n" for key, value in keys.items() if value is not None)


CONSTANT = {"storage": '"constant"', "parameters": '"p.npz"'}


def bomb():
    """A small file that says that it unpacks to 4 GiB."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("theta.npy", b"0" * 64)
        archive.filelist[0].file_size = 0xFFFFFFF0
    return buffer.getvalue()


def header_bomb():
    """An npy whose header asks for 8 EiB."""
    header = b"{'descr': '<i8', 'fortran_order': False, 'shape': (1152921504606846976,), }\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(
            "theta.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
        )
    return buffer.getvalue()


def pickled():
    buffer = io.BytesIO()
    np.savez(buffer, theta=np.array([{"run": "me"}], dtype=object))
    return buffer.getvalue()
