"""A project whose every free text, and whose data, were written by somebody who means harm: it runs, and nothing more.

Its statements show what Assay writes to: only our own database.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from assay.engine import Engine
from assay.jobs.alerts import alerting
from assay.jobs.outputs import report, website
from assay.jobs.outputs.boards import wide
from assay.jobs.queries.query import query
from assay.jobs.runs import materialize
from assay.report.text import csv as as_csv
from assay.report.text import table
from assay.statement import Insert, Statement, Table
from tests.conftest import Lab, Shop
from tests.security import dom

VALUE = "=1'\"`;--<img src=x onerror=alert(1)></script>{x:String}\\\x1b[2J\n\u202e"
TEXT = json.dumps(VALUE)
DAY, NEXT = date(2025, 3, 1), date(2025, 3, 4)
NOW = datetime(2025, 3, 4, 12, tzinfo=UTC)
PROJECT = f"""
sources:
  app:
    table: RAW.events
    time: at
    entities: {{user: user_id}}
    dimensions: {{city: city}}
    label: {TEXT}
    owner: {TEXT}
metrics:
  events: {{type: count, source: app, label: {TEXT}, description: {TEXT}, owner: {TEXT}, tier: 1}}
  users: {{type: unique, source: app, of: user, label: {TEXT}}}
  odd: {{type: count, source: app, where: "city = '=1\\\\'\\"`;--<img src=x onerror=alert(1)></script>'"}}
events:
  party: {{label: {TEXT}, start: 2025-03-02, end: 2025-03-03}}
dashboards:
  main: {{label: {TEXT}, tabs: {{all: {{label: {TEXT}, metrics: [events, users], by: [city]}}}}}}
reports:
  daily: {{title: {TEXT}, route: file, blocks: [{{type: cards, title: {TEXT}, metrics: [events], by: city}},
    {{type: table, metrics: [events], by: city}}, {{type: text, text: {TEXT}}}]}}
routes:
  file: {{outbox: {{path: outbox}}}}
alerts:
  low: {{metrics: [events], by: [city], every: 1h, route: file, description: {TEXT},
    detector: {{type: static, high: 0, calibrate: false}}}}
"""


@dataclass(slots=True)
class Recorder:
    """An engine that remembers what it was asked."""

    engine: Engine
    asked: list[Statement | Insert]

    def run(self, statement: Statement | Insert) -> Table:
        self.asked.append(statement)
        return self.engine.run(statement)


@dataclass(frozen=True, slots=True)
class Ran:
    """What is left of a whole day's work."""

    shop: Shop
    asked: list[Statement | Insert]
    site: Path


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ran(lab: Lab) -> Ran:
    columns = {"events": "at DateTime('UTC'), user_id UInt32, city String"}
    shop = lab.shop({"metrics/all.yaml": PROJECT}, columns, now=NOW)
    rows = [
        {"at": datetime(2025, 3, day, hour, tzinfo=UTC), "user_id": hour, "city": city}
        for day in (1, 2, 3, 4)
        for hour in range(0, 24, 3)
        for city in (VALUE, "plain")
    ]
    shop.load("events", rows)
    asked: list[Statement | Insert] = []
    shop.context = replace(shop.context, engine=Recorder(shop.context.engine, asked))
    materialize.run(shop.context, start=DAY, end=NEXT)
    alerting.check(shop.context, NOW, send=True)
    report.send(shop.context, "daily", date(2025, 3, 3))
    wide.refresh_all(shop.context, wide.boards(shop.context))
    return Ran(shop, asked, website.build(shop.context))


def test_the_numbers_are_right(ran: Ran) -> None:
    found = query(ran.shop.context, ["events"], DAY, NEXT, "city", "total")
    assert {row.by["city"]: row.value for row in found} == {VALUE: 24, "plain": 24}


# What a statement that writes begins with, and the tables that it changes.
_NAME = r"`?(\w+)`?(?:\.`?\w+`?)?"
_VERBS = "|".join((
    "CREATE TABLE(?: IF NOT EXISTS)?", "CREATE DATABASE(?: IF NOT EXISTS)?", "INSERT INTO", "ALTER TABLE",
    "DROP TABLE(?: IF EXISTS)?", "TRUNCATE TABLE", "RENAME TABLE", "EXCHANGE TABLES", "OPTIMIZE TABLE", "DELETE FROM",
))  # fmt: skip
_WRITES = re.compile(rf"\s*(?:{_VERBS})\s+{_NAME}(?: (?:TO|AND) {_NAME})?")


def test_only_our_own_database_is_written_to(ran: Ran) -> None:
    ours = ran.shop.context.database
    writes = [each for each in ran.asked if isinstance(each, Insert) or each.writes]
    assert len(writes) > 30
    for each in writes:
        if isinstance(each, Insert):
            assert each.table.startswith(f"{ours}.")
        else:
            found = _WRITES.match(each.sql)
            assert found, each.sql[:200]
            assert {found[1], found[2] or ours} == {ours}, each.sql[:200]


def test_the_tables_of_others_are_as_they_were(ran: Ran) -> None:
    assert ran.shop.rows("SELECT count(), uniqExact(city) FROM RAW.events") == [(64, 2)]
    assert ran.shop.rows("SELECT groupArray(name) FROM system.tables WHERE database = 'RAW'") == [(["events"],)]


def test_no_page_has_an_element_of_others(ran: Ran) -> None:
    pages = list(ran.site.rglob("*.html"))
    assert len(pages) > 5
    for page in pages:
        found = page.read_text(encoding="utf-8")
        assert not [element for element in dom.shape(found) if "onerror" in element]
    assert any("onerror" in page.read_text(encoding="utf-8") for page in pages)  # it was told, as text


def test_no_message_has_an_element_of_others(ran: Ran) -> None:
    letters = list((ran.shop.context.root / "outbox").glob("*/message.html"))
    assert len(letters) >= 2
    for letter in letters:
        assert not [each for each in dom.shape(letter.read_text(encoding="utf-8")) if "onerror" in each]


def test_every_file_stays_inside_the_project(ran: Ran) -> None:
    root = ran.shop.context.root
    names = [str(each.relative_to(root)) for each in root.rglob("*")]
    assert all(name.isascii() and name.isprintable() and "<" not in name for name in names)


def test_a_table_and_csv_hold_the_value_and_obey_nothing(ran: Ran) -> None:
    found = query(ran.shop.context, ["events"], DAY, NEXT, "city", "total")
    cells = [(row.by["city"], row.value) for row in found]
    told = table(("city", "events"), cells)
    assert "\x1b" not in told
    assert told.count("\n") == 4
    read = list(csv.reader(io.StringIO(as_csv(("city", "events"), cells), newline="")))
    assert {row[0] for row in read[1:]} == {f"'{VALUE}", "plain"}
