# SPDX-License-Identifier: MIT
"""Which processes a model switches on: the one list of all of them, in the order in which they act."""

from solver.ablation.kill import KillClocks
from solver.agent.line_books import LineBooks
from solver.agent.processes import Process
from solver.agent.viscosity import Mixture
from solver.agent.withdrawal import Withdrawal
from solver.chemistry.reactions import Reactions
from solver.parameters.model import Model
from solver.tissue.discretisation import Discretisation


def build_processes(
    data: Discretisation, model: Model, vessels: tuple[Process, ...] = ()
) -> tuple[Process, ...]:
    """The processes that a model switches on: chemistry, then vessels, then what kill is counted by.

    Args:
        data: static data.
        model: what is simulated.
        vessels: what happens to vessels, which the solver of the flow shares.
    """
    reactions = (Reactions(data, model, model.chemistry),) if model.chemistry else ()
    needles: tuple[Process, ...] = ()
    if any(pulse.drive is not None for pulse in model.injections):
        needles += (Withdrawal(data),)
    if model.physics.viscosity:
        needles += (Mixture(data, model),)
    lines = (LineBooks(data, data.lines),) if data.lines is not None else ()
    clocks = (KillClocks(data, model.kill),) if model.kill else ()
    return (*lines, *reactions, *needles, *vessels, *clocks)
