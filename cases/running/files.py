# SPDX-License-Identifier: MIT
"""JSON files that are whole or not there; needs no solver."""

import json
import os
from pathlib import Path
from typing import Any


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a file whole or not at all: beside it, flushed to disk, then renamed.

    Raises:
        OSError: when the disk is full or the folder cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        with partial.open("w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=1, allow_nan=False, default=_plain)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _plain(value: Any) -> Any:
    """Numpy scalars and arrays as JSON knows them."""
    return value.item() if getattr(value, "ndim", 1) == 0 else value.tolist()
