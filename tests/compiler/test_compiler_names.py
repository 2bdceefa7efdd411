"""Columns may have any name: an alias of ours that captured one would change a count without an error."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from assay.compiler import experiment, series
from assay.compiler.experiment import Plan
from assay.jobs import materialize
from assay.jobs.query import query

# Every name that our statements use for something of their own.
NAMES = (
    "n", "t", "k", "val", "value", "day", "measure", "variant", "unit", "y0", "x_y0", "s_y0", "time", "slot",
    "dim", "dims", "digest", "users", "grain", "source", "check", "failures", "numerator", "denominator",
    "units", "v0", "n0", "d0", "first", "last", "start", "rows", "days",
)  # fmt: skip
IN_SLOTS = ("slot", "k", "dim", "val", "value")
ROWS = 40
DAY, END = date(2025, 3, 9), date(2025, 3, 10)
NOON = datetime(2025, 3, 9, 12, tzinfo=UTC)


def _of(name: str) -> str:
    """Definitions that read the column `name` wherever SQL is allowed."""
    return f"""
sources:
  in_{name}:
    table: RAW.events
    time: toDateTime(1741521600 + `{name}`, 'UTC')
    entities: {{user: "`{name}`"}}
    dimensions: {{half: {{bins: "`{name}`", cuts: [10]}}, most: {{column: "`{name}` % 4", top: 2}}}}
    checks: {{not_null: ["`{name}`"], accepted: {{"`{name}` >= 0": [1]}}, min_rows_per_day: {ROWS}}}
metrics:
  events_{name}: {{type: count, source: in_{name}, where: "`{name}` >= 20"}}
  average_{name}: {{type: mean, source: in_{name}, value: "`{name}`"}}
  middle_{name}: {{type: quantile, source: in_{name}, value: "`{name}`", level: 0.5}}
  whos_{name}: {{type: unique, source: in_{name}, of: user, where: "`{name}` >= 20"}}
experiments:
  test_{name}:
    hypothesis: It does not matter what a column is called.
    assignment: {{source: in_{name}, column: "`{name}` % 2", variants: {{even: 0, odd: 1}}}}
    exposure: {{source: in_{name}, where: "`{name}` >= 0"}}
    start: {DAY}
    end: {END}
    metrics: {{primary: [average_{name}]}}
"""


def _alert(name: str) -> str:
    return f"alerts: {{alert_{name}: {{metrics: [average_{name}], every: 15m, by: [most], route: nobody}}}}"


@pytest.fixture(scope="module")
def shop(lab):
    files = {f"metrics/{name}.yaml": _of(name) for name in NAMES}
    files |= {f"alerts/{name}.yaml": _alert(name) for name in IN_SLOTS}
    files["alerts/routes.yaml"] = "routes: {nobody: {outbox: {path: outbox}}}"
    shop = lab.shop(files, {"events": ", ".join(f"`{name}` Int64" for name in NAMES)})
    shop.load("events", [dict.fromkeys(NAMES, at) for at in range(ROWS)])
    assert materialize.run(shop.context).ok
    return shop


@pytest.mark.parametrize("name", NAMES)
def test_series(shop, name: str) -> None:
    names = [f"{kind}_{name}" for kind in ("events", "average", "whos", "middle")]
    rows = query(shop.context, names, DAY, END)
    assert [row.value for row in rows] == [20, 19.5, 20, pytest.approx(19.5, abs=1)]


@pytest.mark.parametrize("name", NAMES)
def test_dimensions(shop, name: str) -> None:
    halves, most = (
        {row.by[by]: row.denominator for row in query(shop.context, [f"average_{name}"], DAY, END, by)}
        for by in ("half", "most")
    )
    assert halves == {"<10": 10, "10+": 30}
    assert most == {"0": 10, "1": 10, "other": 20}


@pytest.mark.parametrize("name", IN_SLOTS)
def test_slots(shop, name: str) -> None:
    metrics = [shop.context.catalog.metric(f"average_{name}")]
    statement = series.slots(shop.context.catalog, metrics, "15m", ["", "most"], [[NOON]], shop.context.database)
    rows = shop.context.engine.run(statement).dicts()
    assert {row["val"]: row["n0"] for row in rows} == {"": 780, "0": 180, "1": 190, "other": 410}


@pytest.mark.parametrize("name", NAMES)
def test_experiments(shop, name: str) -> None:
    catalog, run = shop.context.catalog, shop.context.engine.run
    definition, metrics = catalog.definitions.experiments[f"test_{name}"], [catalog.metric(f"average_{name}")]
    plan = Plan(catalog, definition, metrics)
    rows = list(run(experiment.moments(plan)).dicts())
    assert [(row["variant"], row["n"], row["s_y0"], row["s_y1"]) for row in rows] == [
        ("even", 20, 380.0, 20.0),
        ("odd", 20, 400.0, 20.0),
    ]
    daily = run(experiment.moments(Plan(catalog, definition, metrics, by_day=True))).dicts()
    assert [(row["variant"], row["day"], row["s_y0"]) for row in daily] == [("even", DAY, 380.0), ("odd", DAY, 400.0)]
    assert not run(experiment.pairs(plan, plan.readings[0], 2.0)).rows
