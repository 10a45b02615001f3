# SPDX-License-Identifier: MIT
"""Runs the open batches of a sweep: by Snakemake on this machine or on Slurm, or one after another here."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from cases.errors import ExitCode, UserError
from cases.running.launch import OVERSUBSCRIBE
from cases.running.signals import die_with_parent
from cases.schema.sweep import ClusterTable
from cases.sweeps.folder import Plan, SweepFolder
from cases.sweeps.lease import Lease, identity_of

SNAKEFILE: Final = Path(__file__).parents[1] / "engine" / "sweep.smk"
SLURM_PROFILE: Final = Path(__file__).parents[1] / "engine" / "slurm"
"""What Snakemake is told of Slurm; a template for profiles of one's own."""
SLURM_KEPT: Final = frozenset({"SLURM_CONF", "SLURM_CLUSTERS"})
"""What Slurm's programs need to know of the cluster, whatever job they are called in."""
LOG: Final = "engine.log"
ROOT: Final = Path(__file__).parents[2]
PROFILES: Final = ("config.yaml", "profile.yaml")
"""What Snakemake reads in the folder of a profile, or a name with its version, ``config.v9+.yaml``."""


def run_serially(folder: SweepFolder, plan: Plan) -> int:
    """Run all open batches in this process, one after another; for one rank, and where no engine is.

    Returns:
        Exit code.
    """
    from mpi4py import MPI

    from cases.sweeps.worker import run_batch

    if plan.ranks > 1:
        raise UserError("cases on several ranks need `--engine snakemake`", ExitCode.USAGE)
    ended = ExitCode.DONE
    for number in list(folder.open_batches(plan)):
        code = run_batch(folder, number, MPI.COMM_SELF)
        if code == ExitCode.STOPPED:
            return code
        # others are at work on cases of it; the next batch may hold none of theirs
        ended = ExitCode.STOPPED if code else ended
    return ended


def run_snakemake(
    folder: SweepFolder,
    plan: Plan,
    control: Lease,
    cores: int | None,
    cluster: ClusterTable | None,
    profile: Path = SLURM_PROFILE,
) -> int:
    """Run all open batches by Snakemake; a start that was killed is taken up where it ended.

    Args:
        folder: of the sweep.
        plan: of the sweep.
        control: of the folder, held.
        cores: of this machine to use, by default all; or jobs on the cluster, by default as the profile says.
        cluster: what a batch asks of the cluster; None to run here.
        profile: folder of a profile of Snakemake, used on a cluster.

    Returns:
        Exit code: 0 where every batch has ended.

    Raises:
        UserError: Snakemake or Slurm is not installed (code 69).
    """
    if find_spec("snakemake") is None:
        raise UserError("Snakemake is not installed; `--engine serial` needs none", ExitCode.UNAVAILABLE)
    if cluster is not None and profile == SLURM_PROFILE and shutil.which("sbatch") is None:
        raise UserError("sbatch is not on the PATH; is Slurm on this machine?", ExitCode.UNAVAILABLE)
    numbers = list(folder.open_batches(plan))
    if not numbers:
        return ExitCode.DONE
    for number in numbers:
        # a mark without finished cases behind it: the sweep has grown, or failures are run again
        (folder.root / "batches" / str(number)).unlink(missing_ok=True)
    config = _configuration(plan, numbers, cluster)
    (folder.root / "engine.json").write_text(json.dumps(config), encoding="utf-8")
    # we hold the folder, so a lock is that of a controller that was killed
    shutil.rmtree(folder.root / ".snakemake" / "locks", ignore_errors=True)
    with (folder.root / LOG).open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [*_command(folder), *_options(plan, cores, cluster, profile)],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_environment(cluster),
            preexec_fn=die_with_parent,
        )
        control.tell(engine=identity_of(process.pid))
        try:
            code = process.wait()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
    return ExitCode.DONE if code == 0 else ExitCode.STOPPED


def require_profile(profile: Path) -> None:
    """Refuse a folder that Snakemake would not take for a profile.

    Raises:
        UserError: code 66.
    """
    if not any((profile / name).is_file() for name in PROFILES) and not any(profile.glob("config.v*+.yaml")):
        message = f"{profile}: no profile of Snakemake; expected a folder with {' or '.join(PROFILES)} in it"
        raise UserError(message, ExitCode.MISSING_INPUT)


def _command(folder: SweepFolder) -> list[str]:
    program = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE)]
    return [*program, "--directory", str(folder.root), "--configfile", str(folder.root / "engine.json")]


def _options(plan: Plan, cores: int | None, cluster: ClusterTable | None, profile: Path) -> list[str]:
    # not in the rule: the engine starts itself again on a node, twice, and would try again there as well
    common = [
        "--retries",
        str((cluster or ClusterTable()).retries),
        "--rerun-incomplete",
        "--keep-going",
        "--rerun-triggers",
        "input",
        "--nocolor",
        "--quiet",
        "rules",
    ]
    if cluster is None:
        return [*common, "--cores", str(max(cores or len(os.sched_getaffinity(0)), plan.ranks))]
    jobs = ["--jobs", str(cores)] if cores else []
    return [*common, "--profile", str(profile.resolve()), *jobs]


def _configuration(plan: Plan, numbers: list[int], cluster: ClusterTable | None) -> dict[str, Any]:
    asked = cluster or ClusterTable()
    start = (cluster and cluster.python) or shlex.quote(sys.executable)
    if plan.ranks > 1:
        launcher = cluster.launcher if cluster else shlex.quote(shutil.which("mpirun") or "mpirun")
        start = f"{launcher} -n {plan.ranks} {start}"
    slurm = {"slurm_partition": asked.partition, "slurm_account": asked.account}
    return {
        "open": numbers,
        "ranks": plan.ranks,
        # of one task: Slurm counts ranks as tasks
        "threads": 1 if cluster else plan.ranks,
        "memory_mb": asked.memory_mb,
        "minutes": max(round(asked.time / 60), 1),
        "slurm": {key: value for key, value in slurm.items() if value}
        | ({"mpi": "srun"} if plan.ranks > 1 else {}),
        "start": start,
    }


def _environment(cluster: ClusterTable | None) -> dict[str, str]:
    """Ours, without what Slurm says of the job in which the controller itself may run.

    It goes along to the nodes and into containers there. So it names the place of these sources only in a
    checkout, where nothing else would, and not to another Python, which has its own.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in SLURM_KEPT or not name.startswith("SLURM_")
    }
    kept |= {**OVERSUBSCRIBE, "OMP_NUM_THREADS": kept.get("OMP_NUM_THREADS", "1")}
    if (ROOT / "pyproject.toml").is_file() and not (cluster and cluster.python):
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH")]))
    return kept
