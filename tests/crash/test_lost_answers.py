"""A connection that breaks, or a client that dies, at any write of a command: the next one leaves what was wanted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from assay.engine import Engine
from assay.errors import AssayError, WarehouseError
from assay.jobs.context import Context
from assay.project import Project
from assay.statement import Insert, Statement, Table
from tests.crash import page, world
from tests.crash.world import COMMANDS


class Died(BaseException):
    """The client is gone; nothing that it does after this reaches the server."""


@dataclass
class Cut:
    """An engine whose `at`-th write gets no answer. `executed`: the server had done it. `dead`: so has the client."""

    engine: Engine
    at: int
    executed: bool
    dead: bool
    writes: int = field(default=0)

    def run(self, statement: Statement | Insert) -> Table:
        writes = isinstance(statement, Insert) or statement.writes
        self.writes += writes
        if self.dead and self.writes > self.at >= 0:
            raise Died
        if not writes or self.writes != self.at + 1:
            return self.engine.run(statement)
        if self.executed:
            self.engine.run(statement)
        raise WarehouseError.of("E504", "The connection broke.", why="A test.", fix="Run it again.")


class Again:
    """A project that can be put back to how it was before the command, with late rows to read."""

    def __init__(self, shop: Any) -> None:
        self._shop, self._kept = shop, f"kept_{shop.raw}"
        shop.write("DROP DATABASE RAW")
        world.load(shop.write)
        world.first_days(shop.context)
        shop.write(f"CREATE DATABASE {self._kept}")
        self._copy(shop.context.database, self._kept)
        shop.write(world.LATE)

    def _copy(self, source: str, target: str) -> None:
        sql = "SELECT name FROM system.tables WHERE database = {database:String}"
        for (name,) in self._shop.rows(sql, database=target):
            self._shop.write(f"DROP TABLE {target}.{name} SYNC")
        for (name,) in self._shop.rows(sql, database=source):
            self._shop.write(f"CREATE TABLE {target}.{name} CLONE AS {source}.{name}")

    def context(self, command: str) -> Context:
        """As it was, with the definitions that the command is about."""
        context: Context = self._shop.context
        self._copy(self._kept, context.database)
        for folder in ("target", "outbox"):
            shutil.rmtree(context.root / folder, ignore_errors=True)
        for path, text in world.ANOTHER.items():
            (context.root / path).write_text(text if command == "apply" else "")
        return replace(context, catalog=Project.load(context.root).catalog)


@pytest.fixture(scope="module")
def again(lab: Any) -> Again:
    return Again(lab.shop(dict(world.FILES), {}, now=world.NOW))


def _cuts(name: str, writes: int) -> Iterator[tuple[int, bool, bool]]:
    """All of them in the long mode; otherwise a few that are spread over the command.

    An alert that cannot read its slot tells people that data is missing: only a client that dies says nothing.
    """
    ends = (True,) if name == "alert" else (False, True)
    every = [(at, executed, dead) for at in range(writes) for executed in (False, True) for dead in ends]
    step = 1 if os.environ.get("ASSAY_CRASH_RUNS") else max(1, len(every) // 3) | 1
    return iter(every[::step])


@pytest.fixture(scope="module")
def tally() -> Iterator[dict[str, tuple[int, int]]]:
    """Command: its writes, and how often an answer was lost; kept in the page when all commands were tried."""
    found: dict[str, tuple[int, int]] = {}
    yield found
    if found.keys() == COMMANDS.keys():
        rows = [(f"`{name}`", str(writes), str(lost), "0") for name, (writes, lost) in found.items()]
        page.keep("lost", page.table(("command", "writes", "answers lost", "wrong after the next"), rows))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", COMMANDS)
def test_whatever_is_lost_the_next_command_leaves_what_was_wanted(
    again: Again, tally: dict[str, tuple[int, int]], name: str
) -> None:
    command, context = COMMANDS[name], again.context(name)
    before, counting = world.days(context), Cut(context.engine, -2, False, False)
    command(replace(context, engine=counting))
    wanted = world.told(context)
    cuts = list(_cuts(name, counting.writes))
    for at, executed, dead in cuts:
        context = again.context(name)
        cut = Cut(context.engine, at, executed, dead)
        with suppress(AssayError, Died):  # a run that goes on without the write says so in its outcome
            command(replace(context, engine=cut))
        assert cut.writes > at, "it must get there, or it shows nothing"
        assert world.torn(world.days(context), before, wanted["states"]) == [], (at, executed, dead)
        command(context)
        found = world.told(context)
        assert [each for each in wanted if found[each] != wanted[each]] == [], (at, executed, dead)
    tally[name] = (counting.writes, len(cuts))
