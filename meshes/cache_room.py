# SPDX-License-Identifier: MIT
"""Where meshes are kept, how much they take, and which go first when that is too much."""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

LIMIT: Final = 4_000_000_000
"""What the cache may take [bytes]; a mesh of a million tetrahedra takes 40 MB."""

ABANDONED: Final = 86_400.0
"""Age at which a file that a run was writing is taken for the rest of a killed one [s]."""


def cache_folder() -> Path:
    """Name the folder of cached meshes, ``$XDG_CACHE_HOME/infusate/meshes``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "infusate" / "meshes"


def used() -> int:
    """Size of all kept meshes [bytes]."""
    return sum(size for _, size, _ in _kept(cache_folder()))


def mark_used(file: Path) -> None:
    """Make a kept mesh the last to go."""
    with suppress(OSError):
        os.utime(file)


def evict(folder: Path, limit: int = LIMIT) -> None:
    """Remove meshes, the least recently used first, until the rest fits; the last one used stays.

    Args:
        folder: of the cache.
        limit: for all of them [bytes].
    """
    total = 0
    for number, (_, size, file) in enumerate(sorted(_kept(folder), reverse=True)):
        total += size
        if number > 0 and total > limit:
            with suppress(OSError):
                file.unlink()
    for part in folder.glob("*.part"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > ABANDONED:
                part.unlink()


def _kept(folder: Path) -> list[tuple[int, int, Path]]:
    """Last use [ns], size [bytes] and place of every kept mesh; another process may remove some meanwhile."""
    found = []
    for file in folder.glob("*.npz"):
        with suppress(OSError):
            status = file.stat()
            found.append((status.st_mtime_ns, status.st_size, file))
    return found
