# SPDX-License-Identifier: MIT
"""Whether a result agrees with itself: what the stored fields and the history say, against the summary."""

import json
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cases.case import Case
from cases.errors import CaseError, ExitCode, UserError
from cases.verifying.fields import Stored, check_fields, open_stored
from cases.verifying.history import check_history, read_history
from solver.results.checksums import CHECKSUMS, damaged

Floats = NDArray[np.float64]

FILES: Final = ("summary.json", "resolved.toml", "history.csv", "fields.vtkhdf")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what.
        agrees: whether it is as the summary says.
        detail: the numbers, or why not.
    """

    name: str
    agrees: bool
    detail: str


def verify(options: Namespace) -> int:
    """Print what was found; 0 if all agrees, 1 if not."""
    folder = Path(options.folder)
    if not (folder / "summary.json").is_file():
        raise UserError(f"{folder}: no result folder (no summary.json in it)", ExitCode.MISSING_INPUT)
    findings = list(examine(folder))
    if options.json:
        print(json.dumps([vars(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            print(f"  {'agrees ' if finding.agrees else 'DIFFERS'}  {finding.name}: {finding.detail}")
        wrong = sum(not finding.agrees for finding in findings)
        print(f"{folder}: {f'{wrong} of {len(findings)} differ' if wrong else f'all {len(findings)} agree'}")
    return ExitCode.DONE if all(finding.agrees for finding in findings) else 1


def examine(folder: Path) -> Iterator[Finding]:
    """Look at everything in a result folder that can be looked at without running the case again.

    Args:
        folder: of the result.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    yield _finding("files", not missing, "all there", f"{', '.join(missing)} missing")
    if missing:
        return
    wrong = damaged(folder)
    sealed = (folder / CHECKSUMS).is_file()
    said = "as the run left them" if sealed else f"no {CHECKSUMS} to hold them against"
    yield _finding("checksums", wrong is None and sealed, said, f"{wrong or said}")
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        history = read_history(folder / "history.csv")
        stored = open_stored(folder / "fields.vtkhdf")
    except (OSError, ValueError, KeyError, RecursionError) as error:
        yield Finding(name="files", agrees=False, detail=f"cannot be read: {error}")
        return
    try:
        yield from _compared(folder, summary, history, stored)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        detail = f"not laid out as results are: {type(error).__name__} {error}"
        yield Finding(name="content", agrees=False, detail=detail)


def _compared(
    folder: Path, summary: dict[str, Any], history: dict[str, Floats], stored: Stored
) -> Iterator[Finding]:
    status = summary["status"]
    yield _finding("status", status == "complete", status, f"{status}: {summary.get('reason')}")
    case = None
    try:
        case = _case(folder, summary)
        yield Finding(name="case", agrees=True, detail=f"hash {summary['case']['hash'][:12]}")
    except (CaseError, ValueError) as error:
        yield Finding(name="case", agrees=False, detail=str(error))
    for name, agrees, detail in check_history(summary, history):
        yield Finding(name=name, agrees=bool(agrees), detail=detail)
    for name, agrees, detail in check_fields(summary, history, stored, case):
        yield Finding(name=name, agrees=bool(agrees), detail=detail)


def _case(folder: Path, summary: dict[str, Any]) -> Case:
    """The case as it was resolved, whose hash must be that of its content and of the summary."""
    from cases.reading.load import load_case
    from cases.reading.resolve import case_hash

    case = load_case(str(folder / "resolved.toml"), [])
    if case_hash(case) != summary["case"]["hash"]:
        raise ValueError("resolved.toml is of another case than summary.json")
    return case


def _finding(name: str, agrees: bool, good: str, bad: str) -> Finding:
    return Finding(name=name, agrees=bool(agrees), detail=good if agrees else bad)
