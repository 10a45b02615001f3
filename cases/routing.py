# SPDX-License-Identifier: MIT
"""The command ``compare``: ways in to one tumour, side by side on one page and in one record."""

from argparse import Namespace
from pathlib import Path

from cases.about import NOTICE, VERSION
from cases.errors import ExitCode, UserError
from cases.routes import compare_routes, load_comparison
from solver.validity import LEDGER_LIMIT

RECORD = "comparison.json"


def compare(options: Namespace) -> int:
    """Follow every way in of a comparison file and write what was found."""
    from cases.output import prepare
    from cases.run import write_json
    from cases.worker import as_user_error
    from postprocess.routes_report import build_routes_report
    from solver.flow import FlowError
    from solver.linear import LinearSolverError

    comparison = load_comparison(options.compare)
    out = Path(options.out) if options.out else Path("results") / comparison.table.name
    prepare(out, options.overwrite)
    say = (lambda line: None) if options.quiet else (lambda line: print(line, flush=True))
    try:
        found = compare_routes(comparison, say)
    except (FlowError, LinearSolverError) as error:
        raise UserError(str(error), ExitCode.DIVERGED) from error
    except Exception as error:
        raise as_user_error(error) from error
    try:
        write_json(out / RECORD, {"infusate": VERSION, "notice": NOTICE, **found})
        print(f"wrote {build_routes_report(out)}")
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}", ExitCode.OUTPUT) from error
    names = ("body_residual_relative", "tissue_residual_relative")
    open_books = any((entry[name] or 0.0) > LEDGER_LIMIT for entry in found["routes"] for name in names)
    return ExitCode.UNPHYSICAL if open_books else ExitCode.DONE
