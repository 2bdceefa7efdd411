"""Assignment in SQL and in Python: the same variant for the same unit, whatever its type."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest

from assay.catalog.assignment import split_of, variant_sql
from assay.compiler.units import Plan
from assay.jobs.experiments.units import units
from assay.stats.assign import assign

YAML = """
sources:
  app: {table: RAW.events, time: at, entities: {user: user_id}}
metrics:
  events: {type: count, source: app}
experiments:
"""
BODY = """
    hypothesis: It helps.
    exposure: {source: app}
    start: 2025-03-08
    end: 2025-03-12
    metrics: {primary: [events]}
"""
FORMS = {
    "plain": "{variants: {control: 50, treatment: 50}}",
    "salted": "{salt: Old.salt-1, variants: {control: 90%, treatment: 10%}}",
    "part": "{variants: {control: 1, one: 1, two: 1}, traffic: 20%}",
    "layered": "{variants: {control: 1, treatment: 2}, traffic: 20%..45.5%, layer: feed}",
    "rest": "{variants: {control: 1, treatment: 2}, traffic: 45.5%..100%, layer: feed}",
    "column": "{source: app, column: arm, variants: {control: 0, treatment: it's}}",
}
UNITS = {
    "number": ("number", int),
    "negative": ("-toInt64(number) * 7919", int),
    "big": ("18446744073709551615 - number", int),
    "text": ("concat('Ünï', char(92), char(39), toString(number), '🦊 :')", str),
    "uuid": ("reinterpretAsUUID(MD5(toString(number)))", lambda text: UUID(text)),
    "low": ("toLowCardinality(toString(number))", str),
    "fixed": ("toFixedString(lower(hex(MD5(toString(number)))), 32)", str),
    "nullable": ("if(number % 10 = 0, NULL, number)", int),
}


@pytest.fixture(scope="module")
def shop(lab):
    bodies = "".join(f"  {name}:{BODY}    assignment: {form}\n" for name, form in FORMS.items())
    tables = {"events": "at DateTime('UTC'), user_id UInt64, arm Nullable(String)"}
    return lab.shop({"metrics/all.yaml": YAML + bodies}, tables)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", "salted", "part", "layered", "rest"])
def test_sql_and_python_agree(shop, name: str) -> None:
    experiment = shop.context.catalog.definitions.experiments[name]
    split, sql = split_of(experiment), variant_sql(experiment, "number")
    assert split is not None
    rows = shop.rows(f"SELECT {sql} FROM numbers(100000) ORDER BY number")
    assert [variant for (variant,) in rows] == assign(split, range(100_000))


@pytest.mark.parametrize("kind", UNITS)
@pytest.mark.parametrize("name", ["salted", "layered"])
def test_units_of_any_type(shop, name: str, kind: str) -> None:
    sql, parse = UNITS[kind]
    experiment = shop.context.catalog.definitions.experiments[name]
    split, variant = split_of(experiment), variant_sql(experiment, sql)
    assert split is not None
    rows = shop.rows(f"SELECT toString({sql}), {variant}, toTypeName({variant}) FROM numbers(2000)")
    units = [None if text is None else parse(text) for text, _, _ in rows]
    assert [variant for _, variant, _ in rows] == assign(split, units)
    assert {kind for _, _, kind in rows} <= {"String", "LowCardinality(String)"}


def test_bytes_that_are_no_text(shop) -> None:
    experiment = shop.context.catalog.definitions.experiments["salted"]
    split, unit = split_of(experiment), b"\xff\xfe7".decode("utf-8", "surrogateescape")
    assert split is not None
    ((variant,),) = shop.rows("SELECT " + variant_sql(experiment, "unhex('FFFE37')"))
    assert variant == split.variant(unit)


def test_a_column_tells_its_variant(shop) -> None:
    experiment = shop.context.catalog.definitions.experiments["column"]
    assert split_of(experiment) is None
    arms = "SELECT arrayJoin(['0', 'it''s', 'x', '', NULL]) AS arm"
    found = shop.rows(f"SELECT {variant_sql(experiment, 'user_id')} FROM ({arms})")
    assert [variant for (variant,) in found] == ["control", "treatment", "", "", ""]


@pytest.mark.parametrize("name", ["salted", "layered"])
def test_an_experiment_counts_the_units_that_the_hash_chose(shop, name: str) -> None:
    shop.write("INSERT INTO RAW.events SELECT toDateTime('2025-03-09 00:00:00', 'UTC'), number, '0' FROM numbers(5000)")
    catalog = shop.context.catalog
    split = split_of(catalog.definitions.experiments[name])
    assert split is not None
    expected = Counter(assign(split, range(5000)))
    del expected[""]
    plan = Plan(catalog, catalog.definitions.experiments[name], [catalog.metric("events")])
    with units(shop.context, plan) as table:
        assert table.counts().units == expected
