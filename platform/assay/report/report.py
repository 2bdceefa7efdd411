"""A report as plain text: one line per number, ready for a chat. Whoever sends it escapes it for the channel."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from assay.report.format import arrow, change, present, show, show_day, show_signed, tone
from assay.report.views import BlockView, Figure, LineView, ReportView

_LIGHTS = {"good": "🟢", "bad": "🔴", "flat": "⚪"}


class BlockText(NamedTuple):
    """One message of a report: its title, its lines, and its chart."""

    title: str
    lines: tuple[str, ...]
    figure: Figure | None


def render_report(view: ReportView) -> tuple[str, tuple[BlockText, ...]]:
    """The title, with the day of the data, and the blocks in order."""
    against = f", compared with {show_day(view.versus)}" if view.versus else ""
    title = f"{view.title} · {show_day(view.day)}{against}"
    return title, tuple(_block(block, view.day, view.versus) for block in view.blocks)


def _block(block: BlockView, day: date, versus: date | None) -> BlockText:
    lines = (*block.words, *(_line(line, day, versus) for line in block.lines))
    return BlockText(block.title, (*lines, block.note) if block.note else lines, block.figure)


def _line(line: LineView, day: date, versus: date | None) -> str:
    if not present(line.value):
        return f"⚪ {line.label}  no data for {day.isoformat()}"
    share = change(line.before, line.value)
    light = "⚪" if line.usual else _LIGHTS[tone(share, line.good)]
    return f"{light} {line.label}  {show(line.value, line.format)}  {_comparison(line, share, versus)}"


def _comparison(line: LineView, share: float | None, versus: date | None) -> str:
    if not present(line.before):
        return f"(no data for {versus.isoformat()})" if versus else "(nothing to compare with)"
    if share is None:
        return f"(was {show(line.before, line.format)})"
    usual = ", as usual" if line.usual else ""
    return f"{arrow(share)} {show_signed(share)}{usual}"
