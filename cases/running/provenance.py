# SPDX-License-Identifier: MIT
"""Where a result comes from: versions, the state of the source, the machine."""

import datetime
import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

PACKAGES: Final = (
    "fenics-dolfinx",
    "petsc4py",
    "mpi4py",
    "numpy",
    "scipy",
    "numba",
    "h5py",
    "mmgpy",
    "gmsh",
)


def versions() -> dict[str, str]:
    """Of Python and of the libraries that a result depends on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def provenance() -> dict[str, Any]:
    """Of a run here: the same for every run of this program on this machine."""
    return {"source": source_state(), "machine": machine()}


def now() -> str:
    """Date and time, in UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def machine() -> dict[str, Any]:
    """System and processor; no name that tells whose it is."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
    }


@cache
def source_state() -> dict[str, Any]:
    """Commit of the program's source and whether it was changed since; empty outside a repository."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return {}
    commit, changes = (
        _git(root, *arguments) for arguments in (("rev-parse", "HEAD"), ("status", "--porcelain"))
    )
    return {} if commit is None else {"commit": commit.strip(), "changed": bool(changes)}


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
            # a look must not write to the repository
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
