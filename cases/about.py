# SPDX-License-Identifier: MIT
"""Name, version and intended use: what every summary, report and ``--version`` states."""

from typing import Final

VERSION: Final = "0.1.0"

NOTICE: Final = (
    "Research use only. Not a medical device; not cleared or approved by any authority; "
    "not for diagnosis, treatment planning or any decision about a patient."
)
