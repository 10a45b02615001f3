# SPDX-License-Identifier: MIT
"""Closed forms that the solver is checked against; SI units unless a function says otherwise.

Numbers B1 to B16 are those of docs/verification.md. Symbols: K hydraulic conductivity [m2/(Pa s)], Q rate
[m3/s], ell = sqrt(K / (L_p S/V)) screening length [m], phi porosity, D diffusivity [m2/s], k reaction [1/s].
"""

from dataclasses import dataclass
from math import erf, exp, expm1, log1p, pi, sinh, sqrt, tanh

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from scipy.special import erfc, erfcx, exp1

Floats = NDArray[np.float64]

MMHG = 133.322
"""[Pa], the rounded value that the published tables were converted with."""

ML_PER_MIN = 1e-6 / 60.0
"""[m3/s]"""


@dataclass(frozen=True)
class Perfused:
    """A tissue that conducts and exchanges fluid linearly.

    Attributes:
        conductivity: K [m2/(Pa s)].
        conductance: of vessels, and lymph vessels where they count [1/(Pa s)].
        pressure: at which exchange stops [Pa].
    """

    conductivity: float
    conductance: float
    pressure: float

    @property
    def screening_length(self) -> float:
        """ell [m]."""
        return sqrt(self.conductivity / self.conductance)


TUMOUR = Perfused(4.13e-8 * 1e-4 / MMHG, 2.8e-7 * 1e-2 / MMHG * 2e4, (15.6 - 0.82 * 5.0) * MMHG)
"""Baxter & Jain 1989."""

TISSUE = Perfused(8.53e-9 * 1e-4 / MMHG, 0.36e-7 * 1e-2 / MMHG * 7e3, (15.6 - 0.91 * 10.0) * MMHG)
"""Baxter & Jain 1989, without lymph vessels."""

LYMPH_CONDUCTANCE = 1.33e-5 / MMHG
"""[1/(Pa s)], Soltani & Chen 2011; the lymph pressure is 0."""


def with_lymph(tissue: Perfused, lymph_conductance: float) -> Perfused:
    """Tissue drained at pressure 0 as well: conductances add, pressures weigh with them."""
    total = tissue.conductance + lymph_conductance
    return Perfused(tissue.conductivity, total, tissue.pressure * tissue.conductance / total)


def isolated_sphere_pressure(tissue: Perfused, radius: float, r: ArrayLike) -> Floats:
    """B1: pressure [Pa] in a perfused sphere with p = 0 on its surface (Baxter & Jain 1989)."""
    alpha, x = radius / tissue.screening_length, np.asarray(r) / radius
    shape = np.where(x > 0.0, np.sinh(alpha * x) / np.where(x > 0.0, x, 1.0), alpha)
    return np.asarray(tissue.pressure * (1.0 - shape / sinh(alpha)))


def isolated_sphere_outflow(tissue: Perfused, radius: float) -> float:
    """B1: Darcy flux [m/s] through the surface of the sphere."""
    alpha = radius / tissue.screening_length
    return tissue.conductivity * tissue.pressure / radius * (alpha / tanh(alpha) - 1.0)


def embedded_sphere_amplitude(tumour: Perfused, tissue: Perfused, radius: float) -> float:
    """B2: A sinh(alpha_T) [Pa], how far the pressure on the interface departs from the tumour's own."""
    alpha = radius / tumour.screening_length
    inner = tumour.conductivity * (alpha / tanh(alpha) - 1.0)
    outer = tissue.conductivity * (1.0 + radius / tissue.screening_length)
    return -outer * (tumour.pressure - tissue.pressure) / (inner + outer)


def embedded_sphere_pressure(tumour: Perfused, tissue: Perfused, radius: float, r: ArrayLike) -> Floats:
    """B2: pressure [Pa] of a tumour in unbounded perfused tissue."""
    x = np.asarray(r, dtype=float) / radius
    alpha, beta = radius / tumour.screening_length, radius / tissue.screening_length
    amplitude = embedded_sphere_amplitude(tumour, tissue, radius)
    at_interface = tumour.pressure - tissue.pressure + amplitude
    safe = np.maximum(x, 1e-12)
    rise = np.exp(alpha * (np.minimum(safe, 1.0) - 1.0)) * np.expm1(-2.0 * alpha * np.minimum(safe, 1.0))
    inner = tumour.pressure + amplitude * rise / np.expm1(-2.0 * alpha) / safe
    outer = tissue.pressure + at_interface * np.exp(-beta * (np.maximum(x, 1.0) - 1.0)) / safe
    return np.where(x <= 1.0, inner, outer)


def embedded_sphere_outflow(tumour: Perfused, tissue: Perfused, radius: float) -> float:
    """B2: Darcy flux [m/s] through the tumour surface."""
    alpha = radius / tumour.screening_length
    amplitude = embedded_sphere_amplitude(tumour, tissue, radius)
    return -tumour.conductivity / radius * amplitude * (alpha / tanh(alpha) - 1.0)


def patlak_exchange(fluid: float, permeability: float, plasma: float, tissue: float) -> float:
    """B3: solute entering tissue [kg/(m3 s)] from vessels at one plasma concentration (Patlak et al. 1963).

    Args:
        fluid: J_v, fluid entering the tissue [1/s].
        permeability: PS [1/s].
        plasma: C_p [kg/m3].
        tissue: C [kg/m3].
    """
    peclet = fluid / permeability
    if abs(peclet) < 1e-8:
        return permeability * (plasma - tissue) + 0.5 * fluid * (plasma + tissue)
    if peclet > 0.0:
        return fluid * (plasma - tissue * exp(-peclet)) / -expm1(-peclet)
    return fluid * (plasma * exp(peclet) - tissue) / expm1(peclet)


def capillary_exchange(flow: float, fluid: float, permeability: float, plasma: float, tissue: float) -> float:
    """B3: solute entering tissue [kg/(m3 s)] from a capillary that flow supplies, integrated along it.

    The capillary loses fluid evenly and solute by Patlak's law at the local plasma concentration:
    ``d(f c)/dx = -patlak(c)``, ``f = F - J x``, from x = 0 to 1.

    Args:
        flow: F, blood entering the capillary per tissue volume [1/s].
        fluid: J, fluid leaving it into the tissue [1/s], below F.
        permeability: PS [1/s].
        plasma: C_p of the arriving blood [kg/m3].
        tissue: C [kg/m3].
    """

    def slope(x: float, solute: Floats) -> list[float]:
        return [-patlak_exchange(fluid, permeability, solute[0] / (flow - fluid * x), tissue)]

    end = solve_ivp(slope, (0.0, 1.0), [flow * plasma], method="LSODA", rtol=1e-11, atol=1e-14)
    return float(flow * plasma - end.y[0, -1])


def supplied_exchange(flow: float, fluid: float, permeability: float, plasma: float, tissue: float) -> float:
    """B3: closed form of ``capillary_exchange``; fluid not 0."""
    power = 1.0 / expm1(fluid / permeability)
    outlet = tissue + (plasma - tissue) * (1.0 - fluid / flow) ** power
    return flow * plasma - (flow - fluid) * outlet


def rigid_cavity_pressure(rate: float, conductivity: float, radius: float, drained: float = np.inf) -> float:
    """B4: overpressure [Pa] of a cavity in a rigid medium, drained at a distance [m] or at infinity."""
    return rate / (4.0 * pi * conductivity) * (1.0 / radius - 1.0 / drained)


def screened_cavity_pressure(rate: float, tissue: Perfused, radius: float, r: ArrayLike) -> Floats:
    """B5: p - p_e [Pa] around a cavity of given radius [m] in perfused tissue."""
    r, ell = np.asarray(r, dtype=float), tissue.screening_length
    return np.asarray(
        rate * np.exp(-(r - radius) / ell) / (4.0 * pi * tissue.conductivity * r * (1.0 + radius / ell))
    )


def interstitial_share(x: ArrayLike) -> Floats:
    """B5: share of the flow of a point source that is still interstitial at r = x ell."""
    x = np.asarray(x, dtype=float)
    return np.asarray((1.0 + x) * np.exp(-x))


def transient_share(x: ArrayLike) -> Floats:
    """B6: pressure of a point source started at t = 0 over its steady one, at x = r / sqrt(K t / S_s)."""
    return np.asarray(erfc(np.asarray(x, dtype=float) / 2.0))


def transient_cavity_share(x: float, tau: float) -> float:
    """B6 for a cavity of radius a: 4 pi K r p / Q at x = r / a and tau = K t / (S_s a^2).

    Heat conduction around a sphere with a constant flux through its wall (Carslaw and Jaeger, 1959).
    """
    near = (x - 1.0) / (2.0 * sqrt(tau))
    return float(erfc(near) - exp(-(near**2)) * erfcx(near + sqrt(tau)))


def transient_sink_pressure(x: float, tau: float) -> float:
    """B6: 4 pi K r p / Q of a point source in perfused tissue, at x = r / ell and tau = K t / (S_s ell^2)."""
    near = exp(-x) * float(erfc(x / (2.0 * sqrt(tau)) - sqrt(tau)))
    return 0.5 * (near + exp(x) * float(erfc(x / (2.0 * sqrt(tau)) + sqrt(tau))))


def theis_well_function(u: float) -> float:
    """B7: W(u), drawdown of a line source times 4 pi T / Q (Theis 1935)."""
    return float(exp1(u))


def strained_cavity_pressure(
    rate: float, conductivity: float, radius: float, modulus: float, m: float, drained: float = np.inf
) -> float:
    """2.4: steady overpressure [Pa] of a cavity where K = K0 exp(M e), e = p / H, no strain where drained."""
    linear = rigid_cavity_pressure(rate, conductivity, radius, drained)
    return modulus / m * log1p(m * linear / modulus)


def neo_hookean_cavity(stretch: float) -> float:
    """2.4: pressure over shear modulus of a cavity opened to ``stretch`` times its radius."""
    return 2.5 - 2.0 / stretch - 0.5 / stretch**4


def front_radius(rate: float, time: float, porosity: float, cavity: float = 0.0) -> float:
    """B8: radius [m] that injected fluid has reached by convection alone."""
    return float((cavity**3 + 3.0 * rate * time / (4.0 * pi * porosity)) ** (1.0 / 3.0))


def reaction_radius(rate: float, reaction: float, porosity: float, cavity: float = 0.0) -> float:
    """B8: radius [m] at which convection has taken 1/k to bring the agent."""
    return front_radius(rate, 1.0 / reaction, porosity, cavity)


def travel_time(r: ArrayLike, rate: float, porosity: float, cavity: float = 0.0) -> Floats:
    """B8: time [s] that convection takes from the cavity wall to a radius."""
    return np.asarray(4.0 * pi * porosity * (np.asarray(r, dtype=float) ** 3 - cavity**3) / (3.0 * rate))


def convected_concentration(inlet: float, reaction: float, travel: ArrayLike, time: float) -> Floats:
    """B8: concentration [unit of inlet] behind a convected front, with decay on the way."""
    travel = np.asarray(travel, dtype=float)
    return np.where(travel <= time, inlet * np.exp(-reaction * travel), 0.0)


def convected_dose(inlet: float, reaction: float, travel: ArrayLike, duration: float) -> Floats:
    """B9: integral of C over all time [unit of inlet times s] when flow stops after ``duration`` [s]."""
    travel = np.asarray(travel, dtype=float)
    dose = inlet * np.exp(-reaction * travel) * (duration - travel + 1.0 / reaction)
    return np.where(travel <= duration, dose, 0.0)


def unreacted_share(reaction: float, duration: float) -> float:
    """B9: share of what was injected that is left when injection stops."""
    return -expm1(-reaction * duration) / (reaction * duration)


def divergent_diffusion(beta: float, r: float, cavity: float = 1.0) -> float:
    """B10: C/C0 in steady divergent flow without reaction; beta = Q/(4 pi phi D)."""
    return expm1(-beta / r) / expm1(-beta / cavity)


def thiele_profile(r: float, cavity: float, thickness: float) -> float:
    """B11: C/C0 of diffusion with reaction around a sphere; thickness = sqrt(D/k)."""
    return cavity / r * exp(-(r - cavity) / thickness)


def divergent_reaction(peclet: float, damkohler: float, r: ArrayLike, far: float = 200.0) -> Floats:
    """B12: c(r) of c'' + (2/r - Pe/r^2) c' = Da c, c(1) = 1, c(infinity) = 0: shooting for c'/c."""

    def slope(r: float, y: Floats) -> list[float]:
        return [-(y[0] ** 2) - (2.0 / r - peclet / r**2) * y[0] + damkohler, y[0]]

    start = [-sqrt(damkohler) - 1.0 / far, 0.0]
    solution = solve_ivp(
        slope, (far, 1.0), start, method="LSODA", rtol=1e-11, atol=1e-13, dense_output=True
    ).sol
    return np.asarray(np.exp(solution(np.asarray(r, dtype=float))[1] - solution(1.0)[1]))


def point_source(
    mass: float, porosity: float, diffusivity: float, reaction: float, time: float
) -> "Gaussian":
    """B13: concentration [kg/m3] at a time [s] after a mass [kg] was put into one point."""
    height = mass / (porosity * (4.0 * pi * diffusivity * time) ** 1.5) * exp(-reaction * time)
    return Gaussian(height, sqrt(4.0 * diffusivity * time))


@dataclass(frozen=True)
class Gaussian:
    """height exp(-(r/width)^2)."""

    height: float
    width: float

    def at(self, r: ArrayLike) -> Floats:
        """Value at a distance [m] from the centre."""
        return np.asarray(self.height * np.exp(-((np.asarray(r, dtype=float) / self.width) ** 2)))


def ogata_banks(
    x: ArrayLike, time: float, velocity: float, diffusivity: float, reaction: float = 0.0
) -> Floats:
    """B14: C/C0 in a half space with C = C0 at its inlet and decay (Ogata & Banks 1961)."""
    x = np.asarray(x, dtype=float)
    u = sqrt(velocity**2 + 4.0 * reaction * diffusivity)
    spread = 2.0 * sqrt(diffusivity * time)
    decay = np.exp((velocity - u) * x / (2.0 * diffusivity))
    behind, ahead = (x - u * time) / spread, (x + u * time) / spread
    backward = np.exp((velocity + u) * x / (2.0 * diffusivity) - ahead**2) * erfcx(ahead)
    return np.asarray(0.5 * (decay * erfc(behind) + backward))


def titration_constant(ratio: float) -> float:
    """B15: lambda of the front X = 2 lambda sqrt(D t); ratio = C0 over demand, per the same volume."""
    found = brentq(lambda x: sqrt(pi) * x * exp(x * x) * erf(x) - ratio, 1e-9, 5.0, xtol=1e-15, rtol=1e-14)
    return float(found)


def titration_radius(volume: float, concentration: float, demand: float, porosity: float) -> float:
    """B15: radius [m] oxidised by a volume [m3]; demand per tissue volume, in the unit of C."""
    reached = 3.0 * volume * concentration / (4.0 * pi * (porosity * concentration + demand))
    return float(reached ** (1.0 / 3.0))


@dataclass(frozen=True)
class Track:
    """B16: an annular gap along a needle in soft tissue, fed at the tip.

    Attributes:
        needle_radius: r_c [m].
        shear_modulus: G [Pa].
        viscosity: mu [Pa s].
        leak_resistance: R' of the tissue per length [Pa s/m2].
    """

    needle_radius: float
    shear_modulus: float
    viscosity: float
    leak_resistance: float = np.inf

    @property
    def beta(self) -> float:
        """beta of Q = -beta p^3 dp/dz [m4/(Pa4 s)], from a gap r_c p / (2 G)."""
        return 2.0 * pi * self.needle_radius**4 / (96.0 * self.viscosity * self.shear_modulus**3)

    def length(self, rate: float) -> float:
        """Length L [m] over which the flow up the track has leaked away."""
        return float((1250.0 / 243.0 * rate**3 * self.beta * self.leak_resistance**4) ** 0.2)

    def tip_pressure(self, rate: float) -> float:
        """Pressure [Pa] at the tip of a track that ends in tissue."""
        return float(
            (9.0 * self.length(rate) ** 2 / (10.0 * self.beta * self.leak_resistance)) ** (1.0 / 3.0)
        )

    def vented_tip_pressure(self, rate: float, depth: float) -> float:
        """Pressure [Pa] at the tip of a track that reaches the surface, ``depth`` [m] away, without leak."""
        return float((4.0 * depth * rate / self.beta) ** 0.25)


def regional_advantage(clearance: float, flow: float, extraction: float) -> float:
    """R_d = 1 + CL / (Q_r (1 - E)): gain in the ratio of regional to systemic exposure."""
    return 1.0 + clearance / (flow * (1.0 - extraction))
