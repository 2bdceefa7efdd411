"""Kills commands with SIGKILL, over and over, and tells what they left behind and what the next one made of it.

    kills.py FOLDER RUNS SEED      prints one JSON object a run

The first process imports everything but chDB, and each command runs in a fork of it, as users type it, over a copy of
one small project. Every second run dies at a statement (before or after it, evenly over all of them), the others at a
random moment. Another process then looks at what is there, runs the same command again, and looks once more.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import clickhouse_connect  # noqa: F401 - so that no child has to import it, as what follows
import matplotlib.figure  # noqa: F401
import scipy.stats  # noqa: F401

from assay.cli import common, main
from assay.engine.clickhouse import ClickHouse
from assay.project import Project
from tests.crash import world
from tests.crash.world import Told

SAID = "said.txt"  # the standard output of all processes of a run


def project(folder: Path) -> Project:
    return Project.load(folder)


def prepare(folder: Path) -> None:
    """The project with its rows, and with the days that were stored before late rows came."""
    settings = "name: shop\ntimezone: UTC\nwarehouse: {dsn: chdb://target/warehouse, database: assay}\n"
    for path, text in {"project.yaml": settings, **world.FILES}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text.replace("RAW", "raw"))
    with project(folder).open(world.NOW) as context:

        def write(sql: str) -> None:
            context.engine.run(world.Statement(sql.replace("RAW", "raw"), "load", writes=True))

        world.load(write)
        world.first_days(context)
        write(world.LATE)


def copy(base: Path, folder: Path, command: str) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder, symlinks=True)  # chDB has some of its own
    for path, text in world.ANOTHER.items() if command == "apply" else ():
        (folder / path).write_text(text)
    return folder


def typed(folder: Path, command: str) -> None:
    """What a user types, at the moment of the project."""
    common.now = lambda: world.NOW
    name, *rest = world.TYPED[command]
    with (folder / SAID).open("a") as said:
        os.dup2(said.fileno(), 1)
        sys.stdout = said
        try:
            main.main([name, *rest, "-p", str(folder)], standalone_mode=False)
        finally:
            sys.stdout = sys.__stdout__


def look(folder: Path) -> Told:
    """What is stored, by whoever opens it next: nothing half is left by then."""
    with project(folder).open(world.NOW) as context:
        return world.told(context) | {"unfinished": world.unfinished(context)}


@dataclass(frozen=True, slots=True)
class Watched:
    """Counts the statements of this process, and kills it at one: `kill` is its number and whether it is executed."""

    kill: tuple[int, bool] | None
    begun: int  # a pipe that gets a byte at the first statement

    def install(self) -> Callable[[], tuple[int, float]]:
        """Returns what tells the number of statements so far, and when the first one was."""
        once, count, first = ClickHouse._once, 0, 0.0

        def watched(engine: ClickHouse, *arguments: Any) -> Any:
            nonlocal count, first
            count += 1
            if count == 1:
                first = time.perf_counter()
                os.write(self.begun, b".")
            if self.kill == (count, False):
                os.kill(os.getpid(), signal.SIGKILL)
            found = once(engine, *arguments)
            if self.kill == (count, True):
                os.kill(os.getpid(), signal.SIGKILL)
            return found

        ClickHouse._once = watched  # type: ignore[method-assign]
        return lambda: (count, first)


def forked(work: Callable[[], Any]) -> Any:
    """The answer of a child process; chDB lives and dies in it. Raises RuntimeError if it does not come."""
    read, write = os.pipe()
    if not (pid := os.fork()):
        try:
            answer = json.dumps(work()).encode()
            while answer:
                answer = answer[os.write(write, answer) :]
            os._exit(0)
        except BaseException as error:
            sys.stderr.write(f"{error!r}\n")
            os._exit(1)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        answer = pipe.read()
    if os.waitpid(pid, 0)[1]:
        raise RuntimeError("a process failed")
    return json.loads(answer)


def killed(folder: Path, command: str, kill: tuple[int, bool] | None, seconds: float) -> bool:
    """Run the command until it dies, at the statement `kill` or `seconds` after its first one; whether it did."""
    read, write = os.pipe()
    if not (pid := os.fork()):
        try:
            Watched(kill, write).install()
            typed(folder, command)
            os._exit(0)
        except BaseException as error:
            sys.stderr.write(f"{error!r}\n")
            os._exit(1)
    os.close(write)
    os.read(read, 1)
    os.close(read)
    if kill is None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1] == signal.SIGKILL


def undisturbed(folder: Path, command: str) -> Told:
    """What the command leaves when nothing happens to it, with the number of its statements and its seconds."""

    def work() -> Told:
        before = look(folder)["states"]
        count = Watched(None, os.open(os.devnull, os.O_WRONLY)).install()
        typed(folder, command)
        statements, first = count()
        seconds = time.perf_counter() - first
        return {"before": before, "after": look(folder), "statements": statements, "seconds": seconds}

    return dict(forked(work)) | {"said": said(folder), "files": outbox(folder)}


def healed(folder: Path, command: str) -> Told:
    def work() -> Told:
        left = look(folder)
        typed(folder, command)
        return {"left": left, "after": look(folder)}

    return dict(forked(work))


def said(folder: Path) -> list[str]:
    """The alerts on the standard output, by their first lines."""
    path = folder / SAID
    lines = path.read_text().splitlines() if path.exists() else []
    return sorted(line for line in lines if line.startswith("silence: ") or "possible repeat" in line)


def outbox(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "outbox").glob("[!.]*"))


def run(base: Path, folder: Path, command: str, wanted: Told, at: float, chance: random.Random) -> Told:
    """One life of the command. `at`, from 0 to 1, is where it dies; what is wrong afterwards is in `wrong`."""
    copy(base, folder, command)
    by_statement = chance.random() < 0.5
    kill = (1 + int(at * wanted["statements"]), chance.random() < 0.5) if by_statement else None
    died = killed(folder, command, kill, at * wanted["seconds"])
    found = healed(folder, command)
    after, right = found["after"], wanted["after"]
    wrong = [f"torn: {each}" for each in world.torn(found["left"]["states"], wanted["before"], right["states"])]
    wrong += [f"differs: {name}" for name in right if name != "ledger" and after[name] != right[name]]
    wrong += [f"ledger: {key} is {state}" for key, state in after["ledger"].items() if state not in ("sent", "unknown")]
    wrong += [f"twice: {line}" for line in set(said(folder)) if said(folder).count(line) > wanted["said"].count(line)]
    wrong += [] if outbox(folder) == wanted["files"] else ["the outbox differs"]
    lost = len(wanted["said"]) - len(said(folder))
    shutil.rmtree(folder)
    return {"command": command, "kill": kill, "at": at, "killed": died, "wrong": wrong, "lost": lost}


def runs(folder: Path, many: int, seed: int) -> Iterator[Told]:
    chance = random.Random(seed)
    forked(lambda: prepare(folder / "base"))
    commands = list(world.COMMANDS)[: max(many, 1)]
    wanted = {each: undisturbed(copy(folder / "base", folder / each, each), each) for each in commands}
    for number, command in enumerate(islice(cycle(commands), many)):
        # evenly over the command, and not at the same places for each
        at = (number // len(commands) + chance.random()) / -(-many // len(commands))
        yield run(folder / "base", folder / f"run{number}", command, wanted[command], min(at, 0.999), chance)


if __name__ == "__main__":
    for found in runs(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])):
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()
