# SPDX-License-Identifier: MIT
"""Tissue that is not the same all over a region: what varies is a factor on its tissue's number.

Factors are constant in cells. Every rank finds those of its own cells: images and mesh data are looked up at
points in each cell and averaged, random fields are sampled on the mesh. What the balances need on pairs of
node and region is the mean over the cells of a pair. Far boundaries keep the tissue's own numbers.
"""

from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from mpi4py import MPI

import numpy as np
from numpy.typing import NDArray

from meshes.cells.cell_points import barycentric_points, levels_for
from meshes.geometry import GeometryError
from meshes.regions import REGION_NAMES
from solver.parameters.fields import FieldQuantity, TissueField
from solver.parameters.model import Model
from solver.tissue.conductivity import resting_ratio
from solver.tissue.materials import Materials, Pairs
from solver.tissue.random_field import Covariance, Medium, Sampler

Floats = NDArray[np.float64]

POROSITY: Final = (0.01, 0.9)
"""Bounds of the porosity at rest, as in a case file [-]."""
NUMBER_OF: Final[dict[FieldQuantity, str]] = {
    "hydraulic_conductivity": "hydraulic_conductivity",
    "perfusion": "perfusion",
    "porosity": "porosity",
}
"""Quantities whose value a source can give, and the tissue's number."""
PARTS: Final[dict[FieldQuantity, tuple[FieldQuantity, ...]]] = {"vessels": ("vessel_surface", "perfusion")}
"""What a quantity stands for, where that is more than itself."""


class Source(Protocol):
    """An image or mesh data."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know about how it was read."""

    @property
    def spacing(self) -> float:
        """Length over which numbers change [m]."""

    def at(self, points: Floats) -> Floats:
        """Numbers at points [m]; NaN where there are none."""

    def nearest(self, points: Floats) -> Floats:
        """The nearest number to each point [m]."""


@dataclass(frozen=True, kw_only=True)
class Heterogeneity:
    """Factors of all fields of a model, and what is told of them.

    Attributes:
        cells: quantity to its factor in the local cells [-], shape ``(n_cells,)``.
        report: one table per field, JSON-ready; the same on all ranks.
    """

    cells: dict[FieldQuantity, Floats]
    report: tuple[dict[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What a source has for the cells of its regions, and what is told of it.

    Attributes:
        values: NaN where the source has none.
        nearest: the same with the nearest of the source there, if that is the rule.
        facts: JSON-ready.
    """

    values: Floats
    nearest: Floats
    facts: dict[str, Any]


def heterogeneity(medium: Medium, model: Model) -> Heterogeneity:
    """Find the factors of all fields of a model. Collective.

    Raises:
        MeshInputError: a file is missing or unreadable.
        GeometryError: a source does not fit, or the geometry cannot hold it.
    """
    cells: dict[FieldQuantity, Floats] = {}
    report = []
    for field in model.tissue_fields:
        factor, facts = _factor(medium, model, field)
        report.append(facts)
        for part in PARTS.get(field.quantity, (field.quantity,)):
            cells[part] = cells.get(part, np.ones(factor.size)) * factor
    if "porosity" in cells:
        change = _porous_conductivity(medium, model, cells["porosity"])
        cells["hydraulic_conductivity"] = cells.get("hydraulic_conductivity", 1.0) * change
    return Heterogeneity(cells=cells, report=tuple(report))


def heterogeneous(materials: Materials, pairs: Pairs, medium: Medium, found: Heterogeneity) -> Materials:
    """Materials with the factors on their pairs. Collective."""

    def on_pairs(quantity: FieldQuantity) -> Floats:
        return pair_means(pairs, medium, found.cells[quantity])

    if "vessel_surface" in found.cells:
        factor = on_pairs("vessel_surface")
        materials = replace(
            materials,
            vessel_conductance=materials.vessel_conductance * factor,
            permeability_surface=materials.permeability_surface * factor,
        )
    if "perfusion" in found.cells:
        factor = on_pairs("perfusion")
        materials = replace(
            materials, perfusion=materials.perfusion * factor, supply=materials.supply * factor
        )
    if "porosity" in found.cells:
        porosity = materials.porosity * on_pairs("porosity")
        law = materials.law._replace(porosity=porosity)
        materials = replace(materials, porosity=porosity, law=law)
    return materials


def pair_means(pairs: Pairs, medium: Medium, cells: Floats) -> Floats:
    """Mean of a cell quantity over the cells of each pair, by their share of the node. Collective."""
    nodal, halo = medium.integrals.nodal, medium.halo
    sums = np.bincount(pairs.of_cell.ravel(), (nodal * cells[:, None]).ravel(), pairs.node.size)
    out = np.ones(pairs.node.size)
    # A ghost node's cells are not all here: its owner has the sums.
    regions = np.unique(np.concatenate(halo.comm.allgather(np.unique(pairs.region))))
    for region in regions:
        here = pairs.region == region
        total = halo.update(pairs.to_nodes(np.where(here, sums, 0.0)))[pairs.node[here]]
        volume = halo.update(pairs.to_nodes(np.where(here, pairs.volume, 0.0)))[pairs.node[here]]
        out[here] = np.divide(total, volume, out=np.ones(volume.size), where=volume > 0)
    return out


def _factor(medium: Medium, model: Model, field: TissueField) -> tuple[Floats, dict[str, Any]]:
    """Factor of a field in the local cells, 1 outside its regions, and what is told of it. Collective."""
    mesh = medium.mesh
    chosen = np.flatnonzero(np.isin(mesh.cell_tags, field.regions))
    own = chosen < mesh.owned_cells
    volume, comm = medium.integrals.volume[chosen], medium.halo.comm
    found = _random(medium, field, chosen) if field.source == "random" else _sampled(medium, field, chosen)
    values, known = found.nearest, np.isfinite(found.values)
    total = comm.allreduce(float(volume[own].sum()))
    with_value = comm.allreduce(float(volume[own & known].sum()))
    if with_value == 0.0:
        raise GeometryError(f"{_name(field)}: holds no number anywhere in its regions of the mesh")
    base = _base(model, field, mesh.cell_tags[chosen])
    if field.fill == "median":
        values = np.where(known, values, weighted_median(comm, values[own & known], volume[own & known]))
    if field.mode == "value":
        values = values * field.scale / base
    elif field.mode == "ratio":
        mean = comm.allreduce(float((values * volume)[own & known].sum())) / with_value
        if mean <= 0.0:
            raise GeometryError(
                f"{_name(field)}: the mean over its regions is {mean:.3g}; a ratio needs one above 0"
            )
        values = values / mean
    values = np.where(np.isnan(values), 1.0, values)
    low, high = _limits(model, field, mesh.cell_tags[chosen])
    limited = (values < low) | (values > high)
    factor = np.ones(mesh.cell_tags.size)
    factor[chosen] = np.clip(values, low, high)
    facts = {
        "quantity": field.quantity,
        "source": field.source,
        "regions": [REGION_NAMES[tag] for tag in field.regions],
        "mode": field.mode,
        **found.facts,
        "fill": field.fill,
        "filled_share": 1.0 - with_value / total,
        "limited_share": comm.allreduce(float(volume[own & limited].sum())) / total,
        "factor": _statistics(medium, factor[chosen][own], volume[own]),
    }
    return factor, facts


def _random(medium: Medium, field: TissueField, chosen: NDArray[np.int64]) -> _Found:
    """exp(s u) in cells, u the mean of a sample over their vertices: the tissue's number is the median."""
    assert field.correlation_length is not None and field.log_deviation is not None
    covariance = Covariance(length=field.correlation_length, smoothness=field.smoothness)
    sample = Sampler(medium, covariance).sample(field.seed)
    logarithm = field.log_deviation * sample[medium.mesh.cells[chosen]].mean(axis=1)
    own = chosen < medium.mesh.owned_cells
    weight, comm = medium.integrals.volume[chosen][own], medium.halo.comm
    total, mean, square = (
        comm.allreduce(float((weight * power).sum()))
        for power in (np.ones(weight.size), logarithm[own], logarithm[own] ** 2)
    )
    facts = {
        "seed": field.seed,
        "correlation_length_m": field.correlation_length,
        "smoothness": field.smoothness,
        "log_deviation": field.log_deviation,
        "log_deviation_found": float(np.sqrt(max(square / total - (mean / total) ** 2, 0.0))),
    }
    values = np.exp(logarithm)
    return _Found(values=values, nearest=values, facts=facts)


def _sampled(medium: Medium, field: TissueField, chosen: NDArray[np.int64]) -> _Found:
    """Means over cells of what a file holds."""
    source = _opened(field)
    mesh = medium.mesh
    cells = mesh.cells[chosen]
    values = np.full(len(cells), np.nan)
    levels = levels_for(mesh.points[cells], source.spacing)
    for level in np.unique(levels):
        here = np.flatnonzero(levels == level)
        values[here] = _cell_means(
            source, _in_space(barycentric_points(mesh.points[cells[here]], int(level)))
        )
    facts = {"file": field.path.name if field.path else "", "notes": list(source.notes)}
    nearest = values
    if field.fill == "nearest":
        holes = np.flatnonzero(np.isnan(values))
        nearest = values.copy()
        nearest[holes] = source.nearest(_in_space(mesh.points[cells[holes]].mean(axis=1)))
    return _Found(values=values, nearest=nearest, facts=facts)


def _cell_means(source: Source, points: Floats) -> Floats:
    """Mean over those points of each cell that have a number, shape ``(n, points, 3)``; NaN below half."""
    found = source.at(points.reshape(-1, 3)).reshape(points.shape[:2])
    known = np.isfinite(found)
    count = known.sum(axis=1)
    total = np.where(known, found, 0.0).sum(axis=1)
    return np.where(2 * count >= points.shape[1], total / np.maximum(count, 1), np.nan)


def _in_space(points: Floats) -> Floats:
    """Points of a mesh in space [m]: the half-plane of ``axisymmetric`` is y = 0."""
    if points.shape[-1] == 3:
        return points
    return np.stack([points[..., 0], np.zeros(points.shape[:-1]), points[..., 1]], axis=-1)


def _opened(field: TissueField) -> Source:
    """The file of a field; what reads it is imported by those runs alone that have one."""
    assert field.path is not None
    if field.source == "image":
        from meshes.files.images import read_image

        return read_image(field.path)
    from meshes.files.mesh_data import read_mesh_data

    assert field.array is not None
    return read_mesh_data(field.path, field.array, field.length)


def _base(model: Model, field: TissueField, tags: NDArray[np.int32]) -> Floats:
    """The tissue's number that values are divided by, in the cells of the regions; 1 where none is needed."""
    if field.mode != "value":
        return np.ones(tags.size)
    name = NUMBER_OF[field.quantity]
    for tag in field.regions:
        if getattr(model.tissues[tag], name) == 0.0:
            raise GeometryError(
                f"{_name(field)}: the {REGION_NAMES[tag]} has {name} 0, which no map can scale"
            )
    return _by_tag(model, tags, name)


def _by_tag(model: Model, tags: NDArray[np.int32], name: str) -> Floats:
    """A tissue's number in each cell."""
    table = np.ones(max(model.tissues) + 1)
    for tag, tissue in model.tissues.items():
        table[tag] = getattr(tissue, name)
    return table[tags]


def _limits(model: Model, field: TissueField, tags: NDArray[np.int32]) -> tuple[Any, Any]:
    """Bounds of the factor in the cells of the regions."""
    low: Any = field.smallest
    high: Any = field.largest
    if field.quantity == "porosity":
        at_rest = _by_tag(model, tags, "porosity")
        low, high = np.maximum(low, POROSITY[0] / at_rest), np.minimum(high, POROSITY[1] / at_rest)
    return low, high


def _porous_conductivity(medium: Medium, model: Model, factor: Floats) -> Floats:
    """Change of K0 that a change of porosity brings by a law of porosity, cell by cell; 1 by others."""
    out = np.ones(factor.size)
    for tag, tissue in model.tissues.items():
        here = medium.mesh.cell_tags == tag
        out[here] = resting_ratio(
            model.physics.conductivity, tissue.porosity, factor[here], tissue.porosity_exponent
        )
    return out


def _statistics(medium: Medium, values: Floats, volume: Floats) -> dict[str, float]:
    """Smallest, median, mean and largest by volume over all ranks. Collective."""
    comm = medium.halo.comm
    total = comm.allreduce(float(volume.sum()))
    return {
        "minimum": min(comm.allgather(float(values.min(initial=np.inf)))),
        "median": weighted_median(comm, values, volume),
        "mean": comm.allreduce(float((values * volume).sum())) / total,
        "maximum": max(comm.allgather(float(values.max(initial=-np.inf)))),
    }


def weighted_median(comm: MPI.Comm, values: Floats, weights: Floats) -> float:
    """Value up to which half of the weight of all ranks lies. Collective."""
    everywhere = np.concatenate(comm.allgather(values))
    weight = np.concatenate(comm.allgather(weights))
    order = np.lexsort((weight, everywhere))
    total = np.cumsum(weight[order])
    return float(everywhere[order][np.searchsorted(total, 0.5 * total[-1])])


def _name(field: TissueField) -> str:
    return str(field.path) if field.path else f"random {field.quantity}"
