"""Every block on a small shop, against plain SQL over its events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from assay.config.block import Block
from assay.delivery import FileLedger
from assay.errors import DeliveryError
from assay.jobs.outputs import blocks, report
from assay.jobs.outputs.blocks import GATHER, Setting, gather
from assay.jobs.queries.cohorts import cohorts
from assay.jobs.queries.investigate import investigate
from assay.jobs.runs import materialize
from assay.report.png import figure_png
from assay.report.report import render_report
from assay.report.views import (
    BarsFigure,
    BlockView,
    LinesFigure,
    MatrixFigure,
    PanelsFigure,
    SiteView,
    StackFigure,
    TabView,
)
from assay.report.website import render

FIRST, DAY = date(2025, 4, 1), date(2025, 6, 11)  # a Wednesday
WEEK = timedelta(days=7)
GAP = DAY - timedelta(days=2)  # nothing is stored for this day
METRICS = """
sources:
  events:
    table: RAW.events
    time: at
    entities: {user: user_id}
    dimensions: {city: city, os: os}
    columns: {user_id: UInt32, at: "DateTime('UTC')", kind: String, city: String, os: String, arm: UInt8}
metrics:
  views: {type: count, source: events, where: "kind = 'view'", label: "Views <b>&</b> 🙂", good: up}
  likes: {type: count, source: events, where: "kind = 'like'"}
  ctr: {type: ratio, numerator: likes, denominator: views, format: percent, good: up}
  users: {type: unique, source: events, of: user, good: up, tier: 1}
  arrivals: {type: new, metric: users}
  back: {type: retention, cohort: arrivals, returns: users, day: 1, format: percent}
  life: {type: lifecycle, metric: users}
  path: {type: funnel, source: events, of: user, steps: {look: "kind = 'view'", love: "kind = 'like'"}, format: percent}
experiments:
  later:
    hypothesis: It will be better.
    entity: user
    assignment: {source: events, column: arm, variants: {control: 0, treatment: 1}}
    exposure: {source: events}
    start: 2025-06-20
    end: 2025-06-27
    metrics: {primary: [views]}
  now:
    hypothesis: It is better.
    entity: user
    assignment: {source: events, column: arm, variants: {control: 0, treatment: 1}}
    exposure: {source: events}
    start: 2025-06-02
    end: 2025-06-16
    metrics: {primary: [views]}
forecasts:
  soon: {metrics: [users], horizon: 3d}
events:
  sale: {label: "A <sale>", start: 2025-06-05, end: 2025-06-07, match: {metric: users}}
  other: {label: Elsewhere, start: 2025-06-05, end: 2025-06-07, match: {metric: likes}}
routes: {box: {outbox: {path: target/outbox}}}
reports:
  daily:
    title: Daily
    route: box
    blocks: [{type: cards, title: "<Users>", metrics: [users, views]}, {type: cards, metrics: [users], by: city}]
"""
# 300 events a day; 3,000 cities by name; users come for some days and go.
EVENTS = """INSERT INTO RAW.events SELECT
  toUInt32(intDiv(number, 900) * 20 + cityHash64(number) % 90) AS user_id,
  toDateTime('2025-04-01 00:00:00', 'UTC') + number * 288 AS at,
  if(cityHash64(number, 1) % 4 = 0, 'like', 'view') AS kind,
  if(number % 3 = 0, 'Centre', concat('City <i>', toString(cityHash64(number, 2) % 3000), '</i> 🙂')) AS city,
  ['Android', 'iOS'][cityHash64(user_id) % 2 + 1] AS os, toUInt8(cityHash64(user_id, 3) % 2) AS arm
FROM numbers(300 * 72) WHERE toDate(at, 'UTC') != '2025-06-09'"""
TABLE = "user_id UInt32, at DateTime('UTC'), kind String, city String, os String, arm UInt8"
SETTING = Setting(DAY, WEEK, 14)
TYPES = TypeAdapter(Block)


@pytest.fixture(scope="module")
def shop(lab: Any) -> Any:
    shop = lab.shop({"metrics/all.yaml": METRICS}, {"events": TABLE}, now=datetime(2025, 6, 12, 8, tzinfo=UTC))
    shop.write(EVENTS)
    for start, end in ((FIRST, GAP), (GAP + timedelta(days=1), DAY + timedelta(days=1))):
        materialize.run(shop.context, start=start, end=end)
    return shop


def see(shop: Any, setting: Setting = SETTING, **body: Any) -> BlockView:
    return gather(shop.context, TYPES.validate_python(body), setting)


def by_city(shop: Any, day: date = DAY) -> Mapping[str, int]:
    """Views of a day by city, the largest first."""
    sql = """SELECT city, countIf(kind = 'view') AS views FROM RAW.events WHERE toDate(at, 'UTC') = {day:Date}
        GROUP BY city HAVING views > 0 ORDER BY views DESC, city"""
    return dict(shop.rows(sql, day=day))


def users(shop: Any, day: date) -> int:
    found: int = shop.rows("SELECT uniqExact(user_id) FROM RAW.events WHERE toDate(at) = {day:Date}", day=day)[0][0]
    return found


def test_every_type_has_its_file_and_its_place_in_the_table() -> None:
    union, _ = get_args(Block)
    types = {get_args(each.model_fields["type"].annotation)[0] for each in get_args(union)}
    assert types == GATHER.keys()
    folder = Path(str(blocks.__file__)).parent
    for name, view in GATHER.items():
        assert (folder / f"{name}.py").exists()
        assert view.__module__ == f"assay.jobs.outputs.blocks.{name}"


def test_cards_are_the_numbers_of_the_day(shop: Any) -> None:
    found = see(shop, type="cards", metrics=["users", "ctr"])
    assert (found.lines[0].value, found.lines[0].before) == (users(shop, DAY), users(shop, DAY - WEEK))
    likes, views = shop.rows(
        "SELECT countIf(kind = 'like'), countIf(kind = 'view') FROM RAW.events WHERE toDate(at) = '2025-06-11'"
    )[0]
    assert found.lines[1].value == pytest.approx(likes / views, rel=1e-12)
    assert isinstance(found.figure, PanelsFigure)
    assert len(found.figure.panels[0].series) == SETTING.days
    assert dict(found.figure.panels[0].series)[GAP] is None


def test_cards_by_a_dimension_have_shares_of_what_adds_up(shop: Any) -> None:
    found = see(shop, type="cards", metrics=["views", "ctr"], by="os")
    views, ctr = found.lines[:2], found.lines[2:]
    assert sum(each.share or 0 for each in views) == pytest.approx(1)
    assert {each.share for each in ctr} == {None}
    assert isinstance(found.figure, LinesFigure)


def test_a_huge_dimension_is_cut_and_says_so(shop: Any) -> None:
    cities = by_city(shop)
    left = len(cities) - 10
    for kind in ("bars", "cards"):
        extra = {"metric": "views"} if kind == "bars" else {"metrics": ["views"]}
        found = see(shop, type=kind, by="city", **extra)
        assert [each.value for each in found.lines] == list(cities.values())[:10]
        assert found.note == f"and {left} other values of city"


def test_bars_and_tables_are_those_of_the_day(shop: Any) -> None:
    cities, before = by_city(shop), by_city(shop, DAY - WEEK)
    bars = see(shop, type="bars", metric="views", by="city", top=5).figure
    assert isinstance(bars, BarsFigure)
    assert bars.rows == tuple((name, cities[name], before.get(name)) for name in list(cities)[:5])
    table = see(shop, type="table", metrics=["views", "ctr"], by="city", top=7).table
    assert table is not None
    assert [(name, values[0]) for name, values in table.rows] == list(cities.items())[:7]


def test_lines_show_the_days_the_largest_slices_and_the_calendar(shop: Any) -> None:
    figure = see(shop, type="line", metrics=["users"], days=20).figure
    assert isinstance(figure, LinesFigure)
    ((_, points),) = figure.lines
    assert dict(points) == {day: users(shop, day) or None for day in (DAY - timedelta(days=n) for n in range(20))}
    assert figure.marks == (("A <sale>", date(2025, 6, 5), date(2025, 6, 7)),)
    split = see(shop, type="line", metrics=["views"], by="city", top=3)
    assert isinstance(split.figure, LinesFigure)
    assert split.figure.lines[0][0] == "Centre"
    assert split.note.startswith("and ")


def test_a_heatmap_is_coloured_by_its_change(shop: Any) -> None:
    figure = see(shop, type="heatmap", metric="views", by="os", days=3).figure
    assert isinstance(figure, MatrixFigure)
    sql = "SELECT countIf(kind = 'view') FROM RAW.events WHERE os = {os:String} AND toDate(at) = {day:Date}"
    for (name, values), tones in zip(figure.rows, figure.tones, strict=True):
        now, before = (shop.rows(sql, os=name, day=day)[0][0] for day in (DAY, DAY - WEEK))
        assert values[-1] == now
        assert tones[-1] == pytest.approx(max(-1, min(2 * (now - before) / before, 1)))
        assert (values[0], tones[0]) == (None, None)  # the gap


def test_cohorts_are_those_of_the_query(shop: Any) -> None:
    view = see(shop, type="cohort", metric="back", cohorts=10, life=5)
    found = cohorts(shop.context, "back", DAY - timedelta(days=9), DAY + timedelta(days=1), days=5)
    assert isinstance(view.figure, MatrixFigure)
    expected = [tuple(cell.value for cell in each.cells) for each in found.cohorts]
    assert [values for _, values in view.figure.rows] == [each for each in expected if any(v is not None for v in each)]
    assert found.summary is not None
    assert f"spread {100 * found.summary.spread:.1f} pp" in view.words[1]


def test_a_lifecycle_leaves_out_the_week_that_is_not_over(shop: Any) -> None:
    view = see(shop, type="lifecycle", metric="life", weeks=4)
    assert isinstance(view.figure, StackFigure)
    assert view.figure.periods[-1] == date(2025, 6, 2)
    assert view.note == "The week of 9 Jun is not over and is left out."
    parts = dict(view.figure.parts)
    for week in range(3):
        monday = view.figure.periods[week]
        sql = "SELECT uniqExact(user_id) FROM RAW.events WHERE toMonday(toDate(at)) = {week:Date}"
        active = sum(parts[name][week] or 0 for name in ("Retained", "New", "Resurrected"))
        assert active == shop.rows(sql, week=monday)[0][0]
        assert (parts["Churned"][week] or 0) <= 0


def test_a_funnel_counts_from_its_first_step(shop: Any) -> None:
    view = see(shop, Setting(date(2025, 6, 7), WEEK, 14), type="funnel", metric="path")
    assert isinstance(view.figure, BarsFigure)
    sql = "SELECT uniqExact(user_id) FROM RAW.events WHERE kind = 'view' AND toDate(at) = '2025-06-07'"
    assert view.words == (f"{shop.rows(sql)[0][0]} began.",)
    assert view.figure.rows[0][:2] == ("look", 1)


def test_a_funnel_waits_until_the_time_for_its_steps_is_over(shop: Any) -> None:
    view = see(shop, type="funnel", metric="path")
    assert view.words[0].endswith(" began on 10 Jun, the newest day whose steps are over.")


def test_an_ordinary_day_has_nothing_to_explain(shop: Any) -> None:
    assert see(shop, type="investigate", metric="users").words[0].startswith("Nothing to explain: ")
    named = see(shop, type="investigate", metric="users", on=DAY, vs=DAY - WEEK)
    assert named.words == (investigate(shop.context, "users", DAY, DAY - WEEK).summary,)


def test_experiments_and_forecasts_say_what_they_have_not(shop: Any) -> None:
    (word,) = see(shop, type="experiment", experiment="later").words
    assert "starts on 2025-06-20" in word
    assert see(shop, type="forecast", forecast="soon").words == ("Users: no forecast was made by 2025-06-12.",)
    running = see(shop, type="experiment", experiment="now").words
    assert "2 Jun 2025 to 11 Jun 2025" in running[1]


ALL: list[dict[str, Any]] = [
    {"type": "cards", "metrics": ["users"]},
    {"type": "line", "metrics": ["users"], "by": "city"},
    {"type": "bars", "metric": "views", "by": "city"},
    {"type": "table", "metrics": ["views"], "by": "city"},
    {"type": "heatmap", "metric": "views", "by": "city"},
    {"type": "cohort", "metric": "back"},
    {"type": "lifecycle", "metric": "life", "weeks": 4},
    {"type": "funnel", "metric": "path"},
    {"type": "investigate", "metric": "users"},
    {"type": "investigate", "metric": "users", "on": "2025-06-01"},
    {"type": "experiment", "experiment": "now"},
    {"type": "text", "text": "Words."},
]


@pytest.mark.parametrize("body", ALL, ids=lambda body: body["type"])
@pytest.mark.parametrize("day", [GAP, date(2024, 1, 1), date(2026, 1, 1)])
def test_a_day_without_data_is_a_stated_gap(shop: Any, body: dict[str, Any], day: date) -> None:
    found = see(shop, Setting(day, WEEK, 7), **body)
    if found.figure:
        figure_png(found.figure)
    assert all(line.value is None for line in found.lines)
    assert all("no data for" in line for line in _text(found, day) if line.startswith("⚪"))


def _text(block: BlockView, day: date) -> tuple[str, ...]:
    return render_report(report.ReportView("r", "R", day, (block,), day - WEEK))[1][0].lines


@pytest.mark.parametrize("body", ALL, ids=lambda body: body["type"])
def test_every_figure_can_be_drawn(shop: Any, body: dict[str, Any]) -> None:
    found = see(shop, **body)
    if found.figure:
        assert figure_png(found.figure) == figure_png(found.figure)


def test_every_type_is_drawn_on_the_site(shop: Any) -> None:
    """Every kind of block as a panel of a tab; what has a figure has a drawing for a desk and one for a phone."""
    blocks = tuple(see(shop, **body) for body in (*ALL, {"type": "forecast", "forecast": "soon"}))
    tab = TabView("main", "Main", DAY, blocks=blocks)
    page = render(SiteView("Shop", DAY, "UTC", tabs=(tab,)))["index.html"]
    assert {kind for kind in GATHER if f'class="panel block {kind}-block"' in page} == GATHER.keys()
    assert page.count('<div class="roomy"><svg') >= sum(each.figure is not None for each in blocks)
    assert "<i>" not in page
    assert "<b>&</b>" not in page


def test_a_block_may_show_the_past(shop: Any) -> None:
    """With `until`, a block is that of a report about that day."""
    past = DAY - timedelta(days=21)
    for body in ALL:
        if body["type"] in ("line", "heatmap", "cohort"):
            assert see(shop, **body, until=past) == see(shop, Setting(past, WEEK, 14), **body)
            assert see(shop, **body, until=past) != see(shop, **body)


def test_a_report_is_sent_once_and_escaped(shop: Any) -> None:
    first, again = (report.send(shop.context, "daily", DAY) for _ in range(2))
    assert [each.receipts[0].status for each in (first, again)] == ["sent", "skipped"]
    page = Path(first.receipts[0].reference, "message.html").read_text(encoding="utf-8")
    assert "<b>&</b>" not in page
    assert "Views &lt;b&gt;&amp;&lt;/b&gt; 🙂" in page
    assert "Daily · 11 Jun 2025, compared with 4 Jun 2025" in page
    assert "An ordinary day: none of 2 numbers" in page
    assert "Running: experiment &#x27;now&#x27;, day 10 of 14." in page


def test_what_is_stored_of_a_deleted_metric_bothers_nobody(shop: Any) -> None:
    catalog = shop.context.catalog
    left = {name: each for name, each in catalog.metrics.items() if name != "likes"}
    context = replace(shop.context, catalog=replace(catalog, metrics=left))
    assert gather(context, TYPES.validate_python(ALL[0]), SETTING) == see(shop, **ALL[0])


def test_a_day_without_data_says_so_first(shop: Any) -> None:
    found = report.view(shop.context, shop.context.catalog.report("daily"), GAP)
    assert found.story[0] == "There is no data for 9 Jun 2025."


def test_a_folder_that_cannot_be_written_is_an_error_of_delivery(shop: Any, tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("no folder")
    project = shop.context.catalog.definitions.project.model_copy(update={"target": str(target)})
    definitions = replace(shop.context.catalog.definitions, project=project)
    context = replace(shop.context, catalog=replace(shop.context.catalog, definitions=definitions))
    with pytest.raises(DeliveryError, match="E701"):
        report.send(context, "daily", DAY, dry_run=True)
    with pytest.raises(DeliveryError, match="E701"):
        FileLedger(target / "sent.jsonl").record()
