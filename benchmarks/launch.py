# SPDX-License-Identifier: MIT
"""Runs a command, notes its times and peak memory: ``python3 -m benchmarks.launch FACTS.json CMD...``."""

import json
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter


def main(facts: str, *command: str) -> int:
    """Run a command as a process of its own.

    Args:
        facts: file to write to: ``seconds`` from the start of the process to its end, ``cpu_seconds`` of the
            processor, which other jobs on the machine disturb less, and ``peak_MB``.
        command: what to run.

    Returns:
        Its exit code.
    """
    start = perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    noted = {
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_MB": usage.ru_maxrss / 1024,
    }
    Path(facts).write_text(json.dumps(noted), encoding="utf-8")
    return process.returncode


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
