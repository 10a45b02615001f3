# SPDX-License-Identifier: MIT
"""Label maps that mean harm: no file elsewhere is read, memory stays within bounds, damage is noticed."""

import gzip
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import nibabel
import numpy as np
import pytest

from meshes.files.image_files import LARGEST_VOXELS
from meshes.files.labels import read_label_map
from meshes.geometry import GeometryError

pytestmark = pytest.mark.serial

ROOT = Path(__file__).parents[1]


def blob() -> np.ndarray:
    values = np.zeros((12, 10, 8), dtype=np.int16)
    values[3:9, 2:8, 2:6] = 1
    return values


def nifti(offset: float = 352.0, extension: bytes = b"") -> bytes:
    raw = bytearray(nibabel.Nifti1Image(blob(), np.eye(4)).to_bytes())
    raw[108:112] = struct.pack("<f", offset)
    if extension:
        raw[348:352] = b"\1\0\0\0"
    return bytes(raw[:352]) + extension + bytes(raw[352:])


META = b"NDims = 3\nDimSize = 12 10 8\nElementType = MET_SHORT\nElementSpacing = 1 1 1\nElementDataFile = "
NRRD = b"NRRD0004\ntype: int16\ndimension: 3\nsizes: 12 10 8\nspace: RAS\nencoding: raw\nendian: little\n"


@pytest.mark.parametrize(
    "name", ["../secret.raw", "/etc/passwd", "LIST", "LIST 3", "s%d.raw 1 9 1", "pipe", "/dev/zero"]
)
def test_headers_name_no_files_elsewhere(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret.raw").write_bytes(b"\x4d" * 4000)
    inner = tmp_path / "inner"
    inner.mkdir()
    os.mkfifo(inner / "pipe")
    (inner / "a.mhd").write_bytes(META + name.encode() + b"\n")
    (inner / "a.nhdr").write_bytes(NRRD + b"data file: " + name.encode() + b"\n")
    for header in ("a.mhd", "a.nhdr"):
        with pytest.raises(GeometryError, match="voxels are said to lie in"):
            read_label_map(inner / header)


def test_voxels_beside_their_header_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(blob().tobytes(order="F"))
    (tmp_path / "a.mhd").write_bytes(META + b"a.raw\n")
    (tmp_path / "a.nhdr").write_bytes(NRRD + b"data file: a.raw\n")
    for header in ("a.mhd", "a.nhdr"):
        assert np.array_equal(read_label_map(tmp_path / header).values, blob())


@pytest.mark.parametrize("place", ["space", "sizes", "type", "encoding", "space directions", "x" * 600])
def test_long_lines_in_headers(place: str, tmp_path: Path) -> None:
    """On these, ITK ran over its buffers and took the process down."""
    header = NRRD + place.encode() + b": " + b"A" * 100_000 + b"\n\n"
    (tmp_path / "a.nrrd").write_bytes(header + blob().tobytes(order="F"))
    try:
        read_label_map(tmp_path / "a.nrrd")
    except GeometryError as error:
        assert len(str(error)) < 600


def test_a_flipped_bit_in_a_compressed_map_is_noticed(tmp_path: Path) -> None:
    raw = bytearray(gzip.compress(nifti(), 0))  # stored: every bit of a voxel stands in the file as it is
    raw[1500] ^= 1
    (tmp_path / "a.nii.gz").write_bytes(raw)
    with pytest.raises(GeometryError, match="corrupt"):
        read_label_map(tmp_path / "a.nii.gz")


def tiny_members() -> bytes:
    return gzip.compress(b"") * 300_000


def endless(head: bytes, gigabytes: float = 1.0) -> bytes:
    """A stream that begins soundly and inflates to gigabytes."""
    packer = zlib.compressobj(1, wbits=31)
    zeros = bytes(2**20)
    return (
        b"".join([packer.compress(head), *(packer.compress(zeros) for _ in range(int(gigabytes * 1024)))])
        + packer.flush()
    )


MEMORY = """
import resource, sys
from pathlib import Path
from meshes.geometry import GeometryError
from meshes.files.labels import read_label_map
import nibabel, numpy
numpy.linalg.inv(numpy.eye(4)) @ numpy.eye(4)  # BLAS takes its buffer at its first call
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[2]),) * 2)
try:
    print(read_label_map(Path(sys.argv[1])).values.shape)
except GeometryError as error:
    print("refused:", error)
"""


def read_within(path: Path, memory: int) -> str:
    command = [sys.executable, "-c", MEMORY, str(path), str(memory)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", ["extension", "trailing", "members", "offset"])
def test_bombs_are_read_within_64_megabytes(kind: str, tmp_path: Path) -> None:
    bombs = {
        "extension": lambda: endless(nifti(2.0**31, struct.pack("<ii", 2**31 - 16, 6))[:360]),
        "trailing": lambda: endless(nifti()),
        "members": tiny_members,
        "offset": lambda: endless(nifti(2.0**26)[:352], 0.3),
    }
    path = tmp_path / "bomb.nii.gz"
    path.write_bytes(bombs[kind]())
    found = read_within(path, 64 * 2**20)
    assert found.startswith("refused") or kind == "offset"


def test_memory_is_that_of_the_voxels(tmp_path: Path) -> None:
    """Whole numbers take what they take in the file; others a third array of four bytes per voxel."""
    shape = (300, 300, 300)
    for dtype, bytes_per_voxel in ((np.uint8, 1), (np.int16, 2), (np.float32, 8)):
        path = tmp_path / "large.nii.gz"
        nibabel.save(nibabel.Nifti1Image(np.ones(shape, dtype), np.eye(4)), path)
        assert str(shape) in read_within(path, bytes_per_voxel * 300**3 + 64 * 2**20)


@pytest.mark.parametrize("shape", [(32767, 32767, 2), (1024, 1024, 257)])
def test_forged_sizes_are_refused_before_memory_is_taken(shape: tuple[int, int, int], tmp_path: Path) -> None:
    assert np.prod(shape) > LARGEST_VOXELS
    header = nibabel.Nifti1Header()
    header.set_data_shape(shape)
    (tmp_path / "a.nii").write_bytes(header.binaryblock + bytes(100))
    assert "million are read" in read_within(tmp_path / "a.nii", 32 * 2**20)
