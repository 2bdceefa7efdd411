from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

from assay.report.report import render_report
from assay.report.views import BlockView, LineView, Panel, PanelsFigure, ReportView, TableView

DAY = date(2025, 10, 6)
PANEL = Panel("DAU", "number", ((DAY, 22_137.0),))


def lines(*views: LineView, versus: date | None = None) -> tuple[str, ...]:
    _, blocks = render_report(ReportView("daily", "Daily", DAY, (BlockView("Users", views),), versus))
    return blocks[0].lines


def test_the_title_names_the_day_of_the_data_and_what_it_is_compared_with() -> None:
    view = ReportView("daily", "Daily report", DAY, (), date(2025, 9, 29))
    assert render_report(view) == ("Daily report · 6 Oct 2025, compared with 29 Sep 2025", ())


def test_a_block_keeps_its_lines_note_and_panels() -> None:
    total = LineView("Total", 22_137.0, "number", 20_963.0, "up")
    figure = PanelsFigure((PANEL,))
    block = BlockView("Users", (total,), ("As ever.",), figure, note="A holiday.")
    _, (text,) = render_report(ReportView("daily", "Daily", DAY, (block,)))
    assert text == ("Users", ("As ever.", "🟢 Total  22.1K  ▲ +5.6 %", "A holiday."), figure)


def test_lights_follow_the_direction_of_good() -> None:
    assert lines(
        LineView("CTR", 0.206, "percent", 0.208, "up"),
        LineView("Gap", 17.5, "minutes", 19.0, "down"),
        LineView("DAU", 22_137.0, "number", 20_963.0),
        LineView("Ratio", 1.57, "number", 1.57, "up"),
    ) == (
        "🔴 CTR  20.6 %  ▼ −1.0 %",
        "🟢 Gap  17.5 min  ▼ −7.9 %",
        "⚪ DAU  22.1K  ▲ +5.6 %",
        "⚪ Ratio  1.57  → 0.0 %",
    )


def test_a_usual_swing_is_shown_but_is_no_news() -> None:
    usual = LineView("Senders", 3_300.0, "number", 2_180.0, "up", usual=True, range=(-0.4, 0.8))
    news = replace(usual, usual=False, range=(-0.1, 0.1), share=0.25)
    assert lines(usual, news) == (
        "⚪ Senders  3,300  ▲ +51.4 %",
        "🟢 Senders  3,300 · 25.0 %  ▲ +51.4 %, usually −10.0 % to +10.0 %",
    )


def test_a_table_becomes_lines_and_says_what_it_leaves_out() -> None:
    rows = tuple((f"City <{at}>", (float(at), None)) for at in range(12, 0, -1))
    table = TableView("city", "City", (("dau", "Users", "number"), ("ctr", "Like rate", "percent")), rows)
    block = BlockView("Cities", table=table, note="and 3,988 other values of city")
    _, (text,) = render_report(ReportView("daily", "Daily", DAY, (block,)))
    assert text.lines[0] == "City <12>  Users 12 · Like rate –"
    assert text.lines[-2:] == ("… and 2 more rows", "and 3,988 other values of city")


def test_missing_data_is_said_and_never_shown_as_zero() -> None:
    day, none = date(2025, 9, 29), LineView("Views", None)
    assert lines(none, LineView("Views", math.nan)) == ("⚪ Views  no data for 2025-10-06",) * 2
    assert lines(LineView("Views", 5.0), versus=day) == ("⚪ Views  5  (no data for 2025-09-29)",)
    assert lines(LineView("Views", 5.0)) == ("⚪ Views  5  (nothing to compare with)",)
    assert lines(LineView("Views", 5.0, before=0.0)) == ("⚪ Views  5  (was 0)",)
