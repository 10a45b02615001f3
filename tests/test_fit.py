# SPDX-License-Identifier: MIT
"""Fitting: known constants are found again in noisy traces of the model; what cannot be found is said."""

from pathlib import Path

import numpy as np
import pytest

from cases.errors import UserError
from cases.search.fit import Fit, Model, Trace, fit_trace, load_radial, read_trace
from tests.case_files import REFERENCE

pytestmark = pytest.mark.serial

COARSE = ("numerics.cells_per_front=2", "injection.0.volume=0.2 mL", "outputs.end=2 min")
TIMES = np.concatenate([np.linspace(0.5, 11.5, 30), np.linspace(13.0, 120.0, 30)])


def synthetic(names: tuple[str, ...], factors: tuple[float, ...], noise: float) -> Trace:
    model = Model(load_radial(str(REFERENCE), COARSE), names, TIMES)
    clean = model.pressure(model.start() + np.log10(factors))
    return Trace(time=TIMES, pressure=clean + np.random.default_rng(3).normal(0.0, noise, TIMES.size))


def fitted(trace: Trace, names: tuple[str, ...], starts: int = 0) -> Fit:
    return fit_trace(load_radial(str(REFERENCE), COARSE), trace, names, starts)


def test_known_constants_are_found_again() -> None:
    """p_c and H off by a quarter, 50 Pa of noise: both within their intervals, and these are narrow."""
    names, factors = ("fissuring_pressure", "confined_modulus"), (1.25, 1.25)
    found = fitted(synthetic(names, factors, 50.0), names)
    assert found.misfit == pytest.approx(50.0, rel=0.35)
    for parameter, factor in zip(found.parameters, factors, strict=True):
        assert parameter.determined
        assert parameter.value == pytest.approx(parameter.start * factor, rel=0.05)
        assert parameter.low < parameter.start * factor < parameter.high
    assert found.warnings == ()


def test_what_the_trace_does_not_determine_is_said() -> None:
    """A more conductive fissure and softer tissue look the same at the tip."""
    names = ("fissuring_ratio", "confined_modulus")
    found = fitted(synthetic(names, (1.0, 1.0), 500.0), names)
    assert any("fissuring_ratio" in warning for warning in found.warnings)
    assert not found.parameters[0].determined


def test_a_trace_has_units_in_its_header(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text("time [min],pressure [mmHg]\n" + "".join(f"{i},{10 + i}\n" for i in range(10)))
    trace = read_trace(path)
    assert trace.time[1] == pytest.approx(60.0)
    assert trace.pressure[0] == pytest.approx(1333.22, rel=1e-4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time,pressure\n1,2\n", "trace.csv:1"),
        ("time [s],pressure [m]\n1,2\n", "pressure"),
        ("time [s],force [Pa]\n1,2\n", "expected the columns"),
        ("time [s],pressure [Pa]\n1,two\n", "trace.csv:2"),
        ("time [s],pressure [Pa]\n1,2\n", "at least 8"),
        ("", "expected the columns"),
    ],
)
def test_a_bad_trace_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "trace.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        read_trace(path)
