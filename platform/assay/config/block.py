"""`blocks`: the one vocabulary of reports and dashboards. One class per `type`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from assay.config.base import Day, FieldError, Integer, MetricName, Name, Spec


class _Block(Spec):
    title: str | None = Field(None, min_length=1, description="Its heading; a good one is made when left out.")

    @property
    def shown(self) -> tuple[str, ...]:
        """The metrics that it shows."""
        one = getattr(self, "metric", None)
        return (one,) if one else getattr(self, "metrics", ())


class _Metrics(_Block):
    metrics: tuple[MetricName, ...] = Field(min_length=1)


class _Past(_Block):
    until: Day | None = Field(
        None, description="A day of the past, shown as it looked then; the newest one when left out."
    )


class CardsBlock(_Metrics):
    """Numbers of the day with their change, and a line for each of the first four."""

    type: Literal["cards"]
    by: Name | None = Field(None, description="Also each value of this dimension.")
    chart: Literal["lines", "none"] = "lines"


class LineBlock(_Metrics, _Past):
    """Metrics over time on one axis, each value of a dimension as a line of its own."""

    type: Literal["line"]
    by: Name | None = None
    top: Integer = Field(5, ge=1, le=20, description="So many values, the largest.")
    days: Integer | None = Field(None, ge=2, le=400, description="Days shown; those of the report when left out.")


class BarsBlock(_Block):
    """A metric by the values of a dimension on the day, beside the day compared with."""

    type: Literal["bars"]
    metric: MetricName
    by: Name
    top: Integer = Field(10, ge=1, le=50)


class TableBlock(_Metrics):
    """Metrics in columns, the values of a dimension in rows."""

    type: Literal["table"]
    by: Name
    top: Integer = Field(20, ge=1, le=5000)


class HeatmapBlock(_Past):
    """A metric by the values of a dimension and day, coloured by its change."""

    type: Literal["heatmap"]
    metric: MetricName
    by: Name
    top: Integer = Field(12, ge=1, le=50)
    days: Integer | None = Field(None, ge=2, le=60)


class CohortBlock(_Past):
    """Retention by cohort and day of life; cohorts unlike those of the same weekday are flagged."""

    type: Literal["cohort"]
    metric: MetricName
    cohorts: Integer = Field(14, ge=2, le=60, description="So many cohorts, the newest.")
    life: Integer = Field(7, ge=1, le=60, description="Days of life.")


class LifecycleBlock(_Block):
    """New, retained, resurrected and churned, week by week."""

    type: Literal["lifecycle"]
    metric: Name
    weeks: Integer = Field(12, ge=2, le=60)


class FunnelBlock(_Block):
    """Who goes how far through the steps."""

    type: Literal["funnel"]
    metric: Name


class InvestigateBlock(_Block):
    """Which slices explain what moved: on a day, or on the day of the report where it moved beyond its usual range."""

    type: Literal["investigate"]
    metric: MetricName
    on: Day | None = Field(None, description="A day of the past; the day of the report when left out.")
    vs: Day | None = Field(None, description="The day compared with `on`; four weekdays before it when left out.")

    def model_post_init(self, _context: object) -> None:
        if self.vs is not None and self.on is None:
            raise FieldError("'vs' is the day compared with 'on', and there is no 'on'", "on: 2025-08-24")
        if self.vs is not None and self.vs == self.on:
            raise FieldError("a day is compared with itself", "vs: 2025-08-17")


class ExperimentBlock(_Block):
    """The verdict of an experiment, why, and its effects."""

    type: Literal["experiment"]
    experiment: Name


class ForecastBlock(_Block):
    """The stored forecast with its interval, and how earlier ones did."""

    type: Literal["forecast"]
    forecast: Name


class TextBlock(_Block):
    """Words."""

    type: Literal["text"]
    text: str = Field(min_length=1)


Block = Annotated[
    CardsBlock | LineBlock | BarsBlock | TableBlock | HeatmapBlock | CohortBlock | LifecycleBlock | FunnelBlock
    | InvestigateBlock | ExperimentBlock | ForecastBlock | TextBlock,
    Field(discriminator="type"),
]  # fmt: skip
