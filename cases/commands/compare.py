# SPDX-License-Identifier: MIT
"""The command ``compare``: ways in to one tumour, side by side on one page and in one record."""

import json
import shutil
import sys
from argparse import Namespace
from pathlib import Path

from cases.errors import ExitCode, UserError


def compare(options: Namespace) -> int:
    """Follow every way in of comparison files, cases and results, and write what was found."""
    from cases.routes.compare_worker import RECORD, follow_all
    from cases.routes.side_by_side import load_sources, title_of
    from cases.running.launch import require_installed, require_ranks
    from cases.running.output import prepare
    from postprocess.pages.routes_report import build_routes_report

    sources = load_sources(options.compare)
    require_ranks(options.ranks, options.oversubscribe)
    require_installed()
    out = Path(options.out) if options.out else Path("results") / title_of(sources)[0]
    for source in sources:
        if isinstance(source.what, Path) and out.resolve() == source.what.resolve():
            raise UserError(f"{out}: is one of the results compared; --out names another", ExitCode.OUTPUT)
    prepare(out, options.overwrite)
    if options.ranks == 1:
        follow_all(options.compare, out, options.quiet)
    elif code := _on_ranks(options, out):
        return code
    try:
        page = build_routes_report(out)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}", ExitCode.OUTPUT) from error
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
    """Whether all books of a record close."""
    from solver.validity.flags import LEDGER_LIMIT

    names = ("body_residual_relative", "tissue_residual_relative", "coupling_residual_relative")
    entries = json.loads(path.read_text(encoding="utf-8"))["routes"]
    open_books = any((entry.get(name) or 0.0) > LEDGER_LIMIT for entry in entries for name in names)
    return ExitCode.UNPHYSICAL if open_books else ExitCode.DONE
