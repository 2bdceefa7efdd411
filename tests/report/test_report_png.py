from __future__ import annotations

import math
import struct
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from assay.report.png import alert_png, lines_png
from assay.report.views import AlertChart, Panel, Point

DAY = date(2025, 9, 26)
SERIES: tuple[Point, ...] = tuple((DAY + timedelta(index), 20_000 + 900 * math.sin(index)) for index in range(7))
GAPS: tuple[Point, ...] = (
    (DAY, 1.0),
    (DAY + timedelta(1), None),
    (DAY + timedelta(2), math.nan),
    (DAY + timedelta(3), 2.0),
)
PANELS = (
    Panel("Revenue in $ and $x_1$", "number", SERIES, SERIES),  # dollars are no formula
    Panel("Gaps", "percent", GAPS),
    Panel("漢字", "minutes", SERIES[:1]),  # not in the font
    Panel("Nothing", "seconds", ((DAY, None),)),
)
START = datetime(2025, 10, 14)  # noqa: DTZ001
SLOTS: tuple[Point, ...] = tuple((START + timedelta(minutes=15 * index), 600.0) for index in range(96))
ALERT = AlertChart(
    title="Feed users · city = Moscow",
    format="number",
    series=(*SLOTS[:-1], (SLOTS[-1][0], 298.0)),
    band=tuple((at, None if index == 5 else 488.0, 715.0) for index, (at, _) in enumerate(SLOTS)),
    at=SLOTS[-1][0],
)


def size(png: bytes) -> tuple[int, int]:
    """Width and height from the header; W3C PNG specification, section 11.2.2."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


@pytest.mark.parametrize(("count", "expected"), [(1, (500, 300)), (2, (1000, 300)), (3, (1000, 600)), (4, (1000, 600))])
def test_panels_stand_in_a_grid(count: int, expected: tuple[int, int]) -> None:
    assert size(lines_png(PANELS[:count])) == expected


@pytest.mark.parametrize("panels", [(), PANELS + PANELS[:1]])
def test_no_panel_and_too_many_are_refused(panels: tuple[Panel, ...]) -> None:
    with pytest.raises(ValueError, match="one to four panels"):
        lines_png(panels)


def test_the_same_chart_is_the_same_bytes() -> None:
    assert lines_png(PANELS) == lines_png(PANELS)
    assert alert_png(ALERT) == alert_png(ALERT)


def test_an_alert_shows_its_anomaly_and_its_silence() -> None:
    silent = replace(ALERT, series=(*SLOTS[:-1], (SLOTS[-1][0], None)))
    drawn = {alert_png(each) for each in (ALERT, silent, replace(ALERT, band=()))}
    assert len(drawn) == 3
    assert {size(each) for each in drawn} == {(900, 460)}


def test_matplotlib_is_loaded_only_to_draw() -> None:
    code = "import sys, assay.report.png, assay.report.website; sys.exit('matplotlib' in sys.modules)"
    source = Path(__file__).parents[2] / "platform"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=source, timeout=60)
