# SPDX-License-Identifier: MIT
"""Installs the peers into the user's cache: ``python3 -m benchmarks.ball.peers.install``.

Python packages go into a virtual environment on top of the one that runs this, so that FESTIM uses the
DOLFINx that is there. FreeFEM is taken from the PATH, or else unpacked from Debian's packages, which changes
nothing in the system.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from benchmarks.cache import cache_folder

PYTHON_PACKAGES: Final = ("ngsolve>=6.2.2406", "scikit-fem>=10", "festim>=2.0,<2.1", "scifem==0.9.0")
"""scifem: the last that works with the DOLFINx that FESTIM 2.0 and Debian 13 have."""
DEBIAN_PACKAGES: Final = ("freefem++", "libglut3.12")
"""FreeFEM, and the one library it needs that DOLFINx does not bring."""
KEPT: Final = ("numpy", "scipy", "mpi4py", "petsc4py", "h5py")
"""What DOLFINx was compiled against stays as it is."""


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _venv() -> Path:
    return cache_folder() / f"peers-{_key(sys.executable, sys.version, *PYTHON_PACKAGES)}"


def peers_python() -> Path:
    """The Python that the peers run in."""
    return _venv() / "bin" / "python3"


def _unpacked() -> Path:
    return cache_folder() / f"freefem-{_key(*DEBIAN_PACKAGES)}"


def freefem() -> list[str]:
    """How FreeFEM is called; empty if it is not there."""
    if found := shutil.which("FreeFem++"):
        return [found]
    root = _unpacked()
    if not root.is_dir():
        return []
    libraries = ":".join(map(str, sorted((root / "usr" / "lib").glob("*-linux-gnu"))))
    return ["env", f"LD_LIBRARY_PATH={libraries}", str(root / "usr" / "bin" / "FreeFem++")]


def install_python_peers() -> None:
    """Make the virtual environment, if it is not there yet.

    Raises:
        subprocess.CalledProcessError: when pip fails; it says why.
    """
    venv = _venv()
    if (venv / "ready").exists():
        return
    shutil.rmtree(venv, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", str(venv)], check=True)
    # if this Python is itself that of a virtual environment, its packages are not among the system's
    below = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (site,) = (venv / "lib").glob("python3*/site-packages")
    (site / "below.pth").write_text("\n".join(below) + "\n", encoding="utf-8")
    (venv / "keep.txt").write_text("\n".join(_installed()) + "\n", encoding="utf-8")
    pip = [str(venv / "bin" / "python3"), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*pip, "--constraint", str(venv / "keep.txt"), *PYTHON_PACKAGES], check=True)
    (venv / "ready").touch()


def _installed() -> list[str]:
    pinned = []
    for name in KEPT:
        try:
            pinned.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            continue
    return pinned


def install_freefem() -> str | None:
    """Unpack FreeFEM from Debian's packages, if it is neither on the PATH nor unpacked.

    Returns:
        Why it cannot be had, or None.
    """
    if freefem():
        return None
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return "FreeFem++ is not on the PATH, and this is no Debian to take it from"
    partial = _unpacked().with_suffix(".part")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "lists" / "partial").mkdir(parents=True)
    options = {
        "Dir::State::lists": partial / "lists",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": partial,
        "Debug::NoLocking": 1,
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]
    for command in ([*apt, "update"], [*apt, "download", *DEBIAN_PACKAGES]):
        done = subprocess.run(command, cwd=partial, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"apt-get cannot get FreeFem++: {done.stderr.strip().splitlines()[-1:]}"
    for package in partial.glob("*.deb"):
        subprocess.run(["dpkg-deb", "--extract", str(package), str(partial)], check=True)
        package.unlink()
    shutil.rmtree(partial / "lists")
    os.replace(partial, _unpacked())
    missing = _missing_libraries()
    return f"FreeFem++ lacks {', '.join(missing)}" if missing else None


def _missing_libraries() -> list[str]:
    command = freefem()
    listed = subprocess.run([*command[:-1], "ldd", command[-1]], capture_output=True, text=True, check=False)
    return [line.split()[0] for line in listed.stdout.splitlines() if "not found" in line]


def main() -> int:
    """Install all peers; say what is missing."""
    install_python_peers()
    reason = install_freefem()
    print(f"peers: {_venv()}")
    print(f"FreeFEM: {reason or ' '.join(freefem())}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
