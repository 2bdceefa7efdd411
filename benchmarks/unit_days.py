"""The morning after a new day: an experiment that is refreshed from stored days beside the same one from raw events.

Ours stores the units of the new day, as `platform run` does for it, reads the exposures of that day, adds up what is
stored and makes the read-out. The other side is the same analysis of a project whose source declares no `unit_days`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from importlib.metadata import version
from itertools import count
from math import isclose
from pathlib import Path
from typing import Any

from assay.compiler import states, zone
from assay.jobs.context import Context
from assay.jobs.experiments import stored_days
from assay.jobs.experiments.analyze import analyze, plan_of
from assay.jobs.experiments.readout import PATH
from assay.jobs.experiments.units import units
from assay.jobs.storage import builds, source_states
from assay.project import Project
from assay.statement import Statement
from benchmarks.measure import Row, at_least, call, gate, repeat, save

RUNS = 3
TARGET = 10
START = date(2025, 6, 15)  # of the experiment
PAST = 14  # days of events before it, all of which CUPED reads
FIRST = START - timedelta(days=PAST)
_SECONDS = count()
_DECLARED = "unit_days: [user]"

FILES = {
    "project.yaml": "name: refresh\ntimezone: Europe/Berlin\nwarehouse: {dsn: chdb://warehouse}\n",
    "metrics/all.yaml": """
sources:
  app:
    table: events
    time: time
    unit_days: [user]
    entities: {user: user_id}
    dimensions: {os: os}
    columns: {time: "DateTime('UTC')", user_id: UInt32, action: LowCardinality(String), amount: UInt32,
              os: LowCardinality(String)}
metrics:
  views: {type: count, source: app, where: "action = 'view'"}
  likes: {type: count, source: app, where: "action = 'like'"}
  shares: {type: count, source: app, where: "action = 'share'"}
  comments: {type: count, source: app, where: "action = 'comment'"}
  spend: {type: sum, source: app, value: amount, where: "action = 'buy'"}
  buyers: {type: unique, source: app, of: user, where: "action = 'buy'"}
  sharers: {type: unique, source: app, of: user, where: "action = 'share'"}
  ctr: {type: ratio, numerator: likes, denominator: views}
  share_rate: {type: ratio, numerator: shares, denominator: views}
  comment_rate: {type: ratio, numerator: comments, denominator: views}
experiments:
  button:
    hypothesis: A larger button sells more.
    assignment: {variants: {control: 50, treatment: 50}}
    exposure: {source: app, where: "action = 'view'"}
    start: 2025-06-15
    end: END
    metrics:
      primary: [ctr, spend]
      secondary: [likes, shares, comments, buyers, sharers, share_rate]
      guardrail: {views: -5%, comment_rate: -10%}
    analysis: {cuped: 14d, by: [os]}
""",
}
_CREATE = """CREATE TABLE events (time DateTime('UTC'), user_id UInt32, action LowCardinality(String),
  amount UInt32, os LowCardinality(String)) ENGINE = MergeTree ORDER BY (toDate(time), user_id)"""


@dataclass(frozen=True, slots=True)
class Product:
    """Its size: `actions` are the events of a user on a day with any, `days` those of the experiment so far."""

    daily: int
    users: int
    actions: int
    days: int

    @property
    def end(self) -> date:
        return START + timedelta(days=self.days)

    def load(self, day: int) -> str:
        """The events of one day; those of a user stand together."""
        return f"""INSERT INTO events SELECT
  toDateTime('{FIRST + timedelta(days=day)}', 'UTC') + toUInt32(cityHash64(number, 1, {day}) % 86400),
  cityHash64(intDiv(number, {self.actions}), 2, {day}) % {self.users} AS user,
  ['view', 'view', 'view', 'view', 'like', 'share', 'comment', 'buy'][cityHash64(number, 3, {day}) % 8 + 1],
  cityHash64(number, 4, {day}) % 10000, if(user % 3 = 0, 'iOS', 'Android')
FROM numbers({self.daily})"""

    def __str__(self) -> str:
        return f"{self.days // 7} weeks, {self.actions} events per user and day"

    @property
    def told(self) -> str:
        events, days = self.daily * (PAST + self.days), PAST + self.days
        return f"{events:,} events of {self.users:,} users over {days} days, the last {self.days} in the experiment"


PRODUCTS = (
    Product(daily=4_000_000, users=64_000, actions=100, days=14),
    Product(daily=4_000_000, users=64_000, actions=100, days=28),
    Product(daily=4_000_000, users=64_000, actions=100, days=56),
    Product(daily=1_600_000, users=64_000, actions=40, days=28),
)


@dataclass(frozen=True, slots=True)
class Sides:
    """The same experiment over the same events: with stored days, and without."""

    declared: Context
    plain: Context
    product: Product

    def at_next_second(self) -> Context:
        return replace(self.declared, now=self.declared.now + timedelta(seconds=next(_SECONDS)))

    def new_day(self, context: Context) -> None:
        """What `platform run` stores of the units of the last day, and the exposures of that day."""
        for grain in states.grains(context.catalog):
            if grain.of_units:
                source_states.build(context, grain, [self.product.end - timedelta(days=1)])
        stored_days.refresh(context, plan_of(context.catalog, "button"))

    def ours(self) -> dict[str, Any]:
        context = self.at_next_second()
        self.new_day(context)
        return analyze(context, "button").as_dict()

    def our_units(self) -> None:
        context = self.at_next_second()
        self.new_day(context)
        self._units(context)

    def theirs(self) -> dict[str, Any]:
        return analyze(self.plain, "button").as_dict()

    def their_units(self) -> None:
        self._units(self.plain)

    def digest(self, context: Context) -> tuple[int, int]:
        """How many rows the unit table has, and a hash of all of them, whatever their order."""
        plan = plan_of(context.catalog, "button")
        ids = [each for measures in plan.measures.values() for each in measures]
        columns = ["toString(assay__unit)", "assay__variant", "assay__first", "assay__past"]
        columns += [f"assay__by_{name}" for name in plan.slices] + [f"{face}_{each}" for each in ids for face in "yx"]
        columns += [f"d_{each}" for each in sorted(plan.tracked)]
        with units(context, plan) as found:
            sql = f"SELECT count(), sum(cityHash64({', '.join(columns)})) FROM {found.table}"
            ((rows, hashed),) = context.engine.run(Statement(sql, "benchmark")).rows
            return rows, hashed

    def _units(self, context: Context) -> None:
        with units(context, plan_of(context.catalog, "button")):
            pass


@contextmanager
def built(product: Product) -> Iterator[Sides]:
    """Both projects over one warehouse, in a folder that is deleted afterwards; all days are stored, and were looked at
    on the day before."""
    with tempfile.TemporaryDirectory() as folder:
        declared, plain = (_project(Path(folder) / name, name, product) for name in ("declared", "plain"))
        now = datetime.combine(product.end, datetime.min.time(), UTC) + timedelta(hours=6)
        with declared.open(now) as context:
            context.engine.run(Statement(_CREATE, "benchmark", writes=True))
            for day in range(PAST + product.days):
                context.engine.run(Statement(product.load(day), "benchmark", writes=True))
            builds.prepare(context)
            for grain in states.grains(context.catalog):
                for days in source_states.chunks(grain, list(zone.days(FIRST, product.end)) if grain.of_units else ()):
                    source_states.build(context, grain, days)
            yesterday = (START, product.end - timedelta(days=1))
            stored_days.refresh(context, plan_of(context.catalog, "button", yesterday))
            yield Sides(context, replace(context, catalog=plain.catalog), product)


def _project(root: Path, name: str, product: Product) -> Project:
    for path, text in FILES.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        text = text.replace("END", str(product.end))
        file.write_text(text if name == "declared" else text.replace(_DECLARED, "unit_days: []"), "utf-8")
    return Project.load(root)


def check(sides: Sides) -> int:
    """The correctness gate: how many units both sides have, with the same numbers. Raises GateFailed."""
    ours, theirs = sides.ours(), sides.theirs()
    way = ours["settings"].pop(PATH, "")
    gate(way == "stored days", f"ours did not read stored days: {way}")
    gate(PATH not in theirs["settings"], "the raw side has stored days")
    gate(alike(ours, theirs), "the read-outs differ")
    (count, mine), (_, other) = (sides.digest(context) for context in (sides.declared, sides.plain))
    gate(mine == other, "the unit tables differ")
    return count


def alike(ours: Any, theirs: Any) -> bool:
    """Whether two answers are equal: numbers to nine digits, because the engine adds up in no fixed order."""
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(alike(each, theirs[name]) for name, each in ours.items())
    if isinstance(ours, list | tuple):
        return len(ours) == len(theirs) and all(alike(*pair) for pair in zip(ours, theirs, strict=True))
    return isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12) if isinstance(ours, float) else bool(ours == theirs)


def rows(sides: Sides) -> Iterator[Row]:
    """The units alone are measured once: they are most of the whole."""
    ours, theirs = repeat(RUNS, partial(call, sides.ours), partial(call, sides.theirs))
    name = f"refresh after one new day, {sides.product}"
    yield at_least(name, "the raw events", ours, theirs, TARGET)
    ours, theirs = repeat(1, partial(call, sides.our_units), partial(call, sides.their_units))
    yield at_least(f"{name}: its units", "the raw events", ours, theirs)


def main() -> None:
    checked, found = 0, list[Row]()
    for product in PRODUCTS:
        with built(product) as sides:
            checked += check(sides)
            found += rows(sides)
    save(
        "unit_days", "Experiments from stored days", found,
        {name: version(name) for name in ("chdb", "clickhouse-connect")},
        gate=f"Both unit tables have the same {checked:,} rows, bit by bit, and both read-outs say the same.",
        sides="Ours is the build of the new day's units, of its exposures, and `experiment analyze`, which the other"
        " side is alone. 10 metrics, CUPED over 14 days, one dimension. The weeks are those of the experiment so far.",
        **{str(each): f"{each}: {each.told}." for each in PRODUCTS},
    )  # fmt: skip


if __name__ == "__main__":
    main()
