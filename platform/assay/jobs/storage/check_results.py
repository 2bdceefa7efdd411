"""What checks found, remembered: every check leaves a result, also when it passes, and the newest one counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, TypeAlias

from assay.errors import Location, WarehouseError
from assay.jobs.context import Context
from assay.statement import Insert, Statement

Judged: TypeAlias = tuple[str, float | None, str]  # status, value, message


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found on the days [first, last]. `status` is passed, failed or skipped; `message` says why.

    `value` is the number of rows that fail, or what the metric was.
    """

    kind: str
    subject: str
    check: str
    severity: str
    first: date
    last: date
    status: str
    value: float | None
    message: str
    location: Location | None = None

    @property
    def stops(self) -> bool:
        return self.status == "failed" and self.severity == "error"

    @property
    def warns(self) -> bool:
        return self.status == "failed" and self.severity == "warn"

    @property
    def days(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}..{self.last}"

    def as_dict(self) -> dict[str, Any]:
        found = asdict(self) | {"first": str(self.first), "last": str(self.last)}
        return {name: value for name, value in found.items() if name != "location"}


def record(context: Context, found: Sequence[Result], run: str) -> None:
    """Remember results. Recording twice changes nothing."""
    if not found:
        return
    names = ("kind", "subject", "check", "severity", "status", "value", "message")
    columns: dict[str, list[Any]] = {name: [getattr(each, name) for each in found] for name in names}
    columns |= {"first_day": [each.first for each in found], "last_day": [each.last for each in found]}
    columns |= {"run": [run] * len(found), "at": [context.now] * len(found)}
    token = f"{run}:{found[0].kind}:{found[0].subject}:{found[0].check}:{found[0].first}"
    context.engine.run(Insert(f"{context.database}.check_results", columns, "record checks", token))


def read(
    context: Context, kind: str, subjects: Collection[str], start: date, end: date, this_run: bool = False
) -> list[Result]:
    """The newest result per subject, check and days that touch [start, end); with `this_run`, of this moment only."""
    sql = f"""SELECT subject, check, severity, first_day, last_day, argMax((status, value, message), finished_at)
FROM {context.database}.check_results
WHERE kind = {{kind:String}} AND has({{subjects:Array(String)}}, subject)
  AND last_day >= {{first:Date}} AND first_day <= {{last:Date}}
  AND (NOT {{this_run:UInt8}} OR toUnixTimestamp64Micro(at) = {{at:Int64}})
GROUP BY subject, check, severity, first_day, last_day ORDER BY subject, first_day, check, severity"""  # noqa: S608 - a checked name
    parameters = {"kind": kind, "subjects": list(subjects), "first": start, "last": end - timedelta(days=1)}
    parameters |= {"this_run": int(this_run), "at": round(context.now.timestamp() * 1_000_000)}
    try:
        found = context.engine.run(Statement(sql, "read what checks found", parameters)).rows
    except WarehouseError as error:
        if error.diagnostics[0].code != "E506":  # a warehouse that was built before there were checks
            raise
        return []
    return [Result(kind, *row[:5], *row[5]) for row in found]
