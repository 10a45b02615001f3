# SPDX-License-Identifier: MIT
"""Case files for tests."""

from pathlib import Path

SHIPPED = Path(__file__).parents[1] / "cases" / "shipped"
REFERENCE = SHIPPED / "reference.toml"

MINIMAL = """\
name = "minimal"

[geometry]
kind = "3d"
domain_radius = "60 mm"

[geometry.tumour]
radius = "10 mm"

[agent]
base = "chlorine_dioxide"

[[injection]]
tip = ["0 mm", "0 mm", "0 mm"]
direction = [0, 0, -1]
start = "0 s"
volume = "1 mL"
rate = "1 mL/min"
"""


def shipped() -> list[Path]:
    """All shipped cases."""
    return sorted(SHIPPED.glob("*.toml"))


def written(folder: Path, text: str | bytes, name: str = "case.toml") -> Path:
    """A case file in a folder."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path
