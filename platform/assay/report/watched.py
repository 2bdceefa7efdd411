"""Alerts on the site: the timeline over all of them, and the slots of what one of them watches."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from statistics import median
from typing import Any

from assay.report import charts
from assay.report.format import present, show, show_slice, show_time
from assay.report.views import AlertView, MarkView, SiteView, WatchView

DAYS = 90  # of the timeline
_DAY = timedelta(days=1)
Href = Callable[[str, str], str | None]


def timeline(site: SiteView, href: Href, width: int) -> str:
    """A row per alert with its incidents, then one per event and silence of these days."""
    first, last = site.day - timedelta(days=DAYS - 1), site.day + _DAY
    alerts = [charts.Row(each.name, tuple(_bars(each, last)), href("alert", each.name)) for each in site.alerts]
    calendar = [
        charts.Row(each.label, (_mark(each),), calendar=True)
        for each in site.calendar
        if each.start.replace(tzinfo=None) < _midnight(last) and each.end.replace(tzinfo=None) > _midnight(first)
    ]
    return charts.rows([*alerts, *calendar], first, last, title="Alerts over time", width=width)


def _midnight(day: date) -> datetime:
    """By the clock of the project, as all moments of the calendar are."""
    return datetime.combine(day, time())


def _bars(alert: AlertView, last: date) -> Iterator[charts.Bar]:
    for incident in alert.incidents:
        ended = incident.get("ended")
        tone = "flat" if ended and not incident.get("told", True) else "bad"
        end = datetime.fromisoformat(ended) if ended else last
        yield charts.Bar(datetime.fromisoformat(incident["since"]), end, said(incident), tone)


def said(incident: Mapping[str, Any]) -> str:
    """What, for whom, and from when to when."""
    since, ended = show_time(incident["since"]), incident.get("ended")
    until = f"to {show_time(ended)}" if ended else "still open"
    return f"{incident['metric']}, {show_slice(incident['by'])}, {since} {until}"


def _mark(mark: MarkView) -> charts.Bar:
    return charts.Bar(mark.start, mark.end, f"{mark.kind} {mark.label}, {show_time(mark.start)}", "flat")


@dataclass(frozen=True, slots=True)
class Day:
    """The slots of one day in numbers: how many are stored, of how many, and their values as they read."""

    day: date
    stored: int
    slots: int
    lowest: str
    middle: str
    highest: str


def days(watch: WatchView) -> list[Day]:
    """A chart in numbers, for those who do not see it."""
    found = groupby(watch.series, key=lambda point: point[0].date() if isinstance(point[0], datetime) else point[0])
    return [_day(watch, day, [value for _, value in points]) for day, points in found]


def _day(watch: WatchView, day: date, values: list[float | None]) -> Day:
    known = [value for value in values if present(value)]
    lowest, middle, highest = (show(each(known) if known else None, watch.format) for each in (min, median, max))
    return Day(day, len(known), len(values), lowest, middle, highest)


def sentence(watch: WatchView) -> str:
    """What the chart of a metric shows, in words."""
    known = [(at, value) for at, value in watch.series if present(value)]
    if not known:
        return "None of these slots has a value."
    low, high = (each(known, key=lambda point: point[1]) for each in (min, max))
    missing = len(watch.series) - len(known)
    gaps = f" {missing} of {len(watch.series)} slots have no value." if missing else ""
    return f"From {_at(low, watch)} to {_at(high, watch)}.{gaps}"


def _at(point: tuple[date, float], watch: WatchView) -> str:
    return f"{show(point[1], watch.format)} ({show_time(point[0])})" if isinstance(point[0], datetime) else "–"


def script(site: SiteView, alert: AlertView) -> str:
    """The series for the charts of an alert's page: seconds since 1970, and values, missing ones as null."""
    spans = [[_seconds(each["since"]), _seconds(each.get("ended"))] for each in alert.incidents]
    told = {
        "zone": site.timezone,
        "episodes": spans,
        "charts": [_chart(watch) for watch in (*alert.watched, *alert.around)],
    }
    return f"assaySlots({json.dumps(told, ensure_ascii=False, separators=(',', ':'))});\n"


def _chart(watch: WatchView) -> dict[str, Any]:
    times = [int(at.timestamp()) for at, _ in watch.series if isinstance(at, datetime)]
    low, high = ([_rounded(point[bound]) for point in watch.band] for bound in (1, 2))
    values = [_rounded(value) for _, value in watch.series]
    return {"label": watch.label, "format": watch.format, "times": times, "values": values, "low": low, "high": high}


def _rounded(value: Any) -> float | None:
    """With as many digits as a chart can show."""
    return float(f"{value:.6g}") if present(value) else None


def _seconds(moment: str | None) -> int | None:
    return int(datetime.fromisoformat(moment).timestamp()) if moment else None
