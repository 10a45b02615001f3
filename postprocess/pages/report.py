# SPDX-License-Identifier: MIT
"""One self-contained page about a run: the answer first, pictures inlined, nothing fetched."""

from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any, Final

from postprocess.figures.gallery import Picture, draw_figures
from postprocess.pages.case_tables import Table, case_tables
from postprocess.pages.effects import effect_tables, flat_rows, injection_tables, limit_table
from postprocess.pages.ledger_tables import ledger_tables
from postprocess.pages.mesh_tables import mesh_sentence, mesh_tables
from postprocess.pages.page import inlined, rendered, write_page
from postprocess.pages.parameters import STATUSES, parameter_groups, status_counts
from postprocess.results import quantities
from postprocess.results.headline import headline, middle_entry, tiles, verdict
from postprocess.results.result import Result, ResultError, open_result
from postprocess.scene.scene import scene_html
from solver.results.fields import CONCENTRATION, CT_DOSE, Field

REPORT: Final = "report.html"
WIDE: Final = frozenset({"margin"})
"""Figures that take the whole width of a printed page."""

NEGLIGIBLE: Final = 1e-6
"""Concentrations and doses below this share of the inlet's are shown as smaller than it."""


def _shell_table(summary: Mapping[str, Any]) -> Table:
    inlet, end = float(summary["concentration"]["inlet_kg_m3"]), float(summary["time"]["end_s"])
    rows, inner = [], "0"
    for shell in summary["spill"]["shells"]:
        concentration = _at_least(float(shell["peak_concentration"]), NEGLIGIBLE * inlet, CONCENTRATION)
        dose = _at_least(float(shell["largest_ct_dose"]), NEGLIGIBLE * inlet * end, CT_DOSE)
        outer = f"{1e3 * float(shell['distance_m']):g}"
        rows.append((f"{inner} to {outer} mm", concentration, dose))
        inner = outer
    head = ("at a distance of", "largest concentration", "largest CT dose")
    return Table(title="Normal tissue beyond the tumour's surface", head=head, rows=tuple(rows))


def _at_least(value: float, least: float, field: Field) -> str:
    factor, unit = quantities.DISPLAY[field.unit]
    text = quantities.significant(factor * max(value, least), 1 if value < least else 3)
    return f"{'< ' if value < least else ''}{text} {unit}"


def _cost_table(summary: Mapping[str, Any]) -> Table:
    timing = summary["timing"]
    total = max(float(timing["total_s"]), 1e-9)
    rows = [
        (
            stage.replace("_", " "),
            quantities.duration_text(float(value)),
            quantities.percent(float(value) / total),
        )
        for stage, value in timing["stages"].items()
    ]
    rows.append(("in all", quantities.duration_text(total), ""))
    return Table(title="Wall time", head=("", "time", "share"), rows=tuple(rows))


def _tables(summary: Mapping[str, Any]) -> list[Table]:
    run = {"geometry": summary["geometry"], "ranks": summary["ranks"], **summary["time"], **summary["solver"]}
    run |= {"partition": summary["mesh"].get("partition")}
    return [Table(title="Run", head=(), rows=tuple(flat_rows(run))), _cost_table(summary)]


def _origin(summary: Mapping[str, Any]) -> list[Table]:
    shown = (
        ("Case", summary["case"]),
        ("Provenance", summary["provenance"]),
        ("Versions", summary["versions"]),
    )
    return [Table(title=title, head=(), rows=tuple(flat_rows(part))) for title, part in shown if part]


def _pictures(pictures: list[Picture], pulses: int) -> dict[str, list[dict[str, Any]]]:
    """Pictures by group, each as the page shows it; after one pulse the peak is what its end shows."""
    groups: dict[str, list[dict[str, Any]]] = {"zone": [], "fields": [], "curves": []}
    for picture in pictures:
        if picture.name == "peak" and pulses < 2:
            continue
        shown = {"name": picture.name, "source": inlined(picture.path), "caption": picture.caption}
        broad = picture.name in WIDE or (picture.name == "concentration" and pulses > 1)
        groups[picture.group].append({**shown, "wide": picture.name in WIDE, "broad": broad})
    return groups


def _commands(result: Result) -> list[str]:
    """How to compute the result again."""
    case, ranks = result.summary["case"], result.summary["ranks"]
    overrides = "".join(f" --set {quote(str(text))}" for text in case.get("overrides", []))
    return [
        f"infusate run resolved.toml --ranks {ranks} --out again",
        f"infusate run {quote(str(case['file']))}{overrides} --ranks {ranks}",
    ]


def render(result: Result, pictures: list[Picture], scene: str | None = None) -> str:
    """The page as text.

    Args:
        result: an opened result.
        pictures: figures to inline.
        scene: a whole page with the zone in space, shown in a frame of its own; None leaves it out.
    """
    summary, groups = result.summary, parameter_groups(result.resolved)
    return rendered(
        "report.html.j2",
        summary=summary,
        verdict=verdict(summary),
        headline=headline(summary),
        middle=middle_entry(summary),
        tiles=tiles(summary),
        pictures=_pictures(pictures, len(result.injections)),
        scene=scene,
        shells=_shell_table(summary),
        ledgers=ledger_tables(summary),
        effects=effect_tables(summary),
        injected=injection_tables(summary),
        limits=limit_table(summary),
        mesh_words=mesh_sentence(summary),
        mesh_tables=mesh_tables(summary),
        parameters=groups,
        statuses=STATUSES,
        counts=status_counts(groups),
        case_tables=case_tables(result.resolved),
        run_tables=_tables(summary),
        origin_tables=_origin(summary),
        injections=result.injections,
        commands=_commands(result),
    )


def build_report(folder: Path) -> Path:
    """Draws the figures of a result folder and writes its ``report.html``.

    Args:
        folder: a finished result folder.

    Returns:
        The page's path.

    Raises:
        ResultError: the folder is not a readable result.
        OSError: the folder cannot be written.
    """
    result = open_result(folder)
    return write_page(render(result, draw_figures(result), _interactive(result)), folder / REPORT)


def _interactive(result: Result) -> str | None:
    """The page of the scene that can be turned; None where the result has none."""
    try:
        return scene_html(result)
    except ResultError:
        return None
