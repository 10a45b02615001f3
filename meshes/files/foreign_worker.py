# SPDX-License-Identifier: MIT
"""A process that reads somebody's mesh: ``python -m meshes.files.foreign_worker mesh.vtu arrays.npz``.

VTK's readers trust what a file says of itself; where it lies they take their process down, this one.
"""

import json
import resource
import sys
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np

MEMORY: Final = 4 * 2**30
"""Address space of this process [bytes]."""

BY_MESHIO: Final = (".xdmf", ".xmf")


def main(source: str, target: str) -> int:
    """Read a mesh and write its arrays; 3 with the reason on standard output where it cannot be read."""
    _, allowed = resource.getrlimit(resource.RLIMIT_AS)
    least = MEMORY if allowed == resource.RLIM_INFINITY else min(MEMORY, allowed)
    resource.setrlimit(resource.RLIMIT_AS, (least, allowed))
    try:
        arrays = _arrays(_read(Path(source)))
    except (Exception, SystemExit) as error:  # readers of foreign files raise whatever they like
        print((str(error).splitlines() or [type(error).__name__])[0][:200])
        return 3
    np.savez(target, **arrays)
    return 0


def _read(path: Path) -> Any:
    import pyvista

    with pyvista.vtk_verbosity("off"), warnings.catch_warnings(action="ignore"):
        if path.suffix.lower() not in BY_MESHIO:
            return pyvista.read(path)
        import meshio

        return pyvista.from_meshio(meshio.read(path))


def _arrays(data: Any) -> dict[str, Any]:
    """Points, cells and all numbers on them, by names that tell which they are."""
    import pyvista

    if not isinstance(data, pyvista.DataSet) or data.n_cells == 0:
        raise ValueError("no single mesh with cells")
    grid = pyvista.UnstructuredGrid(data.cast_to_unstructured_grid())
    arrays: dict[str, Any] = {
        "points": np.asarray(grid.points, dtype=np.float64),
        "connectivity": np.asarray(grid.cell_connectivity, dtype=np.int64),
        "offsets": np.asarray(grid.offset, dtype=np.int64),
        "types": np.asarray(grid.celltypes, dtype=np.int64),
    }
    names: list[tuple[str, str]] = []
    for place, found in (("point", grid.point_data), ("cell", grid.cell_data)):
        for name in found:
            values = np.asarray(found[name])
            if values.dtype.kind in "biuf":
                arrays[f"data{len(names)}"] = values
                names.append((place, name))
    return {**arrays, "names": np.array(json.dumps(names))}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
