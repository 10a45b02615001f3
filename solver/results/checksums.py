# SPDX-License-Identifier: MIT
"""Checksums of a result's files, as ``sha256sum --check`` reads them: damage is noticed before use."""

import hashlib
import os
import re
from pathlib import Path
from typing import Final

CHECKSUMS: Final = "SHA256SUMS"
SEALED: Final = ("summary.json", "resolved.toml", "history.csv", "fields.vtkhdf")
"""What a run leaves for others to read."""


def write_checksums(folder: Path) -> None:
    """Write the checksums of a finished run's files; whole or not at all.

    Raises:
        OSError: a file cannot be read, or the folder cannot be written.
    """
    lines = [f"{_digest(folder / name)}  {name}\n" for name in SEALED if (folder / name).is_file()]
    partial = folder / f".{CHECKSUMS}.partial"
    partial.unlink(missing_ok=True)
    with partial.open("x", encoding="ascii") as stream:
        stream.writelines(lines)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(folder / CHECKSUMS)


def damaged(folder: Path) -> str | None:
    """Name the first file that is not as the run left it; None if all are, or if there are no checksums.

    Raises:
        OSError: a file cannot be read.
    """
    try:
        text = (folder / CHECKSUMS).read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    except ValueError:
        return CHECKSUMS
    for line in text.splitlines():
        match = re.fullmatch(r"([0-9a-f]{64})  (\S+)", line)
        if match is None or match.group(2) not in SEALED:
            return CHECKSUMS
        file = folder / match.group(2)
        if not file.is_file() or _digest(file) != match.group(1):
            return match.group(2)
    return None


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
