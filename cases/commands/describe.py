# SPDX-License-Identifier: MIT
"""What a case will do, in a few lines."""

from cases.case import Case
from cases.reading.resolve import case_hash
from meshes.geometry import MeshGeometry, ParametricGeometry


def description(case: Case) -> dict[str, str]:
    """Facts of a case by name, as texts for people."""
    geometry, model = case.geometry, case.model
    if isinstance(geometry, ParametricGeometry):
        axes = " x ".join(f"{1e3 * axis:g}" for axis in geometry.semi_axes)
        domain = 1e3 * geometry.domain_radius
        where = f"{geometry.kind}, tumour with semi-axes {axes} mm in a ball of {domain:g} mm"
    elif isinstance(geometry, MeshGeometry):
        named = ", ".join(f"{name} is {region}" for name, region in geometry.regions.items())
        where = f"3d, mesh {geometry.path.name} in units of {geometry.length:g} m: {named}"
    else:
        where = f"3d, tumour from {', '.join(mask.path.name for mask in geometry.tumour)}"
    volume = sum(pulse.volume for pulse in model.injections)
    mass = sum(pulse.volume * pulse.concentration for pulse in model.injections)
    sizes = geometry.sizes
    return {
        "name": case.name,
        "title": case.title,
        "geometry": where,
        "tissues": ", ".join(tissue.name for tissue in model.tissues.values()),
        "agent": f"{model.agent.name}, k = {model.agent.reaction_rate:g} 1/s",
        "injection": f"pulses: {len(model.injections)}, sites: {len(geometry.sites)}, {1e6 * volume:g} mL, "
        f"{1e6 * mass:g} mg of agent",
        "end": f"{model.schedule.end:g} s",
        "mesh": f"edges of {1e3 * sizes.tip:.3g} mm at the tip, {1e3 * sizes.front:.3g} mm along the front, "
        f"{1e3 * sizes.surface:.3g} mm on the tumour, {1e3 * sizes.far:.3g} mm far away",
        "hash": case_hash(case),
    }
