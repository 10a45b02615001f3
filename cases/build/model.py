# SPDX-License-Identifier: MIT
"""From a checked case file to the model and the geometry that solver and meshes read."""

import math
from pathlib import Path

from cases.build.chemistry import chemistry, kill
from cases.build.delivery import hole_sites, injections, pulse_end, pulse_rate, site_numbers
from cases.build.fields import make_fields
from cases.build.lines import backflow, vessel_lines
from cases.build.materials import agent_numbers, make_agent, make_tissue, needle_numbers, tissue_numbers
from cases.build.mesh_sizes import CaseLengths, mesh_sizes, reach
from cases.build.thresholds import case_thresholds
from cases.build.vessels import body_model, controlled, vessel_model
from cases.case import Case, CheckpointPlan
from cases.schema.accuracy import Resolution, resolution
from cases.schema.case import CaseFile, Level
from cases.schema.geometry import InjectionTable, MaskTable
from meshes.geometry import (
    GeometryDescription,
    LabelGeometry,
    Mask,
    MeshGeometry,
    MeshSizes,
    ParametricGeometry,
    Site,
    Vector,
)
from meshes.regions import (
    CAPSULE,
    LARGE_ARTERY,
    LARGE_VEIN,
    NECROTIC_CORE,
    PORTAL_VEIN,
    REGION_NAMES,
    TISSUE,
    TUMOUR,
)
from solver.parameters.model import Model, Numerics, Physics, Schedule, Thresholds

LABEL_SOURCE_RADIUS = 1e-3
"""Radius of the distributed source in a mesh from labels or a given one: no cavity is cut out of it [m]."""

LARGEST_TOLERANCE = 0.1
"""Of a step, however little accuracy is asked for."""

DEFAULT_LIFETIMES = 5.0
"""The run goes on for this many lifetimes 1/k after the last pulse."""


def build_case(case: CaseFile, file: Path, overrides: tuple[str, ...] = ()) -> Case:
    """The case in SI; ``case`` has passed the schema and the rules."""
    ct, peak = case_thresholds(case)
    return Case(
        name=case.name,
        title=case.title or case.name,
        file=file,
        overrides=overrides,
        model=_model(case, file.parent, ct, peak),
        geometry=_geometry(case, file.parent),
        ct_labels=tuple(level.label for level in ct),
        peak_labels=tuple(level.label for level in peak),
        figures=case.outputs.figures,
        checkpoint=CheckpointPlan(interval=case.checkpoint.interval, at=tuple(case.checkpoint.at)),
    )


def source_radius(case: CaseFile, injection: InjectionTable) -> float:
    """Radius of the cavity or distributed source at a tip [m]."""
    if injection.source_radius is not None:
        return injection.source_radius
    if case.geometry.labels is not None or case.geometry.mesh is not None:
        return LABEL_SOURCE_RADIUS
    return 0.5 * needle_numbers(case, injection.needle)["outer_diameter"]


def end_time(case: CaseFile) -> float | None:
    """End of the run [s]; None where the case leaves it open and the agent does not react."""
    if case.outputs.end is not None:
        return case.outputs.end
    rate = agent_numbers(case.agent)["reaction_rate"] if case.physics.reaction else 0.0
    return max(map(pulse_end, case.injection)) + DEFAULT_LIFETIMES / rate if rate > 0.0 else None


def tumour_axes(case: CaseFile) -> Vector | None:
    """Semi-axes of a parametric tumour [m]; None for label maps."""
    tumour = case.geometry.tumour
    if tumour is None:
        return None
    if tumour.radius is not None:
        return (tumour.radius,) * 3
    return _vector(tumour.semi_axes) if tumour.semi_axes else None


def present_regions(case: CaseFile) -> list[str]:
    """Names of the regions that the geometry of a case has, in the order of their tags."""
    geometry, labels = case.geometry, case.geometry.labels
    if geometry.mesh is not None:
        # the far field is that of tissue, whether the mesh has any or not
        named = {"tissue", *geometry.mesh.regions.values()}
        return [name for name in REGION_NAMES.values() if name in named]
    there = {
        TUMOUR: True,
        TISSUE: True,
        NECROTIC_CORE: bool(geometry.necrotic_core or (labels and labels.necrotic_core)),
        CAPSULE: bool(geometry.capsule),
        LARGE_ARTERY: bool(labels and labels.large_artery),
        LARGE_VEIN: bool(labels and labels.large_vein),
        PORTAL_VEIN: bool(labels and labels.portal_vein),
    }
    return [REGION_NAMES[tag] for tag, present in there.items() if present]


def _model(case: CaseFile, folder: Path, ct: list[Level], peak: list[Level]) -> Model:
    there = present_regions(case)
    model = Model(
        tissues={tag: make_tissue(case, tag) for tag, name in REGION_NAMES.items() if name in there},
        tissue_fields=make_fields(case, folder),
        agent=make_agent(case.agent),
        injections=injections(case),
        physics=Physics(**case.physics.model_dump()),
        numerics=_numerics(case),
        thresholds=Thresholds(ct=tuple(map(_level, ct)), peak=tuple(map(_level, peak))),
        schedule=_schedule(case),
        chemistry=chemistry(case, there),
        kill=kill(case),
        vessels=vessel_model(case, folder),
        body=body_model(case),
        backflow=backflow(case),
        vessel_lines=vessel_lines(case, folder),
    )
    return controlled(model)


def _mesh_kind(case: CaseFile) -> str:
    """By which rule edge lengths follow from an accuracy; a given mesh is refined by that of labels."""
    return "labels" if case.geometry.labels or case.geometry.mesh else case.geometry.kind


def _resolution(case: CaseFile) -> Resolution:
    """What the accuracy asks for in the kind of mesh that the case has."""
    kind = _mesh_kind(case)
    return resolution(case.numerics.accuracy, kind)


def _numerics(case: CaseFile) -> Numerics:
    """Tolerances by the accuracy, unless the case gives its own."""
    table = case.numerics
    values = table.model_dump(exclude={"accuracy", "cells_per_front", "mesh"})
    factor = _resolution(case).tolerances
    for name in ("flow_tolerance", "step_tolerance"):
        if name not in table.model_fields_set:
            values[name] = min(values[name] * factor, LARGEST_TOLERANCE)
    return Numerics(**values)


def _schedule(case: CaseFile) -> Schedule:
    end = end_time(case)
    assert end is not None, "the rules ask for an end where none follows"
    outputs = case.outputs
    if outputs.every is not None:
        times = [i * outputs.every for i in range(1, math.ceil(end / outputs.every))]
    else:
        times = outputs.times if outputs.times is not None else [pulse_end(pulse) for pulse in case.injection]
    return Schedule(end=end, outputs=tuple(sorted({time for time in times if 0.0 < time < end})))


def _geometry(case: CaseFile, folder: Path) -> GeometryDescription:
    table = case.geometry
    sites = _sites(case)
    sizes = _sizes(case)
    if table.labels is not None:
        labels = table.labels
        return LabelGeometry(
            tumour=_masks(labels.tumour, folder),
            organ=_masks(labels.organ, folder),
            necrotic_core=_masks(labels.necrotic_core, folder),
            large_artery=_masks(labels.large_artery, folder),
            large_vein=_masks(labels.large_vein, folder),
            portal_vein=_masks(labels.portal_vein, folder),
            margin=labels.margin,
            smoothing=labels.smoothing,
            sites=sites,
            sizes=sizes,
        )
    if table.mesh is not None:
        mesh = table.mesh
        assert mesh.unit is not None, "the rules ask for a unit"
        return MeshGeometry(
            path=folder / mesh.file,
            length=mesh.unit,
            regions=dict(mesh.regions),
            boundaries=dict(mesh.boundaries),
            outside=mesh.outside,
            tags=mesh.tags,
            refine=mesh.refine,
            sites=sites,
            sizes=sizes,
        )
    axes = tumour_axes(case)
    assert axes and table.tumour and table.domain_radius, "the rules ask for a tumour and a domain"
    return ParametricGeometry(
        kind=table.kind,
        semi_axes=axes,
        centre=_vector(table.tumour.centre),
        domain_radius=table.domain_radius,
        necrotic_fraction=table.necrotic_core.fraction if table.necrotic_core else 0.0,
        capsule_thickness=table.capsule.thickness if table.capsule else 0.0,
        sites=sites,
        sizes=sizes,
    )


def _sites(case: CaseFile) -> tuple[Site, ...]:
    sites: dict[int, Site] = {}
    for number, table in zip(site_numbers(case.injection), case.injection, strict=True):
        length = math.hypot(*table.direction)
        sites[number] = Site(
            tip=_vector(table.tip),
            direction=_vector([component / length for component in table.direction]),
            needle_radius=0.5 * needle_numbers(case, table.needle)["outer_diameter"],
            source_radius=source_radius(case, table) if _mesh_kind(case) == "labels" else table.source_radius,
            allow_outside=_allowed_outside(case, table),
        )
    holes = [site for rings in hole_sites(case).values() for site in rings]
    return (*(sites[number] for number in sorted(sites)), *holes)


def _allowed_outside(case: CaseFile, table: InjectionTable) -> bool | None:
    """Whether all pulses at a tip accept it outside; of parametric tumours the rules know the answer."""
    here = (other.allow_outside for other in case.injection if other.tip == table.tip)
    return True if _mesh_kind(case) == "labels" and all(here) else None


def _sizes(case: CaseFile) -> MeshSizes:
    geometry = case.geometry
    sites: dict[int, list[InjectionTable]] = {}
    for number, table in zip(site_numbers(case.injection), case.injection, strict=True):
        if not table.withdraw:
            sites.setdefault(number, []).append(table)
    porosity = tissue_numbers(case.tissues.tumour, "tumour")["porosity"]
    rate = agent_numbers(case.agent)["reaction_rate"] if case.physics.reaction else 0.0
    reaches = [
        reach(sum(p.volume for p in pulses), max(map(pulse_rate, pulses)), porosity, rate)
        for pulses in sites.values()
    ]
    margin = geometry.labels.margin if geometry.labels else None
    lengths = CaseLengths(
        source=min(source_radius(case, table) for table in case.injection),
        reach=max(reaches),
        domain=2.0 * margin if margin is not None else geometry.domain_radius or 0.0,
    )
    given = case.numerics.mesh.model_dump(exclude_none=True)
    kind = _mesh_kind(case)
    cells = case.numerics.cells_per_front or _resolution(case).cells_per_front
    return mesh_sizes(kind, lengths, cells, given)


def _masks(tables: list[MaskTable], folder: Path) -> tuple[Mask, ...]:
    return tuple(
        Mask(path=folder / table.path, labels=tuple(table.labels), length=table.unit, voxel=table.voxel)
        for table in tables
    )


def _vector(components: list[float]) -> Vector:
    x, y, z = (float(component) + 0.0 for component in components)
    return (x, y, z)


def _level(level: Level) -> float:
    return level.value
