# SPDX-License-Identifier: MIT
"""Observed lesion and predicted zone, one over the other, in three slices of the patient's image."""

from pathlib import Path
from typing import Any, Final

import nibabel
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from postprocess.figures.style import ABLATED_COLOUR, INK, MUTED, TUMOUR_COLOUR, Size, new_figure, save_figure
from postprocess.images.lesion import Comparison
from postprocess.results.quantities import length_text, significant, volume_text

OBSERVED_COLOUR: Final = "#d55e00"
MARGIN: Final = 4
"""Voxels shown around everything."""

VIEWS: Final = (
    ("axial", 2, ("R", "L"), ("P", "A")),
    ("coronal", 1, ("R", "L"), ("I", "S")),
    ("sagittal", 0, ("A", "P"), ("I", "S")),
)
"""Name, axis across the slice, and what lies left, right, below and above, as radiologists look at it."""


def draw_comparison(comparison: Comparison, title: str, path: Path) -> Path:
    """Three slices through the middle of the lesion: axial, coronal, sagittal.

    Args:
        comparison: lesion, zone and mesh on one grid.
        title: above the slices.
        path: PNG, SVG or PDF file.
    """
    sampled = comparison.sampled
    masks = [comparison.observed, comparison.predicted, sampled.whole(sampled.tumour())]
    masks, spacing = _upright(masks, sampled.grid.affine)
    shown = np.argwhere(masks[0] | masks[1] | masks[2])
    low = np.maximum(shown.min(axis=0) - MARGIN, 0)
    high = shown.max(axis=0) + MARGIN + 1
    masks = [mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] for mask in masks]
    middle = np.argwhere(masks[0]).mean(axis=0).round().astype(int)
    figure = new_figure((8.4, 3.9), Size())
    for axes, (name, axis, *ends) in zip(figure.subplots(1, 3), VIEWS, strict=True):
        planes = [np.take(mask, middle[axis], axis=axis) for mask in masks]
        kept = [i for i in range(3) if i != axis]
        _draw_slice(axes, planes, 1e3 * spacing[kept])
        axes.set_title(name)
        _draw_ends(axes, *ends)
    found = comparison.agreement
    figure.suptitle(
        f"{title}: observed {volume_text(found.observed_m3)}, predicted {volume_text(found.predicted_m3)}\n"
        f"Dice {significant(found.dice)}; surfaces {length_text(found.mean_surface_distance_m)} apart "
        f"on average, 95 % within {length_text(found.hausdorff_95_m)}",
        fontsize="medium",
        weight="normal",
        color=INK,
        x=0.01,
        ha="left",
    )
    handles = [
        Line2D([], [], color=OBSERVED_COLOUR, label="observed lesion"),
        Patch(color=ABLATED_COLOUR, alpha=0.45, label="predicted zone"),
        Line2D([], [], color=TUMOUR_COLOUR, linestyle="dashed", label="tumour before"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return save_figure(figure, path)


def _upright(
    masks: list[NDArray[np.bool_]], affine: NDArray[np.float64]
) -> tuple[list[NDArray[np.bool_]], NDArray[np.float64]]:
    """Masks with axes as near to right, front and head as flips and swaps take them, and voxel edges [m]."""
    turn: Any = nibabel.orientations.io_orientation(affine)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    order = np.argsort(turn[:, 0])
    return [nibabel.orientations.apply_orientation(mask, turn) for mask in masks], spacing[order]


def _draw_slice(axes: Axes, planes: list[NDArray[np.bool_]], edges: NDArray[np.float64]) -> None:
    """One slice; the first axis runs to the left of the picture, as the patient faces the viewer."""
    across, up = (edge * np.arange(n) for edge, n in zip(edges, planes[0].shape, strict=True))
    observed, predicted, tumour = (plane.T.astype(float) for plane in planes)
    if predicted.any():
        axes.contourf(across, up, predicted, levels=[0.5, 1.5], colors=[ABLATED_COLOUR], alpha=0.45)
    for plane, colour, line in ((tumour, TUMOUR_COLOUR, "dashed"), (observed, OBSERVED_COLOUR, "solid")):
        if plane.any():
            axes.contour(across, up, plane, levels=[0.5], colors=[colour], linestyles=[line])
    axes.set_aspect("equal")
    axes.invert_xaxis()
    axes.grid(visible=False)
    axes.set_xlabel("mm")
    axes.tick_params(labelsize="small")


def _draw_ends(axes: Axes, across: tuple[str, str], up: tuple[str, str]) -> None:
    places = {across[0]: (0.04, 0.5), across[1]: (0.96, 0.5), up[0]: (0.5, 0.04), up[1]: (0.5, 0.96)}
    for letter, (x, y) in places.items():
        axes.text(
            x, y, letter, transform=axes.transAxes, color=MUTED, weight="bold", ha="center", va="center"
        )
