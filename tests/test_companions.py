# SPDX-License-Identifier: MIT
"""Files that take their numbers from others: only from beside them, and checksums that count both."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from cases.reading.load import load_case
from cases.reading.resolve import case_hash
from meshes.build import key_material
from meshes.cache import checksum_of_file
from meshes.files.companions import companions, content_checksum
from meshes.files.xdmf import data_files
from meshes.geometry import MeshGeometry, MeshInputError
from tests.data_folder import SHARED

pytestmark = pytest.mark.serial

OWN = Path(__file__).parents[1] / "cases" / "shipped" / "own_mesh.toml"
ITEM = '<DataItem Format="HDF" Dimensions="4 3">{}</DataItem>'


def xdmf(folder: Path, inner: str, head: str = "") -> Path:
    """A file with one element within."""
    path = folder / "some.xdmf"
    grid = f'<Grid><Geometry GeometryType="XYZ">{inner}</Geometry></Grid>'
    path.write_text(f'{head}<Xdmf Version="3.0"><Domain>{grid}</Domain></Xdmf>', encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("inner", "reason"),
    [
        (ITEM.format("../../secret.h5:/data"), "expected a file beside it, by name"),
        (ITEM.format("../../secret.h5:data"), "expected a file beside it, by name"),
        (ITEM.format("/etc/secret.h5:data"), "expected a file beside it, by name"),
        (ITEM.format("..<!-- cut -->/secret.h5:data"), "expected a file beside it, by name"),
        (ITEM.format("&#46;&#46;&#47;secret.h5:data"), "expected a file beside it, by name"),
        (ITEM.format("../secret.h5:data<b/>"), "expected a file beside it, by name"),
        ("<DataItem>../secret.h5:data</DataItem>", "expected a file beside it, by name"),
        ('<Other Format="HDF">../secret.h5:data</Other>', "expected a file beside it, by name"),
        ('<DataItem Format="Binary">/etc/hostname</DataItem>', "format 'Binary'; expected HDF or XML"),
        ('<xi:include href="/etc/hostname"/>', "includes other files"),
        (ITEM.format("mesh.h5:data") + "<open>", "its text is no XML"),
    ],
)
def test_xdmf_reads_only_what_lies_beside_it(tmp_path: Path, inner: str, reason: str) -> None:
    """Whatever way the place is written; the second form is what meshio reads as well as the first."""
    with pytest.raises(MeshInputError, match=reason):
        data_files(xdmf(tmp_path, inner))


def test_entities_are_refused_and_a_plain_doctype_is_not(tmp_path: Path) -> None:
    """DOLFIN writes the latter."""
    inner = ITEM.format("mesh.h5:/data") + '<DataItem Format="XML">1/2 0 0</DataItem>'
    for declared in ('<!ENTITY a "../x.h5:b">', '<!ENTITY % a SYSTEM "/etc/hostname">'):
        with pytest.raises(MeshInputError, match="by entities"):
            data_files(xdmf(tmp_path, inner, f"<!DOCTYPE Xdmf [{declared}]>"))
    found = data_files(xdmf(tmp_path, inner, '<?xml version="1.0"?><!DOCTYPE Xdmf SYSTEM "Xdmf.dtd" []>'))
    assert found == (tmp_path / "mesh.h5",)


def test_files_of_others_name_theirs() -> None:
    folder = SHARED / "meshes-import"
    if not folder.is_dir():
        pytest.skip("shared/data/meshes-import is not beside the repository")
    assert companions(folder / "grain0056.xdmf") == (folder / "grain0056.h5",)
    assert companions(folder / "box.msh") == ()


def test_a_mesh_of_xdmf_counts_with_its_numbers(tmp_path: Path) -> None:
    """The key of its mesh and the hash of its case change when the file beside it does."""
    path = xdmf(tmp_path, ITEM.format("mesh.h5:/data"))
    case = load_case(OWN)
    assert isinstance(case.geometry, MeshGeometry)
    geometry = replace(case.geometry, path=path)
    missing = content_checksum(path)
    found = []
    for scale in (1.0, 0.5):
        with h5py.File(tmp_path / "mesh.h5", "w") as file:
            file["data"] = scale * np.ones((4, 3))
        found.append((str(key_material(geometry)), case_hash(replace(case, geometry=geometry))))
    assert found[0][0] != found[1][0] and found[0][1] != found[1][1]
    assert content_checksum(path) != missing != checksum_of_file(path)


def test_voxels_beside_their_header_count(tmp_path: Path) -> None:
    """MetaImage and NRRD headers that stand alone; a file without others has the checksum of its bytes."""
    voxels = tmp_path / "voxels.raw"
    voxels.write_bytes(bytes(8))
    meta = "NDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nElementDataFile = {}\n"
    nrrd = "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 2 2 2\nencoding: raw\ndata file: {}\n\n"
    for name, text in (("a.mhd", meta), ("a.nhdr", nrrd)):
        voxels.write_bytes(bytes(8))
        path = tmp_path / name
        path.write_text(text.format("voxels.raw"), encoding="ascii")
        before = content_checksum(path)
        voxels.write_bytes(bytes([1]) * 8)
        assert content_checksum(path) != before
        path.write_text(text.format("../voxels.raw"), encoding="ascii")
        assert companions(path) == (), "its reader refuses it"
    (tmp_path / "a.mha").write_bytes(b"nothing")
    assert content_checksum(tmp_path / "a.mha") == checksum_of_file(tmp_path / "a.mha")
