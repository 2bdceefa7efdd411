"""`metrics`: a typed aggregation over a source, or algebra over other metrics. One class per `type`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from assay.config.base import Described, Duration, Integer, Name, Number, Sql
from assay.config.check import MetricChecks

Good = Literal["up", "down"]
Format = Literal["number", "percent", "seconds", "minutes"]


class _Metric(Described):
    good: Good | None = Field(None, description="The direction that is good news.")
    format: Format = Field("number", description="How people read the value.")
    tier: Integer | None = Field(None, ge=1, le=3, description="1 is watched daily.")
    checks: MetricChecks = MetricChecks()


class OverSource(_Metric):
    """What the types that aggregate events share."""

    source: Name = Field(description="The source whose rows are aggregated.")
    where: Sql | None = Field(None, description="A SQL condition on one row.")


class CountMetric(OverSource):
    """The number of events."""

    type: Literal["count"]


class SumMetric(OverSource):
    """The sum of a value over events."""

    type: Literal["sum"]
    value: Sql = Field(description="A numeric SQL expression on one row; NULL is skipped.")


class MeanMetric(OverSource):
    """The mean of a value over the events where it is not NULL."""

    type: Literal["mean"]
    value: Sql = Field(description="A numeric SQL expression on one row; NULL is skipped.")


class QuantileMetric(OverSource):
    """A quantile of a value over events, from a t-digest."""

    type: Literal["quantile"]
    value: Sql = Field(description="A numeric SQL expression on one row; NULL is skipped.")
    level: Number = Field(gt=0, lt=1, description="0.5 is the median.")


class UniqueMetric(OverSource):
    """Distinct entities, exactly."""

    type: Literal["unique"]
    of: Name = Field(description="The entity to count.")


class RatioMetric(_Metric):
    """The sum of one metric over the sum of another."""

    type: Literal["ratio"]
    numerator: Name
    denominator: Name


class SetMetric(_Metric):
    """Entities in an algebra of unique metrics: `a & b`, `a | b`, `a - b`."""

    type: Literal["set"]
    expr: str = Field(min_length=1)


class RollingMetric(_Metric):
    """A count, sum or unique over the last days, each day's window ending with that day."""

    type: Literal["rolling"]
    metric: Name
    window: Duration


class DerivedMetric(_Metric):
    """Arithmetic over series: `a / b`, `(a - b) / c`, with numbers."""

    type: Literal["derived"]
    expr: str = Field(min_length=1)


MetricSpec = Annotated[
    CountMetric
    | SumMetric
    | MeanMetric
    | QuantileMetric
    | UniqueMetric
    | RatioMetric
    | SetMetric
    | RollingMetric
    | DerivedMetric,
    Field(discriminator="type"),
]
