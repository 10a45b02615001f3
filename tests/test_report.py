# SPDX-License-Identifier: MIT
"""The page and the table: the answer is there, nothing is fetched, hostile names stay text."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from postprocess.pages.parameters import parameter_groups, status_counts
from postprocess.pages.report import build_report, render
from postprocess.pages.table import summary_table
from postprocess.results.headline import headline, tiles, verdict
from postprocess.results.quantities import (
    duration_text,
    length_text,
    percent,
    pressure_text,
    significant,
    volume_text,
)
from postprocess.results.result import open_result
from tests.synthetic_result import mesh, result_folder, summary

pytestmark = pytest.mark.serial

HOSTILE = "$\\frac <script>alert('1')</script> & \"<img src=x onerror=alert(2)>\" {{ 7*7 }}"


class Page(HTMLParser):
    """Tags, references and text of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.references: list[str] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [value or "" for name, value in attrs if name in ("src", "href", "action", "data")]
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def example() -> dict[str, Any]:
    return summary("3d", 0.004, mesh("3d", 2))


def rendered(folder: Path) -> Page:
    """The page of a result, without pictures."""
    return Page(render(open_result(folder), []))


def test_page_is_self_contained(tmp_path: Path) -> None:
    path = build_report(result_folder(tmp_path, "3d", layers=3))
    assert path == tmp_path / "report.html"
    source = path.read_text(encoding="utf-8")
    page = Page(source)
    assert "script" not in page.tags
    assert page.references
    assert all(reference.startswith(("data:image/", "#")) for reference in page.references)
    style = re.sub(r"data:image/[^\"]*|srcdoc=\"[^\"]*", "", source)
    assert "http:" not in style
    assert "https:" not in style
    assert "url(" not in style
    assert "@import" not in style
    assert page.text.count("Research use only") == 1
    assert not list(tmp_path.glob(".*"))


def test_page_says_the_answer_first(tmp_path: Path) -> None:
    page = rendered(result_folder(tmp_path, "radial"))
    opening = page.text[: page.text.index("What is destroyed, by threshold")]
    for words in ("CT dose of 75 mg min/L", "tumour destroyed", "tumour missed", "into blood", "caution"):
        assert words in opening


def test_page_names_the_source_and_status_of_its_numbers(tmp_path: Path) -> None:
    page = rendered(result_folder(tmp_path, "radial"))
    section = page.text[page.text.index("The numbers it rests on") :]
    for words in ("prior range", "no measurement at all", "1e-15 to 2e-13", "measured", "not recorded"):
        assert words in section, words
    counts = status_counts(parameter_groups(open_result(tmp_path).resolved))
    assert counts == [("measured", 1), ("prior range", 2), ("", 1)]


def test_page_says_how_to_reproduce(tmp_path: Path) -> None:
    result_folder(tmp_path, "radial")
    path = tmp_path / "summary.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    found["case"]["overrides"] = ['injection.0.rate="2 mL/min"']
    path.write_text(json.dumps(found), encoding="utf-8")
    page = rendered(tmp_path)
    assert "infusate run resolved.toml --ranks 1 --out again" in page.text
    assert "infusate run synthetic.toml --set 'injection.0.rate=\"2 mL/min\"' --ranks 1" in page.text


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    result_folder(tmp_path, "radial")
    path = tmp_path / "summary.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    found["case"] = dict.fromkeys(found["case"], HOSTILE)
    found["ablation"][1]["label"] = HOSTILE
    found["validity"][0]["message"] = HOSTILE
    found["provenance"] = {HOSTILE: HOSTILE}
    path.write_text(json.dumps(found), encoding="utf-8")
    page = rendered(tmp_path)
    assert "script" not in page.tags
    assert page.text.count(HOSTILE) >= 5
    assert all(reference.startswith(("data:image/", "#")) for reference in page.references)


def test_verdict_takes_the_worst_flag(example: dict[str, Any]) -> None:
    assert verdict(example).level == "caution"
    example["validity"].append(
        {"name": "x", "level": "invalid", "message": "too far", "value": 1.0, "limit": 0.5}
    )
    assert verdict(example).level == "invalid"
    assert verdict(example).reasons[0] == "Too far (1.00, limit 0.500)."
    example["validity"] = []
    assert verdict(example).level == "good"
    example["ledger"]["fluid"]["residual_relative"] = 1e-9
    assert verdict(example).level == "invalid"
    example["ledger"]["fluid"]["residual_relative"] = float("nan")
    assert verdict(example).level == "invalid"
    example["ledger"]["fluid"]["residual_relative"] = 0.0
    example |= {"status": "incomplete", "reason": "step fell below 1e-06 s"}
    assert verdict(example).level == "invalid"
    assert verdict(example).reasons == ("The run did not reach its end: step fell below 1e-06 s.",)


def test_headline_without_thresholds(example: dict[str, Any]) -> None:
    example["ablation"] = []
    assert "No threshold" in headline(example)
    assert len(tiles(example)) == 2


def test_table_fits_the_terminal(example: dict[str, Any]) -> None:
    example["case"]["title"] = "long " * 60
    example["ablation"][0]["label"] = "1234567890 mg min/L of something"
    example["validity"][0]["message"] = "very " * 60 + "long"
    lines = summary_table(example).splitlines()
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for words in ("CT 75 mg min/L", "2.07 mL", "crossed out", "into blood", "12.8 kPa", "CAUTION"):
        assert words in text
    example["status"] = "incomplete"
    assert "INCOMPLETE" in summary_table(example)


def test_the_table_states_value_and_limit_of_a_flag(example: dict[str, Any]) -> None:
    """As the report does; a flag without a limit is its message alone."""
    example["validity"] += [{"name": "x", "level": "info", "message": "told", "value": 2.0, "limit": None}]
    lines = summary_table(example).splitlines()
    assert "  CAUTION: dilatation beyond small strain (0.376, limit 0.200)" in lines
    assert "  note: told" in lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (significant(0.0), "0"),
        (significant(1234.5), "1230"),
        (significant(9.996), "10.0"),
        (significant(-0.0123456), "-0.0123"),
        (significant(3.1e-14), "3.10e-14"),
        (significant(float("nan")), "not finite"),
        (volume_text(4.18879e-6), "4.19 mL"),
        (volume_text(2e-9), "2.00 µL"),
        (volume_text(0.0), "0 mL"),
        (length_text(-0.00568), "-5.68 mm"),
        (length_text(5e-6), "5.00 µm"),
        (pressure_text(12798.0), "12.8 kPa"),
        (pressure_text(4.5e7), "45.0 MPa"),
        (percent(0.18006), "18.0 %"),
        (percent(8.7e-6), "< 0.001 %"),
        (percent(0.0), "0 %"),
        (duration_text(60.0), "60 s"),
        (duration_text(1209600.0), "14 d"),
    ],
)
def test_numbers_read_well(text: str, expected: str) -> None:
    assert text == expected


def test_the_table_states_the_estimated_error_where_there_is_one(example: dict[str, Any]) -> None:
    assert "estimated error" not in summary_table({**example, "error_estimate": {"ablation": []}})
    rows = [{"volume_relative": value} for value in (0.012, None, 0.034)]
    table = summary_table({**example, "error_estimate": {"ablation": rows}})
    assert "3.40 %" in next(line for line in table.splitlines() if "estimated error" in line)
