# SPDX-License-Identifier: MIT
"""Damaged and hostile files for the fuzzer: label maps, kept meshes, and the files of a result folder."""

import gzip
import io
import struct
import zlib
from pathlib import Path
from random import Random
from typing import Final

import numpy as np

from benchmarks.fuzz.case_inputs import mutilated

SHAPE: Final = (12, 10, 8)
HUGE: Final = [0, -1, 1, 2, 7, 255, 32767, 65535, 2**31 - 1, -(2**31), 2**32, 2**40, 2**62, 10**30]
DETACHED: Final = [
    "/etc/passwd",
    "/dev/zero",
    "../secret.raw",
    "secret.raw",
    "LIST",
    "LIST 3",
    "secret%d.raw 1 9 1",
    "/dev/stdin",
    "fifo",
    "",
]
SECRET: Final = 77
"""Byte that fills the file ``secret.raw``: no label map that does not lie beside it may hold it."""


def voxels() -> np.ndarray:
    """A small block of label 1 around one of label 2."""
    values = np.zeros(SHAPE, dtype=np.int16)
    values[3:9, 2:8, 2:6] = 1
    values[5:7, 4:6, 3:5] = 2
    return values


def nifti(values: np.ndarray) -> bytes:
    import nibabel

    return nibabel.Nifti1Image(values, np.diag([0.8, 0.9, 1.5, 1.0])).to_bytes()


def label_map(random: Random, folder: Path) -> Path:
    """A label map in one of the formats, with something wrong with it."""
    kind = random.choice(["nii", "nii.gz", "nii.gz", "nrrd", "nhdr", "mha", "mhd"])
    if kind.startswith("nii"):
        return _nifti(random, folder, kind)
    return (_nrrd if kind.startswith("n") else _meta)(random, folder, kind)


def _nifti(random: Random, folder: Path, kind: str) -> Path:
    values = voxels().astype(random.choice([np.uint8, np.int16, np.float32, np.float64, np.int32, np.uint16]))
    raw = bytearray(nifti(values))
    what = random.randrange(6)
    if what == 0:  # any field of the header
        for _ in range(random.randint(1, 6)):
            place = random.randrange(348)
            raw[place] = random.randrange(256)
    elif what == 1:  # dimensions
        place = 40 + 2 * random.randrange(8)
        raw[place : place + 2] = struct.pack(
            "<h", random.choice([0, -1, 1, 2, 3, 5, 7, 8, 300, 20000, 32767, -32768])
        )
    elif what == 2:  # spacing, offset, slope, affine
        place = random.choice([76, 80, 84, 88, 108, 112, 116, *range(256, 328, 4)])
        number = random.choice(
            [0.0, -1.0, 1e30, -1e30, np.nan, np.inf, -np.inf, 1e-30, 353.0, 400.5, 2.0**31, 1e9]
        )
        raw[place : place + 4] = struct.pack("<f", number)
    elif what == 3:  # extensions
        size = random.choice([0, 8, 16, 17, -16, 2**31 - 1, 2**31 - 16, 10**6, 64 * 2**20])
        raw[348:352] = b"\1\0\0\0"
        raw[108:112] = struct.pack("<f", random.choice([352.0, 368.0, 1e6, 1e9, 2.0**31, 65.0 * 2**20]))
        raw[352:352] = struct.pack("<ii", size, random.choice([0, 4, 6, 32, -1])) + b"<!DOCTYPE x><CIFTI/>"
    elif what == 4:
        raw = raw[: random.randrange(len(raw))]
    data = bytes(raw)
    if kind == "nii.gz":
        if random.random() < 0.1:  # a bomb: what follows the header inflates a thousandfold
            data = bytes(raw[:352]) + bytes(random.choice([20, 200]) * 2**20)
        data = gzip.compress(data, 1)
    if what == 5 or random.random() < 0.2:
        data = mutilated(random, data)
    return _written(folder / f"fuzz.{kind}", data)


def _nrrd(random: Random, folder: Path, kind: str) -> Path:
    values = voxels().tobytes(order="F")
    encoding = random.choice(["raw", "gzip"])
    fields = {
        "type": "int16",
        "dimension": "3",
        "space": "left-posterior-superior",
        "sizes": " ".join(map(str, SHAPE)),
        "space directions": "(0.8,0,0) (0,0.9,0) (0,0,1.5)",
        "endian": "little",
        "encoding": encoding,
        "space origin": "(0,0,0)",
    }
    if kind == "nhdr":
        fields["data file"] = "voxels.raw"
        _written(folder / "voxels.raw", gzip.compress(values) if encoding == "gzip" else values)
    for _ in range(random.choice([0, 1, 1, 2, 3])):
        name = random.choice(
            [*fields, "data file", "byte skip", "line skip", "kinds", "spacings", "min", "content", "x" * 500]
        )
        fields[name] = random.choice(
            [
                random.choice(DETACHED),
                " ".join(str(random.choice(HUGE)) for _ in range(random.choice([1, 3, 4]))),
                random.choice(
                    [
                        "gzip",
                        "bzip2",
                        "hex",
                        "ascii",
                        "text",
                        "raw",
                        "zrl",
                        "block",
                        "double",
                        "uchar",
                        "float",
                    ]
                ),
                random.choice(
                    [
                        "none none none",
                        "(nan,0,0) (0,1,0) (0,0,1)",
                        "(1,0,0)",
                        "(0,0,0) (0,0,0) (0,0,0)",
                        "(1e300,0,0) (0,1,0) (0,0,1)",
                    ]
                ),
                "A" * random.choice([10, 5000, 100_000]),
            ]
        )
    text = "NRRD0004\n" + "".join(f"{name}: {value}\n" for name, value in fields.items()) + "\n"
    attached = gzip.compress(values) if encoding == "gzip" else values
    data = text.encode() + (b"" if kind == "nhdr" else attached)
    if random.random() < 0.3:
        data = mutilated(random, data)
    return _written(folder / f"fuzz.{kind}", data)


def _meta(random: Random, folder: Path, kind: str) -> Path:
    values = voxels().tobytes(order="F")
    packed = random.random() < 0.4
    body = zlib.compress(values) if packed else values
    fields = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": str(packed),
        "CompressedDataSize": str(len(body)),
        "TransformMatrix": "1 0 0 0 1 0 0 0 1",
        "Offset": "0 0 0",
        "ElementSpacing": "0.8 0.9 1.5",
        "DimSize": " ".join(map(str, SHAPE)),
        "ElementType": "MET_SHORT",
    }
    if not packed:
        del fields["CompressedDataSize"]
    fate = "LOCAL"
    if kind == "mhd":
        fate = "voxels.raw"
        _written(folder / fate, body)
    for _ in range(random.choice([0, 1, 1, 2, 3])):
        name = random.choice(
            [*fields, "HeaderSize", "ElementNumberOfChannels", "Comment", "Name", "Modality", "x" * 500]
        )
        fields[name] = random.choice(
            [
                " ".join(str(random.choice(HUGE)) for _ in range(random.choice([1, 3, 9]))),
                random.choice(
                    [
                        "True",
                        "False",
                        "nan nan nan",
                        "0 0 0",
                        "-1 1e300 inf",
                        "MET_DOUBLE",
                        "MET_UCHAR_ARRAY",
                        "MET_LONG_LONG",
                        "Mesh",
                    ]
                ),
                "A" * random.choice([10, 5000, 100_000]),
            ]
        )
    if random.random() < 0.3:
        fate = random.choice(DETACHED)
    text = "".join(f"{name} = {value}\n" for name, value in fields.items()) + f"ElementDataFile = {fate}\n"
    data = text.encode() + (body if fate == "LOCAL" else b"")
    if random.random() < 0.3:
        data = mutilated(random, data)
    return _written(folder / f"fuzz.{kind}", data)


def kept_mesh(random: Random, sound: bytes) -> bytes:
    """A file of the mesh cache, damaged, forged or holding a pickle."""
    if random.random() < 0.6:
        return mutilated(random, sound)
    with np.load(io.BytesIO(sound)) as archive:
        arrays = {name: archive[name] for name in archive.files}
    name = random.choice(sorted(arrays))
    arrays[name] = random.choice(
        [
            np.array([{"a": 1}], dtype=object),
            np.array("{}"),
            np.array("[" * 5000),
            np.array(float("nan")),
            np.zeros((3, 0)),
            np.full((4, 4), 10**9),
            np.array(["x" * 1000]),
            arrays[random.choice(sorted(arrays))],
        ]
    )
    if random.random() < 0.2:
        del arrays[name]
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays) if random.random() < 0.3 else np.savez(stream, **arrays)
    return stream.getvalue()


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
