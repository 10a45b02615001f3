# SPDX-License-Identifier: MIT
"""Image files (NIfTI, NRRD, MetaImage) that nobody vouches for: where voxels lie, and in bounded memory."""

import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from meshes.files.image_headers import HEADERS, LONGEST_TEXT, NIFTI, HeaderError, ImageHeader, nifti_header
from meshes.geometry import GeometryError, MeshInputError

SUFFIXES: Final = NIFTI + tuple(suffix for suffixes in HEADERS for suffix in suffixes)

LARGEST_VOXELS: Final = 2**28
"""Of an image: a whole body has 512 x 512 x 1024. A header is quickly forged, memory is not."""

CHUNK: Final = 2**20
TRAILING: Final = 2**20
"""Bytes that may follow the voxels in a compressed stream, whose checksum stands at its end."""

INPUT: Final = 2**16
"""Compressed bytes taken at a time."""

MOST_TINY: Final = 1000
SMALLEST: Final = 1024
"""A compressed stream may have many members, but from so many on they hold that many bytes on average."""

GZIP_MAGIC: Final = b"\x1f\x8b"
ANY_STREAM: Final = 47
"""Of zlib: gzip or zlib, whichever the stream is, checked against its checksum."""


@dataclass(frozen=True, kw_only=True)
class ImageFile:
    """An image in a file, its voxels not read yet.

    Attributes:
        path: the file.
        shape: number of voxels along the three axes.
        affine: voxel index to RAS position [m], shape ``(4, 4)``.
        header: all that the header says.
    """

    path: Path
    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    header: ImageHeader


def open_image(path: Path, thinnest: int = 2) -> ImageFile:
    """Reads the header of an image (serial).

    Args:
        path: NIfTI, NRRD or MetaImage file of three dimensions.
        thinnest: voxels that it must have along each axis; 1 admits a single slice.

    Raises:
        MeshInputError: the file is missing, of another kind, or its header cannot be used.
        GeometryError: it has not three dimensions, several numbers per voxel, or is too large.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise MeshInputError(f"{path}: no such file; a label map is expected here") from error
    if not stat.S_ISREG(mode):
        raise MeshInputError(f"{path}: no regular file; a label map is expected here")
    name = path.name.lower()
    if not name.endswith(SUFFIXES):
        raise MeshInputError(f"{path}: a label map must be one of {', '.join(SUFFIXES)}")
    try:
        header = _header(path, name)
    except HeaderError as error:
        raise MeshInputError(_printable(f"{path}: unreadable: {error}")) from error
    except (OSError, zlib.error) as error:
        raise MeshInputError(_printable(f"{path}: unreadable: {_reason(error)}")) from error
    shape = header.shape
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    _check_layout(path, shape, header, thinnest)
    i, j, k = shape
    return ImageFile(path=path, shape=(i, j, k), affine=header.affine, header=header)


def stored_voxels(image: ImageFile) -> NDArray[Any]:
    """Reads the voxels as they are stored (serial); takes the memory of the array and a few megabytes.

    Returns:
        Values of shape ``image.shape``, not scaled by the header's factor.

    Raises:
        MeshInputError: the voxels are missing, truncated or corrupt.
    """
    header = image.header
    values = np.empty(int(np.prod(image.shape)), dtype=header.dtype)
    target = values.view(np.uint8).data
    try:
        with _data_file(image).open("rb") as stream:
            if image.path.name.lower().endswith(NIFTI):
                parts, skipped = _parts(stream, header.packed), header.offset
            else:
                stream.seek(header.offset)
                parts, skipped = _parts(stream, header.packed), 0
            _fill(target, parts, skipped, header.packed)
    except (OSError, zlib.error, HeaderError) as error:
        raise MeshInputError(_printable(f"{image.path}: unreadable: {_reason(error)}")) from error
    return values.reshape(image.shape, order="F")


def _header(path: Path, name: str) -> ImageHeader:
    with path.open("rb") as stream:
        if name.endswith(NIFTI):
            packed = stream.read(2) == GZIP_MAGIC
            stream.seek(0)
            raw = b""
            for part in _parts(stream, packed, 4096):
                raw += part
                if len(raw) >= 540:
                    break
            return nifti_header(raw[:540], packed)
        raw = stream.read(LONGEST_TEXT)
    return next(read for suffixes, read in HEADERS.items() if name.endswith(suffixes))(raw)


def _data_file(image: ImageFile) -> Path:
    """Where the voxels are: in the file itself, or beside it under a plain name."""
    name = image.header.data_file
    if not name:
        return image.path
    if "/" in name or "\\" in name or "%" in name or name in (".", "..") or name.upper().split()[0] == "LIST":
        raise HeaderError(
            f"its voxels are said to lie in {name[:60]!r}; expected one file beside the header, by name"
        )
    path = image.path.with_name(name)
    if not path.is_file():
        raise HeaderError(
            f"its voxels are said to lie in {name[:60]!r}, and no such file lies beside the header"
        )
    return path


def _parts(stream: IO[bytes], packed: bool, size: int = CHUNK) -> Iterator[bytes]:
    """The content of a stream in pieces, decompressed; a compressed one ends with its last member.

    Raises:
        zlib.error: the stream is corrupt, or its checksum differs.
        HeaderError: it ends too early, or is made to waste time.
    """
    while not packed and (part := stream.read(size)):
        yield part
    raw = stream.read(INPUT) if packed else b""
    member, members, total = zlib.decompressobj(ANY_STREAM), 1, 0
    while packed:
        part = member.decompress(raw, size)
        total += len(part)
        if part:
            yield part
        if member.eof:
            raw = (
                member.unused_data if len(member.unused_data) > 1 else member.unused_data + stream.read(INPUT)
            )
            if not raw.startswith(GZIP_MAGIC):
                return
            member, members = zlib.decompressobj(ANY_STREAM), members + 1
            if members > MOST_TINY and total < SMALLEST * members:
                raise HeaderError("its compressed data are in too many pieces")
            continue
        raw = member.unconsumed_tail or stream.read(INPUT)
        if not raw and not part:
            raise HeaderError("its compressed data end too early")


def _fill(target: memoryview, parts: Iterator[bytes], skipped: int, packed: bool) -> None:
    """Bytes after the first ``skipped`` into ``target``; a compressed stream to its end, for its checksum."""
    filled, trailing = 0, 0
    for part in parts:
        if skipped:
            part, skipped = part[skipped:], max(0, skipped - len(part))
        taken = part[: len(target) - filled]
        target[filled : filled + len(taken)] = taken
        filled += len(taken)
        trailing += len(part) - len(taken)
        if trailing > TRAILING and packed:
            raise HeaderError("it holds more than its header announces")
        if filled == len(target) and not packed:
            return
    if filled < len(target):
        raise HeaderError(f"it ends after {filled} of {len(target)} bytes of voxels")


def _check_layout(path: Path, shape: tuple[int, ...], header: ImageHeader, thinnest: int) -> None:
    if header.components != 1:
        raise GeometryError(
            f"{path}: {header.components} numbers per voxel (colours or vectors); a label map has one"
        )
    text = " x ".join(map(str, shape))
    if len(shape) != 3 or min(shape) < thinnest:
        raise GeometryError(f"{path}: the image has the shape {text}; a label map has three dimensions")
    count = shape[0] * shape[1] * shape[2]
    if count > LARGEST_VOXELS:
        raise GeometryError(
            f"{path}: the header announces {text} voxels; at most {LARGEST_VOXELS / 1e6:.0f} million are read"
        )
    if header.dtype.kind not in "iufb":
        raise GeometryError(f"{path}: voxels of type {header.dtype}; a label map holds whole numbers")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return f"its compressed data are corrupt ({error})" if isinstance(error, zlib.error) else str(error)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
