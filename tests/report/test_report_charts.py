from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree

import pytest

from assay.report import charts, svg
from assay.report.charts import Event, Interval, Line
from assay.report.views import Point

EVIL = "<script>alert(1)</script> & \"quoted\" 'too'"
DAY = date(2025, 10, 2)
SERIES: tuple[Point, ...] = tuple(
    (DAY + timedelta(index), [3.0, None, 5.0, 7.0, math.nan, 4.0][index]) for index in range(6)
)
BAND = tuple((at, 2.0, 8.0) for at, _ in SERIES)

DRAWINGS = {
    "sparkline": charts.sparkline(SERIES, SERIES, title=EVIL),
    "line_chart": charts.line_chart(
        [Line(EVIL, SERIES), Line("before", SERIES, dashed=True)],
        title=EVIL,
        band=BAND,
        events=[Event(EVIL, DAY), Event("outage", DAY, DAY + timedelta(2))],
    ),
    "forest": charts.forest([Interval(EVIL, 0.07, 0.05, 0.09, "good"), Interval("none", None, None, None)], title=EVIL),
    "bars": charts.bars([(EVIL, 3.0), ("b", -1.0), ("c", None)], title=EVIL),
    "empty sparkline": charts.sparkline((), title="empty"),
    "empty line chart": charts.line_chart([], title="empty"),
    "one point": charts.line_chart([Line("one", SERIES[:1])], title="one"),
    "only gaps": charts.line_chart([Line("gaps", ((DAY, None),))], title="gaps"),
    "no bars": charts.bars([], title="empty"),
    "no estimates": charts.forest([], title="empty"),
}


@pytest.mark.parametrize("drawing", DRAWINGS.values(), ids=DRAWINGS.keys())
def test_a_drawing_is_well_formed_accessible_and_without_nan(drawing: str) -> None:
    root = ElementTree.fromstring(drawing)
    assert [child.tag.rpartition("}")[2] for child in root[:2]] == ["title", "desc"]
    assert root.get("role") == "img"
    assert not any("nan" in value or "inf" in value for node in root.iter() for value in node.attrib.values())


@pytest.mark.parametrize("drawing", DRAWINGS.values(), ids=DRAWINGS.keys())
def test_texts_are_escaped(drawing: str) -> None:
    assert "script" not in {node.tag.rpartition("}")[2] for node in ElementTree.fromstring(drawing).iter()}
    assert "<script>" not in drawing


def test_a_gap_lifts_the_pen_and_a_lonely_point_stays_visible() -> None:
    path = svg.line_path([(0, 1.0), (1, None), (2, 3.0), (3, 4.0)])
    assert path == "M0.0 1.0 L0.0 1.0 M2.0 3.0 L3.0 4.0"


def test_an_area_ends_where_a_bound_is_missing() -> None:
    assert svg.rings([(0, 1.0, 2.0), (1, 1.0, 3.0), (2, None, 4.0), (3, 1.0, None)]) == [
        [(0, 1.0), (1, 1.0), (1, 3.0), (0, 2.0)]
    ]


def test_ticks_are_round_and_inside() -> None:
    assert svg.ticks(0, 10) == [0, 2, 4, 6, 8, 10]
    assert svg.ticks(0.221, 0.302) == pytest.approx([0.24, 0.26, 0.28, 0.30])
    assert svg.ticks(5, 5) == [5]


@pytest.mark.parametrize(("days", "labels"), [(6, "2 Oct"), (60, "2 Oct"), (1000, "2 Oct 2025")])
def test_time_ticks_are_few_and_start_at_the_first_day(days: int, labels: str) -> None:
    first = svg.position(DAY)
    found = svg.time_ticks(first, first + days * svg.DAY)
    assert found[0] == (first, labels)
    assert 2 <= len(found) <= 7


def test_times_of_a_day_are_read_on_the_wall_clock() -> None:
    start = datetime(2025, 10, 2, 0, 0, tzinfo=UTC)
    first, last = svg.position(start), svg.position(start + timedelta(hours=23, minutes=45))
    assert [name for _, name in svg.time_ticks(first, last)] == ["2 Oct", "06:00", "12:00", "18:00"]


def test_the_line_of_no_effect_is_always_in_the_frame() -> None:
    drawing = charts.forest([Interval("far", 0.5, 0.4, 0.6)], title="far")
    assert ">0.0 %<" in drawing


def test_a_span_of_counts_never_falls_below_zero() -> None:
    assert svg.span([0.5, 100.0])[0] == 0.0
    assert svg.span([-1.0, 1.0])[0] < -1.0
    assert svg.span([None, math.nan]) == (0.0, 1.0)
