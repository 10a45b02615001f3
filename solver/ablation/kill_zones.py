# SPDX-License-Identifier: MIT
"""Volumes that each channel of kill reaches, over bands of thresholds and priors, and what channels share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from meshes.cells.measures import cell_volumes
from meshes.regions import TUMOUR_REGIONS
from solver.ablation.clip import volume_above
from solver.parameters.chemistry import DrugEffect, Kill, Survival
from solver.tissue.discretisation import Discretisation

Floats = NDArray[np.float64]

BANDS: Final = ("smallest", "middle", "largest")


@dataclass(frozen=True, kw_only=True)
class Zone:
    """Where a channel kills, under one prior or threshold.

    Attributes:
        threshold: of the channel's field, in its unit; infinite where it kills nowhere.
        prior: what was assumed: the name of a number and its value.
        kill: killed share that the threshold stands for; None where the threshold is all that is known.
    """

    threshold: float
    prior: tuple[str, float]
    kill: float | None = None


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One way to die.

    Attributes:
        name: of the channel.
        measure: its field at the nodes, growing with the damage, shape ``(n,)``.
        zones: all that are asked for.
        decisive: those by which channels are set against one another, one per prior.
        survival: surviving share at the nodes by value of the prior; empty for thresholds without one.
        in_tumour: the field has no meaning outside the tumour.
    """

    name: str
    measure: Floats
    zones: tuple[Zone, ...]
    decisive: tuple[Zone, ...]
    survival: Mapping[float, Floats]
    in_tumour: bool = False

    @property
    def both(self) -> tuple[Floats, Floats]:
        """Its field as cells of the tumour see it, and those outside."""
        return self.measure, np.zeros_like(self.measure) if self.in_tumour else self.measure


def kill_report(data: Discretisation, kill: Kill, condition: Mapping[str, Floats]) -> dict[str, Any]:
    """Volumes by channel, prior and level; at the decisive level, what which channel killed. Collective.

    Args:
        data: static data.
        kill: channels.
        condition: their fields at the end.
    """
    cells = _OwnCells(data)
    channels = all_channels(kill, condition)
    shared = [_shared(cells, channels, band) for band in BANDS] if channels else []
    return {
        "decisive_level": kill.decisive,
        "zones": [entry for channel in channels for entry in _zones(cells, channel)],
        "tumour_survival": [entry for channel in channels for entry in _survival(cells, channel)],
        "by_channel": [entry for by_channel, _ in shared for entry in by_channel],
        "together": [together for _, together in shared],
    }


def all_channels(kill: Kill, condition: Mapping[str, Floats]) -> list[Channel]:
    """The channels that a model asks for, with their fields and thresholds."""
    out = []
    for name, survival in (("chick_watson", kill.chick_watson), ("hom", kill.hom)):
        if survival:
            out.append(_survival_channel(name, survival, kill, condition[f"{name}_exposure"]))
    if kill.drug:
        out.append(_drug_channel(kill.drug, kill, condition["drug_exposure"]))
    if kill.depletion:
        used = 1.0 - condition["reductant_left"]
        zones = tuple(Zone(threshold=1.0 - share, prior=("left_below", share)) for share in kill.depletion)
        out.append(_threshold_channel("depletion", used, zones))
    if kill.heat:
        zones = tuple(Zone(threshold=dose, prior=("cem43_s", dose)) for dose in kill.heat.doses)
        where = kill.heat.where == "tumour"
        out.append(_threshold_channel("heat", condition["thermal_dose"], zones, where))
    if kill.ischaemia:
        zones = tuple(Zone(threshold=time, prior=("longer_than_s", time)) for time in kill.ischaemia.times)
        where = kill.ischaemia.where == "tumour" and kill.ischaemia.open_fraction == 0.0
        out.append(_threshold_channel("ischaemia", condition["time_without_oxygen"], zones, where))
    return out


def survived(survival: Survival, time: float, exposure: Floats) -> Floats:
    """Surviving share after an exposure.

    Args:
        survival: the law.
        time: one of its times [s].
        exposure: J, the integral of C^(n/m) dt [(kg/m3)^(n/m) s].
    """
    return np.exp(-survival.rate(time) * exposure**survival.time_exponent)


def survived_drug(drug: DrugEffect, half: float, exposure: Floats) -> Floats:
    """Surviving share after a drug's AUC [kg s/m3], for one of its EC50 [kg/m3]."""
    ratio = (exposure / (half * drug.assay_time)) ** drug.hill
    return 1 - drug.largest * ratio / (1 + ratio)


def exposure_for(survival: Survival, time: float, level: float) -> float:
    """Exposure that kills a share of the cells, k_d J^m = -ln(1 - level), for one of the times [s]."""
    return float((-np.log1p(-level) / survival.rate(time)) ** (1 / survival.time_exponent))


def drug_exposure_for(drug: DrugEffect, half: float, level: float) -> float:
    """AUC that kills a share of the cells [kg s/m3]; infinite beyond the largest effect."""
    if level >= drug.largest:
        return np.inf
    return float(half * drug.assay_time * (level / (drug.largest - level)) ** (1 / drug.hill))


def _survival_channel(name: str, survival: Survival, kill: Kill, seen: Floats) -> Channel:
    def zone(time: float, level: float) -> Zone:
        return Zone(threshold=exposure_for(survival, time, level), prior=("tenth_left_s", time), kill=level)

    return Channel(
        name=name,
        measure=seen,
        zones=tuple(zone(time, level) for time in survival.times for level in kill.levels),
        decisive=tuple(zone(time, kill.decisive) for time in survival.times),
        survival={time: survived(survival, time, seen) for time in survival.times},
    )


def _drug_channel(drug: DrugEffect, kill: Kill, seen: Floats) -> Channel:
    def zone(half: float, level: float) -> Zone:
        threshold = drug_exposure_for(drug, half, level)
        return Zone(threshold=threshold, prior=("half_effect_kg_m3", half), kill=level)

    return Channel(
        name="drug",
        measure=seen,
        zones=tuple(zone(half, level) for half in drug.half_effect for level in kill.levels),
        decisive=tuple(zone(half, kill.decisive) for half in drug.half_effect),
        survival={half: survived_drug(drug, half, seen) for half in drug.half_effect},
    )


def _threshold_channel(
    name: str, measure: Floats, zones: tuple[Zone, ...], in_tumour: bool = False
) -> Channel:
    return Channel(name=name, measure=measure, zones=zones, decisive=zones, survival={}, in_tumour=in_tumour)


class _OwnCells:
    """The cells that this rank owns, in the tumour and outside, and their sums over all ranks."""

    def __init__(self, data: Discretisation) -> None:
        mesh = data.mesh
        owned, tags = mesh.cells[: mesh.owned_cells], mesh.cell_tags[: mesh.owned_cells]
        inside = np.isin(tags, list(TUMOUR_REGIONS))
        self._points, self._geometry, self._comm = mesh.points, mesh.geometry, mesh.comm
        self.parts = (owned[inside], owned[~inside])
        self._volumes = cell_volumes(mesh.points, self.parts[0], mesh.geometry)
        self.tumour = float(self._comm.allreduce(float(self._volumes.sum())))

    def above(self, both: tuple[Floats, Floats], threshold: float) -> tuple[float, float]:
        """Volume in the tumour and outside where a field reaches a threshold [m3]. Collective.

        Args:
            both: the field as cells of the tumour see it, and those outside.
            threshold: may be infinite.
        """
        found = [
            float(volume_above(self._points, cells, values, threshold, self._geometry).sum())
            if np.isfinite(threshold) and cells.size
            else 0.0
            for cells, values in zip(self.parts, both, strict=True)
        ]
        inside, outside = self._comm.allreduce(np.array(found))
        return float(inside), float(outside)

    def tumour_mean(self, values: Floats) -> float:
        """Mean of a nodal field over the tumour. Collective."""
        total = float((self._volumes * values[self.parts[0]].mean(axis=1)).sum())
        return float(self._comm.allreduce(total)) / self.tumour if self.tumour > 0 else 0.0


def _zones(cells: _OwnCells, channel: Channel) -> list[dict[str, Any]]:
    """Volumes of a channel for each prior and level."""
    zones = []
    for zone in channel.zones:
        inside, outside = cells.above(channel.both, zone.threshold)
        entry: dict[str, Any] = {"channel": channel.name, zone.prior[0]: zone.prior[1]}
        if zone.kill is not None:
            entry["kill"] = zone.kill
        entry |= {"volume_m3": inside + outside, "in_tumour_m3": inside, "outside_m3": outside}
        entry["coverage"] = inside / cells.tumour if cells.tumour > 0 else None
        zones.append(entry)
    return zones


def _survival(cells: _OwnCells, channel: Channel) -> list[dict[str, Any]]:
    """Surviving share of the tumour's cells under a channel alone, for each prior."""
    return [
        {"channel": channel.name, channel.zones[0].prior[0]: prior, "fraction": cells.tumour_mean(alive)}
        for prior, alive in channel.survival.items()
    ]


def _shared(
    cells: _OwnCells, channels: list[Channel], band: str
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What which channel killed: each at all, each alone; and all together: exactly one, more than one.

    Fields are compared as their ratio to the threshold, which is linear in each cell as the field is; where
    the zones of two channels end in the same cell their common part is known to the accuracy of that cell.
    """
    chosen = []
    for channel in channels:
        ordered = sorted(channel.decisive, key=lambda zone: -zone.threshold)
        chosen.append(ordered[{"smallest": 0, "middle": len(ordered) // 2, "largest": -1}[band]])
    margins = [_margins(channels, chosen, part) for part in (0, 1)]
    table = []
    for number, (channel, zone) in enumerate(zip(channels, chosen, strict=True)):
        rest = [np.delete(margin, number, axis=0).max(axis=0, initial=-1.0) for margin in margins]
        alone = [np.minimum(margin[number], -other) for margin, other in zip(margins, rest, strict=True)]
        table.append(
            {
                "band": band,
                "channel": channel.name,
                zone.prior[0]: zone.prior[1],
                "volume_m3": sum(cells.above(channel.both, zone.threshold)),
                "alone_m3": sum(cells.above((alone[0], alone[1]), 0.0)),
            }
        )
    ranked = [np.sort(margin, axis=0) for margin in margins]
    reached = sum(cells.above((ranked[0][-1], ranked[1][-1]), 0.0))
    several = sum(cells.above((ranked[0][-2], ranked[1][-2]), 0.0)) if len(channels) > 1 else 0.0
    together = {"band": band, "exactly_one_m3": reached - several, "more_than_one_m3": several}
    return table, {**together, "any_m3": reached}


def _margins(channels: list[Channel], zones: list[Zone], part: int) -> Floats:
    """Each field over its threshold, less one, for the tumour (0) or outside (1); shape ``(channels, n)``."""
    pairs = zip(channels, zones, strict=True)
    return np.array([np.clip(c.both[part] / zone.threshold - 1.0, -1.0, 1e6) for c, zone in pairs])
