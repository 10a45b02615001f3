# SPDX-License-Identifier: MIT
"""Headers of image files (NIfTI, NRRD, MetaImage), read strictly: files come from anywhere.

The text headers are read here and not by a library, because the one at hand (ITK) runs over its own buffers
on long lines and opens whatever file a header names.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

NIFTI: Final = (".nii", ".nii.gz")
NRRD: Final = (".nrrd", ".nhdr")
META: Final = (".mha", ".mhd")

LONGEST_TEXT: Final = 2**20
"""No text header is longer [bytes]; 3D Slicer writes some kilobytes."""

LARGEST_OFFSET: Final = 2**26
"""Bytes that may stand between the header of a NIfTI file and its voxels."""

RAS_OF_SPACE: Final = {
    "left-posterior-superior": (-1.0, -1.0, 1.0),
    "lps": (-1.0, -1.0, 1.0),
    "right-anterior-superior": (1.0, 1.0, 1.0),
    "ras": (1.0, 1.0, 1.0),
    "left-anterior-superior": (-1.0, 1.0, 1.0),
    "las": (-1.0, 1.0, 1.0),
}
LPS: Final = RAS_OF_SPACE["lps"]

METRES: Final = {"mm": 1e-3, "um": 1e-6, "cm": 1e-2, "m": 1.0}

NRRD_TYPES: Final = {
    "i1": "signed char, int8, int8_t",
    "u1": "uchar, unsigned char, uint8, uint8_t",
    "i2": "short, short int, signed short, signed short int, int16, int16_t",
    "u2": "ushort, unsigned short, unsigned short int, uint16, uint16_t",
    "i4": "int, signed int, int32, int32_t",
    "u4": "uint, unsigned int, uint32, uint32_t",
    "i8": "longlong, long long, long long int, signed long long, signed long long int, int64, int64_t",
    "u8": "ulonglong, unsigned long long, unsigned long long int, uint64, uint64_t",
    "f4": "float",
    "f8": "double",
}
META_TYPES: Final = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4",
    "MET_UINT": "u4", "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip


class HeaderError(ValueError):
    """A header that cannot be used; the text says why, without the file's name."""


@dataclass(frozen=True, kw_only=True)
class ImageHeader:
    """What a header says of the voxels, not checked for sense.

    Attributes:
        shape: number of voxels along each axis.
        components: numbers per voxel.
        dtype: of one number as stored.
        affine: voxel index to RAS position [m], shape ``(4, 4)``.
        offset: bytes before the voxels, of the decompressed stream for NIfTI.
        packed: whether the voxels are compressed.
        data_file: name of the file that holds the voxels, beside the header; empty for the same file.
        scale: factor and summand of stored values.
        codes: of NIfTI's sform and qform, which say what the coordinates refer to.
        placed: whether the header says where the image lies.
    """

    shape: tuple[int, ...]
    components: int
    dtype: np.dtype[Any]
    affine: NDArray[np.float64]
    offset: int
    packed: bool
    data_file: str = ""
    scale: tuple[float, float] = (1.0, 0.0)
    codes: tuple[int, int] = (1, 1)
    placed: bool = True


def nifti_header(raw: bytes, packed: bool) -> ImageHeader:
    """Read the header of a NIfTI file, version 1 or 2, from its first 540 bytes.

    Raises:
        HeaderError: it is none.
    """
    from nibabel import Nifti1Header, Nifti2Header

    sizes = {int.from_bytes(raw[:4], order) for order in ("little", "big")}
    kind, size = (Nifti2Header, 540) if 540 in sizes else (Nifti1Header, 348)
    if not sizes & {348, 540} or len(raw) < size:
        raise HeaderError("it does not begin with a NIfTI header")
    try:
        header: Any = kind(raw[:size], check=False)
        offset, codes = float(header["vox_offset"]), (int(header["sform_code"]), int(header["qform_code"]))
        slope, summand = header.get_slope_inter()
        unit = {"meter": 1.0, "micron": 1e-6}.get(header.get_xyzt_units()[0], 1e-3)
        affine = np.array(header.get_best_affine(), dtype=np.float64)
        dtype, shape = header.get_data_dtype(), tuple(int(n) for n in header.get_data_shape())
    except Exception as error:  # nibabel raises many kinds
        raise HeaderError(str(error) or type(error).__name__) from error
    if bytes(header["magic"].item())[:3] not in (b"n+1", b"n+2"):
        raise HeaderError("it is the header of a pair of files; expected a single NIfTI file")
    offset = offset or size + 4
    if not size <= offset <= LARGEST_OFFSET or offset != int(offset):
        raise HeaderError(f"its voxels begin at byte {offset:g}; expected {size + 4} to {LARGEST_OFFSET}")
    affine[:3] *= unit
    return ImageHeader(
        shape=shape,
        components=1 if dtype.fields is None else len(dtype.fields),
        dtype=dtype,
        affine=affine,
        offset=int(offset),
        packed=packed,
        scale=(1.0 if slope is None else float(slope), 0.0 if summand is None else float(summand)),
        codes=codes if max(codes) > 0 else (1, 1),
        placed=max(codes) > 0,
    )


def nrrd_header(raw: bytes) -> ImageHeader:
    """Read the header of an NRRD file from its first megabyte.

    Raises:
        HeaderError: it is none, or asks for what label maps do not need.
    """
    if not re.match(rb"NRRD000[1-5]\r?\n", raw):
        raise HeaderError("it does not begin with NRRD")
    end = re.search(rb"\n\r?\n", raw)
    text = _text(raw[: end.end() if end else len(raw)], ended=end is not None)
    given = _once(
        (name.strip().lower().replace("datafile", "data file"), value)
        for name, mark, value in (line.partition(": ") for line in text.splitlines()[1:])
        if mark and not name.startswith("#") and ":=" not in name
    )
    data_file = given.get("data file", "")
    if not data_file and end is None:
        raise HeaderError("its header does not end")
    encoding = _wanted(given, "encoding").lower()
    if encoding not in ("raw", "gzip", "gz"):
        raise HeaderError(f"its encoding is {_short(encoding)}; expected raw or gzip")
    for name in ("byte skip", "line skip", "byteskip", "lineskip"):
        if given.get(name, "0") != "0":
            raise HeaderError(f"its header asks for a {name}; save it without")
    kind = " ".join(_wanted(given, "type").lower().split())
    dtype = next((key for key, names in NRRD_TYPES.items() if kind in names.split(", ")), None)
    if dtype is None:
        raise HeaderError(f"its voxels are of the type {_short(kind)}; expected whole numbers")
    shape, axes, placed = _nrrd_axes(given)
    rest, components = _spatial(shape, axes)
    return ImageHeader(
        shape=rest,
        components=components,
        dtype=_ordered(dtype, given.get("endian", "little").lower() == "big"),
        affine=_nrrd_affine(given, [axis for axis in axes if axis is not None]),
        offset=end.end() if end else 0,
        packed=encoding != "raw",
        data_file=data_file,
        placed=placed,
    )


def _nrrd_axes(given: dict[str, str]) -> tuple[tuple[int, ...], list[list[float] | None], bool]:
    """Sizes, the step along each axis (None for one that is not in space), and whether steps are given."""
    shape = _whole(given, "sizes", int(_whole(given, "dimension", 1)[0]))
    if "space directions" in given:
        words = re.findall(r"none|\([^()]*\)", given["space directions"].lower())
        axes = [None if word == "none" else _vector(word, "space directions") for word in words]
        if len(axes) != len(shape):
            raise HeaderError(f"it has {len(shape)} sizes but {len(axes)} space directions")
        return shape, axes, "space" in given
    steps = _floats(given, "spacings", len(shape)) if "spacings" in given else [1.0] * len(shape)
    diagonal: list[list[float] | None] = [
        [0.0] * i + [step] + [0.0] * (2 - i) for i, step in enumerate(steps[:3])
    ]
    return shape, diagonal + [None] * (len(shape) - 3), False


def _nrrd_affine(given: dict[str, str], axes: list[list[float]]) -> NDArray[np.float64]:
    space = given.get("space", "lps").lower()
    if space not in RAS_OF_SPACE:
        raise HeaderError(
            f"its space is {_short(space)}; expected one of {', '.join(list(RAS_OF_SPACE)[::2])}"
        )
    units = set(re.findall(r'"([^"]*)"', given.get("space units", ""))) or {"mm"}
    if len(units) > 1 or not units <= METRES.keys():
        raise HeaderError(f"its space units are {_short(' '.join(sorted(units)))}; expected mm")
    origin = _vector(given["space origin"], "space origin") if "space origin" in given else [0.0] * 3
    return _affine(axes, origin, RAS_OF_SPACE[space], METRES[units.pop()])


def meta_header(raw: bytes) -> ImageHeader:
    """Read the header of a MetaImage from its first megabyte.

    Raises:
        HeaderError: it is none, or asks for what label maps do not need.
    """
    end = re.search(rb"(^|\n)ElementDataFile *= *[^\n]*(\n|$)", raw)
    if end is None:
        raise HeaderError("it has no line ElementDataFile, with which the header of a MetaImage ends")
    text = _text(raw[: end.end()], ended=True)
    given = _once(
        (name.strip(), value)
        for name, mark, value in (line.partition("=") for line in text.splitlines())
        if mark
    )
    if given.get("BinaryData", "True").lower() != "true" or given.get("HeaderSize", "0") != "0":
        raise HeaderError("its voxels are text or follow a foreign header; save it as binary data")
    if given.get("DistanceUnits", "mm") not in ("mm", "?"):
        raise HeaderError(f"its unit of length is {_short(given['DistanceUnits'])}; expected mm")
    dimension = _whole(given, "NDims", 1)[0]
    shape = _whole(given, "DimSize", dimension)
    kind = _wanted(given, "ElementType")
    if kind not in META_TYPES:
        raise HeaderError(
            f"its voxels are of the type {_short(kind)}; expected one of {', '.join(META_TYPES)}"
        )
    steps = _floats(
        given, "ElementSpacing" if "ElementSpacing" in given else "ElementSize", dimension, [1.0] * dimension
    )
    names = [name for name in ("TransformMatrix", "Rotation", "Orientation") if name in given]
    identity: list[float] = np.eye(dimension).ravel().tolist()
    turned = _floats(given, names[0] if names else "TransformMatrix", dimension**2, identity)
    where = [name for name in ("Offset", "Origin", "Position") if name in given]
    origin = _floats(given, where[0] if where else "Offset", dimension, [0.0] * dimension)
    rows = np.array(turned).reshape(dimension, dimension)[:3, :3]
    local = given["ElementDataFile"].upper() in ("LOCAL", "LOCALFILE")
    big = (given.get("BinaryDataByteOrderMSB") or given.get("ElementByteOrderMSB", "False")).lower() == "true"
    return ImageHeader(
        shape=shape,
        components=_whole(given, "ElementNumberOfChannels", 1, (1,))[0],
        dtype=_ordered(META_TYPES[kind], big),
        affine=_affine(
            (rows.T * np.array(steps[:3])).T.tolist() if dimension >= 3 else [], origin[:3], LPS, 1e-3
        ),
        offset=end.end() if local else 0,
        packed=given.get("CompressedData", "False").lower() == "true",
        data_file="" if local else given["ElementDataFile"],
        placed=bool(names or where),
    )


HEADERS: Final[dict[tuple[str, ...], Callable[[bytes], ImageHeader]]] = {NRRD: nrrd_header, META: meta_header}


def _affine(
    axes: list[list[float]], origin: list[float], ras: tuple[float, float, float], unit: float
) -> NDArray[np.float64]:
    """Steps along three axes and an origin as a matrix in RAS metres; others are refused later."""
    affine = np.eye(4)
    if len(axes) == 3 and len(origin) == 3:
        affine[:3, :3] = np.array(axes).T
        affine[:3, 3] = origin
    affine[:3] *= unit * np.array(ras)[:, None]
    return affine


def _spatial(shape: tuple[int, ...], axes: list[list[float] | None]) -> tuple[tuple[int, ...], int]:
    """Sizes of the axes in space and behind them, and the numbers per voxel, which come before them."""
    lead = next((i for i, axis in enumerate(axes) if axis is not None), 0)
    return shape[lead:], int(np.prod(shape[:lead], dtype=object)) if lead else 1


def _text(raw: bytes, ended: bool) -> str:
    if len(raw) >= LONGEST_TEXT and not ended:
        raise HeaderError("its header does not end within a megabyte")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise HeaderError("its header is not text") from error


def _once(lines: Iterator[tuple[str, str]]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in lines:
        if name in given:
            raise HeaderError(f"its header gives {_short(name)} twice")
        given[name] = value.strip()
    return given


def _wanted(given: dict[str, str], name: str) -> str:
    if name not in given:
        raise HeaderError(f"its header lacks {_short(name)}")
    return given[name]


def _whole(
    given: dict[str, str], name: str, count: int, default: tuple[int, ...] | None = None
) -> tuple[int, ...]:
    if default is not None and name not in given:
        return default
    words = _wanted(given, name).split()
    if (
        len(words) != count
        or not 1 <= count <= 9
        or not all(re.fullmatch(r"\d{1,9}", word) for word in words)
    ):
        raise HeaderError(
            f"its header gives {name} as {_short(given[name])}; expected whole numbers, one per axis"
        )
    return tuple(map(int, words))


def _floats(given: dict[str, str], name: str, count: int, default: list[float] | None = None) -> list[float]:
    if default is not None and name not in given:
        return default
    try:
        numbers = [float(word) for word in _wanted(given, name).split()]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        raise HeaderError(f"its header gives {name} as {_short(given[name])}; expected {count} numbers")
    return numbers


def _vector(word: str, name: str) -> list[float]:
    try:
        numbers = [float(part) for part in word.strip().strip("()").split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 3:
        raise HeaderError(
            f"its header gives {name} as {_short(word)}; expected three numbers, such as (1,0,0)"
        )
    return numbers


def _ordered(kind: str, big: bool) -> np.dtype[Any]:
    return np.dtype((">" if big else "<") + kind)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")
