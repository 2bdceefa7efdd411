"""The calendar of the project as regressors: what a campaign did to a day once, the next one is expected to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np

from assay import forecast
from assay.catalog.catalog import Metric
from assay.config.definitions import Definition
from assay.config.events import EventSpec
from assay.jobs.context import Context
from assay.jobs.forecasts.daily import Floats
from assay.jobs.queries.labels import about, dimensions

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """`events` for the models, None for none; `unlearnt`: known ahead, in the horizon, and never seen before."""

    events: forecast.Events | None
    unlearnt: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return self.events.names if self.events else ()


def calendar(context: Context, metric: Metric, first: date, days: int, horizon: int) -> Calendar:
    """The events about a metric over `days` days from `first` on and the `horizon` after them.

    Events of one label are one regressor. Its value is the share of the day that they cover.
    """
    groups: dict[str, list[EventSpec]] = {}
    for each in relevant(context, metric):
        groups.setdefault(each.spec.label or each.name, []).append(each.spec)
    shares = {name: coverage(specs, first, days + horizon) for name, specs in groups.items()}
    shares = {name: values for name, values in shares.items() if values.any()}
    if not shares:
        return Calendar(None, ())
    ahead = tuple(all(spec.known_ahead for spec in groups[name]) for name in shares)
    events = forecast.Events(np.column_stack(list(shares.values())), tuple(shares), ahead)
    new = [name for name, known in zip(shares, ahead, strict=True) if known and not shares[name][:days].any()]
    return Calendar(events, tuple(new))


def relevant(context: Context, metric: Metric) -> list[Definition[EventSpec]]:
    """The events that say something about the total of a metric."""
    known = {"metric": metric.name, "owner": metric.spec.owner or ""}
    every = dimensions(context.catalog)
    return [each for each in context.catalog.definitions.events.values() if about(each.spec, known, every)]


def coverage(specs: Iterable[EventSpec], first: date, days: int) -> Floats:
    """Which share of each day some events cover, shape (days,)."""
    shares = np.zeros(days)
    for spec in specs:
        for at in range(days):
            begin = datetime.combine(first + at * _DAY, time())
            inside = min(spec.end, begin + _DAY) - max(spec.start, begin)
            shares[at] = max(shares[at], inside / _DAY)
    return shares
