"""Daily states of every metric and dimension of a source: one scan beside one query per metric and dimension.

Both sides write the same rows into a table in memory, so that neither the disk nor the number of parts decides. The
single queries are as good as they can be: each reads only the columns it needs and filters by its own condition.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from assay.catalog.expression import parse, quote_literal
from assay.catalog.series import Measure
from assay.compiler import states, zone
from assay.compiler.dimensions import value_sql
from assay.compiler.states import DAY, Grain
from assay.config.source import Dimension
from assay.demo.events import FIRST_DAY, LAST_DAY
from assay.demo.project import copy_to
from assay.jobs.context import Context
from assay.jobs.outputs import demo
from assay.jobs.storage import builds, source_states
from assay.project import Project
from assay.statement import Statement
from benchmarks.measure import at_least, call, gate, repeat, save

SCALE = 0.14  # about ten million events of the feed
RUNS = 3
TARGET = 5
SOURCE = "feed"
_DIGEST_TOLERANCE = 0.02  # a t-digest depends on the order of its input
_AGGREGATES = {
    "sum": ("value", "ifNull(sum(toFloat64({value})), 0)"),
    "unique": ("users", "groupBitmapState(assumeNotNull({value}))"),
    "digest": ("digest", "quantileTDigestState(assumeNotNull(toFloat64({value})))"),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """The demo product with its events, and what is to be built from them."""

    context: Context
    grain: Grain
    start: date
    end: date

    def run(self, sql: str, writes: bool = True) -> list[tuple[Any, ...]]:
        return list(self.context.engine.run(Statement(sql, "benchmark", writes=writes)).rows)

    def stage(self, name: str) -> str:
        """An empty table in memory with the columns of `measure_states`."""
        table = f"{self.context.database}.{name}"
        self.run(f"CREATE OR REPLACE TABLE {table} AS {self.context.database}.measure_states ENGINE = Memory")
        return table

    def read(self) -> tuple[int, int]:
        """Rows and bytes that the engine has read so far."""
        sql = "SELECT event, value FROM system.events WHERE event IN ('SelectedRows', 'SelectedBytes')"
        found = dict(self.run(sql, writes=False))
        return found["SelectedRows"], found["SelectedBytes"]


@contextmanager
def scene(scale: float, days: int | None = None) -> Iterator[Scene]:
    """Generate the demo's events in a folder that is deleted afterwards; `days` shortens what is built."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "demo"
        copy_to(root)
        project = Project.load(root)
        start, end = FIRST_DAY, LAST_DAY + timedelta(days=1)
        now = datetime.combine(end, datetime.min.time(), ZoneInfo(project.catalog.zone))
        with project.open(now) as context:
            demo.generate(context, scale)
            builds.prepare(context)
            grain = next(each for each in states.grains(project.catalog) if (each.source, each.name) == (SOURCE, DAY))
            of_events = tuple(measure for measure in grain.measures if measure.rows is None)  # the others scan again
            grain = replace(grain, measures=of_events)
            end = min(end, start + timedelta(days=days or 1000))
            source_states.pin(context, grain, start, end)
            yield Scene(context, grain, start, end)


def one_scan(scene: Scene, stage: str) -> None:
    """What `platform run` does: the compiled statement, a few days at a time."""
    context = scene.context
    for days in source_states.chunks(scene.grain, list(zone.days(scene.start, scene.end))):
        after = days[-1] + timedelta(days=1)
        for statement in states.fill(context.catalog, scene.grain, stage, days[0], after, context.database):
            context.engine.run(statement)


def single_queries(scene: Scene, stage: str) -> None:
    """One query per measure, and per measure and dimension, each over the whole range."""
    window = zone.window(scene.start, scene.end, scene.context.catalog.zone)
    for measure in scene.grain.measures:
        for dimension in (None, *scene.grain.dimensions):
            sql = single_query(scene, stage, measure, dimension)
            scene.context.engine.run(Statement(sql, f"single query of {measure.id}", window, writes=True))


def single_query(scene: Scene, stage: str, measure: Measure, dimension: tuple[str, Dimension] | None) -> str:
    catalog, source = scene.context.catalog, scene.context.catalog.source(SOURCE).spec
    column, aggregate = _AGGREGATES[measure.kind]
    zone_name, time = quote_literal(catalog.zone), parse(source.time).sql
    name = dimension[0] if dimension else ""
    value = value_sql(*dimension, scene.context.database) if dimension else "''"
    conditions = [f"{time} >= fromUnixTimestamp({{start:Int64}})", f"{time} < fromUnixTimestamp({{end:Int64}})"]
    conditions += [f"({each})" for each in (source.where, measure.where) if each]
    return f"""INSERT INTO {stage} (source, grain, day, slot, measure, dim, val, {column})
SELECT '{SOURCE}', '{DAY}', toDate(b_slot, {zone_name}), toDateTime(b_slot, 'UTC'), '{measure.id}', '{name}',
  b_val, b_state
FROM (
  SELECT toStartOfDay({time}, {zone_name}) AS b_slot, {value} AS b_val,
    {aggregate.format(value=measure.expression)} AS b_state
  FROM {source.table}
  WHERE {" AND ".join(conditions)}
  GROUP BY b_slot, b_val
)"""


def same_states(scene: Scene, ours: str, theirs: str) -> int:
    """How many states there are. Raises GateFailed unless both tables say the same, empty states left out."""
    filled = """SELECT measure, dim, val, slot, value, finalizeAggregation(users) AS users,
  ifNotFinite(finalizeAggregation(digest), 0) AS median FROM {table} WHERE (value, users, median) != (0, 0, 0)"""
    sql = f"""SELECT count(), countIf(a.measure = '' OR b.measure = '' OR a.value != b.value OR a.users != b.users
  OR abs(a.median - b.median) > {_DIGEST_TOLERANCE} * greatest(a.median, b.median))
FROM ({filled.format(table=ours)}) AS a FULL JOIN ({filled.format(table=theirs)}) AS b
USING (measure, dim, val, slot)"""
    ((states, different),) = scene.run(sql, writes=False)
    gate(states != 0 and different == 0, f"{different} of {states} states differ")
    return int(states)


def check(scene: Scene) -> int:
    """The correctness gate: both ways give the same states. Returns how many."""
    ours, theirs = scene.stage("ours"), scene.stage("theirs")
    one_scan(scene, ours)
    single_queries(scene, theirs)
    return same_states(scene, ours, theirs)


def main() -> None:
    with scene(SCALE) as found:
        ((events,),) = found.run(f"SELECT count() FROM {found.context.catalog.source(SOURCE).spec.table}", writes=False)
        count = check(found)
        ours, theirs = repeat(RUNS, *(partial(_seconds, found, side) for side in (one_scan, single_queries)))
        measures, dimensions = len(found.grain.measures), len(found.grain.dimensions)
        name = f"daily states, {measures} measures × {dimensions} dimensions, {events / 1e6:.1f} M rows, one scan"
        row = at_least(name, f"{measures * (1 + dimensions)} single queries", ours, theirs, TARGET)
        save(
            "one_scan", "Engine", [row], {name: version(name) for name in ("chdb", "clickhouse-connect")},
            gate=f"Both sides give the same {count:,} states.",
            read=f"One scan reads {_read(found, one_scan)}, the single queries {_read(found, single_queries)}.",
            days=f"{(found.end - found.start).days} days; both sides write into a table in memory.",
        )  # fmt: skip


def _seconds(scene: Scene, side: Callable[[Scene, str], None]) -> float:
    stage = scene.stage("bench")
    return call(partial(side, scene, stage))


def _read(scene: Scene, side: Callable[[Scene, str], None]) -> str:
    stage, before = scene.stage("bench"), scene.read()
    side(scene, stage)
    rows, size = (after - was for after, was in zip(scene.read(), before, strict=True))
    return f"{rows / 1e6:,.0f} M rows ({size / 1e9:.2f} GB)"


if __name__ == "__main__":
    main()
