"""A heatmap of cohorts: readable without its colours, and true to its numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from xml.etree import ElementTree

from assay.report.heatmap import heatmap
from assay.report.views import HeatmapRow, HeatmapView, SiteView, TabView
from assay.report.website import render

SVG = "{http://www.w3.org/2000/svg}"
FIRST = date(2025, 8, 14)
SENTENCE = "2025-08-15: 2,590 users, day 1 4.0 % against 31.0 %"
ROWS = (
    HeatmapRow(FIRST, 700, (0.4, 0.2, 0.0)),
    HeatmapRow(FIRST + timedelta(days=1), 2590, (0.04, 0.036, None), True, SENTENCE),
    HeatmapRow(FIRST + timedelta(days=2), None, (None, None, None)),
)
VIEW = HeatmapView("d7", "Retention <day 7>", (1, 2, 3), ROWS)


def _texts(drawing: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(drawing).iter(f"{SVG}text")]


def test_every_known_cell_has_its_share_as_text() -> None:
    drawing = ElementTree.fromstring(heatmap(VIEW))
    assert _texts(heatmap(VIEW)) == [
        *("members", "1", "2", "3"),
        *("14 Aug", "700", "40%", "20%", "0%"),
        *("▲ 15 Aug", "2,590", "4%", "4%"),
        *("16 Aug", "–"),
    ]
    strength = [float(each.get("style", "").split("fill-opacity:")[1]) for each in drawing.iter(f"{SVG}rect")
                if "fill-opacity" in each.get("style", "")]  # fmt: skip
    assert strength[0] == 0.55
    assert strength[1] == 0.275
    assert [each.text for each in drawing.iter(f"{SVG}title")][:2] == ["Retention <day 7>", "14 Aug, day 1: 40.0 %"]
    assert drawing.find(f"{SVG}desc").text == "3 cohorts by day of life; unlike those before: 15 Aug"


def test_without_a_number_there_is_no_cell() -> None:
    assert "%" not in heatmap(replace(VIEW, rows=(ROWS[2],)))
    assert _texts(heatmap(replace(VIEW, rows=()))) == ["members", "1", "2", "3"]


def test_a_tab_shows_it_with_its_sentences() -> None:
    tab = TabView("app", "App", FIRST, heatmaps=(VIEW,))
    page = render(SiteView("Shop", FIRST, "UTC", tabs=(tab,)))["index.html"]
    assert SENTENCE in page
    assert "Retention &lt;day 7&gt;" in page
    assert page.count("▲ 15 Aug") == 1
