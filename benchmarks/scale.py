"""How fast one machine goes, stage by stage, and what a cluster would need for more: `python -m benchmarks.scale`.

    --rows 100000000    more events, beside the usual ones on the page; take a machine for yourself
    --page              only write docs/scale.md again from the stored results

Every stage is first checked: states against plain SQL over the events, units from stored days against those from
events. Then each is run alone. Memory is what the process held at most meanwhile, with the engine's caches.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from assay.catalog.series import leaves
from assay.compiler import experiment, incremental, states, zone
from assay.compiler.states import Grain
from assay.compiler.unit_days import TOTALS
from assay.jobs.context import Context
from assay.jobs.experiments import stored_days
from assay.jobs.experiments.analyze import plan_of
from assay.jobs.experiments.units import Units, units
from assay.jobs.queries.query import query
from assay.jobs.storage import builds, source_states
from assay.statement import Statement
from benchmarks.measure import RESULTS, ROOT, Row, Timing, at_least, call, gate, save
from benchmarks.scale_model import CLUSTERS, EFFICIENCY, Stage, measured, model, size
from benchmarks.unit_days import FIRST, PAST, Product, Sides, built, check

PAGE = ROOT / "docs" / "scale.md"
_USUAL = 10_000_000  # rows
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_COPIED = 1 << 28  # bytes
_ACTIONS = 10  # of a user on a day: few, so that there are many rows of units to measure
_DAYS = 14  # of the experiment


def copy_bandwidth() -> float:
    """Bytes a CPU second, read and written, of the best of ten copies by one thread."""
    source = np.ones(_COPIED // 8)
    target = np.empty_like(source)
    return 2 * _COPIED / min(call(partial(np.copyto, target, source)) for _ in range(10))


def _peak() -> int:
    """Bytes that this process held at most since the last look; 0 where the system does not tell."""
    found = re.search(r"VmHWM:\s*(\d+) kB", _STATUS.read_text()) if _STATUS.exists() else None
    if _CLEAR.exists():
        _CLEAR.write_text("5")
    return int(found[1]) * 1024 if found else 0


@dataclass(frozen=True, slots=True)
class Scene:
    """A product with its events, stored days and both projects over it."""

    sides: Sides
    product: Product

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return list(self.sides.declared.engine.run(Statement(sql, "benchmark")).rows)

    def number(self, sql: str) -> int:
        return int(self.rows(sql)[0][0])

    def grain(self, of_units: bool) -> Grain:
        return next(each for each in states.grains(self.sides.declared.catalog) if each.of_units is of_units)

    def stage(self, name: str, rows: int, work: Callable[[], Any]) -> Stage:
        """Do it once to warm up, then once more."""
        work()
        before = self._read()
        _peak()
        begun = time.perf_counter()
        cpu = call(work)
        return Stage(name, rows, self._read() - before, cpu, time.perf_counter() - begun, _peak())

    def _read(self) -> int:
        return int(dict(self.rows("SELECT event, value FROM system.events")).get("SelectedBytes", 0))

    def build(self, of_units: bool) -> None:
        """Every day of a grain: stage, check, replace."""
        context, grain = self.sides.at_next_second(), self.grain(of_units)
        for days in source_states.chunks(grain, list(zone.days(FIRST, self.product.end))):
            source_states.build(context, grain, days)


def gate_states(scene: Scene) -> None:
    """What is stored is what plain SQL says. Raises GateFailed."""
    ((views, spent, buyers),) = scene.rows(f"""SELECT countIf(action = 'view'), sumIf(amount, action = 'buy'),
  uniqExactIf(user_id, action = 'buy')
FROM events
WHERE toDate(time, 'Europe/Berlin') >= '{FIRST}' AND toDate(time, 'Europe/Berlin') < '{scene.product.end}'""")
    stored = {name: _total(scene, scene.sides.declared, name) for name in ("views", "spend")}
    gate(stored == {"views": views, "spend": spent}, f"states say {stored}, the events {views} and {spent}")
    measure = next(leaves(scene.sides.declared.catalog.metric("buyers").series)).measure.id
    found = scene.number(
        f"SELECT groupBitmapMerge(users) FROM assay.measure_states WHERE dim = '' AND measure = '{measure}'"
    )
    gate(found == buyers, f"bitmaps hold {found} buyers, the events {buyers}")


def _total(scene: Scene, context: Context, name: str) -> float:
    return sum(row.value or 0 for row in query(context, [name], FIRST, scene.product.end))


def stages(scene: Scene) -> Iterator[Stage]:
    events, stored = scene.number("SELECT count() FROM events"), scene.number("SELECT count() FROM assay.unit_days")
    yield scene.stage("sum of two columns", events, lambda: scene.rows("SELECT sum(user_id), sum(amount) FROM events"))
    yield scene.stage("states", events, partial(scene.build, False))
    yield scene.stage("unit days", events, partial(scene.build, True))
    yield scene.stage("units from events", events, partial(_units, scene.sides.plain))
    declared = scene.sides.at_next_second()  # after the units were built: else their exposures would be read anew
    plan = plan_of(declared.catalog, "button")
    stored_days.refresh(declared, plan_of(declared.catalog, "button", (plan.start, plan.until - timedelta(days=1))))
    _units(declared)
    count = scene.number("SELECT uniqExact(unit) FROM assay.experiment_days WHERE variant != ''")
    yield scene.stage("units after a new day", count, partial(_again, declared, last=True))
    yield scene.stage("units from stored days", stored, partial(_again, declared))
    with ExitStack() as stack:
        table = stack.enter_context(units(declared, plan))
        yield scene.stage("moments", count, partial(_moments, table))
    yield scene.stage("a series of stored days", PAST + _DAYS, partial(_total, scene, declared, "views"))


def _units(context: Context) -> None:
    with units(context, plan_of(context.catalog, "button")):
        pass


def _again(context: Context, last: bool = False) -> None:
    """The units, of which nothing is known up to any day, or only the last one is new."""
    days = unit_totals(context)
    for statement in incremental.drop_totals(context.database, "button", days[-1:] if last else days):
        context.engine.run(statement)
    _units(context)


def unit_totals(context: Context) -> list[date]:
    """The days up to which totals are stored."""
    return sorted(day for _, day in builds.read(context, TOTALS))


def _moments(table: Units) -> None:
    table.context.engine.run(experiment.moments(table.plan, table.table))


def sizes(scene: Scene) -> dict[str, float]:
    """Bytes on disk of an event and of a day of a unit, and of that row while it travels."""
    sql = """SELECT sum(bytes_on_disk) / sum(rows), sum(data_uncompressed_bytes) / sum(rows)
FROM system.parts WHERE active AND table = """
    ((event, _),), ((disk, plain),) = scene.rows(f"{sql}'events'"), scene.rows(f"{sql}'unit_days'")
    return {"event_bytes": event, "unit_disk": disk, "unit_bytes": plain}


def measure(rows: int) -> dict[str, Any]:
    """Everything that the page shows."""
    product = Product(rows // (PAST + _DAYS), max(rows // 40, 100), _ACTIONS, _DAYS)
    copy = copy_bandwidth()
    with built(product) as sides:
        scene = Scene(sides, product)
        check(sides)
        scene.build(False)
        gate_states(scene)
        found = [asdict(each) for each in stages(scene)]
        return {"product": product.told, "copy": copy, "stages": found, **sizes(scene)}


def rows_of(found: dict[str, Any]) -> list[Row]:
    """Each stage beside the cheapest that the engine can do with the same events."""
    floor, *rest = (Stage(**each) for each in found["stages"])
    of_events = [each for each in rest if each.rows == floor.rows]
    timings = {each.name: Timing.of([each.cpu]) for each in (floor, *of_events)}
    named = {each.name: f"{each.name}, {floor.rows / 1e6:.3g} M events" for each in of_events}
    return [
        at_least(named[each.name], f"{floor.name}, no more", timings[each.name], timings[floor.name])
        for each in of_events
    ]


def store(found: dict[str, Any], rows: int) -> None:
    """Keep the result of a size; each has a file of its own."""
    peak, name = max(each["peak"] for each in found["stages"]), "scale" if rows == _USUAL else f"scale_{rows}"
    save(
        name, f"Stages of one machine, {rows / 1e6:.3g} M events", rows_of(found),
        {name: version(name) for name in ("chdb", "clickhouse-connect", "numpy")},
        gate="States are those of plain SQL over the events; units from stored days are those from events.",
        data=f"{found['product'].capitalize()}.",
        memory=f"numpy copies {size(found['copy'])} a CPU second; no stage held more than {size(peak)}: docs/scale.md.",
    )  # fmt: skip
    file = RESULTS / f"{name}.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **found}, indent=2) + "\n", "utf-8")


def stored() -> list[dict[str, Any]]:
    """The results of all sizes, the least first."""
    found = [json.loads(file.read_text("utf-8")) for file in RESULTS.glob("scale*.json")]
    return sorted(found, key=lambda each: each["stages"][0]["rows"])


def page(text: str, results: list[dict[str, Any]]) -> str:
    """docs/scale.md with the tables of some results; the rates of the model are those of the largest."""
    assumed = f"{EFFICIENCY:.0%} of the cores' rate is assumed; in brackets the rows."
    tables = {
        "measured": "\n\n".join(map(_told, results)),
        "model": f"{assumed}\n\n{model(CLUSTERS, results[-1])}",
    }
    for name, table in tables.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        text = text[: text.index(begin) + len(begin)] + f"\n{table}\n" + text[text.index(end) :]
    return text


def _told(found: dict[str, Any]) -> str:
    machine, stages = found["machine"], [Stage(**each) for each in found["stages"]]
    return (
        f"{found['product'].capitalize()}. {machine['cpu']}, {machine['cores']} cores"
        f"; numpy copies {size(found['copy'])} a CPU second.\n\n{measured(stages, found['copy']).strip()}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=_USUAL)
    parser.add_argument("--page", action="store_true")
    asked = parser.parse_args()
    if not asked.page:
        store(measure(asked.rows), asked.rows)
    PAGE.write_text(page(PAGE.read_text("utf-8"), stored()), "utf-8")


if __name__ == "__main__":
    main()
