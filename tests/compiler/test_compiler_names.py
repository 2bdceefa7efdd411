"""Columns may have any name: an alias of ours that captured one would change a count without an error."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from assay.compiler import experiment, series
from assay.compiler.series import Spans
from assay.compiler.units import Plan
from assay.jobs.experiments.units import EVERYONE, units
from assay.jobs.queries.query import query
from assay.jobs.runs import materialize

# Every name that our statements use for something of their own.
NAMES = (
    "n", "t", "k", "val", "value", "day", "measure", "variant", "unit", "y0", "x_y0", "s_y0", "time", "slot",
    "dim", "dims", "digest", "users", "grain", "source", "check", "failures", "numerator", "denominator",
    "units", "v0", "n0", "d0", "first", "last", "start", "rows", "days",
)  # fmt: skip
CLOCKS = ("time", "n", "day", "start", "slot")  # columns from which also the time of an event is made
ROWS = 40
QUARTER = timedelta(minutes=15)
DAY, END = date(2025, 3, 9), date(2025, 3, 10)
NOON = datetime(2025, 3, 9, 12, tzinfo=UTC)


def _source(source: str, time: str, names: tuple[str, ...]) -> str:
    """Reads columns wherever SQL is allowed."""
    entities = ", ".join(f"u_{name}: '`{name}`'" for name in names)
    bins = ", ".join(f"half_{name}: {{bins: '`{name}`', cuts: [10]}}" for name in names)
    tops = ", ".join(f"most_{name}: {{column: '`{name}` % 4', top: 2}}" for name in names[:5])
    accepted = ", ".join(f"'`{name}` >= 0': [1]" for name in names)
    return f"""
  {source}:
    table: RAW.events
    time: "{time}"
    entities: {{{entities}}}
    dimensions: {{{bins}, {tops}}}
    checks: {{not_null: ["`{'`", "`'.join(names)}`"], accepted: {{{accepted}}}, min_rows_per_day: {ROWS}}}"""


def _metrics(name: str, source: str, ending: str) -> str:
    return f"""
metrics:
  events_{ending}: {{type: count, source: {source}, where: "`{name}` >= 20"}}
  average_{ending}: {{type: mean, source: {source}, value: "`{name}`"}}
  middle_{ending}: {{type: quantile, source: {source}, value: "`{name}`", level: 0.5}}
  whos_{ending}: {{type: unique, source: {source}, of: u_{name}, where: "`{name}` >= 20"}}
experiments:
  test_{ending}:
    hypothesis: It does not matter what a column is called.
    entity: u_{name}
    assignment: {{source: {source}, column: "`{name}` % 2", variants: {{even: 0, odd: 1}}}}
    exposure: {{source: {source}, where: "`{name}` >= 0"}}
    start: {DAY}
    end: {END}
    metrics: {{primary: [average_{ending}]}}
"""


def _clock(name: str) -> str:
    """A source whose time is made from the column, and an alert on it."""
    source = _source(f"by_{name}", f"toDateTime(1741521600 + `{name}`, 'UTC')", (name,))
    alert = f"alerts: {{a_{name}: {{metrics: [average_{name}_2], every: 15m, by: [most_{name}], route: nobody}}}}"
    return f"sources:{source}{_metrics(name, f'by_{name}', f'{name}_2')}{alert}"


@pytest.fixture(scope="module")
def shop(lab):
    files = {f"metrics/{name}.yaml": _metrics(name, "app", name) for name in NAMES}
    files["metrics/the_source.yaml"] = "sources:" + _source("app", "moment", NAMES)
    files |= {f"alerts/{name}.yaml": _clock(name) for name in CLOCKS}
    files["alerts/routes.yaml"] = "routes: {nobody: {outbox: {path: outbox}}}"
    shop = lab.shop(files, {"events": "moment DateTime('UTC'), " + ", ".join(f"`{name}` Int64" for name in NAMES)})
    shop.load("events", [{"moment": NOON, **dict.fromkeys(NAMES, at)} for at in range(ROWS)])
    assert materialize.run(shop.context).ok
    return shop


ENDINGS = [*NAMES, *(f"{name}_2" for name in CLOCKS)]


@pytest.mark.parametrize("ending", ENDINGS)
def test_series(shop, ending: str) -> None:
    names = [f"{kind}_{ending}" for kind in ("events", "average", "whos", "middle")]
    rows = query(shop.context, names, DAY, END)
    assert [row.value for row in rows] == [20, 19.5, 20, pytest.approx(19.5, abs=1)]


@pytest.mark.parametrize("name", NAMES)
def test_bins(shop, name: str) -> None:
    rows = query(shop.context, [f"average_{name}"], DAY, END, f"half_{name}")
    assert {row.by[f"half_{name}"]: row.denominator for row in rows} == {"<10": 10, "10+": 30}


@pytest.mark.parametrize("name", CLOCKS)
def test_most_frequent_values(shop, name: str) -> None:
    rows = query(shop.context, [f"average_{name}_2"], DAY, END, f"most_{name}")
    assert {row.by[f"most_{name}"]: row.denominator for row in rows} == {"0": 10, "1": 10, "other": 20}


@pytest.mark.parametrize("name", CLOCKS)
def test_slots(shop, name: str) -> None:
    metrics, dimensions = [shop.context.catalog.metric(f"average_{name}_2")], ["", f"most_{name}"]
    spans = Spans((DAY - date(1970, 1, 1)).days * 96, 96, 1, 1, DAY, DAY)
    statement = series.slots(shop.context.catalog, metrics, QUARTER, dimensions, spans, shop.context.database)
    rows = shop.context.engine.run(statement).dicts()
    assert {row["val"]: (row["k"], row["n0"]) for row in rows} == {
        "": ([48], [780]),
        "0": ([48], [180]),
        "1": ([48], [190]),
        "other": ([48], [410]),
    }


@pytest.mark.parametrize("ending", ENDINGS)
def test_experiments(shop, ending: str) -> None:
    catalog, run = shop.context.catalog, shop.context.engine.run
    definition, metrics = catalog.definitions.experiments[f"test_{ending}"], [catalog.metric(f"average_{ending}")]
    plan = Plan(catalog, definition, metrics)
    with units(shop.context, plan) as table:
        rows = table.moments({})[EVERYONE].values()
        (daily,) = table.daily("day", {})
        assert not table.quotients(plan.readings[0], 2.0)
    assert [(row["variant"], row["n"], row["s_y0"], row["s_y1"]) for row in rows] == [
        ("even", 20, 380.0, 20.0),
        ("odd", 20, 400.0, 20.0),
    ]
    assert [(row["variant"], row["s_y0"]) for row in daily.values()] == [("even", 380.0), ("odd", 400.0)]
    assert run(experiment.assigned(plan)).rows == (("even", 20, 20), ("odd", 20, 20))
