# SPDX-License-Identifier: MIT
"""Binary structures from label maps: choice by value, union across grids, the largest component."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from meshes.files.labels import LabelMap, read_label_map
from meshes.files.surface_files import SUFFIXES, read_surface
from meshes.geometry import GeometryError, Mask

Box = NDArray[np.int64]
Points = NDArray[np.float64]

FULL: Final = 0.98
"""Share of the image above which a label is taken for a broken file."""

LEAST_VOXELS: Final = 50
"""Fewer voxels than this do not describe a shape."""

SMALL_LABELS: Final = 2**16
"""Labels below this are counted, which is faster than sorting."""

MOST_VALUES: Final = 20
"""Labels that a message lists."""

LEAST_SHARE: Final = 0.5
"""Share of the structure that its largest component must hold."""


@dataclass(frozen=True, kw_only=True)
class Structure:
    """A set of voxels on a grid of its own, cropped around them.

    Attributes:
        inside: the voxels, shape ``(ni, nj, nk)``.
        affine: voxel index to RAS position [m], shape ``(4, 4)``.
        image: first and one-past-last index of the whole image along the three axes, shape ``(2, 3)``.
        files: where the voxels come from, for messages.
        notes: what a user should know about the choice of voxels.
    """

    inside: NDArray[np.bool_]
    affine: NDArray[np.float64]
    image: Box
    files: str
    notes: tuple[str, ...] = ()

    @property
    def spacing(self) -> NDArray[np.float64]:
        """Voxel edge lengths [m]."""
        return np.asarray(np.linalg.norm(self.affine[:3, :3], axis=0))

    @property
    def volume(self) -> float:
        """Volume of the voxels [m^3]."""
        return float(np.count_nonzero(self.inside)) * float(np.prod(self.spacing))

    @property
    def equivalent_radius(self) -> float:
        """Radius of the ball of the same volume [m]."""
        return float((3.0 * self.volume / (4.0 * np.pi)) ** (1.0 / 3.0))

    def positions(self) -> NDArray[np.float64]:
        """RAS positions of the centres of the voxels inside [m], shape ``(n, 3)``."""
        return np.argwhere(self.inside) @ self.affine[:3, :3].T + self.affine[:3, 3]

    def cut_by_image(self, centre: Points | None = None, radius: float = np.inf) -> bool:
        """Whether the structure reaches a face of the image, at least within a ball [m] if one is given."""
        indices = np.argwhere(self.inside)
        if centre is not None:
            indices = indices[np.linalg.norm(self.positions() - centre, axis=1) < radius]
        return bool(((indices <= self.image[0]) | (indices >= self.image[1] - 1)).any())


def load_structure(masks: Sequence[Mask], name: str) -> Structure:
    """Reads the masks of one structure and unites them, through their affines where grids differ.

    Args:
        masks: files and label values, at least one.
        name: of the structure, for messages.

    Raises:
        MeshInputError: a file cannot be read.
        GeometryError: a label is absent, or fills the image.
    """
    maps: dict[tuple[Path, float | None, float | None], LabelMap] = {}
    parts = []
    for mask in masks:
        key = mask.path, mask.length, mask.voxel
        try:
            if key not in maps:
                maps[key] = label_map(mask)
            parts.append(select(maps[key], mask, name))
        except GeometryError as error:
            error.about = mask
            raise
    # Small voxels first: the union keeps the finest grid.
    parts.sort(key=lambda part: float(np.prod(part.spacing)))
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    files = ", ".join(dict.fromkeys(str(mask.path) for mask in masks))
    return replace(reduce(unite, parts), files=files, notes=notes)


def label_map(mask: Mask) -> LabelMap:
    """Labels of an image, or of the voxels inside a surface.

    Raises:
        MeshInputError: the file cannot be read.
        GeometryError: it holds no labels or no closed surface.
    """
    if not mask.path.name.lower().endswith(SUFFIXES):
        return read_label_map(mask.path)
    values, affine, notes = read_surface(mask)
    return LabelMap(path=mask.path, values=values, affine=affine, notes=notes)


def present_values(values: NDArray[np.integer[Any]]) -> tuple[int, ...]:
    """The labels that an image holds, in order; plane by plane, in little memory."""
    found: set[int] = set()
    small = bool(values.size) and int(values.min()) >= 0 and int(values.max()) < SMALL_LABELS
    for k in range(values.shape[2]):
        plane = values[:, :, k]
        held = np.flatnonzero(np.bincount(plane.ravel())) if small else np.unique(plane)
        found.update(int(value) for value in held)
    return tuple(sorted(found))


def select(labels: LabelMap, mask: Mask, name: str) -> Structure:
    """The voxels of an image that a mask names.

    Raises:
        GeometryError: a label is absent, or fills the image.
    """
    chosen = np.isin(labels.values, mask.labels) if mask.labels else labels.values > 0
    count = int(np.count_nonzero(chosen))
    missing = [value for value in mask.labels if not np.any(labels.values == value)]
    if count == 0 or missing:
        text = values_text(present_values(labels.values))
        wanted = f"label {', '.join(map(str, missing))}" if missing else "a label above zero"
        raise GeometryError(
            f"{mask.path}: {wanted} for the {name} is not in the file; values present: {text}"
        )
    if count > FULL * chosen.size:
        raise GeometryError(
            f"{mask.path}: the label of the {name} fills the whole image "
            f"({100.0 * count / chosen.size:.1f} % of the voxels)"
        )
    image = np.array([[0, 0, 0], chosen.shape])
    whole = Structure(
        inside=chosen, affine=labels.affine, image=image, files=str(mask.path), notes=labels.notes
    )
    indices = [np.flatnonzero(chosen.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    return reframe(whole, np.array([[i[0] for i in indices], [i[-1] + 1 for i in indices]]))


def values_text(values: Sequence[int]) -> str:
    """Labels for a message, the first of them."""
    return ", ".join(map(str, values[:MOST_VALUES])) + (", ..." if len(values) > MOST_VALUES else "")


def reframe(structure: Structure, box: Box) -> Structure:
    """Same structure on a box ``(first, one past last)`` of its index space, cropped or padded."""
    inside = np.zeros(box[1] - box[0], dtype=bool)
    low = np.maximum(box[0], 0)
    high = np.maximum(np.minimum(box[1], structure.inside.shape), low)
    into = tuple(slice(a, b) for a, b in zip(low - box[0], high - box[0], strict=True))
    inside[into] = structure.inside[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    affine = structure.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ box[0]
    return replace(structure, inside=inside, affine=affine, image=structure.image - box[0])


def unite(one: Structure, other: Structure) -> Structure:
    """Union on the grid of the first; the second is looked up at its voxel centres through both affines."""
    to_one = np.linalg.inv(one.affine) @ other.affine
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in other.inside.shape])).reshape(3, -1)
    reach = to_one[:3, :3] @ corners + to_one[:3, 3:]
    low = np.minimum(0, np.floor(reach.min(axis=1) + 0.5).astype(np.int64))
    high = np.maximum(one.inside.shape, np.ceil(reach.max(axis=1) + 0.5).astype(np.int64))
    frame = reframe(one, np.array([low, high]))
    back = np.linalg.inv(other.affine) @ frame.affine
    sampled = ndimage.affine_transform(
        other.inside.astype(np.uint8),
        back[:3, :3],
        back[:3, 3],
        output_shape=frame.inside.shape,
        order=0,
        mode="grid-constant",  # the outer halves of the outermost voxels belong to them
    )
    return replace(frame, inside=frame.inside | (sampled > 0))


def largest_component(structure: Structure, name: str) -> Structure:
    """Keeps the largest face-connected component and notes what was dropped.

    Raises:
        GeometryError: the structure falls into pieces none of which holds half of it, or is too small.
    """
    numbers, count = ndimage.label(structure.inside)
    sizes = np.bincount(numbers.ravel())[1:]
    total, largest = int(sizes.sum()), int(sizes.max())
    if largest < LEAST_SHARE * total:
        raise GeometryError(
            f"{structure.files}: the {name} falls into {count} components, "
            f"the largest with {largest} of {total} voxels; one piece is expected"
        )
    if largest < LEAST_VOXELS:
        raise GeometryError(
            f"{structure.files}: the {name} has {largest} voxels; a shape needs at least {LEAST_VOXELS}"
        )
    if count == 1:
        return structure
    dropped = 1e6 * (total - largest) * float(np.prod(structure.spacing))
    note = f"the {name} has {count} components; the largest is kept, {dropped:.3g} mL are dropped"
    return replace(structure, inside=numbers == 1 + int(sizes.argmax()), notes=(*structure.notes, note))


def fill_holes(structure: Structure, name: str) -> Structure:
    """Fills the holes that the structure encloses, and notes it."""
    filled = ndimage.binary_fill_holes(structure.inside)
    added = int(np.count_nonzero(filled)) - int(np.count_nonzero(structure.inside))
    if added == 0:
        return structure
    note = f"holes in the {name} are filled: {1e6 * added * float(np.prod(structure.spacing)):.3g} mL"
    return replace(structure, inside=filled, notes=(*structure.notes, note))


def overlap_around(organ: Structure, tumour: Structure) -> float:
    """Share of organ among the voxels in and next to (two voxels) a tumour."""
    around = unite(replace(organ, inside=np.zeros_like(organ.inside)), tumour)
    near = ndimage.binary_dilation(around.inside, iterations=2)
    first = organ.image[0] - around.image[0]
    same = reframe(organ, np.array([first, first + near.shape]))
    return float(np.mean(same.inside[near]))


def close_organ(organ: Structure, tumour: Structure) -> Structure:
    """Organ with its tumour and the thin gaps between masks filled: union, closing, holes."""
    together = unite(organ, tumour)
    pad = reframe(together, np.array([[-3, -3, -3], np.array(together.inside.shape) + 3]))
    closed = ndimage.binary_closing(pad.inside, iterations=2)
    return replace(pad, inside=ndimage.binary_fill_holes(closed | pad.inside))
