# SPDX-License-Identifier: MIT
"""Where segmentations, meshes and tables lie that are not part of the repository; tests skip without them."""

import os
from pathlib import Path

SHARED = Path(os.environ.get("INFUSATE_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
