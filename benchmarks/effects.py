# SPDX-License-Identifier: MIT
"""The reference case with its effects added one by one: what each changes, and what it costs.

    python3 -m benchmarks.effects [--geometries radial axisymmetric 3d] [--repeats 3] [--only NAME ...]

Writes results/bench/effects.json (a list of rows) and prints a table. Every run is repeated in turn
with the run without effects in the same geometry, in one process, so that ratios of times mean something.
"""

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

from mpi4py import MPI

from cases.reading.load import load_case
from cases.running.reuse import Reuse
from cases.running.run import run_case
from solver.validity.books import LEDGER_LIMIT

CASE: Final = """\
name = "effects"
[geometry]
kind = "{geometry}"
domain_radius = "60 mm"
[geometry.tumour]
radius = "10 mm"
[tissues]
tumour = "generic_tumour"
tissue = "subcutis"
[agent]
base = "chlorine_dioxide"
[[injection]]
needle = "22G"
tip = ["0 mm", "0 mm", "0 mm"]
direction = [0, 0, -1]
start = "0 s"
volume = "1 mL"
{pulse}
[thresholds]
ct = ["50 mg min/L"]
[outputs]
figures = false
"""

RATE: Final = 'rate = "1 mL/min"'
ALL: Final = ("radial", "axisymmetric", "3d")
IN_SPACE: Final = ("axisymmetric", "3d")
WITHDRAWAL: Final = """\
[[injection]]
needle = "22G"
tip = ["0 mm", "0 mm", "0 mm"]
direction = [0, 0, -1]
start = "65 s"
volume = "0.2 mL"
rate = "1 mL/min"
withdraw = true
"""
UPTAKE: Final = """\
[chemistry.uptake]
membrane_rate = "0.1 1/s"
cell_fraction = 0.5
partition = 1.0
reaction_rate = "0.033 1/s"
"""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One effect on top of the reference case.

    Attributes:
        name: for the table.
        tables: TOML added to the case.
        settings: as for ``--set``.
        pulse: how the injection is driven.
        geometries: that can hold it.
    """

    name: str
    tables: str = ""
    settings: tuple[str, ...] = ()
    pulse: str = RATE
    geometries: tuple[str, ...] = ALL


EFFECTS: Final = (
    Effect(name="logistic conductivity", settings=("physics.conductivity=logistic",)),
    Effect(name="rigid conductivity", settings=("physics.conductivity=rigid",)),
    Effect(
        name="decay in the syringe",
        settings=("injection.0.syringe_decay=1e-3 1/s", "injection.0.filled=-5 min"),
    ),
    Effect(name="pressure-controlled, 15 kPa", pulse='pressure = "15 kPa"\nduration = "5 min"'),
    Effect(name="withdrawal of 0.2 mL", tables=WITHDRAWAL),
    Effect(name="viscous injectate", settings=("physics.viscosity=true", "agent.viscosity_ratio=5")),
    Effect(name="dispersion", settings=("physics.dispersion=true",)),
    Effect(
        name="backflow",
        tables='[backflow]\nprestress = "5 kPa"\nexit_distance = "50 mm"\n',
        geometries=IN_SPACE,
    ),
    Effect(name="finite reductant beside k", tables="[chemistry]\nreductant = true\n"),
    Effect(name="by-product, carried", tables='[chemistry]\nby_product = "carried"\n'),
    Effect(name="uptake by cells", tables=UPTAKE),
    Effect(
        name="kill by Chick's and Watson's law",
        tables='[kill.chick_watson]\nconcentration = "300 mg/L"\ntimes = ["26 s"]\n',
    ),
    Effect(name="chemical closure", tables="[vessels]\nchemical_closure = true\n"),
    Effect(name="hysteresis of closure", tables='[vessels]\nreopening_gap = "1 kPa"\n'),
    Effect(
        name="two-pressure perfusion",
        tables='[vessels.two_pressures]\nfeeding = "everywhere"\n',
        geometries=IN_SPACE,
    ),
    Effect(name="body compartment", tables='[body]\nweight = "70 kg"\n'),
    Effect(name="opening of the cavity", settings=("injection.0.cavity=neo_hookean",)),
    Effect(
        name="random conductivity",
        tables='[[tissue_fields]]\nquantity = "hydraulic_conductivity"\nsource = "random"\n'
        'regions = ["tumour"]\ncorrelation_length = "3 mm"\nlog_deviation = 1.0\nseed = 1\n',
        geometries=("3d",),
    ),
    Effect(
        name="draining vein, 4 mm off",
        tables='[[vessel_lines]]\nname = "vein"\n'
        'points = [["4 mm", "-40 mm", "0 mm"], ["4 mm", "40 mm", "0 mm"]]\nradius = "0.5 mm"\n'
        'pressures = ["1.2 kPa", "1.1 kPa"]\nwall_conductivity = "2.7e-8 m/(Pa s)"\n'
        'permeability = "1e-5 m/s"\n',
        geometries=("3d",),
    ),
    Effect(name="poroelasticity", settings=("physics.flow=biot",)),
)

MESHES: Final = {
    "radial": (),
    "axisymmetric": ("numerics.accuracy=draft",),
    "3d": ("numerics.cells_per_front=1.5",),
}


def main() -> int:
    """Run what is asked and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--geometries", nargs="+", default=list(ALL), choices=ALL)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=[], help="effects whose names contain one of these")
    parser.add_argument("--out", type=Path, default=Path("results/bench/effects.json"))
    options = parser.parse_args()
    rows = []
    for geometry in options.geometries:
        base = measured(NONE, geometry)
        rows.append(base | {"cost": 1.0})
        print(line(rows[-1]), flush=True)
        for effect in EFFECTS:
            wanted = not options.only or any(word in effect.name for word in options.only)
            if geometry in effect.geometries and wanted:
                rows.append(compared(effect, geometry, options.repeats))
                print(line(rows[-1]), flush=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


def compared(effect: Effect, geometry: str, repeats: int) -> dict[str, Any]:
    """A row whose cost is the median ratio to a run without the effect just before it."""
    found, ratios = {}, []
    for _ in range(repeats):
        plain = measured(NONE, geometry)
        found = measured(effect, geometry)
        ratios.append(found["seconds"] / plain["seconds"])
    return found | {"cost": median(ratios)}


def measured(effect: Effect, geometry: str) -> dict[str, Any]:
    """Run once; what came out, and the seconds from mesh to summary."""
    with tempfile.TemporaryDirectory() as made:
        path, out = Path(made) / "effects.toml", Path(made) / "out"
        out.mkdir()
        path.write_text(CASE.format(geometry=geometry, pulse=effect.pulse) + effect.tables, encoding="utf-8")
        case = load_case(path, (*MESHES[geometry], *effect.settings))
        start = perf_counter()
        code = run_case(case, out, MPI.COMM_SELF, quiet=True, reuse=REUSE)
        seconds = perf_counter() - start
        summary = json.loads((out / "summary.json").read_text("utf-8"))
    return {
        "effect": effect.name,
        "geometry": geometry,
        "code": int(code),
        "seconds": seconds,
        **results(summary),
    }


NONE: Final = Effect(name="none")
REUSE: Final = Reuse()


def results(summary: dict[str, Any]) -> dict[str, Any]:
    """The numbers of the table."""
    agent = summary["ledger"]["agent"]
    injected = agent["injected_kg"] or 1.0
    residual = max(summary["ledger"][book]["residual_relative"] for book in ("agent", "fluid"))
    return {
        "ablation_mm3": 1e9 * summary["ablation"][0]["volume_m3"],
        "outside_percent": 100 * summary["spill"]["crossed_fraction"],
        "blood_percent": 100 * summary["blood"]["absorbed_fraction"],
        "backflow_percent": 100 * agent.get("backflow_kg", 0.0) / injected,
        "peak_kPa": 1e-3 * summary["pressure"]["peak_Pa"],
        "ledger": residual,
        "closed": residual <= LEDGER_LIMIT,
        "steps": summary["time"]["steps"],
    }


def line(row: dict[str, Any]) -> str:
    """A row of the table for people."""
    return (
        f"{row['effect']:<30} {row['geometry']:<13} {row['ablation_mm3']:8.0f} mm3"
        f"  out {row['outside_percent']:7.3f} %  blood {row['blood_percent']:8.4f} %"
        f"  back {row['backflow_percent']:6.2f} %  peak {row['peak_kPa']:7.3f} kPa"
        f"  ledger {row['ledger']:.0e}  steps {row['steps']:4d}  cost {row['cost']:5.2f}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
