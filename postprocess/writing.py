# SPDX-License-Identifier: MIT
"""Where files of a result are written: into its own folder, not through links that lead out of it."""

from pathlib import Path


def fresh(path: Path) -> Path:
    """The path, after a link in its place is removed: a result may come from anywhere, and links with it."""
    if path.is_symlink():
        path.unlink()
    return path


def subfolder(folder: Path, name: str) -> Path:
    """A folder inside a result folder, made where it is missing; a link in its place is removed.

    Raises:
        OSError: it cannot be made.
    """
    path = fresh(folder / name)
    path.mkdir(exist_ok=True)
    return path
