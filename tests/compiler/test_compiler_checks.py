"""What declared checks compile to: their names, places and severities, and how many statements they take."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from assay.compiler import checks
from assay.compiler.checks import Subject

FIRST, END = date(2025, 3, 8), date(2025, 3, 11)
NOW = datetime(2025, 3, 9, 12, tzinfo=UTC)
FILE = """
sources:
  app:
    table: RAW.events
    time: at
    entities: {user: user_id}
    checks:
      not_null: [user_id, "{{ 'kind' }}"]
      accepted: {kind: [view, "10%"]}
      range: {age: [-5, 1.0e+300], share: [null, 0.1], big: [9007199254740993, null]}
      unique: [user_id, at]
      warn: {range: {age: [18, null]}, duplicates: 1%, min_rows_per_day: 10, volume: {history: 7d}}
  free: {table: RAW.events, time: at, entities: {user: user_id}}
"""


@pytest.fixture(scope="module")
def catalog(lab):
    return lab.shop({"metrics/all.yaml": FILE}, {}).context.catalog


def test_every_check_has_a_name_a_severity_and_a_place(catalog) -> None:
    subject = checks.source(catalog, "app")
    assert [(each.name, each.severity) for each in subject.checks] == [
        ("not_null user_id", "error"),
        ("not_null {{ 'kind' }}", "error"),
        ("accepted kind", "error"),
        ("range age", "error"),
        ("range share", "error"),
        ("range big", "error"),
        ("unique user_id, at", "error"),
        ("range age", "warn"),
        ("duplicates", "warn"),
        ("min_rows_per_day", "warn"),
        ("volume", "warn"),
    ]
    lines = {severity: subject.location("range age", severity).line for severity in ("error", "warn")}
    assert lines == {"error": 10, "warn": 12}


def test_one_scan_for_a_source_and_one_more_for_what_is_unique_in_a_model(catalog) -> None:
    source = checks.source(catalog, "app")
    assert len(checks.rows(source, "UTC", FIRST, END, NOW)) == 1
    staged = Subject("model", source.definition, "stage", day="day")
    assert len(checks.rows(staged, "UTC", FIRST, END, NOW)) == 2
    assert len(checks.rows(Subject("model", source.definition, "stage"), "UTC", FIRST, END, NOW)) == 1
    assert checks.rows(checks.source(catalog, "free"), "UTC", FIRST, END, NOW) == []


def test_the_days_before_are_read_for_volume_only(catalog) -> None:
    found = checks.earlier(checks.source(catalog, "app"), "UTC", FIRST, NOW)
    assert found
    midnight = int(datetime(2025, 3, 8, tzinfo=UTC).timestamp())
    assert dict(found.parameters) == {"start": midnight - 7 * 86_400, "end": midnight}
    assert checks.earlier(checks.source(catalog, "free"), "UTC", FIRST, NOW) is None


def test_rows_after_now_are_not_looked_at(catalog) -> None:
    (statement,) = checks.rows(checks.source(catalog, "app"), "UTC", FIRST, END, NOW)
    assert statement.parameters["end"] == int(NOW.timestamp())
    assert statement.parameters["days"] == 3
    (later,) = checks.rows(checks.source(catalog, "app"), "UTC", FIRST, END, NOW + timedelta(days=9))
    assert later.parameters["end"] == int(datetime(2025, 3, 11, tzinfo=UTC).timestamp())


def test_only_parameters_that_the_sql_names_are_bound(catalog) -> None:
    """Given others, the driver fills placeholders itself, and a % in the SQL would be one."""
    source = checks.source(catalog, "app")
    (whole,) = checks.rows(Subject("model", source.definition, "stage"), "UTC", FIRST, END, NOW)
    assert "'10%'" in whole.sql
    assert not whole.parameters


def test_bounds_are_written_as_numbers_of_clickhouse(catalog) -> None:
    (statement,) = checks.rows(checks.source(catalog, "app"), "UTC", FIRST, END, NOW)
    assert "NOT ((age) >= -5 AND (age) <= 1e+300)" in statement.sql
    assert "NOT ((share) <= 0.1)" in statement.sql
