"""One golden text per kind of statement. ASSAY_UPDATE_GOLDEN=1 writes them anew; the engine parses each of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from assay.catalog.catalog import Catalog
from assay.compiler import checks, experiment, series, states, unit_days
from assay.compiler.checks import Subject
from assay.compiler.series import Spans
from assay.compiler.units import Plan
from assay.engine.guard import refuse_statements
from assay.project import Project
from assay.statement import Statement

GOLDEN = Path(__file__).parents[1] / "golden"
UPDATE = bool(os.environ.get("ASSAY_UPDATE_GOLDEN"))

FILES = {
    "project.yaml": "name: shop\ntimezone: America/New_York\nwarehouse: {dsn: chdb://unused, database: assay}\n",
    "metrics/all.yaml": """
sources:
  app:
    table: shop.events
    time: at
    where: not is_test
    entities: {user: user_id, session: session_key}
    columns: {at: DateTime('UTC'), is_test: Bool, user_id: UInt32, session_key: String, kind: String, amount: Float64,
              city: String, age: UInt8, arm: UInt8}
    dimensions:
      age_group: {bins: age, cuts: [18, 25, 35]}
      city: {column: city, top: 3}
    checks:
      not_null: [user_id]
      accepted: {kind: [view, "it's"]}
      range: {age: [0, 120], amount: [null, 0.5]}
      unique: [user_id, at]
      min_rows_per_day: 10
      warn: {duplicates: 1%, volume: {history: 7d, within: 30%}}
  shop:
    table: orders
    time: at
    entities: {user: buyer}
    dimensions:
      age_group: {bins: age, cuts: [18, 25, 35]}
      city: {column: city, top: 3}
metrics:
  views: {type: count, source: app, where: "kind = 'view'"}
  spend: {type: sum, source: app, value: amount}
  mean_amount: {type: mean, source: app, value: amount}
  p90_amount: {type: quantile, source: app, value: amount, level: 0.9}
  users: {type: unique, source: app, of: user}
  sessions: {type: unique, source: app, of: session}
  buyers: {type: unique, source: shop, of: user}
  orders: {type: count, source: shop}
  both: {type: set, expr: users & buyers}
  any_user: {type: set, expr: users | buyers}
  conversion: {type: ratio, numerator: both, denominator: any_user}
  weekly_users: {type: rolling, metric: users, window: 7d}
  stickiness: {type: derived, expr: 2 * users / weekly_users - 1}
experiments:
  button:
    hypothesis: A larger button sells more.
    assignment: {source: app, column: arm, variants: {control: 0, treatment: 1}}
    exposure: {source: app, where: "kind = 'view'"}
    start: 2025-03-08
    end: 2025-03-11
    metrics: {primary: [spend], secondary: [both, conversion, mean_amount], guardrail: {orders: -1%}}
    analysis: {cuped: 7d, by: [city, age_group]}
alerts:
  every_30m: {metrics: [views, mean_amount], every: 30m, by: [city], explain: [age_group], route: nobody}
routes:
  nobody: {outbox: {path: outbox}}
""",
}
DAY, END = date(2025, 3, 8), date(2025, 3, 11)
NOW = datetime(2025, 3, 9, 16, tzinfo=UTC)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    root = tmp_path_factory.mktemp("golden")
    for path, text in FILES.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return Project.load(root).catalog


def _grain(catalog: Catalog, source: str, name: str) -> states.Grain:
    return next(each for each in states.grains(catalog) if (each.source, each.name) == (source, name))


def _fill(catalog: Catalog, name: str) -> Statement:
    (statement,) = states.fill(catalog, _grain(catalog, "app", name), "assay.stage", DAY, END, "assay")
    return statement


def _check_days(catalog: Catalog) -> Statement:
    (statement,) = states.checks(_grain(catalog, "app", "1d"), "assay.stage", DAY, END)
    return statement


def _checks(subject: Subject, at: int = 0) -> Statement:
    return checks.rows(subject, "America/New_York", DAY, END, NOW)[at]


def _earlier(subject: Subject) -> Statement:
    statement = checks.earlier(subject, "America/New_York", DAY, NOW)
    assert statement
    return statement


def _model(catalog: Catalog, day: str | None = "day") -> Subject:
    """The checks of a source, as if they were those of a model's staged rows."""
    return Subject("model", catalog.source("app"), "stage", day=day, earlier="target")


def _pin_top(catalog: Catalog) -> Statement:
    (found,) = states.pin_top(catalog, _grain(catalog, "app", "1d"), DAY, END, "assay")
    return found


def _series(catalog: Catalog, names: str, grain: str = "day", dimension: str = "") -> Statement:
    return series.series([catalog.metric(name) for name in names.split()], grain, dimension, DAY, END, "assay")


def _slots(catalog: Catalog) -> Statement:
    """Two days of windows of three hours, each read by its last half."""
    spans = Spans((DAY - date(1970, 1, 1)).days * 48, 96, 6, 3, DAY, DAY + timedelta(days=1))
    metrics = [catalog.metric("views"), catalog.metric("mean_amount")]
    return series.slots(catalog, metrics, timedelta(minutes=30), ["", "city"], spans, "assay", ["", "A", "it's"])


def _plan(catalog: Catalog, names: str) -> Plan:
    return Plan(catalog, catalog.definitions.experiments["button"], [catalog.metric(name) for name in names.split()])


def _experiment(catalog: Catalog, names: str, at: int) -> Statement:
    return experiment.statements(_plan(catalog, names))[at]


def _units(catalog: Catalog) -> Statement:
    measures = _plan(catalog, "spend both").measures["app"].values()
    grain = states.unit_grain(catalog, "app", "user", measures)
    (statement,) = states.fill(catalog, grain, "assay.stage", DAY, END, "assay")
    return statement


def _stored(catalog: Catalog, at: int) -> Statement:
    return unit_days.statements(_plan(catalog, "spend both conversion orders"), "assay")[at]


def _quotients(catalog: Catalog) -> Statement:
    plan = _plan(catalog, "mean_amount")
    return experiment.quotients(plan, "units", plan.readings[0], 30.0)


KINDS: dict[str, Callable[[Catalog], Statement]] = {
    "states_fill_day": lambda c: _fill(c, "1d"),
    "states_fill_slots": lambda c: _fill(c, "30m"),
    "states_check_days": _check_days,
    "checks_rows": lambda c: _checks(checks.source(c, "app")),
    "checks_rows_of_model": lambda c: _checks(_model(c)),
    "checks_unique_in_model": lambda c: _checks(_model(c), 1),
    "checks_rows_without_days": lambda c: _checks(_model(c, None)),
    "checks_earlier": lambda c: _earlier(checks.source(c, "app")),
    "checks_earlier_of_model": lambda c: _earlier(_model(c)),
    "states_pin_top": _pin_top,
    "series_total": lambda c: _series(c, "views spend"),
    "series_ratio_of_sets": lambda c: _series(c, "conversion", "week", "city"),
    "series_quantile": lambda c: _series(c, "p90_amount", "month"),
    "series_mean_in_total": lambda c: _series(c, "mean_amount", "total"),
    "series_rolling": lambda c: _series(c, "weekly_users"),
    "series_derived": lambda c: _series(c, "stickiness", "day", "age_group"),
    "alert_slots": _slots,
    "experiment_units": lambda c: _experiment(c, "spend both conversion orders", 0),
    "experiment_moments": lambda c: _experiment(c, "spend both conversion orders", 1),
    "experiment_daily": lambda c: experiment.daily(_plan(c, "spend mean_amount"), "units", "until"),
    "experiment_buckets": lambda c: experiment.buckets(_plan(c, "spend"), "units", "salt", {"y0": 9.5}),
    "experiment_quotients": _quotients,
    "unit_days_fill": lambda c: _units(c),
    "unit_days_seen": lambda c: _stored(c, 0),
    "unit_days_exposed": lambda c: _stored(c, 1),
    "unit_days_entered": lambda c: _stored(c, 3),
    "unit_days_units": lambda c: _stored(c, 4),
    "unit_days_over": lambda c: _stored(c, 6),
    "unit_days_parts": lambda c: _stored(c, 7),
    "unit_days_assigned": lambda c: unit_days.assigned(_plan(c, "spend"), "assay"),
    "experiment_assigned": lambda c: experiment.assigned(_plan(c, "spend")),
}


def test_tables_are_created_as_written(catalog: Catalog) -> None:
    _compare("states_create", ";\n".join(each.sql for each in states.create("assay")))


@pytest.mark.parametrize("kind", KINDS)
def test_statement_is_as_written(catalog: Catalog, kind: str) -> None:
    statement = KINDS[kind](catalog)
    parameters = "".join(f"-- {name} = {value!r}\n" for name, value in sorted(statement.parameters.items()))
    _compare(kind, f"-- {statement.purpose}\n{parameters}{statement.sql}")
    refuse_statements(statement.sql, statement.writes)


def _compare(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.sql"
    if UPDATE:
        path.write_text(text + "\n", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text + "\n", "run with ASSAY_UPDATE_GOLDEN=1 if the change is meant"


@pytest.mark.parametrize("kind", KINDS)
def test_the_engine_parses_it(lab, catalog: Catalog, kind: str) -> None:
    statement = KINDS[kind](catalog)
    lab.engine.run(Statement(f"EXPLAIN AST {statement.sql}", "parse", statement.parameters, writes=statement.writes))


def test_every_golden_file_has_a_test() -> None:
    assert {path.stem for path in GOLDEN.glob("*.sql")} == {*KINDS, "states_create"}


def test_the_text_does_not_depend_on_the_range(catalog: Catalog) -> None:
    """Dates are bound by the server, so that a query log groups the runs of one statement."""
    metrics = [catalog.metric("stickiness")]
    texts = {series.series(metrics, "day", "", day, END, "assay").sql for day in (DAY, DAY + timedelta(days=1))}
    assert len(texts) == 1
