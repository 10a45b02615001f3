# SPDX-License-Identifier: MIT
"""The command ``fit``: a measured pressure in, the tumour's constants with their intervals out."""

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from cases.about import NOTICE, VERSION, remind_once, state_folder
from cases.errors import ExitCode, UserError
from cases.search.fit import FITTED, Fit, fit_trace, load_radial, read_trace


def fit(options: Namespace) -> int:
    """Fit constants of the tumour to a trace; print them, and write them with the curve beside the trace."""
    from cases.running.files import write_json

    names = tuple(options.parameter or FITTED)
    unknown = sorted(set(names) - set(FITTED))
    if unknown:
        raise UserError(f"{unknown[0]} cannot be fitted; choose from {', '.join(FITTED)}", ExitCode.USAGE)
    case, trace = load_radial(options.case, options.set), read_trace(Path(options.trace))
    remind_once(state_folder())
    found = fit_trace(case, trace, names)
    print(table(found))
    out = Path(options.out) if options.out else Path(options.trace).with_suffix(".fit.json")
    record = {"infusate": VERSION, "notice": NOTICE, "case": options.case, "trace": options.trace}
    curves = {name: getattr(found, name).tolist() for name in ("time", "measured", "modelled")}
    try:
        write_json(out, {**record, **asdict(found), **curves})
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}", ExitCode.OUTPUT) from error
    print(f"wrote {out}")
    return ExitCode.DONE


def table(found: Fit) -> str:
    """The outcome as lines of text."""
    lines = [f"{'':<26}{'best fit':>12}   95 % interval"]
    for parameter in found.parameters:
        mark = "" if parameter.determined else "   not determined"
        interval = f"{parameter.low:.3g} to {parameter.high:.3g}"
        lines.append(f"{parameter.name.replace('_', ' '):<26}{parameter.value:>12.4g}   {interval}{mark}")
    lines.append(f"root mean square misfit {found.misfit:.3g} Pa, {found.runs} runs of the model; all in SI")
    return "\n".join([*lines, *(f"warning: {warning}" for warning in found.warnings)])
