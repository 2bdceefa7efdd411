"""The pictures of blocks: each kind with ordinary values, gaps, odd names, and nothing at all."""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO

import pytest
from PIL import Image

from assay.report.png import figure_png
from assay.report.views import (
    BandFigure,
    BarsFigure,
    Figure,
    LinesFigure,
    MatrixFigure,
    Panel,
    PanelsFigure,
    Point,
    StackFigure,
)

DAY = date(2025, 9, 1)
DAYS = [DAY + timedelta(days=at) for at in range(14)]
SERIES: tuple[Point, ...] = tuple((day, 1000.0 + 50 * (at % 5)) for at, day in enumerate(DAYS))
GAPS: tuple[Point, ...] = tuple((day, None if at in (3, 4) else value) for at, (day, value) in enumerate(SERIES))
NOTHING: tuple[Point, ...] = tuple((day, None) for day in DAYS)
ODD = "<b>$x_1$ 東京 🙂</b> " * 6
FIGURES: dict[str, Figure] = {
    "panels": PanelsFigure((Panel("Users", "number", SERIES, GAPS),)),
    "lines": LinesFigure("Cities", "number", (("Moscow", SERIES), ("Perm", GAPS)), (("Sale", DAYS[2], DAYS[4]),)),
    "bars": BarsFigure("Users by city", "number", (("Moscow", 30.0, 20.0), ("Perm", None, 5.0), ("Omsk", -3.0, None))),
    "stack": StackFigure(
        "Weeks", tuple(DAYS), (("New", tuple(5.0 for _ in DAYS)), ("Churned", tuple(-2.0 for _ in DAYS)))
    ),
    "matrix": MatrixFigure(
        "Back", "percent", ("day 1", "day 2"), (("1 Sep · 9", (0.4, None)), ("2 Sep · 8", (0.01, 0.3))),
        ((1.0, None), (0.02, -0.7)), (("2 Sep · 8", "Unlike the others."),),
    ),
    "band": BandFigure(
        "Users", "number", GAPS, SERIES[-3:], tuple((day, 900.0, 1300.0) for day in DAYS[-3:]), DAYS[-3],
    ),
}  # fmt: skip
EMPTY: dict[str, Figure] = {
    "panels": PanelsFigure((Panel(ODD, "number", NOTHING, ()),)),
    "lines": LinesFigure(ODD, "percent", ((ODD, NOTHING),), ((ODD, DAYS[0] - timedelta(days=30), DAYS[-1]),)),
    "no lines": LinesFigure("Nothing", "number", ()),
    "bars": BarsFigure(ODD, "seconds", ((ODD, None, None), ("zero", 0.0, 0.0))),
    "no bars": BarsFigure("Nothing", "number", ()),
    "stack": StackFigure(ODD, (DAY,), ((ODD, (None,)),)),
    "no stack": StackFigure("Nothing", (), ()),
    "matrix": MatrixFigure(ODD, "percent", (ODD,), ((ODD, (None,)),), ((None,),), ((ODD, ODD),)),
    "no matrix": MatrixFigure("Nothing", "number", (), (), ()),
    "band": BandFigure(ODD, "number", NOTHING, (), (), DAY),
    "no band": BandFigure("Nothing", "number", (), (), (), DAY),
}


def size(png: bytes) -> tuple[int, int]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


@pytest.mark.parametrize("figure", [*FIGURES.values(), *EMPTY.values()], ids=[*FIGURES, *(f"empty {n}" for n in EMPTY)])
def test_every_figure_is_a_picture_and_always_the_same(figure: Figure) -> None:
    drawn = figure_png(figure)
    assert drawn == figure_png(figure)
    width, height = size(drawn)
    assert width in (500, 900)
    assert 100 < height < 3000


def test_many_rows_make_a_longer_picture_and_many_columns_do_not_make_it_wider() -> None:
    days = tuple(f"{at} Sep" for at in range(60))
    rows = tuple((f"City {at}", tuple(float(at) for _ in days)) for at in range(50))
    figure = MatrixFigure("Cities", "number", days, rows, tuple(tuple(0.5 for _ in days) for _ in rows))
    assert size(figure_png(figure))[0] == 900
    assert size(figure_png(figure))[1] > 2000


def test_a_long_legend_takes_more_lines() -> None:
    few = LinesFigure("Cities", "number", tuple((f"A city of number {at}", SERIES) for at in range(2)))
    many = LinesFigure("Cities", "number", tuple((f"A city of number {at}", SERIES) for at in range(20)))
    assert size(figure_png(many))[1] > size(figure_png(few))[1]


def test_bars_grow_with_their_values() -> None:
    """The longest dark run of pixels in a row of the picture is that of the larger bar."""
    figure = BarsFigure("Users", "number", (("Moscow", 100.0, None), ("Perm", 25.0, None)))
    dark = _dark(figure_png(figure))
    small = _dark(figure_png(replace(figure, rows=(figure.rows[1], ("", 100.0, None)))))
    assert dark == pytest.approx(small, abs=2)
    only = _dark(figure_png(replace(figure, rows=(("Perm", 25.0, None), ("", 50.0, None)))))
    assert only == pytest.approx(dark, abs=2)  # the scale ends with the largest value


def _dark(png: bytes) -> int:
    """The longest horizontal run of the colour of bars."""
    image = Image.open(BytesIO(png)).convert("RGB")
    best = 0
    for y in range(image.height):
        run = 0
        for x in range(image.width):
            run = run + 1 if image.getpixel((x, y)) == (0x2B, 0x32, 0x40) else 0
            best = max(best, run)
    return best
