"""Series that look back or ahead, read from stored daily states beside the same numbers from raw events.

Two products: that of the case study, by which the targets are judged, and one whose users come now and then, with one
event per user and day, where states save the fewest rows. The raw table holds two columns in the best order, and its
statements are as good as they can be.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path

from assay.jobs.context import Context
from assay.jobs.queries.cohorts import cohorts
from assay.jobs.queries.query import query
from assay.jobs.runs import materialize
from assay.project import Project
from assay.statement import Statement
from benchmarks.measure import Row, at_least, call, gate, repeat, save

RUNS = 5
START = date(2025, 1, 1)


@dataclass(frozen=True, slots=True)
class Product:
    """Its size: `actions` are the events of a user on a day with any. `judged` is whether targets are meant for it."""

    name: str
    events: int
    users: int
    days: int
    actions: int
    judged: bool

    @property
    def end(self) -> date:
        return START + timedelta(days=self.days)

    @property
    def load(self) -> str:
        visit = f"intDiv(number, {self.actions})"
        return f"""INSERT INTO events SELECT
  toDateTime('{START}', 'UTC')
    + toUInt32(86400 * (cityHash64({visit}, 1) % {self.days}) + cityHash64(number, 3) % 86400),
  cityHash64({visit}, 2) % {self.users} FROM numbers({self.events})"""

    def __str__(self) -> str:
        size = f"{self.events:,} events of {self.users:,} users over {self.days} days"
        return f"{self.name}: {size}, {self.actions} per user and day with any"


PRODUCTS = (
    Product("case study", 50_000_000, 140_000, 77, 41, judged=True),
    Product("sparse", 10_000_000, 1_000_000, 60, 1, judged=False),
)
FILES = {
    "project.yaml": "name: reads\nwarehouse: {dsn: chdb://warehouse}\n",
    "metrics/metrics.yaml": """
sources:
  app: {table: events, time: time, entities: {user: user_id}, columns: {user_id: UInt32, time: "DateTime('UTC')"}}
metrics:
  users: {type: unique, source: app, of: user}
  month: {type: rolling, metric: users, window: 28d}
  new: {type: new, metric: users}
  day_7: {type: retention, cohort: new, returns: users, day: 7}
""",
}
_CREATE = (
    "CREATE TABLE events (time DateTime('UTC'), user_id UInt32) ENGINE = MergeTree ORDER BY (toDate(time), user_id)"
)
_FIRST = "(SELECT user_id, min(toDate(time)) AS born FROM events GROUP BY user_id) AS b"
_RAW = {
    "users": "SELECT toDate(time) AS d, uniqExact(user_id) FROM events GROUP BY d",
    "month": "SELECT toDate(time) + arrayJoin(range(28)) AS t, uniqExact(user_id) FROM events GROUP BY t",
    "day_7": f"SELECT born, uniqExact(user_id) FROM events AS a INNER JOIN {_FIRST} USING user_id"
    " WHERE toDate(time) = born + 7 GROUP BY born",
    "matrix": f"SELECT born, toDate(time) - born AS k, uniqExact(user_id) FROM events AS a INNER JOIN {_FIRST}"
    " USING user_id WHERE k <= 28 GROUP BY born, k",
}
Numbers = dict[tuple[object, ...], float]


@dataclass(frozen=True, slots=True)
class Side:
    """One question: the states answer with `ours` up to a day, the raw events with the statement of this key."""

    name: str
    target: float
    ours: Callable[[Context, date], Numbers]
    raw: str

    def theirs(self, context: Context, _end: date) -> Numbers:
        rows = context.engine.run(Statement(_RAW[self.raw], "raw events")).rows
        return {tuple(row[:-1]): row[-1] for row in rows}


def _series(name: str, context: Context, end: date) -> Numbers:
    rows = query(context, [name], START, end)
    return {(row.time,): row.value if row.numerator is None else row.numerator for row in rows if row.value is not None}


def _matrix(context: Context, end: date) -> Numbers:
    matrix = cohorts(context, "users", START, end, "new", days=28, baseline=0)
    return {
        (each.cohort, cell.day): cell.numerator
        for each in matrix.cohorts
        for cell in each.cells
        if cell.numerator is not None
    }


SIDES = (
    Side("daily users", 15, partial(_series, "users"), "users"),
    Side("28-day rolling users", 50, partial(_series, "month"), "month"),
    Side("day-7 retention", 50, partial(_series, "day_7"), "day_7"),
    Side("retention triangle, 28 days", 100, _matrix, "matrix"),
)


@contextmanager
def built(product: Product) -> Iterator[Context]:
    """A project with its events and states, in a folder that is deleted afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in FILES.items():
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
        now = datetime.combine(product.end, datetime.min.time(), UTC)
        with Project.load(folder).open(now) as context:
            for sql in (_CREATE, product.load):
                context.engine.run(Statement(sql, "benchmark", writes=True))
            materialize.run(context, start=START, end=product.end)
            yield context


def check(context: Context, side: Side, end: date) -> int:
    """The correctness gate: how many numbers both sides give. Raises GateFailed."""
    ours, theirs = side.ours(context, end), side.theirs(context, end)
    shared = {key for key, value in ours.items() if value}
    wrong = [key for key in shared if theirs.get(key) != ours[key]]
    gate(bool(shared) and not wrong, f"{side.name}: {len(wrong)} of {len(shared)} numbers differ")
    return len(shared)


def main() -> None:
    rows: list[Row] = []
    checked = 0
    for product in PRODUCTS:
        with built(product) as context:
            checked += sum(check(context, side, product.end) for side in SIDES)
            rows += [_compare(context, side, product) for side in SIDES]
    save(
        "reads", "Reads", rows, {name: version(name) for name in ("chdb", "clickhouse-connect")},
        gate=f"Both sides give the same {checked:,} numbers.",
        sides="Ours is `platform query` without the start of the process; what is stored is looked up, too.",
        **{product.name: f"{product}." for product in PRODUCTS},
    )  # fmt: skip


def _compare(context: Context, side: Side, product: Product) -> Row:
    sides = [lambda each=each: call(partial(each, context, product.end)) for each in (side.ours, side.theirs)]
    ours, theirs = repeat(RUNS, *sides)
    target = side.target if product.judged else None
    return at_least(f"{side.name}, {product.name}, from states", "the raw events", ours, theirs, target)


if __name__ == "__main__":
    main()
