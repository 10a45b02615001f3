# SPDX-License-Identifier: MIT
"""Vessels beside their momentary closure by pressure: killed by the agent, slow to reopen, fed together.

    n = n_p n_d,    dn_d/dt = -k_v C/(C + C_v) n_d,    L_p (1 + A (1 - n_d))

n_p follows the largest pressure of late: it closes along 1/(1 + exp((p - p_half)/w_n)), stays as it is while
the pressure falls by the gap h, and reopens along the same curve moved down by h (a play operator).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from solver.agent.processes import Acted, Condition, Stay
from solver.flow.balance import FlowBalance, resting_vessels
from solver.flow.exchange import BloodSupply, Vessels, exchange_fluid, open_vessel_fraction
from solver.parameters.model import Model
from solver.parameters.vessels import ChemicalClosure
from solver.tissue.discretisation import Discretisation
from solver.vessels.network import NetworkCirculation
from solver.vessels.perfusion import ROUNDS_AT_REST, Circulation, nodal_mean

Floats = NDArray[np.float64]

LASTING: Final = ("collapsed_volume_m3", "collapsed_unexposed_volume_m3", "amplification")
"""Of what is said about a cascade, that which is said of the time after too."""
NEVER_CLOSED: Final = -1e9
"""Below any pressure [Pa]."""


def intact_share(intact: Floats, concentration: Floats, law: ChemicalClosure, step: float) -> Floats:
    """n_d after a time in the agent, exactly for a constant concentration.

    Args:
        intact: n_d at the start [-].
        concentration: C, mean over the time [kg/m3].
        law: constants.
        step: length [s].
    """
    agent = np.maximum(concentration, 0.0)
    return np.asarray(intact * np.exp(-law.rate * step * agent / (agent + law.half_concentration)))


def closing_pressure(held: Floats, pressure: Floats, gap: float) -> Floats:
    """The pressure that vessels stand at as they close and reopen, at most a gap above the true one [Pa]."""
    return np.minimum(np.maximum(held, pressure), pressure + gap)


class VesselBed:
    """A process: what agent, history and one another's closure do to the vessels of the tissue.

    Its fields: ``intact_vessels`` n_d, ``closing_pressure`` [Pa], ``vessel_exposure`` (CT) [kg s/m3],
    ``open_vessel_fraction`` n, ``relative_perfusion`` (of that at rest), ``least_perfusion`` (its smallest so
    far), and those of the circulation.
    """

    flows: tuple[str, ...] = ()

    def __init__(self, data: Discretisation, model: Model, balance: FlowBalance, rest: Floats) -> None:
        assert model.vessels is not None
        self._data, self._model, self._balance = data, model.vessels, balance
        self._acts = model.physics.control is None
        self._rest, self._base = rest, resting_vessels(data)
        self._perfusion = data.materials.perfusion
        self._pressure = data.materials.vessel_pressure
        self._open_at_rest = self._open(self._base, rest)
        weight = data.pairs.volume * self._open_at_rest * self._perfusion
        self._flow_at_rest = data.halo.update(data.pairs.to_nodes(weight))
        self._inside = data.pairs.inside & (data.pairs.node < data.halo.owned)
        self.circulation: Circulation | NetworkCirculation | None = None
        if model.vessels.two_pressures is not None:
            resting = BloodSupply(perfusion=self._perfusion, pressure=self._pressure)
            law = model.vessels.two_pressures
            filtered = exchange_fluid(data.pairs.node, self._base, rest).vessels
            self.circulation = Circulation(data, law, resting, self._open_at_rest, data.halo.update(filtered))
        elif model.vessels.network is not None:
            resting = BloodSupply(perfusion=self._perfusion, pressure=self._pressure)
            self.circulation = NetworkCirculation(
                data, model.vessels.network, resting, self._open_at_rest, np.zeros_like(data.volume)
            )
        self.states = ("blood_through_tumour", *(self.circulation.states if self.circulation else ()))

    def start(self) -> Condition:
        """Vessels as they are at rest."""
        nodes = self._data.volume.size
        fields = {
            "intact_vessels": np.ones(nodes),
            "closing_pressure": np.full(nodes, NEVER_CLOSED),
            "vessel_exposure": np.zeros(nodes),
            "open_vessel_fraction": nodal_mean(self._data, self._open_at_rest),
            "relative_perfusion": np.ones(nodes),
            "least_perfusion": np.ones(nodes),
        }
        return {**fields, **(self.circulation.start() if self.circulation else {})}

    def prepare(self, condition: Condition, concentration: Floats, step: float) -> None:
        """Show the flow the vessels of its next step: n_d is that in its middle, as the agent is now.

        Args:
            condition: at the start of the step.
            concentration: C at the start [kg/m3].
            step: length [s].
        """
        if self._model.chemical is not None and self._acts:
            halfway = intact_share(
                condition["intact_vessels"], concentration, self._model.chemical, 0.5 * step
            )
            condition = {**condition, "intact_vessels": halfway}
        self._balance.vessels, self._balance.supply = self._now(condition)

    def act(self, before: Acted, stay: Stay) -> Acted:
        """Kill, close, reopen and redistribute for one step of the agent. Collective."""
        condition = dict(before.condition)
        pressure = stay.flow.state.pressure
        if self._acts:
            condition["vessel_exposure"] = condition["vessel_exposure"] + stay.step * before.mean
            if self._model.chemical is not None:
                condition["intact_vessels"] = intact_share(
                    condition["intact_vessels"], before.mean, self._model.chemical, stay.step
                )
        condition["closing_pressure"] = closing_pressure(
            condition["closing_pressure"], pressure, self._model.reopening_gap
        )
        rows: dict[str, float] = {}
        if self.circulation is not None:
            fitting = self.circulation.redistribute(condition, stay.flow.vessels, self._open_at(pressure))
            condition = dict(fitting)
            rows |= self.circulation.rows(condition)
        vessels, supply = self._now(condition)
        opened = self._open(vessels, pressure)
        flow = self._data.pairs.volume * opened * supply.perfusion
        condition["open_vessel_fraction"] = nodal_mean(self._data, opened)
        condition["relative_perfusion"] = self._relative(flow)
        condition["least_perfusion"] = np.minimum(
            condition["least_perfusion"], condition["relative_perfusion"]
        )
        rows["blood_through_tumour"] = float(flow[self._inside].sum())
        return replace(before, condition=condition, states=rows)

    def report(self, condition: Condition) -> Mapping[str, Any]:
        """What is left of the vessels, and whether more collapsed than was exposed (H8). Collective."""
        data, halo = self._data, self._data.halo
        inside = np.where(self._inside, data.pairs.volume, 0.0)
        tumour = data.pairs.to_nodes(inside)
        flow = data.pairs.to_nodes(inside * self._open_at_rest * self._perfusion)

        def mean(values: Floats, weight: Floats) -> float | None:
            total = halo.sum(weight)
            return halo.sum(weight * values) / total if total > 0 else None

        return {
            "vessels": {
                "open_fraction_tumour": mean(condition["open_vessel_fraction"], tumour),
                "intact_fraction_tumour": mean(condition["intact_vessels"], tumour),
                "perfused_fraction_tumour": mean(condition["relative_perfusion"], flow),
                "least_perfused_fraction_tumour": mean(condition["least_perfusion"], flow),
                **self._cascade(condition),
                "lasting": self._lasting(condition, flow),
            }
        }

    def _lasting(self, condition: Condition, weight: Floats) -> dict[str, Any]:
        """What is left for good: the same with the pressure back at rest, whatever it closed. Collective."""
        nodes = self._data.volume.size
        later = {**condition, "closing_pressure": np.full(nodes, NEVER_CLOSED)}
        if self.circulation is not None:
            filtered = self.circulation.filtered_at_rest
            opened = self._open_at(self._rest)
            later = dict(self.circulation.redistribute(later, filtered, opened, ROUNDS_AT_REST))
        vessels, supply = self._now(later)
        flow = self._data.pairs.volume * self._open(vessels, self._rest) * supply.perfusion
        later["relative_perfusion"] = self._relative(flow)
        halo, found = self._data.halo, self._cascade(later)
        total = halo.sum(weight)
        return {
            "perfused_fraction_tumour": halo.sum(weight * later["relative_perfusion"]) / total
            if total
            else None,
            **{key: found[key] for key in LASTING},
        }

    def _cascade(self, condition: Condition) -> dict[str, Any]:
        data, limit = self._data, self._model.collapsed_below
        fed = np.where(self._flow_at_rest > 0, data.volume, 0.0)
        exposed = condition["vessel_exposure"] >= self._model.exposed_dose
        collapsed = condition["relative_perfusion"] < limit
        sizes = {
            "exposed_volume_m3": fed * exposed,
            "collapsed_volume_m3": fed * collapsed,
            "collapsed_unexposed_volume_m3": fed * (collapsed & ~exposed),
            "ever_collapsed_volume_m3": fed * (condition["least_perfusion"] < limit),
        }
        out: dict[str, Any] = {name: data.halo.sum(size) for name, size in sizes.items()}
        ratio = out["collapsed_volume_m3"] / out["exposed_volume_m3"] if out["exposed_volume_m3"] else None
        return {
            "collapsed_below": limit,
            "exposed_dose_kg_s_m3": self._model.exposed_dose,
            **out,
            "amplification": ratio,
        }

    def _now(self, condition: Condition) -> tuple[Vessels, BloodSupply]:
        """Vessels and their supply in a condition."""
        base, node = self._base, self._data.pairs.node
        intact = condition["intact_vessels"][node]
        conductance, chemical = base.vessel_conductance, self._model.chemical
        if chemical is not None and chemical.leak > 0.0:
            conductance = conductance * (1.0 + chemical.leak * (1.0 - intact))
        vessels = base._replace(
            vessel_conductance=conductance,
            intact=intact,
            held=condition["closing_pressure"][node],
            gap=self._model.reopening_gap,
        )
        supply = BloodSupply(perfusion=self._perfusion, pressure=self._pressure)
        if self.circulation is None:
            return vessels, supply
        supply = self.circulation.supply(condition)
        change = supply.pressure - self._pressure
        capped = np.isfinite(base.supply)
        return vessels._replace(
            effective_vessel_pressure=base.effective_vessel_pressure + change,
            half_closed=base.half_closed + change,
            supply=np.where(capped, supply.perfusion, base.supply),
        ), supply

    def _open(self, vessels: Vessels, pressure: Floats) -> Floats:
        """Share n on the pairs at a nodal pressure [Pa]."""
        closing = closing_pressure(vessels.held, pressure[self._data.pairs.node], vessels.gap)
        share, _ = open_vessel_fraction(closing, vessels.half_closed, vessels.closure_width)
        return np.asarray(vessels.intact * share)

    def _open_at(self, pressure: Floats) -> Callable[[Condition], Floats]:
        """Share n on the pairs in a condition, at a nodal pressure [Pa]."""
        return lambda condition: self._open(self._now(condition)[0], pressure)

    def _relative(self, flow: Floats) -> Floats:
        """Blood flow of the pairs [m3/s] by node, over that at rest; 1 where there is none. Collective."""
        now, rest = self._data.pairs.to_nodes(flow), self._flow_at_rest
        return self._data.halo.update(np.divide(now, rest, out=np.ones_like(now), where=rest > 0))
