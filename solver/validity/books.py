# SPDX-License-Identifier: MIT
"""How far the books of a run may be from closed."""

from typing import Final

LEDGER_LIMIT: Final = 1e-10
"""Residual of a ledger over what was injected."""
