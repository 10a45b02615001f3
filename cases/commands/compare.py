# SPDX-License-Identifier: MIT
"""The command ``compare``: ways in to one tumour, side by side on one page and in one record."""

import json
import shutil
import sys
from argparse import Namespace
from pathlib import Path
from typing import Final

from cases.about import remind_once, state_folder
from cases.errors import ExitCode, UserError

OF_A_RUN: Final = ("summary.json", "resolved.toml", "history.csv", "checkpoint")
"""What tells the folder of a run, finished or not, from that of a comparison."""


def compare(options: Namespace) -> int:
    """Follow every way in of comparison files, cases and results, and write what was found."""
    from cases.routes.compare_worker import RECORD, follow_all
    from cases.routes.side_by_side import load_sources, title_of
    from cases.running.launch import require_installed, require_ranks
    from cases.running.output import prepare
    from postprocess.pages.routes_report import build_routes_report
    from postprocess.results.result import ResultError

    sources = load_sources(options.compare)
    require_ranks(options.ranks, options.oversubscribe)
    require_installed()
    out = Path(options.out) if options.out else Path("results") / f"compare-{title_of(sources)[0]}"
    if any((out / name).exists() for name in OF_A_RUN):
        message = f"output folder {out}: holds the result of a run; choose another folder"
        raise UserError(message, ExitCode.OUTPUT)
    prepare(out, options.overwrite)
    if not options.quiet:
        remind_once(state_folder())
    if options.ranks == 1:
        follow_all(options.compare, out, options.quiet)
    elif code := _on_ranks(options, out):
        return code
    try:
        page = build_routes_report(out)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}", ExitCode.OUTPUT) from error
    except ResultError as error:
        raise UserError(str(error), ExitCode.INVALID) from error
    print(f"wrote {page}")
    return _checked(out / RECORD)


def _on_ranks(options: Namespace, out: Path) -> int:
    """Follow all on several ranks; returns their exit code."""
    from cases.running.launch import run_forwarding_signals

    mpirun = shutil.which("mpirun")
    if mpirun is None:
        raise UserError("mpirun not found on the PATH; --ranks 1 needs none", ExitCode.UNAVAILABLE)
    worker = [sys.executable, "-m", "cases.routes.compare_worker", f"--ranks={options.ranks}", f"--out={out}"]
    quiet = ["--quiet"] if options.quiet else []
    debug = ["--debug"] if getattr(options, "debug", False) else []
    files = ["--", *options.compare]
    return run_forwarding_signals([mpirun, "-n", str(options.ranks), *worker, *quiet, *debug, *files])


def _checked(path: Path) -> int:
    """Whether all books of a record close, and body and tissue agree."""
    from solver.routes.agreement import AGREED, OWED
    from solver.validity.books import LEDGER_LIMIT

    limits = {
        "body_residual_relative": LEDGER_LIMIT,
        "tissue_residual_relative": LEDGER_LIMIT,
        "coupling_residual_relative": LEDGER_LIMIT,
        "coupling_disagreement_relative": AGREED,
        "owed_by_a_store_relative": OWED,
    }
    entries = json.loads(path.read_text(encoding="utf-8"))["routes"]
    told = [(entry.get(name), limit) for entry in entries for name, limit in limits.items()]
    # what is not a number is within no limit
    kept = all(value is None or value <= limit for value, limit in told)
    return ExitCode.DONE if kept else ExitCode.UNPHYSICAL
