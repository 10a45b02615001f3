# SPDX-License-Identifier: MIT
"""Random numbers of the claims: one seed for all of them, which the record states."""

from typing import Final

import numpy as np

SEED: Final = 11


def generator(part: int = 0) -> np.random.Generator:
    """Random numbers that are the same each time.

    Args:
        part: of what is drawn; each has numbers of its own.
    """
    return np.random.default_rng((SEED, part))
