# SPDX-License-Identifier: MIT
"""The folder of a sweep: its plan, a folder for each case by the case's identity, and what became of them.

plan.json               what is to be run; written whole
controller.json         somebody is running the sweep; a lease as well
cases/ID/summary.json   a finished case; written whole, so its presence is the end of the case
cases/ID/failure.json   a case that failed, with its reason; a summary that says so itself needs none
leases/ID               somebody is at work on it
batches/N               the engine's mark of a finished batch; nothing else relies on it
"""

import json
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from cases.about import NOTICE, VERSION
from cases.errors import ExitCode, UserError
from cases.sweeps.expand import Sweep
from meshes.geometry import GeometryDescription, ParametricGeometry
from meshes.plain import Geometry

PLAN: Final = "plan.json"
CONTROLLER: Final = "controller.json"
LONG: Final = {"radial": 100, "axisymmetric": 20, "3d": 1}
"""Cases that share a process by default, so that a batch takes a minute or so."""


@dataclass(frozen=True)
class Job:
    """One case as the plan holds it.

    Attributes:
        index: in the sweep.
        identity: name of its folder.
        overrides: all changes to the base case.
        inputs: what it changes, by key; quantities in SI.
    """

    index: int
    identity: str
    overrides: tuple[str, ...]
    inputs: dict[str, float | str]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a sweep is to run.

    Attributes:
        name: of the sweep.
        title: one line.
        base: path of the base case.
        geometry: ``radial``, ``axisymmetric`` or ``3d``, of the first case.
        ranks: of each case.
        keep: ``summary`` or ``fields``.
        jobs: all cases.
        batches: indices of the cases of each batch.
        units: of each input, by key.
        record: method, seed and priors of the draws, axes, version.
        probability: what the map of ablation asks of each case; None for no map.
    """

    name: str
    title: str
    base: str
    geometry: str
    ranks: int
    keep: str
    jobs: tuple[Job, ...]
    batches: tuple[tuple[int, ...], ...]
    units: dict[str, str]
    record: dict[str, Any]
    probability: dict[str, Any] | None = None


def make_plan(sweep: Sweep) -> Plan:
    """The plan of a sweep; cases of one geometry stand together in batches, in their order."""
    table = sweep.table
    jobs = tuple(
        Job(
            index=case.index,
            identity=sweep.identity(case),
            overrides=sweep.overrides(case),
            inputs={setting.key: setting.value for setting in case.row},
        )
        for case in sweep.planned
    )
    kind = kind_of(sweep.load(sweep.planned[0]).geometry)
    size = table.batch or LONG[kind]
    return Plan(
        name=table.name,
        title=table.title,
        base=str(sweep.base.resolve()),
        geometry=kind,
        ranks=table.ranks,
        keep=table.keep,
        jobs=jobs,
        batches=tuple(
            tuple(range(start, min(start + size, len(jobs)))) for start in range(0, len(jobs), size)
        ),
        units=input_units(sweep),
        record=_record(sweep),
    )


def kind_of(description: GeometryDescription) -> Geometry:
    """What the mesh of a geometry will be: ``radial``, ``axisymmetric`` or ``3d``."""
    return description.kind if isinstance(description, ParametricGeometry) else "3d"


def input_units(sweep: Sweep) -> dict[str, str]:
    """SI unit of each key that the sweep varies; empty for names and switches."""
    from cases.reading.keys import parse_key, quantity_at

    units = {}
    for setting in sweep.planned[0].row:
        quantity = quantity_at(parse_key(setting.key))
        units[setting.key] = quantity.dimension.si if quantity else ""
    return units


def _record(sweep: Sweep) -> dict[str, Any]:
    sample = sweep.table.sample
    return {
        "infusate": VERSION,
        "notice": NOTICE,
        "axes": [list(keys) for keys in sweep.axes],
        "set": list(sweep.table.set),
        "sample": None
        if sample is None
        else {
            "method": sample.method,
            "count": sample.count,
            "seed": sample.seed,
            "priors": [asdict(prior) for prior in sweep.priors],
            "correlation": [pair.model_dump() for pair in sample.correlation],
        },
    }


class SweepFolder:
    """Reads and writes the folder of a sweep.

    Attributes:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def case(self, identity: str) -> Path:
        """Folder of a case."""
        return self.root / "cases" / identity

    def lease(self, identity: str) -> Path:
        """Where the lease on a case is."""
        return self.root / "leases" / identity

    def require_own(self) -> None:
        """Refuse a folder that is not that of a sweep, and not empty.

        Raises:
            UserError: code 73.
        """
        if not self.root.exists() or (self.root / PLAN).exists():
            return
        if not self.root.is_dir() or any(
            not entry.name.startswith(CONTROLLER) for entry in self.root.iterdir()
        ):
            message = f"{self.root} exists and holds no sweep; choose another folder"
            raise UserError(message, ExitCode.OUTPUT)

    def write_plan(self, plan: Plan) -> None:
        """Write the plan, replacing one of an earlier state of the sweep.

        Raises:
            UserError: the folder cannot be written, or is of another sweep (code 73).
        """
        from cases.running.files import write_json

        try:
            if (self.root / PLAN).exists():
                self._require_same(plan)
            self.require_own()
            (self.root / "cases").mkdir(parents=True, exist_ok=True)
            write_json(self.root / PLAN, asdict(plan))
        except OSError as error:
            raise UserError(f"{self.root} cannot be written: {error.strerror}", ExitCode.OUTPUT) from error

    def _require_same(self, plan: Plan) -> None:
        """Refuse to go on with another sweep, or with another map than that of the cases already run."""
        known = self.plan()
        if known.name != plan.name:
            raise UserError(f"{self.root} holds another sweep; choose another folder", ExitCode.OUTPUT)
        asked = plan.probability is not None and plan.probability != known.probability
        if asked and any(self.is_done(job.identity) for job in known.jobs):
            message = f"{self.root}: cases were run without this map of ablation; choose another folder"
            raise UserError(message, ExitCode.OUTPUT)

    def plan(self) -> Plan:
        """The plan.

        Raises:
            UserError: there is none, or it is damaged (code 66).
        """
        path = self.root / PLAN
        try:
            raw = json.loads(path.read_text("utf-8"))
            jobs = (Job(**{**job, "overrides": tuple(job["overrides"])}) for job in raw["jobs"])
            batches = tuple(tuple(batch) for batch in raw["batches"])
            return Plan(**{**raw, "jobs": tuple(jobs), "batches": batches})
        except FileNotFoundError as error:
            raise UserError(f"{path}: not there; is this a sweep?", ExitCode.MISSING_INPUT) from error
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path}: damaged ({error})", ExitCode.MISSING_INPUT) from error

    def summary(self, identity: str) -> dict[str, Any] | None:
        """Summary of a finished case, None before."""
        return _json(self.case(identity) / "summary.json")

    def failure(self, identity: str) -> dict[str, Any] | None:
        """Why a case failed, None if it did not."""
        return self.ended(identity)[1]

    def ended(self, identity: str) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """Summary of a case, and why it failed; None for what there is not.

        Whoever ran the case may have been killed before the failure was written down, so the summary counts.
        """
        summary, told = self.summary(identity), _json(self.case(identity) / "failure.json")
        if told is None and summary is not None:
            told = _failure(summary, self.case(identity))
        return summary, told

    def is_done(self, identity: str) -> bool:
        """Whether a case needs no running: finished, or failed for good."""
        folder = self.case(identity)
        return (folder / "summary.json").exists() or (folder / "failure.json").exists()

    def forget_failures(self, jobs: Sequence[Job]) -> int:
        """Let failed cases be run again; returns how many there are."""
        names = dict.fromkeys(job.identity for job in jobs)
        failed = [self.case(name) for name in names if self.failure(name) is not None]
        for folder in failed:
            # in this order: a kill in between leaves a case that has failed
            (folder / "summary.json").unlink(missing_ok=True)
            (folder / "failure.json").unlink(missing_ok=True)
        return len(failed)

    def remove_leases(self, jobs: Sequence[Job]) -> None:
        """Remove leases that killed processes have left on cases that are done."""
        names = {job.identity for job in jobs}
        leases = self.root / "leases"
        for path in list(leases.iterdir()) if leases.is_dir() else []:
            name = path.name.partition(".")[0]
            if name in names and self.is_done(name):
                path.unlink(missing_ok=True)

    def open_batches(self, plan: Plan) -> Iterator[int]:
        """Numbers of the batches that still hold a case to run."""
        for number, batch in enumerate(plan.batches):
            if not all(self.is_done(plan.jobs[index].identity) for index in batch):
                yield number


def _failure(summary: dict[str, Any], folder: Path) -> dict[str, Any] | None:
    """What a summary says against its case, as failure.json would."""
    from cases.running.promises import outcome

    try:
        code = outcome(summary, 0.0)
    except (KeyError, TypeError):
        # of a version that said less
        return None
    if code == ExitCode.UNPHYSICAL:
        with suppress(OSError, ValueError, KeyError):
            resolved = tomllib.loads((folder / "resolved.toml").read_text("utf-8"))
            code = outcome(summary, float(resolved["agent"]["plasma_concentration"]))
    if code == ExitCode.DONE:
        return None
    return {"code": int(code), "reason": str(summary.get("reason") or code.name.lower())}


def _json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
