# SPDX-License-Identifier: MIT
"""Mistakes in the library's files: one line each with file, line, entry, key, what was found and expected."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from cases import catalogue
from cases.build.materials import library_numbers
from cases.cli import main
from cases.errors import ExitCode
from cases.sweeps import priors
from tests.case_files import REFERENCE

pytestmark = pytest.mark.serial

ENTRY = """
[my_agent]
title = "Mine"
base = "ethanol"
concentration = { value = "100 g/L", status = "measured", source = "Author, year" }
"""
SOUND = '{ value = "100 g/L", status = "measured", source = "Author, year" }'
DOSE = 'thresholds = { ct = ["1 g"], source = "Mine", status = "assumed" }'

MISTAKES = {
    "no source": (', source = "Author, year"', "", 3, "concentration: no source; expected source ="),
    "empty source": ("Author, year", "", 3, 'concentration.source: found ""; expected source ='),
    "status": ("measured", "guessed", 3, 'status: found "guessed"; expected "measured" or "assumed"'),
    "no status": ('status = "measured", ', "", 3, 'concentration: no status; expected "measured"'),
    "base": ('"ethanol"', '"etanol"', 2, 'base: no entry "etanol" in this file; did you mean "ethanol"?'),
    "base below": ('"ethanol"', '"zinc"', 2, 'base: found "zinc", which stands below'),
    "key": ("concentration", "concentrtion", 3, 'concentrtion: unknown key; did you mean "concentration"?'),
    "unit": ("100 g/L", "100 g", 3, "concentration.value: found \"100 g\", which is mass; expected a"),
    "no unit": ('"100 g/L"', "100", 3, "concentration.value: found 100: missing unit"),
    "range of the value": ("100 g/L", "1e6 g/L", 3, "concentration.value: found \"1e6 g/L\", out of range"),
    "bare value": (SOUND, '"100 g/L"', 3, 'concentration: found "100 g/L"; expected { value ='),
    "no value": ('value = "100 g/L", ', "", 3, "concentration: no value; expected { value ="),
    "key of a number": ("source =", 'ranges = 1, source =', 3, 'concentration.ranges: unknown key; did you'),
    "range": ("source", 'range = ["1 g/L", "2 g/L"], source', 3, "range: found ['1 g/L', '2 g/L'], which"),
    "range of one": ("source", 'range = ["1 g/L"], source', 3, "range: found ['1 g/L']; expected [smallest"),
    "title": ('title = "Mine"\n', "", 0, "my_agent: no title; expected text"),
    "dose": ("base", f"{DOSE}\nbase", 2, "ct[0]: found"),
}  # fmt: skip


def forget() -> None:
    catalogue.entries.cache_clear()
    library_numbers.cache_clear()
    priors.shipped_priors.cache_clear()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the library, in use."""
    copy = Path(copytree(catalogue.FOLDER, tmp_path / "library"))
    monkeypatch.setattr(catalogue, "FOLDER", copy)
    monkeypatch.setattr(priors, "FILE", copy / "priors.toml")
    monkeypatch.chdir(tmp_path)
    forget()
    yield copy
    forget()


def appended(file: Path, text: str) -> int:
    """Append to a file; returns the line of the first header in the text."""
    before = file.read_text("utf-8")
    file.write_text(before + text, "utf-8")
    return before.count("\n") + 2


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_with_its_place(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, line, text = MISTAKES[name]
    assert ENTRY.count(old) >= 1
    first = appended(folder / "agents.toml", ENTRY.replace(old, new, 1) + '\n[zinc]\ntitle = "Zinc"\n')
    assert main(["library", "my_agent"]) == ExitCode.INVALID
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"error: library/agents.toml:{first + line}: my_agent"), told
    assert text in told


def test_a_case_that_does_not_use_the_entry_tells_it_too(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    appended(folder / "agents.toml", ENTRY.replace("ethanol", "etanol"))
    assert main(["check", str(REFERENCE)]) == ExitCode.INVALID
    assert 'my_agent.base: no entry "etanol"' in capsys.readouterr().err


def test_the_unchanged_entry_is_accepted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    appended(folder / "agents.toml", ENTRY)
    assert main(["library", "my_agent"]) == ExitCode.DONE
    assert "100 g/L  (measured: Author, year)" in capsys.readouterr().out


def test_all_mistakes_are_told_at_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    appended(
        folder / "tissues.toml", '\n[mine]\nbase = "livre"\nporosity = { value = 25.0, source = "Mine" }\n'
    )
    assert main(["library"]) == ExitCode.INVALID
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 4
    assert all(text in "\n".join(told) for text in ("no title", "livre", "out of range", "no status"))
    numbers = [int(line.split(":")[2]) for line in told]
    assert numbers == sorted(numbers)


def test_broken_toml_and_needles_and_priors(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = appended(folder / "needles.toml", '\n["30G"]\nouter_diameter = 3 mm\n')
    assert main(["library"]) == ExitCode.INVALID
    assert f"needles.toml:{line + 1}: not valid TOML" in capsys.readouterr().err
    priors_file = folder / "priors.toml"
    priors_file.write_text(priors_file.read_text("utf-8").replace('"6 kPa"', '"6 mm"'), "utf-8")
    with pytest.raises(
        Exception, match=r"priors\.toml:\d+: tissues\.tumour\.confined_modulus: found \"6 mm\""
    ):
        priors.shipped_priors()
