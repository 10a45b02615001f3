# SPDX-License-Identifier: MIT
"""What a simulation is made of: frozen, keyword-only records in SI units.

``cases`` checks ranges and fills these from a case file; the solver reads nothing else. Symbols as in
docs/notation.md.
"""

from dataclasses import dataclass, field
from typing import Literal

from solver.parameters.chemistry import Chemistry, Kill
from solver.parameters.delivery import Drive, Injectate, Line, Outlet
from solver.parameters.fields import TissueField
from solver.parameters.lines import Backflow, VesselLine
from solver.parameters.vessels import Body, VesselModel

FlowModel = Literal["storage", "steady", "biot"]
Closure = Literal["pressure", "none"]
AgentExchange = Literal["flow_limited", "patlak", "convective"]
BoundaryKind = Literal["robin", "fixed", "no_flux"]
Support = Literal["elastic", "free", "fixed"]
Control = Literal["saline"]


@dataclass(frozen=True, kw_only=True)
class Tissue:
    """One region's material.

    Attributes:
        name: library or case name.
        hydraulic_conductivity: K0 at rest [m2/(Pa s)].
        porosity: phi0, interstitial fluid volume fraction at rest [-].
        confined_modulus: H = lambda + 2 mu, drained [Pa].
        shear_modulus: mu, drained [Pa]; only for validity flags (cavitation at 2.5 mu).
        dilatation_exponent: M in K0 exp(M e) [-].
        fissuring_ratio: R_K, conductivity of fissured over intact tissue [-].
        fissuring_pressure: p_c [Pa].
        fissuring_width: w [Pa].
        vessel_conductance: L_p S/V [1/(Pa s)].
        vessel_pressure: p_v, hydrostatic pressure in the microvessels [Pa].
        effective_vessel_pressure: p_e = p_v - sigma (pi_v - pi_i) [Pa].
        closure_margin: pressure above p_v at which half of the vessels are closed [Pa].
        closure_width: width of the logistic of closure [Pa].
        perfusion: F, blood flow per tissue volume [1/s].
        permeability_surface: PS of the agent [1/s]; used by the ``patlak`` exchange only.
        lymph_conductance: L_pL S_L/V [1/(Pa s)].
        lymph_pressure: p_L [Pa].
        diffusivity: D of the agent in the interstitial fluid of this tissue [m2/s].
        fibre_ratio: K along the fibres over K across them, which is ``hydraulic_conductivity`` [-].
        fibre_diffusion_ratio: the same of D [-].
        fibre_direction: unit vector along the fibres.
        porosity_exponent: m in K0 (phi/phi0)^m, the law ``holmes_mow`` [-].
        longitudinal_dispersivity: alpha_L, mechanical dispersion along the flow over its speed [m].
        transverse_dispersivity: alpha_T, the same across the flow [m].
    """

    name: str
    hydraulic_conductivity: float
    porosity: float
    confined_modulus: float
    shear_modulus: float
    dilatation_exponent: float
    fissuring_ratio: float
    fissuring_pressure: float
    fissuring_width: float
    vessel_conductance: float
    vessel_pressure: float
    effective_vessel_pressure: float
    closure_margin: float
    closure_width: float
    perfusion: float
    permeability_surface: float
    lymph_conductance: float
    lymph_pressure: float
    diffusivity: float
    fibre_ratio: float = 1.0
    fibre_diffusion_ratio: float = 1.0
    fibre_direction: tuple[float, float, float] = (0.0, 0.0, 1.0)
    porosity_exponent: float = 2.0
    longitudinal_dispersivity: float = 0.0
    transverse_dispersivity: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Agent:
    """What is injected.

    Attributes:
        name: library or case name.
        reaction_rate: k, first order [1/s].
        molar_mass: [kg/mol].
        plasma_concentration: C_p in arriving blood [kg/m3].
        injectate: the fluid that carries it.
    """

    name: str
    reaction_rate: float
    molar_mass: float
    plasma_concentration: float = 0.0
    injectate: Injectate = field(default_factory=Injectate)


@dataclass(frozen=True, kw_only=True)
class Injection:
    """One pulse at one site.

    Attributes:
        site: number of the site in the geometry.
        start: [s].
        volume: [m3]; where a drive moves the fluid, the most that it may move.
        rate: Q [m3/s]; where a drive moves the fluid, volume over the longest time that it may take.
        concentration: C_in [kg/m3], when the syringe is filled.
        outlets: openings of a needle with side holes; none for the site alone.
        line: from the syringe to the tissue, where it is known.
        drive: what moves the fluid; None for a pump that keeps the rate.
        decay: rate at which the agent decays in the syringe [1/s].
        filled: time at which the syringe is filled [s].
        cavity_radius: at rest, of a cavity at the tip that opens under pressure [m]; None for a rigid one.
    """

    site: int
    start: float
    volume: float
    rate: float
    concentration: float
    outlets: tuple[Outlet, ...] = ()
    line: Line | None = None
    drive: Drive | None = None
    decay: float = 0.0
    filled: float = 0.0
    cavity_radius: float | None = None

    @property
    def end(self) -> float:
        """Time at which the pulse stops, unless its volume is moved earlier [s]."""
        return self.start + self.volume / self.rate

    @property
    def withdraws(self) -> bool:
        """Whether it takes fluid out."""
        return self.drive is not None and self.drive.withdraws


@dataclass(frozen=True, kw_only=True)
class Physics:
    """Which effects are on; the defaults are the model of docs/model.md.

    Attributes:
        flow: ``storage`` (dp/dt kept), ``steady``, or ``biot`` (displacement solved with the pressure).
        conductivity: law for K, a name in ``solver.tissue.conductivity.LAWS``.
        vessels: Starling exchange of fluid.
        closure: pressure closure of vessels, or none.
        perfusion_cap: whether exchange is bounded by blood flow, -nF <= J_v <= nF/2.
        lymph: lymphatic drainage.
        reaction: first-order reaction.
        diffusion: diffusion of the agent.
        dispersion: mechanical dispersion of the agent by the flow.
        viscosity: injectate that is more viscous than interstitial fluid, or gels, lowers K where it is.
        agent_exchange: ``flow_limited`` (all that blood flow can carry), ``patlak`` (with the
            permeability-surface product) or ``convective`` (only with absorbed fluid).
        far_field: condition on the artificial outer boundary.
        organ_surface: condition on the surface of the organ.
        far_pressure: pressure far away or at a ``fixed`` boundary [Pa]; None for the pressure at which
            the tissue's vessels and lymph balance.
        far_support: what holds the artificial outer boundary, with ``biot``: infinite tissue around it
            (``elastic``), nothing, or a rigid wall.
        organ_support: what holds the surface of the organ.
        control: ``saline`` where the agent is an inert tracer that harms nothing; None for the agent.
    """

    flow: FlowModel = "storage"
    conductivity: str = "fissuring"
    vessels: bool = True
    closure: Closure = "pressure"
    perfusion_cap: bool = True
    lymph: bool = True
    reaction: bool = True
    diffusion: bool = True
    dispersion: bool = False
    viscosity: bool = False
    agent_exchange: AgentExchange = "flow_limited"
    far_field: BoundaryKind = "robin"
    organ_surface: BoundaryKind = "no_flux"
    far_pressure: float | None = None
    far_support: Support = "elastic"
    organ_support: Support = "free"
    control: Control | None = None


@dataclass(frozen=True, kw_only=True)
class Numerics:
    """How the equations are solved.

    Attributes:
        first_step: length of the step after an event [s].
        largest_step: upper bound of a step [s].
        smallest_step: below this the run stops [s].
        step_growth: largest ratio of successive steps.
        flow_tolerance: error of one step of the flow, relative to the volume of a pulse.
        step_tolerance: error of one step of the agent, relative to the mass of a pulse.
        fixed_step: constant step [s]; None for error control.
        fixed_step_between: constant step while no pulse is on [s], by the longest time that one may take;
            None for ``fixed_step``.
        newton_tolerance: residual over the injection rate.
        newton_limit: iterations before the step is cut.
        krylov_tolerance_pressure: smallest relative tolerance of a Newton iteration's linear solve.
        krylov_tolerance_agent: relative, preconditioned.
        target_tolerance: of the linear solves of the second-order target; None for 1e-6, or a hundred times
            that of Newton if that is less.
        coupling_tolerance: of pressure and displacement, as a volume over what a step injects.
        limiter: flux limiting on; off gives the monotone first-order scheme.
    """

    first_step: float = 0.1
    largest_step: float = 86400.0
    smallest_step: float = 1e-6
    step_growth: float = 2.0
    flow_tolerance: float = 3e-2
    step_tolerance: float = 1e-3
    fixed_step: float | None = None
    fixed_step_between: float | None = None
    newton_tolerance: float = 1e-8
    newton_limit: int = 80
    krylov_tolerance_pressure: float = 1e-3
    krylov_tolerance_agent: float = 1e-14
    target_tolerance: float | None = None
    coupling_tolerance: float = 1e-3
    limiter: bool = True


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Levels over which ablation volumes are reported.

    Attributes:
        ct: of the dose CT = integral of C dt [kg s/m3].
        peak: of the peak concentration [kg/m3].
    """

    ct: tuple[float, ...] = (0.6, 4.5, 9.0)
    peak: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When things happen [s].

    Attributes:
        end: end of the run.
        outputs: times at which fields are written; the start and the end are always among them.
    """

    end: float
    outputs: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Model:
    """Everything but the mesh.

    Attributes:
        tissues: cell tag (``meshes.regions``) to material.
        agent: what is injected.
        injections: pulses, in order of start.
        physics: switches.
        numerics: tolerances and steps.
        thresholds: levels for ablation.
        schedule: end and output times.
        tissue_fields: where tissue is not the same all over a region.
        backflow: along the shafts of needles; None for tight ones.
        vessel_lines: large vessels and networks.
        vessels: what happens to vessels beside closing under pressure.
        body: where that goes which blood takes up.
        chemistry: reactions beside first-order decay.
        kill: channels by which cells die.
    """

    tissues: dict[int, Tissue]
    agent: Agent
    injections: tuple[Injection, ...]
    physics: Physics = field(default_factory=Physics)
    numerics: Numerics = field(default_factory=Numerics)
    thresholds: Thresholds = field(default_factory=Thresholds)
    schedule: Schedule = field(default_factory=lambda: Schedule(end=212.0))
    tissue_fields: tuple[TissueField, ...] = ()
    backflow: Backflow | None = None
    vessel_lines: tuple[VesselLine, ...] = ()
    vessels: VesselModel | None = None
    body: Body | None = None
    chemistry: Chemistry | None = None
    kill: Kill | None = None
