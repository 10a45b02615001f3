# SPDX-License-Identifier: MIT
"""Results as report, figures, explorer and lesion comparison read them: each file damaged or forged."""

import json
from functools import cache
from pathlib import Path
from random import Random

from benchmarks.fuzz import case_inputs as cases_in
from benchmarks.fuzz.judge import REFUSED, RIGHT, require


@cache
def _sound_result(root: str) -> dict[str, bytes]:
    from tests.synthetic_result import result_folder

    folder = result_folder(Path(root) / "sound", "axisymmetric", 3)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _result(folder: Path) -> dict[str, bytes]:
    import tempfile

    with tempfile.TemporaryDirectory() as root:
        return _sound_result(root)


def _read_result(folder: Path) -> str:
    """All that report, figures, explorer and lesion comparison read of a result, but for the drawing."""
    from postprocess.pages.report import render
    from postprocess.pages.table import summary_table
    from postprocess.results.ablation import ablation
    from postprocess.results.result import ResultError, open_result
    from postprocess.scene.scene import scene_html
    from postprocess.scene.shown import Shown

    try:
        result = open_result(folder)
        summary_table(result.summary)
        page = render(result, [], scene_html(result))
        shown = Shown(result)
        for time in result.times:
            shown.figures(time, "ct", 4.5)
            ablation(result.grid(time), result.geometry, "ct_dose", 4.5)
    except ResultError as error:
        require(str(error).startswith(str(folder)) and str(error).isprintable(), f"no line: {error!r}")
        return REFUSED
    require("<script>alert" not in page and "<img src=x" not in page, "text became markup")
    return RIGHT


def _with(random: Random, folder: Path, name: str, data: bytes) -> str:
    """What is read once a file holds these bytes; damage under a checksum must be noticed, whatever it is."""
    from solver.results.checksums import write_checksums

    sealed, changed = random.random() < 0.3, data != (folder / name).read_bytes()
    if sealed:
        write_checksums(folder)
    (folder / name).write_bytes(data)
    outcome = _read_result(folder)
    require(outcome == REFUSED or not (sealed and changed), "damage under a checksum was not noticed")
    return outcome


def summaries(random: Random, folder: Path) -> str:
    """``summary.json`` damaged, or with hostile values."""
    sound = _result(folder)
    for name, data in sound.items():
        (folder / name).write_bytes(data)
    if random.random() < 0.4:
        data = cases_in.mutilated(random, sound["summary.json"])
    else:
        tables = json.loads(sound["summary.json"])
        for _ in range(random.randint(1, 3)):
            path = random.choice(cases_in.places(tables))
            if random.random() < 0.3:
                cases_in._remove(tables, path)
            else:
                cases_in.put(tables, path, cases_in.hostile_value(random))
        data = json.dumps(tables).encode()
    return _with(random, folder, "summary.json", data)


def histories_and_records(random: Random, folder: Path) -> str:
    """``history.csv`` or ``resolved.toml`` of a result, damaged."""
    sound = _result(folder)
    for name, data in sound.items():
        (folder / name).write_bytes(data)
    name = random.choice(["history.csv", "resolved.toml"])
    return _with(random, folder, name, cases_in.mutilated(random, sound[name]))


def field_files(random: Random, folder: Path) -> str:
    """``fields.vtkhdf`` damaged."""
    sound = _result(folder)
    for name, data in sound.items():
        (folder / name).write_bytes(data)
    return _with(random, folder, "fields.vtkhdf", cases_in.mutilated(random, sound["fields.vtkhdf"]))
