"""The pages of the catalogue and of the data behind it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest

from assay.report.charts import graph
from assay.report.views import SiteView
from assay.report.website import render

SOURCE, LIKES, VIEWS, CTR, TAB = (
    ("source", "feed"),
    *(("metric", name) for name in ("likes", "views", "ctr")),
    ("tab", "app"),
)
STEPS = ((LIKES, CTR), (SOURCE, LIKES), (VIEWS, CTR), (SOURCE, VIEWS), (SOURCE, CTR), (CTR, TAB))


def boxes(drawing: str) -> dict[str, tuple[int, int]]:
    """The corner of each box by its name."""
    found = re.findall(r'<title>\w+ (\w+)</title><rect x="(\d+)" y="(\d+)"', drawing)
    return {name: (int(x), int(y)) for name, x, y in found}


def test_boxes_stand_left_of_what_is_made_from_them() -> None:
    places = boxes(graph(STEPS, CTR, title="Lineage", href=lambda *_: None))
    assert set(places) == {"feed", "likes", "views", "ctr", "app"}
    assert all(places[start[1]][0] < places[end[1]][0] for start, end in STEPS)
    assert len(set(places.values())) == 5
    assert places["likes"][0] == places["views"][0]


def test_no_arrow_runs_behind_a_box() -> None:
    """From the source straight to the metric, past the column of likes and views: in a row of its own."""
    drawing = graph(STEPS, CTR, title="Lineage", href=lambda *_: None)
    places = boxes(drawing)
    (lane,) = re.findall(r'<path d="M[^"]* ([0-9]+) H', drawing)
    column = [y for x, y in places.values() if x == places["likes"][0]]
    assert len(column) == 2
    assert all(not y <= int(lane) <= y + 38 for y in column)


def test_many_readers_are_counted_and_listed(site: SiteView) -> None:
    here = ("metric", "ctr")
    readers = tuple(("metric", f"reader_{number}") for number in range(12))
    ctr = next(each for each in site.metrics if each.name == "ctr")
    many = replace(ctr, used_by=readers, lineage=tuple((here, each) for each in readers))
    page = render(replace(site, metrics=(many,)))["metrics/ctr.html"]
    drawing, _, rest = page.partition('class="snug"')
    assert [f"reader_{number}" in drawing[drawing.index("roomy") :] for number in (0, 6, 7)] == [True, True, False]
    assert '<a href="#used-by"><title>and 5 more' in drawing
    assert "reader_11" in rest


def test_every_box_but_the_own_one_is_a_link() -> None:
    drawing = graph(STEPS, CTR, title="Lineage", href=lambda kind, name: f"{kind}-{name}.html")
    assert set(re.findall('<a href="(.*?)">', drawing)) == {
        "source-feed.html", "metric-likes.html", "metric-views.html", "tab-app.html",
    }  # fmt: skip
    assert 'role="group"' in drawing  # an image would hide its links from a screen reader


def test_lineage_can_be_followed_both_ways(site: SiteView) -> None:
    page = render(site)["metrics/ctr.html"]
    drawing = page[page.index('class="roomy graph"') : page.index('class="snug"', page.index('class="roomy graph"'))]
    links = set(re.findall('<a href="(.*?)">', drawing))
    assert links == {
        "../data/index.html#source-feed",
        "../index.html",
        "../experiments/similar_users.html",
        "../alerts/feed_15m.html",
    }


def test_a_metric_page_tells_tier_freshness_and_checks(site: SiteView) -> None:
    text = _text(render(site)["metrics/ctr.html"])
    assert "Tier 1" in text
    assert "Stored up to 2 Oct 2025 whole" in text
    assert "error not_null of source feed, 2025-09-30: 3 rows without a time" in text


@pytest.mark.parametrize(
    ("last", "over", "said"),
    [
        (date(2025, 10, 2), False, "2 Oct 2025 not over yet"),
        (date(2025, 9, 30), True, "30 Sep 2025 behind"),
        (None, False, "Stored up to –"),
    ],
)
def test_how_far_a_metric_reaches(site: SiteView, last: date | None, over: bool, said: str) -> None:
    assert site.quality
    feed = replace(site.quality.stored[0], last=last, over=over)
    files = render(replace(site, quality=replace(site.quality, stored=(feed,))))
    assert said in _text(files["metrics/ctr.html"])


def test_the_data_page_tells_gaps_lateness_and_checks(site: SiteView) -> None:
    text = _text(render(site)["data/index.html"])
    assert "feed source feed-team 1 Aug 2025 2 Oct 2025 3 Oct 2025 03:00 6h late 4 Sep 2025 to 5 Sep 2025 1" in text
    assert "users model – nothing is stored yet – nothing none" in text
    assert "41 passed, 1 failed, 2 skipped" in text
    assert "3 rows without a time" in text


def test_the_catalogue_is_searched_by_name_label_owner_and_source(site: SiteView) -> None:
    (words,) = re.findall('data-search="(ctr .*?)"', render(site)["metrics/index.html"])
    assert {"ctr", "like rate", "feed-team", "feed"} <= {
        word for word in ("ctr", "like rate", "feed-team", "feed") if word in words
    }


def _text(page: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", page[page.index("<main") :]).split())
