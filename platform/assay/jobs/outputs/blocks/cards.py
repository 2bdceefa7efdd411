"""`cards`: numbers of the day with their change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.config.block import CardsBlock
from assay.jobs.context import Context
from assay.jobs.outputs.blocks import news
from assay.jobs.outputs.blocks.series import (
    Series,
    judged,
    largest,
    last_days,
    line,
    marks,
    others,
    points,
    series,
    shares,
    words,
)
from assay.jobs.outputs.blocks.setting import Setting
from assay.report.views import BlockView, Figure, LinesFigure, LineView, Panel, PanelsFigure

_PANELS, _LINES, _SLICES = 4, 5, 10
_Found = dict[tuple[str, str], Series]


def view(context: Context, block: CardsBlock, setting: Setting) -> BlockView:
    """The numbers of `query` for the day. Totals get a panel each, up to four; slices their share in the total, and the
    first metric a line for each."""
    found = judged(context, block.metrics, setting, block.by)
    rows = (each[setting.day] for (name, _), each in found.items() if name == block.metrics[0] and setting.day in each)
    kept, left = largest(rows, block.by, _SLICES) if block.by else ([""], 0)
    figure = _figure(context, block, setting, found, kept) if block.chart == "lines" else None
    lines = tuple(_lines(context, block, setting, found, kept))
    return BlockView(_title(context, block), lines, figure=figure, note=others(left, block.by or ""))


def _figure(context: Context, block: CardsBlock, setting: Setting, found: _Found, kept: Sequence[str]) -> Figure | None:
    if not block.by:
        return PanelsFigure(tuple(_panel(context, setting, name, found[name, ""]) for name in block.metrics[:_PANELS]))
    metric, days = context.catalog.metric(block.metrics[0]), last_days(setting, None)
    drawn = tuple((value, points(found[metric.name, value], days)) for value in kept[:_LINES])
    title = f"{metric.label} by {words(block.by)}"
    return LinesFigure(title, metric.spec.format, drawn, marks(context, [metric.name], days)) if drawn else None


def _title(context: Context, block: CardsBlock) -> str:
    labels = ", ".join(context.catalog.metric(name).label for name in block.metrics)
    return block.title or (f"{labels} by {words(block.by)}" if block.by else labels)


def _lines(
    context: Context, block: CardsBlock, setting: Setting, found: _Found, kept: Sequence[str]
) -> Iterator[LineView]:
    for name in block.metrics:
        metric = context.catalog.metric(name)
        slices = {value: each for (other, value), each in found.items() if other == name}
        share = _shares(context, name, setting, slices) if block.by else {}
        for value in kept:
            label = f"{metric.label}, {value}" if value else metric.label
            yield line(metric, label, slices.get(value, {}), setting, share.get(value))


def _shares(context: Context, name: str, setting: Setting, slices: dict[str, Series]) -> dict[str, float]:
    total = series(context, [name], setting.day, setting.end)[name, ""]
    parts = {value: news.value(each, setting.day) for value, each in slices.items()}
    return shares(context.catalog.metric(name), parts, news.value(total, setting.day))


def _panel(context: Context, setting: Setting, name: str, found: Series) -> Panel:
    metric, days = context.catalog.metric(name), last_days(setting, None)
    earlier = points(found, days, setting.compare)
    return Panel(metric.label, metric.spec.format, points(found, days), earlier)
