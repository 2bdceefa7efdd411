"""The pages of alerts: a timeline over all of them, and the slots of each, as a chart and in words."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from assay.report import watched
from assay.report.charts import Bar, Row, rows
from assay.report.templating import asset
from assay.report.views import SiteView
from assay.report.website import render


def told(files: dict[str, str], name: str) -> dict[str, Any]:
    """What the script of an alert hands to its charts."""
    found: dict[str, Any] = json.loads(files[f"data/alert-{name}.js"].removeprefix("assaySlots(").removesuffix(");\n"))
    return found


def test_the_script_holds_every_slot_with_its_gap(site: SiteView) -> None:
    found = told(render(site), "feed_15m")
    (chart,) = found["charts"]
    start = int(datetime(2025, 9, 29, tzinfo=ZoneInfo("Europe/Moscow")).timestamp())
    assert chart["times"] == [start + 900 * at for at in range(384)]
    assert chart["values"][:3] == [100, None, 102]
    assert (chart["low"][95:97], chart["high"][95:97]) == ([90, None], [300, None])
    assert found["zone"] == "Europe/Moscow"
    assert [end - since if end else None for since, end in found["episodes"]] == [None, 3 * 3600]


def test_the_chart_is_told_in_words_and_by_day(site: SiteView) -> None:
    watch = site.alerts[0].watched[0]
    assert watched.sentence(watch) == (
        "From 100 (29 Sep 2025 00:00) to 483 (2 Oct 2025 23:45). 1 of 384 slots have no value."
    )
    first, *_, last = watched.days(watch)
    assert (first.stored, first.slots, first.lowest, first.highest) == (95, 96, "100", "195")
    assert (last.stored, last.lowest, last.middle) == (96, "388", "436")
    nothing = replace(watch, series=tuple((at, None) for at, _ in watch.series))
    assert watched.sentence(nothing) == "None of these slots has a value."


def test_only_pages_with_slots_load_the_library(site: SiteView) -> None:
    files = render(site)
    assert {"assets/uPlot.iife.min.js", "assets/uPlot.min.css", "assets/uPlot.LICENSE"} <= set(files)
    using = {path for path, text in files.items() if path.endswith(".html") and "uPlot" in text}
    assert using == {"alerts/feed_15m.html"}
    assert "data/alert-messenger_15m.js" not in files
    assert "platform alert check" in files["alerts/messenger_15m.html"]
    assert "uPlot (v1.6.32)" in files["assets/uPlot.iife.min.js"][:200]
    assert "| 1.6.32 | MIT" in asset("vendor/README.md")


def test_the_timeline_links_each_alert_and_says_what_happened(site: SiteView) -> None:
    page = render(site)["alerts/index.html"]
    assert page.count('<a href="feed_15m.html">') == 0  # links lead through the root
    assert page.count('<a href="../alerts/feed_15m.html">') == 3  # wide and narrow drawing, table
    assert "views, everyone, 24 Sep 2025 03:00 to 24 Sep 2025 06:00" in page
    assert "views, city = Moscow, 2 Oct 2025 10:15 still open" in page
    assert page.count("A campaign</") >= 3


def test_bars_are_cut_at_the_ends_and_left_out_beyond_them() -> None:
    first, last = date(2025, 9, 1), date(2025, 9, 11)
    spans = {"in": (2, 4), "late": (9, 20), "out": (15, 20)}
    bars = [Bar(date(2025, 9, start), date(2025, 9, end), name) for name, (start, end) in spans.items()]
    drawing = rows(
        [Row("a", (*bars, Bar(date(2025, 7, 1), date(2025, 8, 1), "gone")))], first, last, title="t", width=1012
    )
    found = re.findall(r'<title>(\w+)</title><rect x="([0-9.]+)" y="16" width="([0-9.]+)"', drawing)
    day = (1000 - 1012 * 0.22) / 10  # pixels
    assert [name for name, *_ in found] == ["in", "late"]
    assert [float(width) for *_, width in found] == pytest.approx([2 * day, 2 * day], abs=0.01)


@pytest.mark.parametrize(("day", "shown"), [(9, True), (10, False)])
def test_what_the_calendar_holds_outside_of_the_days_is_not_drawn(site: SiteView, day: int, shown: bool) -> None:
    later = replace(site, day=site.day.replace(month=12, day=day))  # the 90 days begin on 11 or 12 September
    drawing = watched.timeline(replace(later, calendar=later.calendar[:1]), lambda *_: None, 800)
    assert ("A campaign" in drawing) is shown


def test_charts_of_an_older_incident_have_their_own_numbers(site: SiteView) -> None:
    alert = replace(site.alerts[0], around=site.alerts[0].watched)
    files = render(replace(site, alerts=(alert,)))
    assert [each["label"] for each in told(files, "feed_15m")["charts"]] == ["Views", "Views"]
    page = files["alerts/feed_15m.html"]
    assert page.index('id="slots-1"') < page.index('id="slots-0"')  # the incident comes first
