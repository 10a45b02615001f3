# SPDX-License-Identifier: MIT
"""A small share of the fuzzer's inputs, each kind; and hypothesis on cases made from the schema.

``python3 -m benchmarks.fuzz.run`` runs thousands; docs/reliability.md has the outcomes.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fuzz import targets
from benchmarks.fuzz.run import GOOD

pytestmark = pytest.mark.serial

ROOT = Path(__file__).parents[1]
MADE_UP = """
import json, os
from benchmarks.fuzz import run, targets

def target(random, folder):
    number = random.randrange(5)
    if number == 0:
        raise KeyError("x")
    targets.require(number != 1, "no")
    if number == 2:
        os.abort()
    return targets.REFUSED if number == 3 and bytes(2**40) else targets.RIGHT

targets.TARGETS["made up"] = (target, 1.0)
print(json.dumps(list(run.fuzz("made up", 1, range(25)))))
"""


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A process without threads and MPI, from which children are forked."""
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_every_outcome_is_right_or_refused() -> None:
    done = python("-m", "benchmarks.fuzz.run", "--seed", "2026", "--count", "300")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("|all|30"), done.stdout


@pytest.mark.parametrize("target", [targets.valid_cases, targets.nearly_valid_cases, targets.mutilated_text])
def test_cases_that_hypothesis_makes(target: targets.Target) -> None:
    @settings(max_examples=40, deadline=None)
    @given(st.randoms(use_true_random=False))
    def tried(random: Random) -> None:
        with tempfile.TemporaryDirectory() as folder:
            assert target(random, Path(folder)) in GOOD

    tried()


def test_the_fuzzer_notices() -> None:
    """Tracebacks, wrong answers, crashes and bombs are told from one another, and the rest goes on."""
    rows = json.loads(python("-c", MADE_UP).stdout)
    assert [row["number"] for row in rows] == list(range(25))
    assert {row["outcome"] for row in rows} == {"traceback", "wrong", "crash", "memory", "right"}
