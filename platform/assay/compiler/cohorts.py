"""Cohorts by day of life: who of them is active, from stored sets alone; or what they did, from one scan of the events.

Rows of both statements: day (of the cohort), val (of the dimension, empty for the total), k, then v0, n0, d0 as in
series. A cell without a row is a zero. Shares come with the size of the cohort, and each cohort has a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from assay.catalog.catalog import Catalog, Metric
from assay.catalog.lowering import identity
from assay.catalog.series import NOW, Measure, Seen, Size, leaves, plain, present
from assay.compiler import zone
from assay.compiler.investigate import shape
from assay.compiler.render import read
from assay.compiler.scan import scan
from assay.compiler.series import BUCKETS
from assay.compiler.values import Values, window_key
from assay.errors import UsageError
from assay.statement import Statement


@dataclass(frozen=True, slots=True)
class Cohorts:
    """The entities of `metric` on each day of [start, end), also by `dimension` if it is not empty, on the days of
    life 0…`days`."""

    metric: Metric
    dimension: str
    start: date
    end: date
    days: int

    @property
    def kind(self) -> str:
        """Of the entity."""
        return kind(self.metric)

    @property
    def parameters(self) -> dict[str, Any]:
        last = self.end - timedelta(days=1)
        return {"first": self.start, "last": last, "seen": last + timedelta(days=self.days), "dim": self.dimension}

    @property
    def context(self) -> dict[str, Any]:
        """What templates need."""
        values = Values([self.metric], sliced=bool(self.dimension))
        assert isinstance(self.metric.series, Size), "a cohort is a set"
        members = values.members(self.metric.series.members)
        return {"values": values, "members": members, "bucket": BUCKETS["day"], "days": self.days}


def kind(metric: Metric) -> str:
    """Which kind of entity a set holds."""
    return next(leaf.measure.counts or "" for leaf in leaves(metric.series))


def shares(cohorts: Cohorts, returns: Metric, rolling: bool, database: str) -> Statement:
    """v0 is how many of the cohort are in `returns` on day k; with `rolling`, on day k or later, up to the last day.

    Raises UsageError E302 unless the returns are a set of one day and of the same entity.
    """
    values = Values([returns])
    if not isinstance(returns.series, Size) or not plain(returns.series):
        raise _refused(returns, "Only a set of one day tells who was active on it.")
    if any(isinstance(each, Seen) for each in present(returns.series)):
        raise _refused(returns, "Nobody is new twice: what was seen before depends on the cohort itself.")
    if kind(returns) != cohorts.kind:
        raise _refused(returns, f"It counts another entity, {kind(returns)}, than the cohort, {cohorts.kind}.")
    return read(
        "cohorts/shares",
        f"{returns.name} of the cohorts of {cohorts.metric.name}",
        cohorts.parameters,
        returns.definition.location,
        returns=values,
        active=values.members(returns.series.members),
        rolling=rolling,
        database=database,
        **cohorts.context,
    )


def totals(catalog: Catalog, cohorts: Cohorts, metric: Metric, database: str) -> Statement:
    """v0 (n0 and d0 of a quotient) over the events of the entities of the cohort on day k.

    Raises UsageError E302 for what is no sum of events, or one such sum over another; and where the entity is unknown.
    """
    form = shape(metric.series)
    if form is None or not form.of_rows:
        raise _refused(metric, "It must be a sum over the events of a cohort, or one such sum over another.")
    scans = [
        scan(catalog, source)
        | {"entity": _entity(catalog, source, cohorts.kind, metric), "measures": _of(metric, source)}
        for source in metric.sources
    ]
    window = zone.window(cohorts.start, cohorts.end + timedelta(days=cohorts.days), catalog.zone)
    return read(
        "cohorts/totals",
        f"{metric.name} of the cohorts of {cohorts.metric.name}",
        cohorts.parameters | window,
        metric.definition.location,
        totals=Values([metric]),
        scans=scans,
        now=window_key(NOW),
        zone=catalog.zone,
        database=database,
        **cohorts.context,
    )


def _of(metric: Metric, source: str) -> Sequence[Measure]:
    return [measure for measure in metric.measures if measure.source == source]


def _entity(catalog: Catalog, source: str, wanted: str, metric: Metric) -> str:
    """The SQL of the entity in a source: the one of this name, or the only one of this kind."""
    spec = catalog.source(source).spec
    named = [name for name, each in spec.entities.items() if wanted in (name, each.kind)]
    if wanted in named or len(named) == 1:
        return identity(spec.entities[wanted if wanted in named else named[0]], spec)
    raise _refused(metric, f"Its source '{source}' does not say which {wanted} an event is of.")


def _refused(metric: Metric, why: str) -> UsageError:
    return UsageError.of(
        "E302",
        f"'{metric.name}' has no reading by day of life.",
        why=why,
        fix="Use a retention metric, a unique or set metric, a count, a sum, or a ratio of these.",
        location=metric.definition.location,
    )
