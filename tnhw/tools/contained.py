"""Runs a YoWASP tool that sees the folder it works in, the files of its package, and nothing else.

YoWASP gives its tools the whole file system: every folder of the root, and every ``..`` of the current one. What
runs in them, such as the script of a board file, could then write anywhere. This file is run as a script, by path, and
imports nothing of tnhw: ``contained.py DISTRIBUTION TOOL ARGUMENT...``.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

__all__ = ["command", "main"]


def command(distribution_name: str, tool: str, arguments: Iterable[str]) -> list[str]:
    """The command line that runs a tool contained."""
    # -P: neither this folder nor the current one is searched for modules.
    return [
        sys.executable,
        "-P",
        str(Path(__file__).resolve()),
        distribution_name,
        tool,
        *arguments,
    ]


def main(distribution_name: str, tool: str, *arguments: str) -> None:
    """Run the tool in this process and exit with its status."""
    from importlib.metadata import distribution

    import wasmtime

    console_scripts = distribution(distribution_name).entry_points.select(group="console_scripts")
    run = console_scripts[tool].load()
    package = Path(sys.modules[run.__module__].__file__ or "").parent

    class WorkFolder(wasmtime.WasiConfig):
        """Mounts the current folder, a temporary one, and the package's own files, which cannot be written."""

        def preopen_dir(self, path: str, guest_path: str, *permissions: object) -> None:
            if package in Path(path).parents:
                read_only = wasmtime.DirPerms.READ_ONLY, wasmtime.FilePerms.READ_ONLY
                super().preopen_dir(path, guest_path, *read_only)
            elif guest_path in ("", ".") or guest_path == "/tmp" != path:
                super().preopen_dir(path, guest_path, *permissions)  # type: ignore[arg-type]

    wasmtime.WasiConfig = WorkFolder  # type: ignore[misc]
    sys.argv = [tool, *arguments]
    sys.exit(run())


if __name__ == "__main__":
    main(*sys.argv[1:])
