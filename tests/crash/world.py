"""A small project with everything that is stored or sent: what a killed or cut off command must leave right.

run      every day has late rows, so that every stored day changes
apply    a metric is new, so that every stored day lacks it
analyze, alert, report    read what is stored, and store or say what they found
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from assay.errors import WarehouseError
from assay.jobs.alerts import alerting
from assay.jobs.changes import apply, plan
from assay.jobs.context import Context
from assay.jobs.experiments import analyze, history
from assay.jobs.outputs import report
from assay.jobs.runs import materialize
from assay.statement import Statement

FIRST, DAYS = date(2025, 5, 1), 20
END = FIRST + timedelta(days=DAYS)
NOW = datetime(2025, 5, 21, 12, tzinfo=UTC)  # the last hour is silent
COLUMNS = "at DateTime('UTC'), user_id UInt32, kind String, city String"
FILES = {
    "metrics/all.yaml": """
sources:
  feed:
    table: RAW.feed
    time: at
    entities: {user: user_id}
    dimensions: {city: city, top_city: {column: city, top: 2}}
    lateness: 2d
    checks: {not_null: [user_id], min_rows_per_day: 1}
metrics:
  views: {type: count, source: feed, where: "kind = 'view'", checks: {range: [0, null]}}
  likes: {type: count, source: feed, where: "kind = 'like'"}
  users: {type: unique, source: feed, of: user}
  ctr: {type: ratio, numerator: likes, denominator: views}
experiments:
  button:
    hypothesis: More likes.
    assignment: {source: feed, column: user_id % 2, variants: {control: 0, treatment: 1}}
    exposure: {source: feed}
    start: 2025-05-15
    end: 2025-05-20
    metrics: {primary: [ctr]}
    validity: [srm]
alerts:
  silence:
    metrics: [views, users]
    every: 1h
    by: [city]
    detector: {type: mad, history: 15d}
    route: people
reports:
  daily:
    title: The day
    schedule: "0 9 * * *"
    compare: 7d
    days: 7
    route: file
    blocks: [{type: cards, title: Feed, metrics: [views, users, ctr]}]
routes:
  people: {stdout: {}}
  file: {outbox: {path: outbox}}
"""
}
ANOTHER = {"metrics/more.yaml": "metrics:\n  posts: {type: count, source: feed, where: \"kind = 'post'\"}\n"}
LATE = """INSERT INTO RAW.feed SELECT toDateTime('2025-05-01 05:00:00', 'UTC') + INTERVAL number DAY, 99,
  ['view', 'like', 'post'][number % 3 + 1], 'A' FROM numbers(20)"""


def load(write: Callable[[str], None]) -> None:
    """Twelve users in each of three cities, every hour until an hour before NOW."""
    write("CREATE DATABASE RAW")
    write(f"CREATE TABLE RAW.feed ({COLUMNS}) ENGINE = MergeTree ORDER BY at")
    write("""INSERT INTO RAW.feed SELECT toDateTime('2025-05-01 00:00:00', 'UTC') + toIntervalSecond(number * 300),
  number % 36, ['view', 'like', 'view', 'post'][cityHash64(number) % 4 + 1], ['A', 'B', 'C'][number % 3 + 1]
FROM numbers(20 * 288 + 11 * 12)""")


def first_days(context: Context) -> None:
    """What is stored before anything is interrupted."""
    materialize.run(context, start=FIRST, end=END)
    apply.apply(context, plan.priced(context))


COMMANDS: Mapping[str, Callable[[Context], object]] = {
    "run": lambda context: materialize.run(context, start=FIRST, end=END),
    "apply": lambda context: apply.apply(context, plan.priced(context)),
    "analyze": lambda context: history.record(context, analyze.analyze(context, "button")),
    "alert": lambda context: alerting.check(context, NOW),
    "report": lambda context: report.send(context, "daily", END - timedelta(days=1)),
}
# The same commands as users type them.
TYPED: Mapping[str, tuple[str, ...]] = {
    "run": ("run", "--from", str(FIRST), "--to", str(END)),
    "apply": ("apply",),
    "analyze": ("experiment", "analyze", "button"),
    "alert": ("alert", "check", "--at", NOW.isoformat()),
    "report": ("report", "send", "daily", "--date", str(END - timedelta(days=1))),
}

STATES = """SELECT source, grain, day, sum(cityHash64(slot, measure, dim, val, v, u)) FROM (
  SELECT source, grain, day, slot, measure, dim, val, sum(value) AS v,
    arraySort(bitmapToArray(groupBitmapMergeState(users))) AS u
  FROM DB.measure_states GROUP BY ALL) GROUP BY ALL ORDER BY ALL"""
# What every other table says, without the moments and names of the runs that wrote it.
SAYS = {
    "builds": "SELECT source, grain, day, argMax((measures, dimensions, fingerprint, until), finished_at) "
    "FROM DB.builds GROUP BY ALL ORDER BY ALL",
    "check_results": "SELECT DISTINCT kind, subject, check, severity, first_day, last_day, "
    "argMax((status, value, message), finished_at) FROM DB.check_results GROUP BY ALL ORDER BY ALL",
    "dimension_values": "SELECT * FROM DB.dimension_values ORDER BY ALL",
    "unit_days": "SELECT source, grain, day, sum(cityHash64(unit, measures, values)) FROM DB.unit_days "
    "GROUP BY ALL ORDER BY ALL",
    "experiment_days": "SELECT experiment, day, sum(cityHash64(unit, arm, variant, slices, values)) "
    "FROM DB.experiment_days GROUP BY ALL ORDER BY ALL",
    "experiment_totals": "SELECT experiment, day, sum(cityHash64(unit, entered, variant, past, slices, after_entry, "
    "before_start, by_day)) FROM DB.experiment_totals GROUP BY ALL ORDER BY ALL",
    "experiment_results": "SELECT * EXCEPT (at, version) FROM DB.experiment_results ORDER BY ALL",
    "applied": "SELECT argMax(manifest, stored_at) FROM DB.applied",
    "alert_memory": "SELECT alert, fingerprint, max(slot), argMax(state, (slot, stored_at)) FROM DB.alert_memory "
    "GROUP BY ALL ORDER BY ALL",
    "alert_events": "SELECT * FROM DB.alert_events FINAL ORDER BY ALL",
    "alert_scores": "SELECT * FROM DB.alert_scores FINAL ORDER BY ALL",
}
# A stage that was filled half is dropped a day later; one that was being published must be gone.
READY = "SELECT name FROM system.tables WHERE database = 'DB' AND position(name, '__rdy_') > 0 ORDER BY name"

Told = dict[str, Any]


def days(context: Context) -> dict[str, str]:
    """Each partition of the states, as a hash of its rows."""
    return {" ".join(map(str, row[:-1])): str(row[-1]) for row in _rows(context, STATES)}


def torn(found: Mapping[str, str], before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Partitions that are neither as they were nor as they should become."""
    return [name for name in {*found, *before} if found.get(name) not in (before.get(name), after.get(name))]


def told(context: Context) -> Told:
    """Everything that is stored, in a form that JSON keeps."""
    found = {name: [_text(row) for row in _rows(context, sql)] for name, sql in SAYS.items()}
    return {"states": days(context), "ledger": ledger(context.target / "sent.jsonl"), **found}


def _text(row: tuple[Any, ...]) -> str:
    """Without the last digits of sums, which depend on the order of the rows."""
    return ", ".join(f"{each:.8g}" if isinstance(each, float) else str(each) for each in row)


def unfinished(context: Context) -> list[str]:
    """What was being published when somebody died, and is not yet."""
    return [str(name) for (name,) in _rows(context, READY)]


def _rows(context: Context, sql: str) -> tuple[tuple[Any, ...], ...]:
    try:
        return context.engine.run(Statement(sql.replace("DB", context.database), "look")).rows
    except WarehouseError as error:
        if error.diagnostics[0].code != "E506":
            raise
        return ()


def ledger(path: Path) -> dict[str, str]:
    """Key: its last state."""
    found: dict[str, str] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        steps = json.loads(line)
        for step in steps if isinstance(steps, list) else [steps]:
            found |= dict.fromkeys(step["keys"], step["state"])
    return found
