# SPDX-License-Identifier: MIT
"""Where benchmarks keep what takes long to make: meshes, references, peers."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Folder of the benchmarks in the cache, ``$XDG_CACHE_HOME/infusate/benchmarks``; made if not there."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    folder = (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "infusate" / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
