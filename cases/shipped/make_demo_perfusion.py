# SPDX-License-Identifier: MIT
"""Makes the synthetic map of the case ``perfusion_map``: blood flow with a rich rim and a poor middle.

Run it as ``python cases/shipped/make_demo_perfusion.py``; it writes ``demo_perfusion.nii.gz`` beside itself,
the same bytes each time. A few voxels hold no number, as fits of such maps do.
"""

import gzip
from pathlib import Path
from typing import Final

import nibabel
import numpy as np

OUT: Final = Path(__file__).with_name("demo_perfusion.nii.gz")
SPACING: Final = 1.5
"""Edge of a voxel [mm]."""
SIZE: Final = 17
RIM: Final = 0.6
"""Blood flow near the surface [1/min]."""
MIDDLE: Final = 0.06
HOLES: Final = ((8, 8, 12), (5, 9, 8), (11, 6, 7))


def make_map() -> nibabel.Nifti1Image:
    """The map, in the patient's axes, its middle at the origin [1/min]."""
    axis = SPACING * (np.arange(SIZE) - SIZE // 2)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    radius = np.sqrt(x**2 + y**2 + z**2)
    share = 1 / (1 + np.exp(-(radius - 6.0) / 1.0))
    # one side is fed better
    values = (MIDDLE + (RIM - MIDDLE) * share) * (1 + 0.3 * x / 12.0)
    for hole in HOLES:
        values[hole] = np.nan
    affine = np.diag([SPACING, SPACING, SPACING, 1.0])
    affine[:3, 3] = axis[0]
    image = nibabel.Nifti1Image(values.astype(np.float32), affine)
    image.header.set_xyzt_units("mm")
    return image


def main(out: Path = OUT) -> None:
    """Write the file; gzip's time stamp is left out, so that the bytes depend on the map alone."""
    out.write_bytes(gzip.compress(make_map().to_bytes(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
