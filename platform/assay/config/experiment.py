"""`experiments`: who saw what, which metrics decide, and by which rule."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from assay.config.base import (
    DateRange,
    Day,
    Described,
    Duration,
    FieldError,
    MetricName,
    Name,
    Number,
    Share,
    Spec,
    Sql,
    Value,
)


class Assignment(Spec):
    """Which variant a unit belongs to, read from a column. The first variant is the control."""

    source: Name
    column: Sql = Field(description="The column or SQL expression that holds the variant's value.")
    variants: dict[Name, Value] = Field(min_length=2, description="Variant: the value in the column.")
    weights: dict[Name, Number] = Field({}, description="Variant: its share of the traffic. Equal when left out.")

    def model_post_init(self, _context: Any) -> None:
        if self.weights and set(self.weights) != set(self.variants):
            raise FieldError("weights must name exactly the variants", self._equal_weights())
        if any(weight <= 0 for weight in self.weights.values()):
            raise FieldError("weights must be positive", self._equal_weights())

    def _equal_weights(self) -> str:
        return f"weights: {{{', '.join(f'{variant}: 1' for variant in self.variants)}}}"


class Exposure(Spec):
    """The event at which a unit enters; only what it does from then on counts."""

    source: Name
    where: Sql | None = None


class Roles(Spec):
    """What each metric is for."""

    primary: tuple[MetricName, ...] = Field(min_length=1, description="These decide.")
    secondary: tuple[MetricName, ...] = Field((), description="These explain.")
    guardrail: dict[MetricName, Share] = Field({}, description="Metric: the relative change that is still acceptable.")


class Design(Spec):
    """What the experiment was sized for."""

    mde: Number | None = Field(None, gt=0, description="The smallest absolute effect worth finding.")
    power: Number = Field(0.8, gt=0, lt=1)
    alpha: Number = Field(0.05, gt=0, lt=1)
    history: DateRange | None = Field(None, description="The days from which the design takes its numbers.")


class Analysis(Spec):
    """How the numbers are compared."""

    test: Name = "welch"
    correction: Literal["none", "bonferroni", "sidak", "holm", "hochberg", "bh", "by"] = "holm"
    cuped: Duration | None = Field(None, description="Days before the start used to reduce variance.")


class ExperimentSpec(Described):
    """A randomised comparison of variants."""

    hypothesis: str = Field(min_length=1)
    entity: Name = "user"
    assignment: Assignment
    exposure: Exposure
    start: Day = Field(description="The first day, in the project's time zone.")
    end: Day = Field(description="The day after the last one: windows are half-open.")
    metrics: Roles
    design: Design = Design()
    analysis: Analysis = Analysis()
    validity: tuple[Name, ...] = Field(
        ("srm", "crossovers"), description="Gates that must pass before a verdict is given."
    )
    decision: Literal["any_primary", "all_primary"] = "any_primary"
