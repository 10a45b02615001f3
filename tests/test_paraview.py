# SPDX-License-Identifier: MIT
"""The script for ParaView, run against a stand-in written for these tests.

ParaView itself is not part of the test environment: this proves syntax and values. That ParaView knows the
names was seen by hand, with 5.13.2.
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from meshes.plain import Geometry
from postprocess.results.level import choose_level
from postprocess.results.result import open_result
from postprocess.scene.paraview import write_macro
from tests.lines_in_results import with_vessels
from tests.synthetic_result import result_folder

pytestmark = pytest.mark.serial

PROPERTIES = {
    "AnnotateTime": {"Format"},
    "Calculator": {"Input", "ResultArrayName", "Function"},
    "Clip": {"Input", "ClipType", "Scalars", "Value", "Invert"},
    "ClipType": {"Origin", "Normal"},
    "Contour": {"Input", "ContourBy", "Isosurfaces"},
    "ExtractSurface": {"Input"},
    "FeatureEdges": {"Input", "FeatureEdges", "NonManifoldEdges"},
    "Line": {"Point1", "Point2"},
    "Slice": {"Input", "SliceType"},
    "Threshold": {"Input", "Scalars", "LowerThreshold", "UpperThreshold"},
    "Tube": {"Input", "Radius", "NumberofSides", "Scalars", "VaryRadius"},
    "RotationalExtrusion": {"Input", "Resolution", "Angle", "Capping"},
    "OpenDataFile": {"file"},
    "GetActiveViewOrCreate": {
        *(f"Camera{name}" for name in ("FocalPoint", "Position", "ViewUp", "ParallelProjection")),
        *("CameraParallelScale", "UseColorPaletteForBackground", "Background"),
    },
    "Show": {"ColorArrayName", "DiffuseColor", "AmbientColor", "Opacity", "Color"},
    "GetColorTransferFunction": set(),
    "GetScalarBar": {"Title", "ComponentTitle", "TitleColor", "LabelColor"},
    "GetAnimationScene": set(),
    "SliceType": {"Origin", "Normal"},
}
"""As in the documentation of paraview.simple, versions 5.12 and 5.13."""


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
        if name in ("SliceType", "ClipType"):
            return self.values.setdefault(name, Proxy(name)) if name == "SliceType" else Proxy(name)
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
    for name in ("ColorBy", "Hide", "Render"):
        setattr(module, name, lambda *_: None)
    module.RenameSource = names.__setitem__  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize("geometry", ["3d", "axisymmetric", "radial"])
def test_script_sets_up_the_scene(
    geometry: Geometry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = result_folder(tmp_path / "result", geometry, layers=4)
    with_vessels(folder)
    result = open_result(folder)
    script = write_macro(result, result.folder, choose_level(result))
    made: list[Proxy] = []
    names: dict[str, Proxy] = {}
    monkeypatch.setitem(sys.modules, "paraview", ModuleType("paraview"))
    monkeypatch.setitem(sys.modules, "paraview.simple", stand_in(made, names))
    exec(compile(script.read_text(), str(script), "exec"), {"__file__": str(script), "__name__": "macro"})
    assert Path(names["fields"].values["file"]) == result.folder / "fields.vtkhdf"
    assert names["in mg min/L"].values["Function"].startswith("ct_dose * ")
    if geometry == "radial":
        assert names["along the radius"].values["Radius"] > 0
        return
    zones = [proxy.values for proxy in made if proxy.values.get("Scalars") == ["POINTS", "ct_dose"]]
    assert zones and all(zone["Value"] == 4.5 for zone in zones)
    regions = [proxy.values["LowerThreshold"] for proxy in made if proxy.kind == "Threshold"]
    assert regions == [1, 2]
    assert names["thresholds"].values["Isosurfaces"] == pytest.approx([10, 75, 150])
    assert names["needle 1"].values["Radius"] == pytest.approx(0.000359)
    assert names["side holes"].values["Radius"] > 0.000359
    assert ("vessels" in names) == (geometry == "3d")


def test_script_elsewhere_finds_the_fields(tmp_path: Path) -> None:
    result = open_result(result_folder(tmp_path / "result", "radial", layers=4))
    (tmp_path / "elsewhere").mkdir()
    text = write_macro(result, tmp_path / "elsewhere", choose_level(result)).read_text()
    assert f'"file": "{result.folder / "fields.vtkhdf"}"' in text
