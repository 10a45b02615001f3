# SPDX-License-Identifier: MIT
"""Tables of the report: they say what they hold, in units, side by side where they belong together."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from postprocess.figures.exposures import _limits, draw_exposures
from postprocess.pages.case_tables import case_tables
from postprocess.pages.effects import NARROW, effect_tables, injection_tables, limit_table
from postprocess.pages.mesh_tables import mesh_sentence, mesh_tables
from postprocess.pages.report import _shell_table, render
from postprocess.pages.routes_report import build_routes_report
from postprocess.pages.routes_tables import by_drug, route_tables
from postprocess.results.result import open_result
from tests.synthetic_result import mesh, result_folder, summary
from tests.test_report import Page

pytestmark = pytest.mark.serial

PULSE = {
    "site": 0, "kind": "pump", "start_s": 0.0, "end_s": 60.0, "asked_m3": 1e-6, "volume_m3": 1e-6,
    "agent_kg": 3e-6, "largest_rate_m3_s": 1e-6 / 60, "tip_pressure_Pa": 12.8e3,
    "plunger_pressure_Pa": 14.9e3, "needle_pressure_drop_Pa": 2.1e3, "reynolds": 51.4,
}  # fmt: skip
LABELS: dict[str, Any] = {
    "source": "labels", "cells": 208721, "vertices": 37189, "centre_m": [0.047, 0.018, -0.282],
    "radius_m": 0.066, "smoothing_m": 0.001, "volumes": {"tumour": 5.1e-5, "tissue": 6.5e-4},
    "areas": {"organ_surface": 0.0313}, "voxel_volumes": {"tumour": 5.1e-5},
    "volume_errors": {"tumour": 1.2e-4}, "dice": {"tumour": 0.971},
    "crease_p95_degrees": {"tumour": 53.7}, "organ_voxel_volume": 7e-4, "organ_volume_error": -1.1e-3,
    "quality": {"smallest_angle": 6.68, "cells_below_5_degrees": 0},
    "edge_lengths": {"tip": {"min_m": 5e-4, "median_m": 8.4e-4, "max_m": 1.25e-3}}, "warnings": [],
    "partition": {"ranks": 1, "cells_per_rank": [208721]},
}  # fmt: skip


@pytest.fixture
def example() -> dict[str, Any]:
    return summary("3d", 0.004, mesh("3d", 2))


def test_shells_say_between_which_distances(example: dict[str, Any]) -> None:
    example["spill"]["shells"].append(
        {"distance_m": 0.005, "peak_concentration": 0.0, "largest_ct_dose": 0.0}
    )
    rows = _shell_table(example).rows
    assert [row[0] for row in rows] == ["0 to 1 mm", "1 to 2 mm", "2 to 5 mm"]


def test_limits_are_in_the_units_of_the_results(example: dict[str, Any]) -> None:
    radii = {"volume_m": 0.009, "reaction_m": 0.011, "binding": "volume"}
    example["limits"] = [{"threshold": 4.5, **radii}, {"threshold": 0.3, **radii}]
    table = limit_table(example)
    assert table is not None
    assert [row[0] for row in table.rows] == ["75 mg min/L", "5.00 mg min/L"]


def test_what_every_run_tells_is_no_effect(example: dict[str, Any]) -> None:
    """Injection and what it forces into vessels have a part of their own, in words, sites counted from 1."""
    forced = {"forced_fluid_m3": 1.7e-6, "peak_rate_m3_s": 1e-9, "peak_tissue_m3": 6.7e-6}
    example |= {"injection": [PULSE, {**PULSE, "site": 1}], "embolism": forced}
    assert effect_tables(example) == []
    needle, vessels = injection_tables(example)
    assert needle.head == ("site", "1", "2")
    assert ("Reynolds number in the needle", "51.40", "51.40") in needle.rows
    words = dict(vessels.rows)
    assert words["most tissue at once in which pressure exceeds that in its open vessels"] == "6.70 mL"
    example["injection"] = [PULSE] * (NARROW + 1)
    assert len(injection_tables(example)[0].rows) == NARROW + 1, "many pulses stand one below the other"
    assert injection_tables(summary("3d", 0.0, mesh("3d", 2))) == []


def test_tumour_and_mesh_have_an_open_part_with_units(tmp_path: Path) -> None:
    folder = result_folder(tmp_path, "radial")
    path = folder / "summary.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    found["mesh"] = {**LABELS, "warnings": ["edges are shortened"]}
    path.write_text(json.dumps(found), encoding="utf-8")
    source = render(open_result(folder), [])
    text = " ".join(Page(source).text.split())
    assert 'href="#mesh"' in source and 'id="mesh"' in source
    assert "Dice 0.971 against the voxels, 1 warning." in text
    assert text.index("edges are shortened") < text.index("Checks on the model's validity")
    assert "0.0313" not in text


def test_facts_of_a_mesh_have_words_and_units(example: dict[str, Any]) -> None:
    example["mesh"] = LABELS
    rows = dict(row for table in mesh_tables(example) for row in table.rows)
    assert rows["tumour: volume"] == "51.0 mL"
    assert rows["tumour: mesh against voxels"] == "+0.0120 %"
    assert rows["tumour: Dice coefficient against the voxels"] == "0.971"
    assert rows["organ surface: area"] == "313 cm²"
    assert rows["organ within the meshed ball, volume of its voxels"] == "700 mL"
    assert rows["the same, mesh against voxels"] == "-0.110 %"
    assert rows["edges at the tips"] == "0.500 to 1.25 mm, median 0.840 mm"
    assert rows["smallest angle"] == "6.68°"
    assert mesh_sentence(example).endswith("Dice 0.971 against the voxels, no warnings")
    example["mesh"] = {"source": "parametric", "cells": 216, "vertices": 217}
    assert mesh_sentence(example).endswith("meshed from its stated shape")


def test_the_schedule_has_units() -> None:
    (table,) = case_tables({"schedule": {"end": 211.515, "outputs": [60.0]}})
    assert table.rows == (("end", "211.51 s"), ("outputs", "60 s"))


def entry(name: str, agent: str, tumour: float, **more: Any) -> dict[str, Any]:
    """A way in as `comparison.json` has it."""
    shares = dict.fromkeys((f"tumour_auc_{share}_kg_s_m3" for share in ("mean", "p5", "p50", "p95")), tumour)
    curves = {"time_s": [0.0, 3600.0], "tumour_kg_m3": [0.0, 1.0], "plasma_kg_m3": [0.0, 0.1]}
    known = {"tissue_auc_mean_kg_s_m3": tumour / 3, "plasma_auc_kg_s_m3": tumour / 9, "doses": 1, "flags": []}
    return {"name": name, "title": name, "agent": agent, **shares, **known, "curves": curves, **more}


def seven() -> list[dict[str, Any]]:
    """Seven ways in, two of them with one drug, the second of them last."""
    names = ("vein", "catheter", "port", "pump", "limb", "mouth")
    return [*(entry(name, f"drug_{name}", 30.0) for name in names), entry("artery", "drug_vein", 90.0)]


def test_ways_in_of_one_drug_stand_together_in_every_table() -> None:
    """However many there are: a row each, drugs together, the share right of the exposure that it means."""
    entries = by_drug(
        [dict(one, half_effect_kg_s_m3=36.0, below_half_effect_fraction=0.25) for one in seven()]
    )
    tables = route_tables(entries)
    for table in tables:
        assert [row[0] for row in table.rows][:2] == ["vein", "artery"] and len(table.rows) == 7
        assert all("[" in words and "]" in words for words in table.head[2:])
    (exposure,) = (table for table in tables if "prior" in table.title)
    at = next(number for number, words in enumerate(exposure.head) if words.startswith("tumour below"))
    assert exposure.head[at - 1].startswith("half the effect at")
    assert exposure.rows[0][1:3] == ("drug vein", "8.33") and exposure.rows[0][at] == "25.0"
    assert not any("oxygen" in table.title for table in tables)


def test_an_axis_shows_a_factor_of_three() -> None:
    """On the axis of one drug a factor of three takes a sixth of the width or more, traces or not."""
    ways = [entry("vein", "a", 30.0), entry("artery", "a", 90.0, plasma_auc_kg_s_m3=1e-12)]
    low, high = _limits(ways)
    assert np.log(3.0) / np.log(high / low) > 1 / 6
    assert low < 1e3 / 3600 * 30.0 / 9 and high > 1e3 / 3600 * 90.0


def test_page_of_seven_ways_in(tmp_path: Path) -> None:
    record = {
        "name": "seven", "title": "Seven", "notice": "Research use only.", "infusate": "0", "end_s": 3600.0,
        "routes": [{**one, "source": "a.toml"} for one in seven()],
    }  # fmt: skip
    (tmp_path / "comparison.json").write_text(json.dumps(record), encoding="utf-8")
    text = Page(build_routes_report(tmp_path).read_text(encoding="utf-8")).text
    assert text.count("artery") == len(route_tables(seven()))
    assert draw_exposures(by_drug(seven()), tmp_path / "a.svg").is_file()
