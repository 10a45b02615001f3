# SPDX-License-Identifier: MIT
"""The verification ladder: ``python3 -m benchmarks.ladder``; see docs/verification.md.

Ends with 1 if a rung does not hold.
"""

import argparse
from pathlib import Path

from benchmarks.ladder.climb import RUNGS, climb
from benchmarks.ladder.page import record, write

RECORD = Path(__file__).parents[2] / "docs" / "verification.md"


def main() -> int:
    """Climb, and write what came out."""
    parser = argparse.ArgumentParser(description="Run the verification ladder.")
    parser.add_argument("--only", nargs="+", metavar="RUNG", choices=RUNGS, help="of " + ", ".join(RUNGS))
    parser.add_argument("--quick", action="store_true", help="coarse meshes, for a look")
    parser.add_argument("--record", action="store_true", help="put the summary into docs/verification.md")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="default results/ladder; results/ladder-part for less than all",
    )
    options = parser.parse_args()
    if options.record and (options.only or options.quick):
        parser.error("--record needs the whole ladder at full resolution")
    whole = not (options.only or options.quick)
    folder = options.out or Path("results/ladder" if whole else "results/ladder-part")
    results = climb(options.only or RUNGS, folder, not options.quick)
    write(results, folder, not options.quick)
    if options.record:
        record(results, RECORD)
    print(f"Open the page: {(folder / 'index.html').resolve()}")
    return 0 if all(outcome.holds for _, outcome, _ in results.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
