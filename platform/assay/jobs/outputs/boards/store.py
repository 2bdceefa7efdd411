"""How tables for BI tools are stored: whole, in one step."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from assay.engine.publish import Whole, exchange
from assay.jobs.context import Context
from assay.statement import Insert, Statement, Table


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What was stored: the local days [start, end)."""

    table: str
    rows: int
    start: date
    end: date

    def as_dict(self) -> dict[str, Any]:
        return {"table": self.table, "rows": self.rows, "from": str(self.start), "to": str(self.end)}


def replace(
    context: Context, table: str, create: Callable[[str], Statement], columns: Mapping[str, Sequence[Any]]
) -> None:
    """Put new rows in the place of a table's; `create` makes it under any name."""
    target = f"{context.database}.{table}"

    def fill(stage: str) -> list[Insert]:
        rows = any(columns.values())
        return [Insert(stage, columns, f"fill {target}", uuid.uuid4().hex)] if rows else []

    work = Whole(target, create, fill, _no_checks, f"refresh {target}")
    exchange(context.engine, work, uuid.uuid4().hex[:12], _verified)


def _no_checks(_stage: str) -> list[Statement]:
    """The rows were checked where they come from."""
    return []


def _verified(_statement: Statement, _found: Table) -> None:
    """Nothing to verify, as above."""
