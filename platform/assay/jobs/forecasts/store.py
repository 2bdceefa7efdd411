"""What was forecast, kept: a run per metric and first day, with its points. A repeated run replaces the earlier one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from hashlib import blake2b
from importlib.metadata import version
from math import isfinite
from typing import Any

from assay.errors import WarehouseError
from assay.jobs.context import Context
from assay.jobs.storage import builds
from assay.statement import Insert, Statement, Table

_TOLD = (
    "forecast", "metric", "made", "model", "published", "why", "error", "score", "unseen", "baseline",
    "baseline_score", "coverage", "level", "history", "meaning",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Point:
    """One day ahead, with its interval."""

    day: date
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Run:
    """A forecast that was made; the columns of `forecast_runs` say what is what."""

    forecast: str
    metric: str
    made: date
    model: str
    published: bool
    why: str
    error: str
    score: float
    unseen: float
    baseline: str
    baseline_score: float
    coverage: float
    level: float
    history: date
    meaning: str
    points: tuple[Point, ...]
    body: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The contract of `forecast run`."""
        told = {name: _finite(getattr(self, name)) for name in _TOLD}
        days = {"made": str(self.made), "history": str(self.history), "why": self.why or None}
        points = [asdict(each) | {"day": str(each.day)} for each in self.points]
        return told | days | {"points": points} | self.body


def _finite(value: Any) -> Any:
    """An error without end, such as a percentage of zeros, is none."""
    return None if isinstance(value, float) and not isfinite(value) else value


def keep(context: Context, made: Run) -> None:
    """Store a forecast: its points first, so that a run that can be read has all of them."""
    builds.prepare(context)
    run = _hash(made)
    points: dict[str, list[Any]] = {
        name: [value] * len(made.points)
        for name, value in {"forecast": made.forecast, "metric": made.metric, "made": made.made, "run": run}.items()
    }
    points |= {name: [getattr(each, name) for each in made.points] for name in ("day", "mean", "low", "high")}
    row = {name: [getattr(made, name)] for name in _TOLD} | {
        "run": [run], "at": [context.now], "version": [version("assay-platform")], "body": [json.dumps(made.body)],
    }  # fmt: skip
    token = f"{run}:{context.now.isoformat()}"
    context.engine.run(Insert(f"{context.database}.forecast_points", points, "store a forecast", token))
    context.engine.run(Insert(f"{context.database}.forecast_runs", row, "store a forecast", token))


def _hash(made: Run) -> str:
    """Of all but how long it took, so that the same forecast is the same run."""
    candidates = [each | {"seconds": None} for each in made.body["candidates"]]
    body = json.dumps(made.as_dict() | {"candidates": candidates}, sort_keys=True, default=str)
    return blake2b(body.encode(), digest_size=8).hexdigest()


def runs(context: Context, forecast: str) -> list[Run]:
    """The stored runs of a forecast by metric, oldest first; nothing before the first one."""
    return _runs(context, "forecast = {name:String}", forecast)


def published(context: Context, metric: str) -> list[Run]:
    """What was published about a metric, oldest first."""
    return _runs(context, "metric = {name:String} AND published", metric)


def _runs(context: Context, where: str, name: str) -> list[Run]:
    sql = f"""SELECT {", ".join(_TOLD)}, run, body FROM {context.database}.forecast_runs FINAL
WHERE {where} ORDER BY metric, made, at, forecast"""  # noqa: S608 - checked names
    found = list(_read(context, sql, {"name": name}).dicts())
    points = _points(context, sorted({row["run"] for row in found}))
    return [_run(row, points.get(row["run"], ())) for row in found]


def latest(context: Context, forecast: str) -> list[Run]:
    """The newest run of each metric, published or not."""
    return list({run.metric: run for run in runs(context, forecast)}.values())


def _points(context: Context, runs: Sequence[str]) -> dict[str, Sequence[Point]]:
    sql = f"""SELECT run, day, mean, low, high FROM {context.database}.forecast_points FINAL
WHERE has({{runs:Array(String)}}, run) ORDER BY run, day"""  # noqa: S608 - a checked name
    found: dict[str, list[Point]] = {}
    for run, *point in _read(context, sql, {"runs": runs}).rows if runs else ():
        found.setdefault(run, []).append(Point(*point))
    return {run: tuple(points) for run, points in found.items()}


def _read(context: Context, sql: str, parameters: dict[str, Any]) -> Table:
    try:
        return context.engine.run(Statement(sql, "read forecasts", parameters))
    except WarehouseError as error:
        if error.diagnostics[0].code != "E506":  # nothing was ever stored here
            raise
        return Table()


def _run(row: dict[str, Any], points: Sequence[Point]) -> Run:
    told = {name: row[name] for name in _TOLD} | {"published": bool(row["published"])}
    return Run(**told, points=tuple(points), body=json.loads(row["body"]))
