# SPDX-License-Identifier: MIT
"""Tables of a case file on what: tissues and agent, named in the library or changed here."""

from typing import Annotated

from pydantic import BaseModel, Field

from cases.schema import units
from cases.schema.quantity import Quantity
from cases.schema.table import CLOSED, NAMED

Modulus = Annotated[float, Quantity(units.PRESSURE, 10.0, 1e8)]
Pressure = Annotated[float, Quantity(units.PRESSURE, -1e4, 1e5)]
Diffusivity = Annotated[float, Quantity(units.DIFFUSIVITY, 1e-14, 1e-8)]
Conductance = Annotated[float, Quantity(units.CONDUCTANCE, 0.0, 1e-2)]
Component = Annotated[float, Quantity(units.NUMBER, -1e6, 1e6)]


class TissueTable(BaseModel):
    """A tissue of the library (`base`), with any of its numbers changed."""

    model_config = CLOSED
    base: str | None = Field(
        None, description="Tissue of the library to start from; by default the region's own."
    )
    hydraulic_conductivity: Annotated[float, Quantity(units.HYDRAULIC_CONDUCTIVITY, 1e-18, 1e-8)] | None = (
        Field(None, description="K0, hydraulic conductivity at rest; permeability over viscosity.")
    )
    porosity: Annotated[float, Quantity(units.NUMBER, 0.01, 0.9)] | None = Field(
        None, description="phi0, volume fraction of interstitial fluid at rest."
    )
    shear_modulus: Modulus | None = Field(None, description="mu, drained shear modulus.")
    poisson_ratio: Annotated[float, Quantity(units.NUMBER, 0.0, 0.499)] | None = Field(
        None, description="nu, drained Poisson ratio."
    )
    confined_modulus: Modulus | None = Field(
        None, description="H = lambda + 2 mu, drained; from shear modulus and Poisson ratio if absent."
    )
    dilatation_exponent: Annotated[float, Quantity(units.NUMBER, 0.0, 50.0)] | None = Field(
        None, description="M in K0 exp(M e), rise of conductivity with dilatation."
    )
    fissuring_ratio: Annotated[float, Quantity(units.NUMBER, 1.0, 1e8)] | None = Field(
        None, description="R_K, conductivity of fissured over intact tissue."
    )
    fissuring_pressure: Annotated[float, Quantity(units.PRESSURE, 1.0, 1e7)] | None = Field(
        None, description="p_c, pressure at which tissue fissures; about 2.5 mu."
    )
    fissuring_width: Annotated[float, Quantity(units.PRESSURE, 0.1, 1e6)] | None = Field(
        None, description="w, width of the transition about p_c."
    )
    vessel_conductance: Conductance | None = Field(None, description="L_p S/V of the microvessels.")
    vessel_surface: Annotated[float, Quantity(units.INVERSE_LENGTH, 0.0, 1e6)] | None = Field(
        None, description="S/V, surface of microvessels per volume of tissue."
    )
    vessel_pressure: Pressure | None = Field(
        None, description="p_v, hydrostatic pressure in the microvessels."
    )
    reflection_coefficient: Annotated[float, Quantity(units.NUMBER, 0.0, 1.0)] | None = Field(
        None, description="sigma, osmotic reflection coefficient of the vessel wall."
    )
    vessel_oncotic_pressure: Pressure | None = Field(None, description="pi_v, oncotic pressure of plasma.")
    interstitial_oncotic_pressure: Pressure | None = Field(
        None, description="pi_i, oncotic pressure of interstitial fluid."
    )
    closure_margin: Pressure | None = Field(
        None, description="Pressure above p_v at which half of the vessels are closed."
    )
    closure_width: Annotated[float, Quantity(units.PRESSURE, 1.0, 1e5)] | None = Field(
        None, description="Width of the logistic of closure."
    )
    perfusion: Annotated[float, Quantity(units.RATE, 0.0, 1.0)] | None = Field(
        None, description="F, blood flow per volume of tissue."
    )
    lymph_conductance: Conductance | None = Field(None, description="L_pL S_L/V of the lymphatics.")
    lymph_pressure: Pressure | None = Field(None, description="p_L, pressure in the lymphatics.")
    permeability_surface: Annotated[float, Quantity(units.RATE, 0.0, 1e4)] | None = Field(
        None, description="PS of the agent here; by default the agent's vessel permeability times S/V."
    )
    diffusivity: Diffusivity | None = Field(
        None, description="D of the agent in the interstitial fluid here; by default the agent's."
    )
    longitudinal_dispersivity: Annotated[float, Quantity(units.LENGTH, 0.0, 0.1)] | None = Field(
        None, description="alpha_L, spreading of the agent along the flow over the flow's speed."
    )
    transverse_dispersivity: Annotated[float, Quantity(units.LENGTH, 0.0, 0.1)] | None = Field(
        None, description="alpha_T, the same across the flow."
    )
    fibre_ratio: Annotated[float, Quantity(units.NUMBER, 0.01, 100.0)] | None = Field(
        None, description="K along fibres over K across them, which is hydraulic_conductivity; by default 1."
    )
    fibre_diffusion_ratio: Annotated[float, Quantity(units.NUMBER, 0.01, 100.0)] | None = Field(
        None, description="D along fibres over D across them; by default 1."
    )
    fibre_direction: Annotated[list[Component], Field(min_length=3, max_length=3)] | None = Field(
        None, description="Direction of the fibres, of any length but zero; by default along z."
    )
    reductant: Annotated[float, Quantity(units.MOLAR_CONCENTRATION, 0.0, 1e4)] | None = Field(
        None, description="S0, what tissue can reduce the agent with, per volume of tissue."
    )
    porosity_exponent: Annotated[float, Quantity(units.NUMBER, 0.0, 20.0)] | None = Field(
        None, description="m in K0 (phi/phi0)^m, of the law holmes_mow; by default 2."
    )


TissueChoice = Annotated[TissueTable, NAMED]


class TissuesTable(BaseModel):
    """Which tissue fills each region: a name of the library, or a table."""

    model_config = CLOSED
    tumour: TissueChoice = Field(TissueTable(base="generic_tumour"), description="Tissue of the tumour.")
    tissue: TissueChoice = Field(TissueTable(base="subcutis"), description="Tissue around the tumour.")
    necrotic_core: TissueChoice = Field(
        TissueTable(base="necrotic_core"), description="Tissue of the necrotic core."
    )
    capsule: TissueChoice = Field(TissueTable(base="capsule"), description="Tissue of the tumour's capsule.")
    large_artery: TissueChoice = Field(
        TissueTable(base="large_artery"), description="What stands for large arteries from label maps."
    )
    large_vein: TissueChoice = Field(
        TissueTable(base="large_vein"), description="What stands for large veins from label maps."
    )
    portal_vein: TissueChoice = Field(
        TissueTable(base="portal_vein"), description="What stands for the portal vein from label maps."
    )


class AgentTable(BaseModel):
    """An agent of the library (`base`), with any of its numbers changed."""

    model_config = CLOSED
    base: str | None = Field(None, description="Agent of the library to start from.")
    concentration: Annotated[float, Quantity(units.CONCENTRATION, 1e-9, 2000.0)] | None = Field(
        None, description="Concentration in what is injected, unless an injection says otherwise."
    )
    reaction_rate: Annotated[float, Quantity(units.RATE, 0.0, 1e4)] | None = Field(
        None, description="k, rate of the first-order reaction with tissue."
    )
    molar_mass: Annotated[float, Quantity(units.MOLAR_MASS, 1e-3, 1e3)] | None = Field(
        None, description="Molar mass."
    )
    viscosity: Annotated[float, Quantity(units.VISCOSITY, 1e-5, 1e3)] | None = Field(
        None, description="Viscosity of what is injected, in the needle; by default that of water."
    )
    density: Annotated[float, Quantity(units.CONCENTRATION, 100.0, 2000.0)] | None = Field(
        None, description="Density of what is injected; by default that of water."
    )
    viscosity_ratio: Annotated[float, Quantity(units.NUMBER, 0.01, 1e6)] | None = Field(
        None,
        description="Viscosity of what is injected over that of interstitial fluid, in tissue; by default 1.",
    )
    gel_fraction: Annotated[float, Quantity(units.NUMBER, 0.0, 0.99)] | None = Field(
        None,
        description="Share of injectate in interstitial fluid below which it gels; by default 0, never.",
    )
    gel_ratio: Annotated[float, Quantity(units.NUMBER, 1.0, 1e8)] | None = Field(
        None, description="Hydraulic conductivity without gel over that with it; by default 1."
    )
    plasma_concentration: Annotated[float, Quantity(units.CONCENTRATION, 0.0, 2000.0)] | None = Field(
        None, description="C_p, concentration in arriving blood."
    )
    diffusivity: Diffusivity | None = Field(None, description="D in the interstitial fluid of the tumour.")
    diffusivity_normal: Diffusivity | None = Field(
        None, description="D in normal tissue and capsule; by default as in the tumour."
    )
    vessel_permeability: Annotated[float, Quantity(units.SPEED, 0.0, 1.0)] | None = Field(
        None, description="P, permeability of the tumour's vessel walls."
    )
    vessel_permeability_normal: Annotated[float, Quantity(units.SPEED, 0.0, 1.0)] | None = Field(
        None, description="P in normal tissue and capsule; by default as in the tumour."
    )
    closure_rate: Annotated[float, Quantity(units.RATE, 0.0, 100.0)] | None = Field(
        None, description="k_v, rate at which plenty of it closes vessels for good."
    )
    closure_concentration: Annotated[float, Quantity(units.CONCENTRATION, 1e-9, 2000.0)] | None = Field(
        None, description="C_v, concentration at which it closes vessels half as fast."
    )
    closure_leak: Annotated[float, Quantity(units.NUMBER, 0.0, 1000.0)] | None = Field(
        None, description="A in L_p (1 + A (1 - n_d)), by which walls leak as vessels die; by default 0."
    )
    central_volume: Annotated[float, Quantity(units.VOLUME, 1e-7, 100.0)] | None = Field(
        None, description="V_1, volume of the body in which it spreads at once."
    )
    clearance: Annotated[float, Quantity(units.FLOW_RATE, 0.0, 1.0)] | None = Field(
        None, description="CL, by which the body rids itself of it."
    )
    exchange_flow: Annotated[float, Quantity(units.FLOW_RATE, 0.0, 1.0)] | None = Field(
        None, description="Q_12, between the body's two compartments; by default 0."
    )
    peripheral_volume: Annotated[float, Quantity(units.VOLUME, 0.0, 100.0)] | None = Field(
        None, description="V_2, of the compartment behind; by default 0."
    )
    by_product_yield: Annotated[float, Quantity(units.NUMBER, 0.0, 10.0)] | None = Field(
        None, description="Mass of by-product in the body per mass of agent used up; by default 0."
    )
    by_product_diffusivity: Diffusivity | None = Field(
        None,
        description="D of the by-product in the interstitial fluid; by default the agent's in the tumour.",
    )
    rate_constant: Annotated[float, Quantity(units.SECOND_ORDER, 1e-9, 1e8)] | None = Field(
        None, description="k2, of its reaction with the reductant of tissue."
    )
    stoichiometry: Annotated[float, Quantity(units.NUMBER, 0.01, 100.0)] | None = Field(
        None, description="nu, moles of agent that a mole of reductant uses up; by default 1."
    )
    extraction: Annotated[float, Quantity(units.NUMBER, 0.0, 0.999)] | None = Field(
        None, description="E, share that one passage through the liver takes; of routes, by default 0."
    )
    extraction_capacity: Annotated[float, Quantity(units.MASS_RATE, 0.0, 1.0)] | None = Field(
        None, description="Most that the liver takes up, where that saturates; of routes."
    )
    extraction_half_concentration: Annotated[float, Quantity(units.CONCENTRATION, 1e-12, 2000.0)] | None = (
        Field(
            None, description="Concentration leaving the liver at which it takes up half of that; of routes."
        )
    )
    half_effect_exposure: Annotated[float, Quantity(units.DOSE, 1e-9, 1e9)] | None = Field(
        None, description="AUC of half the effect on tumour cells; of routes."
    )
    reference_dose: Annotated[float, Quantity(units.MASS_SHARE, 0.0, 1.0)] | None = Field(
        None, description="Dose of the by-product a day, per body mass, that a result is held against."
    )


AgentChoice = Annotated[AgentTable, NAMED]
