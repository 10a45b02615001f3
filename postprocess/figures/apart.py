# SPDX-License-Identifier: MIT
"""Drawing with VTK in a process of its own: a graphics driver that fails takes nothing with it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from postprocess.results.result import ResultError

SECONDS: Final = 600.0
"""How long the drawing process may take [s]."""


def draw_apart(module: str, asked: dict[str, Any], place: Path) -> Path:
    """Run ``python -m module request.json`` and wait for it.

    Args:
        module: what draws; it puts its pictures beside the request.
        asked: what to draw: ``folder``, the result, and whatever the module reads besides.
        place: an empty folder.

    Returns:
        The request.

    Raises:
        ResultError: when drawing failed or took too long; names the result's folder.
    """
    request = place / "request.json"
    request.write_text(json.dumps(asked), encoding="utf-8")
    known = os.environ.get("PYTHONPATH")
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, known] if known else [root])}
    command = [sys.executable, "-m", module, str(request)]
    try:
        done = subprocess.run(
            command, timeout=SECONDS, env=environment, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ResultError(f"{asked['folder']}: drawing in space took more than {SECONDS:.0f} s") from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ResultError(f"{asked['folder']}: drawing in space failed ({last})")
    return request
