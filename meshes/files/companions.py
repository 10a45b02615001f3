# SPDX-License-Identifier: MIT
"""Files that other files take their numbers from, and checksums that count them with these."""

import hashlib
from pathlib import Path
from typing import Final

from meshes.cache import checksum_of_file
from meshes.files.image_headers import HEADERS, LONGEST_TEXT, HeaderError
from meshes.files.xdmf import SUFFIXES, data_files
from meshes.geometry import MeshInputError

HEADERS_ALONE: Final = (".mhd", ".nhdr", ".mha", ".nrrd")
"""Images whose voxels may lie in a file beside the header."""


def companions(path: Path) -> tuple[Path, ...]:
    """The files beside one that hold its numbers: of XDMF, and of image headers that stand alone.

    Args:
        path: of any file; one that its reader would refuse has none.

    Raises:
        OSError: it cannot be read.
    """
    suffix = path.suffix.lower()
    try:
        if suffix in SUFFIXES:
            return data_files(path)
        if suffix in HEADERS_ALONE:
            with path.open("rb") as stream:
                raw = stream.read(LONGEST_TEXT)
            read = next(read for suffixes, read in HEADERS.items() if suffix in suffixes)
            name = read(raw).data_file
            return (path.with_name(name),) if name and not set(name) & set("/\\\0") else ()
    except (MeshInputError, HeaderError, ValueError):
        pass
    return ()


def content_checksum(path: Path) -> str:
    """SHA-256 of a file's content, and of the files that it takes its numbers from where there are any.

    Args:
        path: of the file.

    Raises:
        OSError: it cannot be read; of the others, the reader tells what is missing.
    """
    own = checksum_of_file(path)
    beside = [checksum_of_file(file) if file.is_file() else "" for file in companions(path)]
    return hashlib.sha256("\n".join([own, *beside]).encode()).hexdigest() if beside else own
