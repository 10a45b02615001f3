# SPDX-License-Identifier: MIT
"""Ways in side by side, from any number of comparison files, cases and result folders: one record."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mpi4py import MPI

from cases.case import Case
from cases.errors import CaseError, ExitCode, UserError
from cases.reading.load import load_case
from cases.reading.read import read_source
from cases.routes.entries import route_entries
from cases.routes.injection_entries import KIND, injection_entry, require_complete, result_entry
from cases.routes.read import Comparison, load_comparison
from cases.running.reuse import Reuse

WEIGHT: Final = 'body.weight="70 kg"'
"""Of the body behind an injection whose case has none, as a comparison file takes it by default."""

LONGEST_NAME: Final = 64


@dataclass(frozen=True, kw_only=True)
class Source:
    """One thing that is compared.

    Attributes:
        name: of the source.
        file: as the user typed it.
        what: a comparison file or a case, checked, or the folder of a result.
    """

    name: str
    file: str
    what: Comparison | Case | Path


def load_sources(files: Sequence[str]) -> tuple[Source, ...]:
    """Read and check all that is to be compared.

    Args:
        files: comparison files, case files and result folders.

    Raises:
        CaseError: with every problem of the first that has any.
        UserError: a folder holds no result, or one that is incomplete or damaged.
    """
    return tuple(_source(file) for file in files)


def _source(file: str) -> Source:
    path = Path(file)
    if path.is_dir():
        if not (path / "summary.json").is_file():
            raise UserError(f"{file}: no result folder (no summary.json in it)", ExitCode.MISSING_INPUT)
        name = load_case(path / "resolved.toml").name
        require_complete(path)
        return Source(name=name, file=file, what=path)
    if "route" in read_source(file).tables:
        comparison = load_comparison(file)
        return Source(name=comparison.table.name, file=file, what=comparison)
    case = load_case(file)
    if case.model.body is None:
        # an agent that the library knows nothing of in the body stays without one
        with suppress(CaseError):
            case = load_case(file, (WEIGHT,))
    return Source(name=case.name, file=file, what=case)


def title_of(sources: Sequence[Source]) -> tuple[str, str]:
    """Short name and title of a comparison."""
    first = sources[0].what
    if len(sources) == 1 and isinstance(first, Comparison):
        return first.table.name, first.table.title or first.table.name
    names = list(dict.fromkeys(source.name for source in sources))
    return "-and-".join(names)[:LONGEST_NAME].rstrip("-"), f"Side by side: {', '.join(names)}"


def compare_sources(sources: Sequence[Source], say: Callable[[str], None], comm: MPI.Comm) -> dict[str, Any]:
    """Follow every way in; the record is JSON-ready and the same on every rank. Collective.

    Args:
        sources: what is compared.
        say: called with a line per way in.
        comm: ranks to share each tissue.

    Raises:
        GeometryError: when a geometry cannot be meshed.
        SolverFailure: when an injection cannot be solved.
        FlowError: no resting state is found.
        LinearSolverError: when the linear solver fails.
    """
    reuse, found = Reuse(), list[dict[str, Any]]()
    taken = set[str]()
    for source in sources:
        for entry in _entries(source, reuse, comm):
            entry["name"] = _free(entry["name"], source.name, taken)
            taken.add(entry["name"])
            # ranks have clocks of their own
            entry["seconds"] = max(comm.allgather(entry["seconds"]))
            found.append({**entry, "source": source.file})
            say(_line(entry))
    name, title = title_of(sources)
    end = max(entry["end_s"] for entry in found)
    return {"name": name, "title": title, "ranks": comm.size, "end_s": end, "routes": found}


def _entries(source: Source, reuse: Reuse, comm: MPI.Comm) -> Iterator[dict[str, Any]]:
    what = source.what
    if isinstance(what, Path):
        yield comm.bcast(result_entry(what, source.name) if comm.rank == 0 else None)
    elif isinstance(what, Case):
        yield injection_entry(what, source.name, reuse, comm)
    else:
        if what.table.injection:
            yield injection_entry(load_case(what.base, tuple(what.table.set)), KIND, reuse, comm)
        yield from route_entries(what, reuse, comm)


def _free(name: str, source: str, taken: set[str]) -> str:
    """A name that no other entry has."""
    if name in taken:
        name = f"{source}-{name}"
    number, plain = 2, name
    while name in taken:
        name, number = f"{plain}-{number}", number + 1
    return name


def _line(entry: dict[str, Any]) -> str:
    """A way in as a line of text; AUC in mg h/L."""
    auc = entry["tumour_auc_mean_kg_s_m3"] / 3.6
    return (
        f"{entry['name']:<24} {entry['agent']:<18} tumour AUC {auc:10.4g} mg h/L  "
        f"{entry['steps']:5d} steps {entry['seconds']:7.2f} s"
    )
