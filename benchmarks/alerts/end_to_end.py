"""A tick from the command's side: raw events to states, scores, lifecycle and what is kept. Nothing is sent."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from assay.compiler import states
from assay.jobs.alerts import alerting
from assay.jobs.context import Context
from assay.jobs.storage import builds
from assay.project import Project
from assay.statement import Statement
from benchmarks.measure import WORK, gate

SERIES, TODAY, LIMIT = 10_000, date(2025, 3, 24), 5.0
_DAYS = 60
_SLOT = timedelta(minutes=15)
_PROJECT = """name: ticks
timezone: UTC
warehouse: {dsn: "chdb://warehouse", database: assay}
"""
_DEFINITIONS = f"""
sources:
  app: {{table: raw.events, time: at, entities: {{user: user}}, dimensions: {{part: part}}, lateness: 1d}}
metrics:
  events: {{type: count, source: app}}
alerts:
  parts: {{metrics: [events], by: [part], top: {SERIES}, min_change: 10%, detector: {{calibrate: false}}, route: files}}
routes:
  files: {{outbox: {{path: outbox}}}}
"""


def measured(series: int = SERIES) -> dict[str, str]:
    """A note: seconds of the day's first tick, and of later ones with a dead slice among them."""
    with _product(series) as context:
        noon = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
        first = _tick(context, noon)[0]
        later = [_tick(context, noon + n * _SLOT) for n in (1, 2, 3)]
        seconds = sorted(each for each, _ in later)[1]
        gate(any("part 7" in subject for _, found in later for subject in found), "the dead slice fires")
        gate(all(len(found) <= 5 for _, found in later), "the others are quiet")
    met = "yes" if seconds <= LIMIT else "**no**"
    return {
        "end_to_end": f"A tick of {series:,} slices of one metric, from raw events to what is remembered, takes "
        f"{seconds:.1f} s of wall time at noon (target {LIMIT:g}: {met}); the day's first one, which prepares the "
        f"season from {_DAYS} days, {first:.0f} s."
    }


def _tick(context: Context, at: datetime) -> tuple[float, list[str]]:
    begun = time.perf_counter()
    found = alerting.check(replace(context, now=at), at)
    return time.perf_counter() - begun, [each.subject for each in found.findings if each.state == "firing"]


@contextmanager
def _product(series: int) -> Iterator[Context]:
    """A product whose past is stored already; of yesterday and today there are raw events, and slice 7 falls silent."""
    folder = WORK / "ticks"
    shutil.rmtree(folder, ignore_errors=True)
    _write(folder)
    project = replace(Project.load(folder), environ={})
    with project.open(datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC)) as context:
        builds.prepare(context)
        _events(context, series)
        _past(context, series)
        yield context


def _write(folder: Path) -> None:
    for path, text in {"project.yaml": _PROJECT, "metrics/all.yaml": _DEFINITIONS}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    for name in ("experiments", "alerts"):
        (folder / name).mkdir()


def _run(context: Context, sql: str) -> None:
    context.engine.run(Statement(sql, "benchmark", writes=True))


def _events(context: Context, series: int) -> None:
    """About three events a slice and slot on two days; slice 7 has 24 more, until it dies."""
    start = int(datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC).timestamp()) - 86_400
    dead = start + 86_400 + 11 * 3_600
    _run(context, "CREATE DATABASE raw")
    _run(
        context, "CREATE TABLE raw.events (at DateTime('UTC'), user UInt32, part String) ENGINE = MergeTree ORDER BY at"
    )
    few = f"SELECT {start} + intDiv(number, {series}) * 225 + rand(number) % 225 AS at, number % {series} AS part"
    _load(context, f"{few} FROM numbers({series * 4 * 192}) WHERE rand(number + 1) % 10 < 8", dead)
    _load(context, f"SELECT {start} + number * 36 AS at, 7 AS part FROM numbers({192 * 25})", dead)


def _load(context: Context, rows: str, dead: int) -> None:
    _run(
        context,
        f"""INSERT INTO raw.events SELECT toDateTime(at, 'UTC'), at % 1000, toString(part)
        FROM ({rows}) WHERE NOT (part = 7 AND at >= {dead})""",
    )


def _past(context: Context, series: int) -> None:
    """States as a run would have left them, day by day."""
    (grain,) = [each for each in states.grains(context.catalog) if each.name == "15m"]
    (measure,) = grain.measures
    for back in range(_DAYS, 1, -1):
        day = TODAY - timedelta(days=back)
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        _run(
            context,
            f"""INSERT INTO assay.measure_states (source, grain, day, slot, measure, dim, val, value)
            SELECT 'app', '15m', '{day}', toDateTime({int(midnight.timestamp())} + (number % 96) * 900, 'UTC'),
              '{measure.id}', 'part', toString(intDiv(number, 96)),
              1 + rand(number + {back}) % 3 + rand(number) % 2 + 24 * (intDiv(number, 96) = 7)
            FROM numbers({series * 96})""",
        )
        builds.record(context, grain, [day], f"past{back}", midnight + timedelta(days=3))


if __name__ == "__main__":
    print(measured()["end_to_end"])
