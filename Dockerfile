# SPDX-License-Identifier: MIT
# docker build --tag infusate . && docker run --rm --volume "$PWD:/data" --workdir /data infusate run case.toml
FROM dolfinx/dolfinx:v0.9.0

# for gmsh, and for pictures without a display
RUN apt-get update && apt-get install --yes --no-install-recommends \
      libegl1 libgl1 libgl1-mesa-dri libglu1-mesa libosmesa6 libxrender1 && \
    rm -rf /var/lib/apt/lists/*

# h5py has to use the HDF5 of DOLFINx, so it is compiled here; the numpy that DOLFINx was compiled against stays
COPY . /opt/infusate
RUN python3 -m pip freeze --all | grep -i '^numpy==' > /tmp/keep.txt && \
    HDF5_MPI=ON CC=mpicc python3 -m pip install --no-cache-dir --constraint /tmp/keep.txt --no-binary h5py h5py && \
    python3 -m pip install --no-cache-dir --constraint /tmp/keep.txt /opt/infusate

ENV OMP_NUM_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
ENTRYPOINT ["infusate"]
