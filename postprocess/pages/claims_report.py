# SPDX-License-Identifier: MIT
"""One self-contained page about the claims that were put to the test."""

import json
from pathlib import Path
from typing import Any, Final

from postprocess.pages.page import rendered, write_page
from postprocess.results import quantities
from postprocess.results.result import ResultError

REPORT: Final = "report.html"
LEVELS: Final = {
    "consistent": "good",
    "inconsistent": "invalid",
    "undecided": "caution",
    "not tested": "caution",
}


def build_claims_report(folder: Path) -> Path:
    """Write ``report.html`` beside ``claims.json``.

    Raises:
        ResultError: there are no claims, or they are damaged.
    """
    try:
        record = json.loads((folder / "claims.json").read_text("utf-8"))
        shown = [_shown(claim) for claim in record["claims"]]
    except FileNotFoundError as error:
        raise ResultError(f"{error.filename}: not there") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ResultError(f"{folder}: holds no readable claims ({error})") from error
    return write_page(rendered("claims.html.j2", claims=shown, record=record), folder / REPORT)


def _shown(claim: dict[str, Any]) -> dict[str, Any]:
    band = [claim[name] for name in ("p5", "p50", "p95")]
    depends = [
        f"{key.split('.')[-1].replace('_', ' ')} ({correlation:+.2f})"
        for key, correlation in claim["depends_on"].items()
    ]
    return {
        **claim,
        "level": LEVELS[claim["verdict"]],
        "band": [quantities.significant(value) for value in band] if band[1] is not None else None,
        "limit": quantities.significant(claim["limit"]),
        "percent": quantities.percent(claim["share"]) if claim["share"] is not None else "",
        "depends": ", ".join(depends),
        "scenarios": {
            name: " / ".join(map(quantities.significant, values))
            for name, values in claim["scenarios"].items()
        },
    }
