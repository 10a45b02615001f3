# SPDX-License-Identifier: MIT
"""Large vessels from masks: which cells they claim, how well these stand for the voxels, and what they do."""

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from cases.reading.load import load_case
from meshes.cells.background import kuhn_ball
from meshes.cells.quality import volumes
from meshes.cells.remesh import TaggedMesh
from meshes.distribution.distribute import distribute
from meshes.geometry import STRUCTURES, LabelGeometry, Mask, MeshSizes, Site
from meshes.patient.from_labels import mesh_from_labels
from meshes.patient.large_vessels import mark_vessels
from meshes.regions import LARGE_ARTERY, LARGE_VEIN, PORTAL_VEIN, TISSUE, TUMOUR
from solver.flow.step import FlowSolver
from solver.parameters.model import Physics
from solver.tissue.discretisation import discretise
from tests.case_files import MINIMAL, SHIPPED, written
from tests.coarse import COMM, Floats, full_model
from tests.manufactured import SIDE, box

VOXEL = SIDE / 40


def labels(**masks: tuple[Mask, ...]) -> LabelGeometry:
    sizes = MeshSizes(tip=1e-3, front=1e-3, front_radius=1e-2, surface=1e-3, far=5e-3)
    given = {name: masks.get(name, ()) for name in STRUCTURES}
    return LabelGeometry(margin=0.03, smoothing=None, sites=(), sizes=sizes, **given)


def mask(folder: Path, name: str, inside: Floats) -> tuple[Mask, ...]:
    """A mask whose first voxel is centred at the origin."""
    affine = np.diag([1e3 * VOXEL] * 3 + [1.0])
    nibabel.save(nibabel.Nifti1Image(inside.astype(np.uint8), affine), folder / f"{name}.nii.gz")
    return (Mask(path=folder / f"{name}.nii.gz"),)


def tagged(points: Floats, cells: np.ndarray, tags: np.ndarray) -> TaggedMesh:
    none = np.zeros((0, 3), dtype=np.int64)
    return TaggedMesh(
        points=points,
        cells=cells,
        tags=tags,
        triangles=none,
        triangle_tags=np.zeros(0, dtype=np.int32),
        required=np.zeros(0, dtype=np.int64),
    )


@pytest.mark.serial
def test_cells_mostly_inside_a_vessel_are_its_own(tmp_path: Path) -> None:
    """A tube along x; the tumour keeps its cells, and where two masks meet the larger share wins."""
    axis = np.arange(41) * VOXEL
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    tube = np.hypot(y - 0.5 * SIDE, z - 0.5 * SIDE) < 0.25 * SIDE
    plain = box(20, 20)
    centre = plain.points[plain.cells].mean(axis=1)
    tumour = centre[:, 0] < 0.2 * SIDE
    tags = np.where(tumour, TUMOUR, TISSUE).astype(np.int32)
    geometry = labels(
        large_vein=mask(tmp_path, "vein", tube),
        portal_vein=mask(tmp_path, "portal", tube & (x > 0.6 * SIDE) & (y < 0.5 * SIDE)),
    )
    marked = mark_vessels(tagged(plain.points, plain.cells, tags), geometry)
    found = marked.mesh.tags
    assert np.all(found[tumour] == TUMOUR)
    radius = np.hypot(centre[:, 1] - 0.5 * SIDE, centre[:, 2] - 0.5 * SIDE) / SIDE
    assert np.all(found[~tumour & (radius < 0.2)] != TISSUE)
    assert np.all(found[~tumour & (radius > 0.3)] == TISSUE)
    vein = float(volumes(plain.points, plain.cells[found == LARGE_VEIN]).sum())
    assert vein == pytest.approx(np.pi * 0.25**2 * 0.8 * SIDE**3, rel=0.05)
    facts = marked.facts["large_vein"]
    assert facts["voxel_volume_m3"] == pytest.approx(facts["cell_volume_m3"], rel=0.05)
    assert facts["dice"] > 0.9
    assert PORTAL_VEIN not in found, "the vein was there first and has the same share"
    assert any("portal vein" in text for text in marked.warnings)


@pytest.mark.serial
def test_without_masks_nothing_is_marked() -> None:
    plain = box(2, 2)
    mesh = tagged(plain.points, plain.cells, plain.cell_tags)
    marked = mark_vessels(mesh, labels())
    assert marked.mesh is mesh and not marked.facts


@pytest.mark.serial
def test_vessels_of_a_liver(shared: Path) -> None:
    """Patient 4 on cells of 2 to 6 mm about the target: veins within a fifth of their voxels' volume."""
    folder = shared / "liver-hcc-p4"
    files = {"large_artery": "hepaticArtery", "large_vein": "hepaticVein", "portal_vein": "portalVein"}
    geometry = labels(**{name: (Mask(path=folder / f"{file}.nii.gz"),) for name, file in files.items()})
    points, cells = kuhn_ball(np.zeros(3), 1.0, 24)
    points = 0.05 * points + 1e-3 * np.loadtxt(folder / "target.txt")
    marked = mark_vessels(tagged(points, cells, np.full(len(cells), TISSUE, dtype=np.int32)), geometry)
    for name, tag in (("large_vein", LARGE_VEIN), ("portal_vein", PORTAL_VEIN)):
        facts = marked.facts[name]
        assert facts["cell_volume_m3"] == pytest.approx(facts["voxel_volume_m3"], rel=0.2)
        assert facts["dice"] > 0.75
        assert np.any(marked.mesh.tags == tag)
    assert set(marked.facts) == set(files)


def test_a_large_vein_holds_the_pressure_and_takes_the_agent() -> None:
    """Deep inside the pressure at rest is the vein's; all of its flow clears agent, and it does not close."""
    model = full_model((), physics=Physics(conductivity="rigid", far_field="no_flux"))
    vein = replace(
        model.tissues[TISSUE],
        vessel_conductance=4.2e-7,
        effective_vessel_pressure=533.0,
        vessel_pressure=533.0,
        closure_margin=1e5,
        perfusion=1.0,
        lymph_conductance=0.0,
    )
    what = replace(model, tissues={**model.tissues, LARGE_VEIN: vein})
    plain = box(8, 16)
    height = plain.points[plain.cells].mean(axis=1)[:, 2]
    plain = replace(plain, cell_tags=np.where(height < 0.5 * SIDE, LARGE_VEIN, TISSUE).astype(np.int32))
    data = discretise(distribute(plain if COMM.rank == 0 else None, COMM), what, ())
    solver = FlowSolver(data, what.physics, what.numerics, 1e-9)
    deep = data.mesh.points[:, 2] < 0.3 * SIDE
    inside = np.where(deep, np.abs(solver.rest - 533.0), 0.0)
    assert data.halo.max(inside) < 0.02 * 533.0
    state = solver.initial_state()
    step = solver.step(state, np.zeros_like(solver.rest), 1.0, solver.rest)
    in_vein = data.pairs.region == LARGE_VEIN
    assert step.open_fraction[in_vein].min() > 0.999
    assert np.all(data.materials.perfusion[in_vein] == 1.0)


LABELS = """
[geometry.labels]
tumour = { path = "tumour.nii.gz" }
large_vein = { path = "veins.nii.gz" }
"""


@pytest.mark.serial
def test_a_case_with_vessel_masks_has_their_tissue(tmp_path: Path) -> None:
    for name in ("tumour", "veins"):
        mask(tmp_path, name, np.ones((3, 3, 3)))
    head, rest = MINIMAL.split("domain_radius = ")
    text = head + LABELS + "\n[agent]" + rest.split("[agent]")[1]
    case = load_case(str(written(tmp_path, text)), ())
    assert case.model.tissues[LARGE_VEIN].name == "large_vein"
    assert case.model.tissues[LARGE_VEIN].perfusion == 1.0
    assert LARGE_ARTERY not in case.model.tissues
    geometry = case.geometry
    assert isinstance(geometry, LabelGeometry)
    assert geometry.large_vein[0].path.name == "veins.nii.gz"


@pytest.mark.serial
def test_a_mesh_from_labels_has_its_vessels(tmp_path: Path) -> None:
    """The shipped demo with a straight vein beside its tumour: the surface of the tumour is where it was."""
    demo = SHIPPED / "demo_labels.nii.gz"
    image = nibabel.load(demo)
    index = np.stack(np.meshgrid(*map(np.arange, image.shape), indexing="ij"), axis=-1)
    position = index @ image.affine[:3, :3].T + image.affine[:3, 3]
    organ = np.asarray(image.dataobj) == 1
    middle = np.array([12.4, -17.7, 19.2])
    tube = np.hypot(position[..., 0] - middle[0] + 16.0, position[..., 1] - middle[1]) < 5.0
    nibabel.save(nibabel.Nifti1Image((tube & organ).astype(np.uint8), image.affine), tmp_path / "vein.nii.gz")
    site = Site(
        tip=(12.4e-3, -17.7e-3, 19.2e-3),
        direction=(0.0, 0.0, 1.0),
        needle_radius=0.36e-3,
        source_radius=1e-3,
    )
    sizes = MeshSizes(tip=1.5e-3, front=2e-3, front_radius=5e-3, surface=2e-3, far=4e-3, growth=0.6)
    geometry = labels(
        tumour=(Mask(path=demo, labels=(2,)),),
        organ=(Mask(path=demo, labels=(1,)),),
        large_vein=(Mask(path=tmp_path / "vein.nii.gz"),),
    )
    made = mesh_from_labels(replace(geometry, margin=0.02, sites=(site,), sizes=sizes))
    facts = made.info["large_vessels"]["large_vein"]
    assert facts["dice"] > 0.8
    assert facts["cell_volume_m3"] > 1e-7
    tagged_volume = float(volumes(made.points, made.cells[made.cell_tags == LARGE_VEIN]).sum())
    assert made.info["volumes"]["large_vein"] == pytest.approx(tagged_volume, rel=1e-9)
    assert tagged_volume == pytest.approx(facts["cell_volume_m3"], rel=1e-9)
    assert abs(made.info["volume_errors"]["tumour"]) < 1e-3
