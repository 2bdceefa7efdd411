"""The tabs of a dashboard over awkward data, against plain SQL over the events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assay.errors import UsageError
from assay.jobs.outputs import website
from assay.jobs.outputs.tabs import tabs
from assay.jobs.runs import materialize
from assay.report.views import CardView, FilterView, SiteView, TabView
from assay.report.website import render

FIRST, DAY = date(2025, 5, 1), date(2025, 5, 12)
STALE = DAY - timedelta(days=2)  # the last day of the second source
CITIES = 4000
EVIL = "<script>alert(1)</script> & \"'🙂"
QUOTED = EVIL.replace("'", "''")
YAML = """
sources:
  events:
    table: RAW.events
    time: at
    entities: {user: user_id}
    dimensions: {city: city, os: os}
    columns: {user_id: UInt32, at: "DateTime('UTC')", city: String, os: String}
  mails:
    table: RAW.mails
    time: at
    entities: {user: user_id}
    dimensions: {city: city, os: os}
    columns: {user_id: UInt32, at: "DateTime('UTC')", city: String, os: String}
  letters:
    table: RAW.mails
    time: at
    entities: {user: user_id}
    dimensions: {city: "upper(city)"}
    columns: {user_id: UInt32, at: "DateTime('UTC')", city: String, os: String}
metrics:
  users: {type: unique, source: events, of: user, label: "Users <b>&</b> 🙂", good: up}
  views: {type: count, source: events}
  mails: {type: count, source: mails}
  letters: {type: count, source: letters}
  arrivals: {type: new, metric: users}
  back: {type: retention, cohort: arrivals, returns: users, day: 1, format: percent}
dashboards:
  board:
    days: 7
    tabs:
      main: {label: Main, metrics: [views, users, mails], by: [city, os], filters: [city, os], cohorts: [back]}
      loud: {label: Loud, metrics: [letters], by: [city], filters: [city]}
"""
# Every city on the last day, the first one most; two users from an awkward place; ten events on each day before.
EVENTS = f"""INSERT INTO RAW.events SELECT toUInt32(number % 2500), '2025-05-12 01:00:00',
    if(number < 90, 'Centre', concat('City ', toString(number % {CITIES}))), ['Android', 'iOS'][number % 2 + 1]
  FROM numbers({CITIES} + 90)
  UNION ALL SELECT toUInt32(number), '2025-05-12 02:00:00', '{QUOTED}', 'iOS' FROM numbers(40)
  UNION ALL SELECT toUInt32(number), toDateTime('2025-05-01 03:00:00', 'UTC') + intDiv(number, 10) * 86400,
    'Centre', 'iOS'
  FROM numbers(110)"""
MAILS = """INSERT INTO RAW.mails
  SELECT 1, toDateTime('2025-05-01 03:00:00', 'UTC') + number * 86400, 'Centre', 'iOS' FROM numbers(10)"""


@pytest.fixture(scope="module")
def shop(lab: Any) -> Any:
    columns = "user_id UInt32, at DateTime('UTC'), city String, os String"
    tables = dict.fromkeys(("events", "mails"), columns)
    shop = lab.shop({"metrics/all.yaml": YAML}, tables, now=datetime(2025, 5, 13, 8, tzinfo=UTC))
    shop.write(EVENTS)
    shop.write(MAILS)
    materialize.run(shop.context, ["events"], start=FIRST, end=DAY + timedelta(days=1))
    materialize.run(shop.context, ["mails", "letters"], start=FIRST, end=STALE + timedelta(days=1))
    return shop


def tab(shop: Any, day: date = DAY, at: int = 0) -> TabView:
    return list(tabs(shop.context, shop.context.catalog.definitions.dashboards["board"].spec, day))[at]


@pytest.fixture(scope="module")
def main(shop: Any) -> TabView:
    return tab(shop)


def pages(found: TabView) -> dict[str, str]:
    return render(SiteView("Shop", found.day, "UTC", tabs=(found,)))


def by_city(shop: Any) -> list[tuple[str, int, int]]:
    """Events and users of the day by city, the largest first."""
    sql = """SELECT city, count() AS views, uniqExact(user_id) FROM RAW.events WHERE toDate(at, 'UTC') = '2025-05-12'
        GROUP BY city ORDER BY views DESC, city"""
    found: list[tuple[str, int, int]] = [tuple(row) for row in shop.rows(sql)]
    return found


def _values(cards: tuple[CardView, ...]) -> list[float | None]:
    return [each.value for each in cards]


def test_a_dimension_of_thousands_of_values_is_cut_and_says_so(shop: Any, main: TabView) -> None:
    """The fifty largest, in the table and in the filter; so the landing page stays small."""
    every = by_city(shop)
    assert len(every) > CITIES - 100
    table, cities = main.tables[0], main.filters[0]
    assert [(name, *numbers[:2]) for name, numbers in table.rows] == every[:50]
    assert table.note == f"and {len(every) - 50:,} other values of city"
    assert [(each.value, *_values(each.cards)[:2]) for each in cities.slices] == every[:50]
    assert cities.left == len(every) - 50
    files = pages(main)
    assert table.note in files["index.html"]
    landing = [files[path] for path in ("index.html", "assets/style.css", "assets/site.js", "assets/filters.js")]
    assert sum(len(each.encode()) for each in landing) < 500_000
    assert len(files["data/main-city.js"].encode()) < 500_000


def test_a_filtered_card_has_the_history_of_its_slice(shop: Any, main: TabView) -> None:
    (centre,) = (each for each in main.filters[0].slices if each.value == "Centre")
    sql = "SELECT toDate(at, 'UTC') AS day, count() FROM RAW.events WHERE city = 'Centre' GROUP BY day"
    known = dict(shop.rows(sql))
    views = centre.cards[0]
    assert dict(views.series) == {day: known[day] for day in (DAY - timedelta(days=back) for back in range(7))}
    assert views.before == known[DAY - timedelta(days=7)]


def test_names_with_markup_and_emoji_are_text(main: TabView) -> None:
    assert main.tables[0].rows[1][0] == EVIL
    page = pages(main)["index.html"]
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; " in page
    assert "Users &lt;b&gt;&amp;&lt;/b&gt; 🙂" in page


def test_a_stale_metric_is_a_stated_gap(main: TabView) -> None:
    """What was not built has no value anywhere, and its line ends; a slice of it does not become zero."""
    mails = main.cards[2]
    assert (mails.value, mails.before) == (None, 1)
    assert [value for _, value in mails.series][-3:] == [1, None, None]
    assert {numbers[2] for table in main.tables for _, numbers in table.rows} == {None}
    assert {each.cards[2].value for found in main.filters for each in found.slices} == {None}
    assert pages(main)["index.html"].count("no data for 12 May 2025") == 1


def test_a_dimension_may_mean_something_else_on_another_tab(shop: Any) -> None:
    loud = tab(shop, STALE, 1)
    assert loud.tables[0].rows == (("CENTRE", (1,)),)
    assert [each.value for each in loud.filters[0].slices] == ["CENTRE"]


def test_a_day_without_data_is_a_page_that_says_so(shop: Any) -> None:
    found = tab(shop, date(2026, 3, 1))
    assert _values(found.cards) == [None] * 3
    assert (found.filters, [table.rows for table in found.tables]) == ((), [(), ()])
    page = pages(found)["index.html"]
    assert page.count("no data for 1 Mar 2026") == 3
    assert page.count("no data</td>") == 2
    assert 'id="filter"' not in page


def test_what_is_stored_of_a_deleted_metric_is_not_shown(shop: Any, main: TabView) -> None:
    catalog = shop.context.catalog
    board = catalog.definitions.dashboards["board"].spec
    left = {name: each for name, each in catalog.metrics.items() if name != "mails"}
    spec = board.model_copy(
        update={"tabs": {"main": board.tabs["main"].model_copy(update={"metrics": ("views", "users")})}}
    )
    (found,) = tabs(replace(shop.context, catalog=replace(catalog, metrics=left)), spec, DAY)
    assert _values(found.cards) == _values(main.cards)[:2]


def test_a_filter_keeps_its_order(main: TabView) -> None:
    os: FilterView = main.filters[1]
    assert (os.label, os.left, {each.value for each in os.slices}) == ("Os", 0, {"Android", "iOS"})


def test_a_folder_that_cannot_be_written_is_a_clear_error(shop: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UsageError, match="cannot be written") as error:
        website.build(shop.context, DAY, tmp_path / "file" / "site")
    assert error.value.diagnostics[0].code == "E601"
