# SPDX-License-Identifier: MIT
"""Fuzzes every reader: ``python3 -m benchmarks.fuzz.run --seed 1 --count 5000``; prints a table of outcomes.

Inputs run in child processes with a limit on time and memory, so that a crash of a library, a hang and a bomb
are outcomes like others. ``--only KIND --at N`` repeats one input in this process, with its traceback.
"""

import argparse
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, Final

from benchmarks.fuzz.judge import REFUSED, RIGHT
from benchmarks.fuzz.targets import TARGETS

TIME_LIMIT: Final = 20
"""Of one input [s]; a case file is read in a hundredth of it."""

MEMORY_LIMIT: Final = 3 * 2**30
"""Address space that a child may take beyond its parent, the libraries that it loads included [bytes]."""

GOOD: Final = (RIGHT, REFUSED)


class TimeUp(BaseException):
    """Raised in a child whose input took too long."""


def chance(kind: str, seed: int, number: int) -> Random:
    """The source of chance of one input: the same for the same seed, kind and number."""
    return Random(f"{kind} {seed} {number}")


def fuzz(kind: str, seed: int, numbers: range) -> Iterator[dict[str, Any]]:
    """Outcomes of inputs, each with number, outcome, seconds and, for findings, words."""
    following = numbers.start
    while following < numbers.stop:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            _child(kind, seed, range(following, numbers.stop), writer)
        os.close(writer)
        started = following
        for row in _rows(reader, child):
            if "outcome" in row:
                yield row
                following = row["number"] + 1
            else:
                started = row["number"]
        _, status = os.waitpid(child, 0)
        if following < numbers.stop:
            ended = (
                f"signal {os.WTERMSIG(status)}"
                if os.WIFSIGNALED(status)
                else f"exit {os.WEXITSTATUS(status)}"
            )
            outcome = "hang" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL else "crash"
            yield {"number": started, "outcome": outcome, "seconds": 0.0, "words": ended}
            following = started + 1


def _rows(reader: int, child: int) -> Iterator[dict[str, Any]]:
    """What a child says; one that is silent for too long is killed."""
    text = b""
    while True:
        ready, _, _ = select.select([reader], [], [], 2 * TIME_LIMIT + 30)
        if not ready:
            os.kill(child, signal.SIGKILL)
        part = os.read(reader, 65536)
        if not part:
            os.close(reader)
            return
        *lines, text = (text + part).split(b"\n")
        yield from map(json.loads, lines)


def _child(kind: str, seed: int, numbers: range, writer: int) -> None:
    """All inputs in turn, then the end of this process."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    signal.signal(signal.SIGALRM, _alarm)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_LIMIT, used + MEMORY_LIMIT))
    for number in numbers:
        os.write(writer, json.dumps({"number": number}).encode() + b"\n")
        row = outcome(kind, seed, number)
        os.write(writer, json.dumps(row).encode() + b"\n")
    os._exit(0)


def _alarm(number: int, frame: FrameType | None) -> None:
    raise TimeUp


def outcome(kind: str, seed: int, number: int) -> dict[str, Any]:
    """What came of one input."""
    target, _ = TARGETS[kind]
    started, words = time.perf_counter(), ""
    with tempfile.TemporaryDirectory(prefix="infusate-fuzz-") as folder:
        try:
            signal.setitimer(signal.ITIMER_REAL, TIME_LIMIT)
            found = target(chance(kind, seed, number), Path(folder))
        except TimeUp:
            found = "hang"
        except MemoryError:
            found = "memory"
        except BaseException as error:
            found = "wrong" if type(error).__name__ == "Wrong" else "traceback"
            last = traceback.extract_tb(error.__traceback__)[-1]
            words = f"{type(error).__name__}: {error} [{Path(last.filename).name}:{last.lineno}]"[:300]
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    return {"number": number, "outcome": found, "seconds": time.perf_counter() - started, "words": words}


def table(rows: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Kinds, counts and outcomes, as a table in Markdown."""
    lines = ["|kind|inputs|right|refused|traceback|wrong|hang|crash|memory|slowest [s]|", "|" + "---|" * 10]
    total: Counter[str] = Counter()
    slowest = 0.0
    for kind, found in [*rows.items()]:
        counts = Counter(row["outcome"] for row in found)
        total += counts
        slow = max((row["seconds"] for row in found), default=0.0)
        slowest = max(slow, slowest)
        lines.append(_line(kind, counts, slow))
    return [*lines, _line("all", total, slowest)]


def _line(kind: str, counts: Counter[str], slowest: float) -> str:
    names = (RIGHT, REFUSED, "traceback", "wrong", "hang", "crash", "memory")
    numbers = [sum(counts.values()), *(counts[name] for name in names)]
    return f"|{kind}|{'|'.join(map(str, numbers))}|{slowest:.1f}|"


def shares(count: int, kinds: list[str]) -> dict[str, int]:
    """Inputs of each kind."""
    whole = sum(TARGETS[kind][1] for kind in kinds)
    return {kind: max(1, round(count * TARGETS[kind][1] / whole)) for kind in kinds}


def main() -> int:
    """Fuzz, print findings as they come and the table at the end; 1 if there was a finding."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000, help="inputs in all")
    parser.add_argument("--only", action="append", choices=list(TARGETS), help="kind; repeatable")
    parser.add_argument("--at", type=int, help="repeat this one input of the kind, here")
    options = parser.parse_args()
    kinds = options.only or list(TARGETS)
    if options.at is not None:
        with tempfile.TemporaryDirectory(prefix="infusate-fuzz-") as folder:
            print(TARGETS[kinds[0]][0](chance(kinds[0], options.seed, options.at), Path(folder)))
        return 0
    rows: dict[str, list[dict[str, Any]]] = {}
    for kind, count in shares(options.count, kinds).items():
        rows[kind] = []
        for row in fuzz(kind, options.seed, range(count)):
            rows[kind].append(row)
            if row["outcome"] not in GOOD:
                print(f"{kind} {row['number']}: {row['outcome']}: {row['words']}", flush=True)
    print("\n".join(table(rows)))
    return int(any(row["outcome"] not in GOOD for found in rows.values() for row in found))


if __name__ == "__main__":
    sys.exit(main())
