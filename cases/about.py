# SPDX-License-Identifier: MIT
"""Name, version and intended use: what every summary, report and ``--version`` states."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

VERSION: Final = "0.1.0"

NOTICE: Final = (
    "Research use only. Not a medical device; not cleared or approved by any authority; "
    "not for diagnosis, treatment planning or any decision about a patient."
)


def state_folder() -> Path:
    """Name the folder of what is kept about a user, ``$XDG_STATE_HOME/infusate``."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".local" / "state") / "infusate"


def remind_once(folder: Path) -> None:
    """State the intended use on the terminal before somebody's first run, and never again.

    Args:
        folder: of this user, in which is kept that it was said; where that fails, it is said each time.
    """
    said = folder / "intended-use-stated"
    if said.exists():
        return
    print(NOTICE, file=sys.stderr, flush=True)
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        said.touch()
