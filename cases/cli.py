# SPDX-License-Identifier: MIT
"""The command line. Everything that takes time to import is imported in the function that needs it."""

import argparse
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from cases.about import NOTICE, VERSION
from cases.errors import ExitCode
from cases.failures import complain, failure_code

EXAMPLES = """\
examples:
  infusate new my-case                        write a commented case file to start from
  infusate check my-case.toml                 find every mistake in it
  infusate run my-case.toml --ranks 2         run it; results go to results/my-case/
  infusate run my-case.toml --set injection.0.rate="0.5 mL/min" --out results/slow
  infusate explain injection.rate             meaning, unit, range and default of a key
  infusate library generic_tumour             numbers of the library with their sources

exit codes: 0 done, 1 bug, 2 wrong command line, 64 wrong number of ranks, 65 case or data invalid,
66 input missing, 69 feature not installed, 70 solver diverged, 71 physical check failed,
73 output folder, 74 disk full or input/output error, 75 stopped on request, 76 checkpoint damaged
"""

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: of the command line; by default those of the process.

    Returns:
        The exit code (``cases.errors.ExitCode``).
    """
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        return int(options.command(options))
    except BrokenPipeError:
        sys.stderr.close()
        return ExitCode.DONE
    except KeyboardInterrupt:
        complain("stopped")
        return 130
    except Exception as error:
        if options.debug:
            traceback.print_exc()
        return failure_code(error, options.debug)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="infusate",
        description="Simulates an ablation agent injected into a tumour.",
        epilog=f"{EXAMPLES}\n{NOTICE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"infusate {VERSION}\n{NOTICE}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_case_commands(commands)
    _add_reference_commands(commands)
    return parser


def _command(commands: "Commands", name: str, text: str, function: str) -> argparse.ArgumentParser:
    """A subcommand that calls a function of ``cases.commands``, imported when called."""

    def call(options: argparse.Namespace) -> int:
        from cases import commands as functions

        return int(getattr(functions, function)(options))

    parser = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    parser.add_argument("--debug", action="store_true", help="print tracebacks")
    parser.set_defaults(command=call)
    return parser


def _add_case_commands(commands: "Commands") -> None:
    run = _command(commands, "run", "Run a case.", "run")
    run.add_argument("case", metavar="CASE", help="case file (TOML)")
    _add_overrides(run)
    run.add_argument(
        "--ranks", type=_positive, default=1, metavar="N", help="number of MPI ranks (default 1)"
    )
    run.add_argument("--out", metavar="DIR", help="result folder (default results/NAME)")
    run.add_argument("--overwrite", action="store_true", help="replace the results in that folder")
    run.add_argument("--oversubscribe", action="store_true", help="allow more ranks than cores")
    run.add_argument("--quiet", action="store_true", help="print errors only")

    check = _command(commands, "check", "Find every mistake in a case, without running it.", "check")
    check.add_argument("case", metavar="CASE", help="case file (TOML)")
    _add_overrides(check)
    check.add_argument("--json", action="store_true", help="print the outcome as JSON")

    new = _command(commands, "new", "Write a commented case file to start from.", "new")
    new.add_argument("name", metavar="NAME", help="name of the case; the file is NAME.toml")

    report = _command(commands, "report", "Draw figures and report of a result folder again.", "report")
    report.add_argument("folder", metavar="DIR", help="result folder")


def _add_reference_commands(commands: "Commands") -> None:
    _command(commands, "schema", "Print the JSON Schema of case files, for editors.", "schema")
    explain = _command(commands, "explain", "Explain a key of the case file.", "explain")
    explain.add_argument("key", metavar="KEY", help="such as injection.rate")
    library = _command(
        commands, "library", "Print agents, tissues and needles with their sources.", "library"
    )
    library.add_argument("name", metavar="NAME", nargs="?", help="one entry; all names by default")
    doctor = _command(
        commands, "doctor", "Print versions, and what is missing in this installation.", "doctor"
    )
    doctor.add_argument("--json", action="store_true", help="print as JSON")


def _add_overrides(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help='replace a value of the case, such as injection.0.rate="2 mL/min"; repeatable',
    )


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 100_000:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a whole number from 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
