# SPDX-License-Identifier: MIT
"""What is asked of a quantity that varies within a region: frozen, keyword-only records in SI units."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FieldQuantity = Literal["hydraulic_conductivity", "vessel_surface", "perfusion", "vessels", "porosity"]
FieldSource = Literal["image", "mesh", "random"]
FieldMode = Literal["value", "factor", "ratio"]
FieldFill = Literal["tissue", "nearest", "median"]


@dataclass(frozen=True, kw_only=True)
class TissueField:
    """A quantity of tissue as a field: a factor on the number of the tissue, cell by cell.

    Attributes:
        quantity: what varies; ``vessels`` stands for vessel surface and perfusion together.
        source: an image, data on a mesh, or a random field.
        regions: cell tags (``meshes.regions``) in which it holds; others keep their tissue's number.
        path: file of an image or of mesh data.
        array: name of the mesh data.
        length: metres per unit of length of the mesh data.
        mode: whether the source has the quantity itself (``value``), what multiplies the tissue's number
            (``factor``), or what does so after division by its mean over the regions (``ratio``).
        scale: SI units per unit of the source, for ``value``.
        fill: what stands where the source has no number: the tissue's own (factor 1), the nearest of the
            source, or the median of what was found in the regions.
        smallest: lower bound of the factor [-].
        largest: upper bound of the factor [-].
        correlation_length: distance over which a random field's correlation falls to about 0.13 [m].
        log_deviation: standard deviation of its logarithm [-].
        smoothness: nu of its Matern covariance, 0.5 or 2.5 [-].
        seed: of its noise.
    """

    quantity: FieldQuantity
    source: FieldSource
    regions: tuple[int, ...]
    path: Path | None = None
    array: str | None = None
    length: float = 1.0
    mode: FieldMode = "factor"
    scale: float = 1.0
    fill: FieldFill = "tissue"
    smallest: float = 1e-6
    largest: float = 1e6
    correlation_length: float | None = None
    log_deviation: float | None = None
    smoothness: float = 0.5
    seed: int = 0
