# SPDX-License-Identifier: MIT
"""The library: every number has unit, source and status; the reference values are those of docs/model.md."""

import pytest

from cases import catalogue
from cases.build.materials import library_numbers
from cases.reading.load import load_case
from cases.schema.entries import Kind
from cases.schema.geometry import NeedleTable
from cases.schema.materials import AgentTable, TissueTable
from cases.schema.quantity import Quantity
from meshes.regions import TISSUE, TUMOUR
from tests.case_files import REFERENCE, shipped

pytestmark = pytest.mark.serial

TABLES = {"agents": AgentTable, "tissues": TissueTable, "needles": NeedleTable}
NAMES = [(kind, name) for kind in catalogue.KINDS for name in catalogue.entries(kind)]


def quantity(kind: Kind, key: str) -> Quantity:
    field = TABLES[kind].model_fields[key]
    for item in (*field.metadata, *field.annotation.__args__[0].__metadata__):  # type: ignore[union-attr]
        if isinstance(item, Quantity):
            return item
    raise AssertionError(f"{key} is no quantity")


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_every_number_is_readable_and_in_its_range(kind: Kind, name: str) -> None:
    for key, value in catalogue.entries(kind)[name].values.items():
        number = quantity(kind, key).read(value.value)
        assert value.source.strip() and value.status in ("measured", "assumed", "prior range")
        if value.range is not None:
            low, high = (quantity(kind, key).read(bound) for bound in value.range)
            assert low <= number <= high, f"{name}.{key}"


def test_a_prior_range_states_its_range() -> None:
    missing = [
        f"{name}.{key}"
        for kind, name in NAMES
        for key, value in catalogue.entries(kind)[name].values.items()
        if value.status == "prior range" and value.range is None
    ]
    assert not missing


def test_tissues_are_complete() -> None:
    derived = {"base", "permeability_surface", "diffusivity", "fibre_direction"}
    for name in catalogue.entries("tissues"):
        assert set(library_numbers("tissues", name, TissueTable)) == set(TissueTable.model_fields) - derived


def test_agents_are_complete() -> None:
    optional = {"base", "diffusivity_normal", "vessel_permeability_normal"}
    optional |= {
        "closure_rate",
        "closure_concentration",
        "closure_leak",
        "by_product_yield",
        "reference_dose",
    }
    optional |= {"central_volume", "clearance", "exchange_flow", "peripheral_volume"}
    optional |= {"by_product_diffusivity", "rate_constant", "stoichiometry", "gel_fraction", "gel_ratio"}
    optional |= {"extraction", "extraction_capacity", "extraction_half_concentration", "half_effect_exposure"}
    for name in catalogue.entries("agents"):
        assert set(library_numbers("agents", name, AgentTable)) >= set(AgentTable.model_fields) - optional


def test_expected_names() -> None:
    assert {
        "generic_tumour",
        "hepatocellular_carcinoma",
        "glioblastoma",
        "prostate_tumour",
        "liver",
        "brain",
    } <= set(catalogue.entries("tissues"))
    assert {"chlorine_dioxide", "ethanol", "doxorubicin", "cisplatin", "gemcitabine", "fudr"} <= set(
        catalogue.entries("agents")
    )
    assert set(catalogue.entries("needles")) == {f"{gauge}G" for gauge in range(18, 28)}


def test_moduli_agree() -> None:
    for name in catalogue.entries("tissues"):
        numbers = library_numbers("tissues", name, TissueTable)
        nu = numbers["poisson_ratio"]
        confined = 2 * numbers["shear_modulus"] * (1 - nu) / (1 - 2 * nu)
        assert numbers["confined_modulus"] == pytest.approx(confined, rel=0.01), name


def test_reference_case_has_the_values_of_the_model() -> None:
    case = load_case(REFERENCE)
    tumour, tissue = case.model.tissues[TUMOUR], case.model.tissues[TISSUE]
    assert (tumour.hydraulic_conductivity, tissue.hydraulic_conductivity) == (3.1e-14, 6.4e-15)
    assert (tumour.vessel_conductance, tissue.vessel_conductance) == (4.2e-7, 1.89e-8)
    assert tumour.effective_vessel_pressure == pytest.approx(1533.2, abs=0.05)
    assert tissue.effective_vessel_pressure == pytest.approx(866.6, abs=0.05)
    assert (tumour.lymph_conductance, tissue.lymph_conductance) == (0.0, 9.98e-8)
    for material in (tumour, tissue):
        assert material.vessel_pressure == pytest.approx(2080, abs=0.2)
        assert material.porosity == 0.3
        assert (material.confined_modulus, material.shear_modulus) == (30e3, 3.2e3)
        assert material.dilatation_exponent == 5
        assert (material.fissuring_ratio, material.fissuring_pressure, material.fissuring_width) == (
            1e4,
            8e3,
            1e3,
        )
        assert (material.closure_margin, material.closure_width) == (2.7e3, 300)
        assert material.perfusion == 5e-3
        assert material.diffusivity == 7.6e-10
        assert material.lymph_pressure == 0
    assert case.model.agent.reaction_rate == 0.033
    assert case.model.agent.plasma_concentration == 0
    (pulse,) = case.model.injections
    assert (pulse.start, pulse.volume, pulse.concentration) == (0, 1e-6, 3.0)
    assert pulse.rate == pytest.approx(1e-6 / 60, rel=1e-15)
    assert case.model.thresholds.ct == (0.6, 3.0, 4.5, 9.0, 30.0)
    assert case.model.schedule.end == pytest.approx(60 + 5 / 0.033)
    (site,) = case.geometry.sites
    assert site.needle_radius == 0.359e-3


def test_changing_a_modulus_changes_the_confined_modulus() -> None:
    case = load_case(REFERENCE, ["tissues.tumour.shear_modulus=1 kPa", "tissues.tumour.poisson_ratio=0.4"])
    assert case.model.tissues[TUMOUR].confined_modulus == pytest.approx(6e3)
    assert case.model.tissues[TISSUE].confined_modulus == 30e3
    case = load_case(
        REFERENCE, ["tissues.tumour.shear_modulus=1 kPa", "tissues.tumour.confined_modulus=7 kPa"]
    )
    assert case.model.tissues[TUMOUR].confined_modulus == 7e3


def test_permeability_and_diffusivity_follow_the_agent_and_the_tissue() -> None:
    case = load_case(REFERENCE, ["agent=doxorubicin", "outputs.end=10 min"])
    tumour, tissue = case.model.tissues[TUMOUR], case.model.tissues[TISSUE]
    assert (tumour.diffusivity, tissue.diffusivity) == (3.4e-10, 1.6e-10)
    assert tumour.permeability_surface == pytest.approx(3e-6 * 2e4)
    assert tissue.permeability_surface == pytest.approx(3.75e-7 * 7e3)
    case = load_case(REFERENCE, ["tissues.tissue.diffusivity=1e-10 m^2/s"])
    assert case.model.tissues[TISSUE].diffusivity == 1e-10


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.stem)
def test_shipped_cases_are_valid(path: object) -> None:
    from cases.errors import CaseError, ExitCode

    try:
        assert load_case(str(path)).model.injections
    except CaseError as error:
        if error.code == ExitCode.MISSING_INPUT:
            pytest.skip(f"label maps of this case are not here: {error.problems[0]}")
        raise
