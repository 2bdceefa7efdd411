"""What blocks share: series by slice, the largest slices, and numbers of the day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from assay.catalog.catalog import Metric
from assay.catalog.series import Size, Total
from assay.compiler.dimensions import labels
from assay.config.events import EventSpec, Span
from assay.jobs.context import Context
from assay.jobs.outputs.blocks import news
from assay.jobs.outputs.blocks.setting import Setting
from assay.jobs.queries.labels import about, dimensions
from assay.jobs.queries.query import Row, query
from assay.report.views import LineView, Point

_DAY = timedelta(days=1)
_WHOLE = 0.01  # by which slices may miss their total and still be its shares
Series = dict[date, Row]
Mark = tuple[str, date, date]


def series(
    context: Context, metrics: Sequence[str], start: date, end: date, by: str | None = None
) -> dict[tuple[str, str], Series]:
    """(metric, value of the dimension): its rows by day."""
    found: dict[tuple[str, str], Series] = {}
    for row in query(context, metrics, start, end, by):
        found.setdefault((row.metric, " ".join(row.by.values())), {})[row.time] = row
    return found


def judged(
    context: Context, metrics: Sequence[str], setting: Setting, by: str | None = None
) -> dict[tuple[str, str], Series]:
    """Series as long as it takes to show the days and to say what is usual."""
    start = setting.day - timedelta(days=max(news.RHYTHM, setting.days) + 1) - setting.compare
    return series(context, metrics, start, setting.end, by)


def line(metric: Metric, name: str, found: Series, setting: Setting, share: float | None = None) -> LineView:
    """One number of the day beside that of the day compared with."""
    now, before = news.value(found, setting.day), news.value(found, setting.versus)
    moved = news.moved(found, setting.day, setting.compare)
    usual, spec = moved.usual if moved else None, metric.spec
    calm = bool(moved and usual and not moved.news)
    return LineView(name, now, spec.format, before, spec.good, calm, usual, share)


def points(found: Series, days: Sequence[date], back: timedelta = timedelta(0)) -> tuple[Point, ...]:
    """The values of some days, or of the days so far before them, drawn on these."""
    return tuple((each, news.value(found, each - back)) for each in days)


def last_days(setting: Setting, count: int | None) -> list[date]:
    """The days on a chart, up to that of the report."""
    return [setting.day - timedelta(days=back) for back in reversed(range(count or setting.days))]


def largest(rows: Iterable[Row], by: str, top: int) -> tuple[list[str], int]:
    """The values of a dimension by size, and how many are left out."""
    sizes: dict[str, float] = {}
    for row in rows:
        sizes[row.by[by]] = sizes.get(row.by[by], 0.0) + size(row)
    values = sorted((each for each in sizes if sizes[each]), key=lambda each: (-sizes[each], each))
    return values[:top], max(len(values) - top, 0)


def size(row: Row) -> float:
    """How large a slice is; a quotient is as large as its denominator."""
    return abs((row.value if row.denominator is None else row.denominator) or 0.0)


def in_order(context: Context, by: str, metrics: Sequence[Metric], values: Sequence[str]) -> list[str]:
    """Bins in their own order, other values as they are."""
    order = {label: at for at, label in enumerate(labels(context.catalog.dimension(by, metrics).cuts))}
    return sorted(values, key=lambda each: order.get(each, len(order)))


def others(count: int, by: str) -> str:
    """What is said of the slices that are left out; nothing when there are none."""
    return f"and {count:,} other value{'' if count == 1 else 's'} of {words(by)}" if count else ""


def words(name: str) -> str:
    """The name of a dimension as people write it."""
    return name.replace("_", " ")


def shares(metric: Metric, parts: dict[str, float | None], total: float | None) -> dict[str, float]:
    """The share of each slice in a total of events or entities; nothing where slices overlap or are no parts."""
    known = {name: value for name, value in parts.items() if value is not None}
    if not isinstance(metric.series, Size | Total) or not total or min(known.values(), default=0.0) < 0:
        return {}
    if abs(sum(known.values()) - total) > _WHOLE * total:
        return {}
    return {name: value / total for name, value in known.items()}


def marks(context: Context, metrics: Sequence[str], days: Sequence[date]) -> tuple[Mark, ...]:
    """The calendar's events that meet some days and are about any of the metrics: (label, first day, day after)."""
    found = []
    for name, event in context.catalog.definitions.events.items():
        start, end = span(event.spec)
        if start <= days[-1] and end > days[0] and any(_about(context, event.spec, each) for each in metrics):
            found.append((event.spec.label or words(name).capitalize(), start, end))
    return tuple(sorted(found, key=lambda mark: mark[1:]))


def span(event: Span) -> tuple[date, date]:
    """The days that an event or a silence touches, half-open."""
    return event.start.date(), (event.end - timedelta(microseconds=1)).date() + _DAY


def _about(context: Context, event: EventSpec, name: str) -> bool:
    """Whether an event is about a metric, or about an alert on it."""
    metric, every = context.catalog.metric(name), dimensions(context.catalog)
    alerts = (each.name for each in context.catalog.definitions.alerts.values() if name in each.spec.metrics)
    known = {"metric": name, "owner": metric.spec.owner or ""}
    return any(about(event, known | {"alert": alert}, every) for alert in ("", *alerts))
