"""`experiments`: who saw what, which metrics decide, and by which rule."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from assay.config.assignment import Assignment
from assay.config.base import (
    DateRange,
    Day,
    Described,
    Duration,
    MetricName,
    Name,
    Number,
    Share,
    Spec,
    Sql,
)


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

    test: Name = Field("welch", description="A statistical method; each metric gets the one that reads its kind.")
    sensitivity: tuple[Name, ...] = Field((), description="More methods, whose answers stand beside and never decide.")
    correction: Literal["none", "bonferroni", "sidak", "holm", "hochberg", "hommel", "bh", "by", "bky"] = "holm"
    relative: Literal["delta", "log", "fieller"] = Field("delta", description="How relative lifts get their interval.")
    cuped: Duration | None = Field(None, description="Days before the start used to reduce variance.")
    winsorize: Share | None = Field(
        None, gt=0.5, lt=1, description="Sums per unit are cut at this quantile of all units: 99%."
    )
    stratify: tuple[Name, ...] = Field((), max_length=1, description="A dimension for post-stratification.")
    sequential: Literal["none", "confidence_sequence", "msprt", "obrien_fleming", "pocock", "power_family"] = Field(
        "none", description="Allows a decision on any day before the end."
    )
    by: tuple[Name, ...] = Field((), description="Dimensions by which effects are told.")
    prior: Number | None = Field(None, gt=0, description="Standard deviation of relative effects (Bayesian).")


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
        ("srm", "crossovers", "exposure", "pre_period", "distribution", "day_stability", "twyman"),
        description="Gates that must pass before a verdict is given.",
    )
    decision: Literal["any_primary", "all_primary"] = "any_primary"
