# SPDX-License-Identifier: MIT
"""Which libraries this installation has, and what it keeps."""

import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Final

from cases.about import VERSION
from meshes.cache_room import LIMIT, cache_folder, used

LIBRARIES: Final = {
    "dolfinx": "fenics-dolfinx",
    "petsc4py": "petsc4py",
    "mpi4py": "mpi4py",
    "h5py": "h5py",
    "numpy": "numpy",
    "scipy": "scipy",
    "numba": "numba",
    "gmsh": "gmsh",
    "mmgpy": "mmgpy",
    "nibabel": "nibabel",
    "SimpleITK": "SimpleITK",
    "pydantic": "pydantic",
    "pint": "pint",
    "pyvista": "pyvista",
    "vtk": "vtk",
    "matplotlib": "matplotlib",
    "jinja2": "jinja2",
}
"""Module to the distribution that carries its version; nothing is imported to find out."""


def examine() -> dict[str, str | None]:
    """Version by name; None for what is missing."""
    found: dict[str, str | None] = {
        "infusate": VERSION,
        "python": platform.python_version(),
        "at": sys.executable,
    }
    for module, distribution in LIBRARIES.items():
        found[module] = _version(module, distribution)
    found["mpirun"] = shutil.which("mpirun")
    found["mesh cache"] = f"{used() / 1e9:.2f} of {LIMIT / 1e9:g} GB in {cache_folder()}"
    return found


def _version(module: str, distribution: str) -> str | None:
    if find_spec(module) is None:
        return None
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "installed, version unknown"
