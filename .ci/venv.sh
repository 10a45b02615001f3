#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# venv.sh PYTHON FOLDER REQUIREMENTS: a virtual environment on top of a Python that has DOLFINx, with what that lacks.
set -euo pipefail
python=$1 venv=$2 requirements=$3

"$python" -m venv --system-site-packages "$venv"

# If PYTHON is itself a virtual environment, its packages are not among the "system" ones: name them.
"$python" -c 'import sys; print(*(p for p in sys.path if p.endswith(("site-packages", "dist-packages"))), sep="\n")' \
  >"$(echo "$venv"/lib/python3*/site-packages)/below.pth"

# What DOLFINx was compiled against must stay: another numpy could break it, and another h5py brings a second HDF5.
"$venv/bin/python3" - >"$venv/keep.txt" <<'PYTHON'
from importlib.metadata import PackageNotFoundError, version

for name in ("numpy", "mpi4py", "petsc4py", "h5py"):
    try:
        print(f"{name}=={version(name)}")
    except PackageNotFoundError:
        pass
PYTHON

pip=("$venv/bin/python3" -m pip install --progress-bar off --disable-pip-version-check --constraint "$venv/keep.txt")
"$venv/bin/python3" -c 'import h5py' 2>/dev/null ||
  HDF5_MPI=ON CC=mpicc "${pip[@]}" --no-binary h5py h5py # compiled against the HDF5 that is there
"${pip[@]}" --no-binary h5py --requirement "$requirements"

cat >"$venv/bin/infusate" <<'PYTHON'
#!/usr/bin/env python3
from cases.cli import main

raise SystemExit(main())
PYTHON
chmod +x "$venv/bin/infusate"
