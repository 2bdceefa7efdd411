"""A report as plain text: one line per number, ready for a chat. Whoever sends it escapes it for the channel."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from assay.report.format import arrow, change, present, show, show_day, show_signed, tone
from assay.report.views import BlockView, Figure, LineView, ReportView, TableView

_LIGHTS = {"good": "🟢", "bad": "🔴", "flat": "⚪"}
_ROWS = 10  # of a table: more of them are a list that nobody reads in a chat


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
    numbers = (_line(line, day, versus) for line in block.lines)
    table = _table(block.table) if block.table else ()
    note = (block.note,) if block.note else ()
    return BlockText(block.title, (*block.words, *numbers, *table, *note), block.figure)


def _line(line: LineView, day: date, versus: date | None) -> str:
    if not present(line.value):
        return f"⚪ {line.label}  no data for {day.isoformat()}"
    change_ = change(line.before, line.value)
    light = "⚪" if line.usual else _LIGHTS[tone(change_, line.good)]
    share = f" · {show(line.share, 'percent')}" if present(line.share) else ""
    return f"{light} {line.label}  {show(line.value, line.format)}{share}  {_comparison(line, change_, versus)}"


def _comparison(line: LineView, share: float | None, versus: date | None) -> str:
    if not present(line.before):
        return f"(no data for {versus.isoformat()})" if versus else "(nothing to compare with)"
    if share is None:
        return f"(was {show(line.before, line.format)})"
    return f"{arrow(share)} {show_signed(share)}{_usual(line)}"


def _usual(line: LineView) -> str:
    """What is usual, where the change is not; a usual change is shown by its white light alone."""
    if line.usual or line.range is None:
        return ""
    low, high = map(show_signed, line.range)
    return f", usually {low} to {high}"


def _table(table: TableView) -> Iterator[str]:
    """A row per line, each number with its name where there are several."""
    for value, numbers in table.rows[:_ROWS]:
        named = zip(table.metrics, numbers, strict=True)
        shown = (_cell(label, show(number, style), len(numbers)) for (_, label, style), number in named)
        yield f"{value}  {' · '.join(shown)}"
    if len(table.rows) > _ROWS:
        yield f"… and {len(table.rows) - _ROWS:,} more rows"


def _cell(label: str, shown: str, columns: int) -> str:
    return shown if columns == 1 else f"{label} {shown}"
