# SPDX-License-Identifier: MIT
"""The verdicts of a target of the fuzzer."""

RIGHT, REFUSED = "right", "refused"


class Wrong(AssertionError):
    """An answer that the oracle does not accept."""


def require(condition: bool, what: str) -> None:
    """Raises `Wrong` with what is wrong unless a condition holds."""
    if not condition:
        raise Wrong(what)
