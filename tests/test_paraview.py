# SPDX-License-Identifier: MIT
"""The script for ParaView, run against a stand-in written for these tests.

ParaView itself is not part of the test environment: this proves syntax and values, not that ParaView knows
the names.
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from meshes.plain import Geometry
from postprocess.level import choose_level
from postprocess.paraview import write_macro
from postprocess.results import open_result
from tests.synthetic_result import result_folder

pytestmark = pytest.mark.serial

PROPERTIES = {
    "AnnotateTimeFilter": {"Input", "Format"},
    "Calculator": {"Input", "ResultArrayName", "Function"},
    "Clip": {"Input", "ClipType", "Scalars", "Value", "Invert"},
    "Contour": {"Input", "ContourBy", "Isosurfaces"},
    "Line": {"Point1", "Point2"},
    "Slice": {"Input", "SliceType"},
    "Threshold": {"Input", "Scalars", "LowerThreshold", "UpperThreshold"},
    "Tube": {"Input", "Radius"},
    "OpenDataFile": {"file"},
    "GetActiveViewOrCreate": {"CameraFocalPoint", "CameraPosition", "CameraViewUp"},
    "Show": {"DiffuseColor", "AmbientColor", "Opacity"},
    "GetColorTransferFunction": set(),
    "GetScalarBar": {"Title", "ComponentTitle"},
    "GetAnimationScene": set(),
    "SliceType": {"Origin", "Normal"},
}
"""As in the documentation of paraview.simple, version 5.12."""


class Proxy:
    """Takes the properties of its kind and no others; methods do nothing."""

    def __init__(self, kind: str, **values: Any) -> None:
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "values", {})
        for name, value in values.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        assert name in PROPERTIES[self.kind], f"{self.kind} has no {name}"
        self.values[name] = value

    def __getattr__(self, name: str) -> Any:
        if name == "SliceType":
            return self.values.setdefault(name, Proxy("SliceType"))
        return lambda *_: None


def stand_in(made: list[Proxy], names: dict[str, Proxy]) -> ModuleType:
    module = ModuleType("paraview.simple")

    def maker(kind: str) -> Any:
        def make(*positional: Any, **values: Any) -> Proxy:
            made.append(Proxy(kind, **values, **({"file": positional[0]} if kind == "OpenDataFile" else {})))
            return made[-1]

        return make

    for kind in PROPERTIES:
        setattr(module, kind, maker(kind))
    for name in ("ColorBy", "Hide", "Render", "ResetCamera"):
        setattr(module, name, lambda *_: None)
    module.RenameSource = names.__setitem__  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize("geometry", ["3d", "axisymmetric", "radial"])
def test_script_sets_up_the_scene(
    geometry: Geometry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = open_result(result_folder(tmp_path / "result", geometry, layers=4))
    script = write_macro(result, result.folder, choose_level(result))
    made: list[Proxy] = []
    names: dict[str, Proxy] = {}
    monkeypatch.setitem(sys.modules, "paraview", ModuleType("paraview"))
    monkeypatch.setitem(sys.modules, "paraview.simple", stand_in(made, names))
    exec(compile(script.read_text(), str(script), "exec"), {"__file__": str(script), "__name__": "macro"})
    assert Path(names["fields"].values["file"]) == result.folder / "fields.vtkhdf"
    assert names["ablated: tumour"].values["Value"] == 4.5
    assert names["ablated: tissue"].values["Scalars"] == ["POINTS", "ct_dose"]
    assert names["tumour"].values["LowerThreshold"] == 1
    assert names["thresholds"].values["Isosurfaces"] == pytest.approx([10, 75, 150])
    assert names["needle 1"].values["Radius"] == pytest.approx(0.000359)
    assert "necrotic core" not in names


def test_script_elsewhere_finds_the_fields(tmp_path: Path) -> None:
    result = open_result(result_folder(tmp_path / "result", "radial", layers=4))
    (tmp_path / "elsewhere").mkdir()
    text = write_macro(result, tmp_path / "elsewhere", choose_level(result)).read_text()
    assert f'"file": "{result.folder / "fields.vtkhdf"}"' in text
