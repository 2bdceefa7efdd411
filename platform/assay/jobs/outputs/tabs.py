"""The tabs of a dashboard: cards, what the filters show instead of them, breakdown tables, cohorts, and blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from assay.compiler import zone
from assay.compiler.states import dimension_key
from assay.config.report import DashboardSpec, Tab
from assay.jobs.context import Context
from assay.jobs.outputs.blocks.gather import gather
from assay.jobs.outputs.blocks.series import in_order, others, size, words
from assay.jobs.outputs.blocks.setting import Setting
from assay.jobs.queries.cohorts import cohorts
from assay.jobs.queries.query import Row, query
from assay.report.views import CardView, FilterView, HeatmapRow, HeatmapView, SliceView, TableView, TabView

_WEEK, _FOUR_WEEKS = timedelta(days=7), timedelta(days=28)
_LIFE = 30  # days of life on a heatmap
_SLICES = 50  # a table and a filter show so many values, the largest: their files stay small
Values = dict[date, float | None]


@dataclass(frozen=True, slots=True)
class _Sliced:
    """One dimension of a board: the rows of the day, and by value the days of those that a filter offers."""

    today: list[Row]
    days: dict[str, dict[str, Values]]


def tabs(context: Context, board: DashboardSpec, day: date) -> Iterator[TabView]:
    """The tabs of one dashboard, in their order. Raises as the queries behind them."""
    setting, every = Setting(day, _WEEK, board.days), list(board.tabs.values())
    totals = by_metric(_rows(context, every, setting))
    found = _slices(context, every, setting)
    for name, tab in board.tabs.items():
        sliced = {by: found[_key(context, tab, by)] for by in _dimensions(tab)}
        yield TabView(
            name,
            tab.label,
            day,
            _cards(context, tab, setting, totals),
            tuple(_table(context, tab, by, sliced[by]) for by in tab.by),
            tuple(_heatmap(context, metric, board.days, day) for metric in tab.cohorts),
            tuple(_filters(context, tab, setting, sliced)),
            tuple(gather(context, block, setting) for block in tab.blocks),
        )


def _dimensions(tab: Tab) -> list[str]:
    return list(dict.fromkeys((*tab.by, *tab.filters)))


def _key(context: Context, tab: Tab, by: str) -> str:
    """What a dimension means on a tab: its sources may define it in their own way."""
    return dimension_key(by, context.catalog.dimension(by, [context.catalog.metric(name) for name in tab.metrics]))


def _slices(context: Context, every: Sequence[Tab], setting: Setting) -> dict[str, _Sliced]:
    """Each meaning of a dimension for all of its tabs at once, which takes a third of reading it tab by tab."""
    shown: dict[str, tuple[str, list[Tab]]] = {}
    for tab in every:
        for by in _dimensions(tab):
            shown.setdefault(_key(context, tab, by), (by, []))[1].append(tab)
    return {key: _sliced(context, of, by, setting) for key, (by, of) in shown.items()}


def _sliced(context: Context, shown: Sequence[Tab], by: str, setting: Setting) -> _Sliced:
    filtered = [tab for tab in shown if by in tab.filters]
    today = query(context, _metrics(shown), setting.day, setting.end, by)
    chosen = sorted({value for tab in filtered for value in _largest(tab, by, today)[0]})
    slices: dict[str, list[Row]] = {}
    for row in _rows(context, filtered, setting, by, chosen) if chosen else ():
        slices.setdefault(row.by[by], []).append(row)
    return _Sliced(today, {value: by_metric(rows) for value, rows in slices.items()})


def _metrics(every: Sequence[Tab]) -> list[str]:
    return list(dict.fromkeys(name for tab in every for name in tab.metrics))


def _rows(
    context: Context, every: Sequence[Tab], setting: Setting, by: str | None = None, chosen: Sequence[str] | None = None
) -> list[Row]:
    """The days on the sparklines, and those four weeks before."""
    start = setting.end - timedelta(days=setting.days) - _FOUR_WEEKS
    return query(context, _metrics(every), start, setting.end, by, chosen=chosen)


def _largest(tab: Tab, by: str, today: Sequence[Row]) -> tuple[list[str], int]:
    """The values of a dimension by the first metric of the tab, those that lack it last; and how many are left out."""
    sizes = {row.by[by]: 0.0 for row in today if row.metric in tab.metrics}
    sizes |= {row.by[by]: size(row) for row in today if row.metric == tab.metrics[0]}
    order = sorted(sizes, key=lambda each: (-sizes[each], each))
    return order[:_SLICES], max(len(order) - _SLICES, 0)


def by_metric(rows: Sequence[Row]) -> dict[str, Values]:
    """The values of each metric by day."""
    found: dict[str, Values] = {}
    for row in rows:
        found.setdefault(row.metric, {})[row.time] = row.value
    return found


def _cards(context: Context, tab: Tab, setting: Setting, series: dict[str, Values]) -> tuple[CardView, ...]:
    return tuple(_card(context, name, setting, series.get(name, {})) for name in tab.metrics)


def _card(context: Context, name: str, setting: Setting, values: Values) -> CardView:
    metric, day = context.catalog.metric(name), setting.day
    shown = list(zone.days(setting.end - timedelta(days=setting.days), setting.end))
    return CardView(
        name,
        metric.label,
        values.get(day),
        metric.spec.format,
        values.get(day - _WEEK),
        metric.spec.good,
        tuple((each, values.get(each)) for each in shown),
        tuple((each, values.get(each - _FOUR_WEEKS)) for each in shown),
        metric.spec.description or "",
    )


def _filters(context: Context, tab: Tab, setting: Setting, sliced: Mapping[str, _Sliced]) -> Iterator[FilterView]:
    """Those with anything to choose from; bins in their own order."""
    for by in tab.filters:
        kept, left = _largest(tab, by, sliced[by].today)
        metrics, days = [context.catalog.metric(name) for name in tab.metrics], sliced[by].days
        values = [each for each in in_order(context, by, metrics, kept) if each in days]
        found = tuple(SliceView(each, _cards(context, tab, setting, days[each])) for each in values)
        if found:
            yield FilterView(by, words(by).capitalize(), found, left)


def _table(context: Context, tab: Tab, by: str, sliced: _Sliced) -> TableView:
    metrics = [context.catalog.metric(name) for name in tab.metrics]
    values = {(row.by[by], row.metric): row.value for row in sliced.today}
    kept, left = _largest(tab, by, sliced.today)
    order = in_order(context, by, metrics, kept)
    rows = tuple((value, tuple(values.get((value, name)) for name in tab.metrics)) for value in order)
    columns = tuple((metric.name, metric.label, metric.spec.format) for metric in metrics)
    return TableView(by, words(by).capitalize(), columns, rows, others(left, by))


def _heatmap(context: Context, metric: str, days: int, day: date) -> HeatmapView:
    """The cohorts of the last days, as far as they had lived by the end of `day`."""
    end = day + timedelta(days=1)
    found = cohorts(context, metric, end - timedelta(days=days), end, days=min(days, _LIFE), until=end)
    rows = (
        HeatmapRow(each.cohort, each.size, tuple(cell.value for cell in each.cells), each.flagged, each.sentence)
        for each in found.cohorts
    )
    return HeatmapView(metric, context.catalog.metric(metric).label, tuple(found.days), tuple(rows))
