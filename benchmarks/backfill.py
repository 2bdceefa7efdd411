"""A back-fill of 100 days of the demo's largest source: every metric by every dimension beside a bare SELECT.

The bare SELECT takes the maximum of every column that the build reads, over the same days in the same pieces. One row
is the measures over events, which share one scan; the other is everything, with the rows that are made of events first:
one more scan for each way to make them. Both write into a table in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from importlib.metadata import version

from assay.catalog.series import Measure
from assay.compiler import states, zone
from assay.compiler.states import DAY
from assay.jobs.storage import source_states
from assay.statement import Statement
from benchmarks.measure import Row, at_least, at_most, call, gate, repeat, save
from benchmarks.one_scan import SCALE, SOURCE, Scene, check, one_scan, scene

DAYS = 100
RUNS = 3
TIMES, BYTES = 3, 5
COLUMNS = ("time", "user_id", "post_id", "action", "gender", "age", "country", "city", "os", "source")


def everything(scene: Scene) -> Scene:
    """The same days with the measures over rows that are made of events, too."""
    grains = states.grains(scene.context.catalog)
    return replace(scene, grain=next(each for each in grains if (each.source, each.name) == (SOURCE, DAY)))


def bare(scene: Scene) -> None:
    """Read and aggregate the same columns, as many days at a time as a build takes."""
    table = scene.context.catalog.source(SOURCE).spec.table
    where = "time >= fromUnixTimestamp({start:Int64}) AND time < fromUnixTimestamp({end:Int64})"
    sql = f"SELECT {', '.join(f'max({name})' for name in COLUMNS)} FROM {table} WHERE {where}"
    for start, end in _pieces(scene):
        scene.context.engine.run(Statement(sql, "bare select", zone.window(start, end, scene.context.catalog.zone)))


def _pieces(scene: Scene) -> Iterator[tuple[date, date]]:
    for days in source_states.chunks(scene.grain, list(zone.days(scene.start, scene.end))):
        yield days[0], days[-1] + timedelta(days=1)


def query_per_metric(scene: Scene, stage: str) -> None:
    """What a tool without shared scans does: the same statement, for one measure at a time."""
    for measure in scene.grain.measures:
        one_scan(_only(scene, measure), stage)


def _only(scene: Scene, measure: Measure) -> Scene:
    return replace(scene, grain=replace(scene.grain, measures=(measure,)))


def bytes_read(scene: Scene, side: Callable[[], None]) -> int:
    _, before = scene.read()
    side()
    return scene.read()[1] - before


def main() -> None:
    with scene(SCALE, DAYS) as of_events:
        ((events,),) = of_events.run(
            f"SELECT count() FROM {of_events.context.catalog.source(SOURCE).spec.table}", False
        )
        count, stage = check(of_events), of_events.stage("bench")
        rows = [*_events(of_events, stage), _all(everything(of_events), stage)]
        one, many = (bytes_read(of_events, partial(side, of_events, stage)) for side in (one_scan, query_per_metric))
        gate(one > 0, "the engine does not say how many bytes it reads")
        save(
            "backfill", "Back-fill", rows, {name: version(name) for name in ("chdb", "clickhouse-connect")},
            gate=f"{count:,} states are those of single queries.",
            data=f"{DAYS} days × {len(of_events.grain.dimensions)} dimensions of {events / 1e6:.1f} M events.",
            bare=f"The bare SELECT is `max()` of {', '.join(COLUMNS)} over the same days.",
            read=f"One pass over the events reads {one / 1e9:.2f} GB; a query per metric {many / 1e9:.2f} GB,"
            f" {many / one:.1f} times as much (target ≥ {BYTES}: {'yes' if many >= BYTES * one else '**no**'}).",
        )  # fmt: skip


def _events(scene: Scene, stage: str) -> Iterator[Row]:
    sides = partial(one_scan, scene, stage), partial(bare, scene), partial(query_per_metric, scene, stage)
    ours, select, single = repeat(RUNS, *(partial(call, side) for side in sides))
    name = f"back-fill, {len(scene.grain.measures)} measures over events"
    yield at_most(name, "bare SELECT of the same columns", ours, select, TIMES)
    yield at_least(name, "one query per metric", ours, single)


def _all(scene: Scene, stage: str) -> Row:
    ours, select = repeat(RUNS, partial(call, partial(one_scan, scene, stage)), partial(call, partial(bare, scene)))
    name = f"back-fill, all {len(scene.grain.measures)} measures"
    return at_most(name, "bare SELECT of the same columns", ours, select, TIMES)


if __name__ == "__main__":
    main()
