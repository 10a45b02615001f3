# SPDX-License-Identifier: MIT
"""What flow remembers between steps, the rates of one step, and means of rates over a step."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from solver.flow.exchange import BloodSupply
from solver.kernels.flow import mean
from solver.tissue.lines import Lines

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class FlowState:
    """What flow remembers between steps, all shape ``(n,)``.

    Attributes:
        pressure: interstitial fluid pressure p [Pa].
        largest: largest pressure seen, p_max [Pa].
        stored: fluid taken up by swelling since rest, e m [m3].
    """

    pressure: Floats
    largest: Floats
    stored: Floats


@dataclass(frozen=True, kw_only=True)
class FlowStep:
    """The flow of one step: its end state, and the rates that hold during it.

    Attributes:
        state: at the end of the step.
        flux: Darcy flow along each edge, tail to head [m3/s].
        symmetric: symmetric part of Galerkin convection on each edge [m3/s].
        conductivity: K of the cells [m2/(Pa s)].
        filtration: J per open vessel on the pairs [1/s].
        open_fraction: n on the pairs [-].
        vessels: fluid from blood per node [m3/s].
        lymph: fluid to lymph per node [m3/s].
        drained: fluid to lymph on the pairs, per volume of tissue [1/s].
        outflow: fluid leaving through the outer boundary per node [m3/s].
        net: what each node stores [m3/s].
        iterations: Newton.
        krylov: all linear iterations.
        effort: Newton iterations until the balance was nearly closed; the step control judges by it.
        along: what each node gains by lines [m3/s]; None without lines.
        displacement: u [m], shape ``(n, dimension)``, where it is solved for.
        supply: blood that reaches the vessels, where it is not the tissues' own.
        driven: fluid into each node by pulses whose rate depends on the pressure [m3/s].
        pulses: their numbers.
        filling: fluid that cavities take up at each node [m3/s]; None where none opens.
        pumped: what pumps bring to each node [m3/s].
    """

    state: FlowState
    flux: Floats
    symmetric: Floats
    conductivity: Floats
    filtration: Floats
    open_fraction: Floats
    vessels: Floats
    lymph: Floats
    drained: Floats
    outflow: Floats
    net: Floats
    iterations: int
    krylov: int
    effort: int = 0
    along: Floats | None = None
    displacement: Floats | None = None
    supply: BloodSupply | None = None
    driven: tuple[Floats, ...] = ()
    pulses: tuple[int, ...] = ()
    filling: Floats | None = None
    pumped: Floats | None = None

    @property
    def withdrawn(self) -> Floats | None:
        """Fluid that needles take out of each node [m3/s]; None where none does."""
        out = [np.maximum(-part, 0.0) for part in self.driven]
        return sum(out[1:], out[0]) if out else None

    @property
    def sucked(self) -> Floats | None:
        """Fluid that opening cavities take out of each node [m3/s]; None where none opens."""
        if self.filling is None or self.pumped is None:
            return None
        entering = sum((np.maximum(part, 0.0) for part in self.driven), self.pumped)
        return np.where(self.filling != 0.0, np.maximum(self.filling - entering, 0.0), 0.0)

    @property
    def taken(self) -> Floats | None:
        """Fluid that leaves each node for needles and cavities [m3/s]; None where none does."""
        withdrawn, sucked = self.withdrawn, self.sucked
        return withdrawn if sucked is None else sucked if withdrawn is None else withdrawn + sucked


def repeated(flow: FlowStep, state: FlowState, step: float) -> FlowStep:
    """A steady flow that its last step did not change any more, for one more step."""
    return replace(
        flow, state=replace(flow.state, stored=state.stored + step * flow.net), iterations=0, krylov=0
    )


def average(flow: FlowStep, past: FlowStep, share: float, where: tuple[Lines | None, Bools]) -> None:
    """Turn rates at the end of a step into mean rates over it, in place, but for lines: backward Euler.

    A gap that closes ejects what it holds at once; BDF2 would draw it back in.

    Args:
        flow: rates at the end, changed.
        past: mean rates of the last step.
        share: theta, the weight of the end [-].
        where: lines in the mesh, and nodes of fixed pressure.
    """
    lines, fixed = where
    if lines is None:
        return average_rates(flow, past, share)
    assert flow.along is not None and past.along is not None
    ends = [(flow.flux, lines.edges), (flow.symmetric, lines.edges), (flow.outflow, lines.node)]
    kept = [rates[place].copy() for rates, place in ends]
    average_rates(flow, past, share)
    for (rates, place), values in zip(ends, kept, strict=True):
        rates[place] = values
    change = (1 - share) * (flow.along - past.along)
    flow.outflow[fixed] += change[fixed]
    flow.net[:] += np.where(fixed, 0.0, change)
    return None


def average_rates(flow: FlowStep, past: FlowStep, share: float) -> None:
    """Turn rates at the end of a step into mean rates over it, in place.

    A vessel's filtration is averaged with its open fraction as weight, so that their product is the mean of
    the products, and stays within what blood flow allows.

    Args:
        flow: rates at the end, changed.
        past: mean rates of the last step.
        share: theta, the weight of the end [-].
    """
    product = mean(flow.open_fraction * flow.filtration, past.open_fraction * past.filtration, share)
    for now, before in (
        (flow.flux, past.flux),
        (flow.symmetric, past.symmetric),
        (flow.vessels, past.vessels),
        (flow.lymph, past.lymph),
        (flow.drained, past.drained),
        (flow.outflow, past.outflow),
        (flow.net, past.net),
        (flow.open_fraction, past.open_fraction),
        *zip(flow.driven, past.driven, strict=True),
    ):
        mean(now, before, share)
    np.divide(product, flow.open_fraction, out=flow.filtration, where=flow.open_fraction > 0)
