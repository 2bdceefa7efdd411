"""Charts of block characters: heights, gaps, widths, and names that would steer a terminal."""

from __future__ import annotations

from datetime import date, timedelta

from assay.report.columns import HEIGHT, plot

FIRST = date(2025, 10, 1)


def points(*values: float | None) -> list[tuple[date, float | None]]:
    return [(FIRST + timedelta(days=at), value) for at, value in enumerate(values)]


def columns(*values: float | None, width: int = 80) -> list[str]:
    """From left to right, each from its foot to its top."""
    lines = [line.partition("│")[2] for line in plot("", points(*values), "number", width).lines[:HEIGHT]]
    wide = max(map(len, lines))
    return ["".join(row).rstrip() for row in zip(*(line.ljust(wide) for line in reversed(lines)), strict=True)]


def test_columns_begin_at_zero_and_the_highest_fills_the_chart() -> None:
    low, high = columns(5, 10)
    assert (low, high) == ("█" * (HEIGHT // 2), "█" * HEIGHT)


def test_what_is_not_known_is_no_zero() -> None:
    assert columns(10, None, 0) == ["█" * HEIGHT, "?", "▁"]
    chart = plot("", points(10, None, float("nan")), "number", 80)
    assert chart.lines[-1].strip() == "10 on 1 Oct, 2 of 3 unknown (?)"
    assert plot("Views", points(None, None), "number", 80).lines == ("nothing is known of 2 periods",)


def test_below_zero() -> None:
    assert columns(-10, 10) == ["▁", "█" * HEIGHT]


def test_a_narrow_terminal_shows_the_newest() -> None:
    chart = plot("", points(*range(1, 101)), "number", 40)
    assert max(map(len, chart.lines[:HEIGHT])) == 40
    assert "100 on 8 Jan, the newest 35 of 100" in chart.lines[-1]
    assert len(columns(*range(1, 101), width=3)) == 10


def test_one_day_and_equal_values() -> None:
    assert columns(7) == ["█" * HEIGHT]
    assert columns(0, 0) == ["▁", "▁"]


def test_names_do_not_steer_the_terminal() -> None:
    assert plot("a\x1b[2J\nb 🚀 <b>", points(1), "number", 80).head == "a [2J b 🚀 <b>"
