"""`cards`: numbers of the day with their change."""

from __future__ import annotations

from datetime import date, timedelta

from assay.config.block import CardsBlock
from assay.jobs.context import Context
from assay.jobs.outputs.blocks import news
from assay.jobs.outputs.blocks.setting import Setting
from assay.jobs.queries.query import Row, query
from assay.report.format import change
from assay.report.views import BlockView, LineView, Panel, PanelsFigure, Point

_PANELS = 4
Series = dict[date, Row]


def view(context: Context, block: CardsBlock, setting: Setting) -> BlockView:
    """The numbers of `query` for the day; totals get a panel each, up to four."""
    start = setting.day - timedelta(days=max(news.RHYTHM, setting.days) + 1) - setting.compare
    series: dict[tuple[str, str], Series] = {}
    for row in query(context, block.metrics, start, setting.end, block.by):
        series.setdefault((row.metric, " ".join(row.by.values())), {})[row.time] = row
    lines = tuple(_line(context, setting, *name, found) for name, found in series.items())
    totals = [(metric, found) for (metric, value), found in series.items() if not value]
    panels = tuple(_panel(context, setting, *each) for each in totals[:_PANELS]) if block.chart == "lines" else ()
    figure = PanelsFigure(panels) if panels else None
    return BlockView(_title(context, block), lines, figure=figure)


def _title(context: Context, block: CardsBlock) -> str:
    labels = ", ".join(context.catalog.metric(name).label for name in block.metrics)
    return block.title or (f"{labels} by {block.by}" if block.by else labels)


def _line(context: Context, setting: Setting, metric: str, value: str, found: Series) -> LineView:
    known = context.catalog.metric(metric)
    label = f"{known.label}, {value}" if value else known.label
    now, before = news.value(found, setting.day), news.value(found, setting.versus)
    usual = news.usual(found, setting.day, setting.compare) if change(before, now) is not None else False
    return LineView(label, now, known.spec.format, before, known.spec.good, usual)


def _panel(context: Context, setting: Setting, metric: str, found: Series) -> Panel:
    known = context.catalog.metric(metric)
    days = [setting.day - timedelta(days=back) for back in reversed(range(setting.days))]
    current: tuple[Point, ...] = tuple((each, news.value(found, each)) for each in days)
    earlier: tuple[Point, ...] = tuple((each, news.value(found, each - setting.compare)) for each in days)
    return Panel(known.label, known.spec.format, current, earlier)
