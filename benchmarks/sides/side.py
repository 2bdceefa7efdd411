"""One side of a comparison: a process in an environment of its own, which is asked task by task."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.measure import ROOT, WORK, GateFailed, Row, Timing, at_least, gate

# Every side computes on one thread; engines (chDB, DuckDB, Polars) keep their own threads, and all are counted.
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
THREADS = "Every side computes on one thread; engines keep theirs, and all are counted."
_LINEAR = 0.3  # how far twice the work may be from twice the time


@dataclass(frozen=True, slots=True)
class Peer:
    """Packages in an environment below `target/benchmarks/`, and the module here that speaks for them."""

    name: str
    module: str
    packages: tuple[str, ...]

    def python(self) -> Path:
        """The interpreter, installed once. Raises GateFailed when a package cannot be had."""
        home = WORK / self.module
        marker, python = home / "packages.txt", home / "bin" / "python"
        wanted = "\n".join(self.packages)
        if marker.exists() and marker.read_text("utf-8") == wanted:
            return python
        shutil.rmtree(home, ignore_errors=True)
        try:
            for command in ([sys.executable, "-m", "venv", home], [python, "-m", "pip", "install", *self.packages],
                            [python, "-m", "compileall", "-q", home / "lib"]):  # fmt: skip
                subprocess.run(command, check="compileall" not in command, capture_output=True)
        except subprocess.CalledProcessError as error:
            raise GateFailed(f"{self.name} cannot be installed: {error.stderr.decode()[-500:]}") from error
        marker.write_text(wanted, "utf-8")
        return python

    def side(self) -> Side:
        return Side(self.python(), self.module)

    @property
    def versions(self) -> dict[str, str]:
        """Package → version, as pinned."""
        return dict(re.split(r"(?:\[.*\])?==", each) for each in self.packages)


@dataclass(frozen=True, slots=True)
class Reply:
    """CPU and wall seconds of one run of a task, the peak memory of its process meanwhile, and what it found."""

    seconds: float
    wall: float
    megabytes: float
    answer: Any


class Side:
    """Start with `with`; `ask` prepares a task the first time and measures it every time."""

    def __init__(self, python: Path, module: str) -> None:
        self._command = [python, "-m", f"benchmarks.sides.{module}"]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, env=os.environ | _ONE_THREAD, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.communicate()

    def ask(self, task: str, times: int = 1, **arguments: Any) -> Reply:
        """Raises GateFailed with what went wrong on the other side."""
        assert self._process is not None, "a side answers inside `with`"
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"task": task, "arguments": arguments, "times": times}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        gate(bool(line), f"{self._command[-1]} ended during {task}")
        reply = json.loads(line)
        gate("error" not in reply, f"{self._command[-1]}, {task}: {reply.get('error')}")
        return Reply(**reply)


@dataclass(frozen=True, slots=True)
class Part:
    """A share of a long run: `size` repetitions of `whole`, counted by the task's argument `count`."""

    count: str
    size: int
    whole: int


Ask = Callable[[], Reply]


def turns(runs: int, *asks: Ask) -> list[list[Reply]]:
    """The replies of each side, which take turns; one more run before them warms up."""
    replies = [[ask() for ask in asks] for _ in range(runs + 1)]
    return [list(each) for each in zip(*replies[1:], strict=True)]


def timing(replies: Sequence[Reply]) -> Timing:
    return Timing.of([reply.seconds for reply in replies])


def scaled(side: Side, task: str, part: Part, **arguments: Any) -> list[Reply]:
    """Replies as if the whole had been run, from a part and from twice as much, which must cost twice as much.

    Each is run twice after a warm-up; the shorter ones are compared, which a busy machine disturbs least.
    """
    sizes = [part.size, 2 * part.size] * 2
    replies = [side.ask(task, **arguments, **{part.count: size}) for size in (part.size, *sizes)][1:]
    once, twice = (min(reply.seconds for reply in replies[at::2]) for at in (0, 1))
    gate(abs(twice / once / 2 - 1) < _LINEAR, f"{task}: {part.size} cost {once:.2f} s, twice as many {twice:.2f} s")
    return [
        replace(reply, seconds=reply.seconds * part.whole / size, wall=reply.wall * part.whole / size)
        for reply, size in zip(replies, sizes, strict=True)
    ]


def within(name: str, peer_name: str, ours: Sequence[Reply], peer: Sequence[Reply], seconds: float) -> Row:
    """A row whose target is a number of CPU seconds, whatever the peer needs."""
    row = at_least(name, peer_name, timing(ours), timing(peer))
    return replace(row, target=f"≤ {seconds:g} s", met=row.ours.median <= seconds)


def beside(
    name: str, peer_name: str, seconds: float, mine: Ask, theirs: Callable[[], list[Reply]], runs: int = 5
) -> Row:
    """A row for a peer that is too slow to take turns: our runs follow its at once."""
    replies = theirs()
    return within(name, peer_name, turns(runs, mine)[0], replies, seconds)


def started(stack: ExitStack, *peers: Peer) -> tuple[dict[str, Side], dict[str, str]]:
    """The sides of the peers that can be installed, and why the others cannot."""
    sides, missing = dict[str, Side](), dict[str, str]()
    for peer in peers:
        try:
            sides[peer.name] = stack.enter_context(peer.side())
        except GateFailed as error:
            missing[peer.name] = str(error)
    return sides, missing


def ours() -> Side:
    return Side(Path(sys.executable), "ours")
